//! Every piece of a policy or of a backtest that is wrong gets a clear 4xx, which points at it.

use super::policies::put;
use crate::client::{Answer, App, Stack};
use crate::raw;
use serde_json::{Value, json};
use shared::limits::backtest::BYTES_MAX;
use shared::limits::error::{INVALID, NOT_FOUND};
use shared::problem::{
    Kind, LENGTH_REQUIRED, MALFORMED, TOO_LARGE, UNACCEPTABLE, UNSUPPORTED_MEDIA_TYPE,
};

const BACKTEST: &str = "/api/v1/limits/backtest";

fn points_at(answer: &Answer, kind: &Kind, pointer: &str) -> Value {
    let problem = answer.is_problem(kind);
    assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    problem
}

#[tokio::test]
async fn m18_a_log_above_its_bound_names_the_counter() {
    let stack = Stack::here();
    let app = stack.app().await;
    let log =
        |limit: u64| json!({"algorithm": "sliding_window_log", "limit": limit, "window_ms": 1});
    let refused = points_at(&put(&app, "p", &log(10_001)).await, &INVALID, "/limit");
    let detail = refused["errors"][0]["detail"].as_str().unwrap();
    assert!(detail.contains("sliding_window_counter"), "{detail}");
    let list = json!({"all": [{"limit": 1, "window_ms": 1}, log(10_001)]});
    points_at(&put(&app, "p", &list).await, &INVALID, "/all/1/limit");
    let tier = json!({"algorithm": "sliding_window_log", "limit": 1, "window_ms": 1,
        "tiers": {"pro": {"limit": 10_001}}});
    points_at(&put(&app, "p", &tier).await, &INVALID, "/tiers/pro/limit");
    app.get("/api/v1/limits/policies/p").await.is_problem(&NOT_FOUND);
    put(&app, "p", &log(10_000)).await.is(201);
}

#[tokio::test]
async fn what_is_no_policy_is_422_and_says_where() {
    let stack = Stack::here();
    let app = stack.app().await;
    let with = |field: &str, value: Value| {
        let mut policy = json!({"limit": 5, "window_ms": 1_000});
        policy[field] = value;
        policy
    };
    for (policy, pointer) in [
        (json!({}), "/limit"),
        (with("limit", json!(0)), "/limit"),
        (with("limit", json!(100_000_001)), "/limit"),
        (with("window_ms", json!(0)), "/window_ms"),
        (with("window_ms", json!(366 * 86_400_000_u64 + 1)), "/window_ms"),
        (with("burst", json!(0)), "/burst"),
        (with("timeout_ms", json!(49)), "/timeout_ms"),
        (with("timeout_ms", json!(5_001)), "/timeout_ms"),
        (with("tiers", json!({"Pro": {}})), "/tiers/Pro"),
        (with("tiers", json!({"pro": {"limit": 0}})), "/tiers/pro/limit"),
        (with("all", json!([{"limit": 1, "window_ms": 1}])), "/all"),
        (json!({"all": vec![json!({"limit": 1, "window_ms": 1}); 5]}), "/all"),
        (json!({"all": [{"limit": 1, "window_ms": 0}]}), "/all/0/window_ms"),
    ] {
        points_at(&put(&app, "p", &policy).await, &INVALID, pointer);
    }
    for (policy, pointer) in [
        (with("limit", json!("5")), "/limit"),
        (with("limit", json!(-1)), "/limit"),
        (with("limit", json!(1.5)), "/limit"),
        (with("algorithm", json!("magic")), "/algorithm"),
        (with("on_failure", json!("maybe")), "/on_failure"),
        (with("shadow", json!(1)), "/shadow"),
        (with("limits", json!(1)), "/limits"),
        (with("tiers", json!({"pro": {"rate": 1}})), "/tiers/pro/rate"),
        (json!([]), ""),
    ] {
        points_at(&put(&app, "p", &policy).await, &UNACCEPTABLE, pointer);
    }
    let long = "a".repeat(65);
    for name in ["A", "a_b", "a.b", "%C3%A4", "%2e%2e%2f", &long] {
        points_at(&put(&app, name, &with("limit", json!(1))).await, &INVALID, "/name");
        let path = format!("/api/v1/limits/policies/{name}");
        app.get(&path).await.is_problem(&NOT_FOUND);
        app.ask("DELETE", &path).send().await.is_problem(&NOT_FOUND);
        app.get(&format!("{path}/usage")).await.is_problem(&NOT_FOUND);
    }
    let path = "/api/v1/limits/policies/p";
    let ask = || app.ask("PUT", path).header("content-type", "application/json");
    ask().body("{").send().await.is_problem(&MALFORMED);
    ask().body(vec![b' '; 70_000]).send().await.is_problem(&TOO_LARGE);
    app.ask("PUT", path).body("{}").send().await.is_problem(&UNSUPPORTED_MEDIA_TYPE);
    app.get(path).await.is_problem(&NOT_FOUND);
}

