//! Checks at the edge: exact, refundable, several at once, different for some keys.

use super::policies::put;
use crate::client::{Answer, App, Stack};
use futures::future::join_all;
use serde_json::{Value, json};
use shared::limits::error::{BANNED, EXCEEDED, INVALID, NOT_FOUND};
use shared::limits::wire::key_hash;
use std::time::Duration;

const CHECK: &str = "/api/v1/limits/check";

pub(super) async fn check(app: &App<'_>, body: &Value) -> Value {
    app.ask("POST", CHECK).json(body).send().await.is(200)
}

async fn enforce(app: &App<'_>, body: &Value) -> Answer {
    app.ask("POST", &format!("{CHECK}?enforce=true")).json(body).send().await
}

async fn allowed(app: &App<'_>, body: &Value) -> bool {
    check(app, body).await["allowed"] == true
}

async fn peek(app: &App<'_>, policy: &str, key: &str) -> u64 {
    let path = format!("/api/v1/limits/peek?policy={policy}&key={key}");
    app.get(&path).await.is(200)["remaining"].as_u64().unwrap()
}

/// M3: of a thousand at once, as many as there are.
#[tokio::test]
async fn m3_a_thousand_at_once_get_exactly_a_hundred() {
    let stack = Stack::here();
    let app = stack.app().await;
    for algorithm in ["token_bucket", "gcra", "fixed_window", "sliding_window_log"] {
        let policy = json!({"algorithm": algorithm, "limit": 100, "window_ms": 86_400_000});
        let name = algorithm.replace('_', "-");
        put(&app, &name, &policy).await.is(201);
        let body = json!({"policy": name, "key": "hot"});
        let mut count = 0;
        for _ in 0..10 {
            let asked = (0..100).map(|_| allowed(&app, &body));
            count += join_all(asked).await.into_iter().filter(|allowed| *allowed).count();
        }
        assert_eq!(count, 100, "{algorithm}");
    }
}

/// M7, M16: a refusal spends nothing, and several are spent together or not at all.
#[tokio::test]
async fn m7_several_limits_are_all_or_nothing() {
    let stack = Stack::here();
    let app = stack.app().await;
    put(&app, "wide", &json!({"limit": 50, "window_ms": 86_400_000})).await.is(201);
    put(&app, "thin", &json!({"limit": 30, "window_ms": 86_400_000})).await.is(201);
    let also = json!([{"policy": "thin", "key": "b"}]);
    let body = json!({"policy": "wide", "key": "a", "also": also});
    let asked = join_all((0..64).map(|_| check(&app, &body))).await;
    let count = asked.iter().filter(|answer| answer["allowed"] == true).count();
    assert_eq!(count, 30);
    let refused = asked.iter().find(|answer| answer["allowed"] == false).unwrap();
    assert_eq!(refused["policy"], "thin", "the one that refuses is named");
    assert_eq!((peek(&app, "wide", "a").await, peek(&app, "thin", "b").await), (20, 0));
    let dear = json!({"policy": "wide", "key": "a", "cost": 21});
    assert!(!allowed(&app, &dear).await);
    assert_eq!(peek(&app, "wide", "a").await, 20);
}

#[tokio::test]
async fn m7_what_was_not_used_comes_back_once() {
    let stack = Stack::here();
    let app = stack.app().await;
    put(&app, "p", &json!({"limit": 5, "window_ms": 86_400_000})).await.is(201);
    let said = check(&app, &json!({"policy": "p", "key": "k", "cost": 3})).await;
    assert_eq!((&said["remaining"], &said["served_by"]), (&json!(2), &json!("object")));
    let body = json!({"reservation": said["reservation"]});
    let refund =
        async |app: &App<'_>| app.ask("POST", "/api/v1/limits/refund").json(&body).send().await;
    assert_eq!(refund(&app).await.is(200)["refunded"], true);
    assert_eq!(peek(&app, "p", "k").await, 5);
    assert_eq!(refund(&app).await.is(200)["refunded"], false);
    assert_eq!(peek(&app, "p", "k").await, 5);
    let other = stack.app().await;
    refund(&other).await.is_problem(&INVALID);
    let forged = json!({"reservation": format!("{}0", said["reservation"].as_str().unwrap())});
    app.ask("POST", "/api/v1/limits/refund").json(&forged).send().await.is_problem(&INVALID);
}

#[tokio::test]
async fn m6_one_key_may_be_different_within_a_second() {
    let stack = Stack::here();
    let app = stack.app().await;
    put(&app, "p", &json!({"limit": 2, "window_ms": 86_400_000})).await.is(201);
    // Any UTF-8 is a key (M11).
    let key = "k/é ?%";
    let body = json!({"policy": "p", "key": key});
    assert!(allowed(&app, &body).await && allowed(&app, &body).await);
    assert!(!allowed(&app, &body).await);
    let path = "/api/v1/limits/overrides/p/k%2F%C3%A9%20%3F%25";
    let change = async |exception: Value| {
        let put = app.ask("PUT", path).json(&exception).send().await.is(200);
        assert_eq!((&put["policy"], &put["key"]), (&json!("p"), &json!(key)));
        tokio::time::sleep(Duration::from_millis(1_100)).await;
    };
    change(json!({"limit": 4})).await;
    assert!(allowed(&app, &body).await && allowed(&app, &body).await);
    assert!(!allowed(&app, &body).await, "what was spent stays spent");
    change(json!({"exempt": true})).await;
    for _ in 0..10 {
        let said = check(&app, &body).await;
        assert_eq!((&said["allowed"], &said["retry_after_ms"]), (&json!(true), &json!(0)));
        assert!(said["reservation"].is_null(), "nothing was counted");
        assert_eq!(said["served_by"], "exemption");
    }
    change(json!({"ban": true})).await;
    let banned = check(&app, &body).await;
    assert_eq!((&banned["allowed"], &banned["retry_after_ms"]), (&json!(false), &Value::Null));
    enforce(&app, &body).await.is_problem(&BANNED);
    assert!(allowed(&app, &json!({"policy": "p", "key": "another"})).await);
    app.ask("DELETE", path).send().await.is(204);
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    enforce(&app, &body).await.is_problem(&EXCEEDED);
    for wrong in [json!({}), json!({"ban": true, "exempt": true}), json!({"limit": 0})] {
        app.ask("PUT", path).json(&wrong).send().await.is_problem(&INVALID);
    }
}

