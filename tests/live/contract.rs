//! What every answer of the API has: request ids, conditions, HEAD, OPTIONS, health.

use crate::client::Stack;
use serde_json::json;
use shared::links::error::NOT_FOUND;
use shared::problem::{self, METHOD_NOT_ALLOWED};
use std::time::Duration;

const URL: &str = "https://example.com/";

#[tokio::test]
async fn a_request_id_is_ours_and_a_clients_is_logged_beside_it() {
    let stack = Stack::here();
    let app = stack.app().await;
    let theirs = crate::client::alias();
    let parent = format!("00-{}-00f067aa0ba902b7-01", hex::encode(rand::random::<[u8; 16]>()));
    let path = "/api/v1/links/never-was";
    let ask = app.ask("GET", path).header("x-request-id", &theirs);
    let answer = ask.header("traceparent", &parent).send().await;
    let ours = answer.header("x-request-id").to_owned();
    assert_ne!(ours, theirs);
    assert_eq!(answer.is_problem(&NOT_FOUND)["instance"], ours);
    let again = app.get(path).await;
    assert_ne!(again.header("x-request-id"), ours);
    let has = |side: &str, words: [&str; 2]| {
        let log = std::fs::read_to_string(stack.data_dir.join(side)).unwrap();
        log.lines().any(|line| words.iter().all(|word| line.contains(word)))
    };
    // A log reaches its file through a pipe.
    for _ in 0..50 {
        if has("edge.log", [&ours, &theirs]) && has("origin.log", [&ours, &parent]) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{ours} with {theirs} or {parent} stands in neither log");
}

#[tokio::test]
async fn an_unchanged_link_is_304_without_a_body() {
    let stack = Stack::here();
    let app = stack.app().await;
    let code = app.code(&json!({"long_url": URL})).await;
    let path = format!("/api/v1/links/{code}");
    let tag = app.get(&path).await.header("etag").to_owned();
    let ask = |method: &str, tag: &str| app.ask(method, &path).header("if-none-match", tag).send();
    for same in [tag.as_str(), "*", &format!("\"x\", {tag}"), &format!("W/{tag}")] {
        for method in ["GET", "HEAD"] {
            let answer = ask(method, same).await;
            answer.is(304);
            assert!(answer.body.is_empty());
            assert_eq!(answer.header("etag"), tag);
        }
    }
    ask("GET", "\"x\"").await.is(200);
    app.ask("PATCH", &path).json(&json!({"title": "new"})).send().await.is(200);
    let changed = ask("GET", &tag).await;
    assert_eq!(changed.is(200)["title"], "new");
    assert_ne!(changed.header("etag"), tag);
}

#[tokio::test]
async fn a_head_has_the_status_and_the_headers_of_its_get_and_no_body() {
    let stack = Stack::here();
    let app = stack.app().await;
    let code = app.code(&json!({"long_url": URL})).await;
    let link = format!("/api/v1/links/{code}");
    let stats = format!("/api/v1/stats/{code}");
    for path in [
        "/healthz",
        "/api/openapi.json",
        "/problems/links/gone",
        "/problems/links/none",
        "/api/v1/links",
        "/api/v1/links/never-was",
        "/never-was",
        &link,
        &stats,
    ] {
        let (get, head) = (app.get(path).await, app.ask("HEAD", path).send().await);
        assert_eq!(head.status, get.status, "{path}");
        assert!(head.body.is_empty() && !get.body.is_empty(), "{path}");
        for name in ["content-type", "etag", "cache-control"] {
            assert_eq!(head.header(name), get.header(name), "{path}: {name}");
        }
    }
    stack.edge("HEAD", &link).send().await.is(401);
}

#[tokio::test]
async fn another_method_is_405_and_says_which_there_are() {
    let stack = Stack::here();
    let app = stack.app().await;
    for (method, path, allow) in [
        ("GET", "/api/v1/shorten", "POST"),
        ("DELETE", "/api/v1/links", "GET, HEAD"),
        ("PUT", "/api/v1/links/abcdefg", "GET, HEAD, PATCH, DELETE"),
        ("POST", "/healthz", "GET, HEAD"),
        ("PUT", "/api/v1/tokens", "POST"),
    ] {
        let answer = app.ask(method, path).send().await;
        answer.is_problem(&METHOD_NOT_ALLOWED);
        assert_eq!(answer.header("allow"), allow, "{method} {path}");
    }
    app.get("/api/v1/nothing").await.is_problem(&problem::NOT_FOUND);
    app.get("/api/v2/links").await.is_problem(&problem::NOT_FOUND);
}

#[tokio::test]
async fn no_web_page_may_call_unless_it_is_configured() {
    let stack = Stack::here();
    let app = stack.app().await;
    let page = "https://page.example";
    let preflight = stack
        .edge("OPTIONS", "/api/v1/shorten")
        .header("origin", page)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization");
    let answers = [
        preflight.send().await,
        app.ask("GET", "/api/v1/links").header("origin", page).send().await,
        app.ask("GET", "/api/v1/links").header("origin", "null").send().await,
    ];
    assert_eq!(answers[0].status, 204);
    assert_eq!(answers[0].header("allow"), "POST, OPTIONS");
    for answer in answers {
        let names = answer.headers.keys().map(reqwest::header::HeaderName::as_str);
        assert_eq!(names.filter(|name| name.starts_with("access-control-")).count(), 0);
    }
    let link = stack.edge("OPTIONS", "/api/v1/links/abcdefg").send().await;
    assert_eq!(link.header("allow"), "GET, HEAD, PATCH, DELETE, OPTIONS");
    stack.edge("OPTIONS", "/api/v1/nothing").send().await.is(404);
}

#[tokio::test]
async fn health_says_its_version_and_does_not_ask_the_origin() {
    let stack = Stack::alone();
    let before = stack.count("requests_total", "").await;
    for _ in 0..10 {
        let health = stack.edge("GET", "/healthz").send().await.is(200);
        assert_eq!(health["status"], "ok");
        assert!(health["version"].as_str().unwrap().starts_with(env!("CARGO_PKG_VERSION")));
    }
    // The count itself is a request that it counts.
    assert_eq!(stack.count("requests_total", "").await, before + 1);
}

#[tokio::test]
async fn answers_say_how_long_they_may_be_kept_and_that_they_are_no_page() {
    let stack = Stack::here();
    let app = stack.app().await;
    let code = app.code(&json!({"long_url": URL})).await;
    for (path, kept) in [
        (format!("/api/v1/links/{code}"), "private, no-cache"),
        ("/api/v1/links".into(), "private, no-store"),
        ("/healthz".into(), "no-store"),
        ("/never-was".into(), "private, no-store"),
        ("/api/openapi.json".into(), "public, max-age=300"),
    ] {
        let answer = app.get(&path).await;
        assert_eq!(answer.header("cache-control"), kept, "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(
            answer.header("content-security-policy"),
            "default-src 'none'; frame-ancestors 'none'"
        );
    }
}
