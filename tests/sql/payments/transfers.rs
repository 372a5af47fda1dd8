//! Transfers, holds, batches, and everything that is refused.

use super::{Bank, order, slug};
use crate::support::{body, call, status};
use origin::payments::{expiry, transfers as at_transfers};
use serde_json::{Value, json};

#[tokio::test]
async fn p2_a_transfer_is_two_entries_that_sum_to_zero_and_an_overdraft_is_409() {
    let bank = Bank::new().await;
    let (cash, wallet) = bank.pair().await;
    let made = bank.transfer(&cash, &wallet, 1_000).await;
    assert_eq!(status(&made), 201);
    let shown = body(&made);
    assert_eq!((&shown["status"], &shown["type"]), (&json!("posted"), &json!("payment")));
    assert_eq!(shown["posted_amount"], 1_000);
    assert_eq!(bank.balance(&cash).await, [1_000, 0, 1_000]);
    assert_eq!(bank.balance(&wallet).await, [1_000, 0, 1_000]);
    let over = bank.transfer(&wallet, &cash, 1_001).await;
    assert_eq!((status(&over), slug(&over).as_str()), (409, "payments/overdraft"));
    assert!(body(&over)["detail"].as_str().unwrap().contains("1000 available"));
    assert_eq!(status(&bank.transfer(&wallet, &cash, 1_000).await), 201);
    assert_eq!(bank.balance(&wallet).await, [0, 0, 0]);
    let report = bank.adds_up().await;
    assert_eq!((report.accounts, report.entries), (2, 4));
    let path = format!("/api/v1/transfers/{}", shown["id"].as_str().unwrap());
    let got = at_transfers::get(&bank.app, &call(&bank.owner, "GET", &path, "")).await;
    assert_eq!(body(&got), shown);
    let strangers = at_transfers::get(&bank.app, &call("app_x", "GET", &path, "")).await;
    assert_eq!(status(&strangers), 404);
}

#[tokio::test]
async fn p4_holds_reserve_post_in_part_void_and_never_overspend() {
    let bank = Bank::new().await;
    let (cash, wallet) = bank.pair().await;
    assert_eq!(status(&bank.transfer(&cash, &wallet, 100).await), 201);
    let one = bank.hold(&wallet, &cash, 60).await;
    assert_eq!(bank.balance(&wallet).await, [100, 60, 40]);
    let mut second = order(&wallet, &cash, 41);
    second["pending"] = json!(true);
    assert_eq!(slug(&bank.send(&second).await), "payments/overdraft");
    assert_eq!(slug(&bank.transfer(&wallet, &cash, 41).await), "payments/overdraft");
    let two = bank.hold(&wallet, &cash, 40).await;
    assert_eq!(bank.balance(&wallet).await, [100, 100, 0]);
    let more = bank.end(&one, "post", &json!({"amount": 61})).await;
    assert_eq!((status(&more), slug(&more).as_str()), (422, "payments/exceeds-hold"));
    let part = bank.end(&one, "post", &json!({"amount": 25})).await;
    assert_eq!(status(&part), 200);
    let shown = body(&part);
    assert_eq!((&shown["status"], &shown["amount"]), (&json!("posted"), &json!(60)));
    assert_eq!(shown["posted_amount"], 25);
    assert_eq!(bank.balance(&wallet).await, [75, 40, 35]);
    assert_eq!(status(&bank.end(&two, "void", &json!({})).await), 200);
    assert_eq!(bank.balance(&wallet).await, [75, 0, 75]);
    for (id, ending) in [(&one, "post"), (&one, "void"), (&two, "post"), (&two, "void")] {
        let again = bank.end(id, ending, &json!({})).await;
        assert_eq!((status(&again), slug(&again).as_str()), (409, "payments/not-pending"));
        let state = if id == &one { "posted" } else { "voided" };
        assert!(body(&again)["detail"].as_str().unwrap().contains(state));
    }
    assert_eq!(bank.adds_up().await.entries, 4);
}

