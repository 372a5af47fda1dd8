//! Usage at the edge, of tallies that a recorder would have brought to the origin.

use super::policies::put;
use crate::client::{Stack, alias};
use origin::db;
use serde_json::{Value, json};
use shared::problem::UNACCEPTABLE;
use shared::sign::{self, Keys, SIGNATURE_HEADER};
use shared::time::{DAY_MS, Millis};

/// Delivers one tally to the origin, signed as the edge signs.
async fn deliver(stack: &Stack, recorder: &str, at: Millis, tally: &Value) {
    let events = json!([{"product": "limits", "at": at, "body": tally.to_string()}]);
    let body = json!({"recorder": recorder, "first_seq": 1, "events": events}).to_string();
    let keys = Keys::parse(&stack.secret("SIGNING_KEYS")).unwrap();
    let content = sign::content(body.as_bytes());
    let path_and_query = "/internal/events";
    let request = sign::Request { method: "POST", path_and_query, content: &content, context: "" };
    let signature = keys.sign(request, db::now(), rand::random());
    let ask = stack.origin("POST", path_and_query).header(SIGNATURE_HEADER, &signature);
    assert_eq!(ask.body(body).send().await.is(200)["applied_seq"], 1);
}

#[tokio::test]
async fn usage_is_by_ten_seconds_and_names_the_busiest_keys() {
    let stack = Stack::here();
    let app = stack.app().await;
    put(&app, "p", &json!({"limit": 1, "window_ms": 1_000})).await.is(201);
    let path = "/api/v1/limits/policies/p/usage";
    let empty = app.get(path).await.is(200);
    assert_eq!((&empty["allowed"], &empty["series"]), (&json!(0), &json!([])));
    let now = db::now();
    let hash = "0123456789abcdef".repeat(2);
    let tally = json!({
        "app": app.id, "policy": "p", "allowed": 5, "refused": 3, "shadowed": 1,
        "keys": [{"key_hash": hash, "allowed": 4, "refused": 2}],
    });
    let recorder = alias();
    for _ in 0..3 {
        deliver(&stack, &recorder, now, &tally).await;
    }
    let used = app.get(path).await.is(200);
    assert_eq!(
        (&used["policy"], &used["allowed"], &used["refused"]),
        (&json!("p"), &json!(5), &json!(3))
    );
    let slot = Millis(now.0 - now.0 % 10_000).to_rfc3339();
    assert_eq!(
        (&used["series"][0]["at"], &used["series"][0]["shadowed"]),
        (&json!(slot), &json!(1))
    );
    assert_eq!(used["hottest"], json!([{"key_hash": hash, "allowed": 4, "refused": 2}]));
    let past = format!("{path}?to={}", Millis(now.0 - 20_000).to_rfc3339());
    assert_eq!(app.get(&past).await.is(200)["allowed"], 0);
    let long = Millis(now.0 - DAY_MS - 60_000).to_rfc3339();
    for (query, pointer) in
        [(format!("from={long}"), "?from"), ("to=x".into(), "?to"), ("by=day".into(), "?by")]
    {
        let refused = app.get(&format!("{path}?{query}")).await.is_problem(&UNACCEPTABLE);
        assert_eq!(refused["errors"][0]["pointer"], pointer);
    }
    assert!(stack.count("limits_decisions_total", "outcome=\"allowed\"").await >= 5);
}

#[tokio::test]
async fn operators_see_the_services_own() {
    let stack = Stack::here();
    let before = stack.admin("GET", "/admin/limits/usage/miss-ip").send().await.is(200);
    let tally = json!({"app": "selvedge", "policy": "miss-ip", "refused": 7});
    deliver(&stack, &alias(), db::now(), &tally).await;
    let after = stack.admin("GET", "/admin/limits/usage/miss-ip").send().await.is(200);
    let refused = |usage: &Value| usage["refused"].as_u64().unwrap();
    assert!(refused(&after) >= refused(&before) + 7, "{after}");
    stack.admin("GET", "/admin/limits/usage/none").send().await.is(404);
    stack.origin("GET", "/admin/limits/usage/api").send().await.is(401);
}
