//! Stripe's days: its balance transactions are asked for by themselves, page by page, booked,
//! reconciled, and settle what they put at our disposal; and what it gives back unasked.

use super::Bank;
use super::gateways::calm;
use super::stand_in::{KEY, Shared, VISA, bank, by_card, overlaid};
use crate::support::{body, call, status, write};
use origin::payments::reconciliations::{daily, shown};
use origin::payments::said;
use origin::{db, values};
use serde_json::{Value, json};
use shared::time::{DAY_MS, HOUR_MS};

async fn captured(bank: &Bank, wallet: &str, amount: i64) -> String {
    let id = bank.paid(&by_card(VISA, wallet, amount, "automatic")).await;
    calm(&[&bank.app]).await;
    id
}

/// Stripe tells of an object, as the edge passes it on.
async fn tells(bank: &Bank, event: &str, object: &Value) {
    let text = json!({"object": "event", "id": event, "type": "charge.refund.updated",
        "data": {"object": object}});
    let sql = "insert into gateway_event (gateway, event, received_at, body) \
               values ('stripe', $1, $2, $3)";
    write(&bank.app, sql, values![event, db::now(), text.to_string()]).await;
    calm(&[&bank.app]).await;
}

/// The day is over, and the origin looks.
async fn tomorrow(bank: &Bank) {
    daily::look(&bank.app, db::now()).await.unwrap();
    daily::look(&bank.app, db::now().plus(DAY_MS + 3 * HOUR_MS)).await.unwrap();
}

async fn reconciliations(bank: &Bank) -> Vec<Value> {
    let call = call("", "GET", "/admin/reconciliations", "");
    body(&shown::list(&bank.app, &call).await)["items"].as_array().unwrap().clone()
}

async fn entries(bank: &Bank) -> usize {
    bank.app.db.read("select id from entry", vec![]).await.unwrap().len()
}

/// Stripe's moment has come, instead of in two days.
async fn becomes_available(bank: &Bank) {
    write(&bank.app, "update gateway_event set received_at = 0 where own = 1", vec![]).await;
    said::look(&bank.app, false).await.unwrap();
}

async fn parked(bank: &Bank) -> Vec<String> {
    let sql = "select error from gateway_event where error is not null and applied_at is null";
    let rows = bank.app.db.read(sql, vec![]).await.unwrap();
    rows.iter().map(|row| db::text(row, "error").unwrap()).collect()
}

#[tokio::test]
async fn p22_stripes_day_is_closed_by_itself_and_its_lines_settle_when_they_are_available() {
    let (bank, stripe) = bank(KEY).await;
    let (_, wallet) = bank.pair().await;
    let mut made = vec![];
    for amount in [1_000, 2_000, 3_000] {
        made.push(captured(&bank, &wallet, amount).await);
    }
    assert_eq!(status(&bank.act(&made[1], "refunds", &json!({"amount": 500})).await), 201);
    calm(&[&bank.app]).await;
    {
        let mut stripe = stripe.lock().unwrap();
        stripe.page = 2;
        // A charge of somebody else's, on the same account.
        let mut other = stripe.lines[0].clone();
        other["id"] = json!("txn_other");
        other["source"] =
            overlaid("charge", json!({"id": "ch_other", "payment_intent": "pi_other"}));
        stripe.lines.push(other);
    }
    tomorrow(&bank).await;
    let all = reconciliations(&bank).await;
    assert_eq!(all.len(), 1, "{all:?}");
    let wanted = json!({"matched": 4, "missing_here": 1, "missing_there": 0, "amount_differs": 0,
        "currency_differs": 0, "duplicate": 0, "late": 0});
    assert_eq!((&all[0]["source"], &all[0]["counts"]), (&json!("stripe"), &wanted));
    assert_eq!((&all[0]["closes"], &all[0]["alert"]), (&json!(true), &json!(true)));
    // What is on its way is not settled.
    said::look(&bank.app, false).await.unwrap();
    for id in &made {
        assert_ne!(bank.look(id).await["status"], "settled");
    }
    let fees = 59 + 88 + 117;
    assert_eq!(bank.books().await, [5_500 - fees, 0, fees, 0]);
    becomes_available(&bank).await;
    for (id, wanted) in made.iter().zip(["settled", "partially_refunded", "settled"]) {
        assert_eq!(bank.look(id).await["status"], wanted);
        assert_eq!(bank.events(id).await.last().unwrap(), "payment.settled");
    }
    assert_eq!(bank.books().await, [0, 5_500 - fees, fees, 0]);
    // The same report once more, and every line of it told again, changes nothing.
    let before = entries(&bank).await;
    let today = u32::try_from(db::now().day()).unwrap();
    daily::close_gateway(&bank.app, "stripe", today).await.unwrap();
    let again = "update gateway_event set applied_at = null where own = 1";
    write(&bank.app, again, vec![]).await;
    becomes_available(&bank).await;
    assert_eq!((entries(&bank).await, reconciliations(&bank).await.len()), (before, 1));
    // What goes back from now on leaves what was at our disposal.
    assert_eq!(status(&bank.act(&made[0], "refunds", &json!({})).await), 201);
    calm(&[&bank.app]).await;
    assert_eq!(bank.look(&made[0]).await["status"], "refunded");
    assert_eq!(bank.books().await, [0, 4_500 - fees, fees, 0]);
    // The stranger's line is a finding, and nothing else.
    assert_eq!(parked(&bank).await, Vec::<String>::new());
    bank.adds_up().await;
}