#[tokio::test]
async fn p4_a_hold_expires_by_itself() {
    let bank = Bank::new().await;
    let (cash, wallet) = bank.pair().await;
    assert_eq!(status(&bank.transfer(&cash, &wallet, 100).await), 201);
    let mut text = order(&wallet, &cash, 100);
    text["pending"] = json!(true);
    text["timeout_s"] = json!(1);
    let held = bank.send(&text).await;
    let id = body(&held)["id"].as_str().unwrap().to_owned();
    assert_eq!(expiry::expire(&bank.app).await.unwrap(), 0);
    assert_eq!(bank.balance(&wallet).await, [100, 100, 0]);
    tokio::time::sleep(std::time::Duration::from_millis(1_050)).await;
    // Nobody has noticed yet, and still it cannot be posted.
    let late = bank.end(&id, "post", &json!({})).await;
    assert!(body(&late)["detail"].as_str().unwrap().contains("expired"), "{late:?}");
    assert_eq!(expiry::expire(&bank.app).await.unwrap(), 1);
    assert_eq!(expiry::expire(&bank.app).await.unwrap(), 0);
    assert_eq!(bank.balance(&wallet).await, [100, 0, 100]);
    let path = format!("/api/v1/transfers/{id}");
    let got = at_transfers::get(&bank.app, &call(&bank.owner, "GET", &path, "")).await;
    assert_eq!(body(&got)["status"], "expired");
    assert_eq!(body(&got)["settled_by"], "system");
    bank.adds_up().await;
}

#[tokio::test]
async fn p20_bad_input_is_a_typed_422_and_nothing_is_written() {
    let bank = Bank::new().await;
    let (cash, wallet) = bank.pair().await;
    let yen = bank.open("JPY", "asset", json!({})).await;
    let closed = bank.open("EUR", "asset", json!({})).await;
    let mut close = bank.call("POST", &format!("/api/v1/accounts/{closed}/close"), &json!({}));
    close.segments = vec![closed.clone()];
    assert_eq!(status(&origin::payments::accounts::close(&bank.app, &close).await), 200);
    let rich = bank.open("EUR", "asset", json!({})).await;
    let max = (1i64 << 53) - 1;
    assert_eq!(status(&bank.transfer(&rich, &cash, max).await), 201);
    let before = bank.rows().await;
    let with = |name: &str, value: Value| {
        let mut text = order(&cash, &wallet, 5);
        text[name] = value;
        text
    };
    let stranger = "acc_00000000001";
    let mut foreign = order(&cash, &yen, 5);
    foreign["currency"] = json!("JPY");
    let mut timeout = with("pending", json!(true));
    timeout["timeout_s"] = json!(0);
    for (text, slug_wanted) in [
        (with("amount", json!(0)), "payments/invalid-amount"),
        (with("amount", json!(-1)), "payments/invalid-amount"),
        (with("amount", json!(1u64 << 53)), "payments/invalid-amount"),
        (with("amount", json!(u64::MAX)), "http/unacceptable"),
        (with("amount", json!(12.5)), "http/unacceptable"),
        (with("amount", json!(1.0)), "http/unacceptable"),
        (with("amount", json!("5")), "http/unacceptable"),
        (with("amount", Value::Null), "payments/invalid"),
        (with("exponent", json!(3)), "http/unacceptable"),
        (with("currency", json!("EURO")), "payments/unknown-currency"),
        (with("currency", json!("eur")), "payments/unknown-currency"),
        (with("currency", json!("DEM")), "payments/unknown-currency"),
        (with("currency", json!("XAU")), "payments/unknown-currency"),
        (with("currency", json!("USD")), "payments/currency-mismatch"),
        (foreign, "payments/currency-mismatch"),
        (order(&cash, &cash, 5), "payments/same-account"),
        (order(stranger, &cash, 5), "payments/unknown-account"),
        (order(&cash, "nonsense", 5), "payments/unknown-account"),
        (order(&cash, &closed, 5), "payments/account-closed"),
        (order(&closed, &cash, 5), "payments/account-closed"),
        (order(&rich, &wallet, 1), "payments/balance-overflow"),
        (order(&wallet, &cash, 1), "payments/overdraft"),
        (with("reference", json!("")), "payments/invalid"),
        (with("reference", json!("é")), "payments/invalid"),
        (with("reference", json!("4242 4242 4242 4242")), "payments/card-number"),
        (with("type", json!("gift")), "http/unacceptable"),
        (with("timeout_s", json!(5)), "payments/invalid"),
        (timeout, "payments/invalid"),
        (with("linked", json!(true)), "payments/invalid"),
        (with("transfers", json!([])), "payments/invalid"),
        (json!({"transfers": []}), "payments/invalid"),
        (json!({"transfers": [{"transfers": []}]}), "payments/invalid"),
        (json!({"transfers": vec![order(&cash, &wallet, 1); 8_001]}), "payments/invalid"),
        (json!([]), "http/unacceptable"),
        (json!({}), "payments/invalid"),
    ] {
        let refused = bank.send(&text).await;
        let shown = text.to_string().chars().take(300).collect::<String>();
        assert_eq!(slug(&refused), slug_wanted, "{shown}");
        let wanted = if slug_wanted == "payments/overdraft" { 409 } else { 422 };
        assert_eq!(status(&refused), wanted, "{shown}");
    }
    assert_eq!(bank.rows().await, before);
    bank.adds_up().await;
}

