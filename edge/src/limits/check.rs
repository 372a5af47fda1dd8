//! The product's own API at the edge: check, peek and refund.
//!
//! Invariant: a refused or malformed question spends nothing. Several limits are decided all or
//! none: each is held, in the order of their objects' names, and spent only when all hold (M7).

use super::find::{From, Question};
use super::{Limit, Outcome, Verdict};
use crate::auth;
use crate::call::{Call, unavailable};
use crate::guard;
use crate::objects::{Address, Refund, Settle};
use crate::platform::clock;
use futures_util::future::join_all;
use shared::body;
use shared::envelope::Envelope;
use shared::limits::error::{BANNED, INVALID};
use shared::limits::holder::ServedBy;
use shared::limits::request::{CheckAnswer, CheckRequest, RefundAnswer, RefundRequest};
use shared::limits::reservation;
use shared::limits::wire::{Close, Decided, Spent, UNCOUNTED};
use shared::page;
use shared::problem::{FieldError, Problem};
use shared::route::Route;

/// `POST /api/v1/limits/check`.
///
/// # Errors
/// 401, 403, 404, 422, with `enforce` 403 and 429, 503.
pub(crate) async fn check(call: &Call, route: &Route) -> Result<Envelope, Problem> {
    let caller = auth::caller(call, route).await?;
    let query = page::known(&call.facts.query, route.query)?;
    let enforce = match query.get("enforce").map(String::as_str) {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(page::parameter("enforce", "must be true or false")),
    };
    let request: CheckRequest = body::parse(&call.json(route.bytes_max).await?)?;
    request.check()?;
    let mut question = Question::find(call, &caller.app, request.clone(), From::Anywhere).await?;
    let mut verdicts = decide(call, &question).await?;
    if verdicts.iter().any(|verdict| matches!(verdict, Verdict::Stale)) {
        question = Question::find(call, &caller.app, request, From::Home).await?;
        verdicts = decide(call, &question).await?;
    }
    let answer = answer(call, &question, &verdicts)?;
    match answer.retry_after_ms {
        _ if answer.allowed || !enforce => Ok(Envelope::json(200, &answer)),
        Some(wait_ms) => Err(guard::exceeded(&answer.policy, answer.limit, wait_ms)),
        None => Err(Problem::new(&BANNED, format!("the policy {} bans this key", answer.policy))),
    }
}

/// `GET /api/v1/limits/peek?policy&key&tier`.
///
/// # Errors
/// 401, 403, 404, 422, 503.
pub(crate) async fn peek(call: &Call, route: &Route) -> Result<Envelope, Problem> {
    let caller = auth::caller(call, route).await?;
    let query = page::known(&call.facts.query, route.query)?;
    let get = |name: &str| query.get(name).map(String::as_str);
    let (policy, key) = (get("policy").unwrap_or_default(), get("key").unwrap_or_default());
    let request = CheckRequest::look(policy, key, get("tier"));
    request.check()?;
    for from in [From::Anywhere, From::Home] {
        let question = Question::find(call, &caller.app, request.clone(), from).await?;
        let limit = question.limit(0)?;
        match limit.ask(call, 0, false).await {
            Verdict::Decided(said, by) => {
                return Ok(Envelope::json(200, &said_of(&limit, &said, by, said.allowed)));
            }
            Verdict::Stale => {}
            Verdict::Unanswered | Verdict::Unasked => break,
        }
    }
    Err(unavailable())
}

/// `POST /api/v1/limits/refund`.
///
/// # Errors
/// 401, 403, 422, 503.
pub(crate) async fn refund(call: &Call, route: &Route) -> Result<Envelope, Problem> {
    let caller = auth::caller(call, route).await?;
    let request: RefundRequest = body::parse(&call.json(route.bytes_max).await?)?;
    let key = &call.settings.key_mac;
    let reserved = reservation::open(key, &caller.app, &request.reservation).ok_or_else(|| {
        let detail = "is no reservation of this application".into();
        Problem::fields(&INVALID, vec![FieldError { pointer: "/reservation".into(), detail }])
    })?;
    let timeout_ms = call.settings.durations.object_timeout_ms;
    let mut refunded = false;
    for (object, spent) in reserved {
        let answer = Address::limiter(&object).send(&call.env, &Refund(spent), timeout_ms).await;
        refunded |= answer.map_err(|why| call.unavailable("limiter", why))?;
        super::forget(&object);
    }
    Ok(Envelope::json(200, &RefundAnswer { refunded }))
}

