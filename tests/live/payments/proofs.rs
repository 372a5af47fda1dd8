//! P15: the operator's check and proofs, at the origin.

use crate::client::Stack;
use serde_json::json;
use shared::payments::error::NO_ENTRY;
use shared::payments::tree::{from_hex, leaf_hash, root_of};

#[tokio::test]
async fn p15_the_ledger_is_checked_whole_and_each_entry_is_proven() {
    let stack = Stack::here();
    let app = stack.app().await;
    let (one, two) = (app.account("EUR").await, app.account("EUR").await);
    let order = json!({
        "debit_account": one, "credit_account": two, "amount": 5, "currency": "EUR",
    });
    app.pay("/api/v1/transfers", &order).send().await.is(201);
    let report = stack.admin("GET", "/admin/ledger/check").send().await.is(200);
    assert_eq!(report["ok"], true, "{report}");
    assert_eq!(report["by_currency"]["EUR"], 0);
    assert!(report["entries"].as_u64().unwrap() >= 2);
    let page = app.get(&format!("/api/v1/accounts/{one}/entries")).await.is(200);
    let entry = page["items"][0]["id"].as_str().unwrap();
    let path = format!("/admin/ledger/proof?entry={entry}");
    let proof = stack.admin("GET", &path).send().await.is(200);
    let leaf = proof["leaf"].as_str().unwrap();
    assert!(leaf.contains(entry) && leaf.contains(&one), "{leaf}");
    let hash = |text: &str| from_hex(text).unwrap()[0];
    let way: Vec<_> =
        proof["path"].as_array().unwrap().iter().map(|one| hash(one.as_str().unwrap())).collect();
    let (index, size) = (proof["index"].as_u64().unwrap(), proof["head"]["size"].as_u64().unwrap());
    let root = root_of(leaf_hash(leaf.as_bytes()), index, size, &way);
    assert_eq!(root, Some(hash(proof["head"]["root"].as_str().unwrap())));
    let none = stack.admin("GET", "/admin/ledger/proof?entry=ent_zzzzzzzzzz").send().await;
    none.is_problem(&NO_ENTRY);
}
