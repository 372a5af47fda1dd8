//! The preview: where a link leads, without going there (L20: look-alikes are seen).

use crate::client::Stack;
use serde_json::json;
use shared::links::error::{GONE, NOT_FOUND, USED_UP};
use std::time::Duration;

#[tokio::test]
async fn a_preview_shows_the_target_and_goes_nowhere() {
    let stack = Stack::here();
    let app = stack.app().await;
    for (given, host, shown) in [
        ("https://example.com/a?b=c&d=e#f", "example.com", "https://example.com/a?b=c&amp;d=e#f"),
        // Cyrillic а.
        ("https://\u{430}pple.example/", "xn--pple-43d.example", "https://xn--pple-43d.example/"),
        ("https://m\u{fc}ller.example/", "xn--mller-kva.example", "https://xn--mller-kva.example/"),
        (
            "https://good.example@evil.example/",
            "evil.example",
            "https://good.example@evil.example/",
        ),
        (
            "https://example.com/?q='><script>alert(1)</script>",
            "example.com",
            "https://example.com/?q=%27%3E%3Cscript%3Ealert(1)%3C/script%3E",
        ),
        (
            "https://example.com/#'><b onload=\"x\">",
            "example.com",
            "https://example.com/#&#39;%3E%3Cb%20onload=%22x%22%3E",
        ),
    ] {
        let code = app.code(&json!({"long_url": given, "redirect": 301})).await;
        let page = stack.edge("GET", &format!("/{code}+")).send().await;
        page.is(200);
        assert_eq!(page.header("location"), "", "{given}");
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        assert_eq!(page.header("cache-control"), "private, no-store");
        assert_eq!(page.header("refresh"), "");
        let policy = page.header("content-security-policy");
        assert!(policy.contains("default-src 'none'"), "{policy}");
        let text = page.text();
        assert!(text.contains(&format!("leads to {host}</h1>")), "{given}: {text}");
        assert!(text.contains(&format!("href=\"{shown}\">{shown}</a>")), "{given}: {text}");
        assert!(!text.contains("<script") && !text.contains("onload=\""), "{given}: {text}");
        assert!(!text.contains("http-equiv"), "{text}");
        let head = stack.edge("HEAD", &format!("/{code}+")).send().await;
        assert_eq!((head.status, head.header("location"), head.body.len()), (200, "", 0));
    }
}

#[tokio::test]
async fn a_preview_shows_whom_it_is_for_and_is_no_click() {
    let stack = Stack::here();
    let app = stack.app().await;
    let rules = json!([{"language": ["fr"], "to": "https://fr.example/"}]);
    let link = json!({"long_url": "https://example.com/", "rules": rules, "max_clicks": 1});
    let code = app.code(&link).await;
    let look = |language: &str| {
        stack.edge("GET", &format!("/{code}+")).header("accept-language", language).send()
    };
    for _ in 0..10 {
        assert!(look("fr").await.text().contains("leads to fr.example</h1>"));
        assert!(look("en").await.text().contains("leads to example.com</h1>"));
    }
    stack.follow(&code).await.is(302);
    stack.follow(&code).await.is_problem(&USED_UP);
    tokio::time::sleep(Duration::from_secs(3)).await;
    let stats = app.get(&format!("/api/v1/stats/{code}")).await.is(200);
    assert_eq!((&stats["clicks"], &stats["bots"]), (&json!(1), &json!(0)));
}

#[tokio::test]
async fn a_preview_of_nothing_is_404_and_of_what_was_deleted_410() {
    let stack = Stack::here();
    let app = stack.app().await;
    for path in ["/zzzzzzz+", "/+", "/ab+", "/abcdefg++", "/abc+def", "/healthz+"] {
        stack.edge("GET", path).send().await.is_problem(&NOT_FOUND);
    }
    let code = app.code(&json!({"long_url": "https://example.com/"})).await;
    stack.edge("GET", &format!("/{code}+")).send().await.is(200);
    stack.edge("GET", &format!("/{code}%2B")).send().await.is_problem(&NOT_FOUND);
    app.ask("DELETE", &format!("/api/v1/links/{code}")).send().await.is(204);
    stack.edge("GET", &format!("/{code}+")).send().await.is_problem(&GONE);
    let soon = shared::time::Millis(origin::db::now().0 + 500).to_rfc3339();
    let link = json!({"long_url": "https://example.com/", "expiry": soon});
    let code = app.code(&link).await;
    tokio::time::sleep(Duration::from_millis(1_000)).await;
    stack.edge("GET", &format!("/{code}+")).send().await.is_problem(&GONE);
}
