//! Endpoints: where an application is told what happened, and which happenings it wants.
//!
//! Invariant: an endpoint wants what one of its patterns names: a kind (`payment.captured`), all
//! kinds below a name (`payment.*`), or all (`*`). Refused: a pattern that could name nothing.

use crate::body;
use crate::outgoing;
use crate::problem::{FieldError, Problem, UNACCEPTABLE};
use crate::time::{self, Millis};
use alloc::{format, string::String, vec, vec::Vec};
use serde::{Deserialize, Serialize};

/// Ids of endpoints begin with this.
pub const ID_PREFIX: &str = "whe";
/// Ids of deliveries begin with this.
pub const DELIVERY_PREFIX: &str = "whd";
/// Ids of messages begin with this: the header `webhook-id`.
pub const MESSAGE_PREFIX: &str = "msg";
/// Endpoints of one application: a message is written at most so many times.
pub const ENDPOINTS_MAX: u64 = 20;
/// Patterns of one endpoint.
pub const PATTERNS_MAX: usize = 20;
/// A pattern's bytes.
pub const PATTERN_BYTES_MAX: usize = 64;
/// The secret before the last one signs, too, for so long after an exchange: a day.
pub const OVERLAP_MS: u64 = time::DAY_MS;
/// The kind of what `POST …/test` sends; every endpoint wants it.
pub const TEST_KIND: &str = "endpoint.test";

/// `POST /api/v1/webhook_endpoints`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct EndpointRequest {
    /// https, a public host, no credentials, at most 2,048 bytes.
    pub url: String,
    /// 1 to 20 patterns: `payment.captured`, `payment.*`, `*`. Told are the events of a payment's
    /// history, and `payout.created`, `payout.paid`, `payout.failed`, `payout.returned`.
    pub events: Vec<String>,
}

/// `PATCH /api/v1/webhook_endpoints/{id}`: what is missing stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct EndpointPatch {
    /// As at its making.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// As at its making.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<String>>,
    /// What waits is sent again once it is `true`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

/// An endpoint, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WebhookEndpoint {
    /// `whe_…`
    pub id: String,
    /// Where messages are posted.
    pub url: String,
    /// What it wants.
    pub events: Vec<String>,
    /// Whether anything is sent.
    pub enabled: bool,
    /// Why it was disabled by itself; `null` otherwise.
    pub disabled_reason: Option<String>,
    /// When it was made.
    #[serde(with = "time::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub created_at: Millis,
    /// `whsec_…`: only in the answer that made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// Until when the secret before it signs, too; `null` when there is none.
    #[serde(with = "time::rfc3339::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub previous_secret_until: Option<Millis>,
}

/// How far a delivery got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// It waits for its first or its next attempt.
    Pending,
    /// The endpoint answered 2xx.
    Delivered,
    /// It was tried for three days: a dead letter.
    Dead,
    /// Its endpoint was deleted.
    Canceled,
}

impl DeliveryStatus {
    /// Every one, by its stored number.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Delivered, Self::Dead, Self::Canceled];

    /// As it is stored.
    #[must_use]
    pub fn number(self) -> u64 {
        match self {
            Self::Pending => 0,
            Self::Delivered => 1,
            Self::Dead => 2,
            Self::Canceled => 3,
        }
    }

    /// Reads [`DeliveryStatus::number`].
    #[must_use]
    pub fn of_number(number: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.number() == number)
    }

    /// As it is shown.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
            Self::Canceled => "canceled",
        }
    }
}

/// One message on its way to one endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WebhookDelivery {
    /// `whd_…`
    pub id: String,
    /// `whe_…`
    pub endpoint: String,
    /// `msg_…`: the header `webhook-id`, the same in every attempt.
    pub message: String,
    /// The kind, such as `payment.captured`.
    pub event: String,
    /// How far it got.
    pub status: DeliveryStatus,
    /// How often it was tried.
    pub attempts: u32,
    /// What the last attempt was answered.
    pub response_status: Option<u16>,
    /// The first bytes of that answer's body, at most 256.
    pub response_body: Option<String>,
    /// Why the last attempt failed, when there was no answer.
    pub error: Option<String>,
    /// When it was made.
    #[serde(with = "time::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub created_at: Millis,
    /// When it was tried last.
    #[serde(with = "time::rfc3339::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub attempted_at: Option<Millis>,
    /// When it is tried next; `null` when it is not pending.
    #[serde(with = "time::rfc3339::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub next_attempt_at: Option<Millis>,
}

