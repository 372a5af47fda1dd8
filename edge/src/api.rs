//! Operations that the origin decides: checked here, forwarded, made readable, answered.
//!
//! Invariant: an answer leaves only after its projections were applied through their homes, so
//! that the writer reads its own write (L7). The body reaches the origin as it was sent. Refused:
//! to decide anything that the origin would not decide the same.

use crate::auth;
use crate::call::Call;
use crate::origin::{self, Question};
use crate::payments::fraud;
use crate::registers;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use shared::envelope::Envelope;
use shared::limits::{publish, query as limits};
use shared::links::wire::{BulkAnswer, Link};
use shared::links::{alias, machine, query, request};
use shared::page::{self, Page};
use shared::payments::fraud::wire::Verdict;
use shared::payments::fraud::{backtest, publish as rules};
use shared::payments::payment::request as payment;
use shared::payments::payment::review;
use shared::payments::reconcile::request as reconcile;
use shared::payments::{card, payout, request as payments};
use shared::privacy::PrivacyAsk;
use shared::problem::Problem;
use shared::roads::Outcome;
use shared::route::{Op, Route};
use shared::token::{Caller, TokenRequest};
use shared::video::{quality, wire as videos};
use shared::webhook::endpoint;
use shared::{body, idempotency, sign};

const TRACEPARENT: &str = "traceparent";

/// Serves one operation of the side `Through`.
///
/// # Errors
/// What the edge refuses, or 503.
pub(crate) async fn through(
    call: &Call,
    route: &Route,
    segments: &[&str],
) -> Result<Envelope, Problem> {
    let caller = auth::caller(call, route).await?;
    let body = match route.request {
        None if route.is_raw() => Body::Streamed(raw_length(call, route)?),
        Some(_) if route.is_streamed() => Body::Streamed(length(call, route)?),
        None if route.is_streamed() => Body::Streamed(statement_length(call, route)?),
        Some(_) => Body::Held(call.json(route.bytes_max).await?),
        None => Body::None,
    };
    let held = if let Body::Held(held) = &body { held.as_slice() } else { &[] };
    check(call, route, segments, held, &caller)?;
    if route.op == Op::PaymentCreate {
        fraud::screen(call, &caller, held).await?;
    }
    let mut envelope = forward(call, route, &caller, body).await?;
    settle(call, &mut envelope).await?;
    Ok(envelope)
}

/// What comes with a request.
enum Body {
    None,
    Held(Vec<u8>),
    /// So many bytes, which the origin alone looks at.
    Streamed(u64),
}

fn raw_length(call: &Call, route: &Route) -> Result<u64, Problem> {
    body::check_length(call.header("content-length")?.as_deref(), route.bytes_max)
}

fn length(call: &Call, route: &Route) -> Result<u64, Problem> {
    body::check_media_type(call.header("content-type")?.as_deref())?;
    body::check_length(call.header("content-length")?.as_deref(), route.bytes_max)
}

fn statement_length(call: &Call, route: &Route) -> Result<u64, Problem> {
    reconcile::check_media_type(call.header("content-type")?.as_deref())?;
    body::check_length(call.header("content-length")?.as_deref(), route.bytes_max)
}

