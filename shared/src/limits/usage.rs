//! What was decided, counted: from isolates up the road, and out to callers.
//!
//! Invariant: a key travels as its hash only (M11).

use super::policy::is_name;
use crate::time::{self, Millis};
use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// The width of a slot of the series.
pub const SLOT_MS: u64 = 10 * time::SECOND_MS;
/// Keys that one tally names: the busiest.
pub const KEYS_MAX: usize = 32;

/// Keys that usage names.
pub const HOTTEST_MAX: u64 = 20;
/// Decisions of one kind in a tally: 50 M/s for twenty seconds. 2^63 hold 9 · 10^9 such tallies.
pub const COUNT_MAX: u64 = 1_000_000_000;

/// The slot that a moment falls into.
#[must_use]
pub fn slot(at: Millis) -> Millis {
    Millis(at.0.saturating_sub(at.0 % SLOT_MS))
}

/// Decisions by their outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Counts {
    /// Admitted within the limit.
    pub allowed: u64,
    /// Refused.
    pub refused: u64,
    /// Admitted in shadow mode, though the limit was exceeded.
    pub shadowed: u64,
    /// Admitted because the key's object did not answer.
    pub failed_open: u64,
    /// Refused because the key's object did not answer.
    pub failed_closed: u64,
}

impl Counts {
    /// Each outcome's name and number.
    #[must_use]
    pub fn by_outcome(&self) -> [(&'static str, u64); 5] {
        [
            ("allowed", self.allowed),
            ("refused", self.refused),
            ("shadowed", self.shadowed),
            ("failed_open", self.failed_open),
            ("failed_closed", self.failed_closed),
        ]
    }

    /// Adds what was decided elsewhere.
    pub fn add(&mut self, more: &Self) {
        for (sum, (_, count)) in [
            &mut self.allowed,
            &mut self.refused,
            &mut self.shadowed,
            &mut self.failed_open,
            &mut self.failed_closed,
        ]
        .into_iter()
        .zip(more.by_outcome())
        {
            *sum = sum.saturating_add(count);
        }
    }
}

/// The event: what an isolate decided by one policy since the last one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Whose policy.
    pub app: String,
    /// Its name.
    pub policy: String,
    /// All decisions.
    #[serde(flatten)]
    pub counts: Counts,
    /// The busiest keys.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<KeyCounts>,
}

impl Tally {
    /// Whether it can be stored.
    ///
    /// # Errors
    /// What of it is wrong.
    pub fn check(&self) -> Result<(), &'static str> {
        if self.app.is_empty() || !is_name(&self.policy) {
            return Err("the policy's name is not readable");
        }
        if self.keys.len() > KEYS_MAX {
            return Err("it names too many keys");
        }
        let is_hash = |hash: &str| {
            hash.len() == 32 && hash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        };
        if !self.keys.iter().all(|key| is_hash(&key.key_hash)) {
            return Err("a key's hash is not readable");
        }
        let of_keys = self.keys.iter().flat_map(|key| [key.allowed, key.refused]);
        if self.counts.by_outcome().map(|(_, n)| n).into_iter().chain(of_keys).any(too_many) {
            return Err("it counts more than can be");
        }
        Ok(())
    }
}

fn too_many(count: u64) -> bool {
    count > COUNT_MAX
}

/// Decisions about one key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyCounts {
    /// The first 128 bits of the key's SHA-256, in hexadecimal digits.
    pub key_hash: String,
    /// Admitted.
    pub allowed: u64,
    /// Refused, or would have been.
    pub refused: u64,
}

/// One slot of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UsageSlot {
    /// When the slot of ten seconds begins, RFC 3339.
    #[serde(with = "time::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub at: Millis,
    /// Decisions in it.
    #[serde(flatten)]
    pub counts: Counts,
}

/// `GET /api/v1/limits/policies/{name}/usage?from&to`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Usage {
    /// The policy's name.
    pub policy: String,
    /// Decisions in the window.
    #[serde(flatten)]
    pub counts: Counts,
    /// Slots with decisions, in order; a slot without any is left out.
    pub series: Vec<UsageSlot>,
    /// The busiest keys of the window's hours, most decisions first; at most 20.
    pub hottest: Vec<KeyCounts>,
}
