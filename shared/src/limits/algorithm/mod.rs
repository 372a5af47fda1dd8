//! The six algorithms as pure functions of (state, now, units).
//!
//! A state is first brought to the present ([`State::advance`]) and then asked or changed; time
//! that goes back changes nothing. `units` to be spent may include what others hold (leases): what
//! is held takes room and is booked when it is closed.
//! Invariant: between two spends, what fits once fits from then on; so a wait is a promise.

mod bucket;
mod counter;
mod fixed;
mod gcra;
mod log;
#[cfg(test)]
mod oracle;

pub use bucket::Bucket;
pub use counter::Counter;
pub use fixed::Fixed;
pub use gcra::Gcra;
pub use log::Log;

use super::rule::{Algorithm, Rule};
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// What a rule remembers of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
#[allow(missing_docs, reason = "each name is its algorithm's")]
pub enum State {
    Bucket(Bucket),
    Gcra(Gcra),
    Fixed(Fixed),
    Counter(Counter),
    Log(Log),
}

macro_rules! each {
    ($self:expr, $state:ident => $said:expr) => {
        match $self {
            State::Bucket($state) => $said,
            State::Gcra($state) => $said,
            State::Fixed($state) => $said,
            State::Counter($state) => $said,
            State::Log($state) => $said,
        }
    };
}

impl State {
    /// A key that has spent nothing.
    #[must_use]
    pub fn fresh(rule: &Rule, now: Millis) -> Self {
        let mut state = match rule.algorithm {
            Algorithm::TokenBucket | Algorithm::LeakyBucket => Self::Bucket(Bucket::default()),
            Algorithm::Gcra => Self::Gcra(Gcra::default()),
            Algorithm::FixedWindow => Self::Fixed(Fixed::default()),
            Algorithm::SlidingWindowCounter => Self::Counter(Counter::default()),
            Algorithm::SlidingWindowLog => Self::Log(Log::default()),
        };
        state.advance(rule, now);
        state
    }

    /// Brings it to the present.
    #[inline]
    pub fn advance(&mut self, rule: &Rule, now: Millis) {
        each!(self, state => state.advance(rule, now.0));
    }

    /// Whether `units` may be spent now.
    #[inline]
    #[must_use]
    pub fn fits(&self, rule: &Rule, units: u64) -> bool {
        each!(self, state => state.fits(rule, units))
    }

    /// Spends `units`; whoever spends more than fits is in debt until time has paid it.
    #[inline]
    pub fn spend(&mut self, rule: &Rule, units: u64) {
        each!(self, state => state.spend(rule, units));
    }

    /// Whole units that may be spent now.
    #[must_use]
    pub fn room(&self, rule: &Rule) -> u64 {
        each!(self, state => state.room(rule))
    }

    /// Units that are spent, rounded up.
    #[must_use]
    pub fn spent(&self, rule: &Rule) -> u64 {
        each!(self, state => state.spent(rule))
    }

    /// Milliseconds until `units` fit, if nothing is spent before; `None`: they never do.
    #[must_use]
    pub fn wait_ms(&self, rule: &Rule, units: u64) -> Option<u64> {
        (units <= rule.capacity()).then(|| each!(self, state => state.wait_ms(rule, units)))
    }

    /// Milliseconds until it equals a fresh one.
    #[must_use]
    pub fn fresh_ms(&self, rule: &Rule) -> u64 {
        each!(self, state => state.fresh_ms(rule))
    }

    /// Gives back what was spent at `at` and not used; what has refilled since is gone.
    pub fn give_back(&mut self, rule: &Rule, at: Millis, units: u64) {
        each!(self, state => state.give_back(rule, at.0, units));
    }

    /// The same key under another rule: what was spent stays spent (M6: no bucket is filled).
    #[must_use]
    pub fn carry(self, from: &Rule, to: &Rule, now: Millis) -> Self {
        let counts = !to.is_bucket();
        if from.algorithm == to.algorithm && from.window_ms == to.window_ms && counts {
            return self;
        }
        let mut state = Self::fresh(to, now);
        state.spend(to, self.spent(from));
        state
    }
}