/// Decides all limits of a question, or spends none of them.
async fn decide(call: &Call, question: &Question) -> Result<Vec<Verdict>, Problem> {
    let limits = question.limits()?;
    if let [(limit, cost)] = limits.as_slice() {
        return Ok(vec![limit.spend(call, *cost).await]);
    }
    let mut order: Vec<(String, usize)> = limits
        .iter()
        .enumerate()
        .map(|(place, (limit, _))| (limit.object.clone(), place))
        .collect();
    order.sort();
    let mut verdicts = vec![None; limits.len()];
    let mut held: Vec<(String, Close)> = Vec::new();
    let mut all = true;
    for (object, place) in order {
        let (Some((limit, cost)), Some(slot)) = (limits.get(place), verdicts.get_mut(place)) else {
            continue;
        };
        let verdict = limit.ask(call, *cost, true).await;
        match verdict {
            Verdict::Decided(Decided { allowed: true, id, .. }, _) if *cost > 0 => {
                held.push((object, Close { id, spent: *cost }));
            }
            _ => all = limit.outcome(&verdict).goes_on(),
        }
        *slot = Some(verdict);
        if !all {
            break;
        }
    }
    if !close(call, held, all).await {
        return Ok(vec![Verdict::Unanswered; limits.len()]);
    }
    // What stands behind a refusal was not asked: it is not in the way.
    Ok(verdicts.into_iter().map(|verdict| verdict.unwrap_or(Verdict::Unasked)).collect())
}

/// Spends what is held, or lets it go. `false`: something could not be spent, so the question has
/// no answer; what could be is lost to its key until time brings it back.
async fn close(call: &Call, held: Vec<(String, Close)>, spend: bool) -> bool {
    let timeout_ms = call.settings.durations.object_timeout_ms;
    let closes = held.into_iter().map(|(object, close)| async move {
        let settle = Settle(if spend { close } else { Close { spent: 0, ..close } });
        let sent = Address::limiter(&object).send(&call.env, &settle, timeout_ms).await;
        sent.unwrap_or_default()
    });
    let closed = join_all(closes).await;
    !spend || closed.into_iter().all(|closed| closed)
}

/// The answer to the whole question: of the limit that refuses, or that has the least left.
fn answer(call: &Call, question: &Question, verdicts: &[Verdict]) -> Result<CheckAnswer, Problem> {
    let limits = question.limits()?;
    let mut reserved = reservation::Reserved::new();
    let mut stands: Option<(u64, CheckAnswer)> = None;
    for ((limit, cost), verdict) in limits.iter().zip(verdicts) {
        let outcome = if *cost == 0 { limit.outcome(verdict) } else { limit.settle(call, verdict) };
        if outcome == Outcome::FailedClosed {
            return Err(unavailable());
        }
        let (weight, one) = match verdict {
            Verdict::Unasked => continue,
            Verdict::Decided(said, by) => {
                if said.allowed && *cost > 0 && said.id != UNCOUNTED {
                    let spent = Spent { id: said.id, at: said.at, units: *cost };
                    reserved.push((limit.object.clone(), spent));
                }
                (said.remaining, said_of(limit, said, *by, outcome.goes_on()))
            }
            Verdict::Stale | Verdict::Unanswered => (u64::MAX, failed(limit)),
        };
        let weight = if one.allowed { weight.saturating_add(1) } else { 0 };
        if stands.as_ref().is_none_or(|(least, _)| weight < *least) {
            stands = Some((weight, one));
        }
    }
    let (_, answer) = stands.ok_or_else(unavailable)?;
    if !answer.allowed {
        return Ok(answer);
    }
    let reservation = reservation::seal(&call.settings.key_mac, &reserved);
    Ok(CheckAnswer { reservation, ..answer })
}

fn said_of(limit: &Limit<'_>, said: &Decided, by: ServedBy, allowed: bool) -> CheckAnswer {
    // In shadow nobody has to wait.
    let waits = allowed == said.allowed;
    CheckAnswer {
        allowed,
        limit: said.limit,
        remaining: said.remaining,
        reset_at: clock::now().plus(said.reset_ms),
        retry_after_ms: if waits { said.wait_ms } else { Some(0) },
        policy: limit.name.into(),
        served_by: match by {
            _ if said.allowed && said.id == UNCOUNTED => "exemption",
            ServedBy::Object => "object",
            ServedBy::Lease => "lease",
            ServedBy::Denial => "denial",
        }
        .into(),
        reservation: None,
    }
}

/// Admitted because nobody answered.
fn failed(limit: &Limit<'_>) -> CheckAnswer {
    CheckAnswer {
        allowed: true,
        limit: limit.plan.rules.first().map_or(0, |rule| rule.limit),
        remaining: 0,
        reset_at: clock::now(),
        retry_after_ms: Some(0),
        policy: limit.name.into(),
        served_by: "failure".into(),
        reservation: None,
    }
}
