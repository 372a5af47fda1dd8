//! What of fraud rules travels: names between edge and origin, and what owners see.
//!
//! Invariant: a view holds no address (F5); a token is shown as it was given.

use super::judge::Hit;
use super::publish::Action;
use super::rule::Rule;
use super::{Attempt, Then};
use crate::money::Currency;
use crate::payments::error::INVALID;
use crate::payments::wire::payment_id;
use crate::problem::{FieldError, Problem};
use crate::time::{self, Millis};
use alloc::{string::String, vec, vec::Vec};
use serde::{Deserialize, Serialize};

/// The registers' and events' product. A register's key is the application.
pub const PRODUCT: &str = "fraud";

/// What became of a payment that was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "FraudVerdict"))]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// No rule that acts matched.
    Allow,
    /// It was made and held.
    Review,
    /// It was not made.
    Block,
}

impl Verdict {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Allow, Self::Review, Self::Block];

    /// Of what a judgement asks for.
    #[must_use]
    pub fn of(then: Option<Then>) -> Self {
        match then {
            None => Self::Allow,
            Some(Then::Review) => Self::Review,
            Some(Then::Block) => Self::Block,
        }
    }

    /// As it is stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Review => "review",
            Self::Block => "block",
        }
    }

    /// Reads the list's `?verdict=`.
    ///
    /// # Errors
    /// 422.
    pub fn asked(text: Option<&str>) -> Result<Option<Self>, Problem> {
        let Some(text) = text else { return Ok(None) };
        let found = Self::ALL.into_iter().find(|one| one.as_str() == text);
        found.map(Some).ok_or_else(|| {
            let detail = "must be allow, review or block".into();
            let error = FieldError { pointer: "?verdict".into(), detail };
            Problem::fields(&INVALID, vec![error])
        })
    }
}

/// A judgement. (The name in the document is `FraudDecision`.)
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "FraudDecision"))]
pub struct DecisionView {
    /// `pay_…`: the payment, or of what was blocked what would have been one.
    pub id: String,
    /// What became of it.
    pub verdict: Verdict,
    /// The rule that decided.
    pub rule: Option<String>,
    /// Its version.
    pub rule_version: Option<u64>,
    /// What it saw.
    pub reason: Option<String>,
    /// Every rule that matched.
    pub hits: Vec<Hit>,
    /// Minor units.
    pub amount: i64,
    /// ISO 4217.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub currency: Currency,
    /// `acc_…`, or the gateway's token.
    pub source: String,
    /// `acc_…`, or the gateway's token.
    pub destination: String,
    /// Of the means of payment.
    pub country: Option<String>,
    /// Where the request came from.
    pub request_country: Option<String>,
    /// Whether the edge decided, and no origin was asked.
    pub at_edge: bool,
    /// When.
    #[serde(with = "time::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub at: Millis,
}

impl DecisionView {
    /// Of a row.
    #[must_use]
    pub fn of(attempt: &Attempt) -> Self {
        let Attempt { facts, judgement, .. } = attempt.clone();
        let decided = judgement.decided;
        Self {
            id: payment_id(attempt.id),
            verdict: Verdict::of(decided.as_ref().map(|hit| hit.then)),
            rule: decided.as_ref().map(|hit| hit.rule.clone()),
            rule_version: decided.as_ref().map(|hit| hit.version),
            reason: decided.map(|hit| hit.reason),
            hits: judgement.hits,
            amount: facts.amount,
            currency: facts.currency,
            source: facts.source,
            destination: facts.destination,
            country: facts.country,
            request_country: facts.from,
            at_edge: attempt.at_edge,
            at: attempt.at,
        }
    }
}

/// A change of a rule. (The name in the document is `FraudRuleVersion`.)
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "FraudRuleVersion"))]
pub struct VersionView {
    /// The rule's name.
    pub name: String,
    /// The version that the change made.
    pub version: u64,
    /// What was done.
    pub action: Action,
    /// The rule since then; `null`: there was none.
    pub rule: Option<Rule>,
    /// When.
    #[serde(with = "time::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub at: Millis,
    /// `service:{kid}`, or a user's pseudonym.
    pub by: String,
    /// In which request.
    pub request_id: String,
}
