//! L16: changes under conditions, and deletes that are for ever.

use crate::client::{Stack, alias};
use futures::future::join_all;
use serde_json::{Value, json};
use shared::links::error::{ALIAS_TAKEN, GONE, INVALID, NOT_FOUND};
use shared::problem::PRECONDITION_FAILED;

const URL: &str = "https://example.com/";

#[tokio::test]
async fn l16_a_patch_changes_what_it_names_and_nothing_else() {
    let stack = Stack::here();
    let app = stack.app().await;
    let body = json!({"long_url": URL, "title": "Ä title", "tags": ["b", "a", "b"]});
    let made = app.shorten(&body).await.is(201);
    assert_eq!(made["tags"], json!(["a", "b"]));
    let path = format!("/api/v1/links/{}", made["short_code"].as_str().unwrap());
    let mut wanted = made.clone();
    for (field, value) in [
        ("long_url", json!("https://example.org/x")),
        ("expiry", json!("2040-01-01T00:00:00.000Z")),
        ("redirect", json!(308)),
        ("title", Value::Null),
        ("tags", json!(["c"])),
        ("expiry", Value::Null),
    ] {
        let changed = app.ask("PATCH", &path).json(&json!({field: value})).send().await;
        let shown = if field == "expiry" { "expires_at" } else { field };
        wanted[shown] = value;
        assert_eq!(changed.is(200), wanted, "{field}");
        let read = app.get(&path).await;
        assert_eq!(read.is(200), wanted, "{field}");
        assert_eq!(read.header("etag"), changed.header("etag"));
    }
    for (wrong, pointer) in [
        (json!({"long_url": "javascript:1"}), "/long_url"),
        (json!({"long_url": null}), "/long_url"),
        (json!({"expiry": "2020-01-01"}), "/expiry"),
        (json!({"redirect": 200}), "/redirect"),
        (json!({"title": "x".repeat(201)}), "/title"),
        (json!({"tags": ["ok", ""]}), "/tags/1"),
        (json!({"custom_alias": "other"}), "/custom_alias"),
        (json!({"id": "lnk_1"}), "/id"),
    ] {
        let problem = app.ask("PATCH", &path).json(&wrong).send().await.is(422);
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{wrong}");
    }
    let wrong = json!({"redirect": 200});
    app.ask("PATCH", &path).json(&wrong).send().await.is_problem(&INVALID);
    assert_eq!(app.get(&path).await.is(200), wanted);
}

#[tokio::test]
async fn l16_if_match_is_honoured_by_patch_and_delete() {
    let stack = Stack::here();
    let app = stack.app().await;
    let made = app.shorten(&json!({"long_url": URL})).await;
    let path = format!("/api/v1/links/{}", made.is(201)["short_code"].as_str().unwrap());
    let first = made.header("etag").to_owned();
    assert!(first.starts_with('"') && first.ends_with('"'), "{first}");
    let patch = |tag: &str, url: &str| {
        let body = json!({"long_url": url});
        app.ask("PATCH", &path).header("if-match", tag).json(&body).send()
    };
    let changed = patch(&first, "https://one.example/").await;
    changed.is(200);
    let second = changed.header("etag").to_owned();
    assert_ne!(first, second);
    for stale in [first.as_str(), "\"x\"", "W/\"1\"", "1"] {
        patch(stale, "https://two.example/").await.is_problem(&PRECONDITION_FAILED);
        let delete = app.ask("DELETE", &path).header("if-match", stale);
        delete.send().await.is_problem(&PRECONDITION_FAILED);
    }
    assert_eq!(app.get(&path).await.is(200)["long_url"], "https://one.example/");
    patch(&format!("\"x\", {second}"), "https://three.example/").await.is(200);
    patch("*", "https://four.example/").await.is(200);
    let newest = app.get(&path).await;
    let delete = app.ask("DELETE", &path).header("if-match", newest.header("etag"));
    delete.send().await.is(204);
}

#[tokio::test]
async fn l16_of_20_changes_of_one_version_one_is_made() {
    let stack = Stack::here();
    let app = stack.app().await;
    let made = app.shorten(&json!({"long_url": URL})).await;
    let path = format!("/api/v1/links/{}", made.is(201)["short_code"].as_str().unwrap());
    let changes = (0..20).map(|n| {
        let body = json!({"long_url": format!("{URL}{n}")});
        app.ask("PATCH", &path).header("if-match", made.header("etag")).json(&body).send()
    });
    let answers = join_all(changes).await;
    let done: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(done.len(), 1);
    assert_eq!(answers.iter().filter(|answer| answer.status == 412).count(), 19);
    assert_eq!(app.get(&path).await.value()["long_url"], done[0].value()["long_url"]);
}

#[tokio::test]
async fn l16_a_deleted_code_is_410_and_never_issued_again() {
    let stack = Stack::here();
    let (ann, bob) = (stack.app().await, stack.app().await);
    let code = alias();
    let body = json!({"long_url": URL, "custom_alias": code});
    ann.code(&body).await;
    let path = format!("/api/v1/links/{code}");
    bob.ask("DELETE", &path).send().await.is_problem(&NOT_FOUND);
    assert_eq!(stack.follow(&code).await.leads(302), URL);
    let deleted = ann.ask("DELETE", &path).send().await;
    deleted.is(204);
    assert!(deleted.body.is_empty());
    stack.follow(&code).await.is_problem(&GONE);
    for method in ["GET", "DELETE"] {
        ann.ask(method, &path).send().await.is_problem(&GONE);
        bob.ask(method, &path).send().await.is_problem(&NOT_FOUND);
    }
    ann.ask("PATCH", &path).json(&json!({})).send().await.is_problem(&GONE);
    ann.shorten(&body).await.is_problem(&ALIAS_TAKEN);
    bob.shorten(&body).await.is_problem(&ALIAS_TAKEN);
    assert_eq!(ann.get("/api/v1/links").await.is(200)["items"], json!([]));
}