/// Refuses early what the origin would refuse, by the same functions.
fn check(
    call: &Call,
    route: &Route,
    segments: &[&str],
    body: &[u8],
    caller: &Caller,
) -> Result<(), Problem> {
    match call.header("idempotency-key")? {
        Some(key) if route.is_idempotent() => {
            idempotency::check_key(&key)?;
            if route.requires_key() {
                card::refuse_key(&key)?;
            }
        }
        None if route.requires_key() => return Err(idempotency::missing()),
        _ => {}
    }
    let own = call.settings.domains.bases();
    let asked = call.facts.query.as_str();
    match route.op {
        Op::Shorten => request::shorten(body, &own, call.began).map(|_| ()),
        Op::LinkPatch => {
            known_code(segments).and_then(|()| request::patch(body, &own, call.began).map(|_| ()))
        }
        Op::LinkBulk => request::bulk(body, &own, call.began).map(|_| ()),
        Op::LinkList => query::list(asked).map(|_| ()),
        Op::LinkStats => {
            known_code(segments).and_then(|()| query::stats(asked, call.began).map(|_| ()))
        }
        Op::LinkGet | Op::LinkDelete => known_code(segments),
        Op::LimitPolicyPut => {
            let name = segments.first().copied().unwrap_or_default();
            publish::name(name).and_then(|()| publish::policy(body).map(|_| ()))
        }
        Op::LimitPolicyGet | Op::LimitPolicyDelete => known_policy(segments),
        Op::LimitPolicyList => limits::list(asked).map(|_| ()),
        Op::LimitUsage => {
            known_policy(segments).and_then(|()| limits::usage(asked, call.began).map(|_| ()))
        }
        Op::WebhookCreate => {
            card::refuse(body)?;
            // Whether an address inside is allowed, the origin knows.
            endpoint::request(body, true).map(|_| ())
        }
        Op::WebhookPatch => {
            card::refuse(body)?;
            endpoint::patch(body, true).map(|_| ())
        }
        Op::VideoCreate => videos::request(body, u64::MAX).map(|_| ()),
        Op::VideoPatch => videos::patch(body).map(|_| ()),
        Op::VideoList | Op::VideoEvents => page_of(asked),
        Op::VideoQuality => quality::ask(asked, call.began).map(|_| ()),
        Op::TokenMint => {
            let asked: TokenRequest = body::parse(body)?;
            asked.check()?;
            asked.scope_within(caller).map(|_| ())
        }
        Op::PrivacyExport | Op::PrivacyErase => {
            body::parse::<PrivacyAsk>(body).and_then(|asked| asked.check(&caller.principal))
        }
        _ => check_payments(call, route, segments, body),
    }
}

fn check_payments(
    call: &Call,
    route: &Route,
    segments: &[&str],
    body: &[u8],
) -> Result<(), Problem> {
    let asked = call.facts.query.as_str();
    match route.op {
        Op::AccountOpen => payments::account(body).map(|_| ()),
        Op::TransferCreate => payments::transfers(body).map(|_| ()),
        Op::TransferPost => payments::post(body).map(|_| ()),
        Op::PayoutCreate => payout::order(body).map(|_| ()),
        Op::PaymentCreate => payment::payment(body).map(|_| ()),
        Op::PaymentCapture => payment::capture(body).map(|_| ()),
        Op::PaymentRefund => payment::refund(body).map(|_| ()),
        Op::PaymentReview => review::request(body).map(|_| ()),
        Op::FraudRulePut => {
            let name = segments.first().copied().unwrap_or_default();
            rules::name(name).and_then(|()| rules::rule(body).map(|_| ()))
        }
        Op::FraudRuleGet | Op::FraudRuleDelete => {
            segments.iter().try_for_each(|name| rules::known_name(name))
        }
        Op::FraudBacktest => backtest::read(body, call.began).map(|_| ()),
        Op::FraudDecisionList => page_of(asked).and_then(|()| {
            let asked = page::query(asked);
            Verdict::asked(asked.get("verdict").map(String::as_str)).map(|_| ())
        }),
        Op::PaymentList => page_of(asked).and_then(|()| {
            let asked = page::query(asked);
            payment::status(asked.get("status").map(String::as_str)).map(|_| ())
        }),
        Op::AccountEntries
        | Op::PaymentEvents
        | Op::PaymentRefundList
        | Op::PayoutList
        | Op::AccountHolds
        | Op::FraudRuleList
        | Op::FraudRuleVersions => page_of(asked),
        Op::AccountList => payments::accounts(asked).map(|_| ()),
        Op::OwnReconciliationCreate => reconcile::asked(&page::query(asked)).map(|_| ()),
        Op::AccountBalance => {
            let asked = page::query(asked);
            payments::at(asked.get("at").map(String::as_str), call.began).map(|_| ())
        }
        _ => Ok(()),
    }
}

fn page_of(asked: &str) -> Result<(), Problem> {
    let asked = page::query(asked);
    let get = |name: &str| asked.get(name).map(String::as_str);
    page::ask(get("limit"), get("cursor")).map(|_| ())
}

fn known_code(segments: &[&str]) -> Result<(), Problem> {
    if segments.iter().all(|code| alias::is_code(code)) {
        return Ok(());
    }
    Err(machine::not_found())
}

fn known_policy(segments: &[&str]) -> Result<(), Problem> {
    segments.iter().try_for_each(|name| publish::known_name(name))
}

