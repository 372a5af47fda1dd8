//! Playback tokens: who may play a signed video, until when, from where, how large.
//!
//! `{base64url of JSON claims}.{half of an HMAC-SHA-256, hexadecimal}`. Invariant: a token is of
//! one video and lives [`TTL_MAX_S`] at most; its MAC is compared in constant time, before anything
//! in it is read. [`Token`] prints no secret.

use super::presentation::ID_PREFIX;
use crate::problem::{FieldError, Problem, UNACCEPTABLE};
use crate::sign::mac;
use crate::time::Millis;
use alloc::{format, string::String, vec::Vec};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use core::fmt;
use core::net::IpAddr;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

/// A token lives this long unless asked: a film.
pub const TTL_DEFAULT_S: u64 = 4 * 3_600;
/// And at most a day, as every token.
pub const TTL_MAX_S: u64 = 24 * 3_600;
/// A plan's name.
pub const PLAN_BYTES_MAX: usize = 64;
/// Claims with every field at its bound are 250 bytes, a third more in base64.
const TOKEN_BYTES_MAX: usize = 512;
/// Bytes of the MAC that a token carries.
const MAC_BYTES: usize = 16;

/// What a token says. Short names, since every URL of a manifest carries it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The video.
    #[serde(rename = "v")]
    pub video: String,
    /// Over from this second on.
    #[serde(rename = "e")]
    pub expires_s: u64,
    /// What the viewer pays for; see [`super::policy::Policy::plans`].
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// The shorter side of a picture that this viewer sees at most.
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    pub max_height: Option<u32>,
    /// The network from which it may be used: `192.0.2.0/24`.
    #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
    pub ip_prefix: Option<String>,
}

/// A token's text.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(pub String);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// `POST /api/v1/videos/{id}/playback`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PlaybackRequest {
    /// Seconds, 1 to 86,400; 14,400 when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_s: Option<u64>,
    /// The viewer's plan, whose cap the video's policy knows: 1 to 64 bytes of `[A-Za-z0-9_-]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// The shorter side of a picture that this viewer sees at most, in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_height: Option<u32>,
    /// The network from which alone it may be used, such as `192.0.2.0/24` or `2001:db8::/48`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_prefix: Option<String>,
}

/// Its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PlaybackAnswer {
    /// The value of `?token=`.
    pub token: String,
    /// RFC 3339.
    pub expires_at: String,
    /// Where to play it: HLS.
    pub hls_url: String,
    /// Where to play it: DASH.
    pub dash_url: String,
    /// A page with a player.
    pub embed_url: String,
}

impl PlaybackAnswer {
    /// The answer for a video at `public_url`.
    #[must_use]
    pub fn of(public_url: &str, video: &str, token: String, expires_at: Millis) -> Self {
        let url = |path: &str| format!("{public_url}{path}?token={token}");
        Self {
            hls_url: url(&format!("/v/{video}/master.m3u8")),
            dash_url: url(&format!("/v/{video}/manifest.mpd")),
            embed_url: url(&format!("/embed/{video}")),
            expires_at: expires_at.to_rfc3339(),
            token,
        }
    }
}

/// Why a token does not let a viewer in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There is none.
    Missing,
    /// It is no token of ours, or another video's.
    Foreign,
    /// It was one.
    Expired,
    /// It is another network's.
    Network,
}

impl Refused {
    /// One sentence for people.
    #[must_use]
    pub fn detail(self) -> &'static str {
        match self {
            Self::Missing => "the video is played with a token",
            Self::Foreign => "the token is not this video's",
            Self::Expired => "the token has expired",
            Self::Network => "the token is for another network",
        }
    }
}

