//! What an application sees of its own ledger, at the edge.

use crate::client::{App, Stack, alias};
use serde_json::{Value, json};
use shared::payments::error::{NO_ACCOUNT, NO_RECONCILIATION, STATEMENT};
use shared::problem::{LENGTH_REQUIRED, MALFORMED, UNACCEPTABLE, UNSUPPORTED_MEDIA_TYPE};

async fn pair(app: &App<'_>) -> (String, String) {
    let (one, two) = (app.account("EUR").await, app.account("EUR").await);
    let order = json!({
        "debit_account": one, "credit_account": two, "amount": 1_000, "currency": "EUR",
        "reference": "a",
    });
    app.pay("/api/v1/transfers", &order).send().await.is(201);
    (one, two)
}

#[tokio::test]
async fn p19_accounts_and_holds_are_listed_at_the_edge() {
    let stack = Stack::here();
    let (app, other) = (stack.app().await, stack.app().await);
    let (one, two) = pair(&app).await;
    let list = app.get("/api/v1/accounts").await.is(200);
    let ids: Vec<&Value> = list["items"].as_array().unwrap().iter().map(|one| &one["id"]).collect();
    assert_eq!(ids, [&json!(two), &json!(one)]);
    let name = list["items"][1]["name"].as_str().unwrap().to_uppercase();
    let found = app.get(&format!("/api/v1/accounts?name={name}")).await.is(200);
    assert_eq!(found["items"][0]["id"], json!(one));
    assert_eq!(other.get("/api/v1/accounts").await.is(200)["items"], json!([]));
    for bad in ["limit=0", "cursor=%21", "kind=asset"] {
        app.get(&format!("/api/v1/accounts?{bad}")).await.is_problem(&UNACCEPTABLE);
    }
    let hold = json!({
        "debit_account": one, "credit_account": two, "amount": 7, "currency": "EUR",
        "pending": true,
    });
    let hold = app.pay("/api/v1/transfers", &hold).send().await.is(201);
    for account in [&one, &two] {
        let holds = app.get(&format!("/api/v1/accounts/{account}/holds")).await.is(200);
        assert_eq!(holds["items"], json!([hold]));
    }
    other.get(&format!("/api/v1/accounts/{one}/holds")).await.is_problem(&NO_ACCOUNT);
}

#[tokio::test]
async fn p2_the_own_ledger_is_checked_at_the_edge() {
    let stack = Stack::here();
    let app = stack.app().await;
    pair(&app).await;
    let report = app.get("/api/v1/ledger/check").await.is(200);
    let wanted = json!({"ok": true, "accounts": 2, "entries": 2, "by_currency": {"EUR": 0},
        "faults": []});
    assert_eq!(report, wanted);
}

#[tokio::test]
async fn p12_p19_a_statement_streams_through_the_edge_to_an_own_account() {
    let stack = Stack::here();
    let (app, other) = (stack.app().await, stack.app().await);
    let (cash, _) = pair(&app).await;
    let path = format!("/api/v1/reconciliations?account={cash}");
    let send = |app: &App<'_>, media_type: &str, text: &str| {
        let ask = stack.edge("POST", &path).key(&app.key).header("idempotency-key", &alias());
        ask.header("content-type", media_type).body(text)
    };
    let day = origin::db::now().to_rfc3339()[..10].to_owned();
    let csv = format!("Date;Amount;Currency;Reference\n{day};10,00;EUR;a\n");
    let view = send(&app, "text/csv", &csv).send().await.is(201);
    assert_eq!((&view["alert"], &view["counts"]["matched"]), (&json!(false), &json!(1)));
    let own = format!("/api/v1/reconciliations/{}", view["id"].as_str().unwrap());
    assert_eq!(app.get(&own).await.is(200), view);
    assert_eq!(send(&app, "text/csv", &csv).send().await.is(200), view);
    let list = app.get("/api/v1/reconciliations").await.is(200);
    assert_eq!(list["items"], json!([view]));
    app.get(&format!("{own}/findings")).await.is(200);
    for path in [own.clone(), format!("{own}/findings")] {
        other.get(&path).await.is_problem(&NO_RECONCILIATION);
    }
    send(&other, "text/csv", &csv).send().await.is_problem(&NO_ACCOUNT);
    send(&app, "application/json", "{}").send().await.is_problem(&UNSUPPORTED_MEDIA_TYPE);
    send(&app, "application/xml", "<a>").send().await.is_problem(&STATEMENT);
    let keyless = app.ask("POST", &path).header("content-type", "text/csv").body(csv.as_str());
    keyless.send().await.is_problem(&MALFORMED);
    let bad = app.ask("POST", "/api/v1/reconciliations?account=x");
    let bad = bad.header("idempotency-key", &alias()).header("content-type", "text/csv");
    bad.body(csv.as_str()).send().await.is_problem(&UNACCEPTABLE);
    let empty = app.ask("POST", &path).header("idempotency-key", &alias());
    let empty = empty.header("content-type", "text/csv").send().await;
    assert!(empty.status == LENGTH_REQUIRED.class.status() || empty.status == 422);

    // Some megabytes, which the edge does not hold: each line is a payment of its own.
    let rows = (0..60_000).map(|n| format!("{day};{n},50;EUR;order {n} {}\n", "x".repeat(60)));
    let long = format!("Date;Amount;Currency;Reference\n{}", rows.collect::<String>());
    assert!(long.len() > 4 << 20);
    let view = send(&app, "text/csv", &long).send().await;
    assert!([201, 202].contains(&view.status), "{}", view.text());
    let own = format!("/api/v1/reconciliations/{}", view.value()["id"].as_str().unwrap());
    for _ in 0..600 {
        let now = app.get(&own).await.is(200);
        if now["state"] != "running" {
            assert_eq!((&now["state"], &now["theirs"]), (&json!("done"), &json!(60_000)));
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("the statement is still being held after a minute");
}
