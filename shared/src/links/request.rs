//! What callers ask of links: bodies, checked into drafts and patches.
//!
//! Invariant: the edge checks to refuse early, the origin checks with the same function to decide.

use super::wire::Interval;
use super::{alias, error::INVALID, target};
use crate::body;
use crate::page::{self, Ask};
use crate::problem::{FieldError, Problem, UNACCEPTABLE};
use crate::time::{DAY_MS, Millis};
use alloc::collections::BTreeMap;
use alloc::{format, string::String, vec, vec::Vec};
use serde::{Deserialize, Deserializer, Serialize};

/// Links live this long unless asked (L6): 5 × 365 days.
pub const LIFE_DEFAULT_MS: u64 = 5 * 365 * DAY_MS;
/// A title's characters.
pub const TITLE_CHARS_MAX: usize = 200;
/// Tags of a link.
pub const TAGS_MAX: usize = 20;
/// A tag's characters.
pub const TAG_CHARS_MAX: usize = 50;
/// Longest window of stats with hourly slots: 8,784 slots.
pub const STATS_WINDOW_MAX_MS: u64 = 366 * DAY_MS;
/// The window of stats unless asked.
pub const STATS_WINDOW_DEFAULT_MS: u64 = 30 * DAY_MS;

/// `POST /api/v1/shorten`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ShortenRequest {
    /// Absolute http(s) URL, at most 8,192 bytes.
    pub long_url: String,
    /// `[A-Za-z0-9_-]{3,64}`, case-sensitive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_alias: Option<String>,
    /// RFC 3339 or a date; `null` = never; five years when missing.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub expiry: Option<Option<String>>,
    /// 301, 302, 307 or 308; 302 when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect: Option<u16>,
    /// At most 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// At most 20 of at most 50 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
}

/// `PATCH /api/v1/links/{code}`: what is missing stays as it is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PatchRequest {
    /// As in [`ShortenRequest`].
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub long_url: Option<String>,
    /// As in [`ShortenRequest`].
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub expiry: Option<Option<String>>,
    /// As in [`ShortenRequest`].
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "u16"))]
    pub redirect: Option<u16>,
    /// `null` removes it.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub title: Option<Option<String>>,
    /// Replaces all tags.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<String>"))]
    pub tags: Option<Vec<String>>,
}

/// `null` is `Some(None)`, a missing field is `None`.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(input: D) -> Result<Option<T>, D::Error> {
    T::deserialize(input).map(Some)
}

/// A link to be created, every field checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Normalised.
    pub long_url: String,
    /// The caller's own code.
    pub alias: Option<String>,
    /// `None` = [`LIFE_DEFAULT_MS`] after its creation, `Some(None)` = never.
    pub expires_at: Option<Option<Millis>>,
    /// 301, 302, 307 or 308.
    pub redirect: u16,
    /// For people.
    pub title: Option<String>,
    /// For search.
    pub tags: Vec<String>,
}

/// A change of a link, every field checked; `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patch {
    /// Normalised.
    pub long_url: Option<String>,
    /// `Some(None)` = never.
    pub expires_at: Option<Option<Millis>>,
    /// 301, 302, 307 or 308.
    pub redirect: Option<u16>,
    /// `Some(None)` removes it.
    pub title: Option<Option<String>>,
    /// Replaces all tags.
    pub tags: Option<Vec<String>>,
}

/// Gathers what is wrong, field by field.
struct Checker {
    now: Millis,
    errors: Vec<FieldError>,
}

impl Checker {
    fn refuse(&mut self, pointer: &str, detail: impl Into<String>) {
        self.errors.push(FieldError { pointer: pointer.into(), detail: detail.into() });
    }

    fn target(&mut self, text: &str, own: &[&str]) -> String {
        target::normalise(text, own).unwrap_or_else(|refused| {
            self.refuse("/long_url", refused.detail());
            String::new()
        })
    }

    fn expiry(&mut self, text: Option<String>) -> Option<Millis> {
        let text = text?;
        match Millis::parse(&text) {
            Some(at) if at > self.now => Some(at),
            Some(_) => {
                self.refuse("/expiry", "must be in the future");
                None
            }
            None => {
                self.refuse("/expiry", "must be an RFC 3339 time, a date, or null");
                None
            }
        }
    }

    fn redirect(&mut self, status: u16) -> u16 {
        if !matches!(status, 301 | 302 | 307 | 308) {
            self.refuse("/redirect", "must be 301, 302, 307 or 308");
        }
        status
    }

    fn title(&mut self, title: String) -> Option<String> {
        if title.chars().count() > TITLE_CHARS_MAX || title.chars().any(char::is_control) {
            let detail = format!("must have at most {TITLE_CHARS_MAX} characters, none of control");
            self.refuse("/title", detail);
        }
        if title.is_empty() { None } else { Some(title) }
    }

    fn tags(&mut self, mut tags: Vec<String>) -> Vec<String> {
        if tags.len() > TAGS_MAX {
            self.refuse("/tags", format!("must be at most {TAGS_MAX} tags"));
        }
        for (index, tag) in tags.iter().enumerate() {
            let chars = tag.chars().count();
            if !(1..=TAG_CHARS_MAX).contains(&chars) || tag.chars().any(char::is_control) {
                let detail = format!("must have 1 to {TAG_CHARS_MAX} characters, none of control");
                self.refuse(&format!("/tags/{index}"), detail);
            }
        }
        tags.sort();
        tags.dedup();
        tags
    }

    fn done<T>(self, value: T) -> Result<T, Problem> {
        if self.errors.is_empty() { Ok(value) } else { Err(Problem::fields(&INVALID, self.errors)) }
    }
}

