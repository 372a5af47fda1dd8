//! Clicks folded into hourly counts.
//!
//! Invariant: a click counts once in every dimension that it has; bots count apart and nowhere
//! else.

use super::wire::Interval;
use crate::time::{DAY_MS, HOUR_MS, Millis};

/// What a user agent says of a click.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Visitor {
    /// A crawler, a library, a tool.
    Bot,
    /// A person.
    Human {
        /// `mobile`, `tablet`, `desktop`, `tv`.
        device: &'static str,
        /// The browser's family.
        browser: alloc::string::String,
    },
}

/// The dimensions of the hourly counts; the number is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dimension {
    /// All human clicks.
    Clicks = 0,
    /// All others.
    Bots = 1,
    /// By country.
    Country = 2,
    /// By referring host.
    Referrer = 3,
    /// By device.
    Device = 4,
    /// By browser.
    Browser = 5,
}

/// The hour of UTC that a moment lies in.
#[must_use]
pub fn hour(at: Millis) -> Millis {
    Millis(at.0 - at.0 % HOUR_MS)
}

/// The slot of a series that a moment lies in.
#[must_use]
pub fn slot(at: Millis, interval: Interval) -> Millis {
    match interval {
        Interval::Hour => hour(at),
        Interval::Day => Millis(at.0 - at.0 % DAY_MS),
    }
}
