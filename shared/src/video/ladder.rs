//! The ladder: which renditions are made of a source, how large, how fast, how costly.
//!
//! Invariant: nothing is larger or has more frames a second than its source; pictures have even
//! sides and square pixels; the first codec is H.264, always. Refused: an empty ladder.

use super::probe::Facts;
use alloc::{format, string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// The short side of a 16:9 picture, and the bits per second of H.264 that an average film of 24 to
/// 30 frames a second needs (Apple's HLS authoring specification, appendix, rounded).
const RUNGS: [(u32, u32); 7] = [
    (240, 300_000),
    (360, 700_000),
    (480, 1_200_000),
    (720, 2_600_000),
    (1_080, 5_000_000),
    (1_440, 9_500_000),
    (2_160, 17_000_000),
];
/// Frames per second that are made; faster sources lose frames.
const RATES: [(u32, u32); 9] = [
    (24_000, 1_001),
    (24, 1),
    (25, 1),
    (30_000, 1_001),
    (30, 1),
    (48, 1),
    (50, 1),
    (60_000, 1_001),
    (60, 1),
];
/// The rate from which a rung needs more bits: 1.4 times.
const FAST_FPS: u32 = 35;
/// Bits per pixel, times 1,000, at which a film of the probe's settings is average.
pub const COMPLEXITY_AVERAGE: u32 = 110;
/// The probe may lower or raise a rung's bits within these, in percent.
const FACTOR_PERCENT: (u32, u32) = (35, 150);

/// How a picture is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Codec {
    /// H.264.
    Avc,
    /// VP9.
    Vp9,
    /// AV1.
    Av1,
}

impl Codec {
    /// The end of a rendition's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Avc => "avc",
            Self::Vp9 => "vp9",
            Self::Av1 => "av1",
        }
    }

    /// Reads `h264,vp9,av1`; H.264 is always the first.
    #[must_use]
    pub fn list(text: &str) -> Option<Vec<Self>> {
        let mut all = Vec::from([Self::Avc]);
        for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let codec = match name {
                "h264" => Self::Avc,
                "vp9" => Self::Vp9,
                "av1" => Self::Av1,
                _ => return None,
            };
            if !all.contains(&codec) {
                all.push(codec);
            }
        }
        Some(all)
    }

    /// The bits that the same picture takes, in percent of H.264's.
    fn percent(self) -> u32 {
        match self {
            Self::Avc => 100,
            Self::Vp9 => 70,
            Self::Av1 => 55,
        }
    }
}

/// A picture that is to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rung {
    /// Such as `v720-avc`.
    pub name: String,
    /// How.
    pub codec: Codec,
    /// In pixels, even.
    pub width: u32,
    /// In pixels, even.
    pub height: u32,
    /// The most bits per second, over a few seconds.
    pub bits_max: u32,
    /// H.264's level times ten.
    pub level: u32,
}

impl Rung {
    /// The name of the same picture made once more: `v720-avc-2` after `v720-avc`.
    #[must_use]
    pub fn next_name(&self) -> String {
        let (base, times) = match self.name.rsplit_once('-') {
            Some((base, last)) => match last.parse::<u32>() {
                Ok(times) => (base, times),
                Err(_) => (self.name.as_str(), 1),
            },
            None => (self.name.as_str(), 1),
        };
        format!("{base}-{}", times.saturating_add(1))
    }
}

/// A sound that is to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sound {
    /// Such as `a0-aac`.
    pub name: String,
    /// From 0, in the source's order.
    pub track: u8,
    /// The stream's number in the source.
    pub stream: u32,
    /// 1, 2 or 6.
    pub channels: u8,
    /// Bits per second.
    pub bits: u32,
    /// See [`super::probe::AudioFacts::language`].
    pub language: Option<String>,
}

/// The rate of every rendition of a source: constant, so that all are cut at the same moments.
/// `counted` is how many frames really come a second, in thousandths.
#[must_use]
pub fn frame_rate(declared: (u32, u32), counted: u64) -> (u32, u32) {
    let milli = |(num, den): (u32, u32)| u64::from(num) * 1_000 / u64::from(den).max(1);
    let said = milli(declared);
    // What is declared holds unless the packets say otherwise by more than 3 %.
    let is_true = said.abs_diff(counted) * 100 <= counted * 3;
    let rate = if is_true { said } else { counted };
    let (slowest, fastest) = (milli(RATES[0]), 60_500);
    if rate > fastest {
        // Every n-th frame of 100, 120 or 240 is as even as the source.
        return if (rate + 500) / 1_000 % 60 != 0 && (rate + 500) / 1_000 % 50 == 0 {
            (50, 1)
        } else {
            (60, 1)
        };
    }
    if let Some(same) = RATES.into_iter().find(|known| milli(*known).abs_diff(rate) <= 5) {
        return same;
    }
    let (num, den) = declared;
    if is_true && den <= 1_001 && num <= 60_000 {
        return declared;
    }
    if rate < slowest {
        return (u32::try_from(rate.div_ceil(1_000)).unwrap_or(1).max(1), 1);
    }
    let near = |known: &(u32, u32)| milli(*known) * 1_005 >= rate * 1_000;
    RATES.into_iter().find(near).unwrap_or((60, 1))
}

