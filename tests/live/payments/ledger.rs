//! Accounts, transfers, holds and batches, as callers see them.

use crate::client::{Answer, App, Stack, alias};
use futures::future::join_all;
use serde_json::{Value, json};
use shared::payments::error::{ACCOUNT_CLOSED, NOT_EMPTY, NOT_PENDING, OVERDRAFT};
use std::collections::BTreeSet;

fn order(debit: &str, credit: &str, amount: i64) -> Value {
    json!({"debit_account": debit, "credit_account": credit, "amount": amount, "currency": "EUR"})
}

async fn send(app: &App<'_>, body: &Value) -> Answer {
    app.pay("/api/v1/transfers", body).send().await
}

async fn balance(app: &App<'_>, account: &str) -> [i64; 3] {
    let shown = app.get(&format!("/api/v1/accounts/{account}")).await.is(200);
    ["posted", "pending", "available"].map(|name| shown["balance"][name].as_i64().unwrap())
}

/// A cash account, and a wallet that must not be overdrawn.
async fn pair(app: &App<'_>) -> (String, String) {
    let wallet = json!({
        "name": "Ann's wallet", "currency": "EUR", "kind": "liability",
        "limits": {"no_debit_beyond_credit": true},
    });
    let opened = app.pay("/api/v1/accounts", &wallet).send().await;
    let shown = opened.is(201);
    assert_eq!(shown["balance"], json!({"posted": 0, "pending": 0, "available": 0}));
    let id = shown["id"].as_str().unwrap().to_owned();
    assert_eq!(opened.header("location"), format!("/api/v1/accounts/{id}"));
    (app.account("EUR").await, id)
}

#[tokio::test]
async fn p2_money_moves_and_an_overdraft_is_409() {
    let stack = Stack::here();
    let app = stack.app().await;
    let (cash, wallet) = pair(&app).await;
    let made = send(&app, &order(&cash, &wallet, 1_250)).await;
    let shown = made.is(201);
    let path = format!("/api/v1/transfers/{}", shown["id"].as_str().unwrap());
    assert_eq!(made.header("location"), path);
    assert_eq!(app.get(&path).await.is(200), shown);
    assert_eq!(shown["created_by"], format!("service:{}", app.kid));
    assert_eq!(shown["request_id"], made.header("x-request-id"));
    send(&app, &order(&wallet, &cash, 1_251)).await.is_problem(&OVERDRAFT);
    assert_eq!(balance(&app, &wallet).await, [1_250, 0, 1_250]);
    assert_eq!(balance(&app, &cash).await, [1_250, 0, 1_250]);
    let page = app.get(&format!("/api/v1/accounts/{wallet}/entries?limit=1")).await.is(200);
    assert_eq!(page["items"][0]["transfer"], shown["id"]);
    assert_eq!(page["next_cursor"], Value::Null);
    let now = app.get(&format!("/api/v1/accounts/{wallet}/balance")).await.is(200);
    assert_eq!((&now["posted"], &now["available"]), (&json!(1_250), &json!(1_250)));
    let long_ago = format!("/api/v1/accounts/{wallet}/balance?at=2026-01-01T00:00:00Z");
    assert_eq!(app.get(&long_ago).await.is(200)["posted"], 0);
}

