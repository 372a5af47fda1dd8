//! What the database itself refuses, and what the check finds when it could not.

use super::Bank;
use crate::support::status;
use origin::payments::check;
use serde_json::json;

/// Runs a statement by itself; whether the database took it.
async fn try_sql(bank: &Bank, sql: &str) -> Result<u64, String> {
    let mut tx = bank.app.db.begin().await.unwrap();
    let done = tx.write(sql, vec![]).await.map_err(|error| error.to_string())?;
    tx.commit().await.map_err(|error| error.to_string())?;
    Ok(done)
}

#[tokio::test]
async fn p2_the_database_refuses_to_change_or_delete_entries() {
    let bank = Bank::new().await;
    let (cash, wallet) = bank.pair().await;
    assert_eq!(status(&bank.transfer(&cash, &wallet, 5).await), 201);
    let hold = bank.hold(&cash, &wallet, 5).await;
    assert_eq!(status(&bank.end(&hold, "void", &json!({})).await), 200);
    bank.hold(&cash, &wallet, 9).await;
    let mut tries = vec![
        "update entry set amount = amount",
        "update entry set balance = 7 where n = 1",
        "delete from entry",
        "delete from transfer",
        "update transfer set amount = 1",
        "update transfer set status = 1 where status = 2",
        "update transfer set reference = 'x' where status = 1",
    ];
    if std::env::var("TEST_DATABASE").as_deref() == Ok("postgres") {
        tries.extend(["truncate entry", "truncate transfer", "truncate signed_head"]);
    } else {
        tries.push(
            "insert or replace into entry select id, account, n, transfer, 9, 9, at \
                    from entry where true",
        );
    }
    for sql in tries {
        let refused = try_sql(&bank, sql).await.unwrap_err();
        assert!(refused.contains("immutable"), "{sql}: {refused}");
    }
    bank.adds_up().await;
}

/// Takes the triggers away, as only the database's owner can.
pub(super) async fn unfreeze(bank: &Bank) {
    let postgres = std::env::var("TEST_DATABASE").as_deref() == Ok("postgres");
    let all: &[&str] = if postgres {
        &["alter table entry disable trigger all", "alter table transfer disable trigger all"]
    } else {
        &[
            "drop trigger entry_no_update",
            "drop trigger entry_no_delete",
            "drop trigger transfer_settles_once",
            "drop trigger transfer_no_delete",
        ]
    };
    for sql in all {
        try_sql(bank, sql).await.unwrap();
    }
}

#[tokio::test]
async fn p15_whoever_gets_past_the_triggers_is_found_out() {
    for (sql, wanted) in [
        ("update entry set at = at - 1 where n = 2", "the entries of shard"),
        ("update transfer set reference = 'x' where reference = 'y'", "the entries of shard"),
        ("update transfer set made_by = 'service:z'", "the entries of shard"),
        ("delete from entry where n = 2", "stands where"),
        ("update account set posted = posted + 1", "is not the sum of its entries"),
        ("update account set debits_held = 1", "held debits"),
        ("update entry set amount = amount * 2 where n = 3", "is no side of its transfer"),
    ] {
        let bank = Bank::new().await;
        let (cash, wallet) = bank.pair().await;
        for n in 1..=3 {
            let mut text = super::order(&cash, &wallet, n);
            text["reference"] = json!("y");
            assert_eq!(status(&bank.send(&text).await), 201);
        }
        bank.adds_up().await;
        unfreeze(&bank).await;
        assert!(try_sql(&bank, sql).await.unwrap() > 0);
        let report = check::whole(&bank.app).await.unwrap();
        assert!(!report.ok, "{sql}");
        assert!(report.faults.iter().any(|fault| fault.contains(wanted)), "{sql}: {report:?}");
    }
}