/// M8: who waits as it is told is admitted.
#[tokio::test]
async fn m8_a_refusal_says_when_to_come_back() {
    let stack = Stack::here();
    let app = stack.app().await;
    put(&app, "p", &json!({"limit": 2, "window_ms": 2_000})).await.is(201);
    let body = json!({"policy": "p", "key": "k"});
    enforce(&app, &body).await.is(200);
    enforce(&app, &body).await.is(200);
    let refused = enforce(&app, &body).await;
    refused.is_problem(&EXCEEDED);
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=2).contains(&wait), "{wait}");
    tokio::time::sleep(Duration::from_secs(wait)).await;
    enforce(&app, &body).await.is(200);
}

#[tokio::test]
async fn m13_a_shadow_refuses_nothing_and_is_counted() {
    let stack = Stack::here();
    let app = stack.app().await;
    let policy = json!({"limit": 1, "window_ms": 86_400_000, "shadow": true});
    put(&app, "p", &policy).await.is(201);
    let body = json!({"policy": "p", "key": "k"});
    for _ in 0..4 {
        enforce(&app, &body).await.is(200);
    }
    let path = "/api/v1/limits/policies/p/usage";
    for _ in 0..100 {
        let used = app.get(path).await.is(200);
        if used["allowed"] == 1 && used["shadowed"] == 3 {
            assert_eq!(used["hottest"][0]["key_hash"], key_hash("k"));
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the shadow was not counted");
}

#[tokio::test]
async fn m6_a_change_acts_at_once_and_fills_no_bucket() {
    let stack = Stack::here();
    let app = stack.app().await;
    let policy = |limit: u64| json!({"limit": limit, "window_ms": 86_400_000});
    put(&app, "p", &policy(10)).await.is(201);
    let body = json!({"policy": "p", "key": "k", "cost": 8});
    assert!(allowed(&app, &body).await);
    put(&app, "p", &policy(5)).await.is(200);
    let one = json!({"policy": "p", "key": "k"});
    assert!(!allowed(&app, &one).await, "eight are spent of five");
    put(&app, "p", &policy(10)).await.is(200);
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let said = check(&app, &one).await;
    assert_eq!((&said["allowed"], &said["remaining"]), (&json!(true), &json!(1)));
}

#[tokio::test]
async fn a_leaky_bucket_says_how_long_to_wait() {
    let stack = Stack::here();
    let app = stack.app().await;
    let policy = json!({"algorithm": "leaky_bucket", "limit": 1, "window_ms": 60_000, "burst": 3});
    put(&app, "p", &policy).await.is(201);
    let body = json!({"policy": "p", "key": "k"});
    let mut waits = Vec::new();
    for _ in 0..3 {
        let said = check(&app, &body).await;
        assert_eq!(said["allowed"], true);
        waits.push(said["retry_after_ms"].as_u64().unwrap());
    }
    assert_eq!(waits[0], 0);
    assert!((50_000..=60_000).contains(&waits[1]) && (100_000..=120_000).contains(&waits[2]));
    assert!(!allowed(&app, &body).await);
}

#[tokio::test]
async fn m11_bad_questions_are_refused_and_spend_nothing() {
    let stack = Stack::here();
    let app = stack.app().await;
    put(&app, "p", &json!({"limit": 5, "window_ms": 1_000, "burst": 3})).await.is(201);
    let long = "é".repeat(129);
    let twice = json!([{"policy": "p", "key": "k"}]);
    let many: Vec<Value> = (0..6).map(|n| json!({"policy": "p", "key": format!("{n}")})).collect();
    for (body, pointer) in [
        (json!({"policy": "p", "key": ""}), "/key"),
        (json!({"policy": "p", "key": long}), "/key"),
        (json!({"policy": "P!", "key": "k"}), "/policy"),
        (json!({"policy": "p", "key": "k", "cost": 4}), "/cost"),
        (json!({"policy": "p", "key": "k", "tier": "gold"}), "/tier"),
        (json!({"policy": "p", "key": "k", "also": twice}), "/also/0"),
        (json!({"policy": "p", "key": "k", "also": many}), "/also"),
        (
            json!({"policy": "p", "key": "a", "also": [{"policy": "p", "key": "b", "cost": 9}]}),
            "/also/0/cost",
        ),
    ] {
        let refused = app.ask("POST", CHECK).json(&body).send().await.is_problem(&INVALID);
        assert_eq!(refused["errors"][0]["pointer"], pointer, "{body}");
    }
    for body in [json!({"policy": "p", "key": "k", "cost": -1}), json!({"policy": "p"})] {
        app.ask("POST", CHECK).json(&body).send().await.is(422);
    }
    let unknown = json!({"policy": "none", "key": "k"});
    app.ask("POST", CHECK).json(&unknown).send().await.is_problem(&NOT_FOUND);
    let other = stack.app().await;
    let body = json!({"policy": "p", "key": "k"});
    other.ask("POST", CHECK).json(&body).send().await.is_problem(&NOT_FOUND);
    assert_eq!(peek(&app, "p", "k").await, 3);
}
