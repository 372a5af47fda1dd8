//! What a player reports at the edge, and what its application reads of it.

use crate::client::Stack;
use serde_json::json;
use shared::video::error::NO_VIDEO;
use std::time::Duration;

#[tokio::test]
async fn v12_what_a_player_reports_is_read_by_its_application_alone() {
    let stack = Stack::here();
    let app = stack.app().await;
    let made = app.ask("POST", "/api/v1/videos").json(&json!({})).send().await.is(201);
    let id = made["id"].as_str().unwrap();
    let report = json!({
        "startup_ms": 350, "watched_ms": 9_000, "stalled_ms": 1_000, "stalls": 1, "kbits": 18_000
    });
    for _ in 0..3 {
        let told = stack.edge("POST", &format!("/v/{id}/report")).json(&report).send().await;
        told.is(204);
    }
    let quality = format!("/api/v1/videos/{id}/quality");
    let mut seen = json!(null);
    for _ in 0..100 {
        seen = app.get(&quality).await.is(200);
        if seen["plays"] == 3 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!((&seen["plays"], &seen["stalls"]), (&json!(3), &json!(3)), "{seen:#}");
    assert_eq!((&seen["startup_average_ms"], &seen["rebuffer_ratio"]), (&json!(350), &json!(0.1)));
    assert_eq!(seen["series"].as_array().unwrap().len(), 1);
    assert_eq!(app.get(&format!("{quality}?interval=week")).await.status, 422);
    stack.app().await.get(&quality).await.is_problem(&NO_VIDEO);
}
