//! Viewers at several places: a thousand of a video that became ready a moment ago (V16, V17), and
//! the last one of a rendition (V13).

use crate::client;
use crate::node::client_of;
use crate::stack::Stack;
use crate::stage::{LARGE, Video, film, left, tagged, until, uris};
use futures::future::join_all;
use futures::stream::{self, StreamExt};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const PLACES: usize = 3;
/// Each asks for everything: two pictures and a sound.
const VIEWERS: usize = 1_000;
/// Connections of this process and as many of workerd's: 2 × 300 of 1,024 open files.
const AT_ONCE: usize = 300;

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn v16_every_object_leaves_the_origin_once_however_many_watch() {
    let isolates = PLACES.to_string();
    let stack = Stack::start_with("viewers", &[("EDGE_ISOLATES", isolates.as_str())]).await;
    let tag = stack.tag.clone();
    let places: Vec<client::Stack> = (0..PLACES).map(|place| client_of(&stack, place)).collect();
    let apps = join_all(places.iter().map(client::Stack::app)).await;
    let made = Video::of(&apps[0], &json!({}), film(LARGE)).await;
    made.until("ready").await;
    let id = made.id.clone();
    let videos: Vec<Video<'_>> = apps.iter().map(|app| Video { app, id: id.clone() }).collect();
    join_all(videos.iter().map(|video| video.until_closed(""))).await;
    let viewers = stream::iter(0..VIEWERS).map(|viewer| watch(&videos[viewer % PLACES]));
    let all: Vec<_> = viewers.buffer_unordered(AT_ONCE).collect().await;
    let first = &all[0];
    assert!(first.len() >= 15, "{tag}: {first:?}");
    assert!(all.iter().all(|sizes| sizes == first), "{tag}: viewers got different bytes");
    let mut wanted: BTreeMap<String, u64> = BTreeMap::new();
    for (path, bytes) in first {
        *wanted.entry(path.split('/').next().unwrap().into()).or_default() += *bytes as u64;
    }
    let (times, bytes) = left(&places[0], &id);
    assert!(times.values().all(|n| *n == 1), "{tag}: {times:?}");
    assert_eq!(bytes, wanted, "{tag}");
    let once: u64 = wanted.values().sum();
    // V17: the edge counts what its viewers got, each isolate for itself.
    let got = once * VIEWERS as u64;
    let mut told = Value::Null;
    let is_told = until(async || {
        told = apps[0].get(&made.api("")).await.is(200)["cost"]["bytes_served"].clone();
        told == got
    });
    assert!(is_told.await, "{tag}: the edge told of {told} bytes of {got}");
    println!("{tag} {VIEWERS} viewers at {PLACES} places got {got} bytes, the origin sent {once}");
    stack.end();
}

/// A rendition is unused soon, what plays is told of often, and the origin looks often.
const TIERS: [(&str, &str); 4] = [
    ("EDGE_ISOLATES", "2"),
    ("SELVEDGE_VIDEO_UNUSED_MS", "8000"),
    ("SELVEDGE_VIDEO_WANTED_MS", "500"),
    ("SELVEDGE_VIDEO_SWEEP_MS", "300"),
];
const UNUSED: Duration = Duration::from_secs(8);
const COMES_MAX: Duration = Duration::from_secs(60);

/// Asks until `is_so`.
async fn soon(tag: &str, what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let until = Instant::now() + COMES_MAX;
    while !is_so().await {
        assert!(Instant::now() < until, "{tag}: {what}: not within {COMES_MAX:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn v13_what_nobody_plays_goes_comes_back_when_it_is_wanted_and_stays_while_it_plays() {
    let stack = Stack::start_with("tiers", &TIERS).await;
    let tag = stack.tag.clone();
    let (here, there) = (client_of(&stack, 0), client_of(&stack, 1));
    let (app, other) = (here.app().await, there.app().await);
    let video = Video::ready(&app, LARGE).await;
    let elsewhere = Video { app: &other, id: video.id.clone() };
    let parked = async || app.get(&video.api("")).await.is(200)["parked"].clone();
    soon(&tag, "it is parked", async || parked().await == json!(["v360-avc-2"])).await;
    soon(&tag, "the edge offers the rest", async || {
        uris(&elsewhere.text("master.m3u8?max_height=240").await) == ["v240-avc/media.m3u8"]
            && elsewhere.get("v360-avc/1-0.m4s").await.status == 404
    })
    .await;
    // Who may have no more than 240p wants none of it; the first one who may does.
    assert_eq!(parked().await, json!(["v360-avc-2"]), "{tag}");
    soon(&tag, "it is offered again", async || {
        let all = video.text("master.m3u8").await;
        uris(&all).contains(&"v360-avc-2/media.m3u8")
    })
    .await;
    let until = Instant::now() + UNUSED.mul_f32(1.5);
    while Instant::now() < until {
        elsewhere.get("v360-avc-2/1-0.m4s").await.is(200);
        assert_eq!(parked().await, json!([]), "{tag}: it went while it played");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    stack.end();
}
