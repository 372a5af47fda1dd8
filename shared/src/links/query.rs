//! What callers ask of lists and stats, by query parameters.
//!
//! Invariant: an unknown parameter is refused, as an unknown field is.

use super::wire::Interval;
pub use crate::page::known;
use crate::page::{self, Ask, parameter};
use crate::problem::Problem;
use crate::time::{DAY_MS, Millis};
use alloc::{format, string::String};

/// Longest window of stats with hourly slots: 8,784 slots.
pub const STATS_WINDOW_MAX_MS: u64 = 366 * DAY_MS;
/// The window of stats unless asked.
pub const STATS_WINDOW_DEFAULT_MS: u64 = 30 * DAY_MS;

/// What `GET /api/v1/links` asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListAsk {
    /// Which page.
    pub page: Ask,
    /// Only links with this tag.
    pub tag: Option<String>,
    /// Only links whose code, target or title contains this.
    pub q: Option<String>,
}

/// What `GET /api/v1/stats/{code}` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatsAsk {
    /// From this moment on.
    pub from: Millis,
    /// Before this moment.
    pub to: Millis,
    /// The width of a slot.
    pub interval: Interval,
}

/// Reads the query of a list.
///
/// # Errors
/// 422 for an unknown or unacceptable parameter.
pub fn list(query: &str) -> Result<ListAsk, Problem> {
    let query = known(query, &["limit", "cursor", "tag", "q"])?;
    let get = |name: &str| query.get(name).map(String::as_str);
    let page = page::ask(get("limit"), get("cursor"))?;
    Ok(ListAsk { page, tag: get("tag").map(Into::into), q: get("q").map(Into::into) })
}

/// Reads the query of stats: the last 30 days by the hour unless asked.
///
/// # Errors
/// 422 for an unknown or unacceptable parameter.
pub fn stats(query: &str, now: Millis) -> Result<StatsAsk, Problem> {
    let query = known(query, &["from", "to", "interval"])?;
    let lengths = (STATS_WINDOW_DEFAULT_MS, STATS_WINDOW_MAX_MS);
    let (from, to) = page::window(&query, now, lengths, "366 days")?;
    let interval = match query.get("interval").map(String::as_str) {
        None | Some("hour") => Interval::Hour,
        Some("day") => Interval::Day,
        Some(_) => return Err(parameter("interval", "must be hour or day")),
    };
    Ok(StatsAsk { from, to, interval })
}

/// What `GET /api/v1/links/{code}/qr` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QrAsk {
    /// PNG instead of SVG.
    pub is_png: bool,
    /// Pixels or user units of a side.
    pub size: u32,
    /// Light modules around the code.
    pub margin: u32,
}

/// Least, usual, most pixels of a side of a QR code.
const QR_SIZE: (u32, u32, u32) = (64, 256, 2_048);
/// Least, usual, most modules of its margin.
const QR_MARGIN: (u32, u32, u32) = (0, 4, 16);

/// Reads the query of a QR code: an SVG of 256 with a margin of four modules unless asked.
///
/// # Errors
/// 422 for an unknown or unacceptable parameter.
pub fn qr(query: &str) -> Result<QrAsk, Problem> {
    let query = known(query, &["format", "size", "margin"])?;
    let number = |name: &str, (least, usual, most): (u32, u32, u32)| match query.get(name) {
        None => Ok(usual),
        Some(text) => text
            .parse()
            .ok()
            .filter(|n| (least..=most).contains(n))
            .ok_or_else(|| parameter(name, &format!("must be {least} to {most}"))),
    };
    let (size, margin) = (number("size", QR_SIZE)?, number("margin", QR_MARGIN)?);
    match query.get("format").map(String::as_str) {
        None | Some("svg") => Ok(QrAsk { is_png: false, size, margin }),
        Some("png") => Ok(QrAsk { is_png: true, size, margin }),
        Some(_) => Err(parameter("format", "must be svg or png")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    const NOW: Millis = Millis(1_790_000_000_000);

    fn pointers(refused: Result<impl core::fmt::Debug, Problem>) -> Vec<String> {
        let problem = refused.unwrap_err();
        assert_eq!(problem.status(), 422);
        problem.errors.into_iter().map(|error| error.pointer).collect()
    }

    #[test]
    fn queries_are_checked() {
        assert_eq!(list("tag=a%20b&limit=7").unwrap().tag.as_deref(), Some("a b"));
        assert_eq!(pointers(list("offset=3")), ["?offset"]);
        let ask = stats("from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z&interval=day", NOW);
        assert_eq!(ask.unwrap().interval, Interval::Day);
        assert_eq!(pointers(stats("from=2026-01-02&to=2026-01-01", NOW)), ["?from"]);
        assert_eq!(pointers(stats("interval=week", NOW)), ["?interval"]);
    }
}
