//! Requests in, responses out, and requests of our own, as texts.
//!
//! Invariant: a body is never buffered beyond its bound; a request of our own has a timeout that
//! covers its body and follows no redirect; a header never passes from one side to the other by
//! itself.

use super::Thrown;
use wasm_bindgen::prelude::*;
use web_sys::{Request, Response};

#[wasm_bindgen(inline_js = r#"
export function facts(request) {
  const get = (name) => request.headers.get(name) ?? "";
  const cf = request.cf ?? {};
  return [
    request.method, request.url, get("user-agent"), get("referer"), get("sec-gpc"),
    get("cf-connecting-ip"), get("x-request-id"), cf.country ?? "", cf.colo ?? "",
    cf.regionCode ?? "", get("accept-language"),
    cf.clientTcpRtt ?? "", cf.asn ?? "",
  ].join("\n");
}
export const header = (request, name) => request.headers.get(name) ?? undefined;
export async function body(request, max, drained) {
  const said = Number(request.headers.get("content-length") ?? 0);
  if (said > drained) return null;
  let chunks = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength;
    if (size > drained) return null;
    if (Math.max(size, said) > max) chunks = [];
    else chunks.push(chunk);
  }
  if (size > max) return null;
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}
export const letter = async (request) =>
  `${request.url.slice(request.url.indexOf("/", 8))}\n${await request.text()}`;
export function away(status, location, cacheControl, id) {
  const headers = { location, "cache-control": cacheControl, "x-request-id": id };
  return new Response(null, { status, headers });
}
export const whole = (status, headers, body) =>
  new Response(body ?? null, { status, headers: JSON.parse(headers) });
export async function asset(env, request, id) {
  const found = await env.ASSETS?.fetch(request);
  if (!found || found.status === 404) return null;
  const response = new Response(found.body, found);
  response.headers.set("x-request-id", id);
  return response;
}
export const assetAt = (env, request, path, id) => {
  const { method, headers } = request;
  return asset(env, new Request(new URL(path, request.url), { method, headers }), id);
};
export const file = (status, headers, body) =>
  new Response(body, { status, headers: JSON.parse(headers) });
export function pipe(status, headers) {
  const { readable, writable } = new TransformStream();
  const init = { status, headers: JSON.parse(headers) };
  return [new Response(readable, init), writable.getWriter(), new TextEncoder()];
}
export const write = ([, writer, encoder], text) => writer.write(encoder.encode(text));
export const close = ([, writer]) => writer.close();
export const reader = (request) => request.body?.getReader();
export async function next(reader) {
  const { done, value } = await reader.read();
  return done ? undefined : value;
}
export const sha256 = async (bytes) =>
  new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
export async function ask(url, method, headers, body, ms) {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(new Error(`no answer within ${ms} ms`)), ms);
  try {
    const init = { method, headers: JSON.parse(headers), redirect: "manual", signal: abort.signal };
    const response = await fetch(url, body === undefined ? init : { ...init, body });
    return `${response.status}\n${await response.text()}`;
  } finally {
    clearTimeout(timer);
  }
}
"#)]
extern "C" {
    #[wasm_bindgen(catch)]
    fn facts(request: &Request) -> Result<String, JsValue>;
    #[wasm_bindgen(catch)]
    fn header(request: &Request, name: &str) -> Result<Option<String>, JsValue>;
    #[wasm_bindgen(catch)]
    async fn body(request: &Request, max: f64, drained: f64) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch)]
    async fn letter(request: &Request) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch)]
    fn away(
        status: u16,
        location: &str,
        cache_control: &str,
        id: &str,
    ) -> Result<Response, JsValue>;
    #[wasm_bindgen(catch)]
    fn whole(status: u16, headers: &str, body: Option<&str>) -> Result<Response, JsValue>;
    #[wasm_bindgen(catch, js_name = asset)]
    async fn asset_of(env: &JsValue, request: &Request, id: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch, js_name = assetAt)]
    async fn asset_of_path(
        env: &JsValue,
        request: &Request,
        path: &str,
        id: &str,
    ) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch, js_name = file)]
    fn file_of(status: u16, headers: &str, body: &[u8]) -> Result<Response, JsValue>;
    #[wasm_bindgen(catch)]
    fn pipe(status: u16, headers: &str) -> Result<js_sys::Array, JsValue>;
    #[wasm_bindgen(catch)]
    async fn write(pipe: &js_sys::Array, text: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch)]
    async fn close(pipe: &js_sys::Array) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch)]
    fn reader(request: &Request) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch)]
    async fn next(reader: &JsValue) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch, js_name = sha256)]
    async fn sha256_of(bytes: Vec<u8>) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch)]
    async fn ask(
        url: &str,
        method: &str,
        headers: &str,
        body: Option<Vec<u8>>,
        ms: f64,
    ) -> Result<JsValue, JsValue>;
}

