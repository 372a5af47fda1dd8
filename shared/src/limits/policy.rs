//! A policy as it is published, checked, and resolved into the plan of one question.
//!
//! Invariant: what passes [`Policy::check`] resolves for each of its tiers into rules within
//! [`super::rule`]'s bounds.

use super::error::INVALID;
use super::meter::held::{HOLD_MS, UNITS_MAX};
use super::rule::{Algorithm, LIMIT_MAX, LOG_LIMIT_MAX, Rule, WINDOW_MS_MAX};
use super::wire::Plan;
use crate::problem::{FieldError, Problem};
use crate::roads::Stamp;
use alloc::{collections::BTreeMap, format, string::String, string::ToString, vec, vec::Vec};
use serde::{Deserialize, Serialize};

/// Characters of a policy's or tier's name.
pub const NAME_BYTES_MAX: usize = 64;
/// Rules that are decided as one.
pub const RULES_MAX: usize = 4;
/// Tiers of a policy.
pub const TIERS_MAX: usize = 32;
/// How long an isolate waits for the key's object unless the policy says otherwise (M9).
pub const TIMEOUT_MS_DEFAULT: u64 = 1_000;
/// The shortest and the longest wait.
pub const TIMEOUT_MS: core::ops::RangeInclusive<u64> = 50..=5_000;
const _: () = assert!(UNITS_MAX < LIMIT_MAX && HOLD_MS > TIMEOUT_MS_DEFAULT);

/// What happens when a key's object does not answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// Admit, and count it.
    #[default]
    Open,
    /// Refuse with 503.
    Closed,
}

/// Numbers that replace the policy's own; what is missing is the policy's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// Units in a window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// The window in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_ms: Option<u64>,
    /// Units at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst: Option<u64>,
}

/// One of several rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PolicyRule {
    /// How it counts; `token_bucket` when missing.
    #[serde(default)]
    pub algorithm: Algorithm,
    /// Units in a window, 1 to 100,000,000.
    pub limit: u64,
    /// The window in milliseconds, at most 366 days.
    pub window_ms: u64,
    /// Units at once, of the algorithms that refill evenly; `limit` when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst: Option<u64>,
}

/// `PUT /api/v1/limits/policies/{name}`, and the register's value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// How it counts; `token_bucket` when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<Algorithm>,
    /// Units in a window, 1 to 100,000,000 (`sliding_window_log`: 10,000). Not beside `all`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// The window in milliseconds, at most 366 days. Not beside `all`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_ms: Option<u64>,
    /// Units at once, of the algorithms that refill evenly; `limit` when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst: Option<u64>,
    /// Other numbers for some callers, by the tier's name. Not beside `all`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tiers: BTreeMap<String, Tier>,
    /// Up to 4 rules that are decided as one, instead of the fields above.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub all: Vec<PolicyRule>,
    /// `open` when missing.
    #[serde(default)]
    pub on_failure: OnFailure,
    /// How long to wait for the key's object, 50 to 5,000; 1,000 when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// Whether the edge may take units ahead for busy keys; `true` when missing.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub lease: bool,
    /// Record what would have been refused, and refuse nothing.
    #[serde(default)]
    pub shadow: bool,
}