#[tokio::test]
async fn p22_a_report_that_stripe_does_not_give_is_asked_for_again_and_closes_nothing() {
    let (bank, stripe) = bank("another_key").await;
    tomorrow(&bank).await;
    assert!(stripe.lock().unwrap().calls > 0);
    assert!(reconciliations(&bank).await.is_empty());
    let sql = "select next_day, attempts from daily_close where source = 'stripe'";
    let row = &bank.app.db.read(sql, vec![]).await.unwrap()[0];
    assert_eq!(db::number(row, "next_day").unwrap(), db::now().day());
    assert_eq!(db::number(row, "attempts").unwrap(), 1);
    daily::look(&bank.app, db::now().plus(DAY_MS + 12 * HOUR_MS)).await.unwrap();
    let sql = "select alerted_day from daily_close where source = 'stripe'";
    let row = &bank.app.db.read(sql, vec![]).await.unwrap()[0];
    assert_eq!(db::maybe_number(row, "alerted_day").unwrap(), Some(db::now().day()));
}

#[tokio::test]
async fn p5_a_refund_made_in_stripes_dashboard_is_booked_once_and_within_what_was_captured() {
    let (bank, stripe): (Bank, Shared) = bank(KEY).await;
    let (_, wallet) = bank.pair().await;
    let id = captured(&bank, &wallet, 1_000).await;
    let refund = stripe.lock().unwrap().refund_there("pi_1", 300);
    for event in ["evt_1", "evt_2"] {
        tells(&bank, event, &refund).await;
    }
    let shown = bank.look(&id).await;
    let wanted = (&json!("partially_refunded"), &json!(300));
    assert_eq!((&shown["status"], &shown["amount_refunded"]), wanted);
    assert_eq!(bank.balance(&wallet).await, [700, 0, 700]);
    assert_eq!(bank.books().await, [641, 0, 59, 0]);
    let mut list = bank.about(&id, "refunds", &json!({}));
    list.method = "GET".into();
    let listed = body(&origin::payments::payment::refunds(&bank.app, &list).await);
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    assert_eq!(listed["items"][0]["origin"], "gateway");
    // A caller's refund can have no more than what is left.
    let over = bank.act(&id, "refunds", &json!({"amount": 701})).await;
    assert_eq!(status(&over), 422, "{over:?}");
    // One that cannot be yet waits, parked, and nothing is refunded beyond what was captured.
    let mut beyond = refund.clone();
    (beyond["id"], beyond["amount"]) = (json!("re_77"), json!(701));
    tells(&bank, "evt_3", &beyond).await;
    assert_eq!(bank.look(&id).await["amount_refunded"], 300);
    assert!(parked(&bank).await[0].contains("700 of it is left"), "{:?}", parked(&bank).await);
    // The day's report tells of one whose event was lost.
    stripe.lock().unwrap().refund_there("pi_1", 100);
    tomorrow(&bank).await;
    assert_eq!(bank.look(&id).await["amount_refunded"], 400);
    let one = &reconciliations(&bank).await[0];
    assert_eq!((&one["counts"]["matched"], &one["alert"]), (&json!(3), &json!(false)), "{one}");
    bank.adds_up().await;
}

