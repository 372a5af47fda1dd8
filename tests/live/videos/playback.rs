//! A video that is ready, as players and people ask for it.

use super::stage::{LARGE, SMALL, Video, complaint, file, run, tagged, uris};
use crate::client::{Stack, var};
use serde_json::json;
use shared::problem::RANGE_NOT_SATISFIABLE;
use shared::video::error::{NO_FILE, NO_VIDEO};

const CAPTIONS: &str = "WEBVTT\n\n00:01.000 --> 00:02.000\nHello\n";

#[tokio::test]
async fn v9_segments_are_served_whole_in_parts_and_for_ever() {
    let stack = Stack::here();
    let app = stack.app().await;
    let video = Video::ready(&app, SMALL).await;
    let master = video.text("master.m3u8").await;
    assert_eq!(uris(&master), ["v120-avc/media.m3u8"], "{master}");
    assert_eq!(tagged(&master, "#EXT-X-MEDIA:"), ["a0-aac/media.m3u8"], "{master}");
    for name in ["v120-avc", "a0-aac"] {
        let list = video.get(&format!("{name}/media.m3u8")).await;
        list.is(200);
        assert_eq!(list.header("cache-control"), "public, max-age=60");
        assert!(list.text().ends_with("#EXT-X-ENDLIST\n"), "{}", list.text());
        let path = format!("{name}/{}", uris(list.text())[0]);
        let whole = video.get(&path).await;
        whole.is(200);
        assert_eq!(whole.header("cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(whole.header("content-length"), whole.body.len().to_string());
        assert_eq!(whole.header("access-control-allow-origin"), "*");
        assert_eq!(&whole.body[4..8], b"styp");
        let part = video.view(&path).header("range", "bytes=4-7").send().await;
        part.is(206);
        assert_eq!(part.body, b"styp");
        assert_eq!(part.header("content-range"), format!("bytes 4-7/{}", whole.body.len()));
        let tag = whole.header("etag").to_owned();
        let same = video.view(&path).header("if-none-match", &tag).send().await;
        same.is(304);
        assert!(same.body.is_empty() && same.header("etag") == tag);
        let beyond = format!("bytes={}-", whole.body.len());
        let beyond = video.view(&path).header("range", &beyond).send().await;
        beyond.is_problem(&RANGE_NOT_SATISFIABLE);
        assert_eq!(beyond.header("content-range"), format!("bytes */{}", whole.body.len()));
        let head = stack.edge("HEAD", &video.path(&path)).send().await;
        head.is(200);
        assert_eq!(head.header("content-length"), whole.body.len().to_string());
    }
    for none in ["v120-avc/1-99.m4s", "v120-avc/2-0.m4s", "v999-avc/1-0.m4s", "captions/en.vtt"] {
        video.get(none).await.is_problem(&NO_FILE);
    }
    stack.edge("GET", "/v/vid_00000000009/master.m3u8").send().await.is_problem(&NO_VIDEO);
}

#[tokio::test]
async fn v6_ffmpeg_plays_hls_and_dash_from_the_edge_to_the_end_without_a_warning() {
    let stack = Stack::here();
    let app = stack.app().await;
    let video = Video::ready(&app, LARGE).await;
    for manifest in ["master.m3u8", "manifest.mpd"] {
        let url = format!("{}{}", stack.edge, video.path(manifest));
        let shown = run("ffprobe", &["-v", "warning", "-of", "csv=p=0", "-show_streams", &url]);
        assert_eq!(complaint(&shown), "", "{manifest}");
        let said = String::from_utf8(shown.stdout).unwrap();
        let count = |kind: &str| said.lines().filter(|line| line.contains(kind)).count();
        assert_eq!((count(",video,"), count(",audio,")), (2, 1), "{manifest}: {said}");
        // Each rendition by itself, to its end: ffmpeg's reader of DASH ends them all with the
        // first. 17 s of 25 frames, twice, and of 48,000 ÷ 1,024.
        let mut counts = vec![];
        for stream in ["0:0", "0:1", "0:2"] {
            let args = ["-v", "warning", "-xerror", "-i", &url, "-map", stream];
            let out = ["-fps_mode", "passthrough", "-f", "framehash", "-"];
            let played = run("ffmpeg", &[&args[..], &out].concat());
            assert_eq!(complaint(&played), "", "{manifest} {stream}");
            let hashes = String::from_utf8(played.stdout).unwrap();
            counts.push(hashes.lines().filter(|line| line.starts_with("0,")).count());
        }
        counts.sort_unstable();
        assert_eq!(counts, [425, 425, 797], "{manifest}");
    }
}

#[tokio::test]
async fn v7_the_manifest_is_chosen_for_its_request_and_says_why() {
    let stack = Stack::here();
    let app = stack.app().await;
    let video = Video::ready(&app, LARGE).await;
    let all = video.text("master.m3u8").await;
    let mut names = uris(&all);
    names.sort_unstable();
    assert_eq!(names, ["v240-avc/media.m3u8", "v360-avc/media.m3u8"]);
    assert_eq!(tagged(&all, "#EXT-X-I-FRAME-STREAM-INF:"), ["v240-avc/iframes.m3u8"]);
    let small = video.text("master.m3u8?max_height=240").await;
    assert_eq!(uris(&small), ["v240-avc/media.m3u8"]);
    let why = video.get("master.m3u8?max_height=240&explain=1").await.is(200);
    assert_eq!((&why["max_height"], &why["max_height_by"]), (&json!(240), &json!("max_height")));
    let of = |name: &str| {
        let mut all = why["renditions"].as_array().unwrap().iter();
        all.find(|one| one["name"] == name).unwrap()["reason"].clone()
    };
    assert_eq!((of("v240-avc"), of("v360-avc")), (json!("start"), json!("above_cap")));
    let answer = video.view("manifest.mpd").header("save-data", "on").send().await;
    answer.is(200);
    assert_eq!((answer.header("vary"), answer.header("cache-control")), ("", "private, no-cache"));
    assert!(answer.text().contains("type=\"static\""), "{}", answer.text());
    let policy = json!({"policy": {"max_height": 240}});
    app.ask("PATCH", &video.api("")).json(&policy).send().await.is(200);
    assert_eq!(uris(&video.text("master.m3u8").await), ["v240-avc/media.m3u8"]);
}

#[tokio::test]
async fn v11_captions_thumbnails_and_the_storyboard_are_there() {
    let stack = Stack::here();
    let app = stack.app().await;
    let video = Video::ready(&app, SMALL).await;
    let captions = || app.ask("PUT", &video.api("/captions/en?label=English"));
    let put = captions().header("content-type", "text/vtt").body(CAPTIONS).send().await;
    put.is(204);
    let master = video.text("master.m3u8").await;
    assert!(tagged(&master, "#EXT-X-MEDIA:").contains(&"captions/en.m3u8"), "{master}");
    assert_eq!(uris(&video.text("captions/en.m3u8").await), ["en.vtt"]);
    let text = video.get("captions/en.vtt").await;
    text.is(200);
    assert_eq!((text.text(), text.header("content-type")), (CAPTIONS, "text/vtt; charset=utf-8"));
    let newer = CAPTIONS.replace("Hello", "Goodbye");
    captions().header("content-type", "text/vtt").body(newer.as_str()).send().await.is(204);
    assert_eq!(video.text("captions/en.vtt").await, newer);
    app.ask("DELETE", &video.api("/captions/en")).send().await.is(204);
    video.get("captions/en.vtt").await.is_problem(&NO_FILE);
    let board = video.text("storyboard.vtt").await;
    assert!(
        board.contains("00:00:04.000 --> 00:00:05.000\nstoryboard-0.jpg#xywh=320,0,"),
        "{board}"
    );
    for (name, size) in [
        ("storyboard-0.jpg", "800,600"),
        ("poster.jpg", "1280,960"),
        ("thumbnail.jpg?t=3.9&width=200", "320,240"),
    ] {
        let picture = video.get(name).await;
        picture.is(200);
        assert_eq!(picture.header("content-type"), "image/jpeg", "{name}");
        assert_eq!(picture.header("cache-control"), "public, max-age=300", "{name}");
        let (_dir, path) = file(&picture.body, "picture.jpg");
        let args = ["-v", "error", "-of", "csv=p=0", "-show_entries", "stream=width,height"];
        let shown = run("ffprobe", &[&args[..], &[path.to_str().unwrap()]].concat());
        assert_eq!(String::from_utf8_lossy(&shown.stdout).trim(), size, "{name}");
    }
    video.get("storyboard-1.jpg").await.is_problem(&NO_FILE);
    let page = stack.edge("GET", &format!("/embed/{}", video.id)).send().await;
    page.is(200);
    assert!(page.text().contains("<video"), "{}", var("EDGE_URL"));
}
