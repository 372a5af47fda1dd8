//! P9: payouts at the edge's URL, and their sagas at the origin's.

use crate::client::{App, Stack, alias};
use serde_json::{Value, json};
use shared::payments::error::{NO_PAYOUT, NO_SAGA, OF_A_PAYOUT, OVERDRAFT};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);

/// A wallet with so much in it, which may not be overdrawn.
async fn wallet(app: &App<'_>, amount: i64) -> String {
    let body = json!({"name": alias(), "currency": "EUR", "kind": "liability",
        "limits": {"no_debit_beyond_credit": true}});
    let wallet = app.pay("/api/v1/accounts", &body).send().await.is(201);
    let wallet = wallet["id"].as_str().unwrap().to_owned();
    let order = json!({"debit_account": app.account("EUR").await, "credit_account": wallet,
        "amount": amount, "currency": "EUR"});
    app.pay("/api/v1/transfers", &order).send().await.is(201);
    wallet
}

async fn ended(app: &App<'_>, id: &str) -> Value {
    let until = Instant::now() + PATIENCE;
    loop {
        let payout = app.get(&format!("/api/v1/payouts/{id}")).await.is(200);
        if payout["status"] != "processing" {
            return payout;
        }
        assert!(Instant::now() < until, "{payout}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn posted(app: &App<'_>, account: &str) -> (i64, i64) {
    let account = app.get(&format!("/api/v1/accounts/{account}")).await.is(200);
    let number = |name: &str| account["balance"][name].as_i64().unwrap();
    (number("posted"), number("pending"))
}

#[tokio::test]
async fn p9_a_payout_is_paid_once_or_given_back_and_its_saga_is_shown() {
    let stack = Stack::here();
    let app = stack.app().await;
    for (token, status, left) in
        [("tok_timeout_after_success", "paid", 40), ("tok_decline", "failed", 100)]
    {
        let wallet = wallet(&app, 100).await;
        let id = app.payout(&wallet, token, 60).await;
        assert_eq!(ended(&app, &id).await["status"], status);
        assert_eq!(posted(&app, &wallet).await, (left, 0), "{token}");
        let page = stack.admin("GET", "/admin/sagas?limit=200").send().await.is(200);
        let all = page["items"].as_array().unwrap();
        let saga = all.iter().find(|saga| saga["subject"] == id.as_str()).unwrap();
        let path = format!("/admin/sagas/{}", saga["id"].as_str().unwrap());
        let log = stack.admin("GET", &path).send().await.is(200)["log"].clone();
        let first = &log[0];
        assert_eq!((&first["name"], &first["what"]), (&json!("reserve"), &json!("done")));
        assert!(log.as_array().unwrap().len() >= 5, "{log}");
    }
}

#[tokio::test]
async fn p6_p9_a_repeated_payout_is_the_same_one() {
    let stack = Stack::here();
    let app = stack.app().await;
    let wallet = wallet(&app, 100).await;
    let body = json!({"account": wallet, "amount": 60, "currency": "EUR",
        "bank": {"gateway": "simulator", "token": "tok_ok"}});
    let key = alias();
    let ask = || app.ask("POST", "/api/v1/payouts").header("idempotency-key", &key).json(&body);
    let first = ask().send().await.is(201);
    let again = ask().send().await;
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.is(201)["id"], first["id"]);
    app.pay("/api/v1/payouts", &body).send().await.is_problem(&OVERDRAFT);
    ended(&app, first["id"].as_str().unwrap()).await;
    assert_eq!(posted(&app, &wallet).await, (40, 0));
    let list = app.get("/api/v1/payouts").await.is(200);
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn p9_bad_payouts_are_refused_and_a_hold_is_its_payouts_own() {
    let stack = Stack::here();
    let app = stack.app().await;
    let wallet = wallet(&app, 100).await;
    for (bank, pointer) in [
        (json!({"iban": "NL91ABNA0417164301", "name": "Ann"}), "/bank/iban"),
        (json!({"iban": "NL91ABNA0417164300"}), "/bank/name"),
        (json!({"gateway": "none", "token": "t"}), "/bank/gateway"),
    ] {
        let body = json!({"account": wallet, "amount": 60, "currency": "EUR", "bank": bank});
        let refused = app.pay("/api/v1/payouts", &body).send().await.is(422);
        assert_eq!(refused["errors"][0]["pointer"], pointer, "{refused}");
    }
    assert_eq!(posted(&app, &wallet).await, (100, 0));
    let id = app.payout(&wallet, "tok_ok", 60).await;
    let hold = app.get(&format!("/api/v1/payouts/{id}")).await.is(200)["transfer"].clone();
    let path = format!("/api/v1/transfers/{}/void", hold.as_str().unwrap());
    app.pay(&path, &json!({})).send().await.is_problem(&OF_A_PAYOUT);
    app.get("/api/v1/payouts/pot_00000000000").await.is_problem(&NO_PAYOUT);
    let none = stack.admin("GET", "/admin/sagas/sga_00000000000").send().await;
    none.is_problem(&NO_SAGA);
}
