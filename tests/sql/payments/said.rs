//! Gateways' events: a schedule for what cannot be applied, which keeps nobody waiting.

use super::gateways::calm;
use super::payouts::bank_with;
use super::steps::payment;
use crate::support::write;
use origin::payments::said;
use origin::{db, values};
use serde_json::json;

/// More than one look takes.
const MANY: u64 = 150;

#[tokio::test]
async fn p10_however_many_events_are_parked_each_has_its_turn_and_new_ones_wait_for_none() {
    let bank = bank_with(&[("SELVEDGE_GATEWAY_LEASE_MS", "100")]).await;
    let (_, wallet) = bank.pair().await;
    let sql = "insert into gateway_event (gateway, event, received_at, body) \
               values ('simulator', $1, $2, $3)";
    let mut tx = bank.app.db.begin().await.unwrap();
    for n in 0..MANY {
        let stray = json!({"reference": "", "subject": format!("sim_{n}"), "amount": 5,
            "happened": "captured", "currency": "EUR"});
        let at = db::now().0 - 1_000 + n;
        tx.write(sql, values![format!("evt_{n}"), at, stray.to_string()]).await.unwrap();
    }
    tx.commit().await.unwrap();
    while said::look(&bank.app, false).await.unwrap() > 0 {}
    let count = async |what: &str| {
        let sql = format!("select event from gateway_event where {what}");
        bank.app.db.read(&sql, vec![]).await.unwrap().len() as u64
    };
    assert_eq!(count("error is not null and due is not null and attempts = 1").await, MANY);
    assert_eq!(said::look(&bank.app, true).await.unwrap(), 0, "nothing is due yet");
    // All are due, and a hundred is a look: the second look takes those that the first did not.
    write(&bank.app, "update gateway_event set due = 0", vec![]).await;
    assert_eq!(said::look(&bank.app, true).await.unwrap(), 100);
    // A new one does not stand behind them.
    let mut text = payment("", &wallet, 100, "automatic");
    text["source"] = json!({"gateway": "simulator", "token": "tok_late_webhook"});
    let id = bank.paid(&text).await;
    calm(&[&bank.app]).await;
    assert_eq!(bank.look(&id).await["status"], "captured");
    assert_eq!(said::look(&bank.app, true).await.unwrap(), MANY - 100);
    assert_eq!(count("attempts = 2").await, MANY);
    assert_eq!(said::look(&bank.app, true).await.unwrap(), 0);
    // What it is about is known at last: it is applied, however late.
    let known = "update payment set subject = 'sim_149', body = replace(body, $1, $2) \
                 where subject = $3";
    let subject = bank.look(&id).await["gateway_reference"].as_str().unwrap().to_owned();
    write(&bank.app, known, values![subject.as_str(), "sim_149", subject.as_str()]).await;
    write(&bank.app, "update gateway_event set due = 0 where event = 'evt_149'", vec![]).await;
    assert_eq!(said::look(&bank.app, true).await.unwrap(), 1);
    assert_eq!(count("event = 'evt_149' and applied_at is not null and due is null").await, 1);
    // After three days nobody tries any more; it stays, with its reason.
    let old = "update gateway_event set due = 0, received_at = 1 where event = 'evt_0'";
    write(&bank.app, old, vec![]).await;
    assert_eq!(said::look(&bank.app, true).await.unwrap(), 1);
    assert_eq!(count("event = 'evt_0' and due is null and error is not null").await, 1);
}
