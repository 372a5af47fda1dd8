//! Token bucket and leaky bucket: one level that falls evenly.
//!
//! The level counts what is spent in parts of a unit: one unit is `window_ms` parts, one
//! millisecond drains `limit` parts; so there is no rounding. Fresh is 0, empty of tokens is
//! `burst` units. The leaky bucket's level is its queue.

use crate::limits::rule::Rule;
use serde::{Deserialize, Serialize};

/// A level and when it was right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// Parts that are spent.
    #[serde(rename = "b")]
    spent: u64,
    /// Milliseconds since 1970.
    #[serde(rename = "t")]
    at: u64,
}

impl Bucket {
    /// See [`super::State::advance`].
    #[inline]
    pub fn advance(&mut self, rule: &Rule, now: u64) {
        let past_ms = now.saturating_sub(self.at);
        self.spent = self.spent.saturating_sub(past_ms.saturating_mul(rule.limit));
        self.at = self.at.max(now);
    }

    /// See [`super::State::fits`].
    #[inline]
    #[must_use]
    pub fn fits(&self, rule: &Rule, units: u64) -> bool {
        self.excess(rule, units) == 0
    }

    /// See [`super::State::spend`].
    #[inline]
    pub fn spend(&mut self, rule: &Rule, units: u64) {
        self.spent = self.spent.saturating_add(units.saturating_mul(rule.window_ms));
    }

    /// See [`super::State::room`].
    #[must_use]
    pub fn room(&self, rule: &Rule) -> u64 {
        let left = rule.burst.saturating_mul(rule.window_ms).saturating_sub(self.spent);
        left / rule.window_ms.max(1)
    }

    /// See [`super::State::spent`].
    #[must_use]
    pub fn spent(&self, rule: &Rule) -> u64 {
        self.spent.div_ceil(rule.window_ms.max(1))
    }

    /// See [`super::State::wait_ms`].
    #[must_use]
    pub fn wait_ms(&self, rule: &Rule, units: u64) -> u64 {
        self.excess(rule, units).div_ceil(rule.limit.max(1))
    }

    /// See [`super::State::fresh_ms`]; of a leaky bucket, how long its queue is.
    #[must_use]
    pub fn fresh_ms(&self, rule: &Rule) -> u64 {
        self.spent.div_ceil(rule.limit.max(1))
    }

    /// See [`super::State::give_back`].
    pub fn give_back(&mut self, rule: &Rule, at: u64, units: u64) {
        let drained = self.at.saturating_sub(at).saturating_mul(rule.limit);
        let unused = units.saturating_mul(rule.window_ms).saturating_sub(drained);
        self.spent = self.spent.saturating_sub(unused);
    }

    fn excess(&self, rule: &Rule, units: u64) -> u64 {
        let wanted = self.spent.saturating_add(units.saturating_mul(rule.window_ms));
        wanted.saturating_sub(rule.burst.saturating_mul(rule.window_ms))
    }
}
