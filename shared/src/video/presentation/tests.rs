//! That a presentation fits, and what its objects are called.

use super::*;
use crate::roads::VALUE_BYTES_MAX;

fn rendition(name: &str, durations: impl Iterator<Item = u32>, audio: bool) -> Rendition {
    let segments =
        durations.map(|duration| Segment { duration, bytes: 3_999_999, key_bytes: 999_999 });
    let video = Media::Video { width: 1_920, height: 1_080, frame_rate: (30_000, 1_001) };
    let sound =
        Media::Audio { track: 0, channels: 2, sample_rate: 48_000, language: Some("en".into()) };
    Rendition {
        name: name.into(),
        media: if audio { sound } else { video },
        codec: if audio { "mp4a.40.2" } else { "avc1.640028" }.into(),
        timescale: if audio { 48_000 } else { 30_000 },
        segments: segments.collect(),
        complete: true,
    }
}

#[test]
fn renditions_that_are_cut_alike_share_a_timeline_however_far_they_are() {
    let cut = || [120_120, 120_120, 120_120, 60_060].into_iter();
    let all = [
        rendition("v240-avc", cut().take(2), false),
        rendition("v720-avc", cut(), false),
        rendition("v480-avc", cut().take(0), false),
        rendition("a0-aac", [192_512, 191_488].into_iter(), true),
    ];
    let made = Presentation::default().with(&all).unwrap();
    assert_eq!(made.timelines.len(), 2);
    assert_eq!(made.timelines[0].runs, [(120_120, 3), (60_060, 1)]);
    let heads: Vec<_> = made.renditions.iter().map(|one| (one.timeline, one.segments)).collect();
    assert_eq!(heads, [(0, 2), (0, 4), (0, 0), (1, 2)]);
    assert_eq!(made.timeline(&made.renditions[0]).runs, [(120_120, 2)]);
    assert_eq!(made.timeline(&made.renditions[1]).duration(), all[1].duration());
    assert_eq!(made.renditions[0].key_bytes, [999_999; 2]);
    assert!(made.renditions[1].key_bytes.is_empty());
}

#[test]
fn the_longest_video_fits_into_a_register() {
    let irregular = |n: u32| (0..SEGMENTS_MAX).map(move |each| 290_000 + (each * 7 + n) % 9);
    let mut all: Vec<_> = (0..RENDITIONS_MAX - 3)
        .map(|n| rendition(&format!("v2160-av1-{n}"), irregular(1), false))
        .collect();
    for n in 0..3 {
        all.push(rendition(&format!("a{n}-aac"), irregular(2), true));
    }
    let captions = (0..CAPTIONS_MAX).map(|_| Caption {
        language: "x".repeat(35),
        label: "y".repeat(100),
        generation: 1,
    });
    let bare = Presentation { captions: captions.collect(), ..Presentation::default() };
    let text = serde_json::to_string(&bare.clone().with(&all).unwrap()).unwrap();
    assert!(text.len() < VALUE_BYTES_MAX, "{}", text.len());
    assert_eq!(serde_json::from_str::<Presentation>(&text).unwrap().renditions.len(), 16);
    all.push(all[0].clone());
    assert_eq!(bare.clone().with(&all), Err(TooLarge::Renditions));
    let long = rendition("v", (0..=SEGMENTS_MAX).map(|_| 1), false);
    assert_eq!(bare.with(&[long]), Err(TooLarge::Segments));
}

#[test]
fn names_of_objects_are_frozen() {
    let key = object_key("app_1", "vid_2", "v720-avc/7.m4s");
    assert_eq!(key, "app_1/vid_2/v720-avc/7.m4s");
    let caption = |generation| Caption { language: "en".into(), label: "".into(), generation };
    assert_eq!(caption(2).path(), "captions/en.2.vtt");
    assert_eq!(bucket_key(&key, 3), "app_1/vid_2/v720-avc/7.m4s/3");
    assert_eq!(object_path(&key, 3), "/internal/objects/app_1%2Fvid_2%2Fv720-avc%2F7.m4s/3");
}
