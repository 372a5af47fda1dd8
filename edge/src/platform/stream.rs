//! A client's body on its way to the origin, part by part.
//!
//! Invariant: no byte of it enters this isolate's memory of wasm; it has exactly the length that
//! was signed, or the request fails. The timeout covers body and answer.

use super::Thrown;
use super::http::Outgoing;
use wasm_bindgen::prelude::*;
use web_sys::Request;

#[wasm_bindgen(inline_js = r#"
export async function pass(request, length, url, method, headers, ms) {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(new Error(`no answer within ${ms} ms`)), ms);
  try {
    const init = { method, headers: JSON.parse(headers), redirect: "manual", signal: abort.signal };
    if (request.body) {
      const { readable, writable } = new FixedLengthStream(length);
      // Whoever refuses early reads no more; what counts is the answer.
      request.body.pipeTo(writable, { signal: abort.signal }).catch(() => {});
      init.body = readable;
    }
    const response = await fetch(url, init);
    return `${response.status}\n${await response.text()}`;
  } finally {
    clearTimeout(timer);
  }
}
"#)]
extern "C" {
    #[wasm_bindgen(catch, js_name = pass)]
    async fn pass_on(
        request: &Request,
        length: f64,
        url: &str,
        method: &str,
        headers: &str,
        ms: f64,
    ) -> Result<JsValue, JsValue>;
}

/// Sends `outgoing` with the body of `request`; status and body of whatever answer.
pub(crate) async fn pass(
    outgoing: Outgoing<'_>,
    request: &Request,
    length: u64,
) -> Result<(u16, String), Thrown> {
    let Outgoing { url, method, headers, timeout_ms, .. } = outgoing;
    let headers = serde_json::to_string(headers)?;
    let ms = timeout_ms as f64;
    let answer = pass_on(request, length as f64, url, method, &headers, ms).await?;
    let answer = answer.as_string().unwrap_or_default();
    let (status, body) = answer.split_once('\n').unwrap_or_default();
    Ok((status.parse().unwrap_or_default(), body.into()))
}
