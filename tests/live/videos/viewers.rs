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

/// What left the origin of a video, by its log: how often each object, and bytes by folder.
fn left(stack: &Stack, id: &str) -> (BTreeMap<String, u64>, BTreeMap<String, u64>) {
    let log = std::fs::read_to_string(stack.data_dir.join("origin.log")).unwrap();
    let (mut times, mut bytes) = (BTreeMap::new(), BTreeMap::new());
    for line in log.lines().filter(|line| line.contains(id)) {
        let said: Value = serde_json::from_str(line).unwrap();
        if said["message"] != "object" || said["video"] != id {
            continue;
        }
        let path = said["path"].as_str().unwrap();
        *times.entry(path.to_owned()).or_default() += 1;
        if let Some((folder, _)) = path.split_once('/') {
            *bytes.entry(folder.to_owned()).or_default() += said["bytes"].as_u64().unwrap();
        }
    }
    (times, bytes)
}

/// Waits until `is_so`, at most ten seconds.
async fn until(mut is_so: impl AsyncFnMut() -> bool) -> bool {
    for _ in 0..200 {
        if is_so().await {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    false
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
    let mut wanted: BTreeMap<String, u64> = BTreeMap::new();
    for (path, bytes) in first {
        *wanted.entry(path.split('/').next().unwrap().into()).or_default() += *bytes as u64;
    }
    let (times, bytes) = left(&stack, &video.id);
    assert!(times.values().all(|n| *n == 1), "{times:?}");
    assert_eq!(bytes, wanted);
    let once: u64 = wanted.values().sum();
    // V17: the edge counts what its viewers got.
    let got = once * VIEWERS as u64;
    let mut told = Value::Null;
    let is_told = until(async || {
        told = app.get(&video.api("")).await.is(200)["cost"]["bytes_served"].clone();
        told == got
    });
    assert!(is_told.await, "the edge told of {told} bytes of {got}");
    println!("{VIEWERS} viewers got {got} bytes, the origin sent {once}");
}

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