#[tokio::test]
async fn p4_a_hold_is_posted_in_part_or_voided_or_expires() {
    let stack = Stack::here();
    let app = stack.app().await;
    let (cash, wallet) = pair(&app).await;
    send(&app, &order(&cash, &wallet, 100)).await.is(201);
    let hold = async |amount: i64, timeout_s: Option<u64>| {
        let mut body = order(&wallet, &cash, amount);
        body["pending"] = json!(true);
        if let Some(timeout_s) = timeout_s {
            body["timeout_s"] = json!(timeout_s);
        }
        let held = send(&app, &body).await.is(201);
        format!("/api/v1/transfers/{}", held["id"].as_str().unwrap())
    };
    let (one, two, three) = (hold(30, None).await, hold(30, None).await, hold(40, Some(1)).await);
    assert_eq!(balance(&app, &wallet).await, [100, 100, 0]);
    send(&app, &order(&wallet, &cash, 1)).await.is_problem(&OVERDRAFT);
    let post = |path: &str, body: Value| app.pay(&format!("{path}/post"), &body).send();
    assert_eq!(post(&one, json!({"amount": 10})).await.is(200)["posted_amount"], 10);
    let again = post(&one, json!({})).await.is_problem(&NOT_PENDING);
    assert!(again["detail"].as_str().unwrap().contains("posted"));
    let void = app.ask("POST", &format!("{two}/void")).header("idempotency-key", &alias());
    assert_eq!(void.send().await.is(200)["status"], "voided");
    for _ in 0..100 {
        if balance(&app, &wallet).await == [90, 0, 90] {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(balance(&app, &wallet).await, [90, 0, 90]);
    assert_eq!(app.get(&three).await.is(200)["status"], "expired");
    post(&three, json!({})).await.is_problem(&NOT_PENDING);
}

#[tokio::test]
async fn p6_a_hundred_parallel_copies_move_money_once() {
    let stack = Stack::here();
    let app = stack.app().await;
    let (cash, wallet) = pair(&app).await;
    let (key, body) = (alias(), order(&cash, &wallet, 9));
    let copy = || app.ask("POST", "/api/v1/transfers").header("idempotency-key", &key).json(&body);
    let answers = join_all((0..100).map(|_| copy().send())).await;
    let told: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 201).collect();
    assert!(answers.iter().all(|answer| [201, 409].contains(&answer.status)));
    let bodies: BTreeSet<&str> = told.iter().map(|answer| answer.text()).collect();
    let first = told.iter().filter(|answer| answer.header("idempotent-replayed").is_empty());
    assert_eq!((bodies.len(), first.count()), (1, 1));
    assert_eq!(balance(&app, &wallet).await, [9, 0, 9]);
}

#[tokio::test]
async fn batches_are_all_or_nothing_or_each_on_its_own() {
    let stack = Stack::here();
    let app = stack.app().await;
    let (cash, wallet) = pair(&app).await;
    let items = [order(&cash, &wallet, 50), order(&wallet, &cash, 60), order(&wallet, &cash, 20)];
    send(&app, &json!({"transfers": items})).await.is_problem(&OVERDRAFT);
    assert_eq!(balance(&app, &wallet).await, [0, 0, 0]);
    let each = send(&app, &json!({"transfers": items, "linked": false})).await.is(201);
    let statuses: Vec<&Value> =
        each["results"].as_array().unwrap().iter().map(|one| &one["status"]).collect();
    assert_eq!(statuses, [201, 409, 201]);
    assert_eq!(balance(&app, &wallet).await, [30, 0, 30]);
    let many = vec![order(&cash, &wallet, 1); 8_000];
    let made = send(&app, &json!({"transfers": many})).await.is(201);
    assert_eq!(made["results"].as_array().unwrap().len(), 8_000);
    assert_eq!(balance(&app, &wallet).await, [8_030, 0, 8_030]);
}

#[tokio::test]
async fn an_empty_account_is_closed_for_good() {
    let stack = Stack::here();
    let app = stack.app().await;
    let (cash, wallet) = pair(&app).await;
    send(&app, &order(&cash, &wallet, 5)).await.is(201);
    let close = || {
        let path = format!("/api/v1/accounts/{wallet}/close");
        app.ask("POST", &path).header("idempotency-key", &alias()).send()
    };
    close().await.is_problem(&NOT_EMPTY);
    send(&app, &order(&wallet, &cash, 5)).await.is(201);
    assert!(close().await.is(200)["closed_at"].is_string());
    send(&app, &order(&cash, &wallet, 5)).await.is_problem(&ACCOUNT_CLOSED);
}