/// The pictures of a source: `complexity` in thousandths of a bit per pixel, as the probe found it.
#[must_use]
pub fn rungs(facts: &Facts, rate: (u32, u32), complexity: u32, codecs: &[Codec]) -> Vec<Rung> {
    let (width, height) = (facts.video.width, facts.video.height);
    let (short, long) = (width.min(height), width.max(height));
    let mut sizes = Vec::new();
    for (rung, bits) in RUNGS {
        // A wide film of 1920 × 800 is 1080p by its long side.
        let wide = rung * 16 / 9;
        if short < rung && long < wide {
            continue;
        }
        sizes.push((rung, bits, fit(width, height, (short, rung), (long, wide))));
    }
    if sizes.is_empty() {
        let (lowest, bits) = RUNGS[0];
        sizes.push((short.min(lowest), bits, (even(width), even(height))));
    }
    let factor = (complexity * 100 / COMPLEXITY_AVERAGE).clamp(FACTOR_PERCENT.0, FACTOR_PERCENT.1);
    let is_fast = rate.0 > FAST_FPS * rate.1;
    let mut all = Vec::new();
    for codec in codecs {
        for (rung, bits, (width, height)) in &sizes {
            let bits =
                u64::from(*bits) * u64::from(factor) / 100 * u64::from(codec.percent()) / 100;
            let bits = if is_fast { bits * 7 / 5 } else { bits };
            all.push(Rung {
                name: format!("v{rung}-{}", codec.name()),
                codec: *codec,
                width: *width,
                height: *height,
                bits_max: u32::try_from(bits).unwrap_or(u32::MAX),
                level: level(*width, *height, rate),
            });
        }
    }
    all
}

/// The largest size of the source's shape within both bounds, never above its own.
fn fit(width: u32, height: u32, short: (u32, u32), long: (u32, u32)) -> (u32, u32) {
    // Of two factors (from, to).
    let smaller = |a: (u32, u32), b: (u32, u32)| {
        if u64::from(a.1) * u64::from(b.0) <= u64::from(b.1) * u64::from(a.0) { a } else { b }
    };
    let factor = smaller((1, 1), smaller(short, long));
    let scale = |side: u32| {
        let (from, to) = (u64::from(factor.0), u64::from(factor.1));
        u32::try_from((u64::from(side) * to + from / 2) / from).unwrap_or(side)
    };
    (even(scale(width)).min(even(width)), even(scale(height)).min(even(height)))
}

fn even(side: u32) -> u32 {
    (side / 2 * 2).max(2)
}

/// The lowest level of H.264 whose bounds hold: (level × 10, macroblocks, macroblocks a second),
/// Rec. ITU-T H.264, table A-1.
const LEVELS: [(u32, u32, u32); 11] = [
    (13, 396, 11_880),
    (21, 792, 19_800),
    (22, 1_620, 20_250),
    (30, 1_620, 40_500),
    (31, 3_600, 108_000),
    (32, 5_120, 216_000),
    (40, 8_192, 245_760),
    (42, 8_704, 522_240),
    (50, 22_080, 589_824),
    (51, 36_864, 983_040),
    (52, 36_864, 2_073_600),
];

fn level(width: u32, height: u32, rate: (u32, u32)) -> u32 {
    let blocks = width.div_ceil(16) * height.div_ceil(16);
    let fits = |(_, most, a_second): &(u32, u32, u32)| {
        blocks <= *most
            && u64::from(blocks) * u64::from(rate.0) <= u64::from(*a_second) * u64::from(rate.1)
    };
    LEVELS.into_iter().find(fits).map_or(52, |(level, _, _)| level)
}

