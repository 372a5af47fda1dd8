//! What of a link travels: to callers, to the edge, and back up as clicks.

use super::rules::Rule;
use crate::time::{self, Millis};
use alloc::{borrow::Cow, collections::BTreeMap, format, string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// The registers' and events' product.
pub const PRODUCT: &str = "links";
/// The prefix of a link's id.
pub const ID_PREFIX: &str = "lnk";
/// The domain of a Host that is not configured.
pub const DEFAULT_DOMAIN: u32 = 0;

/// The register's key of a code: the domain's id stands in it, so that one alias may exist on two
/// domains. It does not begin with the application: a redirect does not know it.
#[must_use]
pub fn register_key(domain: u32, code: &str) -> String {
    format!("{domain}/{code}")
}

/// The register's value: all that a redirect needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Where to; printable ASCII.
    pub to: String,
    /// 301, 302, 307 or 308.
    #[serde(default = "found", skip_serializing_if = "is_found")]
    pub redirect: u16,
    /// Gone from this moment on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Millis>,
    /// Where else to, for whom.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    /// How often it may be followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_clicks: Option<u64>,
    /// Where to when it is gone or used up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback_url: Option<String>,
    /// The version of its password, when it has one; never the password, nor its hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// The link's id, for its clicks.
    pub link: String,
    /// The application that owns it.
    pub app: String,
}

fn found() -> u16 {
    302
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_found(status: &u16) -> bool {
    *status == 302
}

/// One redirect that was answered to a GET: the event's body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Click<'a> {
    /// The link's id.
    pub link: Cow<'a, str>,
    /// The first [`USER_AGENT_BYTES_MAX`] bytes; parsed at the origin.
    pub user_agent: Cow<'a, str>,
    /// The referring page's host; never its path.
    pub referrer: Cow<'a, str>,
    /// ISO 3166-1, or empty.
    pub country: Cow<'a, str>,
    /// A hash of address and user agent under the day's salt; empty when `Sec-GPC: 1`.
    pub visitor: Cow<'a, str>,
}

/// What is kept of a user agent.
pub const USER_AGENT_BYTES_MAX: usize = 512;
/// What is kept of a referrer's host.
pub const REFERRER_BYTES_MAX: usize = 253;

/// A link, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Link {
    /// `lnk_…`.
    pub id: String,
    /// 7 characters of base62, or the alias.
    pub short_code: String,
    /// What to share.
    pub short_url: String,
    /// Where it leads, normalised.
    pub long_url: String,
    /// 301, 302, 307 or 308.
    pub redirect: u16,
    /// Where else it leads, for whom; the first that holds wins.
    pub rules: Vec<Rule>,
    /// How often it may be followed; `null` = without bound.
    pub max_clicks: Option<u64>,
    /// Where it leads when it is gone or used up; `null` = 410.
    pub fallback_url: Option<String>,
    /// The caller's own name for it.
    pub external_id: Option<String>,
    /// Whether visitors must give a password.
    pub has_password: bool,
    /// For people.
    pub title: Option<String>,
    /// For search.
    pub tags: Vec<String>,
    /// RFC 3339.
    #[serde(with = "time::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub created_at: Millis,
    /// RFC 3339; `null` = never.
    #[serde(with = "time::rfc3339::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub expires_at: Option<Millis>,
}

/// The width of a slot of a series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Interval {
    /// 60 minutes, on the hour of UTC.
    #[default]
    Hour,
    /// A day of UTC.
    Day,
}

/// One slot of a series.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Slot {
    /// When the slot begins, RFC 3339.
    #[serde(with = "time::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub at: Millis,
    /// Human clicks in it.
    pub clicks: u64,
}

/// The clicks of one link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Stats {
    /// The link's short URL.
    pub short_url: String,
    /// Where it leads now.
    pub long_url: String,
    /// Human clicks in the window.
    pub clicks: u64,
    /// People behind them, about (error < 2 %); each day counts anew.
    pub unique_visitors: u64,
    /// Clicks by crawlers, HTTP libraries and the like.
    pub bots: u64,
    /// RFC 3339.
    #[serde(with = "time::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub created_at: Millis,
    /// RFC 3339; `null` = never.
    #[serde(with = "time::rfc3339::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub expires_at: Option<Millis>,
    /// Slots with clicks, in order; a slot without any is left out.
    pub series: Vec<Slot>,
    /// Human clicks by ISO 3166-1 country; `??` is unknown.
    pub by_country: BTreeMap<String, u64>,
    /// Human clicks by the referring host; `direct` is none.
    pub by_referrer: BTreeMap<String, u64>,
    /// Human clicks by `mobile`, `tablet`, `desktop`, `tv`.
    pub by_device: BTreeMap<String, u64>,
    /// Human clicks by browser family.
    pub by_browser: BTreeMap<String, u64>,
}

/// `POST /api/v1/links/bulk`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct BulkRequest {
    /// Up to 1,000, each as the body of `POST /api/v1/shorten`.
    pub links: Vec<serde_json::Value>,
}

/// What became of one item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BulkResult {
    /// The status that the item would have had alone.
    pub status: u16,
    /// The link, when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<serde_json::Value>,
    /// The problem, when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<serde_json::Value>,
}

/// The answer of `POST /api/v1/links/bulk`: a result per item, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BulkAnswer {
    /// As many as items.
    pub results: Vec<BulkResult>,
}