fn yes() -> bool {
    true
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_yes(flag: &bool) -> bool {
    *flag
}

impl Policy {
    /// Checks everything.
    ///
    /// # Errors
    /// 422 with a pointer for each field at fault.
    pub fn check(&self) -> Result<(), Problem> {
        let mut errors = Vec::new();
        if self.all.is_empty() {
            for (field, value) in [("/limit", self.limit), ("/window_ms", self.window_ms)] {
                if value.is_none() {
                    errors.push(error(field, "is missing".into()));
                }
            }
        } else if self.limit.or(self.window_ms).or(self.burst).is_some() || self.algorithm.is_some()
        {
            errors.push(error("/all", "stands instead of limit, window_ms and burst".into()));
        } else if !self.tiers.is_empty() {
            errors.push(error("/tiers", "do not go with all".into()));
        }
        if self.all.len() > RULES_MAX {
            errors.push(error("/all", format!("has more than {RULES_MAX} rules")));
        }
        if self.tiers.len() > TIERS_MAX {
            errors.push(error("/tiers", format!("are more than {TIERS_MAX}")));
        }
        if self.timeout_ms.is_some_and(|ms| !TIMEOUT_MS.contains(&ms)) {
            errors.push(error("/timeout_ms", "must be 50 to 5,000".into()));
        }
        if errors.is_empty() {
            for (place, rule) in self.all.iter().enumerate() {
                check_rule(&format!("/all/{place}"), &rule.rule(), rule.burst, &mut errors);
            }
            if self.all.is_empty() {
                check_rule("", &self.of(&Tier::default()), self.burst, &mut errors);
            }
            for (name, tier) in &self.tiers {
                let at = format!("/tiers/{}", name.replace('~', "~0").replace('/', "~1"));
                if !is_name(name) {
                    errors.push(error(&at, "is no name of [a-z0-9-]{1,64}".into()));
                }
                check_rule(&at, &self.of(tier), tier.burst, &mut errors);
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(Problem::fields(&INVALID, errors)) }
    }

    /// The rules for a caller of `tier`; a tier that the policy does not know is none.
    #[must_use]
    pub fn plan(&self, stamp: Stamp, tier: &str) -> Plan {
        let rules = if self.all.is_empty() {
            vec![self.of(&self.tiers.get(tier).copied().unwrap_or_default())]
        } else {
            self.all.iter().map(PolicyRule::rule).collect()
        };
        Plan { stamp, rules, lease: self.lease }
    }

    /// The same with another limit.
    #[must_use]
    pub fn with_limit(&self, limit: u64) -> Self {
        Self { limit: Some(limit), ..self.clone() }
    }

    /// How long to wait for a key's object.
    #[must_use]
    pub fn timeout_ms(&self) -> u64 {
        self.timeout_ms.unwrap_or(TIMEOUT_MS_DEFAULT)
    }

    fn of(&self, tier: &Tier) -> Rule {
        let limit = tier.limit.or(self.limit).unwrap_or_default();
        let window_ms = tier.window_ms.or(self.window_ms).unwrap_or_default();
        let burst = tier.burst.or(self.burst).unwrap_or(limit);
        Rule { algorithm: self.algorithm.unwrap_or_default(), limit, window_ms, burst }
    }
}

impl PolicyRule {
    fn rule(&self) -> Rule {
        let Self { algorithm, limit, window_ms, burst } = *self;
        Rule { algorithm, limit, window_ms, burst: burst.unwrap_or(limit) }
    }
}

/// Whether it is `[a-z0-9-]{1,64}`.
#[must_use]
pub fn is_name(name: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn error(pointer: &str, detail: String) -> FieldError {
    FieldError { pointer: pointer.to_string(), detail }
}

fn check_rule(at: &str, rule: &Rule, burst: Option<u64>, errors: &mut Vec<FieldError>) {
    let mut refuse =
        |field: &str, detail: String| errors.push(error(&format!("{at}{field}"), detail));
    if !(1..=LIMIT_MAX).contains(&rule.limit) {
        refuse("/limit", format!("must be 1 to {LIMIT_MAX}"));
    } else if rule.algorithm == Algorithm::SlidingWindowLog && rule.limit > LOG_LIMIT_MAX {
        let detail = format!("a log keeps at most {LOG_LIMIT_MAX}: use sliding_window_counter");
        refuse("/limit", detail);
    }
    if !(1..=WINDOW_MS_MAX).contains(&rule.window_ms) {
        refuse("/window_ms", format!("must be 1 to {WINDOW_MS_MAX}"));
    }
    if burst.is_some() && !rule.is_bucket() {
        refuse("/burst", "goes with token_bucket, gcra and leaky_bucket".into());
    } else if burst.is_some_and(|burst| !(1..=LIMIT_MAX).contains(&burst)) {
        refuse("/burst", format!("must be 1 to {LIMIT_MAX}"));
    }
}
