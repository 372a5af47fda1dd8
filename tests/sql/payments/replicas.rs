//! Several replicas on one ledger, at once.

use super::{Bank, keyed, order};
use crate::support::{body, status};
use futures::future::join_all;
use origin::app::App;
use origin::payments::transfers;
use serde_json::{Value, json};
use shared::payments::chain;
use std::collections::BTreeSet;
use std::sync::Arc;

async fn hold(app: &App, owner: &str, text: &Value) -> u16 {
    status(&transfers::create(app, &keyed(owner, "POST", "/api/v1/transfers", text)).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p4_p18_two_replicas_never_overspend_one_wallet() {
    let bank = Bank::new().await;
    let other = bank.place.replica().await;
    let (cash, wallet) = bank.pair().await;
    assert_eq!(status(&bank.transfer(&cash, &wallet, 100).await), 201);
    let mut text = order(&wallet, &cash, 7);
    text["pending"] = json!(true);
    let all =
        (0..60).map(|n| hold(if n % 2 == 0 { &bank.app } else { &other }, &bank.owner, &text));
    let statuses = join_all(all).await;
    // 409: the wallet is empty, or a replica waited a second for the other's lock.
    assert!(statuses.iter().all(|status| matches!(status, 201 | 409)), "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 14);
    assert_eq!(bank.balance(&wallet).await, [100, 98, 2]);
    bank.adds_up().await;
}

/// Moves money around a ring of accounts, until it is told that every one went.
async fn churn(app: Arc<App>, owner: String, accounts: Vec<String>, seed: u64) -> u64 {
    let mut made = 0;
    for n in 0..40u64 {
        let draw = shared::machine::mix(seed * 1_000 + n);
        let debit = draw as usize % accounts.len();
        let credit = (debit + 1 + (draw >> 32) as usize % (accounts.len() - 1)) % accounts.len();
        let text = order(&accounts[debit], &accounts[credit], 1 + (draw % 9) as i64);
        let call = keyed(&owner, "POST", "/api/v1/transfers", &text);
        // The same key until it is answered: what waited too long is asked again.
        loop {
            let answered = transfers::create(&app, &call).await;
            if status(&answered) == 201 {
                assert!(body(&answered)["id"].is_string());
                made += 1;
                break;
            }
            assert_eq!(status(&answered), 409, "{answered:?}");
        }
    }
    made
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p3_p18_two_replicas_at_once_leave_a_ledger_that_adds_up() {
    let bank = Bank::new().await;
    let other = bank.place.replica().await;
    let mut accounts = vec![];
    for _ in 0..6 {
        accounts.push(bank.open("EUR", "asset", json!({})).await);
    }
    let tasks = (0..24u64).map(|n| {
        let app = if n % 2 == 0 { &bank.app } else { &other };
        tokio::spawn(churn(Arc::clone(app), bank.owner.clone(), accounts.clone(), n))
    });
    let made: u64 = join_all(tasks).await.into_iter().map(Result::unwrap).sum();
    assert_eq!(made, 24 * 40);
    let report = bank.adds_up().await;
    assert_eq!((report.accounts, report.entries), (6, made * 2));
    let rows = bank.app.db.read("select id from entry", vec![]).await.unwrap();
    let shards: BTreeSet<u64> = rows
        .iter()
        .map(|row| chain::shard_and_index(origin::db::number(row, "id").unwrap()).0)
        .collect();
    for app in [&bank.app, &other] {
        let nodes = app.ids.nodes().await;
        let own = nodes.into_iter().filter(|node| shards.contains(&u64::from(*node)));
        assert!(own.count() >= 1, "each replica has logs of its own");
    }
}
