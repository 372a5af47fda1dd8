//! What a request says of its player, line and viewer, and the [`Class`] that follows.
//!
//! Invariant: total: whatever a header says, a class comes out, and each of its three sides names
//! the signal that decided it. A signal of the viewer (`Save-Data`, `max_height`) narrows; nothing
//! that a player says widens what the application's policy or the token allows.
//! Sources: WICG Network Information (the table of effective types), RFC 8942 (client hints).

use super::class::Class;
use super::cmcd::Cmcd;
use super::device::{self, Codecs, Screen};
use super::policy::Policy;
use serde::Serialize;

/// The line of whom nobody knows anything: between 480p and 720p.
const UNKNOWN_KBPS: u32 = 3_000;
/// `Save-Data`: 480p, begun at 360p.
const SAVED: (u32, u32) = (480, 700);
/// Round trips of effective types: (from here on, in ms, at most so many kbit/s).
const ROUND_TRIPS: [(u32, u32); 2] = [(1_400, 70), (270, 700)];
/// `Downlink` is cut off here by browsers, against fingerprints: this much may be any more.
const DOWNLINK_KBPS_MAX: u32 = 10_000;

/// What is known. Everything is optional but the device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signals {
    /// `?max_height=`.
    pub max_height: Option<u32>,
    /// The token's own cap.
    pub token_height: Option<u32>,
    /// What the policy says of the token's plan, or of everybody.
    pub policy_height: Option<u32>,
    /// `Save-Data: on`.
    pub save_data: bool,
    /// `ECT`, as kbit/s.
    pub effective_kbps: Option<u32>,
    /// `Downlink`.
    pub downlink_kbps: Option<u32>,
    /// `RTT`, in milliseconds.
    pub rtt_ms: Option<u32>,
    /// The platform's own measure of the round trip, in milliseconds.
    pub tcp_rtt_ms: Option<u32>,
    /// The viewport's width in CSS pixels.
    pub viewport_width: Option<u32>,
    /// Hundredths of device pixels in a CSS pixel.
    pub dpr_percent: Option<u32>,
    /// What the policy says of the network.
    pub network_kbps: Option<u32>,
    /// What the policy says of the country.
    pub country_kbps: Option<u32>,
    /// CMCD: the throughput that this session measured.
    pub measured_kbps: Option<u32>,
    /// CMCD: it ran dry.
    pub starved: bool,
    /// By `User-Agent`.
    pub screen: Screen,
    /// By `User-Agent`.
    pub codecs: Codecs,
}

/// What the platform knows of a connection.
#[derive(Clone, Copy, Debug, Default)]
pub struct Line<'a> {
    /// Milliseconds.
    pub tcp_rtt_ms: Option<u32>,
    /// The network's number.
    pub asn: Option<u32>,
    /// ISO 3166-1, or empty.
    pub country: &'a str,
}

/// Which signal decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "each name is its signal's")]
pub enum Signal {
    None,
    MaxHeight,
    Token,
    Policy,
    SaveData,
    Viewport,
    Measured,
    Starved,
    Downlink,
    EffectiveType,
    RoundTrip,
    Network,
    Country,
    UserAgent,
}

/// A class, and why it is that one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Classified {
    /// The class.
    pub class: Class,
    /// What set the cap.
    pub cap: Signal,
    /// What set the speed.
    pub speed: Signal,
}

impl Default for Signals {
    fn default() -> Self {
        Self::of_agent("")
    }
}

impl Signals {
    /// Those of a `User-Agent` alone.
    #[must_use]
    pub fn of_agent(user_agent: &str) -> Self {
        let device = device::device(user_agent);
        Self {
            max_height: None,
            token_height: None,
            policy_height: None,
            save_data: false,
            effective_kbps: None,
            downlink_kbps: None,
            rtt_ms: None,
            tcp_rtt_ms: None,
            viewport_width: None,
            dpr_percent: None,
            network_kbps: None,
            country_kbps: None,
            measured_kbps: None,
            starved: false,
            screen: device.screen,
            codecs: device.codecs,
        }
    }

