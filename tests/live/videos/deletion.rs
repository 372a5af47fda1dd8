//! A video that is deleted: gone for viewers at once, and its objects soon.

use super::stage::{SMALL, Video};
use crate::client::Stack;
use serde_json::{Value, json};
use shared::sign::{self, Keys, SIGNATURE_HEADER};
use shared::video::error::NO_VIDEO;
use shared::video::presentation::FORGET_PATH;
use std::time::{Duration, Instant};

/// Asks the edge, in the origin's name, to empty its bucket of a video.
async fn forget(stack: &Stack, app: &str, video: &str) -> Value {
    let body = json!({"app": app, "video": video}).to_string();
    let content = sign::content(body.as_bytes());
    let request = sign::Request {
        method: "POST",
        path_and_query: FORGET_PATH,
        content: &content,
        context: "",
    };
    let keys = Keys::parse(&stack.secret("SIGNING_KEYS")).unwrap();
    let signature = keys.sign(request, origin::db::now(), rand::random());
    let ask = stack.edge("POST", FORGET_PATH).header("content-type", "application/json");
    ask.header(SIGNATURE_HEADER, &signature).body(body).send().await.is(200)
}

#[tokio::test]
async fn v13_a_deleted_video_is_gone_at_once_and_its_objects_soon() {
    let stack = Stack::here();
    let app = stack.app().await;
    let video = Video::ready(&app, SMALL).await;
    let files = ["master.m3u8", "v120-avc/media.m3u8", "v120-avc/1-0.m4s", "poster.jpg"];
    for file in files {
        video.get(file).await.is(200);
    }
    app.ask("DELETE", &video.api("")).send().await.is(204);
    for file in files {
        video.get(file).await.is_problem(&NO_VIDEO);
    }
    app.get(&video.api("")).await.is_problem(&NO_VIDEO);
    let deleted = Instant::now();
    // SELVEDGE_PURGE_SETTLE_MS and a sweep later.
    while video.events().await.last().unwrap() != "purged" {
        assert!(deleted.elapsed() < Duration::from_secs(110), "{:?}", video.events().await);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let left = forget(&stack, &app.id, &video.id).await;
    assert_eq!(left, json!({"objects": 0, "more": false}), "objects were left in the bucket");
    println!("purged {:?} after its deletion", deleted.elapsed());
}
