//! One rule of a policy: how many units in which time, counted how.
//!
//! Invariant: a published rule is within the bounds below, so that no product of two of its numbers
//! overflows: 10^8 units × 366 days = 3.2 · 10^18 < 2^62.

use crate::time::DAY_MS;
use serde::{Deserialize, Serialize};

/// Units of a rule at most.
pub const LIMIT_MAX: u64 = 100_000_000;
/// A window at most: a leap year.
pub const WINDOW_MS_MAX: u64 = 366 * DAY_MS;
/// A log keeps 8 bytes for each unit: 80 kB (M18).
pub const LOG_LIMIT_MAX: u64 = 10_000;

/// How a rule counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Algorithm {
    /// `burst` tokens, refilled evenly with `limit` in `window_ms`.
    #[default]
    TokenBucket,
    /// The same as a theoretical arrival time (ITU-T I.371).
    Gcra,
    /// A queue of `burst` that drains evenly with `limit` in `window_ms`; answers how long to wait.
    LeakyBucket,
    /// `limit` in each window that begins at a multiple of `window_ms` since 1970.
    FixedWindow,
    /// `limit` in any window; remembers each unit.
    SlidingWindowLog,
    /// `limit` in the fixed window and the part of the one before that still overlaps.
    SlidingWindowCounter,
}

/// A rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// How it counts.
    pub algorithm: Algorithm,
    /// Units in a window, 1 to [`LIMIT_MAX`].
    pub limit: u64,
    /// The window's length in milliseconds, 1 to [`WINDOW_MS_MAX`].
    pub window_ms: u64,
    /// Units at once, of the algorithms that refill evenly; 1 to [`LIMIT_MAX`].
    pub burst: u64,
}

impl Rule {
    /// Whether it refills evenly.
    #[must_use]
    pub fn is_bucket(&self) -> bool {
        use Algorithm::{Gcra, LeakyBucket, TokenBucket};
        matches!(self.algorithm, TokenBucket | Gcra | LeakyBucket)
    }

    /// Units that a fresh key has at once.
    #[must_use]
    pub fn capacity(&self) -> u64 {
        if self.is_bucket() { self.burst } else { self.limit }
    }

    /// Units that any stretch of `window_ms` can hold at worst (M17).
    ///
    /// A bucket gives its burst and refills meanwhile. A fixed window gives its limit at its end,
    /// and the next at its beginning. The counter forgets evenly what came late: with all of the
    /// window before at its very end it admits a part f of the limit after a part f of the window.
    #[must_use]
    pub fn worst(&self) -> u64 {
        match self.algorithm {
            Algorithm::SlidingWindowLog => self.limit,
            Algorithm::FixedWindow | Algorithm::SlidingWindowCounter => 2 * self.limit,
            _ => self.burst + self.limit,
        }
    }
}
