//! V19: what a user's videos keep of it is exported, and goes with everything of theirs.

use super::edge::Edge;
use super::stage::Stage;
use crate::support::{body, call, status};
use axum::body::Body;
use origin::db;
use origin::privacy::{self, job};
use origin::respond::{Call, Stream};
use origin::values;
use origin::video::{self, removal};
use serde_json::{Value, json};
use shared::video::wire;
use std::path::Path;

const FILM: &str = "-f lavfi -i testsrc2=size=320x180:rate=25:duration=3 -c:v libx264 \
                    -preset ultrafast";
/// What must be nowhere once it was erased.
const CANARY: &str = "canary-7f3a";

fn by(mut call: Call, sub: &str) -> Call {
    call.context.principal = format!("user:{sub}");
    call
}

async fn create(stage: &Stage, sub: &str) -> String {
    let asked = json!({"title": format!("{CANARY} {sub}")}).to_string();
    let mut call = by(stage.call("POST", "/api/v1/videos", &asked), sub);
    call.headers.insert("idempotency-key", format!("{sub}-{}", rand::random::<u64>()));
    body(&video::create(&stage.app, &call).await)["id"].as_str().unwrap().into()
}

async fn caption(stage: &Stage, id: &str, sub: &str) {
    let path = format!("/api/v1/videos/{id}/captions/en");
    let text = format!("WEBVTT\n\n00:00.000 --> 00:02.000\n{CANARY} {sub}\n");
    let mut call = by(stage.call("PUT", &path, ""), sub);
    call.stream = Stream::new(text.len() as u64, Body::from(text));
    assert_eq!(status(&video::captions::put(&stage.app, &call).await), 204);
}

async fn ask(stage: &Stage, kind: &str, subject: &str) -> String {
    let text = json!({"subject": subject}).to_string();
    let asked = call(&stage.owner, "POST", &format!("/api/v1/privacy/{kind}"), &text);
    let answer = match kind {
        "exports" => privacy::export(&stage.app, &asked).await,
        _ => privacy::erase(&stage.app, &asked).await,
    };
    body(&answer)["id"].as_str().unwrap().into()
}

async fn run(stage: &Stage, after_ms: u64) {
    let now = db::now().plus(after_ms);
    let mut steps = 0;
    while job::step(&stage.app, now).await.unwrap() {
        steps += 1;
        assert!(steps < 200, "it never ends");
    }
}

async fn items(stage: &Stage, id: &str) -> Vec<Value> {
    let path = format!("/api/v1/privacy/exports/{id}/items?limit=200");
    let mut asked = call(&stage.owner, "GET", &path, "");
    asked.segments = vec![id.into()];
    body(&privacy::items(&stage.app, &asked).await)["items"].as_array().unwrap().clone()
}

async fn receipt(stage: &Stage, id: &str) -> Value {
    let mut asked = call(&stage.owner, "GET", &format!("/api/v1/privacy/erasures/{id}"), "");
    asked.segments = vec![id.into()];
    body(&privacy::get_erasure(&stage.app, &asked).await)
}

/// Where the canary of a user stands, over every column of text.
async fn traces(stage: &Stage, sub: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (table, columns) in [
        ("video", &["title", "captions", "policy", "failure"][..]),
        ("video_event", &["detail"]),
        ("outbox", &["value"]),
        ("idempotency", &["answer"]),
        ("privacy_item", &["body"]),
        ("dead_letter", &["body"]),
        ("audit", &["data"]),
    ] {
        for column in columns {
            let sql = format!("select {column} as found from {table} where {column} like $1");
            let like = format!("%{CANARY} {sub}%");
            if !stage.app.db.read(&sql, values![like]).await.unwrap().is_empty() {
                found.push(format!("{table}.{column}"));
            }
        }
    }
    let sql = "select creator from video where creator = $1";
    if !stage.app.db.read(sql, values![sub]).await.unwrap().is_empty() {
        found.push("video.creator".into());
    }
    found
}

/// How many objects lie below a directory.
fn files(below: &Path) -> usize {
    let Ok(found) = std::fs::read_dir(below) else { return 0 };
    found.map(|one| one.unwrap().path()).map(|one| if one.is_dir() { files(&one) } else { 1 }).sum()
}

async fn films(stage: &Stage) -> [String; 3] {
    let (whole, begun) = (create(stage, "ann").await, create(stage, "ann").await);
    let bobs = create(stage, "bob").await;
    let film = std::fs::read(stage.source("film.mp4", FILM)).unwrap();
    stage.put(&whole, film.clone()).await.unwrap();
    stage.put(&bobs, film).await.unwrap();
    super::stage::work(&stage.app, &stage.tool).await;
    // A film with one key frame has a storyboard all the same.
    assert_eq!(stage.errors().await, Vec::<String>::new());
    caption(stage, &whole, "ann").await;
    caption(stage, &bobs, "bob").await;
    [whole, begun, bobs]
}

