//! P14, P20: what is refused, typed, at the edge; and card numbers, which no log may hold.

use crate::client::Stack;
use serde_json::{Value, json};
use shared::payments::error::{
    AMOUNT, BALANCE_OVERFLOW, CARD_NUMBER, CURRENCY, CURRENCY_MISMATCH, INVALID, SAME_ACCOUNT,
    UNKNOWN_ACCOUNT,
};
use shared::problem::{Kind, MALFORMED, UNACCEPTABLE};
use std::time::Duration;

#[tokio::test]
async fn p20_bad_input_is_a_typed_422_and_moves_nothing() {
    let stack = Stack::here();
    let (app, other) = (stack.app().await, stack.app().await);
    let (one, two) = (app.account("EUR").await, app.account("EUR").await);
    let (yen, foreign) = (app.account("JPY").await, other.account("EUR").await);
    let good = json!({
        "debit_account": one, "credit_account": two, "amount": 5, "currency": "EUR",
    });
    let with = |name: &str, value: Value| {
        let mut body = good.clone();
        body[name] = value;
        body
    };
    let max = (1i64 << 53) - 1;
    app.pay("/api/v1/transfers", &with("amount", json!(max))).send().await.is(201);
    let full = app.get(&format!("/api/v1/accounts/{one}")).await.is(200);
    let all: Vec<(Value, &Kind)> = vec![
        (with("amount", json!(0)), &AMOUNT),
        (with("amount", json!(-5)), &AMOUNT),
        (with("amount", json!(max + 1)), &AMOUNT),
        (with("amount", json!(1.5)), &UNACCEPTABLE),
        (with("amount", json!("12.50")), &UNACCEPTABLE),
        (with("exponent", json!(2)), &UNACCEPTABLE),
        (with("currency", json!("EUX")), &CURRENCY),
        (with("currency", json!("JPY")), &CURRENCY_MISMATCH),
        (with("credit_account", json!(yen)), &CURRENCY_MISMATCH),
        (with("credit_account", json!(one)), &SAME_ACCOUNT),
        (with("credit_account", json!(foreign)), &UNKNOWN_ACCOUNT),
        (with("amount", json!(1)), &BALANCE_OVERFLOW),
        (with("reference", json!("x".repeat(201))), &INVALID),
        (json!({"transfers": []}), &INVALID),
    ];
    for (body, kind) in &all {
        app.pay("/api/v1/transfers", body).send().await.is_problem(kind);
    }
    assert_eq!(app.get(&format!("/api/v1/accounts/{one}")).await.is(200), full);
    let bare = app.ask("POST", "/api/v1/transfers").json(&good).send().await;
    bare.is_problem(&MALFORMED);
    for bad in ["?at=never", "?at=2999-01-01"] {
        app.get(&format!("/api/v1/accounts/{one}/balance{bad}")).await.is_problem(&UNACCEPTABLE);
    }
}

#[tokio::test]
async fn p14_a_card_number_is_refused_and_stands_in_no_log_and_no_table() {
    let stack = Stack::here();
    let app = stack.app().await;
    let (one, two) = (app.account("EUR").await, app.account("EUR").await);
    let numbers = ["5105105105105100", "5105 1051 0510 5100", "5105-1051-0510-5100"];
    for number in numbers {
        let order = json!({
            "debit_account": one, "credit_account": two, "amount": 5, "currency": "EUR",
            "reference": number,
        });
        for body in [order.clone(), json!({"transfers": [order], "linked": false})] {
            app.pay("/api/v1/transfers", &body).send().await.is_problem(&CARD_NUMBER);
        }
        let account = json!({"name": number, "currency": "EUR", "kind": "asset"});
        app.pay("/api/v1/accounts", &account).send().await.is_problem(&CARD_NUMBER);
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut files = vec!["edge.log", "origin.log"];
    if stack.data_dir.join("origin.sqlite").exists() {
        files.extend(["origin.sqlite", "origin.sqlite-wal"]);
    }
    for file in files {
        let bytes = std::fs::read(stack.data_dir.join(file)).unwrap_or_default();
        for number in numbers {
            let found = bytes.windows(number.len()).any(|part| part == number.as_bytes());
            assert!(!found, "{file} holds {number}");
        }
    }
}
