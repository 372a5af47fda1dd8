//! What viewers find who come at once.

use super::stage::{SMALL, Video, film, left, until};
use crate::client::Stack;
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn v9_first_segments_are_in_the_bucket_before_anybody_asks() {
    let stack = Stack::here();
    let app = stack.app().await;
    let video = Video::of(&app, &json!({}), film(SMALL)).await;
    video.until("ready").await;
    // Nobody but the relay told the edge of it.
    let first = ["a0-aac/0.m4s", "a0-aac/init.mp4", "v120-avc/0.m4s", "v120-avc/init.mp4"];
    let warmed = || left(&stack, &video.id).0.into_keys().collect::<Vec<_>>();
    assert!(until(async || warmed() == first).await, "{:?}", warmed());
    for path in ["v120-avc/1-init.mp4", "v120-avc/1-0.m4s", "a0-aac/1-init.mp4", "a0-aac/1-0.m4s"] {
        video.get(path).await.is(200);
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let (times, _) = left(&stack, &video.id);
    assert!(times.len() == 4 && times.values().all(|n| *n == 1), "the origin was asked again");
}
