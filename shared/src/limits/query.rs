//! What callers ask of lists and usage, by query parameters.
//!
//! Invariant: an unknown parameter is refused, as an unknown field is.

use super::usage::slot;
use crate::page::{self, Ask};
use crate::problem::Problem;
use crate::time::{DAY_MS, HOUR_MS, Millis};

/// Longest window of usage: 8,640 slots of ten seconds.
pub const USAGE_WINDOW_MAX_MS: u64 = DAY_MS;
/// The window of usage unless asked.
pub const USAGE_WINDOW_DEFAULT_MS: u64 = HOUR_MS;

/// Which window of usage is asked for: whole slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsageAsk {
    /// From this slot on.
    pub from: Millis,
    /// Slots that begin before this moment.
    pub to: Millis,
}

/// Reads the query of the list of policies.
///
/// # Errors
/// 422 for an unknown or unacceptable parameter.
pub fn list(query: &str) -> Result<Ask, Problem> {
    let query = page::known(query, &["limit", "cursor"])?;
    let get = |name: &str| query.get(name).map(alloc::string::String::as_str);
    page::ask(get("limit"), get("cursor"))
}

/// Reads the query of usage: the last hour unless asked.
///
/// # Errors
/// 422 for an unknown or unacceptable parameter.
pub fn usage(query: &str, now: Millis) -> Result<UsageAsk, Problem> {
    let query = page::known(query, &["from", "to"])?;
    let lengths = (USAGE_WINDOW_DEFAULT_MS, USAGE_WINDOW_MAX_MS);
    let (from, to) = page::window(&query, now, lengths, "24 hours")?;
    Ok(UsageAsk { from: slot(from), to })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_790_000_000_007);

    #[test]
    fn the_last_hour_unless_asked_and_a_day_at_most() {
        let ask = usage("", NOW).unwrap();
        assert_eq!((ask.from.0, ask.to.0), (1_789_996_400_000, NOW.0 + 1));
        let day = "from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z";
        assert_eq!(usage(day, NOW).unwrap().to.since(usage(day, NOW).unwrap().from), DAY_MS);
        for (wrong, pointer) in [
            ("from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00.001Z", "?from"),
            ("from=2026-01-02T00:00:00Z&to=2026-01-02T00:00:00Z", "?from"),
            ("from=soon", "?from"),
            ("to=1", "?to"),
            ("interval=day", "?interval"),
        ] {
            let refused = usage(wrong, NOW).unwrap_err();
            assert_eq!((refused.status(), &*refused.errors[0].pointer), (422, pointer), "{wrong}");
        }
        assert_eq!(list("limit=0").unwrap_err().errors[0].pointer, "?limit");
        assert_eq!(list("tag=a").unwrap_err().errors[0].pointer, "?tag");
        assert_eq!(list("limit=7").unwrap().limit, 7);
    }
}
