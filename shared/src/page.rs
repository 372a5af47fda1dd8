//! Lists: `?limit=` and `?cursor=` in, `{"items": […], "next_cursor": …}` out.
//!
//! Invariant: a cursor is opaque outside and `[A-Za-z0-9_-]+`; inside it is the last item's key.

use crate::problem::{FieldError, Problem, UNACCEPTABLE};
use crate::time::Millis;
use alloc::{collections::BTreeMap, format, string::String, vec, vec::Vec};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

/// Items on a page unless asked.
pub const LIMIT_DEFAULT: u32 = 50;
/// Items on a page at most.
pub const LIMIT_MAX: u32 = 200;
/// A cursor holds a key of at most 256 bytes: 256 × 4 ⁄ 3, rounded up.
const CURSOR_BYTES_MAX: usize = 342;

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Page<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// Where the next page begins; `null` on the last one.
    pub next_cursor: Option<String>,
}

/// What a caller asks of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Items on the page, 1 to [`LIMIT_MAX`].
    pub limit: u32,
    /// The key after which the page begins.
    pub after: Option<String>,
}

impl Ask {
    /// How many rows to read: one more than the page has, to know whether another follows.
    #[must_use]
    pub fn rows(&self) -> u64 {
        u64::from(self.limit).saturating_add(1)
    }

    /// The page of the rows that were read; `key` names a row in a cursor.
    pub fn page<T>(&self, mut rows: Vec<T>, key: impl FnOnce(&T) -> String) -> Page<T> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = rows.last().filter(|_| more).map(|last| cursor(&key(last)));
        Page { items: rows, next_cursor }
    }
}

/// Reads the two parameters.
///
/// # Errors
/// 422 for a limit outside its bounds or a cursor that is none of ours.
pub fn ask(limit: Option<&str>, cursor: Option<&str>) -> Result<Ask, Problem> {
    let limit = match limit {
        None => LIMIT_DEFAULT,
        Some(text) => text
            .parse()
            .ok()
            .filter(|limit| (1..=LIMIT_MAX).contains(limit))
            .ok_or_else(|| refuse("limit", &format!("a number from 1 to {LIMIT_MAX}")))?,
    };
    let after = match cursor {
        None => None,
        Some(text) => Some(decode(text).ok_or_else(|| refuse("cursor", "a cursor of this list"))?),
    };
    Ok(Ask { limit, after })
}

/// The cursor that names `key`.
#[must_use]
pub fn cursor(key: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(key)
}

fn decode(text: &str) -> Option<String> {
    if text.len() > CURSOR_BYTES_MAX {
        return None;
    }
    String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

fn refuse(parameter: &str, wanted: &str) -> Problem {
    let detail = format!("{parameter} must be {wanted}");
    let pointer = format!("?{parameter}");
    Problem {
        detail: detail.clone(),
        ..Problem::fields(&UNACCEPTABLE, vec![FieldError { pointer, detail }])
    }
}

/// The parameters of a query, all of which must be among `names`.
///
/// # Errors
/// 422 for another one.
pub fn known(query: &str, names: &[&str]) -> Result<BTreeMap<String, String>, Problem> {
    let query = self::query(query);
    match query.keys().find(|name| !names.contains(&name.as_str())) {
        None => Ok(query),
        Some(name) => Err(parameter(name, "is not a parameter of this call")),
    }
}

/// 422 for a parameter.
#[must_use]
pub fn parameter(name: &str, detail: &str) -> Problem {
    let error = FieldError { pointer: format!("?{name}"), detail: detail.into() };
    Problem::fields(&UNACCEPTABLE, vec![error])
}

/// The window that the parameters `from` and `to` name: up to now, `default_ms` long unless asked.
///
/// # Errors
/// 422 for what is no moment, and for a window that is empty or longer than `max_ms`.
pub fn window(
    query: &BTreeMap<String, String>,
    now: Millis,
    (default_ms, max_ms): (u64, u64),
    longest: &str,
) -> Result<(Millis, Millis), Problem> {
    let moment = |name: &str| match query.get(name) {
        None => Ok(None),
        Some(text) => Millis::parse(text)
            .map(Some)
            .ok_or_else(|| parameter(name, "must be an RFC 3339 time or a date")),
    };
    let to = moment("to")?.unwrap_or(now.plus(1));
    let from = moment("from")?.unwrap_or(Millis(to.0.saturating_sub(default_ms)));
    if from >= to || to.since(from) > max_ms {
        return Err(parameter("from", &format!("must be before to, by {longest} at most")));
    }
    Ok((from, to))
}

/// Reads `name=value&…` of a query, percent-decoded; the last of equal names wins.
#[must_use]
pub fn query(text: &str) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(text.as_bytes())
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_and_a_strangers_does_not() {
        let text = cursor("lnk_00000000abc");
        assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
        let page = ask(None, Some(&text)).unwrap();
        assert_eq!(page.after.as_deref(), Some("lnk_00000000abc"));
        assert_eq!(page.limit, LIMIT_DEFAULT);
        for bad in ["", "a b", "é", "====", &"A".repeat(500)] {
            let refused = ask(None, Some(bad));
            assert!(bad.is_empty() || refused.unwrap_err().status() == 422, "{bad}");
        }
    }

    #[test]
    fn a_page_has_a_next_one_only_when_a_row_follows() {
        let ask = ask(Some("2"), None).unwrap();
        let page = |rows: Vec<u32>| ask.page(rows, |row| format!("{row}"));
        assert_eq!(ask.rows(), 3);
        assert_eq!(page(vec![7, 8]).next_cursor, None);
        let cut = page(vec![7, 8, 9]);
        assert_eq!((cut.items, cut.next_cursor), (vec![7, 8], Some(cursor("8"))));
        assert_eq!(page(vec![]).next_cursor, None);
    }

    #[test]
    fn limits_are_bounded() {
        assert_eq!(ask(Some("200"), None).unwrap().limit, 200);
        for bad in ["0", "201", "-1", "x", "", "1e2"] {
            assert_eq!(ask(Some(bad), None).unwrap_err().status(), 422, "{bad}");
        }
    }
}
