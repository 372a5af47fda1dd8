//! Calls to Durable Objects.
//!
//! Invariant: every call has a timeout, because an object whose isolate died may never answer.

use super::Thrown;
use wasm_bindgen::prelude::*;
use worker::Env;

#[wasm_bindgen(inline_js = r#"
export async function call(env, binding, name, path, body, ms) {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(new Error(`no answer within ${ms} ms`)), ms);
  try {
    const objects = env[binding];
    const stub = objects.get(objects.idFromName(name));
    const init = { method: "POST", body, signal: abort.signal };
    const response = await stub.fetch("http://object" + path, init);
    const text = await response.text();
    if (response.status !== 200) throw new Error(`${response.status} ${text}`);
    return text;
  } finally {
    clearTimeout(timer);
  }
}
"#)]
extern "C" {
    #[wasm_bindgen(catch)]
    async fn call(
        env: &Env,
        binding: &str,
        name: &str,
        path: &str,
        body: &str,
        ms: f64,
    ) -> Result<JsValue, JsValue>;
}

/// Posts `body` to the object `name` of a binding; its answer, when that is a 200.
pub(crate) async fn post(
    env: &Env,
    (binding, name): (&str, &str),
    path: &str,
    body: &str,
    timeout_ms: u64,
) -> Result<String, Thrown> {
    let answer = call(env, binding, name, path, body, timeout_ms as f64).await?;
    Ok(answer.as_string().unwrap_or_default())
}
