//! Video's forms that are stored or sent, and what outsiders read in its manifests.
//!
//! The outsiders: m3u8-rs and dash-mpd-core (readers of HLS and of DASH that share no line with
//! ours), and the facts of CMCD of the Common Media Library.

use dash_mpd_core::{AdaptationSet, MPD, Representation, SegmentTemplate};
use m3u8_rs::{AlternativeMediaType, MediaPlaylist, MediaPlaylistType};
use serde_json::Value as Json;
use shared::time::Millis;
use shared::video::class::{CLASSES, Class};
use shared::video::cmcd::{Cmcd, Value, is_custom_key};
use shared::video::manifest::{dash, hls};
use shared::video::picture::Storyboard;
use shared::video::policy::Policy;
use shared::video::presentation::{Caption, Presentation, Status, Visibility};
use shared::video::rendition::{Media, Rendition, Segment};
use shared::video::select::select;
use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

fn rendition(name: &str, media: Media, codec: &str, durations: &[u32], bytes: u32) -> Rendition {
    let segments = durations.iter().enumerate().map(|(n, duration)| {
        let bytes = bytes + 7 * u32::try_from(n).unwrap();
        Segment { duration: *duration, bytes, key_bytes: bytes / 9 }
    });
    let timescale = if matches!(media, Media::Audio { .. }) { 48_000 } else { 30_000 };
    let segments = segments.collect();
    Rendition { name: name.into(), media, codec: codec.into(), timescale, segments, complete: true }
}

fn film(segments: usize, complete: bool) -> Presentation {
    let pictures: Vec<u32> = (0..segments).map(|n| if n == 9 { 60_060 } else { 120_120 }).collect();
    let sounds: Vec<u32> =
        (0..segments).map(|n| if n % 2 == 0 { 192_512 } else { 191_488 }).collect();
    let video = |width, height| Media::Video { width, height, frame_rate: (30_000, 1_001) };
    let sound = |track, channels, language: Option<&str>| Media::Audio {
        track,
        channels,
        sample_rate: 48_000,
        language: language.map(Into::into),
    };
    let mut all = vec![
        rendition("v240-avc", video(426, 240), "avc1.42c015", &pictures, 200_000),
        rendition("v720-avc", video(1_280, 720), "avc1.64001f", &pictures, 1_300_000),
        rendition("v1080-av1", video(1_920, 1_080), "av01.0.08M.08", &pictures, 1_500_000),
        rendition("v1080-avc", video(1_920, 1_080), "avc1.640028", &pictures, 2_600_000),
        rendition("a0-aac", sound(0, 2, Some("en")), "mp4a.40.2", &sounds, 64_000),
        rendition("a1-aac", sound(1, 6, None), "mp4a.40.2", &sounds, 128_000),
    ];
    for one in &mut all {
        one.complete = complete;
    }
    let captions =
        vec![Caption {
            language: "pt-br".into(), label: "Português <\"&'>".into(), generation: 4
        }];
    let bare = Presentation {
        id: "vid_00000000001".into(),
        app: "app_1".into(),
        visibility: Visibility::Signed,
        status: if complete { Status::Ready } else { Status::Transcoding },
        generation: 3,
        title: Some("A film".into()),
        started_at: Millis(1_790_000_000_000),
        segment_ms: 4_004,
        duration_ms: 38_038,
        captions,
        storyboard: Some(Storyboard::of(38_038, (1_920, 1_080))),
        policy: Policy { max_height: Some(1_080), ..Policy::default() },
        ..Presentation::default()
    };
    bare.with(&all).unwrap()
}

#[test]
fn a_presentation_is_frozen() {
    let mut film = film(2, true);
    film.renditions.truncate(1);
    super::frozen(&film, include_str!("video/presentation.json").trim_end());
}

/// What both manifests say, in one form: name, codec, size, what of a second, segments.
#[derive(Debug, PartialEq)]
struct Track {
    name: String,
    codec: String,
    size: Option<(u64, u64)>,
    language: Option<String>,
    init: String,
    segments: Vec<(String, u64)>,
}

/// Microseconds, as a reader of single precision tells them apart.
fn about(seconds: f64) -> u64 {
    (seconds * 1_000.0).round() as u64 * 1_000
}

