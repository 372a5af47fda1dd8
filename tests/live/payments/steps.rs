//! P5–P8, P20, P21, P23: payments at the edge, between accounts and through the simulated gateway.

use crate::client::{App, Stack};
use futures::future::join_all;
use serde_json::{Value, json};
use shared::payments::error::{
    AMOUNT, CARD_NUMBER, CURRENCY, CURRENCY_MISMATCH, EXCEEDS_PAYMENT, GATEWAY, INVALID,
    NO_PAYMENT, OVERDRAFT, SAME_ACCOUNT, STATE, UNKNOWN_ACCOUNT,
};
use shared::problem::{Kind, MALFORMED, UNACCEPTABLE};
use std::time::{Duration, Instant};

const ALL: &str = "/api/v1/payments";
const PATIENCE: Duration = Duration::from_secs(30);

/// What an account, an asset, was credited.
async fn received(app: &App<'_>, account: &str) -> i64 {
    let shown = app.get(&format!("/api/v1/accounts/{account}")).await.is(200);
    -shown["balance"]["posted"].as_i64().unwrap()
}

fn payment(source: &Value, destination: &str, amount: i64, capture: &str) -> Value {
    json!({"source": source, "destination": destination, "amount": amount, "currency": "EUR",
        "capture_method": capture})
}

fn card(token: &str) -> Value {
    json!({"gateway": "simulator", "token": token})
}

fn of(payment: &Value, verb: &str) -> String {
    format!("{ALL}/{}{verb}", payment["id"].as_str().unwrap())
}

