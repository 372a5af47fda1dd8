//! V13: what nobody wants for 90 days goes, and comes back when somebody does.

use super::chain::presentation;
use super::edge::Edge;
use super::stage::{Stage, frames, work};
use crate::support::{self, body, deliver};
use origin::db;
use origin::video::{self, tiers, worker};
use shared::time::{DAY_MS, Millis};
use shared::video::presentation::{Forget, Status};
use shared::video::want::Want;

const FILM: &str = "-f lavfi -i testsrc2=size=640x360:rate=25:duration=14 \
                    -f lavfi -i sine=duration=14 -c:v libx264 -preset ultrafast -g 50 -c:a aac";

async fn want(stage: &Stage, seq: u64, app: &str, id: &str, rendition: &str, at: Millis) {
    let want = Want { app: app.into(), video: id.into(), rendition: rendition.into() };
    let event = want.event(at).unwrap();
    assert_eq!(deliver(&stage.app, "r", seq, vec![event]).await, seq);
}

async fn kinds(stage: &Stage, id: &str) -> Vec<String> {
    let call = stage.call("GET", &format!("/api/v1/videos/{id}/events"), "");
    let all = body(&video::events(&stage.app, &call).await);
    let items = all["items"].as_array().unwrap();
    items.iter().map(|one| one["kind"].as_str().unwrap().into()).collect()
}

/// What a player is offered, and what waits.
async fn shown(stage: &Stage, id: &str) -> (Vec<String>, Vec<String>) {
    let all = presentation(stage, id).await;
    assert_eq!(all.status, Status::Ready);
    assert!(all.renditions.iter().all(|one| one.complete));
    let heads = all.renditions.into_iter().map(|one| one.name).collect();
    (heads, all.parked.into_iter().map(|one| one.name).collect())
}