/// What every request says of itself; texts that are missing are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Upper case.
    pub(crate) method: String,
    /// The authority of the URL: name, and the port unless it is the scheme's.
    pub(crate) host: String,
    /// Percent-encoded, as sent.
    pub(crate) path: String,
    /// Without the `?`.
    pub(crate) query: String,
    /// `User-Agent`.
    pub(crate) user_agent: String,
    /// `Referer`.
    pub(crate) referrer: String,
    /// `Sec-GPC`.
    pub(crate) gpc: String,
    /// `CF-Connecting-IP`, which the platform sets.
    pub(crate) ip: String,
    /// A client's own `X-Request-Id`.
    pub(crate) client_request_id: String,
    /// ISO 3166-1, by the platform.
    pub(crate) country: String,
    /// The colo, by the platform.
    pub(crate) colo: String,
    /// The second part of ISO 3166-2, by the platform.
    pub(crate) region: String,
    /// `Accept-Language`.
    pub(crate) languages: String,
    /// The round trip as the platform measured it, in milliseconds.
    pub(crate) tcp_rtt_ms: String,
    /// The network's number, by the platform.
    pub(crate) asn: String,
}

impl Facts {
    /// Reads them, in one crossing.
    pub(crate) fn of(request: &Request) -> Result<Self, Thrown> {
        Ok(Self::parse(&facts(request)?))
    }

    fn parse(text: &str) -> Self {
        // No header's value holds a line break (RFC 9110, section 5.5).
        let mut lines = text.split('\n').map(str::to_string);
        let mut next = || lines.next().unwrap_or_default();
        let method = next();
        let url = next();
        let (host, path, query) = split(&url);
        Self {
            method,
            host: host.into(),
            path: path.into(),
            query: query.into(),
            user_agent: next(),
            referrer: next(),
            gpc: next(),
            ip: next(),
            client_request_id: next(),
            country: next(),
            colo: next(),
            region: next(),
            languages: next(),
            tcp_rtt_ms: next(),
            asn: next(),
        }
    }

    /// Path and query, as they were sent.
    pub(crate) fn path_and_query(&self) -> String {
        if self.query.is_empty() {
            return self.path.clone();
        }
        format!("{}?{}", self.path, self.query)
    }
}

/// Authority, path and query of a URL.
pub(crate) fn split(url: &str) -> (&str, &str, &str) {
    let after = url.split_once("://").map_or(url, |(_, after)| after);
    let host = after.split(['/', '?', '#']).next().unwrap_or_default();
    let path = after.find('/').and_then(|at| after.get(at..)).unwrap_or("/");
    let path = path.split('#').next().unwrap_or_default();
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    (host, path, query)
}

/// One header of a request.
pub(crate) fn header_of(request: &Request, name: &str) -> Option<String> {
    header(request, name).ok().flatten()
}

/// Of a body that is too long, this much is read and dropped, because many clients read no answer
/// while they write: twice the megabyte that people try (L20) fits.
const DRAINED_BYTES_MAX: u64 = 2 << 20;

/// The body; `None` when it has more than `bytes_max`, which are all that is ever held.
pub(crate) async fn body_of(request: &Request, bytes_max: u64) -> Result<Option<Vec<u8>>, Thrown> {
    let drained = bytes_max.saturating_mul(2).max(DRAINED_BYTES_MAX);
    let read = body(request, bytes_max as f64, drained as f64).await?;
    Ok(read.dyn_ref::<js_sys::Uint8Array>().map(js_sys::Uint8Array::to_vec))
}

/// A message between our own: its path, a line break, its body.
pub(crate) async fn letter_of(request: &Request) -> Result<String, Thrown> {
    Ok(letter(request).await?.as_string().unwrap_or_default())
}

/// A redirect.
pub(crate) fn redirect(
    status: u16,
    location: &str,
    cache_control: &str,
    id: &str,
) -> Result<Response, Thrown> {
    Ok(away(status, location, cache_control, id)?)
}

/// Any other response.
pub(crate) fn response(
    status: u16,
    headers: &[(String, String)],
    body: Option<&str>,
) -> Result<Response, Thrown> {
    Ok(whole(status, &serde_json::to_string(headers)?, body)?)
}