/// The sounds of a source: each track in at most two channels, and one of 5.1 again as it is.
#[must_use]
pub fn sounds(facts: &Facts) -> Vec<Sound> {
    let mut all = Vec::new();
    for (track, of) in (0u8..).zip(&facts.audio) {
        let (stream, language) = (of.stream, of.language.clone());
        let (channels, bits) = if of.channels == 1 { (1, 80_000) } else { (2, 128_000) };
        let name = format!("a{track}-aac");
        all.push(Sound { name, track, stream, channels, bits, language: language.clone() });
        if of.channels >= 6 {
            let name = format!("a{track}-aac51");
            all.push(Sound { name, track, stream, channels: 6, bits: 384_000, language });
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::probe::{AudioFacts, VideoFacts};
    use super::*;

    fn source(width: u32, height: u32) -> Facts {
        let frame_rate = (30, 1);
        Facts {
            format: "mov".into(),
            start_us: 0,
            duration_us: 0,
            picture_us: 0,
            video: VideoFacts {
                stream: 0,
                width,
                height,
                frame_rate,
                hdr: None,
                is_interlaced: false,
            },
            audio: Vec::new(),
        }
    }

    fn sizes(width: u32, height: u32) -> Vec<(u32, u32)> {
        let all = rungs(&source(width, height), (30, 1), COMPLEXITY_AVERAGE, &[Codec::Avc]);
        all.iter().map(|rung| (rung.width, rung.height)).collect()
    }

    #[test]
    fn nothing_is_larger_than_its_source() {
        assert_eq!(
            sizes(1_920, 1_080),
            [(426, 240), (640, 360), (852, 480), (1_280, 720), (1_920, 1_080)]
        );
        assert_eq!(sizes(1_080, 1_920).last(), Some(&(1_080, 1_920)));
        assert_eq!(sizes(1_920, 800).last(), Some(&(1_920, 800)));
        assert_eq!(sizes(1_280, 534), [(426, 178), (640, 266), (852, 356), (1_280, 534)]);
        assert_eq!(sizes(3_840, 2_160).len(), 7);
        assert_eq!(sizes(101, 75), [(100, 74)]);
        assert_eq!(sizes(1, 1), [(2, 2)]);
        for width in (2..4_000).step_by(37) {
            for height in (2..2_400).step_by(41) {
                let all = sizes(width, height);
                assert!(!all.is_empty());
                for (w, h) in all {
                    assert!(w <= width.max(2) && h <= height.max(2), "{width}×{height}: {w}×{h}");
                    assert!(w % 2 == 0 && h % 2 == 0 && w >= 2 && h >= 2);
                }
            }
        }
    }

    #[test]
    fn rates_are_those_of_the_source_or_lower() {
        for (declared, counted, wanted) in [
            ((30_000, 1_001), 29_970, (30_000, 1_001)),
            ((30, 1), 30_000, (30, 1)),
            ((24_000, 1_001), 23_976, (24_000, 1_001)),
            ((120, 1), 120_000, (60, 1)),
            ((100, 1), 99_990, (50, 1)),
            ((15, 1), 15_000, (15, 1)),
            ((25, 2), 12_500, (25, 2)),
            // A telephone says 90,000 and films 29.4; a screen says 60 and shows 7.3.
            ((90_000, 1), 29_400, (30_000, 1_001)),
            ((60, 1), 7_300, (8, 1)),
            ((1_000, 1), 0, (1, 1)),
        ] {
            assert_eq!(frame_rate(declared, counted), wanted, "{declared:?} {counted}");
        }
    }

    #[test]
    fn bits_follow_the_film_and_the_level_the_size() {
        let of = |complexity| {
            let all = rungs(&source(1_920, 1_080), (60, 1), complexity, &[Codec::Avc, Codec::Vp9]);
            all.iter()
                .map(|rung| (rung.name.clone(), rung.bits_max, rung.level))
                .collect::<Vec<_>>()
        };
        let (flat, noisy) = (of(0), of(10_000));
        assert_eq!(flat[4], ("v1080-avc".into(), 2_450_000, 42));
        assert_eq!(noisy[4].1, 10_500_000);
        assert_eq!(flat[9].0, "v1080-vp9");
        assert!(flat[9].1 < flat[4].1);
        assert_eq!(flat[0].2, 30); // 27 × 15 macroblocks are more than level 1.3 has
    }

    #[test]
    fn sounds_are_at_most_stereo_and_one_as_it_is() {
        let mut facts = source(640, 360);
        let track = |stream, channels| AudioFacts { stream, channels, language: None };
        facts.audio = Vec::from([track(1, 6), track(2, 1), track(4, 2)]);
        let all: Vec<_> =
            sounds(&facts).into_iter().map(|s| (s.name, s.stream, s.channels)).collect();
        let wanted = [("a0-aac", 1, 2), ("a0-aac51", 1, 6), ("a1-aac", 2, 1), ("a2-aac", 4, 2)];
        assert_eq!(all, wanted.map(|(name, stream, channels)| (name.into(), stream, channels)));
        assert_eq!(Codec::list("vp9, h264"), Some([Codec::Avc, Codec::Vp9].into()));
        assert_eq!(Codec::list("av1,vp9"), Some([Codec::Avc, Codec::Av1, Codec::Vp9].into()));
        assert_eq!(Codec::list("divx"), None);
    }

    #[test]
    fn v13_a_picture_that_is_made_again_has_another_name() {
        let mut rung =
            rungs(&source(640, 360), (30, 1), COMPLEXITY_AVERAGE, &[Codec::Avc]).remove(1);
        assert_eq!(rung.name, "v360-avc");
        for next in ["v360-avc-2", "v360-avc-3", "v360-avc-4"] {
            rung.name = rung.next_name();
            assert_eq!(rung.name, next);
        }
    }
}
