//! What a playlist says line by line, and that it only grows.

use super::*;
use crate::video::class::Class;
use crate::video::device::Codecs;
use crate::video::presentation::Caption;
use crate::video::rendition::{Rendition, Segment};
use crate::video::select::select;
use alloc::{vec, vec::Vec};

fn video(segments: usize) -> Presentation {
    let picture = |name: &str, (width, height), bytes| Rendition {
        name: name.into(),
        media: Media::Video { width, height, frame_rate: (30_000, 1_001) },
        codec: "avc1.64001f".into(),
        timescale: 30_000,
        segments: vec![Segment { duration: 120_120, bytes, key_bytes: bytes / 10 }; segments],
        complete: segments == 3,
    };
    let sound = Rendition {
        name: "a0-aac".into(),
        media: Media::Audio {
            track: 0,
            channels: 2,
            sample_rate: 48_000,
            language: Some("en".into()),
        },
        codec: "mp4a.40.2".into(),
        timescale: 48_000,
        segments: [192_512, 191_488, 192_512].map(|duration| Segment {
            duration,
            bytes: 64_000,
            key_bytes: 0,
        })[..segments]
            .to_vec(),
        complete: segments == 3,
    };
    let captions =
        vec![Caption { language: "en".into(), label: "a \"b\"\n".into(), generation: 1 }];
    let bare = Presentation {
        generation: 1,
        segment_ms: 4_004,
        duration_ms: 12_012,
        captions,
        ..Presentation::default()
    };
    bare.with(&[
        picture("v720-avc", (1_280, 720), 1_001_000),
        picture("v240-avc", (426, 240), 100_100),
        sound,
    ])
    .unwrap()
}

fn master_of(video: &Presentation, token: &str) -> String {
    let choices = select(&video.renditions, Class::of(None, 3_000, Codecs::AVC));
    master(video, &choices, token)
}

#[test]
fn a_master_playlist_is_frozen() {
    assert_eq!(master_of(&video(3), "?token=t"), include_str!("master.m3u8"));
}

#[test]
fn a_media_playlist_only_grows_and_closes() {
    let lists: Vec<String> = (1..=3)
        .map(|segments| {
            let video = video(segments);
            media(&video, video.rendition("a0-aac").unwrap(), "")
        })
        .collect();
    assert!(lists[1].starts_with(&lists[0]) && lists[2].starts_with(&lists[1]));
    assert_eq!(
        lists[2],
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:0\n\
         #EXT-X-PLAYLIST-TYPE:EVENT\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-START:TIME-OFFSET=0\n\
         #EXT-X-MAP:URI=\"1-init.mp4\"\n#EXTINF:4.010667,\n1-0.m4s\n#EXTINF:3.989333,\n1-1.m4s\n\
         #EXTINF:4.010667,\n1-2.m4s\n#EXT-X-ENDLIST\n"
    );
    assert!(!lists[1].contains("ENDLIST"));
}

#[test]
fn key_frames_are_named_by_their_bytes() {
    let video = video(1);
    let list = key_frames(&video, video.rendition("v240-avc").unwrap(), "").unwrap();
    assert!(list.contains("#EXT-X-I-FRAMES-ONLY\n"));
    assert!(list.contains("#EXTINF:4.004000,\n#EXT-X-BYTERANGE:10010@0\n1-0.m4s\n"), "{list}");
    assert!(key_frames(&video, video.rendition("v720-avc").unwrap(), "").is_none());
}

#[test]
fn durations_do_not_drift() {
    let segments = vec![Segment { duration: 1_001, bytes: 1, key_bytes: 1 }; 3_000];
    let rendition = Rendition {
        name: "v".into(),
        media: Media::Video { width: 2, height: 2, frame_rate: (24_000, 1_001) },
        codec: "avc1".into(),
        timescale: 7_919,
        segments,
        complete: true,
    };
    let video = Presentation::default().with(&[rendition]).unwrap();
    let list = media(&video, &video.renditions[0], "");
    let digits = |line: &str| line.trim_matches(|c: char| !c.is_ascii_digit()).replace('.', "");
    let printed = list.lines().filter(|line| line.starts_with("#EXTINF"));
    let sum: u64 = printed.map(|line| digits(line).parse::<u64>().unwrap()).sum();
    assert_eq!(sum, micros(3_000 * 1_001, 7_919));
}

#[test]
fn captions_are_one_file_as_long_as_the_picture() {
    let list = captions(&video(3), "en", "?token=t");
    assert!(list.contains("#EXT-X-TARGETDURATION:13\n"));
    assert!(list.contains("#EXTINF:12.012000,\nen.vtt?token=t\n#EXT-X-ENDLIST\n"), "{list}");
}

#[test]
fn every_sound_has_a_name_of_its_own() {
    let mut film = video(3);
    let sound = film.renditions.pop().unwrap();
    for (n, channels, language) in [
        (0, 2, Some("en")),
        (1, 6, Some("en")),
        (2, 2, None),
        (3, 1, Some("de")),
        (4, 1, Some("de")),
    ] {
        let mut other = sound.clone();
        other.name = format!("a{n}-aac");
        let language = language.map(String::from);
        other.media = Media::Audio { track: n, channels, sample_rate: 48_000, language };
        film.renditions.push(other);
    }
    let text = master_of(&film, "");
    let lines = text.lines().filter(|line| line.contains("TYPE=AUDIO"));
    let names: Vec<&str> = lines
        .map(|line| line.split("NAME=\"").nth(1).unwrap().split('"').next().unwrap())
        .collect();
    let wanted = ["en (stereo)", "en (5.1)", "Track 3", "de (a3-aac)", "de (a4-aac)"];
    assert_eq!(names, wanted);
}
