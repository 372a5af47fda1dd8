//! One key, one movement of money.

use super::{Bank, keyed, order};
use crate::support::{body, call, status, with};
use futures::future::join_all;
use origin::payments::transfers;
use serde_json::json;
use std::collections::BTreeSet;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p6_a_hundred_copies_at_once_move_money_once() {
    let bank = Bank::new().await;
    let other = bank.place.replica().await;
    let (cash, wallet) = bank.pair().await;
    let text = order(&cash, &wallet, 7);
    let request = keyed(&bank.owner, "POST", "/api/v1/transfers", &text);
    let all =
        (0..100).map(|n| transfers::create(if n % 2 == 0 { &bank.app } else { &other }, &request));
    let results = join_all(all).await;
    let mut answers = BTreeSet::new();
    for result in &results {
        match status(result) {
            201 => answers.insert(result.as_ref().unwrap().body.clone()),
            // It waited a second for the other replica's copy.
            409 => true,
            other => panic!("{other}: {result:?}"),
        };
    }
    assert_eq!(answers.len(), 1);
    assert_eq!(bank.balance(&wallet).await, [7, 0, 7]);
    let again = transfers::create(&other, &request).await;
    assert!(again.as_ref().unwrap().replayed && answers.contains(&again.unwrap().body));
    assert_eq!(bank.adds_up().await.entries, 2);
}

#[tokio::test]
async fn a_key_is_required_bound_to_its_request_and_keeps_a_refusal() {
    let bank = Bank::new().await;
    let (cash, wallet) = bank.pair().await;
    let text = order(&cash, &wallet, 7).to_string();
    let bare = call(&bank.owner, "POST", "/api/v1/transfers", &text);
    assert_eq!(status(&transfers::create(&bank.app, &bare).await), 400);
    let keyed = |text: &str| {
        let call = call(&bank.owner, "POST", "/api/v1/transfers", text);
        with(call, "idempotency-key", "k")
    };
    let over = order(&wallet, &cash, 1).to_string();
    let refused = transfers::create(&bank.app, &keyed(&over)).await;
    assert_eq!(status(&refused), 409);
    assert_eq!(status(&transfers::create(&bank.app, &keyed(&text)).await), 422);
    assert_eq!(status(&bank.transfer(&cash, &wallet, 7).await), 201);
    // It would succeed now, and is answered as it was.
    let again = transfers::create(&bank.app, &keyed(&over)).await;
    assert!(again.as_ref().unwrap().replayed);
    assert_eq!(body(&again), body(&refused));
}

#[tokio::test]
async fn a_hold_is_ended_once_per_key_whatever_is_asked_beside_it() {
    let bank = Bank::new().await;
    let (cash, wallet) = bank.pair().await;
    assert_eq!(status(&bank.transfer(&cash, &wallet, 10).await), 201);
    let hold = bank.hold(&wallet, &cash, 10).await;
    let endings = (0..20).map(|n| {
        let (bank, hold) = (&bank, &hold);
        async move {
            match n % 2 {
                0 => bank.end(hold, "post", &json!({"amount": 4})).await,
                _ => bank.end(hold, "void", &json!({})).await,
            }
        }
    });
    let statuses: Vec<u16> = join_all(endings).await.iter().map(status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1);
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 19);
    let [posted, pending, _] = bank.balance(&wallet).await;
    assert!((posted == 6 || posted == 10) && pending == 0);
    bank.adds_up().await;
}