fn playlist(film: &Presentation, uri: &str, token: &str) -> MediaPlaylist {
    let (name, file) = uri.split_once('/').unwrap();
    let head = film.rendition(name).unwrap();
    let text = match file.strip_suffix(token).unwrap() {
        "media.m3u8" => hls::media(film, head, token),
        "iframes.m3u8" => hls::key_frames(film, head, token).unwrap(),
        other => panic!("{other}"),
    };
    let (rest, list) = m3u8_rs::parse_media_playlist(text.as_bytes()).unwrap();
    assert!(rest.is_empty(), "the reader stopped before the end");
    assert!(list.unknown_tags.is_empty(), "{:?}", list.unknown_tags);
    assert_eq!(
        (list.playlist_type.clone(), list.media_sequence),
        (Some(MediaPlaylistType::Event), 0)
    );
    for segment in &list.segments {
        // RFC 8216, section 4.3.3.1.
        assert!(segment.duration.round() as u64 <= list.target_duration);
        assert!(segment.unknown_tags.is_empty() && !segment.discontinuity);
    }
    list
}

fn hls_track(film: &Presentation, uri: &str, token: &str) -> (String, Vec<(String, u64)>) {
    let list = playlist(film, uri, token);
    assert_eq!(list.end_list, film.status == Status::Ready);
    let map = list.segments[0].map.clone().unwrap().uri;
    let all = list.segments.iter().map(|one| (one.uri.clone(), about(f64::from(one.duration))));
    (map, all.collect())
}

fn of_hls(film: &Presentation, class: Class, token: &str) -> Vec<Track> {
    let text = hls::master(film, &select(&film.renditions, class), token);
    let (rest, master) = m3u8_rs::parse_master_playlist(text.as_bytes()).unwrap();
    assert!(rest.is_empty() && master.unknown_tags.is_empty() && master.independent_segments);
    let mut tracks = Vec::new();
    for one in master.variants.iter().filter(|one| !one.is_i_frame) {
        assert!(one.other_attributes.is_none() && one.average_bandwidth <= Some(one.bandwidth));
        assert_eq!((one.audio.as_deref(), one.subtitles.as_deref()), (Some("audio"), Some("text")));
        let (init, segments) = hls_track(film, &one.uri, token);
        let (codec, sound) = one.codecs.as_deref().unwrap().split_once(',').unwrap();
        assert_eq!(sound, "mp4a.40.2");
        tracks.push(Track {
            name: one.uri.split('/').next().unwrap().into(),
            codec: codec.into(),
            size: one.resolution.map(|size| (size.width, size.height)),
            language: None,
            init,
            segments,
        });
    }
    let frames: Vec<_> = master.variants.iter().filter(|one| one.is_i_frame).collect();
    assert_eq!(frames.len(), 1);
    let shown = playlist(film, &frames[0].uri, token);
    assert!(shown.i_frames_only && shown.segments.iter().all(|one| one.byte_range.is_some()));
    for one in &master.alternatives {
        let uri = one.uri.as_deref().unwrap();
        if one.media_type == AlternativeMediaType::Subtitles {
            assert_eq!(uri, format!("captions/pt-br.m3u8{token}"));
            assert_eq!(one.name, "Português <'&'>");
            continue;
        }
        let (init, segments) = hls_track(film, uri, token);
        let name = uri.split('/').next().unwrap().into();
        let (language, codec) = (one.language.clone(), "mp4a.40.2".into());
        tracks.push(Track { name, codec, size: None, language, init, segments });
    }
    tracks
}

fn dash_track(set: &AdaptationSet, one: &Representation) -> Track {
    let of_set = set.SegmentTemplate.as_ref();
    let template: &SegmentTemplate = one.SegmentTemplate.as_ref().or(of_set).unwrap();
    let name = one.id.clone().unwrap();
    let place = |text: &Option<String>, n: u64| {
        let text = text.clone().unwrap().replace("$RepresentationID$/", "");
        text.replace("$Number$", &n.to_string())
    };
    let mut segments = Vec::new();
    for run in &template.SegmentTimeline.as_ref().unwrap().segments {
        for _ in 0..=run.r.unwrap_or(0) {
            let n = template.startNumber.unwrap() + u64::try_from(segments.len()).unwrap();
            let seconds = run.d as f64 / template.timescale.unwrap() as f64;
            segments.push((place(&template.media, n), about(seconds)));
        }
    }
    Track {
        name,
        codec: one.codecs.clone().unwrap(),
        size: one.width.zip(one.height),
        language: set.lang.clone(),
        init: place(&template.initialization, 0),
        segments,
    }
}

