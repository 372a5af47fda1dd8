//! What the simulator gives back unasked: through its events, and through its daily report.

use super::Bank;
use super::gateways::calm;
use super::payouts::bank_with;
use super::steps::payment;
use crate::support::{status, write};
use origin::payments::reconciliations::daily;
use origin::payments::said;
use origin::{db, values};
use serde_json::{Value, json};

fn by_card(token: &str, wallet: &str, amount: i64) -> Value {
    let mut text = payment("", wallet, amount, "automatic");
    text["source"] = json!({"gateway": "simulator", "token": token});
    text
}

async fn close(bank: &Bank) {
    let today = u32::try_from(db::now().day()).unwrap();
    daily::close_gateway(&bank.app, "simulator", today).await.unwrap();
    said::look(&bank.app, false).await.unwrap();
}

async fn counts(bank: &Bank) -> Value {
    let rows = bank.app.db.read("select counts from reconciliation order by id", vec![]).await;
    serde_json::from_str(&db::text(rows.unwrap().last().unwrap(), "counts").unwrap()).unwrap()
}

#[tokio::test]
async fn p5_what_the_simulator_gives_back_by_itself_is_booked_and_settles_with_its_report() {
    let bank = bank_with(&[("SELVEDGE_GATEWAY_LEASE_MS", "100")]).await;
    let (_, wallet) = bank.pair().await;
    let there = bank.paid(&by_card("tok_refunded_there", &wallet, 1_000)).await;
    let bounces = bank.paid(&by_card("tok_refund_comes_back", &wallet, 2_000)).await;
    calm(&[&bank.app]).await;
    assert_eq!(status(&bank.act(&bounces, "refunds", &json!({"amount": 700})).await), 201);
    calm(&[&bank.app]).await;
    let shown = bank.look(&there).await;
    let wanted = (&json!("partially_refunded"), &json!(250));
    assert_eq!((&shown["status"], &shown["amount_refunded"]), wanted);
    let shown = bank.look(&bounces).await;
    assert_eq!((&shown["status"], &shown["amount_refunded"]), (&json!("captured"), &json!(0)));
    let events = bank.events(&bounces).await;
    let wanted = ["payment.refund_pending", "payment.refunded", "payment.refund_reversed"];
    assert_eq!(events[events.len() - 3..], wanted);
    assert_eq!(bank.balance(&wallet).await, [2_750, 0, 2_750]);
    assert_eq!(bank.books().await, [2_750 - 87, 0, 87, 0]);
    for _ in 0..2 {
        close(&bank).await;
    }
    assert_eq!(bank.look(&there).await["status"], "partially_refunded");
    assert_eq!(bank.look(&bounces).await["status"], "settled");
    assert_eq!(bank.books().await, [0, 2_750 - 87, 87, 0]);
    let counts = counts(&bank).await;
    // Two charges, a refund, one that came back, and that it did.
    assert_eq!((&counts["matched"], &counts["missing_here"]), (&json!(5), &json!(0)), "{counts}");
    // What had bounced may be refunded again, and bounces again.
    assert_eq!(status(&bank.act(&bounces, "refunds", &json!({})).await), 201);
    calm(&[&bank.app]).await;
    assert_eq!(bank.books().await, [0, 2_750 - 87, 87, 0]);
    bank.adds_up().await;
}

#[tokio::test]
async fn p5_the_report_tells_what_no_event_has_told() {
    let bank = bank_with(&[("SELVEDGE_GATEWAY_LEASE_MS", "100")]).await;
    let (_, wallet) = bank.pair().await;
    let there = bank.paid(&by_card("tok_refunded_there", &wallet, 1_000)).await;
    calm(&[&bank.app]).await;
    // Its events are lost, all of them and for ever: the refund is as if it had never been told.
    let other = bank.paid(&by_card("tok_refunded_there", &wallet, 400)).await;
    origin::payments::orders::round(&bank.app).await.unwrap();
    write(&bank.app, "delete from gateway_event where applied_at is null", vec![]).await;
    calm(&[&bank.app]).await;
    assert_eq!(bank.look(&other).await["amount_refunded"], 0);
    close(&bank).await;
    let (there, other) = (bank.look(&there).await, bank.look(&other).await);
    let back = |shown: &Value| shown["amount_refunded"].as_i64().unwrap();
    assert_eq!((back(&there), back(&other)), (250, 100));
    let counts = counts(&bank).await;
    assert_eq!((&counts["matched"], &counts["missing_here"]), (&json!(4), &json!(0)), "{counts}");
    bank.adds_up().await;
}

#[tokio::test]
async fn p9_money_that_a_payment_had_sent_and_that_comes_back_is_the_accounts_again() {
    let bank = bank_with(&[("SELVEDGE_GATEWAY_LEASE_MS", "100")]).await;
    let wallet = bank.wallet(100).await;
    let mut text = payment(&wallet, "", 60, "automatic");
    text["destination"] = json!({"gateway": "simulator", "token": "tok_comes_back"});
    let id = bank.paid(&text).await;
    calm(&[&bank.app]).await;
    let shown = bank.look(&id).await;
    assert_eq!((&shown["status"], &shown["amount_refunded"]), (&json!("refunded"), &json!(60)));
    assert_eq!(bank.balance(&wallet).await, [100, 0, 100]);
    assert_eq!(bank.events(&id).await.last().unwrap(), "payment.payout_returned");
    // Told once more, under another name.
    let again = "insert into gateway_event (gateway, event, received_at, body) \
                 select gateway, 'again', 0, body from gateway_event where event like $1";
    write(&bank.app, again, values!["%~back"]).await;
    calm(&[&bank.app]).await;
    assert_eq!(bank.balance(&wallet).await, [100, 0, 100]);
    assert_eq!(bank.books().await, [0, 0, 0, 0]);
    bank.adds_up().await;
}
