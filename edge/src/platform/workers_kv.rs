//! The KV namespace of the registers' copies.
//!
//! Invariant: only homes write. A copy that was read may be as old as the window that the reader
//! names, and older where the platform is slow.

use super::Thrown;
use wasm_bindgen::prelude::*;
use worker::Env;

/// The binding's name in `wrangler.toml`.
const BINDING: &str = "REGISTERS";
/// The shortest window that the platform allows, in seconds.
/// Source: developers.cloudflare.com/kv/api/read-key-value-pairs (cacheTtl).
pub(crate) const WINDOW_S_MIN: u32 = 30;

#[wasm_bindgen(inline_js = r#"
export const get = (env, binding, key, cacheTtl) =>
  env[binding].get(key, { type: "text", cacheTtl });
export async function getMany(env, binding, keys) {
  return JSON.stringify([...(await env[binding].get(JSON.parse(keys), { type: "text" }))]);
}
export const put = (env, binding, key, value, expirationTtl) =>
  env[binding].put(key, value, { expirationTtl });
"#)]
extern "C" {
    #[wasm_bindgen(catch)]
    async fn get(env: &Env, binding: &str, key: &str, ttl_s: u32) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch, js_name = getMany)]
    async fn get_many(env: &Env, binding: &str, keys: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch)]
    async fn put(
        env: &Env,
        binding: &str,
        key: &str,
        value: &str,
        ttl_s: Option<u32>,
    ) -> Result<JsValue, JsValue>;
}

/// One copy; `None`: there is none.
pub(crate) async fn read(env: &Env, key: &str, window_s: u32) -> Result<Option<String>, Thrown> {
    Ok(get(env, BINDING, key, window_s.max(WINDOW_S_MIN)).await?.as_string())
}

/// Up to 100 copies, as (key, text).
pub(crate) async fn read_many(
    env: &Env,
    keys: &[String],
) -> Result<Vec<(String, Option<String>)>, Thrown> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let found = get_many(env, BINDING, &serde_json::to_string(keys)?).await?;
    Ok(serde_json::from_str(&found.as_string().unwrap_or_default())?)
}

/// Writes one copy; KV forgets it after so many seconds, 60 at least, or never.
pub(crate) async fn write(
    env: &Env,
    key: &str,
    text: &str,
    ttl_s: Option<u32>,
) -> Result<(), Thrown> {
    put(env, BINDING, key, text, ttl_s).await?;
    Ok(())
}
