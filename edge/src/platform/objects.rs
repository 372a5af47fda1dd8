//! Calls to Durable Objects.
//!
//! Invariant: every call has a timeout, because an object whose isolate died may never answer. It
//! is tried again once where the platform says that it may (an object that moved, new code): every
//! message of ours may arrive twice.
//! Source: developers.cloudflare.com/durable-objects/best-practices/error-handling.

use super::Thrown;
use wasm_bindgen::prelude::*;
use worker::Env;

#[wasm_bindgen(inline_js = r#"
export async function call(env, binding, name, path, body, ms) {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(new Error(`no answer within ${ms} ms`)), ms);
  const once = async () => {
    // A stub that threw stays broken, so every attempt has its own.
    const stub = env[binding].get(env[binding].idFromName(name));
    const init = { method: "POST", body, signal: abort.signal };
    const response = await stub.fetch("http://object" + path, init);
    const text = await response.text();
    if (response.status !== 200) throw new Error(`${response.status} ${text}`);
    return text;
  };
  try {
    return await once().catch((error) => {
      if (!error.retryable || error.overloaded || abort.signal.aborted) throw error;
      return once();
    });
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
