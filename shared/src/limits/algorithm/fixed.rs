//! Fixed windows: a count that begins anew at each multiple of the window since 1970.

use crate::limits::rule::Rule;
use serde::{Deserialize, Serialize};

/// The present window's count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fixed {
    #[serde(rename = "f")]
    count: u64,
    /// Milliseconds since 1970.
    #[serde(rename = "t")]
    at: u64,
}

impl Fixed {
    /// See [`super::State::advance`].
    pub fn advance(&mut self, rule: &Rule, now: u64) {
        if window(rule, now) > window(rule, self.at) {
            self.count = 0;
        }
        self.at = self.at.max(now);
    }

    /// See [`super::State::fits`].
    #[must_use]
    pub fn fits(&self, rule: &Rule, units: u64) -> bool {
        self.count.saturating_add(units) <= rule.limit
    }

    /// See [`super::State::spend`].
    pub fn spend(&mut self, _rule: &Rule, units: u64) {
        self.count = self.count.saturating_add(units);
    }

    /// See [`super::State::room`].
    #[must_use]
    pub fn room(&self, rule: &Rule) -> u64 {
        rule.limit.saturating_sub(self.count)
    }

    /// See [`super::State::spent`].
    #[must_use]
    pub fn spent(&self, _rule: &Rule) -> u64 {
        self.count
    }

    /// See [`super::State::wait_ms`].
    #[must_use]
    pub fn wait_ms(&self, rule: &Rule, units: u64) -> u64 {
        if self.fits(rule, units) { 0 } else { left_ms(rule, self.at) }
    }

    /// See [`super::State::fresh_ms`].
    #[must_use]
    pub fn fresh_ms(&self, rule: &Rule) -> u64 {
        if self.count == 0 { 0 } else { left_ms(rule, self.at) }
    }

    /// See [`super::State::give_back`]; of another window nothing comes back.
    pub fn give_back(&mut self, rule: &Rule, at: u64, units: u64) {
        if window(rule, at) == window(rule, self.at) {
            self.count = self.count.saturating_sub(units);
        }
    }
}

/// The window's number since 1970.
pub(super) fn window(rule: &Rule, at: u64) -> u64 {
    at / rule.window_ms.max(1)
}

/// Milliseconds to the end of `at`'s window; never 0.
pub(super) fn left_ms(rule: &Rule, at: u64) -> u64 {
    rule.window_ms.saturating_sub(at % rule.window_ms.max(1))
}