async fn test(app: &App<'_>, body: &Value) -> Answer {
    app.ask("POST", BACKTEST).json(body).send().await
}

#[tokio::test]
async fn what_is_no_backtest_is_refused_and_says_where() {
    let stack = Stack::here();
    let app = stack.app().await;
    let policy = json!({"limit": 1, "window_ms": 1, "tiers": {"pro": {}}});
    let long = "k".repeat(257);
    for (log, pointer) in [
        (json!([[1, "a"], [2]]), "/log/1"),
        (json!([[1, "a"], [-2, "a"]]), "/log/1/0"),
        (json!([[1, "a"], ["yesterday", "a"]]), "/log/1/0"),
        (json!([[1, ""]]), "/log/0/1"),
        (json!([[1, long]]), "/log/0/1"),
        (json!([[1, "a", -1]]), "/log/0/2"),
        (json!([[1, "a", 1, 1]]), "/log/0"),
        (json!([{"at": 1, "key": "a", "units": 1}]), "/log/0/units"),
        (json!([{"at": 1.5, "key": "a"}]), "/log/0/at"),
        (json!([{"at": 1}]), "/log/0"),
        (json!({}), "/log"),
    ] {
        let answer = test(&app, &json!({"policy": policy, "log": log})).await;
        points_at(&answer, &UNACCEPTABLE, pointer);
    }
    for (body, kind, pointer) in [
        (json!({"policy": policy}), &UNACCEPTABLE, ""),
        (json!({"policy": 1, "log": []}), &UNACCEPTABLE, "/policy"),
        (json!({"policy": {}, "log": []}), &INVALID, "/policy/limit"),
        (json!({"policy": "A", "log": []}), &INVALID, "/policy"),
        (json!({"policy": policy, "tier": "max", "log": []}), &INVALID, "/tier"),
        (json!({"policy": policy, "log": [], "more": 1}), &UNACCEPTABLE, "/more"),
    ] {
        points_at(&test(&app, &body).await, kind, pointer);
    }
    test(&app, &json!({"policy": "none", "log": []})).await.is_problem(&NOT_FOUND);
    let ask = || app.ask("POST", BACKTEST).header("content-type", "application/json");
    for body in ["{", "[1,", "{\"policy\":\"p\",\"log\":[[1,\"a\"]"] {
        ask().body(body).send().await.is_problem(&MALFORMED);
    }
    ask().body(vec![0xff; 100]).send().await.is_problem(&MALFORMED);
    app.ask("POST", BACKTEST).body("{}").send().await.is_problem(&UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn a_log_needs_its_length_and_has_a_bound() {
    let stack = Stack::here();
    let app = stack.app().await;
    let ask = stack.http.post(format!("{}{BACKTEST}", stack.edge)).bearer_auth(&app.key);
    let ask = ask.header("content-type", "application/json");
    let text = json!({"policy": {"limit": 1, "window_ms": 1}, "log": []}).to_string();
    let part = Ok::<_, std::io::Error>(text.into_bytes());
    let body = reqwest::Body::wrap_stream(futures::stream::iter([part]));
    let answer = ask.body(body).send().await.unwrap();
    assert_eq!(answer.status(), 411);
    let problem: Value = answer.json().await.unwrap();
    assert!(problem["type"].as_str().unwrap().ends_with(LENGTH_REQUIRED.slug), "{problem}");
    // Said, never sent: it is refused before a byte of it is read.
    let length = format!("Content-Length: {}", BYTES_MAX + 1);
    let key = format!("Authorization: Bearer {}", app.key);
    let headers = [length.as_bytes(), key.as_bytes(), b"Content-Type: application/json"];
    let line = format!("POST {BACKTEST}");
    let answer = raw::head(&stack, line.as_bytes(), &headers);
    assert!(answer.is_ours(), "{}", answer.text);
    assert_eq!(answer.status, 413, "{}", answer.text);
}
