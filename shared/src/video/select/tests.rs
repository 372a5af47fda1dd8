//! Laws of the selection, on ladders that somebody would make and on random ones.

use super::*;
use crate::machine::mix;
use crate::video::class::CLASSES;
use crate::video::device::Codecs;
use alloc::{format, string::String, vec};

/// Draws in debug builds; `scripts/bench video --only=select` does a million.
const CASES: u64 = 60_000;

pub(crate) fn picture(name: &str, (width, height): (u32, u32), kbps: u64, codec: &str) -> Head {
    Head {
        name: name.into(),
        media: Media::Video { width, height, frame_rate: (30, 1) },
        codec: codec.into(),
        timeline: 0,
        segments: 10,
        bandwidth: kbps * 1_000,
        average_bandwidth: kbps * 800,
        complete: true,
        key_bytes: vec![],
    }
}

fn ladder() -> Vec<Head> {
    let sound = Media::Audio { track: 0, channels: 2, sample_rate: 48_000, language: None };
    vec![
        picture("v1080-avc", (1_920, 1_080), 5_400, "avc1.640028"),
        picture("v1080-av1", (1_920, 1_080), 3_000, "av01.0.08M.08"),
        picture("v720-avc", (1_280, 720), 2_800, "avc1.64001f"),
        picture("v480-avc", (854, 480), 1_300, "avc1.64001e"),
        picture("v240-avc", (426, 240), 400, "avc1.42c015"),
        Head { media: sound, codec: "mp4a.40.2".into(), ..picture("a0-aac", (0, 0), 128, "") },
    ]
}

fn said(heads: &[Head], cap: Option<u32>, kbps: u32, codecs: Codecs) -> Vec<String> {
    let class = Class::of(cap, kbps, codecs);
    let all = select(heads, class);
    all.iter().map(|one| format!("{} {:?}", one.head.name, one.reason)).collect()
}

#[test]
fn v7_the_first_variant_is_the_largest_that_the_line_carries() {
    assert_eq!(
        said(&ladder(), None, 3_000, Codecs::AVC),
        [
            "v720-avc Start",
            "v240-avc Alternative",
            "v480-avc Alternative",
            "v1080-avc Alternative",
            "a0-aac Sound",
            "v1080-av1 Codec"
        ]
    );
    assert_eq!(said(&ladder(), None, 6_000, Codecs::of_bits(3))[0], "v1080-av1 Start");
    assert_eq!(said(&ladder(), Some(480), 6_000, Codecs::AVC)[0], "v480-avc Start");
    assert_eq!(said(&ladder(), None, 100, Codecs::AVC)[0], "v240-avc StartLightest");
}

#[test]
fn v7_a_manifest_is_never_empty() {
    let only = [picture("v720-avc", (1_280, 720), 2_800, "avc1.64001f")];
    assert_eq!(said(&only, Some(240), 0, Codecs::AVC), ["v720-avc OnlyOne"]);
    let strange = [picture("v720-av1", (1_280, 720), 2_800, "av01.0.05M.08")];
    assert_eq!(said(&strange, Some(240), 0, Codecs::AVC), ["v720-av1 LastResort"]);
    let mut growing = ladder();
    for head in &mut growing {
        head.segments = u32::from(head.name == "v1080-avc");
    }
    assert_eq!(said(&growing, Some(360), 0, Codecs::AVC)[0], "v1080-avc OnlyOne");
}

#[test]
fn v7_a_picture_that_stands_upright_is_measured_by_its_shorter_side() {
    let upright = [
        picture("v1080-avc", (1_080, 1_920), 5_000, "avc1.640028"),
        picture("v720-avc", (720, 1_280), 2_800, "avc1.64001f"),
    ];
    assert_eq!(
        said(&upright, Some(720), 6_000, Codecs::AVC),
        ["v720-avc Start", "v1080-avc AboveCap"]
    );
}

/// Whatever is drawn, the laws of the file's head hold.
#[test]
fn v7_of_random_renditions_and_signals_no_manifest_is_invalid() {
    let codecs = ["avc1.64001f", "vp09.00.31.08", "av01.0.05M.08", "hvc1.1.6.L93.B0"];
    let sides = [144, 240, 360, 480, 720, 1_080, 1_440, 2_160];
    for case in 0..CASES {
        let draw = |n: u64, below: usize| {
            usize::try_from(mix(case * 97 + n) % u64::try_from(below).unwrap()).unwrap()
        };
        let count = draw(0, 9);
        let heads: Vec<Head> = (0..count)
            .map(|n| {
                let at = |salt: u64, below| draw(u64::try_from(n).unwrap() * 7 + salt + 1, below);
                let (side, kbps) = (sides[at(0, 8)], u64::try_from(at(1, 20_000)).unwrap());
                let mut head =
                    picture(&format!("r{n}"), (side * 16 / 9, side), kbps, codecs[at(2, 4)]);
                head.segments = u32::try_from(at(3, 3)).unwrap();
                if at(4, 5) == 0 {
                    head.media =
                        Media::Audio { track: 0, channels: 2, sample_rate: 48_000, language: None };
                }
                head
            })
            .collect();
        let class =
            Class::of_number(u8::try_from(draw(90, usize::from(CLASSES))).unwrap()).unwrap();
        check(&heads, class);
    }
}

fn check(heads: &[Head], class: Class) {
    let all = select(heads, class);
    let case = format!("{class:?} {heads:?} {all:?}");
    assert_eq!(all.len(), heads.len(), "a reason each: {case}");
    let mut names: Vec<&str> = all.iter().map(|one| one.head.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), heads.len(), "each once: {case}");
    let pictures: Vec<_> =
        all.iter().filter(|one| one.reason.keeps() && short_side(one.head).is_some()).collect();
    let there = heads.iter().filter(|one| short_side(one).is_some() && one.segments > 0);
    assert_eq!(pictures.is_empty(), there.count() == 0, "empty: {case}");
    assert!(all.iter().is_sorted_by_key(|one| place(one.reason)), "order: {case}");
    assert!(all.iter().all(|one| !one.reason.keeps() || one.head.segments > 0), "{case}");
    let Some(first) = pictures.first() else { return };
    if matches!(first.reason, Reason::OnlyOne | Reason::LastResort) {
        assert_eq!(pictures.len(), 1, "{case}");
        let fits = |one: &Head| judge(one, class) == Reason::Alternative;
        assert!(!heads.iter().any(fits), "{case}");
        return;
    }
    assert!(matches!(first.reason, Reason::Start | Reason::StartLightest), "{case}");
    for one in &pictures {
        assert!(class.codecs().plays(&one.head.codec), "codec: {case}");
        assert!(short_side(one.head) <= Some(class.cap().unwrap_or(u32::MAX)), "cap: {case}");
    }
    if first.reason == Reason::Start {
        assert!(first.head.bandwidth <= u64::from(class.kbps()) * 1_000, "start: {case}");
    }
}
