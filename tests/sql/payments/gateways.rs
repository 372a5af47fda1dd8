//! Payments through the simulated gateway: what it does, what it loses, what must go back.

use super::{Bank, slug, steps::payment};
use crate::support::{Place, application, body, call, status, write};
use origin::app::App;
use origin::payments::{orders, said};
use origin::{db, values};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Short enough for a test, long enough to see what is late.
const QUICK: &[(&str, &str)] = &[
    ("GATEWAY_SIMULATOR", "1"),
    ("SELVEDGE_GATEWAY_BACKOFF_MS", "10"),
    ("SELVEDGE_GATEWAY_BACKOFF_MAX_MS", "40"),
    ("SELVEDGE_GATEWAY_LEASE_MS", "100"),
    ("SELVEDGE_SIMULATOR_DELAY_MS", "60"),
];
const PATIENCE: Duration = Duration::from_secs(20);

async fn bank() -> Bank {
    let place = Place::new().await;
    let app = place.replica_with("http://127.0.0.1:9", QUICK).await;
    let owner = application(&app, "bank").await;
    Bank { place, app, owner }
}

fn by_card(token: &str, wallet: &str, amount: i64, capture: &str) -> Value {
    let mut text = payment("", wallet, amount, capture);
    text["source"] = json!({"gateway": "simulator", "token": token});
    text
}

