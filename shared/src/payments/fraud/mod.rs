//! Fraud rules: what is reviewed or blocked before it is authorized, and why.
//!
//! Invariants: F1 a judgement is a function of the rules, the facts and what passed before; the
//! same three lead to the same judgement, live and in a backtest. F2 block is stronger than
//! review, and of two rules of one strength the first by name is the reason. F3 what is blocked
//! moves nothing and does not count as passed; it is recorded. F4 a party's attempts have an
//! order: `at` never falls, `seq` rises. F5 an address is judged and not kept.
//! Refused: to judge what is not known. A missing country matches nothing.

pub mod backtest;
pub mod judge;
pub mod publish;
pub mod rule;
#[cfg(test)]
mod tests;
pub mod wire;

use self::judge::{Flows, Judgement, Past, judge};
use self::publish::Named;
use self::rule::{Of, Rule, Then};
use super::error::BLOCKED;
use super::ledger::Key;
use super::payment::{Party, Payment};
use super::wire::account_id;
use crate::money::Currency;
use crate::problem::Problem;
use crate::time::Millis;
use alloc::{collections::BTreeSet, format, string::String, sync::Arc, vec::Vec};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What is known of a payment before it is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Minor units.
    pub amount: i64,
    /// Of the amount.
    pub currency: Currency,
    /// `acc_…`, or the gateway's token.
    pub source: String,
    /// `acc_…`, or the gateway's token.
    pub destination: String,
    /// Of the means of payment, ISO 3166-1 alpha-2, as the caller says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Where the request came from, ISO 3166-1 alpha-2, as the platform says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The request's address; never stored (F5).
    #[serde(skip)]
    pub ip: Option<String>,
}

fn text(party: &Party) -> String {
    match party {
        Party::Account(id) => account_id(*id),
        Party::Gateway { token, .. } => token.clone(),
    }
}

impl Facts {
    /// What the payment itself says.
    #[must_use]
    pub fn of(payment: &Payment) -> Self {
        Self {
            amount: payment.amount,
            currency: payment.currency,
            source: text(&payment.source),
            destination: text(&payment.destination),
            country: payment.country.clone(),
            from: None,
            ip: None,
        }
    }

    /// The same of a request from `ip` in `country`; what is unknown there is empty, `XX` or `T1`.
    #[must_use]
    pub fn from(self, ip: &str, country: &str) -> Self {
        let known = |text: &str| (!matches!(text, "" | "XX" | "T1")).then(|| text.into());
        Self { from: known(country), ip: known(ip), ..self }
    }

    /// One of the parties.
    #[must_use]
    pub fn party(&self, of: Of) -> &str {
        match of {
            Of::Source => &self.source,
            Of::Destination => &self.destination,
        }
    }
}

/// The number of a party's flow: the first 63 bits of SHA-256, so that it fits a column.
#[must_use]
pub fn flow(app: &str, of: Of, party: &str) -> u64 {
    let digest = Sha256::digest(format!("{app}\n{}\n{party}", of.as_str()).as_bytes());
    let first = digest.iter().take(8).fold(0u64, |sum, byte| (sum << 8) | u64::from(*byte));
    first >> 1
}

/// The rules that a payment is held against, and its facts.
#[derive(Clone, Debug)]
pub struct Screen {
    /// Whose.
    pub app: String,
    /// In the order of their names.
    pub rules: Arc<Vec<Named>>,
    /// Of the payment.
    pub facts: Facts,
}

impl Screen {
    /// Adds what a judgement reads: the flows of velocity rules.
    pub fn reads(&self, keys: &mut BTreeSet<Key>) {
        for velocity in self.rules.iter().filter_map(|named| named.rule.velocity()) {
            let flow = flow(&self.app, velocity.of, self.facts.party(velocity.of));
            keys.insert(Key::Flow(flow, velocity.window_s));
        }
    }

    /// Judges a payment, given what passed before.
    #[must_use]
    pub fn attempt(&self, flows: &Flows, now: Millis, payment: u64) -> Attempt {
        let both = Of::ALL.map(|of| flow(&self.app, of, self.facts.party(of)));
        let judgement = judge(&self.rules, &self.facts, |velocity| {
            flows.past(flow(&self.app, velocity.of, self.facts.party(velocity.of)), velocity)
        });
        Attempt {
            id: payment,
            app: self.app.clone(),
            at: flows.at(now),
            seq: flows.next(both),
            facts: Facts { ip: None, ..self.facts.clone() },
            judgement,
            at_edge: false,
        }
    }
}

/// One payment that was judged, whatever became of it; never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The snowflake of the payment, or of what would have been one.
    pub id: u64,
    /// Whose.
    pub app: String,
    /// When (F4).
    pub at: Millis,
    /// Its place among the attempts of its parties (F4); 0 when no velocity was asked for.
    pub seq: u64,
    /// What was known.
    pub facts: Facts,
    /// What was said.
    pub judgement: Judgement,
    /// Whether the edge said it, and no origin was asked.
    #[serde(default)]
    pub at_edge: bool,
}

impl Attempt {
    /// The flows of its two parties.
    #[must_use]
    pub fn flows(&self) -> [u64; 2] {
        Of::ALL.map(|of| flow(&self.app, of, self.facts.party(of)))
    }

    /// What it adds to its flows; `None` when it was blocked (F3).
    #[must_use]
    pub fn passed(&self) -> Option<Past> {
        let is_blocked = self.judgement.then() == Some(Then::Block);
        let amount = i128::from(self.facts.amount);
        (!is_blocked).then_some(Past { count: 1, amount })
    }
}

/// The 409 of what a rule blocks.
#[must_use]
pub fn blocked(judgement: &Judgement) -> Problem {
    let detail = judgement.decided.as_ref().map_or_else(String::new, |hit| {
        format!("rule {} (version {}): {}", hit.rule, hit.version, hit.reason)
    });
    Problem::new(&BLOCKED, detail)
}

/// Those that the edge may decide by itself: live, blocking, and about nothing but the body, so
/// that each copy of a request is decided the same. They are older than any answer that is kept
/// under an idempotency key: what was once answered otherwise is never refused to a copy.
#[must_use]
pub fn at_edge(rules: &[Named], now: Millis, after_ms: u64) -> Vec<Named> {
    let old = |named: &&Named| now.since(named.updated_at) >= after_ms;
    let own = |named: &&Named| Rule::is_for_edge(&named.rule);
    rules.iter().filter(own).filter(old).cloned().collect()
}
