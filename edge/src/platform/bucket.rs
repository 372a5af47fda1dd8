//! The bucket of objects (R2) and the colo's cache before it.
//!
//! Invariant: no byte of an object enters the memory of wasm: bodies go from stream to stream. An
//! object lies in the bucket whole or not at all; what is cached under a URL never changes. Only a
//! home writes (`home.rs`), so that an object is pulled once.
//! Sources: developers.cloudflare.com/r2/api/workers,
//! developers.cloudflare.com/workers/runtime-apis/cache.

use super::Thrown;
use wasm_bindgen::prelude::*;
use web_sys::Response;
use worker::Env;

/// The binding's name in `wrangler.toml`.
const BINDING: &str = "OBJECTS";

#[wasm_bindgen(inline_js = r#"
const answer = (body, status, made, size, part) => {
  const headers = new Headers(made);
  headers.set("accept-ranges", "bytes");
  headers.set("content-length", String(part ? part.length : size));
  if (part) {
    const last = part.offset + part.length - 1;
    headers.set("content-range", `bytes ${part.offset}-${last}/${size}`);
  }
  return new Response(body, { status, headers });
};
const cut = (range, size) => {
  if (!range) return undefined;
  if (range.suffix) {
    const length = Math.min(range.suffix, size);
    return { offset: size - length, length };
  }
  return { offset: range.offset, length: Math.min(range.length ?? size, size - range.offset) };
};
export async function find(env, binding, key, url, head, rangeText, headersText) {
  const range = rangeText ? JSON.parse(rangeText) : undefined;
  const made = JSON.parse(headersText);
  if (head || range) {
    // Its size first: a part beyond the end is an answer, not an error.
    const known = await env[binding].head(key);
    if (!known) return null;
    const part = cut(range, known.size);
    if (part && part.length <= 0) return known.size;
    if (head) return answer(null, part ? 206 : 200, made, known.size, part);
    const object = await env[binding].get(key, { range: part });
    return object && answer(object.body, 206, made, known.size, part);
  }
  const hit = await caches.default.match(url);
  if (hit) return answer(hit.body, 200, made, Number(hit.headers.get("content-length")));
  const object = await env[binding].get(key);
  if (!object) return null;
  const [now, later] = object.body.tee();
  const length = String(object.size);
  const headers = { "cache-control": "public, max-age=31536000", "content-length": length };
  const copy = new FixedLengthStream(object.size);
  later.pipeTo(copy.writable).catch(() => {});
  const put = caches.default.put(url, new Response(copy.readable, { headers }))
    .catch(() => {});
  return Object.assign(answer(now, 200, made, object.size), { kept: put });
}
export const kept = (response) => response.kept ?? Promise.resolve();
export async function has(env, binding, key) {
  return (await env[binding].head(key)) !== null;
}
export async function forget(env, binding, prefix) {
  const { objects, truncated } = await env[binding].list({ prefix, limit: 1000 });
  if (objects.length > 0) await env[binding].delete(objects.map(({ key }) => key));
  return [objects.length, truncated];
}
export async function pull(env, binding, key, url, headers, ms) {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(new Error(`no answer within ${ms} ms`)), ms);
  try {
    const init = { headers: JSON.parse(headers), redirect: "manual", signal: abort.signal };
    const response = await fetch(url, init);
    if (response.status !== 200) {
      await response.body?.cancel();
      if (response.status === 404) return false;
      throw new Error(`the origin answered ${response.status}`);
    }
    const contentType = response.headers.get("content-type") ?? undefined;
    await env[binding].put(key, response.body, { httpMetadata: { contentType } });
    return true;
  } finally {
    clearTimeout(timer);
  }
}
"#)]
extern "C" {
    #[wasm_bindgen(catch, js_name = find)]
    async fn found(
        env: &Env,
        binding: &str,
        key: &str,
        url: &str,
        head: bool,
        range: Option<String>,
        headers: &str,
    ) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch, js_name = kept)]
    async fn is_kept(response: &Response) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch, js_name = has)]
    async fn has_key(env: &Env, binding: &str, key: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch, js_name = forget)]
    async fn forgotten(env: &Env, binding: &str, prefix: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch, js_name = pull)]
    async fn pulled(
        env: &Env,
        binding: &str,
        key: &str,
        url: &str,
        headers: &str,
        ms: f64,
    ) -> Result<JsValue, JsValue>;
}

/// What is wanted of an object.
pub(crate) struct Wanted<'a> {
    /// The key in the bucket.
    pub(crate) key: &'a str,
    /// Under which the colo's cache knows it; never asked for.
    pub(crate) url: &'a str,
    /// Its head alone.
    pub(crate) head: bool,
    /// A part, as JSON of [`shared::range::Range`].
    pub(crate) range: Option<String>,
    /// Of the answer.
    pub(crate) headers: &'a [(String, String)],
}

/// What became of it.
pub(crate) enum Found {
    /// The answer, from the cache or the bucket.
    Answer(Response),
    /// The part begins beyond the object's end, which has so many bytes.
    Beyond(u64),
    /// Neither has it.
    Nowhere,
}

/// The answer to what is wanted.
pub(crate) async fn find(env: &Env, wanted: Wanted<'_>) -> Result<Found, Thrown> {
    let Wanted { key, url, head, range, headers } = wanted;
    let headers = serde_json::to_string(headers)?;
    let answer = found(env, BINDING, key, url, head, range, &headers).await?;
    if let Some(size) = answer.as_f64() {
        return Ok(Found::Beyond(size as u64));
    }
    Ok(answer.dyn_into().map_or(Found::Nowhere, Found::Answer))
}

/// Until the cache has taken its copy of what [`find`] answered.
pub(crate) async fn kept(response: &Response) {
    // Without it the bucket answers again.
    let _ = is_kept(response).await;
}

/// Whether the bucket has it.
pub(crate) async fn has(env: &Env, key: &str) -> Result<bool, Thrown> {
    Ok(has_key(env, BINDING, key).await?.is_truthy())
}

/// Takes a thousand objects away that begin so; how many went, and whether there are more.
pub(crate) async fn forget(env: &Env, prefix: &str) -> Result<(u32, bool), Thrown> {
    let said: js_sys::Array = forgotten(env, BINDING, prefix).await?.unchecked_into();
    Ok((said.get(0).as_f64().unwrap_or_default() as u32, said.get(1).is_truthy()))
}

/// Streams what `url` answers into the bucket; `false`: there is no such thing.
pub(crate) async fn pull(
    env: &Env,
    key: &str,
    url: &str,
    headers: &[(&str, &str)],
    timeout_ms: u64,
) -> Result<bool, Thrown> {
    let headers = serde_json::to_string(headers)?;
    let there = pulled(env, BINDING, key, url, &headers, timeout_ms as f64).await?;
    Ok(there.is_truthy())
}
