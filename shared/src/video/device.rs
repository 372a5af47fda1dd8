//! What a player can decode, by its `User-Agent`.
//!
//! Invariant: H.264 is what everybody plays; more is claimed only where the vendor's player has it
//! in every version that is still in use, so a mistake costs bytes, never the picture. What only
//! some machines of a kind decode (HEVC, AV1 at Apple's) is not claimed.
//! Source: caniuse.com (webm, av1), developer.apple.com/documentation/http-live-streaming.

use crate::agent::TVS;
use serde::Serialize;

/// The sorts of screens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Screen {
    /// Held, and turned.
    Mobile,
    /// On a desk.
    Desktop,
    /// On a wall.
    Tv,
    /// A player that is no browser, or nobody knows.
    Other,
}

impl Screen {
    /// As analytics name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Mobile => "mobile",
            Self::Desktop => "desktop",
            Self::Tv => "tv",
            Self::Other => "other",
        }
    }

    /// The one of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Mobile, Self::Desktop, Self::Tv, Self::Other]
            .into_iter()
            .find(|one| one.name() == name)
    }
}

/// Codecs beyond H.264, as bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Codecs(u8);

impl Codecs {
    /// H.264 alone.
    pub const AVC: Self = Self(0);
    /// And VP9.
    pub const VP9: Self = Self(1);
    /// And AV1.
    pub const AV1: Self = Self(2);
    /// Sets that there are.
    pub const SETS: u8 = 4;

    /// Both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The set of that number; those above [`Codecs::SETS`] wrap.
    #[must_use]
    pub const fn of_bits(bits: u8) -> Self {
        Self(bits % Self::SETS)
    }

    /// Its number, below [`Codecs::SETS`].
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether a codec's string (RFC 6381) is of the set.
    #[must_use]
    pub fn plays(self, codec: &str) -> bool {
        let needs = match codec.split('.').next().unwrap_or_default() {
            "avc1" | "avc3" => Self::AVC,
            "vp09" => Self::VP9,
            "av01" => Self::AV1,
            _ => return false,
        };
        self.0 & needs.0 == needs.0
    }

    /// Their names.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let all = [("avc", Self::AVC), ("vp9", Self::VP9), ("av1", Self::AV1)];
        all.into_iter().filter(move |(_, one)| self.0 & one.0 == one.0).map(|(name, _)| name)
    }
}

/// What plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device {
    /// On what.
    pub screen: Screen,
    /// In which codecs.
    pub codecs: Codecs,
}

const GOOGLES_TVS: [&str; 3] = ["googletv", "android tv", "crkey"];
const TOOLS: [&str; 5] = ["vlc/", "lavf/", "mpv", "kodi/", "exoplayer"];

/// Reads a `User-Agent`.
#[must_use]
pub fn device(user_agent: &str) -> Device {
    let agent = user_agent.to_ascii_lowercase();
    let has = |tokens: &[&str]| tokens.iter().any(|token| agent.contains(token));
    let both = Codecs::VP9.and(Codecs::AV1);
    let of = |screen, codecs| Device { screen, codecs };
    if has(&TVS) {
        return of(Screen::Tv, if has(&GOOGLES_TVS) { Codecs::VP9 } else { Codecs::AVC });
    }
    // Every browser of iOS has Apple's engine, whatever it calls itself.
    if has(&["iphone", "ipad", "ipod"]) {
        return of(Screen::Mobile, Codecs::AVC);
    }
    if has(&TOOLS) {
        return of(Screen::Other, if has(&["exoplayer"]) { Codecs::VP9 } else { both });
    }
    let screen = match (has(&["android", "mobi"]), has(&["windows", "macintosh", "x11", "cros "])) {
        (true, _) => Screen::Mobile,
        (_, true) => Screen::Desktop,
        _ => return of(Screen::Other, Codecs::AVC),
    };
    if has(&["samsungbrowser/"]) {
        return of(screen, Codecs::VP9);
    }
    let is_modern = has(&["chrome/", "chromium/", "firefox/"]) && !has(&["edge/"]);
    of(screen, if is_modern { both } else { Codecs::AVC })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_player_is_offered_what_its_vendor_decodes() {
        const SAFARI: &str =
            "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15";
        const CHROME: &str =
            "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36";
        let both = Codecs::VP9.and(Codecs::AV1);
        for (agent, screen, codecs) in [
            (
                alloc::format!("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {SAFARI}"),
                Screen::Desktop,
                Codecs::AVC,
            ),
            (
                alloc::format!(
                    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) CriOS/130 {SAFARI}"
                ),
                Screen::Mobile,
                Codecs::AVC,
            ),
            (
                alloc::format!("Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME}"),
                Screen::Desktop,
                both,
            ),
            (
                alloc::format!("Mozilla/5.0 (Linux; Android 14; Pixel 8) {CHROME} Mobile"),
                Screen::Mobile,
                both,
            ),
            (
                alloc::format!(
                    "Mozilla/5.0 (Linux; Android 14; SM-S918B) SamsungBrowser/27.0 {CHROME}"
                ),
                Screen::Mobile,
                Codecs::VP9,
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0".into(),
                Screen::Desktop,
                both,
            ),
            (
                alloc::format!("Mozilla/5.0 (SMART-TV; Linux; Tizen 6.0) {CHROME}"),
                Screen::Tv,
                Codecs::AVC,
            ),
            (
                alloc::format!("Mozilla/5.0 (Linux; Android 12; BRAVIA) Android TV {CHROME}"),
                Screen::Tv,
                Codecs::VP9,
            ),
            (
                "AppleCoreMedia/1.0.0.22B83 (Apple TV; U; CPU OS 18_1 like Mac OS X)".into(),
                Screen::Other,
                Codecs::AVC,
            ),
            ("VLC/3.0.20 LibVLC/3.0.20".into(), Screen::Other, both),
            (alloc::string::String::new(), Screen::Other, Codecs::AVC),
        ] {
            assert_eq!(device(&agent), Device { screen, codecs }, "{agent}");
        }
    }

    #[test]
    fn a_codec_is_known_by_its_string() {
        assert!(Codecs::AVC.plays("avc1.64001f") && !Codecs::AVC.plays("vp09.00.31.08"));
        assert!(Codecs::VP9.plays("vp09.00.31.08") && !Codecs::VP9.plays("av01.0.05M.08"));
        assert!(!Codecs::of_bits(3).plays("hvc1.1.6.L93.B0") && !Codecs::of_bits(3).plays(""));
        assert_eq!(
            Codecs::of_bits(3).names().collect::<alloc::vec::Vec<_>>(),
            ["avc", "vp9", "av1"]
        );
    }
}
