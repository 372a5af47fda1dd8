//! The log: one line of JSON per happening.
//!
//! Invariant: no query, no header beside the request ids, no body and no secret stands in it. A
//! failure is logged once, where it is turned into an answer.

use crate::call::Call;
use crate::platform::clock;
use serde_json::json;
use shared::payments::card;
use shared::route::{Op, Route};
use std::fmt::Display;
use worker::{console_error, console_log};

/// A client's own request id is repeated up to this length.
const CLIENT_ID_BYTES_MAX: usize = 64;

/// The line of a request. Redirects and segments that succeeded have none: each would cost a tenth
/// of it.
pub(crate) fn request(call: &Call, route: Option<&Route>, status: u16) {
    let is_frequent = |route: &Route| matches!(route.op, Op::Redirect | Op::VideoFile);
    if status < 400 && route.is_some_and(is_frequent) {
        return;
    }
    let client_id = call.facts.client_request_id.as_str();
    // Some put everything into a header.
    let client_id = if card::holds(client_id.as_bytes()) { "" } else { client_id };
    let client_id: String =
        client_id.chars().filter(char::is_ascii_graphic).take(CLIENT_ID_BYTES_MAX).collect();
    let line = json!({
        "level": "info",
        "request_id": call.id,
        "client_request_id": client_id,
        "op": route.map(|route| format!("{:?}", route.op)),
        "product": route.map_or("http", |route| route.product),
        "method": call.facts.method,
        "path": route.map(|route| route.path),
        "status": status,
        "ms": clock::now().since(call.began),
    });
    console_log!("{line}");
}

/// Something failed; `id` is the request's, or the object's name.
pub(crate) fn fault(id: &str, place: &str, why: impl Display) {
    let line = json!({ "level": "error", "id": id, "place": place, "why": why.to_string() });
    console_error!("{line}");
}
