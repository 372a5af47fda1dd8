//! P11, P16: webhook endpoints at the edge, and the audit that tells of them.

use crate::client::Stack;
use serde_json::json;
use shared::payments::error::{CARD_NUMBER, NO_DELIVERY, NO_ENDPOINT};
use shared::problem::{MALFORMED, PRECONDITION_FAILED, UNACCEPTABLE};

const ENDPOINTS: &str = "/api/v1/webhook_endpoints";

#[tokio::test]
async fn p11_an_endpoint_is_made_changed_and_deleted_and_its_secret_is_shown_once() {
    let stack = Stack::here();
    let (app, other) = (stack.app().await, stack.app().await);
    let asked = json!({"url": "https://hooks.example/x", "events": ["payment.*"]});
    let made = app.pay(ENDPOINTS, &asked).send().await;
    let shown = made.is(201);
    let path = format!("{ENDPOINTS}/{}", shown["id"].as_str().unwrap());
    assert_eq!(made.header("location"), path);
    assert!(shown["secret"].as_str().unwrap().starts_with("whsec_"));
    let found = app.get(&path).await;
    assert!(found.is(200).get("secret").is_none());
    assert_eq!(found.header("etag"), made.header("etag"));
    other.get(&path).await.is_problem(&NO_ENDPOINT);
    let patch = json!({"enabled": false});
    let stale = app.ask("PATCH", &path).header("if-match", "\"7\"").json(&patch).send().await;
    stale.is_problem(&PRECONDITION_FAILED);
    assert_eq!(app.ask("PATCH", &path).json(&patch).send().await.is(200)["enabled"], false);
    let turned = app.pay(&format!("{path}/secret"), &json!({})).send().await.is(200);
    assert_ne!(turned["secret"], shown["secret"]);
    let deliveries = app.get(&format!("{path}/deliveries?status=dead")).await.is(200);
    assert_eq!(deliveries["items"], json!([]));
    let wrong = format!("{path}/deliveries?status=lost");
    app.get(&wrong).await.is_problem(&UNACCEPTABLE);
    let none = format!("{path}/deliveries/whd_00000000000/redeliver");
    app.ask("PATCH", &path).json(&json!({"enabled": true})).send().await.is(200);
    app.pay(&none, &json!({})).send().await.is_problem(&NO_DELIVERY);
    app.ask("DELETE", &path).send().await.is(204);
    app.get(&path).await.is_problem(&NO_ENDPOINT);
    for (bad, kind) in [
        (json!({"url": "ftp://x.example/", "events": ["*"]}), &UNACCEPTABLE),
        (json!({"url": "https://a:b@x.example/", "events": ["*"]}), &UNACCEPTABLE),
        (json!({"url": "https://x.example/", "events": []}), &UNACCEPTABLE),
        (json!({"url": "https://x.example/5105105105105100", "events": ["*"]}), &CARD_NUMBER),
    ] {
        app.pay(ENDPOINTS, &bad).send().await.is_problem(kind);
    }
    app.ask("POST", ENDPOINTS).json(&asked).send().await.is_problem(&MALFORMED);

    let export = format!("/admin/audit/export?account={}", app.account("EUR").await);
    let told = stack.admin("GET", &export).send().await;
    assert_eq!(told.status, 200);
    assert_eq!(told.header("content-type"), "application/x-ndjson");
    assert!(told.text().lines().next().unwrap().contains(&format!("service:{}", app.kid)));
    let report = stack.admin("GET", "/admin/audit/check").send().await.is(200);
    assert_eq!(report["ok"], true, "{report}");
    assert!(report["records"].as_u64().unwrap() >= 5, "{report}");
}
