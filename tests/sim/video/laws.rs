//! The laws of the selection, held against whatever is drawn: a ladder that nobody would make, a
//! request that no player sends.
//!
//! `scripts/bench video --only=select` draws a million of them. Invariant: nothing here looks into
//! the selection; it reads what is public.

use shared::machine::mix;
use shared::video::class::{CAPS, CLASSES};
use shared::video::device::{Codecs, Screen};
use shared::video::manifest::hls;
use shared::video::presentation::{Head, Presentation, Timeline};
use shared::video::rendition::Media;
use shared::video::select::{Choice, Reason, select, short_side};
use shared::video::signals::Signals;

const CODECS: [&str; 5] =
    ["avc1.64001f", "vp09.00.31.08", "av01.0.05M.08", "hvc1.1.6.L93.B0", "avc1.640028"];
const SIDES: [u32; 9] = [100, 144, 240, 360, 480, 720, 1_080, 1_440, 2_160];

/// Numbers of one case, one after the other.
struct Draw(u64);

impl Draw {
    fn below(&mut self, below: u32) -> u32 {
        self.0 = mix(self.0.wrapping_add(0x9e37_79b9_7f4a_7c15));
        (self.0 >> 33) as u32 % below
    }

    fn maybe(&mut self, below: u32) -> Option<u32> {
        (self.below(3) == 0).then(|| self.below(below))
    }
}

fn head(draw: &mut Draw, n: u32) -> Head {
    let side = SIDES[draw.below(9) as usize];
    let (long, kbps) = (side * 16 / 9, u64::from(draw.below(20_000)));
    let (width, height) = if draw.below(4) == 0 { (side, long) } else { (long, side) };
    let picture = Media::Video { width, height, frame_rate: (30, 1) };
    let sound = Media::Audio { track: 0, channels: 2, sample_rate: 48_000, language: None };
    let is_sound = draw.below(5) == 0;
    Head {
        name: format!("r{n}"),
        media: if is_sound { sound } else { picture },
        codec: CODECS[draw.below(5) as usize].into(),
        timeline: 0,
        segments: draw.below(3),
        bandwidth: kbps * 1_000,
        average_bandwidth: kbps * 800,
        complete: false,
        key_bytes: vec![],
    }
}

/// A video of renditions that were drawn.
pub(crate) fn video(case: u64) -> Presentation {
    let mut draw = Draw(case);
    let count = draw.below(12);
    let timelines = vec![Timeline { timescale: 1, runs: vec![(4, 2)] }];
    let renditions = (0..count).map(|n| head(&mut draw, n)).collect();
    Presentation { timelines, renditions, segment_ms: 4_000, ..Presentation::default() }
}

/// Signals that were drawn.
pub(crate) fn signals(case: u64) -> Signals {
    let mut draw = Draw(!case);
    let screens = [Screen::Mobile, Screen::Desktop, Screen::Tv, Screen::Other];
    Signals {
        max_height: draw.maybe(3_000),
        token_height: draw.maybe(3_000),
        policy_height: draw.maybe(3_000),
        save_data: draw.below(5) == 0,
        effective_kbps: draw.maybe(5_000),
        downlink_kbps: draw.maybe(12_000),
        rtt_ms: draw.maybe(3_000),
        tcp_rtt_ms: draw.maybe(3_000),
        viewport_width: draw.maybe(8_000),
        dpr_percent: draw.maybe(500),
        network_kbps: draw.maybe(50_000),
        country_kbps: draw.maybe(50_000),
        measured_kbps: draw.maybe(u32::MAX),
        starved: draw.below(5) == 0,
        screen: screens[draw.below(4) as usize],
        codecs: Codecs::of_bits(draw.below(4) as u8),
    }
}

/// Whether a rendition may be shown to who sent these signals.
fn may(head: &Head, signals: &Signals) -> bool {
    let caps = [signals.max_height, signals.token_height, signals.policy_height];
    let saved = signals.save_data.then_some(480);
    let cap = caps.into_iter().chain([saved]).flatten().min().unwrap_or(u32::MAX).max(CAPS[0]);
    signals.codecs.plays(&head.codec) && short_side(head).is_some_and(|side| side <= cap)
}

/// Makes the manifest of a case and holds it against the laws.
pub(crate) fn check(case: u64) {
    let (video, signals) = (video(case), signals(case));
    let class = signals.classify().class;
    assert!(class.number() < CLASSES, "{case}");
    let all = select(&video.renditions, class);
    let mut names: Vec<&str> = all.iter().map(|one| one.head.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), video.renditions.len(), "{case}: each once, with a reason");
    let pictures: Vec<&Choice<'_>> =
        all.iter().filter(|one| one.reason.keeps() && short_side(one.head).is_some()).collect();
    let there = |head: &&Head| head.segments > 0 && short_side(head).is_some();
    let is_playable = video.renditions.iter().any(|head| there(&head));
    assert_eq!(pictures.is_empty(), !is_playable, "{case}: empty");
    assert!(all.iter().all(|one| !one.reason.keeps() || one.head.segments > 0), "{case}");
    let Some(first) = pictures.first() else { return };
    match first.reason {
        // Alone, because there is nothing that may be shown.
        Reason::OnlyOne | Reason::LastResort => {
            assert_eq!(pictures.len(), 1, "{case}");
            let cap = class.cap().unwrap_or(u32::MAX);
            let fits = |head: &Head| {
                signals.codecs.plays(&head.codec) && short_side(head).is_some_and(|s| s <= cap)
            };
            assert!(!video.renditions.iter().filter(there).any(fits), "{case}: others fit");
        }
        Reason::Start | Reason::StartLightest => {
            assert!(pictures.iter().all(|one| may(one.head, &signals)), "{case}: above a cap");
            let others = &pictures[1..];
            assert!(others.iter().all(|one| one.reason == Reason::Alternative), "{case}");
            assert!(others.is_sorted_by_key(|one| one.head.bandwidth), "{case}: order");
            let fits = first.head.bandwidth <= u64::from(class.kbps()) * 1_000;
            assert!(fits || first.reason == Reason::StartLightest, "{case}: too fast a start");
        }
        other => panic!("{case}: {other:?} comes first"),
    }
    let text = hls::master(&video, &all, "");
    let variants = text.lines().filter(|line| line.starts_with("#EXT-X-STREAM-INF:"));
    assert_eq!(variants.count(), pictures.len(), "{case}: the manifest has what was chosen");
}
