//! L15: reuse, and the caller's own names.

use crate::client::Stack;
use futures::future::join_all;
use serde_json::json;
use shared::links::error::EXTERNAL_ID_TAKEN;

const URL: &str = "https://example.com/";

#[tokio::test]
async fn l15_reuse_answers_200_with_the_live_link_of_the_same_application() {
    let stack = Stack::here();
    let (ann, bob) = (stack.app().await, stack.app().await);
    let link = json!({"long_url": URL, "max_clicks": 1_000, "reuse": true});
    let made = ann.shorten(&link).await;
    made.is(201);
    let again = ann.shorten(&link).await;
    assert_eq!(again.is(200), made.value());
    assert_eq!(again.header("location"), made.header("location"));
    assert_eq!(again.header("etag"), made.header("etag"));
    bob.shorten(&link).await.is(201);
    ann.shorten(&json!({"long_url": URL, "reuse": true})).await.is(201);
    let path = format!("/api/v1/links/{}", made.value()["short_code"].as_str().unwrap());
    ann.ask("DELETE", &path).send().await.is(204);
    let fresh = ann.shorten(&link).await.is(201);
    assert_ne!(fresh["short_code"], made.value()["short_code"]);
    stack.follow(fresh["short_code"].as_str().unwrap()).await.is(302);
}

#[tokio::test]
async fn l15_of_50_concurrent_reuses_all_answers_redirect_and_few_links_are_made() {
    let stack = Stack::here();
    let app = stack.app().await;
    let link = json!({"long_url": URL, "reuse": true});
    let answers = join_all((0..50).map(|_| app.shorten(&link))).await;
    let made = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(made, 1, "one replica has one lane");
    for answer in &answers {
        assert_eq!(answer.value()["short_code"], answers[0].value()["short_code"]);
    }
    stack.follow(answers[0].value()["short_code"].as_str().unwrap()).await.is(302);
}

#[tokio::test]
async fn l15_an_external_id_is_unique_among_the_live_links_of_an_application() {
    let stack = Stack::here();
    let (ann, bob) = (stack.app().await, stack.app().await);
    let link = json!({"long_url": URL, "external_id": "order/17"});
    let code = ann.code(&link).await;
    let path = format!("/api/v1/links/{code}");
    assert_eq!(ann.get(&path).await.is(200)["external_id"], "order/17");
    ann.shorten(&link).await.is_problem(&EXTERNAL_ID_TAKEN);
    bob.shorten(&link).await.is(201);
    let reused = json!({"long_url": URL, "external_id": "order/17", "reuse": true});
    assert_eq!(ann.shorten(&reused).await.is(200)["short_code"], code);
    let other = json!({"long_url": "https://o.example/", "external_id": "order/17", "reuse": true});
    ann.shorten(&other).await.is_problem(&EXTERNAL_ID_TAKEN);
    ann.ask("DELETE", &path).send().await.is(204);
    ann.shorten(&link).await.is(201);
}
