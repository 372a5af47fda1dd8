//! What of limits travels: between an isolate and a key's object, and the names of both.
//!
//! Invariant: names are pinned by `tests/golden`. Two versions of the Worker may stand at the two
//! ends: fields are only added, with defaults.

use super::error::INVALID;
use super::policy::Policy;
use super::rule::{LIMIT_MAX, Rule};
use crate::problem::{FieldError, Problem};
use crate::roads::Stamp;
use crate::time::Millis;
use alloc::{format, string::String, vec::Vec};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The registers' and events' product.
pub const PRODUCT: &str = "limits";

/// The register's key of an application's policy.
#[must_use]
pub fn register_key(app: &str, policy: &str) -> String {
    format!("{app}/{policy}")
}

/// The object of a key: `{app}/{policy}/{half of the key's SHA-256}`; the key itself is kept
/// nowhere (M11).
#[must_use]
pub fn object_name(app: &str, policy: &str, key: &str) -> String {
    format!("{app}/{policy}/{}", key_hash(key))
}

/// The first 128 bits of the key's SHA-256, in hexadecimal digits.
#[must_use]
pub fn key_hash(key: &str) -> String {
    hex::encode(Sha256::digest(key.as_bytes()).get(..16).unwrap_or_default())
}

/// What a policy means for one question; travels with it, so that the object asks nobody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The policy's version.
    pub stamp: Stamp,
    /// Decided as one.
    pub rules: Vec<Rule>,
    /// Whether isolates may take units ahead.
    pub lease: bool,
}

impl Plan {
    /// Units that a fresh key has at once: the most that a check may cost.
    #[must_use]
    pub fn capacity(&self) -> u64 {
        self.rules.iter().map(Rule::capacity).min().unwrap_or_default()
    }
}

/// A question of an isolate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// By what to decide.
    pub plan: Plan,
    /// Units to be spent; 0 only looks.
    pub cost: u64,
    /// Units that the isolate would take ahead.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub ahead: u64,
    /// A lease that it has done with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub close: Option<Close>,
    /// Hold the units until a [`Close`] says what became of them.
    #[serde(default, skip_serializing_if = "is_false")]
    pub hold: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(units: &u64) -> bool {
    *units == 0
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// The end of a lease or of a hold: what of it was spent; the rest comes back. Counts once, and not
/// after its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Close {
    /// Which.
    pub id: u64,
    /// Units of it that were spent.
    pub spent: u64,
}

/// The answer to a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// The object has seen a newer policy: read it at its home and ask again.
    Stale(Stamp),
    /// Decided.
    Decided(Decided),
}

/// The name of a decision that spent nothing, of an exempt key.
pub const UNCOUNTED: u64 = 0;

/// A decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// Whether the units may be spent; they are.
    pub allowed: bool,
    /// Which of the plan's rules has the least left.
    #[serde(default)]
    pub rule: u32,
    /// Its units in a window.
    pub limit: u64,
    /// What it has left.
    pub remaining: u64,
    /// Milliseconds until it has all of it again, if nothing more is spent.
    pub reset_ms: u64,
    /// Milliseconds until the cost would be allowed, or until an allowed one may go on (leaky
    /// bucket); none: never by waiting.
    pub wait_ms: Option<u64>,
    /// When, by the object's clock.
    pub at: Millis,
    /// Names what was spent.
    pub id: u64,
    /// Units ahead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Grant>,
}

/// Units that an isolate may spend by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Names it.
    pub id: u64,
    /// How many.
    pub units: u64,
    /// How long, from when the isolate asked.
    pub life_ms: u64,
}

/// What was spent by one decision, to be given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// The decision.
    pub id: u64,
    /// Its moment, by the object's clock; of leased units, the lease's.
    pub at: Millis,
    /// Units.
    pub units: u64,
}

/// What is different for one key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// Its own limit, instead of the policy's; 1 to 100,000,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// Refuse everything.
    #[serde(default, skip_serializing_if = "is_false")]
    pub ban: bool,
    /// Allow everything, and count nothing.
    #[serde(default, skip_serializing_if = "is_false")]
    pub exempt: bool,
}

impl Exception {
    /// Checks it against the policy that it is an exception of.
    ///
    /// # Errors
    /// 422: nothing is different, a limit out of bounds or beside several rules, or a ban that is
    /// also an exemption.
    pub fn check(&self, policy: &Policy) -> Result<(), Problem> {
        let refuse = |pointer: &str, detail: String| {
            Problem::fields(&INVALID, alloc::vec![FieldError { pointer: pointer.into(), detail }])
        };
        let Some(limit) = self.limit else {
            return match (self.ban, self.exempt) {
                (true, true) => Err(refuse("/exempt", "does not go with a ban".into())),
                (false, false) => Err(refuse("", "says nothing: limit, ban or exempt".into())),
                _ => Ok(()),
            };
        };
        if !policy.all.is_empty() {
            return Err(refuse("/limit", "the policy has several rules".into()));
        }
        if self.ban || self.exempt {
            return Err(refuse("/limit", "does not go with a ban or an exemption".into()));
        }
        policy.with_limit(limit).check().map_err(|_| {
            refuse("/limit", format!("must be 1 to {LIMIT_MAX}, of a log 1 to 10,000"))
        })
    }
}