#[tokio::test]
async fn a_linked_batch_happens_whole_or_not_at_all_and_another_item_by_item() {
    let bank = Bank::new().await;
    let (cash, wallet) = bank.pair().await;
    // The first feeds what the second spends: each sees those before it.
    let items = [order(&cash, &wallet, 50), order(&wallet, &cash, 30), order(&wallet, &cash, 30)];
    let before = bank.rows().await;
    let linked = bank.send(&json!({"transfers": items})).await;
    assert_eq!((status(&linked), slug(&linked).as_str()), (409, "payments/overdraft"));
    assert_eq!(body(&linked)["errors"][0]["pointer"], "/transfers/2");
    assert_eq!(bank.rows().await, before);
    let mut bad = items[..2].to_vec();
    bad[1]["amount"] = json!(0);
    let refused = bank.send(&json!({"transfers": bad})).await;
    assert_eq!(body(&refused)["errors"][0]["pointer"], "/transfers/1/amount");
    let each = bank.send(&json!({"transfers": items, "linked": false})).await;
    assert_eq!(status(&each), 201);
    let results = body(&each)["results"].clone();
    let statuses: Vec<u64> =
        results.as_array().unwrap().iter().map(|one| one["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [201, 201, 409]);
    assert!(results[2]["problem"]["type"].as_str().unwrap().ends_with("payments/overdraft"));
    assert_eq!(bank.balance(&wallet).await, [20, 0, 20]);
    let whole = bank.send(&json!({"transfers": items[..2], "linked": true})).await;
    assert_eq!(status(&whole), 201);
    assert_eq!(bank.balance(&wallet).await, [40, 0, 40]);
    assert_eq!(bank.adds_up().await.entries, 8);
}

#[tokio::test]
async fn a_batch_of_8000_is_one_commit() {
    let bank = Bank::new().await;
    let (cash, wallet) = bank.pair().await;
    let items = vec![order(&cash, &wallet, 1); 8_000];
    let made = bank.send(&json!({"transfers": items})).await;
    assert_eq!(status(&made), 201);
    assert_eq!(body(&made)["results"].as_array().unwrap().len(), 8_000);
    assert_eq!(bank.balance(&wallet).await, [8_000, 0, 8_000]);
    assert_eq!(bank.adds_up().await.entries, 16_000);
}