fn write_mpd(film: &Presentation, class: Class, token: &str) -> String {
    let choices = select(&film.renditions, class);
    dash::mpd(film, &choices, token, Millis(1_790_000_001_000))
}

fn read_mpd(film: &Presentation, class: Class, token: &str) -> MPD {
    dash_mpd_core::parse(&write_mpd(film, class, token)).unwrap()
}

fn of_dash(mpd: &MPD) -> Vec<Track> {
    let sets = mpd.periods[0].adaptations.iter();
    let sets = sets.filter(|set| set.contentType.as_deref() != Some("text"));
    let tracks = sets.flat_map(|set| set.representations.iter().map(|one| dash_track(set, one)));
    tracks.collect()
}

/// Finished and growing: how many segments, whether that is all, and what its URLs end with.
const FILMS: [(usize, bool, &str); 3] = [(10, true, "?token=a.b"), (3, false, ""), (1, false, "")];

#[test]
fn v6_outsiders_read_the_same_presentation_in_hls_and_dash() {
    for number in 0..CLASSES {
        let class = Class::of_number(number).unwrap();
        for (segments, complete, token) in FILMS {
            let film = film(segments, complete);
            let mut hls = of_hls(&film, class, token);
            let mpd = read_mpd(&film, class, token);
            let mut dash = of_dash(&mpd);
            // A set of DASH is of one codec; HLS has one list.
            hls.sort_by(|one, other| one.name.cmp(&other.name));
            dash.sort_by(|one, other| one.name.cmp(&other.name));
            assert_eq!(hls, dash, "class {number}");
            assert!(hls.len() >= 3 && hls.iter().all(|one| one.segments.len() == segments));
            assert_eq!(hls[0].init, format!("3-init.mp4{token}"));
            assert_eq!(hls[0].segments[0].0, format!("3-0.m4s{token}"));
            assert_eq!(mpd.mpdtype.as_deref(), Some(if complete { "static" } else { "dynamic" }));
            assert_eq!(mpd.mediaPresentationDuration.is_some(), complete);
            assert_eq!(mpd.minimumUpdatePeriod.is_some() && mpd.publishTime.is_some(), !complete);
        }
    }
}

/// Complains of the first document that the schema refuses.
const VALIDATE: &str = "\
import sys, xmlschema
schema = xmlschema.XMLSchema(sys.argv[1])
for text in sys.stdin.read().split('\\0'):
    schema.validate(text)
";

/// What a validator that is not ours says to these documents (`scripts/setup schemas` brings it).
fn complaint(documents: &[&str]) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut child = Command::new(root.join("target/python/bin/python"))
        .args(["-c", VALIDATE])
        .arg(root.join("tests/golden/video/mpd.xsd"))
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("scripts/setup schemas");
    child.stdin.take().unwrap().write_all(documents.join("\0").as_bytes()).unwrap();
    let said = child.wait_with_output().unwrap();
    let why = String::from_utf8_lossy(&said.stderr).into_owned();
    assert_eq!(said.status.success(), why.is_empty(), "{why}");
    why
}

#[test]
fn v6_every_mpd_is_valid_by_the_schema() {
    let mut all = BTreeSet::new();
    for class in (0..CLASSES).filter_map(Class::of_number) {
        for (segments, complete, token) in FILMS {
            all.insert(write_mpd(&film(segments, complete), class, token));
        }
    }
    assert!(all.len() > FILMS.len(), "the classes make no difference");
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    assert_eq!(complaint(&all), "");
    for (right, wrong) in [
        (" bandwidth=\"", " bandwidth=\"-"),
        ("<SegmentTimeline>", "<SegmentTimeline/><SegmentTimeline>"),
        (" contentType=\"text\"", " contentType=\"caption\""),
        (" type=\"", " kind=\""),
    ] {
        let broken = all[0].replacen(right, wrong, 1);
        assert!(complaint(&[all[0], &broken]).contains("validation"), "{wrong} is valid");
    }
}

#[test]
fn v6_the_mpd_is_as_long_as_its_longest_rendition() {
    let mpd = read_mpd(&film(10, true), Class::of(None, 0, Default::default()), "");
    let length = mpd.mediaPresentationDuration.unwrap();
    assert_eq!(length.as_micros(), 40_000_000); // ten segments of sound: 1,920,000 ÷ 48,000
    let text = mpd.periods[0].adaptations.last().unwrap();
    assert_eq!(text.lang.as_deref(), Some("pt-br"));
    assert_eq!(text.representations[0].BaseURL[0].base, "captions/pt-br.vtt");
}