async fn forward(
    call: &Call,
    route: &Route,
    caller: &Caller,
    body: Body,
) -> Result<Envelope, Problem> {
    let mut headers = Vec::new();
    for name in sign::FORWARDED {
        if let Some(value) = call.header(name)?
            && (name != TRACEPARENT || is_traceparent(&value))
        {
            headers.push((name, value));
        }
    }
    let durations = &call.settings.durations;
    let (body, length, timeout_ms) = match body {
        Body::None => (None, None, durations.origin_timeout_ms),
        Body::Held(body) => (Some(body), None, durations.origin_timeout_ms),
        Body::Streamed(length) => (None, Some(length), durations.stream_timeout_ms),
    };
    let question = Question {
        method: route.method,
        path_and_query: &format!("/internal{}", call.facts.path_and_query()),
        headers: headers.iter().map(|(name, value)| (*name, value.as_str())).collect(),
        body,
        context: call.signed_context(caller),
        timeout_ms,
    };
    let answer = match length {
        None => origin::ask(&call.settings, question).await,
        Some(length) => origin::pass(&call.settings, question, (&call.request, length)).await,
    };
    answer.map_err(|why| call.unavailable("origin", why))
}

/// Has links created, on behalf of `caller`; every link in the answer redirects.
///
/// # Errors
/// 503, or what the origin says of the whole call.
pub(crate) async fn bulk(
    call: &Call,
    caller: &Caller,
    links: &[&Value],
    key: Option<&str>,
) -> Result<BulkAnswer, Problem> {
    let body = json!({"links": links}).to_string().into_bytes();
    let mut headers = vec![("content-type", "application/json")];
    headers.extend(key.map(|key| ("idempotency-key", key)));
    let question = Question {
        method: "POST",
        path_and_query: "/internal/api/v1/links/bulk",
        headers,
        body: Some(body),
        context: call.signed_context(caller),
        timeout_ms: call.settings.durations.origin_timeout_ms,
    };
    inner(call, question).await
}

/// One page of the caller's links.
///
/// # Errors
/// 503, or what the origin says.
pub(crate) async fn links(
    call: &Call,
    caller: &Caller,
    query: &str,
) -> Result<Page<Link>, Problem> {
    let question = Question {
        method: "GET",
        path_and_query: &format!("/internal/api/v1/links?{query}"),
        headers: Vec::new(),
        body: None,
        context: call.signed_context(caller),
        timeout_ms: call.settings.durations.origin_timeout_ms,
    };
    inner(call, question).await
}

/// Asks the origin for an operation's own sake; only a success has the wanted form.
async fn inner<T: DeserializeOwned>(call: &Call, question: Question<'_>) -> Result<T, Problem> {
    let answer = origin::ask(&call.settings, question).await;
    let mut envelope: Envelope = answer.map_err(|why| call.unavailable("origin", why))?;
    settle(call, &mut envelope).await?;
    serde_json::from_str(&envelope.body)
        .map_err(|_| call.unavailable("origin", format!("it answered {}", envelope.status)))
}

/// Applies the answer's projections; until that is done, the answer must not claim success.
async fn settle(call: &Call, envelope: &mut Envelope) -> Result<(), Problem> {
    let projections = std::mem::take(&mut envelope.projections);
    if projections.is_empty() {
        return Ok(());
    }
    let outcomes = registers::apply(call, projections)
        .await
        .map_err(|why| call.unavailable("projections", why))?;
    let refused = outcomes.iter().find_map(|outcome| match outcome {
        Outcome::Refused { why } => Some(why),
        Outcome::Applied | Outcome::Stale => None,
    });
    refused.map_or(Ok(()), |why| Err(call.fault("projections", why)))
}

/// `00-{32}-{16}-{2}` in lower-case hexadecimal digits; anything else is ignored, as W3C's Trace
/// Context asks for in section 3.2.2, and fills no log.
fn is_traceparent(text: &str) -> bool {
    let lengths = [2, 32, 16, 2];
    let is_hex = |part: &str| part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    text.split('-').map(str::len).eq(lengths) && text.split('-').all(is_hex)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_traceparent_is_passed_on() {
        assert!(is_traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
        for wrong in [
            "",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-extra",
            "x",
        ] {
            assert!(!is_traceparent(wrong), "{wrong}");
        }
    }
}
