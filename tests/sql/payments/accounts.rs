//! Accounts: kinds, entries, the balance at any moment, closing.

use super::{Bank, order, slug};
use crate::support::{body, call, status};
use origin::payments::accounts as at_accounts;
use serde_json::{Value, json};
use std::time::Duration;

async fn get(bank: &Bank, account: &str, rest: &str) -> super::Answered {
    let mut call = call(&bank.owner, "GET", &format!("/api/v1/accounts/{account}{rest}"), "");
    call.segments = vec![account.into()];
    match rest.split('?').next().unwrap_or_default() {
        "/entries" => at_accounts::entries(&bank.app, &call).await,
        "/balance" => at_accounts::balance(&bank.app, &call).await,
        _ => at_accounts::get(&bank.app, &call).await,
    }
}

async fn close(bank: &Bank, account: &str) -> super::Answered {
    let mut call = bank.call("POST", &format!("/api/v1/accounts/{account}/close"), &json!({}));
    call.segments = vec![account.into()];
    at_accounts::close(&bank.app, &call).await
}

#[tokio::test]
async fn each_kind_counts_on_its_normal_side() {
    let bank = Bank::new().await;
    let equity = bank.open("EUR", "equity", json!({})).await;
    for (kind, sign) in
        [("asset", 1), ("expense", 1), ("liability", -1), ("equity", -1), ("income", -1)]
    {
        let account = bank.open("EUR", kind, json!({})).await;
        assert_eq!(status(&bank.transfer(&account, &equity, 7).await), 201);
        assert_eq!(bank.balance(&account).await, [7 * sign, 0, 7 * sign], "{kind}");
    }
    assert_eq!(bank.balance(&equity).await, [35, 0, 35]);
    bank.adds_up().await;
}

#[tokio::test]
async fn what_an_account_must_have_is_checked() {
    let bank = Bank::new().await;
    let good = json!({"name": "a", "currency": "KWD", "kind": "asset"});
    let with = |name: &str, value: Value| {
        let mut text = good.clone();
        text[name] = value;
        text
    };
    for (text, wanted) in [
        (with("name", json!("")), "payments/invalid"),
        (with("name", json!("x".repeat(201))), "payments/invalid"),
        (with("name", json!("a\nb")), "payments/invalid"),
        (with("name", json!("4111 1111 1111 1111")), "payments/card-number"),
        (with("currency", json!("XYZ")), "payments/unknown-currency"),
        (with("kind", json!("bank")), "http/unacceptable"),
        (with("limits", json!({"no_debit": true})), "http/unacceptable"),
        (with("balance", json!(5)), "http/unacceptable"),
    ] {
        let call = bank.call("POST", "/api/v1/accounts", &text);
        let refused = at_accounts::open(&bank.app, &call).await;
        assert_eq!((status(&refused), slug(&refused).as_str()), (422, wanted), "{text}");
    }
    let call = call(&bank.owner, "POST", "/api/v1/accounts", &good.to_string());
    let refused = at_accounts::open(&bank.app, &call).await;
    assert_eq!((status(&refused), slug(&refused).as_str()), (400, "http/malformed"));
    assert_eq!(bank.adds_up().await.accounts, 0);
}

#[tokio::test]
async fn entries_page_newest_first_and_carry_type_and_reference() {
    let bank = Bank::new().await;
    let (cash, wallet) = bank.pair().await;
    for n in 1..=7 {
        let mut text = order(&cash, &wallet, n);
        text["reference"] = json!(format!("order {n}"));
        text["type"] = json!("fee");
        assert_eq!(status(&bank.send(&text).await), 201);
    }
    let (mut seen, mut cursor) = (vec![], String::new());
    loop {
        let page = body(&get(&bank, &wallet, &format!("/entries?limit=3{cursor}")).await);
        seen.extend(page["items"].as_array().unwrap().clone());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let numbers: Vec<u64> = seen.iter().map(|entry| entry["n"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [7, 6, 5, 4, 3, 2, 1]);
    let last = &seen[0];
    assert_eq!((&last["reference"], &last["type"]), (&json!("order 7"), &json!("fee")));
    assert_eq!((&last["side"], &last["amount"]), (&json!("credit"), &json!(7)));
    assert_eq!((&last["balance"], &last["by"]), (&json!(28), &json!("service:k")));
    assert_eq!(last["request_id"], "req_test");
    assert_eq!(status(&get(&bank, "acc_00000000000", "/entries").await), 404);
}

#[tokio::test]
async fn a_balance_is_known_at_every_moment_holds_included() {
    let bank = Bank::new().await;
    let (cash, wallet) = bank.pair().await;
    let mut moments = vec![];
    let pause = || tokio::time::sleep(Duration::from_millis(5));
    let mut note = async |wanted: [i64; 3]| {
        pause().await;
        moments.push((origin::db::now().to_rfc3339(), wanted));
        pause().await;
    };
    note([0, 0, 0]).await;
    assert_eq!(status(&bank.transfer(&cash, &wallet, 100).await), 201);
    note([100, 0, 100]).await;
    let hold = bank.hold(&wallet, &cash, 30).await;
    note([100, 30, 70]).await;
    assert_eq!(status(&bank.end(&hold, "post", &json!({"amount": 10})).await), 200);
    note([90, 0, 90]).await;
    for (at, wanted) in &moments {
        let shown = body(&get(&bank, &wallet, &format!("/balance?at={at}")).await);
        let found = ["posted", "pending", "available"].map(|name| shown[name].as_i64().unwrap());
        assert_eq!((found, shown["at"].as_str().unwrap()), (*wanted, at.as_str()));
    }
    let now = body(&get(&bank, &wallet, "/balance").await);
    assert_eq!(now["posted"], 90);
    for bad in ["?at=yesterday", "?at=2999-01-01"] {
        assert_eq!(status(&get(&bank, &wallet, &format!("/balance{bad}")).await), 422, "{bad}");
    }
}

#[tokio::test]
async fn only_an_empty_account_is_closed_and_only_once() {
    let bank = Bank::new().await;
    let (cash, wallet) = bank.pair().await;
    assert_eq!(status(&bank.transfer(&cash, &wallet, 5).await), 201);
    assert_eq!(slug(&close(&bank, &wallet).await), "payments/account-not-empty");
    assert_eq!(status(&bank.transfer(&wallet, &cash, 5).await), 201);
    let hold = bank.hold(&cash, &wallet, 5).await;
    assert_eq!(slug(&close(&bank, &wallet).await), "payments/account-not-empty");
    assert_eq!(status(&bank.end(&hold, "void", &json!({})).await), 200);
    let closed = close(&bank, &wallet).await;
    assert_eq!(status(&closed), 200);
    assert!(body(&closed)["closed_at"].is_string());
    assert_eq!(slug(&close(&bank, &wallet).await), "payments/already-closed");
    assert_eq!(slug(&bank.transfer(&cash, &wallet, 1).await), "payments/account-closed");
    let strangers = close(&bank, "acc_00000000000").await;
    assert_eq!(slug(&strangers), "payments/no-such-account");
}