impl PlaybackRequest {
    /// The claims for `video`.
    ///
    /// # Errors
    /// 422 with pointers.
    pub fn claims(&self, video: &str, now: Millis) -> Result<Claims, Problem> {
        let mut errors = Vec::new();
        let mut refuse = |pointer: &str, detail: &str| {
            errors.push(FieldError { pointer: pointer.into(), detail: detail.into() });
        };
        let ttl_s = self.ttl_s.unwrap_or(TTL_DEFAULT_S);
        if !(1..=TTL_MAX_S).contains(&ttl_s) {
            refuse("/ttl_s", "must be a number of seconds from 1 to 86400");
        }
        let is_plan = |plan: &String| {
            let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
            (1..=PLAN_BYTES_MAX).contains(&plan.len()) && plan.bytes().all(known)
        };
        if !self.plan.as_ref().is_none_or(is_plan) {
            refuse("/plan", "must be 1 to 64 bytes of letters, digits, _ and -");
        }
        if self.max_height == Some(0) {
            refuse("/max_height", "must be at least 1");
        }
        if self.ip_prefix.as_ref().is_some_and(|prefix| Prefix::read(prefix).is_none()) {
            refuse("/ip_prefix", "must be a network such as 192.0.2.0/24 or 2001:db8::/48");
        }
        if !errors.is_empty() {
            return Err(Problem::fields(&UNACCEPTABLE, errors));
        }
        Ok(Claims {
            video: video.into(),
            expires_s: (now.0 / 1_000).saturating_add(ttl_s),
            plan: self.plan.clone(),
            max_height: self.max_height,
            ip_prefix: self.ip_prefix.clone(),
        })
    }
}

impl Claims {
    /// The token.
    #[must_use]
    pub fn seal(&self, key: &[u8]) -> Token {
        let claims = BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default());
        Token(format!("{claims}.{}", tag(key, &claims)))
    }

    /// Reads the token of a request for `video` from `ip`.
    ///
    /// # Errors
    /// Why not.
    pub fn open(
        key: &[u8],
        token: Option<&str>,
        video: &str,
        ip: &str,
        now: Millis,
    ) -> Result<Self, Refused> {
        let token = token.filter(|token| !token.is_empty()).ok_or(Refused::Missing)?;
        if token.len() > TOKEN_BYTES_MAX {
            return Err(Refused::Foreign);
        }
        let (text, given) = token.rsplit_once('.').ok_or(Refused::Foreign)?;
        if !bool::from(tag(key, text).as_bytes().ct_eq(given.as_bytes())) {
            return Err(Refused::Foreign);
        }
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| Refused::Foreign)?;
        let claims: Self = serde_json::from_slice(&bytes).map_err(|_| Refused::Foreign)?;
        let prefix = claims.ip_prefix.as_deref().map(Prefix::read);
        match prefix {
            _ if claims.video != video => Err(Refused::Foreign),
            _ if now.0 >= claims.expires_s.saturating_mul(1_000) => Err(Refused::Expired),
            Some(prefix) if !prefix.as_ref().is_some_and(|one| one.holds(ip)) => {
                Err(Refused::Network)
            }
            _ => Ok(claims),
        }
    }
}

