//! What callers say and hear of videos.
//!
//! Invariant: the edge checks to refuse early, the origin checks with the same functions to decide.

use super::error::INVALID;
use super::policy::{ENTRIES_MAX, Policy};
use super::presentation::{ID_PREFIX, Status, Visibility};
use super::probe::Failure;
use super::rendition::Media;
use crate::body;
use crate::id::{format_id, parse_id};
use crate::problem::{FieldError, Problem};
use crate::time::Millis;
use alloc::{format, string::String, vec, vec::Vec};
use serde::{Deserialize, Deserializer, Serialize};

/// A title, in characters.
pub const TITLE_CHARS_MAX: usize = 200;

/// `vid_…`
#[must_use]
pub fn video_id(number: u64) -> String {
    format_id(ID_PREFIX, number)
}

/// The number of a video.
#[must_use]
pub fn parse(text: &str) -> Option<u64> {
    parse_id(ID_PREFIX, text).filter(|number| i64::try_from(*number).is_ok())
}

/// Where a video's bytes go.
#[must_use]
pub fn upload_path(id: u64) -> String {
    format!("/api/v1/videos/{}/upload", video_id(id))
}

/// Whether a path is one of [`upload_path`].
#[must_use]
pub fn is_upload(path: &str) -> bool {
    let id = path.strip_prefix("/api/v1/videos/").and_then(|rest| rest.strip_suffix("/upload"));
    id.is_some_and(|id| !id.contains('/'))
}

/// `POST /api/v1/videos`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct VideoRequest {
    /// 1 to 200 characters, none of them a control character.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// `public` when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visibility: Option<Visibility>,
    /// The bytes that will be uploaded; may also be said with tus.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Who sees what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
}

/// `PATCH /api/v1/videos/{id}`: what is missing stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct VideoPatch {
    /// `null` takes it away.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub title: Option<Option<String>>,
    /// Who may play it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visibility: Option<Visibility>,
    /// Replaces the whole policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
}

fn given<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// Reads a creation.
///
/// # Errors
/// 400, 413, 422.
pub fn request(bytes: &[u8], bytes_max: u64) -> Result<VideoRequest, Problem> {
    let asked: VideoRequest = body::parse(bytes)?;
    check(asked.title.as_deref(), asked.policy.as_ref())?;
    if let Some(size) = asked.size {
        super::upload::check_size(size, bytes_max)?;
    }
    Ok(asked)
}

/// Reads a change.
///
/// # Errors
/// 400, 413, 422.
pub fn patch(bytes: &[u8]) -> Result<VideoPatch, Problem> {
    let asked: VideoPatch = body::parse(bytes)?;
    check(asked.title.as_ref().and_then(Option::as_deref), asked.policy.as_ref())?;
    Ok(asked)
}

fn check(title: Option<&str>, policy: Option<&Policy>) -> Result<(), Problem> {
    let refuse = |pointer: &str, detail: String| {
        Err(Problem::fields(&INVALID, vec![FieldError { pointer: pointer.into(), detail }]))
    };
    if let Some(title) = title {
        let is_fine = (1..=TITLE_CHARS_MAX).contains(&title.chars().count());
        if !is_fine || title.chars().any(char::is_control) {
            let detail = format!("must be 1 to {TITLE_CHARS_MAX} characters, none of control");
            return refuse("/title", detail);
        }
    }
    if let Some(policy) = policy {
        let lengths = [policy.plans.len(), policy.networks.len(), policy.countries.len()];
        let names = policy.plans.keys().chain(policy.countries.keys());
        if lengths.into_iter().any(|length| length > ENTRIES_MAX)
            || names.into_iter().any(|name| name.is_empty() || name.len() > 64)
        {
            let detail = format!("has at most {ENTRIES_MAX} entries a map, names of 1 to 64 bytes");
            return refuse("/policy", detail);
        }
    }
    Ok(())
}

