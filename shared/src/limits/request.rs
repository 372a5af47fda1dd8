//! What callers ask of limits, and what they get.
//!
//! Invariant: a question is refused before anything is spent: a key is 1 to 256 bytes of UTF-8, a
//! cost is at most what the policy ever has.

use super::error::INVALID;
use super::policy::{Policy, is_name};
use super::wire::Exception;
use crate::problem::{FieldError, Problem};
use crate::time::{self, Millis};
use alloc::{collections::BTreeSet, format, string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// A key's bytes (M11).
pub const KEY_BYTES_MAX: usize = 256;
/// Limits that are decided at once: the object calls that one request may have open.
/// Source: developers.cloudflare.com/workers/platform/limits (simultaneous connections).
pub const ALSO_MAX: usize = 5;

/// `POST /api/v1/limits/check`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CheckRequest {
    /// The policy's name.
    pub policy: String,
    /// Whom to count: any UTF-8 of 1 to 256 bytes. Only a hash of it is kept.
    pub key: String,
    /// Units to spend; 1 when missing, 0 only looks.
    #[serde(default = "one")]
    pub cost: u64,
    /// A tier of the policy, for all limits of this question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    /// Up to 5 more limits: all are spent, or none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Also>,
}

/// One more limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Also {
    /// The policy's name.
    pub policy: String,
    /// Whom to count.
    pub key: String,
    /// Units to spend; 1 when missing.
    #[serde(default = "one")]
    pub cost: u64,
}

fn one() -> u64 {
    1
}

impl CheckRequest {
    /// A question that only looks.
    #[must_use]
    pub fn look(policy: &str, key: &str, tier: Option<&str>) -> Self {
        let (policy, key, tier) = (policy.into(), key.into(), tier.map(Into::into));
        Self { policy, key, cost: 0, tier, also: Vec::new() }
    }

    /// All limits of the question, the first one first.
    #[must_use]
    pub fn limits(&self) -> Vec<Also> {
        let Self { policy, key, cost, .. } = self.clone();
        let mut all = alloc::vec![Also { policy, key, cost }];
        all.extend(self.also.iter().cloned());
        all
    }

    /// Checks what needs no policy.
    ///
    /// # Errors
    /// 422 with a pointer for each field at fault.
    pub fn check(&self) -> Result<(), Problem> {
        let mut errors = Vec::new();
        let mut seen = BTreeSet::new();
        if self.also.len() > ALSO_MAX {
            errors.push(error("/also".into(), format!("are more than {ALSO_MAX}")));
        }
        if self.tier.as_deref().is_some_and(|tier| !is_name(tier)) {
            errors.push(error("/tier".into(), "is no name of [a-z0-9-]{1,64}".into()));
        }
        for (place, limit) in self.limits().into_iter().enumerate() {
            let at = place_of(place);
            if !is_name(&limit.policy) {
                errors.push(error(format!("{at}/policy"), "is no name of [a-z0-9-]{1,64}".into()));
            }
            if !is_key(&limit.key) {
                let detail = format!("must have 1 to {KEY_BYTES_MAX} bytes");
                errors.push(error(format!("{at}/key"), detail));
            }
            if !seen.insert((limit.policy, limit.key)) {
                errors.push(error(at, "is asked twice".into()));
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(Problem::fields(&INVALID, errors)) }
    }

    /// Checks one limit of the question against its policy.
    ///
    /// # Errors
    /// 422: a cost that never fits, a tier that the policy has not.
    pub fn check_against(
        &self,
        place: usize,
        policy: &Policy,
        capacity: u64,
    ) -> Result<(), Problem> {
        let mut errors = Vec::new();
        let cost = self.limits().get(place).map_or(0, |limit| limit.cost);
        if cost > capacity {
            let detail = format!("is more than the {capacity} that the policy ever has");
            errors.push(error(format!("{}/cost", place_of(place)), detail));
        }
        if place == 0
            && let Some(tier) = &self.tier
            && !policy.tiers.contains_key(tier)
        {
            errors.push(error("/tier".into(), "the policy has no such tier".into()));
        }
        if errors.is_empty() { Ok(()) } else { Err(Problem::fields(&INVALID, errors)) }
    }
}

/// Where a limit of a question stands in its body.
fn place_of(place: usize) -> String {
    match place.checked_sub(1) {
        None => String::new(),
        Some(also) => format!("/also/{also}"),
    }
}

/// Whether a key may be counted.
#[must_use]
pub fn is_key(key: &str) -> bool {
    (1..=KEY_BYTES_MAX).contains(&key.len())
}

fn error(pointer: String, detail: String) -> FieldError {
    FieldError { pointer, detail }
}

/// The answer of `check` and `peek`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CheckAnswer {
    /// Whether to go on.
    pub allowed: bool,
    /// Units in a window, of the rule that has the least left.
    pub limit: u64,
    /// What it has left.
    pub remaining: u64,
    /// When it has all of it again, if nothing more is spent; RFC 3339.
    #[serde(with = "time::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub reset_at: Millis,
    /// Refused: how long until the cost fits. Allowed: 0, or of a `leaky_bucket` how long to wait
    /// before going on. `null`: waiting does not help (a ban).
    pub retry_after_ms: Option<u64>,
    /// Which policy decided: of several, the one that refused or has the least left.
    pub policy: String,
    /// `object`; `lease` or `denial` (the edge knew by itself); `exemption` (the key is not
    /// counted); `failure` (admitted because the object did not answer).
    pub served_by: String,
    /// Gives the units back through `refund`; missing when nothing was spent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reservation: Option<String>,
}

/// `POST /api/v1/limits/refund`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RefundRequest {
    /// From the answer of a check.
    pub reservation: String,
}

/// The answer of `refund`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RefundAnswer {
    /// Whether units came back: `false` when they had before, or their time is over.
    pub refunded: bool,
}

/// The answer of `PUT /api/v1/limits/overrides/{policy}/{key}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Override {
    /// The policy's name.
    pub policy: String,
    /// The key.
    pub key: String,
    /// What is different.
    #[serde(flatten)]
    pub exception: Exception,
}