/// The file that the platform keeps for this request; `None` when there is none.
pub(crate) async fn asset(
    env: &worker::Env,
    request: &Request,
    id: &str,
) -> Result<Option<Response>, Thrown> {
    Ok(asset_of(env, request, id).await?.dyn_into().ok())
}

/// The file that the platform keeps at `path`, whatever path was asked for.
pub(crate) async fn asset_at(
    env: &worker::Env,
    request: &Request,
    path: &str,
    id: &str,
) -> Result<Option<Response>, Thrown> {
    Ok(asset_of_path(env, request, path, id).await?.dyn_into().ok())
}

/// A response of bytes.
pub(crate) fn file(
    status: u16,
    headers: &[(String, String)],
    body: &[u8],
) -> Result<Response, Thrown> {
    Ok(file_of(status, &serde_json::to_string(headers)?, body)?)
}

/// A response whose body is written as its parts come.
pub(crate) struct Pipe(js_sys::Array);

impl Pipe {
    /// Opens one.
    pub(crate) fn open(status: u16, headers: &[(String, String)]) -> Result<Self, Thrown> {
        Ok(Self(pipe(status, &serde_json::to_string(headers)?)?))
    }

    /// What is given to the client.
    pub(crate) fn response(&self) -> Response {
        self.0.get(0).unchecked_into()
    }

    /// Writes a part; waits until the client takes it.
    pub(crate) async fn write(&self, text: &str) -> Result<(), Thrown> {
        write(&self.0, text).await?;
        Ok(())
    }

    /// Ends the body.
    pub(crate) async fn close(&self) -> Result<(), Thrown> {
        close(&self.0).await?;
        Ok(())
    }
}

/// A request's body, part by part.
pub(crate) struct Body(JsValue);

impl Body {
    /// Takes it up.
    pub(crate) fn of(request: &Request) -> Result<Self, Thrown> {
        Ok(Self(reader(request)?))
    }

    /// The next part; `None` at its end.
    pub(crate) async fn next(&self) -> Result<Option<Vec<u8>>, Thrown> {
        if self.0.is_undefined() {
            return Ok(None);
        }
        let part = next(&self.0).await?;
        Ok(part.dyn_ref::<js_sys::Uint8Array>().map(js_sys::Uint8Array::to_vec))
    }
}

/// The SHA-256 of what is long: the platform's own is ten times as fast as ours.
pub(crate) async fn sha256(bytes: &[u8]) -> Result<Vec<u8>, Thrown> {
    let hash = sha256_of(bytes.to_vec()).await?;
    Ok(js_sys::Uint8Array::new(&hash).to_vec())
}

/// A request of our own.
pub(crate) struct Outgoing<'a> {
    /// Absolute.
    pub(crate) url: &'a str,
    /// Upper case.
    pub(crate) method: &'a str,
    /// Built from nothing.
    pub(crate) headers: &'a [(&'a str, &'a str)],
    /// `None` for a method without one.
    pub(crate) body: Option<Vec<u8>>,
    /// For head and body together.
    pub(crate) timeout_ms: u64,
}

/// Sends it; status and body of whatever answer.
pub(crate) async fn send(request: Outgoing<'_>) -> Result<(u16, String), Thrown> {
    let headers = serde_json::to_string(request.headers)?;
    let ms = request.timeout_ms as f64;
    let answer = ask(request.url, request.method, &headers, request.body, ms).await?;
    let answer = answer.as_string().unwrap_or_default();
    let (status, body) = answer.split_once('\n').unwrap_or_default();
    Ok((status.parse().unwrap_or_default(), body.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_split_as_it_was_sent() {
        let split = |url| {
            let (host, path, query) = split(url);
            format!("{host} {path} {query}")
        };
        assert_eq!(split("https://h:1/a/b?c=d&e=%20?"), "h:1 /a/b c=d&e=%20?");
        assert_eq!(split("https://h"), "h / ");
        assert_eq!(split("https://h/?"), "h / ");
        assert_eq!(split("https://h//x"), "h //x ");
    }

    #[test]
    fn facts_stand_in_order() {
        let facts = Facts::parse("GET\nhttp://h/abc?q\nua\nref\n1\n::1\nmine\nJP\nNRT");
        assert_eq!((facts.path.as_str(), facts.query.as_str()), ("/abc", "q"));
        assert_eq!((facts.gpc.as_str(), facts.ip.as_str()), ("1", "::1"));
        assert_eq!((facts.country.as_str(), facts.colo.as_str()), ("JP", "NRT"));
        assert_eq!(facts.path_and_query(), "/abc?q");
    }
}