#[tokio::test]
async fn p5_a_refund_that_fails_after_it_succeeded_is_reversed_by_a_transfer_of_its_own() {
    let (bank, stripe) = bank(KEY).await;
    let (_, wallet) = bank.pair().await;
    let id = captured(&bank, &wallet, 1_000).await;
    assert_eq!(status(&bank.act(&id, "refunds", &json!({})).await), 201);
    calm(&[&bank.app]).await;
    assert_eq!(bank.look(&id).await["status"], "refunded");
    let (before, succeeded) = (entries(&bank).await, stripe.lock().unwrap().refunds[0].clone());
    let failed = stripe.lock().unwrap().refund_fails(0);
    // Twice, and then what was true before it.
    for (event, object) in [("evt_1", &failed), ("evt_2", &failed), ("evt_3", &succeeded)] {
        tells(&bank, event, object).await;
    }
    let shown = bank.look(&id).await;
    let wanted = (&json!("captured"), &json!(0));
    assert_eq!((&shown["status"], &shown["amount_refunded"]), wanted);
    assert_eq!(bank.balance(&wallet).await, [1_000, 0, 1_000]);
    assert_eq!(bank.books().await, [941, 0, 59, 0]);
    assert_eq!(entries(&bank).await, before + 2, "nothing was edited, one transfer was added");
    assert_eq!(bank.events(&id).await.last().unwrap(), "payment.refund_reversed");
    // The report of the day has both, and the books have both.
    tomorrow(&bank).await;
    let one = &reconciliations(&bank).await[0];
    assert_eq!((&one["counts"]["matched"], &one["alert"]), (&json!(3), &json!(false)), "{one}");
    assert_eq!(parked(&bank).await, Vec::<String>::new());
    // It may be refunded again.
    assert_eq!(status(&bank.act(&id, "refunds", &json!({"amount": 400})).await), 201);
    bank.adds_up().await;
}

#[tokio::test]
async fn p5_a_refund_that_failed_before_we_heard_of_it_moves_nothing_in_either_order() {
    let (bank, stripe) = bank(KEY).await;
    let (_, wallet) = bank.pair().await;
    let id = captured(&bank, &wallet, 1_000).await;
    let succeeded = stripe.lock().unwrap().refund_there("pi_1", 300);
    let failed = stripe.lock().unwrap().refund_fails(0);
    tells(&bank, "evt_1", &failed).await;
    tells(&bank, "evt_2", &succeeded).await;
    assert_eq!(bank.look(&id).await["amount_refunded"], 0);
    assert_eq!(bank.balance(&wallet).await, [1_000, 0, 1_000]);
    let events = bank.events(&id).await;
    assert_eq!(events.iter().filter(|kind| *kind == "payment.refund_failed").count(), 1);
    bank.adds_up().await;
}

#[tokio::test]
async fn p5_a_dashboard_refund_that_the_account_cannot_bear_is_the_applications_loss() {
    let (bank, stripe) = bank(KEY).await;
    let (cash, wallet) = bank.pair().await;
    let id = captured(&bank, &wallet, 1_000).await;
    // The wallet has spent it, and may not be overdrawn.
    assert_eq!(status(&bank.transfer(&wallet, &cash, 900).await), 201);
    let refund = stripe.lock().unwrap().refund_there("pi_1", 300);
    tells(&bank, "evt_1", &refund).await;
    assert_eq!(bank.look(&id).await["amount_refunded"], 300);
    assert_eq!(bank.balance(&wallet).await, [100, 0, 100]);
    assert_eq!(bank.books().await, [641, 0, 359, 0]);
    assert_eq!(bank.events(&id).await.last().unwrap(), "payment.refund_unfunded");
    // It comes back to who bore it.
    let failed = stripe.lock().unwrap().refund_fails(0);
    tells(&bank, "evt_2", &failed).await;
    assert_eq!(bank.books().await, [941, 0, 59, 0]);
    assert_eq!(bank.balance(&wallet).await, [100, 0, 100]);
    bank.adds_up().await;
}
