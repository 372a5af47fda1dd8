//! P13: fraud rules as callers see them, and what the edge blocks by itself.

use crate::client::{Answer, App, Stack, alias};
use futures::future::join_all;
use serde_json::{Value, json};
use shared::payments::error::{BLOCKED, INVALID, NO_RULE, REVIEW, STATE};
use shared::problem::PRECONDITION_FAILED;

async fn rule(app: &App<'_>, name: &str, rule: &Value) -> Answer {
    app.ask("PUT", &format!("/api/v1/fraud/rules/{name}")).json(rule).send().await
}

fn at_least(amount: i64, then: &str) -> Value {
    json!({"when": {"amount": {"at_least": amount, "currency": "EUR"}}, "then": then})
}

fn payment(source: &str, destination: &str, amount: i64) -> Value {
    json!({"source": source, "destination": destination, "amount": amount, "currency": "EUR"})
}

async fn balance(app: &App<'_>, account: &str) -> i64 {
    let shown = app.get(&format!("/api/v1/accounts/{account}")).await.is(200);
    shown["balance"]["posted"].as_i64().unwrap()
}

#[tokio::test]
async fn p13_rules_are_published_read_listed_versioned_and_deleted() {
    let stack = Stack::here();
    let (app, other) = (stack.app().await, stack.app().await);
    let made = rule(&app, "large", &at_least(500, "block")).await;
    assert_eq!((&made.is(201)["version"], made.header("etag")), (&json!(1), "\"1\""));
    let path = "/api/v1/fraud/rules/large";
    assert_eq!(app.get(path).await.is(200), made.value());
    other.get(path).await.is_problem(&NO_RULE);
    assert_eq!(app.get("/api/v1/fraud/rules").await.is(200)["items"][0], made.value());
    let put =
        |tag: &str| app.ask("PUT", path).header("if-match", tag).json(&at_least(600, "block"));
    put("\"7\"").send().await.is_problem(&PRECONDITION_FAILED);
    assert_eq!(put("\"1\"").send().await.is(200)["version"], 2);
    app.ask("DELETE", path).send().await.is(204);
    app.get(path).await.is_problem(&NO_RULE);
    let versions = app.get(&format!("{path}/versions")).await.is(200);
    assert_eq!(versions["items"].as_array().unwrap().len(), 3);
    assert_eq!(versions["items"][0]["by"], format!("service:{}", app.kid));
    let bad = json!({"when": {"velocity": {"of": "source", "window_s": 60}}, "then": "block"});
    let refused = rule(&app, "bad", &bad).await.is_problem(&INVALID);
    assert_eq!(refused["errors"][0]["pointer"], "/when/velocity");
    rule(&app, "Bad", &at_least(1, "block")).await.is_problem(&INVALID);
}

#[tokio::test]
async fn p13_a_hundred_payments_at_once_never_pass_a_velocity() {
    let stack = Stack::here();
    let app = stack.app().await;
    let (one, two) = (app.account("EUR").await, app.account("EUR").await);
    let velocity = json!({
        "when": {"velocity": {"of": "source", "count": 5, "window_s": 600}}, "then": "block",
    });
    rule(&app, "fast", &velocity).await.is(201);
    let pay = async || {
        // The same key until it is answered: a lock may be waited for in vain.
        let key = alias();
        loop {
            let ask = app.ask("POST", "/api/v1/payments").header("idempotency-key", &key);
            let answer = ask.json(&payment(&one, &two, 9)).send().await;
            let waits = answer.status == 409
                && answer.value()["type"] != Value::Null
                && answer.text().contains("/problems/http/in-progress");
            if !waits && answer.status != 503 {
                return answer;
            }
        }
    };
    let answers = join_all((0..100).map(|_| pay())).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 5);
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        let told = answer.is_problem(&BLOCKED);
        assert!(told["detail"].as_str().unwrap().contains("rule fast (version 1)"), "{told}");
    }
    assert_eq!(balance(&app, &two).await.abs(), 45);
    let tested = json!({"rules": [{"name": "fast", "when": velocity["when"], "then": "block"}]});
    let tested = app.ask("POST", "/api/v1/fraud/backtest").json(&tested).send().await.is(200);
    assert_eq!((&tested["allowed"], &tested["blocked"]), (&json!(5), &json!(95)));
}

#[tokio::test]
async fn p13_a_review_holds_the_payment_until_somebody_decides() {
    let stack = Stack::here();
    let app = stack.app().await;
    let (one, two) = (app.account("EUR").await, app.account("EUR").await);
    rule(&app, "large", &at_least(500, "review")).await.is(201);
    let held = app.pay("/api/v1/payments", &payment(&one, &two, 500)).send().await.is(201);
    assert_eq!(
        (&held["status"], &held["review"]["status"]),
        (&json!("authorized"), &json!("pending"))
    );
    let path = format!("/api/v1/payments/{}", held["id"].as_str().unwrap());
    app.pay(&format!("{path}/capture"), &json!({})).send().await.is_problem(&REVIEW);
    assert_eq!(balance(&app, &two).await, 0);
    let decide = |what: &str| app.pay(&format!("{path}/review"), &json!({"decision": what})).send();
    assert_eq!(decide("approve").await.is(200)["status"], "captured");
    decide("reject").await.is_problem(&STATE);
    assert_eq!(balance(&app, &two).await.abs(), 500);
    let listed = app.get("/api/v1/fraud/decisions?verdict=review").await.is(200);
    assert_eq!(listed["items"][0]["id"], held["id"]);
}

/// The edge blocks by rules that are as old as `SELVEDGE_FRAUD_EDGE_AFTER_MS` says; with its
/// default no rule of this test is, and the origin blocks instead. The answer is the same.
#[tokio::test]
async fn p13_what_is_blocked_stands_in_the_history_whichever_side_blocked_it() {
    let stack = Stack::here();
    let app = stack.app().await;
    let (one, two) = (app.account("EUR").await, app.account("EUR").await);
    rule(&app, "large", &at_least(500, "block")).await.is(201);
    let after_ms =
        std::env::var("SELVEDGE_FRAUD_EDGE_AFTER_MS").ok().and_then(|ms| ms.parse().ok());
    let at_edge = after_ms.is_some_and(|ms: u64| ms < 5_000);
    if let Some(ms) = after_ms.filter(|_| at_edge) {
        tokio::time::sleep(std::time::Duration::from_millis(ms)).await;
    }
    let told = app.pay("/api/v1/payments", &payment(&one, &two, 501)).send().await;
    let told = told.is_problem(&BLOCKED);
    assert!(told["detail"].as_str().unwrap().contains("501 EUR is at least 500"), "{told}");
    app.pay("/api/v1/payments", &payment(&one, &two, 499)).send().await.is(201);
    for _ in 0..200 {
        let listed = app.get("/api/v1/fraud/decisions?verdict=block").await.is(200);
        if let Some(found) = listed["items"].get(0) {
            assert_eq!((&found["amount"], &found["rule"]), (&json!(501), &json!("large")));
            assert_eq!(found["at_edge"], at_edge);
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("nothing is recorded");
}
