//! Payments through Stripe's API, as its stand-in speaks it.

use super::stand_in::{DECLINED, KEY, Stripe, VISA, bank, by_card};
use super::{Bank, gateways::calm, steps::payment};
use crate::support::{body, status};
use serde_json::json;
use shared::payments::reconcile::statement::begins;

#[tokio::test]
async fn p8_a_payment_intent_is_authorized_captured_refunded_and_its_fee_booked() {
    let (bank, stripe) = bank(KEY).await;
    let (_, wallet) = bank.pair().await;
    let id = bank.paid(&by_card(VISA, &wallet, 1_000, "manual")).await;
    calm(&[&bank.app]).await;
    let shown = bank.look(&id).await;
    let wanted = (&json!("authorized"), &json!("pi_1"));
    assert_eq!((&shown["status"], &shown["gateway_reference"]), wanted);
    assert_eq!(status(&bank.act(&id, "capture", &json!({"amount": 800})).await), 200);
    calm(&[&bank.app]).await;
    let shown = bank.look(&id).await;
    assert_eq!((&shown["status"], &shown["gateway_fee"]), (&json!("captured"), &json!(53)));
    assert_eq!(bank.balance(&wallet).await, [800, 0, 800]);
    assert_eq!(status(&bank.act(&id, "refunds", &json!({"amount": 300})).await), 201);
    calm(&[&bank.app]).await;
    assert_eq!(bank.look(&id).await["amount_refunded"], 300);
    assert_eq!(stripe.lock().unwrap().refunds.len(), 1);
    let other = bank.paid(&by_card(VISA, &wallet, 70, "manual")).await;
    calm(&[&bank.app]).await;
    assert_eq!(body(&bank.act(&other, "cancel", &json!({})).await)["status"], "canceled");
    calm(&[&bank.app]).await;
    assert_eq!(stripe.lock().unwrap().intents["pi_2"]["status"], "canceled");
    bank.adds_up().await;
}

#[tokio::test]
async fn p7_an_answer_that_stripe_lost_is_asked_for_and_nothing_is_charged_twice() {
    let (bank, stripe) = bank(KEY).await;
    let (_, wallet) = bank.pair().await;
    stripe.lock().unwrap().lose = 1;
    let id = bank.paid(&by_card(VISA, &wallet, 100, "automatic")).await;
    calm(&[&bank.app]).await;
    assert_eq!(bank.look(&id).await["status"], "captured");
    stripe.lock().unwrap().lose = 1;
    assert_eq!(status(&bank.act(&id, "refunds", &json!({"amount": 40})).await), 201);
    calm(&[&bank.app]).await;
    assert_eq!(bank.look(&id).await["amount_refunded"], 40);
    let counts = |stripe: &Stripe| [stripe.intents.len(), stripe.refunds.len(), stripe.lines.len()];
    assert_eq!(counts(&stripe.lock().unwrap()), [1, 1, 2], "a charge, a refund, a line of each");
    bank.adds_up().await;
}

#[tokio::test]
async fn p8_a_declined_card_fails_the_payment_with_its_reason() {
    let (bank, _) = bank(KEY).await;
    let (_, wallet) = bank.pair().await;
    let id = bank.paid(&by_card(DECLINED, &wallet, 100, "automatic")).await;
    calm(&[&bank.app]).await;
    let shown = bank.look(&id).await;
    assert_eq!(
        (&shown["status"], &shown["failure"]),
        (&json!("failed"), &json!("generic_decline"))
    );
    assert_eq!(bank.balance(&wallet).await, [0, 0, 0]);
    bank.adds_up().await;
}

#[tokio::test]
async fn p7_a_refused_key_is_our_fault_and_the_payment_waits() {
    let (bank, stripe) = bank("another_key").await;
    let (_, wallet) = bank.pair().await;
    let id = bank.paid(&by_card(VISA, &wallet, 100, "automatic")).await;
    for _ in 0..5 {
        origin::payments::orders::round(&bank.app).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(stripe.lock().unwrap().calls > 1);
    assert_eq!(bank.look(&id).await["status"], "processing");
    let shown = format!("{:?}", bank.app.gateways);
    assert!(!shown.contains("another_key"), "{shown}");
}

#[tokio::test]
async fn p22_the_days_report_names_our_payment_with_its_fee() {
    let (bank, _) = bank(KEY).await;
    let (_, wallet) = bank.pair().await;
    let id = bank.paid(&by_card(VISA, &wallet, 1_000, "automatic")).await;
    calm(&[&bank.app]).await;
    let lines = bank
        .app
        .gateways
        .get("stripe")
        .unwrap()
        .report(begins(u32::try_from(origin::db::now().day()).unwrap()))
        .await
        .unwrap();
    assert_eq!(lines.len(), 1);
    assert_eq!((lines[0].reference.as_deref(), lines[0].subject.as_str()), (Some(&*id), "pi_1"));
    assert_eq!((lines[0].amount, lines[0].fee), (1_000, 59));
}

#[tokio::test]
async fn p8_stripe_without_a_key_does_not_exist_and_pays_nobody() {
    let bank = Bank::new().await;
    let (_, wallet) = bank.pair().await;
    let refused = bank.pay(&by_card(VISA, &wallet, 100, "automatic")).await;
    assert_eq!(
        (status(&refused), super::slug(&refused).as_str()),
        (422, "payments/unknown-gateway")
    );
    let (with, _) = super::stand_in::bank(KEY).await;
    let (cash, _) = with.pair().await;
    let mut text = payment(&cash, "", 5, "automatic");
    text["destination"] = json!({"gateway": "stripe", "token": "ba_1"});
    let refused = with.pay(&text).await;
    assert_eq!(
        (status(&refused), super::slug(&refused).as_str()),
        (422, "payments/unknown-gateway")
    );
}
