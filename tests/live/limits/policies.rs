//! Policies at the edge: published, read, changed under a condition, listed, deleted.

use crate::client::{Answer, App, Stack, alias};
use serde_json::{Value, json};
use shared::limits::error::{INVALID, NOT_FOUND};
use shared::problem::{PRECONDITION_FAILED, UNACCEPTABLE};

const PATH: &str = "/api/v1/limits/policies";

pub(super) async fn put(app: &App<'_>, name: &str, policy: &Value) -> Answer {
    app.ask("PUT", &format!("{PATH}/{name}")).json(policy).send().await
}

fn policy(limit: u64) -> Value {
    json!({"limit": limit, "window_ms": 60_000})
}

#[tokio::test]
async fn m6_a_policy_is_published_read_changed_and_deleted() {
    let stack = Stack::here();
    let app = stack.app().await;
    let path = format!("{PATH}/checkout");
    app.get(&path).await.is_problem(&NOT_FOUND);
    let whole = json!({
        "algorithm": "gcra", "limit": 100, "window_ms": 60_000, "burst": 20,
        "tiers": {"pro": {"limit": 10_000}}, "on_failure": "closed", "timeout_ms": 50,
        "lease": false, "shadow": true,
    });
    let made = put(&app, "checkout", &whole).await;
    let shown = made.is(201);
    for (field, wanted) in whole.as_object().unwrap() {
        assert_eq!(shown[field], *wanted, "{field}");
    }
    assert_eq!((&shown["name"], &shown["version"]), (&json!("checkout"), &json!(1)));
    assert_eq!(shown["created_at"], shown["updated_at"]);
    assert_eq!(made.header("etag"), "\"1\"");
    let read = app.get(&path).await;
    assert_eq!((read.is(200), read.header("etag")), (shown.clone(), "\"1\""));
    app.ask("GET", &path).header("if-none-match", "\"1\"").send().await.is(304);

    let again = put(&app, "checkout", &whole).await;
    assert_eq!(again.is(200), shown, "the same again changes nothing");
    let with = |method: &str, tag: &str| app.ask(method, &path).header("if-match", tag);
    with("PUT", "\"7\"").json(&policy(5)).send().await.is_problem(&PRECONDITION_FAILED);
    with("DELETE", "\"7\"").send().await.is_problem(&PRECONDITION_FAILED);
    let changed = with("PUT", "\"1\"").json(&policy(5)).send().await;
    assert_eq!((&changed.is(200)["version"], changed.header("etag")), (&json!(2), "\"2\""));
    let changed = app.get(&path).await.is(200);
    assert_eq!((&changed["limit"], &changed["on_failure"]), (&json!(5), &json!("open")));
    assert_eq!(changed["tiers"], Value::Null, "what is left out is gone");
    assert_eq!(changed["created_at"], shown["created_at"]);

    app.ask("DELETE", &path).send().await.is(204);
    app.get(&path).await.is_problem(&NOT_FOUND);
    app.ask("DELETE", &path).send().await.is_problem(&NOT_FOUND);
    with("PUT", "*").json(&policy(5)).send().await.is_problem(&PRECONDITION_FAILED);
    assert_eq!(put(&app, "checkout", &policy(6)).await.is(201)["version"], 4);
    let all = json!({"all": [{"limit": 10, "window_ms": 1}, {"limit": 100, "window_ms": 60_000}]});
    assert_eq!(put(&app, "list", &all).await.is(201)["all"][1]["limit"], 100);
    // The homes took every register: none was parked.
    let parked = stack.admin("GET", "/admin/outbox?parked&limit=200").send().await.is(200);
    let keys = parked["items"].as_array().unwrap().iter().map(|row| row["key"].to_string());
    assert_eq!(keys.filter(|key| key.contains(&app.id)).count(), 0);
}

#[tokio::test]
async fn a_policy_is_its_applications() {
    let stack = Stack::here();
    let (app, other) = (stack.app().await, stack.app().await);
    put(&app, "mine", &policy(1)).await.is(201);
    let path = format!("{PATH}/mine");
    let usage = format!("{path}/usage");
    for (method, path) in [("GET", &path), ("DELETE", &path), ("GET", &usage)] {
        other.ask(method, path).send().await.is_problem(&NOT_FOUND);
    }
    put(&other, "mine", &policy(2)).await.is(201);
    assert_eq!(app.get(&path).await.is(200)["limit"], 1);
    other.ask("DELETE", &path).send().await.is(204);
    app.get(&path).await.is(200);
    // Reading needs one scope, writing the other.
    let (reads, _) = stack.key(&app.id, &["limits:read"]).await;
    let (writes, _) = stack.key(&app.id, &["limits:write"]).await;
    for (key, read, write) in [(&reads, 200, 403), (&writes, 403, 200)] {
        assert_eq!(stack.edge("GET", &path).key(key).send().await.status, read);
        assert_eq!(stack.edge("GET", PATH).key(key).send().await.status, read);
        let put = stack.edge("PUT", &path).key(key).json(&policy(1)).send().await;
        assert_eq!(put.status, write);
    }
}

#[tokio::test]
async fn policies_are_listed_by_name_and_each_stands_on_one_page() {
    let stack = Stack::here();
    let (app, other) = (stack.app().await, stack.app().await);
    assert_eq!(app.get(PATH).await.is(200), json!({"items": [], "next_cursor": null}));
    let names = ["b", "a-1", "a", "c-c", "0"];
    for name in names {
        put(&app, name, &policy(1)).await.is(201);
    }
    put(&other, &alias(), &policy(1)).await.is(201);
    put(&app, "gone", &policy(1)).await.is(201);
    app.ask("DELETE", &format!("{PATH}/gone")).send().await.is(204);
    for limit in [1, 2, 5, 200] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = app.get(&format!("{PATH}?limit={limit}{cursor}")).await.is(200);
            let items = page["items"].as_array().unwrap();
            assert!(items.len() <= limit);
            seen.extend(items.iter().map(|item| item["name"].as_str().unwrap().to_owned()));
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(seen, ["0", "a", "a-1", "b", "c-c"], "{limit}");
    }
    for (query, pointer) in [("limit=0", "?limit"), ("cursor=%20", "?cursor"), ("q=a", "?q")] {
        let refused = app.get(&format!("{PATH}?{query}")).await.is_problem(&UNACCEPTABLE);
        assert_eq!(refused["errors"][0]["pointer"], pointer);
    }
    put(&app, "Not-A-Name", &policy(1)).await.is_problem(&INVALID);
}