    /// Reads a request: `header` by lower-case name, empty when missing; the query's `max_height`;
    /// plan and cap of a token that was checked before.
    pub fn read<'h>(
        header: impl Fn(&str) -> &'h str,
        max_height: Option<u32>,
        line: Line<'_>,
        cmcd: &Cmcd,
        (plan, token_height): (Option<&str>, Option<u32>),
        policy: &Policy,
    ) -> Self {
        let either = |new: &str, old: &str| match header(new) {
            "" => header(old),
            said => said,
        };
        let of_network = line.asn.and_then(|asn| policy.networks.get(&asn));
        Self {
            max_height,
            token_height,
            policy_height: policy.cap(plan),
            save_data: header("save-data").trim().eq_ignore_ascii_case("on"),
            effective_kbps: effective(header("ect")),
            downlink_kbps: scaled(header("downlink"), 1_000),
            rtt_ms: scaled(header("rtt"), 1),
            tcp_rtt_ms: line.tcp_rtt_ms,
            viewport_width: scaled(either("sec-ch-viewport-width", "viewport-width"), 1),
            dpr_percent: scaled(either("sec-ch-dpr", "dpr"), 100),
            network_kbps: of_network.copied(),
            country_kbps: policy.countries.get(line.country).copied(),
            measured_kbps: cmcd.throughput_kbps(),
            starved: cmcd.starved(),
            ..Self::of_agent(header("user-agent"))
        }
    }

    /// The class, and what decided it.
    #[must_use]
    pub fn classify(&self) -> Classified {
        let (cap, why_cap) = self.cap();
        let (kbps, why_speed) = self.speed();
        let class = Class::of(cap, kbps, self.codecs);
        Classified { class, cap: why_cap, speed: why_speed }
    }

    fn cap(&self) -> (Option<u32>, Signal) {
        let saved = self.save_data.then_some(SAVED.0);
        let caps = [
            (self.policy_height, Signal::Policy),
            (self.token_height, Signal::Token),
            (self.max_height, Signal::MaxHeight),
            (saved, Signal::SaveData),
            (self.shown(), Signal::Viewport),
        ];
        let caps = caps.into_iter().filter_map(|(cap, why)| Some((cap?, why)));
        caps.min_by_key(|(cap, _)| *cap).map_or((None, Signal::None), |(cap, why)| (Some(cap), why))
    }

    /// The first rung that fills the screen: what is shown smaller than it is costs bytes only.
    fn shown(&self) -> Option<u32> {
        let pixels =
            u64::from(self.viewport_width?) * u64::from(self.dpr_percent.unwrap_or(100)) / 100;
        // A phone is turned to watch: its width is the picture's height then.
        let height = if self.screen == Screen::Mobile { pixels } else { pixels * 9 / 16 };
        super::class::CAPS.into_iter().find(|rung| u64::from(*rung) >= height)
    }

    fn speed(&self) -> (u32, Signal) {
        let measured = self.measured_kbps.map(|kbps| match self.starved {
            true => (kbps / 2, Signal::Starved),
            false => (kbps, Signal::Measured),
        });
        let downlink = self.downlink_kbps.filter(|kbps| *kbps < DOWNLINK_KBPS_MAX);
        let fastest = self.downlink_kbps.map(|_| DOWNLINK_KBPS_MAX);
        let known = |kbps: Option<u32>, why| kbps.map(|kbps| (kbps, why));
        let guess = measured
            .or(known(downlink, Signal::Downlink))
            .or(known(self.effective_kbps, Signal::EffectiveType))
            .or(known(fastest, Signal::Downlink))
            .or(known(self.network_kbps, Signal::Network))
            .or(known(self.country_kbps, Signal::Country))
            .unwrap_or((UNKNOWN_KBPS, Signal::None));
        // What a session measured knows better than a round trip.
        let bounds = [self.far().filter(|_| measured.is_none()), self.sparing()];
        bounds.into_iter().flatten().chain([guess]).min_by_key(|(kbps, _)| *kbps).unwrap_or(guess)
    }

    fn far(&self) -> Option<(u32, Signal)> {
        let rtt = self.rtt_ms.max(self.tcp_rtt_ms)?;
        let (_, kbps) = ROUND_TRIPS.into_iter().find(|(from, _)| rtt >= *from)?;
        Some((kbps, Signal::RoundTrip))
    }

    fn sparing(&self) -> Option<(u32, Signal)> {
        self.save_data.then_some((SAVED.1, Signal::SaveData))
    }
}

/// An effective type's downlink; `4g` is everything from 3G's on.
fn effective(text: &str) -> Option<u32> {
    match text.trim().to_ascii_lowercase().as_str() {
        "slow-2g" => Some(50),
        "2g" => Some(70),
        "3g" => Some(700),
        "4g" => Some(UNKNOWN_KBPS),
        _ => None,
    }
}