/// Looks until the payment is in this state.
async fn until(app: &App<'_>, payment: &Value, status: &str) -> Value {
    let end = Instant::now() + PATIENCE;
    loop {
        let shown = app.get(&of(payment, "")).await.is(200);
        if shown["status"] == status {
            return shown;
        }
        assert!(Instant::now() < end, "{status}: {shown}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn kinds(app: &App<'_>, payment: &Value) -> Vec<String> {
    let page = app.get(&of(payment, "/events")).await.is(200);
    let kind = |event: &Value| event["type"].as_str().unwrap().to_owned();
    page["items"].as_array().unwrap().iter().map(kind).collect()
}

#[tokio::test]
async fn p5_a_payment_between_accounts_goes_its_way_and_no_other() {
    let stack = Stack::here();
    let app = stack.app().await;
    let (one, two) = (app.account("EUR").await, app.account("EUR").await);
    let body = payment(&json!(one), &two, 1_000, "manual");
    let made = app.pay(ALL, &body).send().await.is(201);
    assert_eq!(made["status"], "authorized");
    app.pay(&of(&made, "/refunds"), &json!({})).send().await.is_problem(&STATE);
    let over = json!({"amount": 1_001});
    app.pay(&of(&made, "/capture"), &over).send().await.is_problem(&EXCEEDS_PAYMENT);
    let captured = app.pay(&of(&made, "/capture"), &json!({"amount": 900})).send().await.is(200);
    assert_eq!(
        (&captured["status"], &captured["amount_captured"]),
        (&json!("captured"), &json!(900))
    );
    app.pay(&of(&made, "/cancel"), &json!({})).send().await.is_problem(&STATE);
    let part = app.pay(&of(&made, "/refunds"), &json!({"amount": 400})).send().await.is(201);
    assert_eq!(
        (&part["status"], &part["amount_refunded"]),
        (&json!("partially_refunded"), &json!(400))
    );
    let over = json!({"amount": 501});
    app.pay(&of(&made, "/refunds"), &over).send().await.is_problem(&EXCEEDS_PAYMENT);
    let all = app.pay(&of(&made, "/refunds"), &json!({})).send().await.is(201);
    assert_eq!(all["status"], "refunded");
    assert_eq!(received(&app, &two).await, 0);
    let refunds = app.get(&of(&made, "/refunds")).await.is(200);
    assert_eq!(refunds["items"].as_array().unwrap().len(), 2);
    let wanted = ["payment.authorized", "payment.captured", "payment.refunded", "payment.refunded"];
    assert_eq!(kinds(&app, &made).await, wanted);
    let list = app.get(&format!("{ALL}?status=refunded")).await.is(200);
    assert_eq!(list["items"][0]["id"], made["id"]);
    let stranger = stack.app().await;
    stranger.get(&of(&made, "")).await.is_problem(&NO_PAYMENT);
    stranger.pay(&of(&made, "/cancel"), &json!({})).send().await.is_problem(&NO_PAYMENT);
}

#[tokio::test]
async fn p6_a_hundred_copies_of_a_payment_pay_once_and_are_answered_alike() {
    let stack = Stack::here();
    let app = stack.app().await;
    let (one, two) = (app.account("EUR").await, app.account("EUR").await);
    let body = payment(&json!(one), &two, 7, "automatic");
    let copies = (0..100).map(|_| async {
        loop {
            let ask = app.ask("POST", ALL).json(&body).header("idempotency-key", "once");
            let answer = ask.send().await;
            if answer.status != 409 {
                return answer.is(201);
            }
        }
    });
    let answers = join_all(copies).await;
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(received(&app, &two).await, 7);
    let other = payment(&json!(one), &two, 8, "automatic");
    let ask = app.ask("POST", ALL).json(&other).header("idempotency-key", "once");
    ask.send().await.is_problem(&shared::problem::IDEMPOTENCY_MISMATCH);
}

#[tokio::test]
async fn p20_bad_payments_are_a_typed_422_and_move_nothing() {
    let stack = Stack::here();
    let (app, other) = (stack.app().await, stack.app().await);
    let (one, two) = (app.account("EUR").await, app.account("EUR").await);
    let (yen, foreign) = (app.account("JPY").await, other.account("EUR").await);
    let good = payment(&json!(one), &two, 5, "automatic");
    let with = |name: &str, value: Value| {
        let mut body = good.clone();
        body[name] = value;
        body
    };
    let all: Vec<(Value, &Kind)> = vec![
        (with("amount", json!(0)), &AMOUNT),
        (with("amount", json!(-5)), &AMOUNT),
        (with("amount", json!(1i64 << 53)), &AMOUNT),
        (with("amount", json!(1.5)), &UNACCEPTABLE),
        (with("amount", json!("12.50")), &UNACCEPTABLE),
        (with("exponent", json!(2)), &UNACCEPTABLE),
        (with("currency", json!("EUX")), &CURRENCY),
        (with("currency", json!("JPY")), &CURRENCY_MISMATCH),
        (with("destination", json!(yen)), &CURRENCY_MISMATCH),
        (with("destination", json!(one)), &SAME_ACCOUNT),
        (with("destination", json!(foreign)), &UNKNOWN_ACCOUNT),
        (with("source", json!({"gateway": "none", "token": "t"})), &GATEWAY),
        (with("source", json!({"gateway": "simulator", "token": ""})), &INVALID),
        (with("source", card("4242424242424242")), &CARD_NUMBER),
        (with("description", json!("card 4242 4242 4242 4242")), &CARD_NUMBER),
        (with("metadata", json!({"a": 5})), &UNACCEPTABLE),
        (with("fee", json!({"amount": 6, "account": one})), &AMOUNT),
        (with("fee", json!({"amount": 1, "account": two})), &SAME_ACCOUNT),
    ];
    for (body, kind) in &all {
        app.pay(ALL, body).send().await.is_problem(kind);
    }
    app.ask("POST", ALL).json(&good).send().await.is_problem(&MALFORMED);
    assert_eq!(app.get(ALL).await.is(200)["items"], json!([]));
    assert_eq!(received(&app, &two).await, 0);
    app.get(&format!("{ALL}?status=lost")).await.is_problem(&UNACCEPTABLE);
    app.get(&format!("{ALL}/pay_zzz")).await.is_problem(&NO_PAYMENT);
    let limits = json!({"no_debit_beyond_credit": true});
    let wallet = json!({"name": "w", "currency": "EUR", "kind": "liability", "limits": limits});
    let wallet = app.pay("/api/v1/accounts", &wallet).send().await.is(201)["id"].clone();
    let body = payment(&wallet, &two, 1, "automatic");
    app.pay(ALL, &body).send().await.is_problem(&OVERDRAFT);
}

#[tokio::test]
async fn p7_p8_what_the_gateway_does_becomes_the_payment() {
    let stack = Stack::here();
    let app = stack.app().await;
    let wallet = app.account("EUR").await;
    let mut made = vec![];
    for (token, wanted) in [
        ("tok_ok", "captured"),
        ("tok_decline", "failed"),
        ("tok_timeout_after_success", "captured"),
        ("tok_duplicate_webhook", "captured"),
        ("tok_late_webhook", "captured"),
        ("tok_out_of_order", "captured"),
        ("tok_wrong_amount", "failed"),
        ("tok_double_charge", "captured"),
        ("tok_settle", "settled"),
        ("tok_dispute", "disputed"),
    ] {
        let body = payment(&card(token), &wallet, 1_000, "automatic");
        let paid = app.pay(ALL, &body).send().await.is(201);
        assert_eq!(paid["status"], "processing", "{token}");
        made.push((paid, wanted));
    }
    for (paid, wanted) in &made {
        until(&app, paid, wanted).await;
    }
    assert_eq!(received(&app, &wallet).await, 8_000);
    let refund = json!({"amount": 250, "reason": "one item came back"});
    let paid = &made[0].0;
    assert_eq!(app.pay(&of(paid, "/refunds"), &refund).send().await.is(201)["amount_refunded"], 0);
    let shown = until(&app, paid, "partially_refunded").await;
    assert_eq!((&shown["amount_refunded"], &shown["gateway_fee"]), (&json!(250), &json!(29)));
    let check = stack.admin("GET", "/admin/ledger/check").send().await.is(200);
    assert_eq!(check["ok"], true, "{check}");
    let parked = stack.admin("GET", "/admin/gateway-orders?parked").send().await.is(200);
    assert_eq!(parked["items"], json!([]));
}

#[tokio::test]
async fn p5_p23_a_card_is_authorized_captured_or_canceled_whatever_comes_late() {
    let stack = Stack::here();
    let app = stack.app().await;
    let wallet = app.account("EUR").await;
    let body = payment(&card("tok_ok"), &wallet, 1_000, "manual");
    let held = app.pay(ALL, &body).send().await.is(201);
    until(&app, &held, "authorized").await;
    app.pay(&of(&held, "/capture"), &json!({"amount": 600})).send().await.is(200);
    assert_eq!(until(&app, &held, "captured").await["amount_captured"], 600);
    // Canceled while the gateway has taken it and says so later.
    let body = payment(&card("tok_late_webhook"), &wallet, 1_000, "automatic");
    let late = app.pay(ALL, &body).send().await.is(201);
    let canceled = app.pay(&of(&late, "/cancel"), &json!({})).send().await.is(200);
    assert_eq!(canceled["status"], "canceled");
    let end = Instant::now() + PATIENCE;
    while kinds(&app, &late).await.last().unwrap() != "payment.returned" {
        assert!(Instant::now() < end, "{:?}", kinds(&app, &late).await);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(until(&app, &late, "canceled").await["amount_captured"], 0);
    assert_eq!(received(&app, &wallet).await, 600);
}