/// Reads the body of `POST /api/v1/shorten`. `own`: see [`target::normalise`].
///
/// # Errors
/// 400, 413, or 422 with pointers.
pub fn shorten(bytes: &[u8], own: &[&str], now: Millis) -> Result<Draft, Problem> {
    let request: ShortenRequest = body::parse(bytes)?;
    let mut check = Checker { now, errors: Vec::new() };
    if let Some(alias) = &request.custom_alias
        && let Err(refused) = alias::check(alias)
    {
        check.refuse("/custom_alias", refused.detail());
    }
    let draft = Draft {
        long_url: check.target(&request.long_url, own),
        alias: request.custom_alias,
        expires_at: request.expiry.map(|given| check.expiry(given)),
        redirect: check.redirect(request.redirect.unwrap_or(302)),
        title: request.title.and_then(|title| check.title(title)),
        tags: check.tags(request.tags.unwrap_or_default()),
    };
    check.done(draft)
}

/// Reads the body of `PATCH /api/v1/links/{code}`.
///
/// # Errors
/// 400, 413, or 422 with pointers.
pub fn patch(bytes: &[u8], own: &[&str], now: Millis) -> Result<Patch, Problem> {
    let request: PatchRequest = body::parse(bytes)?;
    let mut check = Checker { now, errors: Vec::new() };
    let patch = Patch {
        long_url: request.long_url.map(|text| check.target(&text, own)),
        expires_at: request.expiry.map(|given| check.expiry(given)),
        redirect: request.redirect.map(|status| check.redirect(status)),
        title: request.title.map(|title| title.and_then(|title| check.title(title))),
        tags: request.tags.map(|tags| check.tags(tags)),
    };
    check.done(patch)
}

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
    let moment = |name: &str| match query.get(name) {
        None => Ok(None),
        Some(text) => Millis::parse(text)
            .map(Some)
            .ok_or_else(|| parameter(name, "must be an RFC 3339 time or a date")),
    };
    let to = moment("to")?.unwrap_or(now.plus(1));
    let from = moment("from")?.unwrap_or(Millis(to.0.saturating_sub(STATS_WINDOW_DEFAULT_MS)));
    if from >= to || to.since(from) > STATS_WINDOW_MAX_MS {
        return Err(parameter("from", "must be before to, by 366 days at most"));
    }
    let interval = match query.get("interval").map(String::as_str) {
        None | Some("hour") => Interval::Hour,
        Some("day") => Interval::Day,
        Some(_) => return Err(parameter("interval", "must be hour or day")),
    };
    Ok(StatsAsk { from, to, interval })
}

fn known(query: &str, names: &[&str]) -> Result<BTreeMap<String, String>, Problem> {
    let query = page::query(query);
    match query.keys().find(|name| !names.contains(&name.as_str())) {
        None => Ok(query),
        Some(name) => Err(parameter(name, "is not a parameter of this call")),
    }
}

fn parameter(name: &str, detail: &str) -> Problem {
    let error = FieldError { pointer: format!("?{name}"), detail: detail.into() };
    Problem::fields(&UNACCEPTABLE, vec![error])
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_790_000_000_000);
    const OWN: &[&str] = &["https://sho.rt"];

    fn draft(body: &str) -> Result<Draft, Problem> {
        shorten(body.as_bytes(), OWN, NOW)
    }

    fn pointers(refused: Result<impl core::fmt::Debug, Problem>) -> Vec<String> {
        let problem = refused.unwrap_err();
        assert_eq!(problem.status(), 422);
        problem.errors.into_iter().map(|error| error.pointer).collect()
    }

    #[test]
    fn the_defaults_are_302_and_five_years() {
        let draft = draft(r#"{"long_url":"https://example.com"}"#).unwrap();
        assert_eq!(draft.redirect, 302);
        assert_eq!(draft.expires_at, None);
        assert_eq!(draft.long_url, "https://example.com/");
    }

    #[test]
    fn null_means_never_and_a_date_its_end() {
        let url = r#""long_url":"https://example.com""#;
        let never = draft(&format!("{{{url},\"expiry\":null}}")).unwrap();
        assert_eq!(never.expires_at, Some(None));
        let day = draft(&format!("{{{url},\"expiry\":\"2030-01-31\"}}")).unwrap();
        assert_eq!(day.expires_at, Some(Millis::parse("2030-01-31T23:59:59.999Z")));
        let past = draft(&format!("{{{url},\"expiry\":\"2020-01-31T00:00:00+02:00\"}}"));
        assert_eq!(pointers(past), ["/expiry"]);
    }

    #[test]
    fn every_wrong_field_is_named() {
        let wrong = draft(
            r#"{"long_url":"ftp://x","custom_alias":"api","expiry":"soon","redirect":303,
               "title":"a\u0000","tags":["ok",""]}"#,
        );
        assert_eq!(
            pointers(wrong),
            ["/custom_alias", "/long_url", "/expiry", "/redirect", "/title", "/tags/1"]
        );
    }

    #[test]
    fn a_patch_tells_missing_from_null() {
        let read = |body: &str| patch(body.as_bytes(), OWN, NOW);
        assert_eq!(read("{}").unwrap(), Patch::default());
        let never = read(r#"{"expiry":null,"title":null}"#).unwrap();
        assert_eq!((never.expires_at, never.title), (Some(None), Some(None)));
        assert_eq!(pointers(read(r#"{"long_url":"https://sho.rt/x"}"#)), ["/long_url"]);
        assert_eq!(pointers(read(r#"{"long_url":null}"#)), ["/long_url"]);
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
