//! What was decided, counted: from isolates up the road, and out to callers.
//!
//! Invariant: a key travels as its hash only (M11).

use crate::time::{self, Millis};
use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// The width of a slot of the series.
pub const SLOT_MS: u64 = 10 * time::SECOND_MS;
/// Keys that one tally names: the busiest.
pub const KEYS_MAX: usize = 32;

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
