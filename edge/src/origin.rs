//! Questions to the origin: signed, with headers built from nothing.
//!
//! Invariant: no header of a client reaches the origin but those of [`sign::FORWARDED`]; every
//! attempt has a timeout and its own nonce. Whatever is no answer of ours is a dependency that is
//! down.

use crate::platform::http::{self, Outgoing};
use crate::platform::{Thrown, bucket, clock, entropy, stream};
use crate::settings::Settings;
use serde::de::DeserializeOwned;
use shared::links::password::{Try, VERIFY_PATH, Verdict};
use shared::roads::{Answer, EVENTS_PATH, Receipt};
use shared::sign::{self, CONTEXT_HEADER, Context, HASHED_BYTES_MAX, SIGNATURE_HEADER};

/// Up to here our own hash is done before the platform's has begun.
const HASHED_HERE_BYTES_MAX: u64 = 4_096;

/// One call.
pub(crate) struct Question<'a> {
    /// Upper case.
    pub(crate) method: &'a str,
    /// Begins with `/internal`.
    pub(crate) path_and_query: &'a str,
    /// Names of [`sign::FORWARDED`].
    pub(crate) headers: Vec<(&'a str, &'a str)>,
    /// As the client sent it.
    pub(crate) body: Option<Vec<u8>>,
    /// What the origin believes.
    pub(crate) context: Context,
    /// For head and body together.
    pub(crate) timeout_ms: u64,
}

/// Asks; the answer is a 200 with JSON of the type `T`, or the origin is down.
pub(crate) async fn ask<T: DeserializeOwned>(
    settings: &Settings,
    question: Question<'_>,
) -> Result<T, Thrown> {
    let Question { method, path_and_query, mut headers, body, context, timeout_ms } = question;
    let context = context.encode();
    let content = content(body.as_deref().unwrap_or_default()).await?;
    let signed = sign::Request { method, path_and_query, content: &content, context: &context };
    let signature = settings.signing.sign(signed, clock::now(), entropy::bits128()?);
    headers.extend([(CONTEXT_HEADER, context.as_str()), (SIGNATURE_HEADER, &signature)]);
    let url = format!("{}{path_and_query}", settings.origin_url);
    let outgoing = Outgoing { url: &url, method, headers: &headers, body, timeout_ms };
    read(http::send(outgoing).await?)
}

/// The same, with the body of `request`, of so many bytes, as it comes.
pub(crate) async fn pass<T: DeserializeOwned>(
    settings: &Settings,
    question: Question<'_>,
    (request, length): (&web_sys::Request, u64),
) -> Result<T, Thrown> {
    let Question { method, path_and_query, mut headers, body, context, timeout_ms } = question;
    let context = context.encode();
    let content = sign::stream(length);
    let signed = sign::Request { method, path_and_query, content: &content, context: &context };
    let signature = settings.signing.sign(signed, clock::now(), entropy::bits128()?);
    headers.extend([(CONTEXT_HEADER, context.as_str()), (SIGNATURE_HEADER, &signature)]);
    let url = format!("{}{path_and_query}", settings.origin_url);
    let outgoing = Outgoing { url: &url, method, headers: &headers, body, timeout_ms };
    read(stream::pass(outgoing, request, length).await?)
}

fn read<T: DeserializeOwned>(answer: (u16, String)) -> Result<T, Thrown> {
    match answer {
        (200, text) => Ok(serde_json::from_str(&text)?),
        (status, _) => Err(Thrown(format!("the origin answered {status}"))),
    }
}

/// The *content* line; see [`sign::content`].
async fn content(body: &[u8]) -> Result<String, Thrown> {
    let is_long = (HASHED_HERE_BYTES_MAX..=HASHED_BYTES_MAX).contains(&(body.len() as u64));
    Ok(if is_long { hex::encode(http::sha256(body).await?) } else { sign::content(body) })
}

/// What the truth knows of a register.
pub(crate) async fn register(
    settings: &Settings,
    (product, key): (&str, &str),
    request_id: &str,
) -> Result<Answer, Thrown> {
    let path_and_query = format!("/internal/registers/{product}?key={}", encoded(key));
    let question = Question {
        method: "GET",
        path_and_query: &path_and_query,
        headers: Vec::new(),
        body: None,
        context: Context { request_id: request_id.into(), ..Context::default() },
        timeout_ms: settings.durations.origin_timeout_ms,
    };
    ask(settings, question).await
}

/// Streams an object into the bucket under `lies_at`; `false`: the origin has no such thing.
pub(crate) async fn pull(
    settings: &Settings,
    env: &worker::Env,
    lies_at: &str,
    path: &str,
    request_id: &str,
) -> Result<bool, Thrown> {
    let context = Context { request_id: request_id.into(), ..Context::default() }.encode();
    let content = content(&[]).await?;
    let signed =
        sign::Request { method: "GET", path_and_query: path, content: &content, context: &context };
    let signature = settings.signing.sign(signed, clock::now(), entropy::bits128()?);
    let headers = [(CONTEXT_HEADER, context.as_str()), (SIGNATURE_HEADER, signature.as_str())];
    let url = format!("{}{path}", settings.origin_url);
    bucket::pull(env, lies_at, &url, &headers, settings.durations.stream_timeout_ms).await
}

/// Delivers a recorder's events, as [`shared::roads::Delivery::text`] wrote them.
pub(crate) async fn deliver(settings: &Settings, delivery: String) -> Result<Receipt, Thrown> {
    let question = Question {
        method: "POST",
        path_and_query: EVENTS_PATH,
        headers: vec![("content-type", "application/json")],
        body: Some(delivery.into_bytes()),
        context: Context::default(),
        timeout_ms: settings.durations.road_timeout_ms,
    };
    ask(settings, question).await
}

/// Whether this is a link's password; who may try was decided before.
pub(crate) async fn verify(
    settings: &Settings,
    attempt: &Try,
    request_id: &str,
) -> Result<Verdict, Thrown> {
    let question = Question {
        method: "POST",
        path_and_query: VERIFY_PATH,
        headers: vec![("content-type", "application/json")],
        body: Some(serde_json::to_vec(attempt)?),
        context: Context { request_id: request_id.into(), ..Context::default() },
        timeout_ms: settings.durations.origin_timeout_ms,
    };
    ask(settings, question).await
}

/// Percent-encodes everything but RFC 3986's unreserved characters.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_encoded() {
        assert_eq!(encoded("0/a-b_C9"), "0%2Fa-b_C9");
        assert_eq!(encoded("ä &"), "%C3%A4%20%26");
    }
}