/// Whether this is a video's id.
#[must_use]
pub fn is_video(id: &str) -> bool {
    let rest = id.strip_prefix(ID_PREFIX).and_then(|rest| rest.strip_prefix('_'));
    rest.is_some_and(|rest| {
        (1..=32).contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

fn tag(key: &[u8], text: &str) -> String {
    let mac = mac(key, &format!("video playback\n{text}"));
    hex::encode(mac.get(..MAC_BYTES).unwrap_or_default())
}

/// A network: an address, of which so many bits count.
struct Prefix(IpAddr, u32);

impl Prefix {
    fn read(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/')?;
        let address: IpAddr = address.parse().ok()?;
        let bits: u32 = bits.parse().ok()?;
        (bits <= if address.is_ipv4() { 32 } else { 128 }).then_some(Self(address, bits))
    }

    fn holds(&self, ip: &str) -> bool {
        let Ok(ip) = ip.parse::<IpAddr>() else { return false };
        match (self.0, ip.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                same(u128::from(own.to_bits()) << 96, u128::from(other.to_bits()) << 96, self.1)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => same(own.to_bits(), other.to_bits(), self.1),
            _ => false,
        }
    }
}

fn same(own: u128, other: u128, bits: u32) -> bool {
    (own ^ other).leading_zeros() >= bits
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8] = &[7; 32];
    const NOW: Millis = Millis(1_790_000_000_000);
    const VIDEO: &str = "vid_0001";

    fn ask() -> PlaybackRequest {
        PlaybackRequest {
            ttl_s: Some(60),
            plan: Some("free".into()),
            max_height: Some(720),
            ip_prefix: Some("192.0.2.0/24".into()),
        }
    }

    #[test]
    fn v10_a_token_opens_its_video_until_it_expires_and_from_its_network() {
        let claims = ask().claims(VIDEO, NOW).unwrap();
        let Token(token) = claims.seal(KEY);
        let open = |video, ip, ms| Claims::open(KEY, Some(&token), video, ip, NOW.plus(ms));
        assert_eq!(open(VIDEO, "192.0.2.9", 59_999), Ok(claims));
        assert_eq!(open(VIDEO, "::ffff:192.0.2.9", 0).map(|_| ()), Ok(()));
        assert_eq!(open(VIDEO, "192.0.2.9", 60_000), Err(Refused::Expired));
        assert_eq!(open("vid_0002", "192.0.2.9", 0), Err(Refused::Foreign));
        for ip in ["192.0.3.9", "2001:db8::1", "", "x"] {
            assert_eq!(open(VIDEO, ip, 0), Err(Refused::Network), "{ip}");
        }
    }

    #[test]
    fn v10_what_was_changed_is_foreign() {
        let Token(token) = ask().claims(VIDEO, NOW).unwrap().seal(KEY);
        let open = |key: &[u8], token: &str| {
            Claims::open(key, Some(token), VIDEO, "192.0.2.9", NOW).unwrap_err()
        };
        assert_eq!(open(&[8; 32], &token), Refused::Foreign);
        for at in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            assert_eq!(open(KEY, &changed), Refused::Foreign, "{at}");
        }
        for none in [".", "a.b", "x", &"a".repeat(TOKEN_BYTES_MAX + 1)] {
            assert_eq!(open(KEY, none), Refused::Foreign, "{none}");
        }
        assert_eq!(open(KEY, ""), Refused::Missing);
        assert_eq!(Claims::open(KEY, None, VIDEO, "", NOW), Err(Refused::Missing));
    }

    #[test]
    fn a_request_for_a_token_is_checked() {
        let refused =
            |ask: PlaybackRequest| ask.claims(VIDEO, NOW).unwrap_err().errors[0].pointer.clone();
        for ttl_s in [0, TTL_MAX_S + 1, u64::MAX] {
            assert_eq!(refused(PlaybackRequest { ttl_s: Some(ttl_s), ..ask() }), "/ttl_s");
        }
        for plan in ["", "a b", "ä", &"x".repeat(65)] {
            assert_eq!(refused(PlaybackRequest { plan: Some(plan.into()), ..ask() }), "/plan");
        }
        for net in ["192.0.2.0", "192.0.2.0/33", "2001:db8::/129", "/8", "x/8", ""] {
            let asked = PlaybackRequest { ip_prefix: Some(net.into()), ..ask() };
            assert_eq!(refused(asked), "/ip_prefix", "{net}");
        }
        assert_eq!(refused(PlaybackRequest { max_height: Some(0), ..ask() }), "/max_height");
        assert!(PlaybackRequest::default().claims(VIDEO, NOW).is_ok());
    }

    #[test]
    fn the_longest_token_is_within_its_bound_and_prints_nothing() {
        let longest = PlaybackRequest {
            ttl_s: Some(TTL_MAX_S),
            plan: Some("x".repeat(PLAN_BYTES_MAX)),
            max_height: Some(u32::MAX),
            ip_prefix: Some("2001:db8:1111:2222:3333:4444:5555:6666/128".into()),
        };
        let video = format!("vid_{}", "0".repeat(32));
        let token = longest.claims(&video, NOW).unwrap().seal(KEY);
        assert!(token.0.len() <= TOKEN_BYTES_MAX, "{}", token.0.len());
        let ip = "2001:db8:1111:2222:3333:4444:5555:6666";
        assert!(Claims::open(KEY, Some(&token.0), &video, ip, NOW).is_ok());
        assert_eq!(format!("{token:?}"), "Token(…)");
        assert!(
            is_video(&video) && !is_video("vid_") && !is_video("vid_a/b") && !is_video("lnk_1")
        );
    }

    #[test]
    fn whole_and_empty_networks() {
        assert!(Prefix::read("0.0.0.0/0").unwrap().holds("203.0.113.1"));
        assert!(Prefix::read("::/0").unwrap().holds("2001:db8::1"));
        assert!(!Prefix::read("::/0").unwrap().holds("203.0.113.1"));
        assert!(Prefix::read("203.0.113.1/32").unwrap().holds("203.0.113.1"));
        assert!(!Prefix::read("203.0.113.1/32").unwrap().holds("203.0.113.2"));
    }
}
