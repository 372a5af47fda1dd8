//! Sources of every shape: each becomes a ladder that is right for it.

use super::chain::presentation;
use super::stage::{Stage, frames, probe};
use origin::video::worker;
use serde_json::Value;
use shared::video::class::Class;
use shared::video::device::Codecs;
use shared::video::select::select;
use std::collections::BTreeSet;
use std::path::Path;

fn names(made: &Value) -> Vec<String> {
    let all = made["renditions"].as_array().unwrap().iter();
    all.map(|one| one["name"].as_str().unwrap().into()).collect()
}

async fn top(stage: &Stage, source: &Path) -> (Value, String, usize) {
    let (id, made) = stage.ready(source).await;
    let pictures = names(&made).into_iter().rfind(|name| name.starts_with('v'));
    let whole = stage.rendition(&id, &pictures.unwrap());
    let size = probe(&whole, "-show_entries stream=width,height,sample_aspect_ratio,r_frame_rate");
    (made, size.concat(), frames(&whole).len())
}

#[tokio::test(flavor = "multi_thread")]
async fn v3_shapes_are_kept_and_sides_are_even() {
    let stage = Stage::new().await;
    let small = "-c:v libx264 -preset ultrafast -t 2";
    let odd = stage.source(
        "odd.mkv",
        "-f lavfi -i testsrc2=size=321x241:rate=25:duration=2 \
         -pix_fmt yuv444p -c:v libx264 -preset ultrafast",
    );
    let (made, size, count) = top(&stage, &odd).await;
    assert_eq!((size.as_str(), count), ("320,240,1:1,25/1", 50));
    assert_eq!(names(&made), ["v240-avc"]);
    let flat =
        stage.source("flat.mp4", &format!("-f lavfi -i testsrc2=size=640x360:rate=25 {small}"));
    let turned = stage
        .source("turned.mp4", &format!("-i {} -c copy -metadata:s:v:0 rotate=90", flat.display()))
        .exists();
    assert!(turned);
    let (_, size, _) = top(&stage, &stage.dir.path().join("turned.mp4")).await;
    assert_eq!(size, "360,640,1:1,25/1");
    let wide = stage.source(
        "wide.mp4",
        &format!("-f lavfi -i testsrc2=size=720x576:rate=25 -vf setsar=16/11 {small}"),
    );
    let (_, size, _) = top(&stage, &wide).await;
    assert_eq!(size, "852,468,1:1,25/1");
    let tiny =
        stage.source("tiny.mp4", &format!("-f lavfi -i testsrc2=size=100x60:rate=10 {small}"));
    let (_, size, count) = top(&stage, &tiny).await;
    assert_eq!((size.as_str(), count), ("100,60,1:1,10/1", 20));
}

#[tokio::test(flavor = "multi_thread")]
async fn v3_variable_and_high_rates_become_constant() {
    let stage = Stage::new().await;
    // Frames of 40 ms, then of 80, then of 20.
    let vfr = stage.source(
        "vfr.mkv",
        "-f lavfi -i testsrc2=size=320x240:rate=25:duration=6 \
        -vf settb=1/1000,setpts='if(lt(N,50),N,if(lt(N,75),50+2*(N-50),100+0.5*(N-75)))*40' \
        -fps_mode vfr -enc_time_base 1:1000 -c:v libx264 -preset ultrafast",
    );
    let (made, size, count) = top(&stage, &vfr).await;
    assert!(size.ends_with("30/1") || size.ends_with("30000/1001"), "{size}");
    let ms = made["duration_ms"].as_u64().unwrap();
    assert!((5_400..5_700).contains(&ms), "{ms}");
    assert!(count.abs_diff(ms as usize * 30 / 1_000) <= 2, "{count}");
    let fast = stage.source(
        "fast.mp4",
        "-f lavfi -i testsrc2=size=320x240:rate=120:duration=2 -c:v libx264 -preset ultrafast",
    );
    let (_, size, count) = top(&stage, &fast).await;
    assert_eq!((size.as_str(), count), ("320,240,1:1,60/1", 120));
}

