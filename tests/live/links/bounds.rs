//! L14: links that may be followed so many times, and what comes after.

use crate::client::{Answer, Stack};
use futures::{StreamExt, stream};
use serde_json::json;
use shared::links::error::{GONE, INVALID, USED_UP};

const URL: &str = "https://example.com/";
const OVER: &str = "https://over.example/";

/// `count` requests, as many at once as a browser farm would send.
async fn rush(stack: &Stack, method: &str, code: &str, count: usize) -> Vec<Answer> {
    let path = format!("/{code}");
    let asks = stream::iter(0..count).map(|n| {
        let ask = stack.edge(method, &path);
        // Crawlers spend as people do.
        let ask = if n % 5 == 0 { ask.header("user-agent", "curl/8.5.0") } else { ask };
        ask.send()
    });
    asks.buffer_unordered(64).collect().await
}

#[tokio::test]
async fn l14_of_300_concurrent_gets_exactly_100_are_redirected() {
    let stack = Stack::here();
    let app = stack.app().await;
    let code = app.code(&json!({"long_url": URL, "max_clicks": 100})).await;
    for head in rush(&stack, "HEAD", &code, 50).await {
        assert_eq!(head.leads(302), URL);
        assert_eq!(head.header("cache-control"), "private, no-store");
    }
    let answers = rush(&stack, "GET", &code, 300).await;
    let (went, over): (Vec<_>, Vec<_>) = answers.iter().partition(|one| one.status == 302);
    assert_eq!((went.len(), over.len()), (100, 200));
    assert!(went.iter().all(|one| one.leads(302) == URL));
    for one in over {
        one.is_problem(&USED_UP);
    }
    stack.follow(&code).await.is_problem(&USED_UP);
    // What was never answered with a redirect is no click.
    let path = format!("/api/v1/stats/{code}");
    for _ in 0..100 {
        let stats = app.get(&path).await.is(200);
        let total = stats["clicks"].as_u64().unwrap() + stats["bots"].as_u64().unwrap();
        assert!(total <= 100, "{stats}");
        if total == 100 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("100 clicks were served and not counted");
}

#[tokio::test]
async fn l14_what_is_used_up_leads_to_its_fallback() {
    let stack = Stack::here();
    let app = stack.app().await;
    let link = json!({"long_url": URL, "redirect": 301, "max_clicks": 10, "fallback_url": OVER});
    let code = app.code(&link).await;
    let answers = rush(&stack, "GET", &code, 60).await;
    assert_eq!(answers.iter().filter(|one| one.status == 301).count(), 10);
    for one in answers.iter().filter(|one| one.status != 301) {
        assert_eq!(one.leads(302), OVER);
        assert_eq!(one.header("cache-control"), "private, no-store");
    }
    assert!(answers.iter().all(|one| one.header("cache-control") == "private, no-store"));
}

#[tokio::test]
async fn l14_the_bound_can_be_raised_and_removed_and_counts_from_the_first_click() {
    let stack = Stack::here();
    let app = stack.app().await;
    let code = app.code(&json!({"long_url": URL, "max_clicks": 2})).await;
    let path = format!("/api/v1/links/{code}");
    let patch = async |body| drop(app.ask("PATCH", &path).json(&body).send().await.is(200));
    for _ in 0..2 {
        stack.follow(&code).await.is(302);
    }
    stack.follow(&code).await.is_problem(&USED_UP);
    patch(json!({"max_clicks": 5})).await;
    let answers = rush(&stack, "GET", &code, 20).await;
    assert_eq!(answers.iter().filter(|one| one.status == 302).count(), 3);
    patch(json!({"fallback_url": OVER})).await;
    assert_eq!(stack.follow(&code).await.leads(302), OVER);
    patch(json!({"max_clicks": null})).await;
    assert_eq!(stack.follow(&code).await.leads(302), URL);
    patch(json!({"max_clicks": 4, "fallback_url": null})).await;
    stack.follow(&code).await.is_problem(&USED_UP);
}

#[tokio::test]
async fn l14_an_expired_link_leads_to_its_fallback_and_a_deleted_one_nowhere() {
    let stack = Stack::here();
    let app = stack.app().await;
    let soon = shared::time::Millis(origin::db::now().0 + 1_000).to_rfc3339();
    let link = json!({"long_url": URL, "expiry": soon, "fallback_url": OVER});
    let code = app.code(&link).await;
    assert_eq!(stack.follow(&code).await.leads(302), URL);
    tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
    assert_eq!(stack.follow(&code).await.leads(302), OVER);
    app.ask("DELETE", &format!("/api/v1/links/{code}")).send().await.is(204);
    stack.follow(&code).await.is_problem(&GONE);
}

#[tokio::test]
async fn l14_bounds_and_fallbacks_that_make_no_sense_are_422() {
    let stack = Stack::here();
    let app = stack.app().await;
    for (field, value) in [
        ("max_clicks", json!(0)),
        ("max_clicks", json!(1u64 << 53)),
        ("fallback_url", json!("ftp://over.example/")),
        ("fallback_url", json!(format!("{}/x", stack.public))),
        ("fallback_url", json!("https://over.example/\r\nX: y")),
        ("external_id", json!("")),
        ("external_id", json!("a b")),
        ("external_id", json!("é")),
        ("external_id", json!("x".repeat(201))),
    ] {
        let problem = app.shorten(&json!({"long_url": URL, field: value})).await;
        let problem = problem.is_problem(&INVALID);
        assert_eq!(problem["errors"][0]["pointer"], format!("/{field}"), "{value}");
    }
    for (field, value) in [
        ("max_clicks", json!(-1)),
        ("max_clicks", json!(1.5)),
        ("max_clicks", json!("9")),
        ("reuse", json!("yes")),
    ] {
        let problem = app.shorten(&json!({"long_url": URL, field: value})).await.is(422);
        assert_eq!(problem["errors"][0]["pointer"], format!("/{field}"), "{value}");
    }
}