/// A number with a fraction, so many times as large; at most a million times a million.
fn scaled(text: &str, times: u32) -> Option<u32> {
    let text = text.trim();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty()
        || whole.len() > 6
        || fraction.len() > 6
        || !is_number(whole)
        || !is_number(fraction)
    {
        return None;
    }
    let digits = fraction.bytes().chain([b'0'; 6]).take(6);
    let millionths = digits.fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    let whole: u64 = whole.parse().ok()?;
    let all = whole * u64::from(times) + millionths * u64::from(times) / 1_000_000;
    Some(u32::try_from(all).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHONE: &str = "Mozilla/5.0 (Linux; Android 14) Chrome/130.0 Mobile Safari/537.36";

    fn read(headers: &[(&str, &'static str)], max_height: Option<u32>, cmcd: &str) -> Classified {
        let get = |name: &str| {
            headers.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
        };
        let policy = Policy {
            max_height: Some(1_440),
            plans: [("free".into(), 720)].into_iter().collect(),
            networks: [(64_500, 900)].into_iter().collect(),
            countries: [("NO".into(), 13_000)].into_iter().collect(),
        };
        let line = Line { country: "NO", ..Line::default() };
        Signals::read(get, max_height, line, &Cmcd::read(cmcd), (None, None), &policy).classify()
    }

    #[test]
    fn the_narrowest_cap_is_named() {
        let case = |headers: &[_], max| {
            let found = read(headers, max, "");
            (found.class.cap(), found.cap)
        };
        assert_eq!(case(&[], None), (Some(1_440), Signal::Policy));
        assert_eq!(case(&[], Some(800)), (Some(720), Signal::MaxHeight));
        assert_eq!(case(&[("save-data", "on")], Some(800)), (Some(480), Signal::SaveData));
        let phone =
            [("user-agent", PHONE), ("sec-ch-viewport-width", "412"), ("sec-ch-dpr", "2.625")];
        assert_eq!(case(&phone, None), (Some(1_080), Signal::Viewport)); // 1,079 pixels
        let small = [("user-agent", PHONE), ("viewport-width", "360"), ("dpr", "2")];
        assert_eq!(case(&small, None), (Some(720), Signal::Viewport));
        let desk = [("viewport-width", "1280")];
        assert_eq!(case(&desk, None), (Some(720), Signal::Viewport));
    }

    #[test]
    fn what_the_session_measured_comes_before_what_the_browser_guesses() {
        let case = |headers: &[_], cmcd| {
            let found = read(headers, None, cmcd);
            (found.class.kbps(), found.speed)
        };
        assert_eq!(case(&[], ""), (12_000, Signal::Country));
        assert_eq!(case(&[("ect", "4g"), ("downlink", "10")], ""), (3_000, Signal::EffectiveType));
        assert_eq!(case(&[("downlink", "10")], ""), (6_000, Signal::Downlink));
        assert_eq!(case(&[("ect", "4g"), ("downlink", "1.75")], ""), (1_500, Signal::Downlink));
        assert_eq!(case(&[("downlink", "1.75"), ("rtt", "300")], ""), (700, Signal::RoundTrip));
        assert_eq!(case(&[("rtt", "3000")], "mtp=6100"), (6_000, Signal::Measured));
        assert_eq!(case(&[], "mtp=6100,bs"), (3_000, Signal::Starved));
        assert_eq!(case(&[("save-data", "on")], "mtp=6100"), (700, Signal::SaveData));
        assert_eq!(case(&[("downlink", "fast"), ("rtt", "-1")], ""), (12_000, Signal::Country));
    }

    #[test]
    fn a_plan_and_a_token_narrow_and_a_network_is_known_by_its_number() {
        let policy = Policy {
            plans: [("free".into(), 720)].into_iter().collect(),
            networks: [(64_500, 900)].into_iter().collect(),
            ..Policy::default()
        };
        let line = Line { asn: Some(64_500), ..Line::default() };
        let read = |plan, cap| {
            Signals::read(|_| "", None, line, &Cmcd::default(), (plan, cap), &policy).classify()
        };
        let free = read(Some("free"), Some(1_080));
        assert_eq!((free.class.cap(), free.cap), (Some(720), Signal::Policy));
        assert_eq!((free.class.kbps(), free.speed), (700, Signal::Network));
        let capped = read(Some("pro"), Some(1_080));
        assert_eq!((capped.class.cap(), capped.cap), (Some(1_080), Signal::Token));
        assert_eq!(read(None, None).class.cap(), None);
    }

    #[test]
    fn numbers_are_scaled_or_nothing() {
        assert_eq!(scaled("1.75", 1_000), Some(1_750));
        assert_eq!(scaled(" 2.625 ", 100), Some(262));
        assert_eq!(scaled("10", 1_000), Some(10_000));
        for wrong in ["", "-1", "1e3", ".5", "1.2.3", "9999999", "NaN", "∞"] {
            assert_eq!(scaled(wrong, 1), None, "{wrong}");
        }
    }
}
