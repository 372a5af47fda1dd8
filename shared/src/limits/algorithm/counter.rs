//! The sliding-window counter: the present fixed window, and the part of the one before that still
//! overlaps (M2).
//!
//! The one before weighs (1 − elapsed ÷ window), as if it had come evenly. The truth lies between
//! nothing and all of it, so the estimate is wrong by at most the larger of both parts of it.

use super::fixed::{left_ms, window};
use crate::limits::rule::Rule;
use serde::{Deserialize, Serialize};

/// Two windows' counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counter {
    #[serde(rename = "c")]
    count: u64,
    #[serde(rename = "p")]
    previous: u64,
    /// Milliseconds since 1970.
    #[serde(rename = "t")]
    at: u64,
}

impl Counter {
    /// See [`super::State::advance`].
    pub fn advance(&mut self, rule: &Rule, now: u64) {
        match window(rule, now).saturating_sub(window(rule, self.at)) {
            0 => {}
            1 => (self.previous, self.count) = (self.count, 0),
            _ => (self.previous, self.count) = (0, 0),
        }
        self.at = self.at.max(now);
    }

    /// See [`super::State::fits`].
    #[must_use]
    pub fn fits(&self, rule: &Rule, units: u64) -> bool {
        self.parts(rule).saturating_add(units.saturating_mul(rule.window_ms))
            <= rule.limit.saturating_mul(rule.window_ms)
    }

    /// See [`super::State::spend`].
    pub fn spend(&mut self, _rule: &Rule, units: u64) {
        self.count = self.count.saturating_add(units);
    }

    /// See [`super::State::room`].
    #[must_use]
    pub fn room(&self, rule: &Rule) -> u64 {
        let left = rule.limit.saturating_mul(rule.window_ms).saturating_sub(self.parts(rule));
        left / rule.window_ms.max(1)
    }

    /// See [`super::State::spent`].
    #[must_use]
    pub fn spent(&self, rule: &Rule) -> u64 {
        self.parts(rule).div_ceil(rule.window_ms.max(1))
    }

    /// See [`super::State::wait_ms`].
    #[must_use]
    pub fn wait_ms(&self, rule: &Rule, units: u64) -> u64 {
        if self.fits(rule, units) {
            return 0;
        }
        let left_ms = left_ms(rule, self.at);
        match rule.limit.checked_sub(self.count.saturating_add(units)) {
            // In this window, once the one before weighs no more than what may be left of it.
            Some(rest) => left_ms.saturating_sub(overlap_ms(rule, rest, self.previous)),
            // In the next, where this one is the one before.
            None => {
                let rest = rule.limit.saturating_sub(units);
                let overlap = overlap_ms(rule, rest, self.count).min(rule.window_ms);
                left_ms.saturating_add(rule.window_ms.saturating_sub(overlap))
            }
        }
    }

    /// See [`super::State::fresh_ms`].
    #[must_use]
    pub fn fresh_ms(&self, rule: &Rule) -> u64 {
        let left_ms = left_ms(rule, self.at);
        match (self.count, self.previous) {
            (0, 0) => 0,
            (0, _) => left_ms,
            _ => left_ms.saturating_add(rule.window_ms),
        }
    }

    /// See [`super::State::give_back`]; of another window nothing comes back.
    pub fn give_back(&mut self, rule: &Rule, at: u64, units: u64) {
        if window(rule, at) == window(rule, self.at) {
            self.count = self.count.saturating_sub(units);
        }
    }

    /// What is spent, in units × `window_ms`.
    fn parts(&self, rule: &Rule) -> u64 {
        let previous = self.previous.saturating_mul(left_ms(rule, self.at));
        self.count.saturating_mul(rule.window_ms).saturating_add(previous)
    }
}

/// The longest overlap in which `count` weighs at most `rest` units.
fn overlap_ms(rule: &Rule, rest: u64, count: u64) -> u64 {
    rest.saturating_mul(rule.window_ms).checked_div(count).unwrap_or(u64::MAX)
}