/// Checks a body that makes an endpoint. `private`: as [`outgoing::check`] has it.
///
/// # Errors
/// 400, 422.
pub fn request(bytes: &[u8], private: bool) -> Result<EndpointRequest, Problem> {
    let asked: EndpointRequest = body::parse(bytes)?;
    let url = url(&asked.url, private)?;
    Ok(EndpointRequest { url, events: patterns(asked.events)? })
}

/// Checks a body that changes one.
///
/// # Errors
/// 400, 422.
pub fn patch(bytes: &[u8], private: bool) -> Result<EndpointPatch, Problem> {
    let asked: EndpointPatch = body::parse(bytes)?;
    Ok(EndpointPatch {
        url: asked.url.map(|one| url(&one, private)).transpose()?,
        events: asked.events.map(patterns).transpose()?,
        enabled: asked.enabled,
    })
}

fn url(text: &str, private: bool) -> Result<String, Problem> {
    let url = outgoing::check(text, private);
    Ok(url.map_err(|why| field("/url", why.detail().into()))?.into())
}

fn patterns(mut patterns: Vec<String>) -> Result<Vec<String>, Problem> {
    if !(1..=PATTERNS_MAX).contains(&patterns.len()) {
        return Err(field("/events", format!("must be 1 to {PATTERNS_MAX} patterns")));
    }
    if let Some(at) = patterns.iter().position(|pattern| !is_pattern(pattern)) {
        let detail = "must be a kind as payment.captured, payment.* or *";
        return Err(field(&format!("/events/{at}"), detail.into()));
    }
    patterns.sort();
    patterns.dedup();
    Ok(patterns)
}

fn is_pattern(pattern: &str) -> bool {
    let name = |label: &str| {
        !label.is_empty() && label.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
    };
    let whole = pattern.strip_suffix(".*").unwrap_or(pattern);
    pattern.len() <= PATTERN_BYTES_MAX && (pattern == "*" || whole.split('.').all(name))
}

/// Whether one of the patterns names this kind.
#[must_use]
pub fn wants(patterns: &[String], kind: &str) -> bool {
    kind == TEST_KIND
        || patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(start) => kind.starts_with(start),
            None => pattern == kind,
        })
}

fn field(pointer: &str, detail: String) -> Problem {
    Problem::fields(&UNACCEPTABLE, vec![FieldError { pointer: pointer.into(), detail }])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p11_an_endpoint_is_told_what_it_wants() {
        let wants = |pattern: &str, kind: &str| super::wants(&[pattern.into()], kind);
        assert!(wants("*", "payment.captured") && wants("payment.*", "payment.captured"));
        assert!(wants("payment.captured", "payment.captured"));
        assert!(!wants("payment.captured", "payment.captured_late"));
        assert!(!wants("payment.*", "payments.captured") && !wants("payment.*", "payment"));
        assert!(wants("payment.captured", TEST_KIND));
        assert!(!super::wants(&[], "payment.captured"));
    }

    #[test]
    fn p11_bad_endpoints_are_refused_with_a_pointer() {
        let at =
            |body: &str| request(body.as_bytes(), false).unwrap_err().errors[0].pointer.clone();
        let with = |events: &str| format!("{{\"url\":\"https://e.org/\",\"events\":{events}}}");
        assert_eq!(at("{\"url\":\"https://127.0.0.1/\",\"events\":[\"*\"]}"), "/url");
        assert_eq!(at(&with("[]")), "/events");
        for wrong in ["", "**", "a.**", "*.a", "a*", "A.b", "a..b", "a.", ".*", "a b", "payment.1"]
        {
            assert_eq!(at(&with(&format!("[\"*\",\"{wrong}\"]"))), "/events/1", "{wrong}");
        }
        let many = format!("[{}]", vec!["\"a\""; 21].join(","));
        assert_eq!(at(&with(&many)), "/events");
        assert_eq!(at("{\"url\":\"https://e.org/\",\"events\":[\"*\"],\"x\":1}"), "/x");
        let good = request(with("[\"b.*\",\"a\",\"a\"]").as_bytes(), false).unwrap();
        assert_eq!(good.events, ["a", "b.*"]);
        assert_eq!(patch(b"{}", false), Ok(EndpointPatch::default()));
    }

    #[test]
    fn stored_numbers_are_frozen() {
        let all = DeliveryStatus::ALL.map(|one| (one.number(), one.name()));
        assert_eq!(all, [(0, "pending"), (1, "delivered"), (2, "dead"), (3, "canceled")]);
        assert!(DeliveryStatus::ALL.iter().all(|one| {
            DeliveryStatus::of_number(one.number()) == Some(*one)
                && serde_json::to_value(one).unwrap() == one.name()
        }));
    }
}
