//! What callers ask of links: bodies, checked into drafts and patches.
//!
//! Invariant: the edge checks to refuse early, the origin checks with the same function to decide.

pub use super::draft::{Draft, Patch};
use super::password::{BULK_PASSWORDS_MAX, Password, Plain};
use super::rules::{self, Rule};
use super::wire::BulkRequest;
use super::{alias, error::INVALID, target};
use crate::body;
use crate::problem::{FieldError, Problem};
use crate::time::{DAY_MS, Millis};
use alloc::{format, string::String, string::ToString, vec::Vec};
use serde::{Deserialize, Deserializer, Serialize};

/// Links live this long unless asked (L6): 5 × 365 days.
pub const LIFE_DEFAULT_MS: u64 = 5 * 365 * DAY_MS;
/// Clicks of a link at most: what JSON numbers and the edge's SQL hold exactly, 2^53 − 1.
pub const CLICKS_MAX: u64 = (1 << 53) - 1;
/// An external id's bytes.
pub const EXTERNAL_ID_BYTES_MAX: usize = 200;
/// Items of one bulk call.
pub const BULK_MAX: usize = 1_000;
/// A bulk body: 1,000 items of 4 KiB on average.
pub const BULK_BYTES_MAX: u64 = 4 << 20;
/// A title's characters.
pub const TITLE_CHARS_MAX: usize = 200;
/// Tags of a link.
pub const TAGS_MAX: usize = 20;
/// A tag's characters.
pub const TAG_CHARS_MAX: usize = 50;
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
    /// Where else it leads, for whom: at most 20, the first that holds wins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Vec<Rule>>,
    /// How often it may be followed, 1 to 2^53−1; then 410 or `fallback_url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_clicks: Option<u64>,
    /// Where to when it is gone or used up; as `long_url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback_url: Option<String>,
    /// The caller's own name for it, 1 to 200 visible ASCII characters, unique among live links.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// 1 to 200 characters; visitors must give it. Never answered: see `has_password`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Plain>,
    /// Answer 200 with the live link that has this target and these settings, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reuse: Option<bool>,
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
    /// Replaces all rules.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub rules: Option<Vec<Rule>>,
    /// `null` removes the bound.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<u64>"))]
    pub max_clicks: Option<Option<u64>>,
    /// `null` removes it.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub fallback_url: Option<Option<String>>,
    /// `null` removes it; another one voids what visitors hold of the last.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub password: Option<Option<Plain>>,
}

/// `null` is `Some(None)`, a missing field is `None`.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(input: D) -> Result<Option<T>, D::Error> {
    T::deserialize(input).map(Some)
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

    fn target(&mut self, pointer: &str, text: &str, own: &[&str]) -> String {
        target::normalise(text, own).unwrap_or_else(|refused| {
            self.refuse(pointer, refused.detail());
            String::new()
        })
    }

    fn clicks(&mut self, clicks: u64) -> u64 {
        if !(1..=CLICKS_MAX).contains(&clicks) {
            self.refuse("/max_clicks", format!("must be 1 to {CLICKS_MAX}"));
        }
        clicks
    }

    fn external_id(&mut self, id: String) -> String {
        let fits = (1..=EXTERNAL_ID_BYTES_MAX).contains(&id.len());
        if !fits || !id.bytes().all(|b| b.is_ascii_graphic()) {
            let detail = format!("must be 1 to {EXTERNAL_ID_BYTES_MAX} visible ASCII characters");
            self.refuse("/external_id", detail);
        }
        id
    }

    fn password(&mut self, plain: Plain) -> Password {
        if let Err(detail) = plain.check() {
            self.refuse("/password", detail);
        }
        Password::Plain(plain)
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
        long_url: check.target("/long_url", &request.long_url, own),
        alias: request.custom_alias,
        expires_at: request.expiry.map(|given| check.expiry(given)),
        redirect: check.redirect(request.redirect.unwrap_or(302)),
        title: request.title.and_then(|title| check.title(title)),
        tags: check.tags(request.tags.unwrap_or_default()),
        rules: rules::check(request.rules.unwrap_or_default(), own, &mut check.errors),
        max_clicks: request.max_clicks.map(|clicks| check.clicks(clicks)),
        fallback_url: request.fallback_url.map(|url| check.target("/fallback_url", &url, own)),
        external_id: request.external_id.map(|id| check.external_id(id)),
        password: request.password.map(|plain| check.password(plain)),
        reuse: request.reuse.unwrap_or(false),
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
        long_url: request.long_url.map(|text| check.target("/long_url", &text, own)),
        expires_at: request.expiry.map(|given| check.expiry(given)),
        redirect: request.redirect.map(|status| check.redirect(status)),
        title: request.title.map(|title| title.and_then(|title| check.title(title))),
        tags: request.tags.map(|tags| check.tags(tags)),
        rules: request.rules.map(|rules| rules::check(rules, own, &mut check.errors)),
        max_clicks: request.max_clicks.map(|given| given.map(|clicks| check.clicks(clicks))),
        fallback_url: request
            .fallback_url
            .map(|given| given.map(|url| check.target("/fallback_url", &url, own))),
        password: request.password.map(|given| given.map(|plain| check.password(plain))),
    };
    check.done(patch)
}

/// Reads the body of `POST /api/v1/links/bulk`; each item for itself.
///
/// # Errors
/// 400, or 422 for what is no list of up to [`BULK_MAX`] items.
pub fn bulk(
    bytes: &[u8],
    own: &[&str],
    now: Millis,
) -> Result<Vec<Result<Draft, Problem>>, Problem> {
    let request: BulkRequest = body::read_object(bytes)?;
    if request.links.len() > BULK_MAX {
        let detail = format!("must be at most {BULK_MAX} items");
        let error = FieldError { pointer: "/links".into(), detail };
        return Err(Problem::fields(&INVALID, alloc::vec![error]));
    }
    let has_password = |item: &&serde_json::Value| item.get("password").is_some();
    if request.links.iter().filter(has_password).count() > BULK_PASSWORDS_MAX {
        let detail = format!("must have at most {BULK_PASSWORDS_MAX} items with a password");
        let error = FieldError { pointer: "/links".into(), detail };
        return Err(Problem::fields(&INVALID, alloc::vec![error]));
    }
    let items = request.links.iter();
    Ok(items.map(|item| shorten(item.to_string().as_bytes(), own, now)).collect())
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
}
