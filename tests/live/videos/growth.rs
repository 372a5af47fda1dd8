//! A video that is played while it is made.

use super::stage::{Video, film, uris};
use crate::client::Stack;
use serde_json::json;
use shared::video::error::NOT_PLAYABLE;
use std::time::Duration;

/// Long enough to be watched while it is made.
const LONG: &str = "-f lavfi -i testsrc2=size=640x360:rate=30:duration=60 \
                    -f lavfi -i sine=duration=60 \
                    -c:v libx264 -preset ultrafast -g 60 -c:a aac";

#[tokio::test]
async fn v5_a_manifest_grows_while_the_video_is_made_and_closes() {
    let stack = Stack::here();
    let app = stack.app().await;
    let bytes = film(LONG);
    let video = Video::create(&app, &json!({})).await;
    video.get("master.m3u8").await.is_problem(&NOT_PLAYABLE);
    app.ask("PUT", &video.api("/upload")).body(bytes).send().await.is(204);
    let mut open: Vec<Vec<String>> = vec![];
    let closed = loop {
        let master = video.get("master.m3u8").await;
        if master.status != 200 {
            master.is_problem(&NOT_PLAYABLE);
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        }
        let list = video.text("v240-avc/media.m3u8").await;
        let files: Vec<String> = uris(&list).into_iter().map(Into::into).collect();
        if list.contains("#EXT-X-ENDLIST") {
            break files;
        }
        if open.last() != Some(&files) {
            let newest = video.get(&format!("v240-avc/{}", files.last().unwrap())).await;
            newest.is(200);
            let text = video.text("manifest.mpd").await;
            assert!(text.contains("type=\"dynamic\"") || open.is_empty(), "{text}");
            open.push(files);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert!(open.len() >= 2, "it was never seen growing: {open:?}");
    for (before, after) in open.iter().zip(open.iter().skip(1).chain([&closed])) {
        assert!(before.len() < after.len() && after.starts_with(before), "{before:?} {after:?}");
    }
    assert_eq!(closed.len(), 15);
    let made = video.until("ready").await;
    assert_eq!((&made["progress"], &made["duration_ms"]), (&json!(100), &json!(60_000)));
    assert_eq!(video.events().await, ["created", "queued", "planned", "playable", "ready"]);
    let text = video.text("manifest.mpd").await;
    assert!(text.contains("type=\"static\""), "{text}");
}
