//! Many viewers at once of a video that became ready a moment ago.

use super::stage::{LARGE, SMALL, Video, film, tagged, uris};
use crate::client::Stack;
use futures::future::join_all;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// Each asks for everything: 13 files of 13 segments, init segments and playlists.
const VIEWERS: usize = 200;

/// What one viewer gets: the sizes of all objects, by their paths.
async fn watch(video: &Video<'_>) -> BTreeMap<String, usize> {
    let master = video.text("master.m3u8").await;
    let mut sizes = BTreeMap::new();
    for list in uris(&master).into_iter().chain(tagged(&master, "#EXT-X-MEDIA:")) {
        let folder = list.split('/').next().unwrap();
        let text = video.text(list).await;
        for file in tagged(&text, "#EXT-X-MAP:").into_iter().chain(uris(&text)) {
            let path = format!("{folder}/{file}");
            let object = video.get(&path).await;
            object.is(200);
            sizes.insert(path, object.body.len());
        }
    }
    sizes
}

fn served(made: &Value) -> BTreeMap<&str, u64> {
    let all = made["renditions"].as_array().unwrap().iter();
    all.map(|one| (one["name"].as_str().unwrap(), one["cost"]["bytes_served"].as_u64().unwrap()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn v16_every_object_leaves_the_origin_once_however_many_watch() {
    let stack = Stack::here();
    let app = stack.app().await;
    let video = Video::of(&app, &json!({}), film(LARGE)).await;
    video.until("ready").await;
    video.until_closed("").await;
    let all = join_all((0..VIEWERS).map(|_| watch(&video))).await;
    let first = &all[0];
    assert!(first.len() >= 15, "{first:?}");
    assert!(all.iter().all(|sizes| sizes == first), "viewers got different bytes");
    let mut wanted: BTreeMap<&str, u64> = BTreeMap::new();
    for (path, bytes) in first {
        *wanted.entry(path.split('/').next().unwrap()).or_default() += *bytes as u64;
    }
    // Counted at the origin, as it sends.
    let mut made = Value::Null;
    for _ in 0..100 {
        made = app.get(&video.api("")).await.is(200);
        if served(&made) == wanted {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(served(&made), wanted);
    let once: u64 = wanted.values().sum();
    assert_eq!(made["cost"]["bytes_served"], once);
    println!("{VIEWERS} viewers got {} bytes, the origin sent {once}", once * VIEWERS as u64);
}

#[tokio::test]
async fn v9_first_segments_are_in_the_bucket_before_anybody_asks() {
    let stack = Stack::here();
    let app = stack.app().await;
    let video = Video::of(&app, &json!({}), film(SMALL)).await;
    video.until("ready").await;
    // Nobody but the relay told the edge of it.
    let mut made = Value::Null;
    for _ in 0..200 {
        made = app.get(&video.api("")).await.is(200);
        if served(&made).values().all(|bytes| *bytes > 1_000) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let warmed = served(&made);
    assert!(warmed.len() == 2 && warmed.values().all(|bytes| *bytes > 1_000), "{warmed:?}");
    for path in ["v120-avc/1-init.mp4", "v120-avc/1-0.m4s", "a0-aac/1-init.mp4", "a0-aac/1-0.m4s"] {
        video.get(path).await.is(200);
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let made = app.get(&video.api("")).await.is(200);
    assert_eq!(served(&made), warmed, "the origin was asked again");
}