#[tokio::test(flavor = "multi_thread")]
async fn v19_a_user_s_videos_and_captions_are_exported() {
    let stage = Stage::new().await;
    let [whole, begun, bobs] = films(&stage).await;
    let seen = "insert into video_quality values ($1, 0, 'DE', 'tv', 7, 1, 2, 3, 4, 5)";
    let mut tx = stage.app.db.begin().await.unwrap();
    tx.write(seen, values![wire::parse(&whole).unwrap()]).await.unwrap();
    tx.commit().await.unwrap();
    let id = ask(&stage, "exports", "ann").await;
    run(&stage, 0).await;
    let items = items(&stage, &id).await;
    let videos: Vec<&Value> = items.iter().filter(|item| item["kind"] == "video").collect();
    assert_eq!(videos.len(), 2);
    assert_eq!(videos[0]["video"]["id"], whole.as_str());
    assert_eq!(videos[0]["video"]["title"], format!("{CANARY} ann"));
    assert!(videos[0]["film"].as_str().unwrap().ends_with(&format!("/v/{whole}/master.m3u8")));
    assert_eq!((&videos[1]["video"]["id"], &videos[1]["film"]), (&json!(begun), &Value::Null));
    let of_whole = |item: &&Value| item["kind"] == "video_quality" && item["video"] == whole;
    let quality = items.iter().find(of_whole).unwrap();
    assert_eq!(quality["quality"]["by_device"]["tv"]["plays"], 7, "{quality}");
    let captions = items.iter().find(|item| item["kind"] == "captions").unwrap();
    assert_eq!(captions["language"], "en");
    assert!(captions["text"].as_str().unwrap().contains(&format!("{CANARY} ann")));
    let events: Vec<&Value> = items.iter().filter(|item| item["kind"] == "video_events").collect();
    assert_eq!(events[0]["events"][0]["kind"], "created");
    assert!(!serde_json::to_string(&items).unwrap().contains(&bobs));
}

#[tokio::test(flavor = "multi_thread")]
async fn v19_an_erasure_takes_a_user_s_videos_away_and_is_done_when_the_last_object_is() {
    let edge = Edge::new(1).await;
    let stage = Stage::with(&[("EDGE_URL", &edge.url)]).await;
    let [whole, begun, bobs] = films(&stage).await;
    ask(&stage, "exports", "ann").await;
    run(&stage, 0).await;
    assert!(traces(&stage, "ann").await.len() >= 4);
    let id = ask(&stage, "erasures", "ann").await;
    run(&stage, 0).await;
    // Nobody plays it any more; the edge does not know yet, so it is not done.
    let registers = "select value from outbox where product = 'video' and key = $1";
    for gone in [&whole, &begun] {
        let left = stage.app.db.read(registers, values![gone.as_str()]).await.unwrap();
        assert_eq!(left.len(), 1);
        assert_eq!(db::maybe_text(&left[0], "value").unwrap(), None);
    }
    removal::purge(&stage.app, db::now().plus(1_000)).await.unwrap();
    run(&stage, 5_000).await;
    assert_eq!(receipt(&stage, &id).await["products"]["video"]["state"], "running");
    removal::purge(&stage.app, db::now().plus(1_000)).await.unwrap();
    // Links wait for deliveries that are under way.
    run(&stage, 40_000).await;
    run(&stage, 80_000).await;
    let receipt = receipt(&stage, &id).await;
    assert_eq!(receipt["products"]["video"]["state"], "done", "{receipt:#}");
    assert_eq!(receipt["products"]["video"]["counts"]["videos"], 2);
    assert_ne!(receipt["done_at"], Value::Null);
    assert_eq!(traces(&stage, "ann").await, Vec::<String>::new());
    assert_eq!(files(&stage.objects(&whole)), 0);
    assert!(files(&stage.objects(&bobs)) > 4);
    let forgot: Vec<String> = edge.forgot().into_iter().map(|one| one.video).collect();
    assert!(forgot.contains(&whole) && forgot.contains(&begun) && !forgot.contains(&bobs));
    // Bob's is as it was.
    assert_eq!(stage.get(&bobs).await["title"], format!("{CANARY} bob"));
    assert!(stage.objects(&bobs).join("v180-avc/0.m4s").exists());
    assert!(!traces(&stage, "bob").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn v19_changes_of_videos_stand_in_the_audit_without_their_words() {
    let stage = Stage::new().await;
    let id = create(&stage, "ann").await;
    let path = format!("/api/v1/videos/{id}");
    let change = json!({"title": CANARY, "visibility": "signed"}).to_string();
    let changed = by(stage.call("PATCH", &path, &change), "ann");
    assert_eq!(status(&video::patch(&stage.app, &changed).await), 200);
    caption(&stage, &id, "ann").await;
    let gone = by(stage.call("DELETE", &format!("{path}/captions/en"), ""), "ann");
    assert_eq!(status(&video::captions::delete(&stage.app, &gone).await), 204);
    let gone = by(stage.call("DELETE", &path, ""), "ann");
    assert_eq!(status(&video::delete(&stage.app, &gone).await), 204);
    let sql = "select action, object, who, data from audit where action like 'video.%' order by n";
    let rows = stage.app.db.read(sql, vec![]).await.unwrap();
    let text = |n: usize, name: &str| db::text(&rows[n], name).unwrap();
    let actions: Vec<String> = (0..rows.len()).map(|n| text(n, "action")).collect();
    let known = ["created", "changed", "captions_stored", "captions_deleted", "deleted"];
    assert_eq!(actions, known.map(|what| format!("video.{what}")));
    for n in 0..rows.len() {
        assert_eq!(text(n, "object"), id);
        assert!(text(n, "who").starts_with("subject:") && !text(n, "data").contains(CANARY));
    }
    assert_eq!(text(1, "data"), r#"{"policy":null,"title":true,"visibility":"signed"}"#);
    assert!(wire::parse(&id).is_some());
}
