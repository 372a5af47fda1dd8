//! From an upload by tus through the edge to a video that is ready.

use super::stage::{SMALL, Video, film};
use crate::client::{Ask, Stack};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::json;
use sha2::{Digest, Sha256};
use shared::video::error::{CHECKSUM, NO_VIDEO, TUS_VERSION, UPLOAD_CLOSED, UPLOAD_OFFSET};

const FILM: &str = "-f lavfi -i testsrc2=size=320x240:rate=25:duration=9 \
                    -f lavfi -i sine=duration=9 \
                    -c:v libx264 -preset ultrafast -g 50 -c:a aac";

fn tus(ask: Ask<'_>) -> Ask<'_> {
    ask.header("tus-resumable", "1.0.0")
}

fn part<'a>(ask: Ask<'a>, offset: usize, bytes: &[u8]) -> Ask<'a> {
    let ask = tus(ask).header("upload-offset", &offset.to_string());
    ask.header("content-type", "application/offset+octet-stream").body(bytes)
}

#[tokio::test]
async fn v1_an_upload_in_parts_through_the_edge_becomes_a_ready_video() {
    let stack = Stack::here();
    let app = stack.app().await;
    let bytes = film(FILM);
    let made = app.ask("POST", "/api/v1/videos").json(&json!({"title": "Weaving"})).send().await;
    let id = made.is(201)["id"].as_str().unwrap().to_owned();
    let (video, upload) = (format!("/api/v1/videos/{id}"), format!("/api/v1/videos/{id}/upload"));
    assert!(made.value()["upload_url"].as_str().unwrap().ends_with(&upload));
    let length = bytes.len().to_string();
    app.ask("POST", &upload).send().await.is_problem(&TUS_VERSION);
    let created = tus(app.ask("POST", &upload)).header("upload-length", &length).send().await;
    created.is(201);
    assert!(created.header("location").ends_with(&upload));
    let (first, second) = bytes.split_at(bytes.len() / 2);
    let patch = || app.ask("PATCH", &upload);
    part(patch(), 5, second).send().await.is_problem(&UPLOAD_OFFSET);
    let wrong = format!("sha256 {}", BASE64_STANDARD.encode(Sha256::digest(second)));
    let sent = part(patch(), 0, first).header("upload-checksum", &wrong).send().await;
    sent.is_problem(&CHECKSUM);
    let right = format!("sha256 {}", BASE64_STANDARD.encode(Sha256::digest(first)));
    let sent = part(patch(), 0, first).header("upload-checksum", &right).send().await;
    sent.is(204);
    assert_eq!(sent.header("upload-offset"), first.len().to_string());
    let head = tus(app.ask("HEAD", &upload)).send().await;
    head.is(200);
    assert_eq!(head.header("upload-offset"), first.len().to_string());
    assert_eq!(
        (head.header("upload-length"), head.header("cache-control")),
        (&*length, "no-store")
    );
    part(patch(), first.len(), second).send().await.is(204);
    let stranger = stack.app().await;
    stranger.get(&video).await.is_problem(&NO_VIDEO);
    let seen = Video { app: &app, id }.until("ready").await;
    assert_eq!((&seen["status"], &seen["progress"]), (&json!("ready"), &json!(100)), "{seen:#}");
    assert_eq!(seen["duration_ms"], 9_000);
    let names: Vec<&str> =
        seen["renditions"].as_array().unwrap().iter().filter_map(|r| r["name"].as_str()).collect();
    assert_eq!(names, ["v240-avc", "a0-aac"]);
    app.ask("DELETE", &video).send().await.is(204);
    app.get(&video).await.is_problem(&NO_VIDEO);
}

#[tokio::test]
async fn v1_a_small_file_is_put_and_an_upload_is_given_up() {
    let stack = Stack::here();
    let app = stack.app().await;
    let bytes = film(SMALL);
    let video = Video::create(&app, &json!({"size": bytes.len()})).await;
    app.ask("PUT", &video.api("/upload")).body(bytes.clone()).send().await.is(204);
    let again = app.ask("PUT", &video.api("/upload")).body(bytes.clone()).send().await;
    again.is_problem(&UPLOAD_CLOSED);
    assert_eq!(video.until("ready").await["size"], bytes.len());
    let left = Video::create(&app, &json!({"size": bytes.len()})).await;
    let upload = left.api("/upload");
    part(app.ask("PATCH", &upload), 0, &bytes[..1_000]).send().await.is(204);
    tus(app.ask("DELETE", &upload)).send().await.is(204);
    tus(app.ask("HEAD", &upload)).send().await.is(404);
    part(app.ask("PATCH", &upload), 1_000, b"x").send().await.is_problem(&NO_VIDEO);
}

#[tokio::test]
async fn v1_options_says_what_the_protocol_asks_for() {
    let stack = Stack::here();
    let app = stack.app().await;
    let video = Video::create(&app, &json!({})).await;
    // Without a key, as a browser's preflight comes.
    let said = stack.edge("OPTIONS", &video.api("/upload")).send().await;
    said.is(204);
    assert_eq!(said.header("tus-version"), "1.0.0");
    assert_eq!(said.header("tus-extension"), "creation,checksum,expiration,termination");
    assert_eq!(said.header("tus-checksum-algorithm"), "sha1,sha256");
    assert!(said.header("allow").contains("PATCH"), "{}", said.header("allow"));
    assert_eq!(stack.edge("OPTIONS", &video.api("")).send().await.header("tus-version"), "");
}

#[tokio::test]
async fn v2_what_is_no_video_fails_with_its_reason() {
    let stack = Stack::here();
    let app = stack.app().await;
    let list = "#EXTM3U\n#EXTINF:9,\nfile:///etc/passwd\n";
    let video = Video::of(&app, &json!({}), list.into()).await;
    assert_eq!(video.until("failed").await["reason"]["code"], "playlist");
}