/// The kept facts; `None` where they are not laid out beside the repository.
fn facts() -> Option<Vec<Json>> {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/video/cmcd.json");
    let text = fs::read_to_string(place).ok()?;
    Some(serde_json::from_str(&text).unwrap())
}

fn to_json(value: &Value) -> Json {
    match value {
        Value::Flag(flag) => (*flag).into(),
        Value::Integer(number) => (*number).into(),
        Value::Decimal(thousandths) => (*thousandths as f64 / 1_000.0).into(),
        Value::Text(text) | Value::Token(text) => text.as_str().into(),
        Value::List(all) => all.iter().map(to_json).collect(),
    }
}

fn of_json(value: &Json) -> Value {
    match value {
        Json::Bool(flag) => Value::Flag(*flag),
        Json::Number(number) => match number.as_i64() {
            Some(whole) => Value::Integer(whole),
            None => Value::Decimal((number.as_f64().unwrap() * 1_000.0) as i64),
        },
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(all) => Value::List(all.iter().map(of_json).collect()),
        other => panic!("{other}"),
    }
}

fn dictionary(json: &Json) -> Cmcd {
    let all = json.as_object().unwrap().iter();
    Cmcd(all.map(|(key, value)| (key.clone(), of_json(value))).collect())
}

fn plain(said: &Cmcd) -> Json {
    said.0.iter().map(|(key, value)| (key.clone(), to_json(value))).collect()
}

/// As a player writes what it says: relative to the manifest, in version 2, only some keys.
fn encoded(case: &Json) -> String {
    let mut said = dictionary(&case["in"]);
    if let Some(base) = case["base_url"].as_str() {
        let base = url::Url::parse(base).unwrap();
        if let Some(Value::List(next)) = said.0.get_mut("nor") {
            for one in next {
                if let Some(whole) = one.text().and_then(|text| url::Url::parse(text).ok()) {
                    *one = Value::Text(base.make_relative(&whole).unwrap());
                }
            }
        }
    }
    if let Some(kept) = case["keep_only"].as_array() {
        said.0.retain(|key, _| kept.iter().any(|one| one == key.as_str()));
    }
    said.0.insert("v".into(), Value::Integer(2));
    said.write()
}

#[test]
fn v7_what_players_say_is_read_as_the_common_media_library_reads_it() {
    let Some(cases) = facts() else { return };
    for case in &cases {
        let text = case["in"].as_str().unwrap_or_default();
        match case["op"].as_str().unwrap() {
            "headers" => {
                let headers = case["in"].as_object().unwrap().values();
                let said = Cmcd::of_headers(headers.map(|header| header.as_str().unwrap()));
                assert_eq!(said.write(), case["same_data_as_query"].as_str().unwrap());
            }
            "query" => {
                let said = Cmcd::of_query(text);
                assert_eq!(plain(&said), case["out"]);
                assert_eq!(Cmcd::read(&said.write()), said);
            }
            "encode_response" => {
                let wire = case["wire"].as_str().unwrap();
                assert_eq!(Cmcd::read(wire).write(), wire);
            }
            "decode" => assert_eq!(plain(&Cmcd::read(text)), case["out"]),
            "decode_latest" => assert_eq!(plain(&Cmcd::read(text).latest()), case["out"]),
            "encode" => assert_eq!(encoded(case), case["out"].as_str().unwrap()),
            "valid" => {
                let issues: Vec<_> = dictionary(&case["in"]).issues().collect();
                let find = |is_error: bool| {
                    let one = issues.iter().find(|issue| issue.is_error == is_error);
                    one.map(|issue| issue.key.as_str())
                };
                assert_eq!(find(true).is_none(), case["out"].as_bool().unwrap(), "{case}");
                assert_eq!(find(true), case["key"].as_str(), "{case}");
                assert_eq!(find(false), case["warns"].as_str(), "{case}");
            }
            "custom_key" => {
                assert_eq!(is_custom_key(text), case["out"].as_bool().unwrap(), "{text}");
            }
            other => panic!("{other}"),
        }
    }
    assert_eq!(cases.len(), 31);
}
