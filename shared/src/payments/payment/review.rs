//! Reviews: payments that a fraud rule has held against it, and what is decided about them.
//!
//! Invariant: a payment under review holds its amount and captures nothing, between accounts and
//! through a gateway, whatever its capture method. Approved, it goes on as it was asked for;
//! rejected, it is canceled. Refused: a second decision.

use super::request::check_reason;
use super::step::Desk;
use super::{Ask, Input, Payment, Status, decide};
use crate::body;
use crate::machine::Step;
use crate::payments::card;
use crate::payments::error::{REVIEW, STATE};
use crate::payments::fraud::rule::Then;
use crate::payments::fraud::{Screen, blocked};
use crate::payments::ledger::{self, Actor, Ledger, Reply, View};
use crate::problem::Problem;
use crate::time::Millis;
use alloc::{boxed::Box, format, string::String};
use serde::{Deserialize, Serialize};

/// Where a review stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ReviewStatus"))]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Somebody has to decide.
    Pending,
    /// The payment went on.
    Approved,
    /// The payment was canceled.
    Rejected,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Approved, Self::Rejected];

    /// As it is stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
        }
    }
}

/// What a fraud rule asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// Where it stands.
    pub status: State,
    /// The rule.
    pub rule: String,
    /// Its version.
    pub version: u64,
    /// What it saw.
    pub reason: String,
    /// Whether the payment is captured when it is approved.
    pub automatic: bool,
}

/// The same, as the payment's owner sees it. (The name in the document is `Review`.)
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Review"))]
pub struct ReviewView {
    /// Where it stands.
    pub status: State,
    /// The rule.
    pub rule: String,
    /// Its version.
    pub rule_version: u64,
    /// What it saw.
    pub reason: String,
}

impl ReviewView {
    pub(super) fn of(review: &Review) -> Self {
        let Review { status, rule, version, reason, .. } = review.clone();
        Self { status, rule, rule_version: version, reason }
    }
}

impl Payment {
    /// Whether only a review made its capture one by a call.
    #[must_use]
    pub fn is_held_for_review(&self) -> bool {
        self.review.as_ref().is_some_and(|review| review.automatic)
    }
}

/// A decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ReviewDecision"))]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The payment goes on: it is captured, unless that was to be a call of its own.
    Approve,
    /// The payment is canceled.
    Reject,
}

/// `POST /api/v1/payments/{id}/review`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ReviewRequest {
    /// What is decided.
    pub decision: Decision,
    /// Why, at most 200 characters; the payment's history has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Checks the body of a decision; whether the payment goes on, and why.
///
/// # Errors
/// 400, 422.
pub fn request(bytes: &[u8]) -> Result<(bool, Option<String>), Problem> {
    card::refuse(bytes)?;
    let asked: ReviewRequest = body::parse(bytes)?;
    asked.reason.as_deref().map(check_reason).transpose()?;
    Ok((asked.decision == Decision::Approve, asked.reason))
}

/// Holds a new payment against its application's rules, then makes it, or not.
pub(super) fn screened(
    view: &View,
    now: Millis,
    actor: &Actor,
    input: Input,
    screen: &Screen,
) -> Result<Step<Ledger>, Problem> {
    let attempt = screen.attempt(&view.flows, now, input.payment);
    let decided = attempt.judgement.decided.clone();
    let is_blocked = decided.as_ref().is_some_and(|hit| hit.then == Then::Block);
    let refusal = is_blocked.then(|| blocked(&attempt.judgement));
    let write = ledger::Write::Screened(Box::new(attempt));
    if let Some(problem) = refusal {
        return Ok(Step { writes: [write].into(), ..Step::reply(Reply::Refused(problem)) });
    }
    let Input { payment, ids, ask } = input;
    let ask = match (ask, decided) {
        (Ask::Create(mut made), Some(hit)) => {
            made.review = Some(Review {
                status: State::Pending,
                rule: hit.rule,
                version: hit.version,
                reason: hit.reason,
                automatic: !made.manual,
            });
            made.manual = true;
            Ask::Create(made)
        }
        (ask, _) => ask,
    };
    let mut step = decide(view, now, actor, Input { payment, ids, ask })?;
    step.writes.push(write);
    Ok(step)
}

/// A new payment under review says so.
pub(super) fn note(desk: &mut Desk<'_>) {
    let Some(review) = &desk.payment.review else { return };
    let reason = format!("{}: {}", review.rule, review.reason);
    desk.happened("payment.review_pending", desk.payment.amount, Some(&reason));
}

/// What is under review is not captured.
pub(super) fn refuse_pending(desk: &Desk<'_>) -> Result<(), Problem> {
    match &desk.payment.review {
        Some(Review { status: State::Pending, rule, .. })
            if matches!(desk.payment.status, Status::Authorized | Status::Processing) =>
        {
            let status = desk.payment.status.as_str();
            let detail = format!("the payment is {status}, and rule {rule} asks for a review");
            Err(Problem::new(&REVIEW, detail))
        }
        _ => Ok(()),
    }
}

/// Decides: `approved` goes on, the rest is canceled.
pub(super) fn review(
    desk: &mut Desk<'_>,
    approved: bool,
    why: Option<&str>,
) -> Result<(), Problem> {
    let is_open = matches!(desk.payment.status, Status::Authorized | Status::Processing);
    let amount = desk.payment.amount;
    let Some(review) = &mut desk.payment.review else {
        return Err(Problem::new(&STATE, "the payment is under no review"));
    };
    if review.status != State::Pending {
        let detail = format!("the review is {}", review.status.as_str());
        return Err(Problem::new(&STATE, detail));
    }
    if !is_open {
        return Err(desk.refuse("there is nothing to decide any more"));
    }
    review.status = if approved { State::Approved } else { State::Rejected };
    let rule = match why {
        Some(why) => format!("{}: {why}", review.rule),
        None => review.rule.clone(),
    };
    if !approved {
        desk.happened("payment.review_rejected", amount, Some(&rule));
        return super::decide::cancel(desk);
    }
    desk.happened("payment.review_approved", amount, Some(&rule));
    go_on(desk)
}

/// Captures what is authorized and approved, unless that is to be a call of its own.
pub(super) fn go_on(desk: &mut Desk<'_>) -> Result<(), Problem> {
    let approved = |one: &Review| one.automatic && one.status == State::Approved;
    if desk.payment.status == Status::Authorized
        && desk.payment.review.as_ref().is_some_and(approved)
    {
        return super::decide::capture(desk, None);
    }
    Ok(())
}
