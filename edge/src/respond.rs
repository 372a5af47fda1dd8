//! Answers as HTTP: the only file that knows status codes, headers and who may read them.
//!
//! Invariant: every response has `X-Request-Id`; a HEAD has the headers of its GET and no body; a
//! 401 says how to sign in. Refused: a header of the origin that is not one of the envelope's.

use crate::auth::MISSING;
use crate::call::Call;
use crate::log;
use crate::platform::{Thrown, http};
use shared::envelope::{Envelope, HEADERS};
use shared::links::error::PASSWORD_REQUIRED;
use shared::problem::{Class, INTERNAL, Problem};
use shared::route::{Access, Route};
use shared::video::{upload as tus, wire::is_upload};
use web_sys::Response;

/// Headers of a request that a web page may send.
const CORS_ALLOWED: &str = "authorization, cmcd-object, cmcd-request, cmcd-session, cmcd-status, \
     content-type, idempotency-key, if-match, if-none-match, range, traceparent, tus-resumable, \
     upload-checksum, upload-length, upload-metadata, upload-offset";
/// Headers of an answer that a web page may read.
const CORS_EXPOSED: &str = "allow, content-length, content-range, etag, idempotent-replayed, \
     location, ratelimit, ratelimit-policy, retry-after, tus-resumable, upload-expires, \
     upload-length, upload-offset, x-request-id";
/// The longest that a browser keeps a preflight's answer, in seconds (Chromium's bound).
const CORS_MAX_AGE_S: &str = "7200";

/// What a handler answers.
pub(crate) enum Answer {
    /// Go there; made of few parts, because it is the most frequent of all.
    Away {
        /// 301, 302, 307 or 308.
        status: u16,
        /// Whither; printable ASCII.
        location: String,
        /// The whole header.
        cache_control: String,
    },
    /// Bytes that are no text.
    File {
        /// Of the bytes.
        media_type: &'static str,
        /// All of them.
        bytes: Vec<u8>,
    },
    /// Made elsewhere, as its parts come.
    Streamed(Response),
    /// Anything else.
    Whole(Envelope),
}

impl From<Envelope> for Answer {
    fn from(envelope: Envelope) -> Self {
        Self::Whole(envelope)
    }
}

/// The response to `call`.
pub(crate) fn respond(
    call: &Call,
    route: Option<&'static Route>,
    answer: Result<Answer, Problem>,
) -> Response {
    let envelope = match answer {
        Ok(Answer::Away { status, location, cache_control }) => {
            match http::redirect(status, &location, &cache_control, &call.id) {
                Ok(response) => return response,
                Err(why) => of_problem(call, route, &call.fault("redirect", why)),
            }
        }
        Ok(Answer::Streamed(response)) => {
            log::request(call, route, response.status());
            return response;
        }
        Ok(Answer::File { media_type, bytes }) => {
            let envelope = Envelope::empty(200).with("content-type", media_type);
            log::request(call, route, envelope.status);
            let bytes = if call.facts.method == "HEAD" { Vec::new() } else { bytes };
            match http::file(envelope.status, &headers(call, &envelope), &bytes) {
                Ok(response) => return response,
                Err(why) => of_problem(call, route, &call.fault("file", why)),
            }
        }
        Ok(Answer::Whole(envelope)) => unless_matched(call, envelope),
        Err(problem) => of_problem(call, route, &problem),
    };
    log::request(call, route, envelope.status);
    let headers = headers(call, &envelope);
    let body = has_body(call, &envelope).then_some(envelope.body.as_str());
    http::response(envelope.status, &headers, body).unwrap_or_else(broken)
}

/// The answer to `OPTIONS` on a known path: a preflight's, when a web page asks.
pub(crate) fn options(call: &Call, allow: &str) -> Envelope {
    let mut envelope = Envelope::empty(204).with("allow", format!("{allow}, OPTIONS"));
    if readable_by(call).is_some() {
        envelope.headers.extend(
            [
                ("access-control-allow-methods", allow),
                ("access-control-allow-headers", CORS_ALLOWED),
                ("access-control-max-age", CORS_MAX_AGE_S),
            ]
            .map(|(name, value)| (name.to_string(), value.to_string())),
        );
    }
    // A client of tus asks by the same method what the server can; a browser does not mind.
    if !is_upload(&call.facts.path) {
        return envelope;
    }
    envelope
        .with("tus-resumable", tus::VERSION)
        .with("tus-version", tus::VERSION)
        .with("tus-extension", tus::EXTENSIONS)
        .with("tus-checksum-algorithm", tus::CHECKSUMS)
}

/// 500 for a request that could not be taken up, or whose answer could not be written.
pub(crate) fn broken(Thrown(why): Thrown) -> Response {
    log::fault("", "door", why);
    http::response(INTERNAL.class.status(), &[], Some(INTERNAL.title))
        .unwrap_or_else(|_| Response::error())
}