#[tokio::test(flavor = "multi_thread")]
async fn v3_a_high_dynamic_range_is_brought_down() {
    let stage = Stage::new().await;
    for curve in ["smpte2084", "arib-std-b67"] {
        let hdr = stage.source(
            &format!("{curve}.mkv"),
            &format!(
                "-f lavfi -i testsrc2=size=320x240:rate=24:duration=1 -pix_fmt yuv420p10le -c:v \
         libx265 \
             -preset ultrafast -x265-params log-level=none -color_primaries bt2020 \
             -color_trc {curve} -colorspace bt2020nc"
            ),
        );
        let (id, _) = stage.ready(&hdr).await;
        let whole = stage.rendition(&id, "v240-avc");
        let said = probe(&whole, "-show_entries stream=pix_fmt,color_space,color_transfer");
        assert_eq!(said, ["yuv420p,bt709,bt709"], "{curve}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn v3_every_sound_is_there_or_none() {
    let stage = Stage::new().await;
    let picture = "-f lavfi -i testsrc2=size=320x240:rate=25:duration=4";
    let video = "-c:v libx264 -preset ultrafast";
    let none = stage.source("none.mp4", &format!("{picture} {video}"));
    assert_eq!(names(&stage.ready(&none).await.1), ["v240-avc"]);
    let many = stage.source(
        "many.mkv",
        &format!(
            "{picture} -f lavfi -i sine=duration=4,pan=5.1|c0=c0|c1=c0|c2=c0|c3=c0|c4=c0|c5=c0 \
         -f lavfi -i sine=440:duration=2 -map 0 -map 1 -map 2 {video} -c:a aac \
         -metadata:s:a:0 language=deu -metadata:s:a:1 language=fra"
        ),
    );
    let (id, made) = stage.ready(&many).await;
    assert_eq!(names(&made), ["v240-avc", "a0-aac", "a0-aac51", "a1-aac"]);
    let of =
        |name: &str| probe(&stage.rendition(&id, name), "-show_entries stream=channels").concat();
    assert_eq!((of("a0-aac"), of("a0-aac51"), of("a1-aac")), ("2".into(), "6".into(), "1".into()));
    // A track that ends early is silent to the end, so that every segment has its sound.
    let packets = probe(&stage.rendition(&id, "a1-aac"), "-show_entries packet=pts").len();
    let picture = probe(&stage.rendition(&id, "v240-avc"), "-show_entries packet=pts").len();
    assert_eq!(packets, (picture * 1_920).div_ceil(1_024), "{picture} frames");
    assert_eq!(made["renditions"][1]["media"]["audio"]["language"], "deu");
}

/// A source of nine seconds, in several pieces: the frames of it.
async fn old(name: &str, codecs: &str) {
    let stage = Stage::new().await;
    let base = "-f lavfi -i testsrc2=size=160x120:rate=25:duration=9 -f lavfi -i sine=duration=9";
    let source = stage.source(name, &format!("{base} {codecs}"));
    let (_, size, count) = top(&stage, &source).await;
    assert_eq!(size, "160,120,1:1,25/1", "{name}");
    assert!((224..=227).contains(&count), "{name}: {count}");
    assert_eq!(stage.errors().await, Vec::<String>::new(), "{name}");
}

#[tokio::test(flavor = "multi_thread")]
async fn v3_a_transport_stream_is_read_without_an_index() {
    old("a.ts", "-c:v libx264 -preset ultrafast -g 60 -bf 2 -c:a aac").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn v3_a_program_stream_without_moments_is_read() {
    old("a.mpg", "-c:v mpeg2video -g 15 -bf 2 -c:a mp2").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn v3_avi_webm_and_quicktime_are_read() {
    old("a.avi", "-c:v mpeg4 -g 50 -c:a mp3").await;
    old("a.webm", "-c:v libvpx -deadline realtime -cpu-used 8 -g 90 -c:a libvorbis").await;
    old("a.mov", "-c:v mjpeg -pix_fmt yuvj420p -c:a pcm_s16le").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn v3_newer_codecs_come_by_configuration() {
    let stage = Stage::with(&[("VIDEO_CODECS", "h264,vp9,av1")]).await;
    let source = stage.source(
        "s.mp4",
        "-f lavfi -i testsrc2=size=160x120:rate=12:duration=9 -c:v libx264 -preset ultrafast -g 48",
    );
    let id = stage.upload(&source).await;
    while worker::one(&stage.app, &stage.tool).await.unwrap() {
        // What everybody plays is there first, whichever worker was faster.
        let shown = presentation(&stage, &id).await.renditions;
        assert!(shown.is_empty() || shown.iter().any(|head| head.codec.starts_with("avc1")));
    }
    assert_eq!(stage.errors().await, Vec::<String>::new());
    let made = stage.get(&id).await;
    assert_eq!(names(&made), ["v120-avc", "v120-vp9", "v120-av1"]);
    let shown = presentation(&stage, &id).await;
    for (head, known) in shown.renditions.iter().zip(["avc1.640", "vp09.00.1", "av01.0.00M.08"]) {
        assert!(head.codec.starts_with(known), "{}", head.codec);
        let whole = stage.rendition(&id, &head.name);
        let found = frames(&whole);
        assert_eq!(found.len(), 108, "{}", head.name);
        // Key frames where segments begin, of every codec the same.
        let mut at = 0;
        let starts: Vec<i64> = shown
            .timeline(head)
            .durations()
            .map(|length| {
                let begin = at;
                at += i64::from(length);
                begin
            })
            .collect();
        let keys = found.iter().filter(|(_, is_key)| *is_key).map(|(at, _)| at - found[0].0);
        assert_eq!(keys.collect::<Vec<_>>(), starts, "{}", head.name);
        // It decodes, from the first frame to the last.
        let shown = probe(&whole, "-count_frames -show_entries stream=nb_read_frames");
        assert_eq!(shown, ["108"], "{}", head.name);
    }
    // A device hears of no codec that it does not decode.
    for (codecs, known) in [
        (Codecs::AVC, &["v120-avc"][..]),
        (Codecs::VP9, &["v120-avc", "v120-vp9"]),
        (Codecs::AV1, &["v120-avc", "v120-av1"]),
        (Codecs::VP9.and(Codecs::AV1), &["v120-avc", "v120-vp9", "v120-av1"]),
    ] {
        let class = Class::of(None, 3_000, codecs);
        let all = select(&shown.renditions, class).into_iter().filter(|one| one.reason.keeps());
        let all: BTreeSet<&str> = all.map(|one| one.head.name.as_str()).collect();
        assert_eq!(all, known.iter().copied().collect::<BTreeSet<_>>());
    }
}

/// Half a minute of a published film (`scripts/setup film`): scenes
/// change, colours fade, sound comes from six speakers.
const FILM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/film/film.mp4");
const FILM_S: usize = 10;

#[tokio::test(flavor = "multi_thread")]
async fn v3_a_published_film_becomes_its_whole_ladder() {
    let stage = Stage::new().await;
    let film = stage.source("film.mp4", &format!("-i {FILM} -t {FILM_S} -c copy"));
    let told = probe(&film, "-select_streams v -show_entries stream=r_frame_rate,width,height");
    assert_eq!(told, ["1920,1080,24/1"], "another film than the one that is meant");
    let wanted = frames(&film).len();
    let (id, made) = stage.ready(&film).await;
    assert_eq!(stage.errors().await, Vec::<String>::new());
    let pictures = ["v240-avc", "v360-avc", "v480-avc", "v720-avc", "v1080-avc"];
    assert_eq!(names(&made), [&pictures[..], &["a0-aac", "a0-aac51"]].concat());
    let shown = presentation(&stage, &id).await;
    for (name, head) in pictures.iter().zip(&shown.renditions) {
        let whole = stage.rendition(&id, name);
        assert_eq!(frames(&whole).len(), wanted, "{name}");
        let decoded = probe(&whole, "-count_frames -show_entries stream=nb_read_frames");
        assert_eq!(decoded, [wanted.to_string()], "{name}");
        assert_eq!(head.name, *name);
    }
    // A larger picture costs more, and none more than the film.
    let rates: Vec<u64> = shown.renditions.iter().take(5).map(|head| head.bandwidth).collect();
    assert!(rates.is_sorted(), "{rates:?}");
    let film_rate = std::fs::metadata(&film).unwrap().len() * 8 / FILM_S as u64;
    assert!(rates[4] < 2 * film_rate, "{rates:?} of {film_rate}");
}