/// A video.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct VideoView {
    /// `vid_…`
    pub id: String,
    /// For people.
    pub title: Option<String>,
    /// Who may play it.
    pub visibility: Visibility,
    /// How far it is.
    pub status: Status,
    /// Percent of the transcoding.
    pub progress: u8,
    /// Why it failed.
    pub reason: Option<Failure>,
    /// Where the bytes go: tus, or PUT.
    pub upload_url: String,
    /// How many bytes are there.
    pub upload_offset: u64,
    /// How many there will be.
    pub size: Option<u64>,
    /// Then an upload that is not whole is given up.
    #[serde(with = "crate::time::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub upload_expires_at: Millis,
    /// The picture's length; `null` until it was looked at.
    pub duration_ms: Option<u64>,
    /// What is, or will be, played.
    pub renditions: Vec<RenditionView>,
    /// What nobody played for long: its objects are gone, and it is made again, under this name,
    /// when a player wants it.
    #[serde(default)]
    pub parked: Vec<String>,
    /// Of all of it.
    pub cost: Cost,
    /// The text tracks, by language.
    pub captions: Vec<CaptionView>,
    /// Who sees what.
    pub policy: Policy,
    /// When it was made.
    #[serde(with = "crate::time::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub created_at: Millis,
    /// When every rendition was whole.
    #[serde(with = "crate::time::rfc3339::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub ready_at: Option<Millis>,
}

/// A rendition of a video.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RenditionView {
    /// Its segment of the path.
    pub name: String,
    /// Picture or sound.
    pub media: Media,
    /// RFC 6381.
    pub codec: String,
    /// Bits per second of its fastest segment.
    pub bandwidth: u64,
    /// Bits per second.
    pub average_bandwidth: u64,
    /// Percent of it that is there.
    pub progress: u8,
    /// What it took.
    pub cost: Cost,
}

/// A text track of a video.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CaptionView {
    /// BCP 47, lower case.
    pub language: String,
    /// For people.
    pub label: String,
}

/// What something took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Cost {
    /// Seconds of CPU, rounded up.
    pub cpu_s: u64,
    /// Of its objects.
    pub bytes_stored: u64,
    /// To viewers, as far as was counted.
    pub bytes_served: u64,
}

/// What happened to a video.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct VideoEvent {
    /// Counts from 1.
    pub n: u64,
    /// When.
    #[serde(with = "crate::time::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub at: Millis,
    /// `created`, `queued`, `planned`, `playable`, `ready`, `failed`, `retried`, `changed`,
    /// `deleted`, `purged`; of renditions `parked`, `emptied`, `wanted`, `restored`,
    /// `not_restored`.
    pub kind: String,
    /// For people.
    pub detail: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_and_policies_are_bounded() {
        let status = |text: &str| request(text.as_bytes(), 100).map_err(|problem| problem.status());
        assert!(status("{}").is_ok());
        assert!(status(r#"{"title":"Ä","visibility":"signed","size":100}"#).is_ok());
        assert_eq!(status(r#"{"title":""}"#).unwrap_err(), 422);
        assert_eq!(status(r#"{"title":"a\u0007"}"#).unwrap_err(), 422);
        assert_eq!(status(r#"{"size":101}"#).unwrap_err(), 413);
        assert_eq!(status(r#"{"visibility":"secret"}"#).unwrap_err(), 422);
        assert_eq!(status(r#"{"titel":"x"}"#).unwrap_err(), 422);
        assert_eq!(status("[").unwrap_err(), 400);
        let many: Vec<String> = (0..=ENTRIES_MAX).map(|n| format!("\"{n}\":1")).collect();
        let many = format!(r#"{{"policy":{{"plans":{{{}}}}}}}"#, many.join(","));
        assert_eq!(status(&many).unwrap_err(), 422);
        assert_eq!(patch(br#"{"title":null}"#).unwrap().title, Some(None));
        assert_eq!(patch(b"{}").unwrap().title, None);
    }

    #[test]
    fn ids_have_a_prefix() {
        assert_eq!(parse(&video_id(7)), Some(7));
        assert_eq!(parse("vid_7"), None);
        assert_eq!(parse("lnk_00000000007"), None);
    }
}
