//! The selection on ladders that somebody would make; `tests/sim/video/laws.rs` draws others.

use super::*;
use crate::video::device::Codecs;
use alloc::{format, string::String, vec};

fn picture(name: &str, (width, height): (u32, u32), kbps: u64, codec: &str) -> Head {
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

#[test]
fn v3_what_a_device_does_not_decode_is_never_offered_beside_what_it_does() {
    let mut all = ladder();
    all.push(picture("v720-vp9", (1_280, 720), 1_900, "vp09.00.31.08"));
    all.push(picture("v240-av1", (426, 240), 150, "av01.0.00M.08"));
    for bits in 0..Codecs::SETS {
        let codecs = Codecs::of_bits(bits);
        for (cap, kbps) in [(None, 0), (None, 9_000), (Some(480), 700), (Some(100), 9_000)] {
            for one in select(&all, Class::of(cap, kbps, codecs)) {
                let is_picture = short_side(one.head).is_some();
                let plays = codecs.plays(&one.head.codec);
                assert!(!is_picture || !one.reason.keeps() || plays, "{bits} {cap:?} {kbps}");
            }
        }
    }
}

#[test]
fn v13_a_picture_that_is_not_there_is_wanted_by_whom_it_would_be_offered() {
    let parked = |height, codec: &str| Parked {
        name: "v".into(),
        media: Media::Video { width: height * 16 / 9, height, frame_rate: (30, 1) },
        codec: codec.into(),
    };
    let class = |cap, codecs| Class::of(cap, 3_000, codecs);
    assert!(wants(&parked(1_080, "avc1.640028"), class(None, Codecs::AVC)));
    assert!(wants(&parked(480, "avc1.64001e"), class(Some(480), Codecs::AVC)));
    assert!(!wants(&parked(720, "avc1.64001f"), class(Some(480), Codecs::AVC)));
    assert!(!wants(&parked(480, "vp09.00.30.08"), class(None, Codecs::AVC)));
    assert!(wants(&parked(480, "vp09.00.30.08"), class(None, Codecs::VP9)));
}
