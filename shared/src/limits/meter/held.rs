//! Units that are neither free nor spent: leases of isolates and holds of several limits at once.
//!
//! Invariant: until its end a held unit takes room; at its end a lease is spent, a hold is free.
//! Clock rates are compared, never readings: the isolate counts a lease's life from when it asked,
//! less [`EARLY_MS`], the object from its grant, plus [`GRACE_MS`].

use crate::limits::rule::{Algorithm, Rule};
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// A lease's units at most.
pub const UNITS_MAX: u64 = 50;
/// A lease's life at most.
pub const LIFE_MS_MAX: u64 = 1_000;
/// An isolate stops so much before its lease's end.
pub const EARLY_MS: u64 = 100;
/// The object waits so much longer.
pub const GRACE_MS: u64 = 500;
/// A hold without its answer ends after this (M7).
pub const HOLD_MS: u64 = 2_000;
/// Leases and holds of one key at once: 64 isolates × 56 bytes.
pub const HELD_MAX: usize = 64;

/// Units that are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Names it.
    #[serde(rename = "i")]
    pub id: u64,
    /// How many.
    #[serde(rename = "u")]
    pub units: u64,
    /// When it ends, by the object's clock.
    #[serde(rename = "e")]
    pub end: Millis,
    /// A hold: at its end the units are free again.
    #[serde(rename = "h")]
    pub is_hold: bool,
}

/// How long a lease of a key with these rules lives, granted at `now`; `None`: it is not worth it.
#[must_use]
pub fn life_ms(rules: &[Rule], now: Millis) -> Option<u64> {
    let window_ms = rules.iter().map(|rule| rule.window_ms).min()?;
    let life_ms = LIFE_MS_MAX.min(window_ms / 10);
    let ends_in = life_ms.saturating_add(GRACE_MS);
    // A lease that passed a window's end would take room in both windows.
    let fits = |rule: &Rule| match rule.algorithm {
        Algorithm::FixedWindow | Algorithm::SlidingWindowCounter => {
            (now.0 % rule.window_ms).saturating_add(ends_in) < rule.window_ms
        }
        // The wait that it answers depends on who came before.
        Algorithm::LeakyBucket => false,
        _ => true,
    };
    (life_ms > EARLY_MS && rules.iter().all(fits)).then_some(life_ms)
}

/// The units of a lease: a 20th of what there is in all, while a fifth of it remains.
#[must_use]
pub fn units(rules: &[Rule], room: u64, wanted: u64) -> u64 {
    let smallest = rules.iter().map(|rule| rule.limit.min(rule.capacity())).min();
    let smallest = smallest.unwrap_or_default();
    if room.saturating_mul(5) < smallest {
        return 0;
    }
    wanted.min(UNITS_MAX).min(smallest / 20).min(room)
}
