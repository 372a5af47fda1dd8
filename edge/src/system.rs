//! What the edge answers by itself and what is no product's: health, documents, projections.
//!
//! Invariant: nothing here asks the origin.

use crate::call::Call;
use crate::platform::{clock, http};
use crate::registers;
use crate::video::object::warm_ready;
use serde_json::json;
use shared::admin::Health;
use shared::body;
use shared::envelope::Envelope;
use shared::problem::{
    Kind, NOT_FOUND, Problem, TOO_LARGE, UNACCEPTABLE, UNAUTHENTICATED, all, type_url,
};
use shared::roads::{PROJECTIONS_MAX, Register};
use shared::sign::{self, CONTEXT_HEADER, SIGNATURE_HEADER};
use shared::video::presentation as video;

/// Written by `build.rs` from the route table.
const OPENAPI: &str = include_str!(concat!(env!("OUT_DIR"), "/openapi.json"));
/// 100 links at their longest, escaped, are 1.7 MB; wasm holds a body thrice and never gives the
/// memory back.
const PROJECTIONS_BYTES_MAX: u64 = 4 << 20;

/// `GET /healthz`.
pub(crate) fn health(call: &Call) -> Envelope {
    let health = Health { status: "ok".into(), version: call.settings.version.clone() };
    Envelope::json(200, &health).with("cache-control", "no-store")
}

/// `GET /api/openapi.json`.
pub(crate) fn openapi() -> Envelope {
    let document = Envelope { body: OPENAPI.into(), ..Envelope::empty(200) };
    document.with("content-type", "application/json").with("cache-control", "public, max-age=300")
}

/// `GET /problems/{product}/{slug}`.
///
/// # Errors
/// 404.
pub(crate) fn problem_type(call: &Call, segments: &[&str]) -> Result<Envelope, Problem> {
    let [product, slug] = segments else { return Err(not_found()) };
    let kind =
        all().find(|kind| kind.product == *product && kind.slug == *slug).ok_or_else(not_found)?;
    let accept = http::header_of(&call.request, "accept").unwrap_or_default();
    let envelope = if prefers_html(&accept) {
        let page = Envelope { body: page(kind), ..Envelope::empty(200) };
        page.with("content-type", "text/html; charset=utf-8")
    } else {
        let uri = type_url(kind, &call.settings.public_url);
        let status = kind.class.status();
        Envelope::json(200, &json!({ "type": uri, "title": kind.title, "status": status }))
    };
    Ok(envelope.with("cache-control", "public, max-age=300"))
}

/// `POST /_edge/projections`.
///
/// # Errors
/// 400, 401, 413, 422, 503.
pub(crate) async fn projections(call: &Call) -> Result<Envelope, Problem> {
    let Some(bytes) = call.body(PROJECTIONS_BYTES_MAX).await? else {
        let detail = format!("the body has more than {PROJECTIONS_BYTES_MAX} bytes");
        return Err(Problem::new(&TOO_LARGE, detail));
    };
    verify(call, &bytes)?;
    let registers: Vec<Register> = body::read(&bytes)?;
    if registers.len() > PROJECTIONS_MAX {
        let detail = format!("more than {PROJECTIONS_MAX} registers");
        return Err(Problem::new(&UNACCEPTABLE, detail));
    }
    let videos: Vec<Register> =
        registers.iter().filter(|one| one.product == video::PRODUCT).cloned().collect();
    let outcomes = registers::apply(call, registers).await;
    let outcomes = outcomes.map_err(|why| call.unavailable("projections", why))?;
    videos.iter().for_each(|register| warm_ready(call, register));
    Ok(Envelope::json(200, &outcomes))
}

/// Whether the other side signed this.
///
/// # Errors
/// 401.
pub(crate) fn verify(call: &Call, body: &[u8]) -> Result<(), Problem> {
    let header = |name| http::header_of(&call.request, name).unwrap_or_default();
    let content = sign::content(body);
    let signed = sign::Request {
        method: &call.facts.method,
        path_and_query: &call.facts.path_and_query(),
        content: &content,
        context: &header(CONTEXT_HEADER),
    };
    let now = clock::now();
    call.settings.signing.verify(signed, now, &header(SIGNATURE_HEADER)).map_err(|_| {
        Problem::new(&UNAUTHENTICATED, "the signature of the other side is missing or wrong")
    })
}

/// 404 for what is no route.
pub(crate) fn not_found() -> Problem {
    Problem::new(&NOT_FOUND, "nothing is served here")
}

/// A browser names `text/html` before anything with JSON in it.
fn prefers_html(accept: &str) -> bool {
    let html = accept.find("text/html");
    html.is_some_and(|html| accept.find("json").is_none_or(|json| html < json))
}

fn page(kind: &Kind) -> String {
    let Kind { product, slug, title, class } = kind;
    let status = class.status();
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>\
         <h1>{title}</h1><p>Problem type <code>{product}/{slug}</code>, HTTP status {status}."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_get_a_page() {
        assert!(prefers_html("text/html,application/xhtml+xml,*/*;q=0.8"));
        assert!(!prefers_html("*/*"));
        assert!(!prefers_html("application/problem+json, text/html"));
        assert!(!prefers_html(""));
    }

    #[test]
    fn a_page_says_what_it_is() {
        assert!(page(&NOT_FOUND).contains("http/not-found"));
    }
}
