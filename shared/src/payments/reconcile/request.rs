//! What an operator asks of a reconciliation: the query beside the statement's bytes.

use super::statement::day;
use crate::payments::wire;
use crate::problem::{FieldError, Problem, UNACCEPTABLE, UNSUPPORTED_MEDIA_TYPE};
use alloc::collections::BTreeMap;
use alloc::{format, string::String, vec};

/// Days between our booking and the bank's: a weekend and a holiday.
pub const WINDOW_DAYS_DEFAULT: u32 = 3;
/// Beyond a month nothing is the same money by its amount alone.
pub const WINDOW_DAYS_MAX: u32 = 31;

/// What a statement may be sent as.
pub const MEDIA_TYPES: [&str; 3] = ["application/xml", "text/xml", "text/csv"];

/// The query of `POST /admin/reconciliations`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Whose entries.
    pub account: u64,
    /// The first day; when missing the one after the last that is closed, or the statement's first.
    pub from: Option<u32>,
    /// The last day; the statement's last when missing.
    pub day: Option<u32>,
    /// How far apart the same money may stand.
    pub window_days: u32,
    /// Whether the day is closed with it.
    pub closes: bool,
}

fn refused(name: &str, detail: &str) -> Problem {
    let error = FieldError { pointer: format!("?{name}"), detail: detail.into() };
    Problem::fields(&UNACCEPTABLE, vec![error])
}

/// Checks the declared media type of a statement.
///
/// # Errors
/// 415 unless it is XML or CSV (parameters are ignored).
pub fn check_media_type(content_type: Option<&str>) -> Result<(), Problem> {
    let essence = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if MEDIA_TYPES.iter().any(|known| essence.eq_ignore_ascii_case(known)) {
        return Ok(());
    }
    let detail = format!("send the statement as one of {}", MEDIA_TYPES.join(", "));
    Err(Problem::new(&UNSUPPORTED_MEDIA_TYPE, detail))
}

/// The names of the query.
pub const QUERY: &[&str] = &["account", "from", "day", "window_days", "close"];

/// Reads the query.
///
/// # Errors
/// 422, with the parameter.
pub fn asked(query: &BTreeMap<String, String>) -> Result<Asked, Problem> {
    if let Some(name) = query.keys().find(|name| !QUERY.contains(&name.as_str())) {
        return Err(refused(name, "is not a parameter of this call"));
    }
    let get = |name: &str| query.get(name).map(String::as_str);
    let account = get("account").and_then(|text| wire::parse("acc", text));
    let account = account.ok_or_else(|| refused("account", "must be an account's id"))?;
    let date = |name: &str| {
        let no_date = || refused(name, "must be a date");
        get(name).map(|text| day(text).ok_or_else(no_date)).transpose()
    };
    let (from, last) = (date("from")?, date("day")?);
    if from.zip(last).is_some_and(|(from, last)| from > last) {
        return Err(refused("from", "is after day"));
    }
    let window_days = match get("window_days") {
        None => WINDOW_DAYS_DEFAULT,
        Some(text) => text
            .parse()
            .ok()
            .filter(|days| *days <= WINDOW_DAYS_MAX)
            .ok_or_else(|| refused("window_days", &format!("must be 0 to {WINDOW_DAYS_MAX}")))?,
    };
    let closes = match get("close") {
        None | Some("false") => false,
        Some("true" | "") => true,
        Some(_) => return Err(refused("close", "must be true or false")),
    };
    Ok(Asked { account, from, day: last, window_days, closes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_sent_as_what_it_is() {
        for good in ["text/csv", "application/xml", "Text/XML; charset=utf-8"] {
            assert_eq!(check_media_type(Some(good)), Ok(()), "{good}");
        }
        for bad in [None, Some(""), Some("application/json"), Some("text/plain")] {
            assert_eq!(check_media_type(bad).unwrap_err().status(), 415, "{bad:?}");
        }
    }

    #[test]
    fn a_query_is_read_or_refused_by_its_parameter() {
        let read = |text: &str| asked(&crate::page::query(text));
        let account = wire::account_id(7);
        let good = read(&format!("account={account}&from=2026-01-02&day=2026-01-03&close=true"));
        let wanted = Asked {
            account: 7,
            from: day("2026-01-02"),
            day: day("2026-01-03"),
            window_days: WINDOW_DAYS_DEFAULT,
            closes: true,
        };
        assert_eq!(good, Ok(wanted));
        for (more, pointer) in [
            ("&from=yesterday", "?from"),
            ("&day=2026-02-30", "?day"),
            ("&from=2026-01-03&day=2026-01-02", "?from"),
            ("&window_days=32", "?window_days"),
            ("&close=perhaps", "?close"),
            ("&colour=red", "?colour"),
        ] {
            let problem = read(&format!("account={account}{more}")).unwrap_err();
            assert_eq!(problem.errors[0].pointer, pointer, "{more}");
        }
        assert_eq!(read("").unwrap_err().errors[0].pointer, "?account");
    }
}
