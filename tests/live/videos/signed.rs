//! A signed video: with its own token everything, without it nothing.

use super::stage::{SMALL, Video, complaint, film, run, tagged, uris};
use crate::client::Stack;
use serde_json::json;
use shared::video::error::{DENIED, NO_VIDEO};
use std::time::Duration;

async fn token(video: &Video<'_>, ttl_s: u64) -> String {
    let ask = video.app.ask("POST", &video.api("/playback"));
    let minted = ask.json(&json!({"ttl_s": ttl_s, "max_height": 720})).send().await.is(201);
    minted["token"].as_str().unwrap().into()
}

#[tokio::test]
async fn v10_every_file_of_a_signed_video_needs_its_own_token() {
    let stack = Stack::here();
    let app = stack.app().await;
    let video = Video::of(&app, &json!({"visibility": "signed"}), film(SMALL)).await;
    let other = Video::create(&app, &json!({"visibility": "signed"})).await;
    video.until("ready").await;
    let captions = app.ask("PUT", &video.api("/captions/en")).header("content-type", "text/vtt");
    captions.body("WEBVTT\n\n00:01.000 --> 00:02.000\nHello\n").send().await.is(204);
    let (own, foreign, short) =
        (token(&video, 60).await, token(&other, 60).await, token(&video, 1).await);
    video.until_closed(&format!("?token={own}")).await;
    let with = |file: &str| format!("{file}?token={own}");
    let master = video.text(&with("master.m3u8")).await;
    let list = video.text(uris(&master)[0]).await;
    // Whatever the manifests and the storyboard lead to carries the token.
    let mut files: Vec<String> = uris(&list).iter().map(|uri| format!("v120-avc/{uri}")).collect();
    files.extend(tagged(&list, "#EXT-X-MAP:").iter().map(|uri| format!("v120-avc/{uri}")));
    files.extend(tagged(&master, "#EXT-X-MEDIA:").iter().map(|uri| (*uri).to_owned()));
    files.extend(uris(&master).iter().map(|uri| (*uri).to_owned()));
    let board = video.text(&with("storyboard.vtt")).await;
    let sheets = board.lines().filter_map(|line| Some(line.split_once("#xywh")?.0.to_owned()));
    files.extend(sheets.take(1));
    let captions = video.text(&with("captions/en.m3u8")).await;
    files.extend(uris(&captions).iter().map(|uri| format!("captions/{uri}")));
    for file in ["master.m3u8", "manifest.mpd", "poster.jpg", "thumbnail.jpg", "storyboard.vtt"] {
        files.push(with(file));
    }
    assert!(files.len() >= 12, "{files:?}");
    for file in &files {
        let bare = file.strip_suffix(&format!("?token={own}"));
        let bare = bare.unwrap_or_else(|| panic!("{file} has no token"));
        video.get(file).await.is(200);
        video.get(bare).await.is_problem(&DENIED);
        video.get(&format!("{bare}?token={foreign}")).await.is_problem(&DENIED);
    }
    let kept = video.get(&files[0]).await;
    assert_eq!(kept.header("cache-control"), "private, max-age=31536000, immutable");
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    for file in &files {
        let bare = file.split('?').next().unwrap();
        video.get(&format!("{bare}?token={short}")).await.is_problem(&DENIED);
    }
    for manifest in ["master.m3u8", "manifest.mpd"] {
        let url = format!("{}{}", stack.edge, video.path(&with(manifest)));
        let args = ["-v", "error", "-xerror", "-i", &url, "-map", "0:v", "-map", "0:a"];
        let played = run("ffmpeg", &[&args[..], &["-f", "null", "-"]].concat());
        assert_eq!(complaint(&played), "", "{manifest}");
    }
}

#[tokio::test]
async fn v10_a_token_is_minted_by_the_video_s_application_alone() {
    let stack = Stack::here();
    let (app, stranger) = (stack.app().await, stack.app().await);
    let video = Video::create(&app, &json!({"visibility": "signed"})).await;
    let asked = stranger.ask("POST", &video.api("/playback")).json(&json!({})).send().await;
    asked.is_problem(&NO_VIDEO);
    // From here it is 127.0.0.1.
    let elsewhere = json!({"ip_prefix": "203.0.113.0/24"});
    let minted = app.ask("POST", &video.api("/playback")).json(&elsewhere).send().await.is(201);
    let token = minted["token"].as_str().unwrap();
    video.get(&format!("master.m3u8?token={token}")).await.is_problem(&DENIED);
}
