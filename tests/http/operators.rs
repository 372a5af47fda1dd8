//! The operator's API: applications, keys, what stuck on the roads, numbers, health.

use crate::client::{Stack, alias};
use serde_json::json;
use shared::problem::{
    CONFLICT, MALFORMED, METHOD_NOT_ALLOWED, NOT_FOUND, TOO_LARGE, UNACCEPTABLE,
    UNSUPPORTED_MEDIA_TYPE,
};

const APPS: &str = "/admin/applications";
const KEYS: &str = "/admin/keys";

#[tokio::test]
async fn an_application_is_made_once_and_listed() {
    let stack = Stack::here();
    let name = alias();
    let post = || stack.admin("POST", APPS).json(&json!({"name": name, "tier": "gold"})).send();
    let made = post().await.is(201);
    assert!(made["id"].as_str().unwrap().starts_with("app_"));
    assert_eq!((&made["name"], &made["tier"]), (&json!(name), &json!("gold")));
    post().await.is_problem(&CONFLICT);
    let (mut found, mut cursor) = (0, String::new());
    loop {
        let page = stack.admin("GET", &format!("{APPS}?limit=200{cursor}")).send().await.is(200);
        found += page["items"].as_array().unwrap().iter().filter(|app| **app == made).count();
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(found, 1);
}

#[tokio::test]
async fn what_is_no_application_and_no_key_is_refused() {
    let stack = Stack::here();
    let app = stack.app().await;
    for (path, body, pointer) in [
        (APPS, json!({"name": ""}), "/name"),
        (APPS, json!({"name": "x".repeat(101)}), "/name"),
        (APPS, json!({"name": "a\r\nb"}), "/name"),
        (APPS, json!({"name": "a", "tier": "Gold!"}), "/tier"),
        (APPS, json!({"name": "a", "id": "app_1"}), "/id"),
        (KEYS, json!({"app": "app_none", "scopes": ["links:read"]}), "/app"),
        (KEYS, json!({"app": app.id, "scopes": []}), "/scopes"),
        (KEYS, json!({"app": app.id, "scopes": ["links:fly"]}), "/scopes"),
        (KEYS, json!({"app": app.id, "scopes": ["links:read links:write"]}), "/scopes"),
    ] {
        let problem = stack.admin("POST", path).json(&body).send().await;
        let problem = problem.is_problem(&UNACCEPTABLE);
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{body}");
    }
    for path in [APPS, KEYS] {
        let post = || stack.admin("POST", path).header("content-type", "application/json");
        post().body("{").send().await.is_problem(&MALFORMED);
        post().body(vec![b' '; 100_000]).send().await.is_problem(&TOO_LARGE);
        let text = stack.admin("POST", path).header("content-type", "text/plain").body("{}");
        text.send().await.is_problem(&UNSUPPORTED_MEDIA_TYPE);
    }
    stack.admin("DELETE", "/admin/keys/none").send().await.is_problem(&NOT_FOUND);
    let other = stack.admin("DELETE", APPS).send().await;
    other.is_problem(&METHOD_NOT_ALLOWED);
    assert_eq!(other.header("allow"), "POST, GET, HEAD");
    stack.admin("GET", "/admin/nothing").send().await.is_problem(&NOT_FOUND);
}

#[tokio::test]
async fn what_stuck_on_the_roads_is_listed() {
    let stack = Stack::here();
    for path in ["/admin/outbox", "/admin/outbox?parked", "/admin/dead-letters"] {
        let page = stack.admin("GET", path).send().await.is(200);
        assert!(page["items"].is_array() && page.get("next_cursor").is_some(), "{path}: {page}");
    }
    for path in ["/admin/outbox?limit=0", "/admin/dead-letters?parked", "/admin/outbox?x=1"] {
        stack.admin("GET", path).send().await.is_problem(&UNACCEPTABLE);
    }
    for id in ["1", "none", "18446744073709551615"] {
        let retry = stack.admin("POST", &format!("/admin/outbox/{id}/retry"));
        retry.send().await.is_problem(&NOT_FOUND);
    }
}

#[tokio::test]
async fn numbers_are_there_for_prometheus() {
    let stack = Stack::alone();
    let route = "route=\"/admin/dead-letters\"";
    let before = stack.count("requests_total", route).await;
    for _ in 0..3 {
        stack.admin("GET", "/admin/dead-letters").send().await.is(200);
    }
    assert_eq!(stack.count("requests_total", route).await, before + 3);
    let metrics = stack.admin("GET", "/metrics").send().await;
    assert!(metrics.header("content-type").starts_with("application/openmetrics-text"));
    let text = metrics.text();
    for series in [
        "requests_total{",
        "request_seconds_bucket{",
        "request_seconds_count{",
        "outbox_rows ",
        "outbox_parked ",
        "outbox_age_ms ",
        "link_reads_total ",
        "lane_inputs_count ",
        "relayed_total ",
        "relay_failures_total ",
        "events_applied_total ",
        "events_missing_total ",
        "dead_letters_total ",
    ] {
        assert!(text.lines().any(|line| line.starts_with(series)), "{series} is missing");
    }
    assert!(text.ends_with("# EOF\n"));
    for open in ["/t-", "\"t-", "app_"] {
        assert!(!text.contains(open), "a label from an open set: {open}");
    }
}

#[tokio::test]
async fn health_says_the_version_of_each_side() {
    let stack = Stack::here();
    let edge = stack.edge("GET", "/healthz").send().await.is(200);
    for path in ["/healthz", "/readyz"] {
        let origin = stack.origin("GET", path).send().await.is(200);
        assert_eq!(origin, json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")}));
    }
    assert!(edge["version"].as_str().unwrap().starts_with(env!("CARGO_PKG_VERSION")));
}
