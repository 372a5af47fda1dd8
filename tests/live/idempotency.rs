//! `Idempotency-Key` at the edge: one effect and one answer, however often it is asked.

use crate::client::{Answer, App, Stack, alias};
use futures::future::join_all;
use serde_json::{Value, json};
use shared::links::error::{ALIAS_TAKEN, GONE};
use shared::problem::{IDEMPOTENCY_MISMATCH, MALFORMED};
use std::collections::BTreeSet;

const URL: &str = "https://example.com/";

async fn shorten(app: &App<'_>, key: &str, body: &Value) -> Answer {
    app.ask("POST", "/api/v1/shorten").header("idempotency-key", key).json(body).send().await
}

fn assert_replayed(answer: &Answer, first: &Answer) {
    assert_eq!(answer.header("idempotent-replayed"), "true");
    assert_eq!(first.header("idempotent-replayed"), "");
    assert_eq!((answer.status, &answer.body), (first.status, &first.body));
    for name in ["location", "etag", "content-type"] {
        assert_eq!(answer.header(name), first.header(name), "{name}");
    }
    assert_ne!(answer.header("x-request-id"), first.header("x-request-id"));
}

async fn links(app: &App<'_>) -> usize {
    app.get("/api/v1/links?limit=200").await.is(200)["items"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_copy_is_answered_the_same_and_has_no_effect() {
    let stack = Stack::here();
    let (app, other) = (stack.app().await, stack.app().await);
    let (key, body) = (alias(), json!({"long_url": URL}));
    let first = shorten(&app, &key, &body).await;
    first.is(201);
    for _ in 0..3 {
        assert_replayed(&shorten(&app, &key, &body).await, &first);
    }
    assert_eq!(links(&app).await, 1);
    // A key is the application's, whichever of its credentials is used.
    let (second, _) = stack.key(&app.id, &["links:write"]).await;
    let ask = stack.edge("POST", "/api/v1/shorten").key(&second);
    assert_replayed(&ask.header("idempotency-key", &key).json(&body).send().await, &first);
    let others = shorten(&other, &key, &body).await;
    assert_ne!(others.is(201)["short_code"], first.value()["short_code"]);
    assert_eq!(others.header("idempotent-replayed"), "");
}

#[tokio::test]
async fn another_request_under_the_key_is_422() {
    let stack = Stack::here();
    let app = stack.app().await;
    let key = alias();
    shorten(&app, &key, &json!({"long_url": URL})).await.is(201);
    let other = json!({"long_url": "https://example.org/"});
    shorten(&app, &key, &other).await.is_problem(&IDEMPOTENCY_MISMATCH);
    let ask = || app.ask("POST", "/api/v1/shorten").header("idempotency-key", &key);
    let spaced = ask().header("content-type", "application/json");
    let spaced = spaced.body(format!("{{ \"long_url\": \"{URL}\" }}"));
    spaced.send().await.is_problem(&IDEMPOTENCY_MISMATCH);
    let queried = app.ask("POST", "/api/v1/shorten?x=1").header("idempotency-key", &key);
    let queried = queried.json(&json!({"long_url": URL})).send().await;
    queried.is_problem(&IDEMPOTENCY_MISMATCH);
    assert_eq!(links(&app).await, 1);
}

#[tokio::test]
async fn a_key_that_is_none_is_400() {
    let stack = Stack::here();
    let app = stack.app().await;
    let body = json!({"long_url": URL});
    for key in ["", "a b", "a\tb", &"x".repeat(256)] {
        shorten(&app, key, &body).await.is_problem(&MALFORMED);
    }
    shorten(&app, &"x".repeat(255), &body).await.is(201);
    shorten(&app, "!~", &body).await.is(201);
    assert_eq!(links(&app).await, 2);
}

#[tokio::test]
async fn fifty_copies_at_once_make_one_link() {
    let stack = Stack::here();
    let app = stack.app().await;
    for _ in 0..3 {
        let (key, body) = (alias(), json!({"long_url": URL}));
        let before = links(&app).await;
        let answers = join_all((0..50).map(|_| shorten(&app, &key, &body))).await;
        let codes: BTreeSet<String> =
            answers.iter().map(|answer| answer.is(201)["short_code"].to_string()).collect();
        assert_eq!(codes.len(), 1);
        let first = |answer: &&Answer| answer.header("idempotent-replayed").is_empty();
        assert_eq!(answers.iter().filter(first).count(), 1);
        assert_eq!(links(&app).await, before + 1);
    }
}

#[tokio::test]
async fn a_refusal_that_was_decided_is_replayed_too() {
    let stack = Stack::here();
    let app = stack.app().await;
    let body = json!({"long_url": URL, "custom_alias": alias()});
    app.code(&body).await;
    let key = alias();
    let first = shorten(&app, &key, &body).await;
    first.is_problem(&ALIAS_TAKEN);
    assert_replayed(&shorten(&app, &key, &body).await, &first);
}

#[tokio::test]
async fn a_copy_that_comes_after_a_change_or_a_delete_takes_nothing_back() {
    let stack = Stack::here();
    let app = stack.app().await;
    let (key, body) = (alias(), json!({"long_url": URL}));
    let first = shorten(&app, &key, &body).await;
    let code = first.is(201)["short_code"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/links/{code}");
    let moved = "https://moved.example/";
    app.ask("PATCH", &path).json(&json!({"long_url": moved})).send().await.is(200);
    assert_replayed(&shorten(&app, &key, &body).await, &first);
    assert_eq!(stack.follow(&code).await.leads(302), moved);
    app.ask("DELETE", &path).send().await.is(204);
    assert_replayed(&shorten(&app, &key, &body).await, &first);
    stack.follow(&code).await.is_problem(&GONE);
    app.get(&path).await.is_problem(&GONE);
}
