//! L11: the redirect itself.

use crate::client::Stack;
use serde_json::json;
use shared::links::error::{INVALID, NOT_FOUND};
use shared::problem::METHOD_NOT_ALLOWED;

const URL: &str = "https://example.com/a?b=c&d=%20#e";

#[tokio::test]
async fn l11_a_redirect_is_302_unless_asked_and_only_permanent_ones_are_kept() {
    let stack = Stack::here();
    let app = stack.app().await;
    for (given, status, kept) in [
        (json!({"long_url": URL}), 302, "private, no-store"),
        (json!({"long_url": URL, "redirect": 302}), 302, "private, no-store"),
        (json!({"long_url": URL, "redirect": 307}), 307, "private, no-store"),
        (json!({"long_url": URL, "redirect": 301}), 301, "public, max-age=3600"),
        (json!({"long_url": URL, "redirect": 308}), 308, "public, max-age=3600"),
    ] {
        let made = app.shorten(&given).await.is(201);
        assert_eq!(made["redirect"], status);
        let path = format!("/{}", made["short_code"].as_str().unwrap());
        for method in ["GET", "HEAD"] {
            let answer = stack.edge(method, &path).send().await;
            assert_eq!(answer.leads(status), URL);
            assert_eq!(answer.header("cache-control"), kept);
            assert!(answer.body.is_empty());
        }
    }
    for wrong in [json!(303), json!(200), json!(0), json!(65_838)] {
        let body = json!({"long_url": URL, "redirect": wrong});
        let problem = app.shorten(&body).await.is(422);
        assert_eq!(problem["errors"][0]["pointer"], "/redirect", "{wrong}");
    }
    app.shorten(&json!({"long_url": URL, "redirect": 303})).await.is_problem(&INVALID);
}

#[tokio::test]
async fn a_code_that_was_never_issued_is_404_and_other_methods_are_405() {
    let stack = Stack::here();
    let app = stack.app().await;
    for code in ["zzzzzzz", "ab", "favicon.ico", "robots.txt", "a%2Fb", &"x".repeat(65), "metrics"]
    {
        stack.follow(code).await.is_problem(&NOT_FOUND);
    }
    let code = app.code(&json!({"long_url": URL})).await;
    for method in ["PUT", "PATCH", "DELETE"] {
        let answer = stack.edge(method, &format!("/{code}")).send().await;
        answer.is_problem(&METHOD_NOT_ALLOWED);
        assert_eq!(answer.header("allow"), "GET, HEAD, POST");
    }
    let own = format!("/{code}");
    assert_eq!(stack.edge("POST", &own).send().await.leads(303), own, "it has no password");
    let asked = stack.edge("GET", &format!("/{code}?utm_source=x")).send().await;
    assert_eq!(asked.leads(302), URL, "a query is not passed on");
}