fn names(all: &[&str]) -> Vec<String> {
    all.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn v13_a_rendition_that_nobody_wants_goes_and_comes_back_when_somebody_does() {
    let edge = Edge::new(1).await;
    let stage = Stage::with(&[("EDGE_URL", &edge.url)]).await;
    let (id, made) = stage.ready(&stage.source("film.mp4", FILM)).await;
    let stored = made["cost"]["bytes_stored"].as_u64().unwrap();
    let days = |n: u64| db::now().plus(n * DAY_MS);
    let look = async |at: Millis| tiers::look(&stage.app, at).await.unwrap();
    assert_eq!(look(days(89)).await, (0, 0, 0));
    // Who wanted it after 50 days keeps it beyond 90; a foreign application's word counts nothing.
    want(&stage, 1, &stage.owner, &id, "v360-avc", days(50)).await;
    want(&stage, 2, "app_x", &id, "v360-avc", days(100)).await;
    assert_eq!(look(days(91)).await, (0, 0, 0));
    // It goes for viewers at once; the edge has not heard of it yet, so its objects wait.
    assert_eq!(look(days(141)).await, (1, 0, 0));
    let parked = (names(&["v240-avc", "a0-aac"]), names(&["v360-avc-2"]));
    assert_eq!(shown(&stage, &id).await, parked);
    assert_eq!(look(days(141)).await, (0, 1, 0));
    assert!(!stage.objects(&id).join("v360-avc/0.m4s").exists());
    assert!(stage.objects(&id).join("v240-avc/0.m4s").exists());
    let forget =
        Forget { app: stage.owner.clone(), video: id.clone(), rendition: Some("v360-avc".into()) };
    assert_eq!(edge.forgot(), [forget.clone(), forget]);
    let less = stage.get(&id).await;
    assert_eq!(less["parked"], serde_json::json!(["v360-avc-2"]));
    assert!(less["cost"]["bytes_stored"].as_u64().unwrap() < stored / 2, "{less:#}");
    // The smallest and the sound stay for ever.
    assert_eq!(look(days(900)).await, (0, 0, 0));

    want(&stage, 3, "app_x", &id, "v360-avc-2", days(150)).await;
    assert_eq!(look(days(150)).await, (0, 0, 0));
    want(&stage, 4, &stage.owner, &id, "v360-avc-2", days(150)).await;
    want(&stage, 5, &stage.owner, &id, "v360-avc-2", days(151)).await;
    assert_eq!(look(days(151)).await, (0, 0, 1));
    assert_eq!(look(days(151)).await, (0, 0, 0));
    let mut grown = 0;
    while worker::one(&stage.app, &stage.tool).await.unwrap() {
        // Whole, or not at all.
        grown += u32::from(shown(&stage, &id).await == parked);
    }
    assert!(grown > 0, "it was whole with its first piece");
    assert_eq!(stage.errors().await, Vec::<String>::new());
    let back = (names(&["v240-avc", "v360-avc-2", "a0-aac"]), vec![]);
    assert_eq!(shown(&stage, &id).await, back);
    assert_eq!(frames(&stage.rendition(&id, "v360-avc-2")).len(), 350);
    let after = ["parked", "emptied", "wanted", "restored"];
    assert!(kinds(&stage, &id).await.ends_with(&after.map(String::from)));
    // From its return on it is counted anew.
    assert_eq!(look(days(89)).await, (0, 0, 0));
    assert_eq!(look(days(91)).await.0, 1);
    assert_eq!(shown(&stage, &id).await.1, ["v360-avc-3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn v13_a_video_plays_on_when_a_rendition_cannot_be_made_again() {
    let edge = Edge::new(0).await;
    let stage = Stage::with(&[("EDGE_URL", &edge.url)]).await;
    let (id, _) = stage.ready(&stage.source("film.mp4", FILM)).await;
    let late = db::now().plus(91 * DAY_MS);
    assert_eq!(tiers::look(&stage.app, late).await.unwrap(), (1, 1, 0));
    std::fs::remove_dir_all(stage.objects(&id).join("source")).unwrap();
    std::fs::remove_dir_all(stage.dir.path().join("work")).unwrap();
    want(&stage, 1, &stage.owner, &id, "v360-avc-2", late).await;
    assert_eq!(tiers::look(&stage.app, late).await.unwrap().2, 1);
    work(&stage.app, &stage.tool).await;
    let (there, parked) = shown(&stage, &id).await;
    assert_eq!((there, parked), (names(&["v240-avc", "a0-aac"]), names(&["v360-avc-3"])));
    assert_eq!(kinds(&stage, &id).await.last().map(String::as_str), Some("not_restored"));
    assert_eq!(stage.get(&id).await["status"], "ready");
    assert!(video::jobs::open(&stage.app).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn v13_what_is_parked_goes_with_its_video() {
    let edge = Edge::new(0).await;
    let stage = Stage::with(&[("EDGE_URL", &edge.url)]).await;
    let (id, _) = stage.ready(&stage.source("film.mp4", FILM)).await;
    let late = db::now().plus(91 * DAY_MS);
    tiers::look(&stage.app, late).await.unwrap();
    want(&stage, 1, &stage.owner, &id, "v360-avc-2", late).await;
    tiers::look(&stage.app, late).await.unwrap();
    let path = format!("/api/v1/videos/{id}");
    let gone = video::delete(&stage.app, &stage.call("DELETE", &path, "")).await;
    assert_eq!(support::status(&gone), 204);
    assert!(!worker::one(&stage.app, &stage.tool).await.unwrap(), "a job of a deleted video");
    video::removal::purge(&stage.app, db::now().plus(1_000)).await.unwrap();
    for table in ["video_parked", "video_rendition", "video_job", "video_part"] {
        let left = stage.app.db.read(&format!("select video from {table}"), vec![]).await.unwrap();
        assert!(left.is_empty(), "{table}");
    }
    assert_eq!(tiers::look(&stage.app, late).await.unwrap(), (0, 0, 0));
}
