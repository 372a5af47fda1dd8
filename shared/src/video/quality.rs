//! How a video went for its viewers, as its application sees it.
//!
//! Invariant: every rate is a quotient of two sums of the same window, so figures of any slots can
//! be put together. Refused: a window that is longer than what is kept; a viewer.

use super::qoe::Sums;
use crate::page::{self, parameter};
use crate::problem::Problem;
use crate::time::{self, DAY_MS, HOUR_MS, Millis};
use alloc::{collections::BTreeMap, string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// How long sums are kept, and the longest window: 2,160 slots of an hour.
pub const WINDOW_MAX_MS: u64 = 90 * DAY_MS;
/// The window unless asked.
pub const WINDOW_DEFAULT_MS: u64 = 7 * DAY_MS;
/// A country that nobody knows.
pub const UNKNOWN: &str = "??";

/// The width of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// An hour of UTC.
    Hour,
    /// A day of UTC.
    Day,
}

impl Width {
    /// In milliseconds.
    #[must_use]
    pub fn ms(self) -> u64 {
        match self {
            Self::Hour => HOUR_MS,
            Self::Day => DAY_MS,
        }
    }

    /// Where the slot of a moment begins.
    #[must_use]
    pub fn slot(self, at: Millis) -> Millis {
        Millis(at.0.saturating_sub(at.0 % self.ms()))
    }
}

/// What `GET /api/v1/videos/{id}/quality` asks for: whole slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QualityAsk {
    /// From this slot on.
    pub from: Millis,
    /// Slots that begin before this moment.
    pub to: Millis,
    /// How wide they are.
    pub width: Width,
}

/// Reads the query: the last seven days by the hour unless asked.
///
/// # Errors
/// 422 for an unknown or unacceptable parameter.
pub fn ask(query: &str, now: Millis) -> Result<QualityAsk, Problem> {
    let query = page::known(query, &["from", "to", "interval"])?;
    let lengths = (WINDOW_DEFAULT_MS, WINDOW_MAX_MS);
    let (from, to) = page::window(&query, now, lengths, "90 days")?;
    let width = match query.get("interval").map(String::as_str) {
        None | Some("hour") => Width::Hour,
        Some("day") => Width::Day,
        Some(_) => return Err(parameter("interval", "must be hour or day")),
    };
    Ok(QualityAsk { from: width.slot(from), to, width })
}

/// Sums, and what they come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Figures {
    /// What adds up.
    #[serde(flatten)]
    pub sums: Sums,
    /// Milliseconds to the first frame, on average; `null`: nobody began.
    pub startup_average_ms: Option<u64>,
    /// The part of the time that stood still, 0 to 1, to four digits; `null`: nobody watched.
    pub rebuffer_ratio: Option<f64>,
    /// Kilobits a second, on average; `null`: nobody watched.
    pub bitrate_kbps: Option<u64>,
}

impl From<Sums> for Figures {
    fn from(sums: Sums) -> Self {
        let stalled = sums.stalled_of_10_000().and_then(|part| u32::try_from(part).ok());
        Self {
            startup_average_ms: sums.startup(),
            rebuffer_ratio: stalled.map(|part| f64::from(part) / 10_000.0),
            bitrate_kbps: sums.kbps(),
            sums,
        }
    }
}

/// One slot of the series.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct QualitySlot {
    /// When the slot begins, RFC 3339.
    #[serde(with = "time::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub at: Millis,
    /// In it.
    #[serde(flatten)]
    pub figures: Figures,
}

/// `GET /api/v1/videos/{id}/quality?from&to&interval`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct VideoQuality {
    /// Of the window.
    #[serde(flatten)]
    pub figures: Figures,
    /// Slots that somebody watched in, in order; a slot without any is left out.
    pub series: Vec<QualitySlot>,
    /// By ISO 3166-1 country; `??` is unknown.
    pub by_country: BTreeMap<String, Figures>,
    /// By `mobile`, `desktop`, `tv`, `other`.
    pub by_device: BTreeMap<String, Figures>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_790_000_000_007);

    #[test]
    fn v12_a_window_is_whole_slots_no_longer_than_kept() {
        let week = ask("", NOW).unwrap();
        assert_eq!(week.from.0 % HOUR_MS, 0);
        assert_eq!((week.to.0, week.width), (NOW.0 + 1, Width::Hour));
        assert_eq!(Width::Hour.slot(Millis(NOW.0 + 1 - WINDOW_DEFAULT_MS)), week.from);
        let day =
            ask("from=2026-01-01T05:00:00Z&to=2026-01-02T00:00:00Z&interval=day", NOW).unwrap();
        assert_eq!((day.to.since(day.from), day.width), (DAY_MS, Width::Day));
        assert!(ask("from=2026-01-01T00:00:00Z&to=2026-04-01T00:00:00Z", NOW).is_ok());
        for (wrong, pointer) in [
            ("from=2026-01-01T00:00:00Z&to=2026-04-01T00:00:00.001Z", "?from"),
            ("from=2026-01-02T00:00:00Z&to=2026-01-02T00:00:00Z", "?from"),
            ("to=soon", "?to"),
            ("interval=week", "?interval"),
            ("country=JP", "?country"),
        ] {
            let refused = ask(wrong, NOW).unwrap_err();
            assert_eq!((refused.status(), &*refused.errors[0].pointer), (422, pointer), "{wrong}");
        }
    }

    #[test]
    fn v12_rates_are_quotients_of_the_sums() {
        let sums = Sums {
            plays: 4,
            startup_ms: 1_400,
            watched_ms: 99_000,
            stalled_ms: 1_000,
            stalls: 2,
            kbits: 297_000,
        };
        let figures = Figures::from(sums);
        assert_eq!(figures.startup_average_ms, Some(350));
        assert_eq!((figures.rebuffer_ratio, figures.bitrate_kbps), (Some(0.01), Some(3_000)));
        let text = serde_json::to_value(figures).unwrap();
        assert_eq!((&text["plays"], &text["rebuffer_ratio"]), (&4.into(), &0.01.into()));
        assert_eq!(Figures::from(Sums::default()), Figures::default());
    }
}