fn of_problem(call: &Call, route: Option<&Route>, problem: &Problem) -> Envelope {
    let envelope = Envelope::problem(problem, &call.settings.public_url, &call.id);
    if problem.kind.class != Class::Unauthenticated {
        return envelope;
    }
    // RFC 6750, section 3.1: a request without any credential gets no error code.
    let challenge = match route.map(|route| route.access) {
        _ if problem.kind == &PASSWORD_REQUIRED => CHALLENGE.into(),
        Some(Access::Signed) => "Selvedge-Signature".into(),
        _ if problem.detail == MISSING => "Bearer realm=\"selvedge\"".into(),
        _ => format!(
            "Bearer realm=\"selvedge\", error=\"invalid_token\", error_description=\"{}\"",
            problem.detail
        ),
    };
    envelope.with("www-authenticate", challenge)
}

fn is_read(call: &Call) -> bool {
    matches!(call.facts.method.as_str(), "GET" | "HEAD")
}

fn has_body(call: &Call, envelope: &Envelope) -> bool {
    call.facts.method != "HEAD" && !envelope.body.is_empty() && envelope.status != 304
}

/// 304 when the client has this very version (RFC 9110, section 13.1.2).
fn unless_matched(call: &Call, envelope: Envelope) -> Envelope {
    let matched = |etag: &str| {
        let wanted = http::header_of(&call.request, "if-none-match").unwrap_or_default();
        is_among(etag, &wanted)
    };
    match envelope.header("etag") {
        Some(etag) if is_read(call) && envelope.status == 200 && matched(etag) => {
            Envelope::empty(304).with("etag", etag)
        }
        _ => envelope,
    }
}

/// Weak comparison with each tag of a list.
pub(crate) fn is_among(etag: &str, list: &str) -> bool {
    let strong = |tag: &str| tag.trim().trim_start_matches("W/").to_string();
    list.trim() == "*" || list.split(',').any(|tag| strong(tag) == strong(etag))
}

/// The headers of an answer.
pub(crate) fn headers(call: &Call, envelope: &Envelope) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = envelope.headers.clone();
    let known = |name: &str| {
        HEADERS.contains(&name) || name.starts_with("access-control-") || EDGE_OWN.contains(&name)
    };
    all.retain(|(name, _)| known(name));
    let mut add = |name: &str, value: &str| all.push((name.into(), value.into()));
    add("x-request-id", &call.id);
    add("x-content-type-options", "nosniff");
    if envelope.header(POLICY).is_none() {
        add(POLICY, "default-src 'none'; frame-ancestors 'none'");
    }
    for (name, value) in call.limits.borrow().headers() {
        add(name, &value);
    }
    if envelope.replayed {
        add("idempotent-replayed", "true");
    }
    if call.settings.public_url.starts_with("https://") {
        add("strict-transport-security", "max-age=31536000");
    }
    if envelope.header("cache-control").is_none() {
        // A stored answer with a tag may be asked about again; anything else is not kept.
        let tagged = envelope.header("etag").is_some();
        add("cache-control", if tagged { "private, no-cache" } else { "private, no-store" });
    }
    if call.settings.cors_origins.iter().any(|known| known != "*") {
        add("vary", "origin");
    }
    if let Some(origin) = readable_by(call) {
        add("access-control-allow-origin", &origin);
        add("access-control-expose-headers", CORS_EXPOSED);
    }
    all
}

/// Headers that only the edge's own answers have.
const EDGE_OWN: [&str; 4] = ["cache-control", "set-cookie", POLICY, "www-authenticate"];
/// What a page may load; an answer that is no page, nothing.
pub(crate) const POLICY: &str = "content-security-policy";
/// What a 401 must have (RFC 9110, section 11.6.1), for a password that a form asks for. No
/// registered scheme is that; of one that they do not know browsers show the page, whereas `Basic`
/// would open a box of their own over it.
pub(crate) const CHALLENGE: &str = "Form realm=\"link\"";

/// The origin of the web page that may read this answer, for `Access-Control-Allow-Origin`.
fn readable_by(call: &Call) -> Option<String> {
    if call.facts.path.starts_with("/v/") {
        return Some("*".into()); // players stand on pages of others
    }
    if !call.facts.path.starts_with("/api/") || call.settings.cors_origins.is_empty() {
        return None;
    }
    allowed(&call.settings.cors_origins, &http::header_of(&call.request, "origin")?)
}

fn allowed(known: &[String], origin: &str) -> Option<String> {
    if known.iter().any(|one| one == "*") {
        return Some("*".into());
    }
    known.iter().find(|one| *one == origin).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_compared_weakly() {
        assert!(is_among("\"3\"", "\"1\", W/\"3\""));
        assert!(is_among("W/\"3\"", "\"3\""));
        assert!(is_among("\"3\"", " * "));
        assert!(!is_among("\"3\"", "\"33\", 3"));
        assert!(!is_among("\"3\"", ""));
    }

    #[test]
    fn a_page_must_be_named() {
        let known = ["https://a.example".to_string()];
        assert_eq!(allowed(&known, "https://a.example").as_deref(), Some("https://a.example"));
        assert_eq!(allowed(&known, "https://a.example.evil"), None);
        assert_eq!(allowed(&["*".to_string()], "https://x").as_deref(), Some("*"));
        assert_eq!(allowed(&[], "https://x"), None);
    }
}