/// Has replicas relay and listen until nothing is left to do.
pub(super) async fn calm(replicas: &[&Arc<App>]) {
    let until = Instant::now() + PATIENCE;
    loop {
        for app in replicas {
            orders::round(app).await.unwrap();
            said::look(app, false).await.unwrap();
        }
        let sql = "select key from gateway_order where settled_at is null and parked is null \
                   union all select event from gateway_event \
                   where applied_at is null and error is null";
        if replicas[0].db.read(sql, vec![]).await.unwrap().is_empty() {
            return;
        }
        assert!(Instant::now() < until, "there is still something to do");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// What the simulator took for a payment, less what it gave back; and how often it took.
async fn at_gateway(app: &App, id: &str) -> (i64, usize) {
    let sql = "select report from simulated where reference = $1 and key not like 'seen:%'";
    let (mut net, mut times) = (0, 0);
    for row in app.db.read(sql, values![id]).await.unwrap() {
        let report = origin::db::text(&row, "report").unwrap();
        let report: Value = serde_json::from_str(&report).unwrap();
        let amount = report["amount"].as_i64().unwrap();
        match report["happened"].as_str() {
            Some("captured") => (net, times) = (net + amount, times + 1),
            Some("refunded" | "paid_out") => net -= amount,
            _ => {}
        }
    }
    (net, times)
}

impl Bank {
    /// Balances of the accounts of the one gateway that was used: receivable, settled, fees, owed.
    pub(super) async fn books(&self) -> [i64; 4] {
        let sql = "select receivable, settled, fees, owed from gateway_books";
        let row = &self.app.db.read(sql, vec![]).await.unwrap()[0];
        let mut all = [0; 4];
        for (at, name) in ["receivable", "settled", "fees", "owed"].into_iter().enumerate() {
            let id = db::number(row, name).unwrap();
            all[at] = self.balance(&shared::payments::wire::account_id(id)).await[0];
        }
        all
    }
}

#[tokio::test]
async fn p7_a_charge_is_processing_until_the_gateway_answers_and_its_fee_is_booked() {
    let bank = bank().await;
    let (_, wallet) = bank.pair().await;
    let id = bank.paid(&by_card("tok_ok", &wallet, 1_000, "automatic")).await;
    assert_eq!(bank.look(&id).await["status"], "processing");
    assert_eq!(bank.balance(&wallet).await, [0, 0, 0]);
    calm(&[&bank.app]).await;
    let shown = bank.look(&id).await;
    assert_eq!((&shown["status"], &shown["gateway_fee"]), (&json!("captured"), &json!(29)));
    assert_eq!(bank.balance(&wallet).await, [1_000, 0, 1_000]);
    assert_eq!(bank.books().await, [971, 0, 29, 0]);
    let refunded = bank.act(&id, "refunds", &json!({"amount": 400})).await;
    assert_eq!(body(&refunded)["amount_refunded"], 0);
    calm(&[&bank.app]).await;
    let shown = bank.look(&id).await;
    let wanted = (&json!("partially_refunded"), &json!(400));
    assert_eq!((&shown["status"], &shown["amount_refunded"]), wanted);
    // The gateway keeps its fee.
    assert_eq!(bank.books().await, [571, 0, 29, 0]);
    assert_eq!(at_gateway(&bank.app, &id).await, (600, 1));
    let wanted =
        ["payment.processing", "payment.captured", "payment.refund_pending", "payment.refunded"];
    assert_eq!(bank.events(&id).await, wanted);
    bank.adds_up().await;
}

#[tokio::test]
async fn p5_a_card_is_authorized_and_captured_in_part_or_released() {
    let bank = bank().await;
    let (_, wallet) = bank.pair().await;
    let id = bank.paid(&by_card("tok_ok", &wallet, 1_000, "manual")).await;
    let early = bank.act(&id, "capture", &json!({})).await;
    assert_eq!((status(&early), slug(&early).as_str()), (409, "payments/payment-state"));
    calm(&[&bank.app]).await;
    assert_eq!(bank.look(&id).await["status"], "authorized");
    let asked = bank.act(&id, "capture", &json!({"amount": 300})).await;
    assert_eq!((status(&asked), &body(&asked)["status"]), (200, &json!("processing")));
    calm(&[&bank.app]).await;
    assert_eq!(bank.look(&id).await["amount_captured"], 300);
    assert_eq!(at_gateway(&bank.app, &id).await, (300, 1));
    let other = bank.paid(&by_card("tok_ok", &wallet, 70, "manual")).await;
    calm(&[&bank.app]).await;
    assert_eq!(body(&bank.act(&other, "cancel", &json!({})).await)["status"], "canceled");
    calm(&[&bank.app]).await;
    assert_eq!(at_gateway(&bank.app, &other).await, (0, 0));
    let sql = "select key from simulated where reference = $1 and action = 'cancel'";
    let canceled = bank.app.db.read(sql, values![other.as_str()]).await.unwrap();
    assert_eq!(canceled.len(), 1);
    assert_eq!(bank.balance(&wallet).await, [300, 0, 300]);
    bank.adds_up().await;
}

#[tokio::test]
async fn p8_whatever_the_gateway_does_the_payment_ends_as_the_gateway_has_it() {
    let bank = bank().await;
    let (_, wallet) = bank.pair().await;
    for (token, wanted, net, times) in [
        ("tok_decline", "failed", 0, 0),
        ("tok_timeout_after_success", "captured", 100, 1),
        ("tok_timeout_before", "captured", 100, 1),
        ("tok_down", "captured", 100, 1),
        ("tok_slow_before", "captured", 100, 1),
        ("tok_slow_after", "captured", 100, 1),
        ("tok_late_webhook", "captured", 100, 1),
        ("tok_duplicate_webhook", "captured", 100, 1),
        ("tok_out_of_order", "captured", 100, 1),
        ("tok_wrong_amount", "failed", 0, 1),
        ("tok_double_charge", "captured", 100, 2),
        ("tok_settle", "settled", 100, 1),
        ("tok_dispute", "disputed", 100, 1),
        ("tok_nobody_knows", "failed", 0, 0),
    ] {
        let id = bank.paid(&by_card(token, &wallet, 100, "automatic")).await;
        calm(&[&bank.app]).await;
        assert_eq!(bank.look(&id).await["status"], wanted, "{token}: {:?}", bank.events(&id).await);
        assert_eq!(at_gateway(&bank.app, &id).await, (net, times), "{token}");
        bank.adds_up().await;
    }
    let [.., owed] = bank.books().await;
    assert_eq!(owed, 0);
    let parked = "select key from gateway_order where parked is not null \
                  union all select event from gateway_event where error is not null";
    assert!(bank.app.db.read(parked, vec![]).await.unwrap().is_empty());
}

#[tokio::test]
async fn p7_a_timeout_leaves_the_payment_processing_until_the_gateway_is_asked() {
    let bank = bank().await;
    let (_, wallet) = bank.pair().await;
    let id = bank.paid(&by_card("tok_timeout_after_success", &wallet, 100, "automatic")).await;
    assert_eq!(orders::round(&bank.app).await.unwrap(), 1);
    // The gateway has taken it, and nobody here knows.
    assert_eq!(at_gateway(&bank.app, &id).await, (100, 1));
    assert_eq!(bank.look(&id).await["status"], "processing");
    assert_eq!(bank.balance(&wallet).await, [0, 0, 0]);
    calm(&[&bank.app]).await;
    assert_eq!(bank.look(&id).await["status"], "captured");
    assert_eq!(at_gateway(&bank.app, &id).await, (100, 1));
    bank.adds_up().await;
}

#[tokio::test]
async fn p23_what_was_taken_after_it_was_canceled_goes_back_once() {
    let bank = bank().await;
    let (_, wallet) = bank.pair().await;
    let id = bank.paid(&by_card("tok_timeout_after_success", &wallet, 100, "automatic")).await;
    orders::round(&bank.app).await.unwrap();
    let canceled = bank.act(&id, "cancel", &json!({})).await;
    assert_eq!((status(&canceled), &body(&canceled)["status"]), (200, &json!("canceled")));
    calm(&[&bank.app]).await;
    // The gateway tells it all once more.
    let again = "insert into gateway_event (gateway, event, received_at, body) \
                 select 'simulator', 'again.' || key, 0, report from simulated";
    write(&bank.app, again, vec![]).await;
    calm(&[&bank.app]).await;
    assert_eq!(bank.look(&id).await["status"], "canceled");
    assert_eq!(at_gateway(&bank.app, &id).await, (0, 1));
    assert_eq!(bank.books().await, [0, 0, 0, 0]);
    let wanted =
        ["payment.processing", "payment.canceled", "payment.return_pending", "payment.returned"];
    assert_eq!(bank.events(&id).await, wanted);
    assert_eq!(bank.balance(&wallet).await, [0, 0, 0]);
    bank.adds_up().await;
}

#[tokio::test]
async fn p8_a_refund_or_capture_that_the_gateway_refuses_moves_nothing() {
    let bank = bank().await;
    let (_, wallet) = bank.pair().await;
    let id = bank.paid(&by_card("tok_refund_fails", &wallet, 100, "automatic")).await;
    calm(&[&bank.app]).await;
    assert_eq!(status(&bank.act(&id, "refunds", &json!({"amount": 60})).await), 201);
    // What is being refunded cannot be refunded twice.
    let over = bank.act(&id, "refunds", &json!({"amount": 60})).await;
    assert_eq!((status(&over), slug(&over).as_str()), (422, "payments/exceeds-payment"));
    assert_eq!(bank.balance(&wallet).await, [100, 60, 40]);
    calm(&[&bank.app]).await;
    let shown = bank.look(&id).await;
    assert_eq!((&shown["status"], &shown["amount_refunded"]), (&json!("captured"), &json!(0)));
    assert_eq!(bank.balance(&wallet).await, [100, 0, 100]);
    let id = bank.paid(&by_card("tok_capture_fails", &wallet, 100, "manual")).await;
    calm(&[&bank.app]).await;
    assert_eq!(status(&bank.act(&id, "capture", &json!({})).await), 200);
    calm(&[&bank.app]).await;
    let shown = bank.look(&id).await;
    let wanted = (&json!("failed"), &json!("authorization_expired"));
    assert_eq!((&shown["status"], &shown["failure"]), wanted);
    assert_eq!(bank.balance(&wallet).await, [100, 0, 100]);
    bank.adds_up().await;
}

#[tokio::test]
async fn p8_an_account_pays_out_through_a_gateway_or_keeps_its_money() {
    let bank = bank().await;
    let (cash, wallet) = bank.pair().await;
    assert_eq!(status(&bank.transfer(&cash, &wallet, 100).await), 201);
    for (token, wanted, left) in [("tok_decline", "failed", 100), ("tok_ok", "captured", 40)] {
        let mut text = payment(&wallet, "", 60, "automatic");
        text["destination"] = json!({"gateway": "simulator", "token": token});
        let id = bank.paid(&text).await;
        assert_eq!(bank.balance(&wallet).await, [100, 60, 40]);
        let late = bank.act(&id, "cancel", &json!({})).await;
        assert_eq!((status(&late), slug(&late).as_str()), (409, "payments/payment-state"));
        calm(&[&bank.app]).await;
        assert_eq!(bank.look(&id).await["status"], wanted);
        assert_eq!(bank.balance(&wallet).await, [left, 0, left]);
    }
    bank.adds_up().await;
}

#[tokio::test]
async fn p7_a_process_that_dies_at_any_point_leaves_a_payment_that_ends_well() {
    for point in ["before the lease", "leased", "sent", "answered", "applied"] {
        let bank = bank().await;
        let (_, wallet) = bank.pair().await;
        let id = bank.paid(&by_card("tok_timeout_after_success", &wallet, 100, "automatic")).await;
        let key = format!("{id}-1");
        let lease = "update gateway_order set due = due + 100, attempts = attempts + 1";
        match point {
            "before the lease" => {}
            "leased" => write(&bank.app, lease, vec![]).await,
            // The first answer is lost, as if the process had died with it.
            "sent" => assert_eq!(orders::round(&bank.app).await.unwrap(), 1),
            "answered" => {
                calm(&[&bank.app]).await;
                // The gateway's answer was committed, the caller never knew: it is asked again.
                let undo = "update gateway_order set settled_at = null, due = 0 where key = $1";
                write(&bank.app, undo, values![key.as_str()]).await;
            }
            _ => calm(&[&bank.app]).await,
        }
        // Another process takes over.
        let other = bank.place.replica_with("http://127.0.0.1:9", QUICK).await;
        calm(&[&other]).await;
        assert_eq!(bank.look(&id).await["status"], "captured", "{point}");
        assert_eq!(at_gateway(&bank.app, &id).await, (100, 1), "{point}");
        assert_eq!(bank.balance(&wallet).await, [100, 0, 100], "{point}");
        bank.adds_up().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p18_two_replicas_relay_and_listen_at_once_and_charge_once() {
    let bank = bank().await;
    let other = bank.place.replica_with("http://127.0.0.1:9", QUICK).await;
    let (_, wallet) = bank.pair().await;
    let tokens =
        ["tok_ok", "tok_timeout_after_success", "tok_duplicate_webhook", "tok_late_webhook"];
    let mut made = vec![];
    for n in 0..24 {
        made.push(bank.paid(&by_card(tokens[n % 4], &wallet, 10, "automatic")).await);
    }
    let (one, two) = ([&bank.app], [&other]);
    tokio::join!(calm(&one), calm(&two));
    calm(&[&bank.app]).await;
    for id in &made {
        assert_eq!(bank.look(id).await["status"], "captured");
        assert_eq!(at_gateway(&bank.app, id).await, (10, 1));
    }
    assert_eq!(bank.balance(&wallet).await, [240, 0, 240]);
    bank.adds_up().await;
}

#[tokio::test]
async fn p10_an_event_of_nothing_we_know_is_parked_and_blocks_nobody() {
    let bank = bank().await;
    let (_, wallet) = bank.pair().await;
    let sql = "insert into gateway_event (gateway, event, received_at, body) \
               values ('simulator', $1, 1, $2)";
    let stray = json!({"reference": "", "subject": "sim_x", "happened": "captured", "amount": 5,
        "currency": "EUR"});
    write(&bank.app, sql, values!["evt_1", stray.to_string()]).await;
    write(&bank.app, sql, values!["evt_2", "no json"]).await;
    let id = bank.paid(&by_card("tok_ok", &wallet, 100, "automatic")).await;
    calm(&[&bank.app]).await;
    assert_eq!(bank.look(&id).await["status"], "captured");
    let sql = "select event from gateway_event where error is not null and applied_at is null \
               order by event";
    let parked = bank.app.db.read(sql, vec![]).await.unwrap();
    let names: Vec<String> =
        parked.iter().map(|row| origin::db::text(row, "event").unwrap()).collect();
    assert_eq!(names, ["evt_1", "evt_2"]);
}

#[tokio::test]
async fn p7_an_order_to_a_gateway_that_is_gone_is_parked_shown_and_tried_again() {
    let bank = bank().await;
    let (_, wallet) = bank.pair().await;
    let id = bank.paid(&by_card("tok_ok", &wallet, 100, "automatic")).await;
    let without = bank.place.replica().await;
    assert_eq!(orders::round(&without).await.unwrap(), 1);
    let list = call("", "GET", "/admin/gateway-orders?parked", "");
    let page = body(&orders::list(&bank.app, &list).await);
    let key = page["items"][0]["key"].as_str().unwrap();
    assert_eq!((key, &page["items"][0]["action"]), (format!("{id}-1").as_str(), &json!("charge")));
    let mut again = call("", "POST", "/admin/gateway-orders/x/retry", "");
    again.segments = vec![key.into()];
    assert_eq!(status(&orders::retry(&bank.app, &again).await), 204);
    assert_eq!(status(&orders::retry(&bank.app, &again).await), 404);
    calm(&[&bank.app]).await;
    assert_eq!(bank.look(&id).await["status"], "captured");
}

#[tokio::test]
async fn p23_the_accounts_of_a_gateway_stay_open() {
    let bank = bank().await;
    let (_, wallet) = bank.pair().await;
    bank.paid(&by_card("tok_decline", &wallet, 100, "automatic")).await;
    calm(&[&bank.app]).await;
    let rows = bank.app.db.read("select owed from gateway_books", vec![]).await.unwrap();
    let owed = origin::db::number(&rows[0], "owed").unwrap();
    let owed = shared::payments::wire::account_id(owed);
    let mut close = bank.call("POST", &format!("/api/v1/accounts/{owed}/close"), &json!({}));
    close.segments = vec![owed];
    let refused = origin::payments::accounts::close(&bank.app, &close).await;
    assert_eq!((status(&refused), slug(&refused).as_str()), (409, "payments/account-not-empty"));
}

#[tokio::test]
async fn p15_events_of_a_payment_cannot_be_changed() {
    let bank = bank().await;
    let (cash, wallet) = bank.pair().await;
    bank.paid(&payment(&cash, &wallet, 5, "automatic")).await;
    for sql in ["update payment_event set amount = 1", "delete from payment_event"] {
        let mut tx = bank.app.db.begin().await.unwrap();
        let refused = tx.write(sql, vec![]).await.unwrap_err().to_string();
        assert!(refused.contains("immutable"), "{sql}: {refused}");
    }
}
