//! Jobs survive whoever does them: leases end, others go on, the result is the same.

use super::stage::{Stage, frames, work};
use crate::support::{self, body};
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use origin::db;
use origin::video::{self, jobs, removal, worker};
use serde_json::{Value, json};
use shared::video::plan::Work;
use shared::video::presentation::FORGET_PATH;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SHORT: &str = "-f lavfi -i testsrc2=size=160x120:rate=25:duration=2 \
                     -c:v libx264 -preset ultrafast";
const FILM: &str = "-f lavfi -i testsrc2=size=160x120:rate=25:duration=12 \
                    -f lavfi -i sine=duration=12 -c:v libx264 -preset ultrafast -g 50 -c:a aac";

fn all(dir: &Path, out: &mut BTreeMap<String, Vec<u8>>, below: &str) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let (path, name) = {
            let e = entry.unwrap();
            (e.path(), e.file_name().into_string().unwrap())
        };
        let name = format!("{below}/{name}");
        if path.is_dir() {
            all(&path, out, &name)
        } else {
            out.insert(name, std::fs::read(path).unwrap());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn v4_jobs_that_were_dropped_in_the_midst_are_done_by_others_to_the_same_bytes() {
    let stage = Stage::with(&[("SELVEDGE_JOB_LEASE_MS", "300")]).await;
    let source = stage.source("film.mp4", FILM);
    let (calm, _) = stage.ready(&source).await;
    let id = stage.upload(&source).await;
    let mut dropped = 0;
    for wait_ms in (0..40).map(|n| 20 + n * 17 % 180) {
        let one = worker::one(&stage.app, &stage.tool);
        match tokio::time::timeout(Duration::from_millis(wait_ms), one).await {
            Ok(Ok(true)) => {}
            Ok(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            // As by kill -9: no word to anybody, the lease runs on.
            Err(_) => dropped += 1,
        }
    }
    assert!(dropped > 5, "{dropped}");
    tokio::time::sleep(Duration::from_millis(350)).await;
    // Another replica goes on.
    let other = stage.another(&[]).await;
    work(&other, &stage.tool).await;
    assert_eq!(stage.get(&id).await["status"], "ready");
    let (mut one, mut two) = (BTreeMap::new(), BTreeMap::new());
    all(&stage.objects(&calm), &mut one, "");
    all(&stage.objects(&id), &mut two, "");
    one.retain(|name, _| !name.starts_with("/source"));
    two.retain(|name, _| !name.starts_with("/source"));
    assert_eq!(one.keys().collect::<Vec<_>>(), two.keys().collect::<Vec<_>>());
    for (name, bytes) in &one {
        assert!(two[name] == *bytes, "{name} differs");
    }
    assert_eq!(frames(&stage.rendition(&id, "v120-avc")).len(), 300);
}

#[tokio::test(flavor = "multi_thread")]
async fn v4_a_job_is_held_by_one_and_free_after_its_lease() {
    let stage = Stage::with(&[("SELVEDGE_JOB_LEASE_MS", "2000")]).await;
    stage.upload(&stage.source("film.mp4", FILM)).await;
    let other = stage.another(&[]).await;
    let first = jobs::lease(&stage.app).await.unwrap().unwrap();
    assert_eq!(first.work, Work::Probe);
    assert!(jobs::lease(&other).await.unwrap().is_none());
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    assert!(jobs::renew(&stage.app, &first).await.unwrap());
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    assert!(jobs::lease(&other).await.unwrap().is_none());
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    assert!(jobs::lease(&other).await.unwrap().is_some());
    assert!(!jobs::renew(&stage.app, &first).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn v4_a_job_that_always_fails_fails_its_video_and_ends() {
    let stage = Stage::new().await;
    let id = stage.upload(&stage.source("film.mp4", FILM)).await;
    assert!(worker::one(&stage.app, &stage.tool).await.unwrap());
    // The parts are gone from the store: no piece can be made.
    std::fs::remove_dir_all(stage.objects(&id).join("source")).unwrap();
    std::fs::remove_dir_all(stage.dir.path().join("work")).unwrap();
    let mut attempts = 0;
    while stage.get(&id).await["status"] == "transcoding" {
        worker::one(&stage.app, &stage.tool).await.unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
        attempts += 1;
        assert!(attempts < 200);
    }
    assert_eq!(stage.get(&id).await["reason"]["code"], "encoding_failed");
    assert!(jobs::open(&stage.app).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn v17_slots_are_fair_by_application() {
    let stage = Stage::new().await;
    let source =
        stage.source("s.mp4", "-f lavfi -i testsrc2=size=64x64:rate=10:duration=1 -c:v libx264");
    for _ in 0..6 {
        stage.upload(&source).await;
    }
    let late = Stage { owner: support::application(&stage.app, "late").await, ..stage };
    late.upload(&source).await;
    late.upload(&source).await;
    let mut apps = vec![];
    for _ in 0..4 {
        let job = jobs::lease(&late.app).await.unwrap().unwrap();
        let row = video::row::any(&late.app.db, job.video).await.unwrap().unwrap();
        apps.push(row.app == late.owner);
    }
    // Who came late gets every other slot, however long the other's queue is.
    assert_eq!(apps.iter().filter(|own| **own).count(), 2, "{apps:?}");
}

/// An edge that hears of a deletion late, and then takes two calls to empty its bucket; what it was
/// asked.
async fn edge() -> (String, Arc<Mutex<Vec<Value>>>) {
    let asked: Arc<Mutex<Vec<Value>>> = Arc::default();
    let heard = Arc::clone(&asked);
    let answer = move |Json(body): Json<Value>| async move {
        let mut asked = heard.lock().unwrap();
        asked.push(body);
        match asked.len() {
            1 => (StatusCode::CONFLICT, Json(json!({}))),
            2 => (StatusCode::OK, Json(json!({"objects": 1_000, "more": true}))),
            _ => (StatusCode::OK, Json(json!({"objects": 3, "more": false}))),
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().route(FORGET_PATH, post(answer));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, asked)
}

#[tokio::test(flavor = "multi_thread")]
async fn v13_deletion_takes_everything_away_and_says_when() {
    let (url, asked) = edge().await;
    let stage = Stage::with(&[("EDGE_URL", &url), ("SELVEDGE_PURGE_SETTLE_MS", "600000")]).await;
    let (id, _) = stage.ready(&stage.source("film.mp4", SHORT)).await;
    let path = format!("/api/v1/videos/{id}");
    let gone = video::delete(&stage.app, &stage.call("DELETE", &path, "")).await.unwrap();
    assert_eq!(gone.status, 204);
    assert!(gone.projections[0].value.is_none(), "no tombstone");
    assert_eq!(support::status(&video::get(&stage.app, &stage.call("GET", &path, "")).await), 404);
    let last = async || {
        let call = stage.call("GET", &format!("{path}/events"), "");
        let events = body(&video::events(&stage.app, &call).await);
        events["items"].as_array().unwrap().last().unwrap()["kind"].clone()
    };
    let purge = async |ms| removal::purge(&stage.app, db::now().plus(ms)).await.unwrap();
    // The edge refused, then its bucket was emptied; what is under way may still come.
    while asked.lock().unwrap().len() < 3 {
        assert_eq!(purge(0).await, 0);
    }
    assert_eq!(last().await, "deleted");
    let late = stage.objects(&id).join("thumbnail/0-640.jpg");
    std::fs::create_dir_all(late.parent().unwrap()).unwrap();
    std::fs::write(&late, "late").unwrap();
    assert_eq!((purge(599_000).await, late.exists()), (0, false));
    std::fs::create_dir_all(late.parent().unwrap()).unwrap();
    std::fs::write(&late, "later").unwrap();
    assert_eq!((purge(600_000).await, purge(600_000).await), (1, 0));
    assert_eq!(last().await, "purged");
    let mut left = BTreeMap::new();
    all(stage.dir.path().join("objects").as_path(), &mut left, "");
    assert!(left.is_empty(), "{:?}", left.keys());
    let about = json!({"app": stage.owner, "video": id});
    assert!(asked.lock().unwrap().iter().all(|body| *body == about));
}

#[tokio::test(flavor = "multi_thread")]
async fn v13_a_job_under_way_is_waited_for() {
    let (url, _) = edge().await;
    let stage = Stage::with(&[("EDGE_URL", &url)]).await;
    let id = stage.upload(&stage.source("film.mp4", SHORT)).await;
    let job = jobs::lease(&stage.app).await.unwrap().unwrap();
    let call = stage.call("DELETE", &format!("/api/v1/videos/{id}"), "");
    video::delete(&stage.app, &call).await.unwrap();
    for _ in 0..4 {
        assert_eq!(removal::purge(&stage.app, db::now()).await.unwrap(), 0);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(!jobs::renew(&stage.app, &job).await.unwrap());
    jobs::let_go(&stage.app, &job).await.unwrap();
    assert_eq!(removal::purge(&stage.app, db::now()).await.unwrap(), 1);
}
