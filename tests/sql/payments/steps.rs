//! Payments between accounts: their states, their money, and who may touch what holds it.

use super::{Bank, slug};
use crate::support::{body, call, status, with};
use futures::future::join_all;
use origin::payments::payment as at_payments;
use origin::payments::transfers;
use origin::respond::Call;
use serde_json::{Value, json};

impl Bank {
    pub(super) async fn pay(&self, text: &Value) -> super::Answered {
        at_payments::create(&self.app, &self.call("POST", "/api/v1/payments", text)).await
    }

    /// A payment that must be taken; its id.
    pub(super) async fn paid(&self, text: &Value) -> String {
        let made = self.pay(text).await;
        assert_eq!(status(&made), 201, "{made:?}");
        body(&made)["id"].as_str().unwrap().to_owned()
    }

    pub(super) fn about(&self, id: &str, verb: &str, text: &Value) -> Call {
        let mut call = self.call("POST", &format!("/api/v1/payments/{id}/{verb}"), text);
        call.segments = vec![id.into()];
        call
    }

    pub(super) async fn act(&self, id: &str, verb: &str, text: &Value) -> super::Answered {
        let call = self.about(id, verb, text);
        match verb {
            "capture" => at_payments::capture(&self.app, &call).await,
            "cancel" => at_payments::cancel(&self.app, &call).await,
            _ => at_payments::refund(&self.app, &call).await,
        }
    }

    pub(super) async fn look(&self, id: &str) -> Value {
        let call = call(&self.owner, "GET", &format!("/api/v1/payments/{id}"), "");
        body(&at_payments::get(&self.app, &call).await)
    }

    /// What happened, in order.
    pub(super) async fn events(&self, id: &str) -> Vec<String> {
        let mut call = call(&self.owner, "GET", &format!("/api/v1/payments/{id}/events"), "");
        call.segments = vec![id.into()];
        let page = body(&at_payments::events(&self.app, &call).await);
        let kind = |event: &Value| event["type"].as_str().unwrap().to_owned();
        page["items"].as_array().unwrap().iter().map(kind).collect()
    }
}

pub(super) fn payment(source: &str, destination: &str, amount: i64, capture: &str) -> Value {
    json!({"source": source, "destination": destination, "amount": amount, "currency": "EUR",
        "capture_method": capture})
}

fn sums(shown: &Value) -> (&str, i64, i64) {
    let number = |name: &str| shown[name].as_i64().unwrap();
    (shown["status"].as_str().unwrap(), number("amount_captured"), number("amount_refunded"))
}

#[tokio::test]
async fn p5_a_payment_between_accounts_is_authorized_captured_and_refunded_in_parts() {
    let bank = Bank::new().await;
    let (cash, wallet) = bank.pair().await;
    assert_eq!(status(&bank.transfer(&cash, &wallet, 1_000).await), 201);
    let id = bank.paid(&payment(&wallet, &cash, 800, "manual")).await;
    assert_eq!(sums(&bank.look(&id).await), ("authorized", 0, 0));
    assert_eq!(bank.balance(&wallet).await, [1_000, 800, 200]);
    let over = bank.act(&id, "capture", &json!({"amount": 801})).await;
    assert_eq!((status(&over), slug(&over).as_str()), (422, "payments/exceeds-payment"));
    let early = bank.act(&id, "refunds", &json!({})).await;
    assert_eq!((status(&early), slug(&early).as_str()), (409, "payments/payment-state"));
    assert!(body(&early)["detail"].as_str().unwrap().contains("authorized"));
    let captured = bank.act(&id, "capture", &json!({"amount": 600})).await;
    assert_eq!((status(&captured), sums(&body(&captured))), (200, ("captured", 600, 0)));
    assert_eq!(bank.balance(&wallet).await, [400, 0, 400]);
    for (verb, text) in [("capture", json!({})), ("cancel", json!({}))] {
        let late = bank.act(&id, verb, &text).await;
        assert_eq!((status(&late), slug(&late).as_str()), (409, "payments/payment-state"));
        assert!(body(&late)["detail"].as_str().unwrap().contains("captured"), "{late:?}");
    }
    let refunded = bank.act(&id, "refunds", &json!({"amount": 250, "reason": "back"})).await;
    assert_eq!(
        (status(&refunded), sums(&body(&refunded))),
        (201, ("partially_refunded", 600, 250))
    );
    let over = bank.act(&id, "refunds", &json!({"amount": 351})).await;
    assert_eq!((status(&over), slug(&over).as_str()), (422, "payments/exceeds-payment"));
    let rest = bank.act(&id, "refunds", &json!({})).await;
    assert_eq!(sums(&body(&rest)), ("refunded", 600, 600));
    let again = bank.act(&id, "refunds", &json!({})).await;
    assert_eq!((status(&again), slug(&again).as_str()), (409, "payments/payment-state"));
    assert_eq!(bank.balance(&wallet).await, [1_000, 0, 1_000]);
    let wanted = ["payment.authorized", "payment.captured", "payment.refunded", "payment.refunded"];
    assert_eq!(bank.events(&id).await, wanted);
    bank.adds_up().await;
}

#[tokio::test]
async fn p5_a_payment_is_canceled_before_it_is_captured_and_not_after() {
    let bank = Bank::new().await;
    let (cash, wallet) = bank.pair().await;
    let id = bank.paid(&payment(&cash, &wallet, 50, "manual")).await;
    let canceled = bank.act(&id, "cancel", &json!({})).await;
    assert_eq!((status(&canceled), sums(&body(&canceled))), (200, ("canceled", 0, 0)));
    for verb in ["cancel", "capture", "refunds"] {
        let late = bank.act(&id, verb, &json!({})).await;
        assert_eq!(status(&late), 409, "{verb}");
        assert!(body(&late)["detail"].as_str().unwrap().contains("canceled"));
    }
    assert_eq!(bank.balance(&wallet).await, [0, 0, 0]);
    let wallet_first = bank.pay(&payment(&wallet, &cash, 1, "automatic")).await;
    assert_eq!((status(&wallet_first), slug(&wallet_first).as_str()), (409, "payments/overdraft"));
    bank.adds_up().await;
}

#[tokio::test]
async fn p4_the_hold_of_a_payment_is_ended_by_the_payment_alone() {
    let bank = Bank::new().await;
    let (cash, wallet) = bank.pair().await;
    let id = bank.paid(&payment(&cash, &wallet, 50, "manual")).await;
    let rows = bank.app.db.read("select id from transfer", vec![]).await.unwrap();
    let hold = shared::payments::wire::transfer_id(origin::db::number(&rows[0], "id").unwrap());
    for ending in ["post", "void"] {
        let refused = bank.end(&hold, ending, &json!({})).await;
        assert_eq!((status(&refused), slug(&refused).as_str()), (409, "payments/kept-by-payment"));
        assert!(body(&refused)["detail"].as_str().unwrap().contains(&id));
    }
    // Whoever only names a payment keeps a hold of their own.
    let mut text = super::order(&cash, &wallet, 5);
    (text["reference"], text["pending"]) = (json!(id), json!(true));
    let own = body(&transfers::create(&bank.app, &bank.call("POST", "/t", &text)).await);
    let ended = bank.end(own["id"].as_str().unwrap(), "void", &json!({})).await;
    assert_eq!(status(&ended), 200);
    assert_eq!(status(&bank.act(&id, "capture", &json!({})).await), 200);
    bank.adds_up().await;
}

#[tokio::test]
async fn p21_a_fee_moves_on_from_the_destination_and_a_refund_leaves_it() {
    let bank = Bank::new().await;
    let (cash, wallet) = bank.pair().await;
    let income = bank.open("EUR", "income", json!({})).await;
    let mut text = payment(&cash, &wallet, 1_000, "automatic");
    text["fee"] = json!({"amount": 30, "account": income});
    let id = bank.paid(&text).await;
    assert_eq!(bank.balance(&wallet).await, [970, 0, 970]);
    assert_eq!(bank.balance(&income).await, [30, 0, 30]);
    // All of it is more than the destination has left.
    let refused = bank.act(&id, "refunds", &json!({})).await;
    assert_eq!((status(&refused), slug(&refused).as_str()), (409, "payments/overdraft"));
    let refunded = bank.act(&id, "refunds", &json!({"amount": 970})).await;
    assert_eq!(sums(&body(&refunded)), ("partially_refunded", 1_000, 970));
    assert_eq!(bank.balance(&income).await, [30, 0, 30]);
    let sql = "select t.purpose, t.reference from transfer t order by t.id";
    let rows = bank.app.db.read(sql, vec![]).await.unwrap();
    let purposes: Vec<u64> =
        rows.iter().map(|row| origin::db::number(row, "purpose").unwrap()).collect();
    // Payment, fee, refund.
    assert_eq!(purposes, [0, 2, 1]);
    assert!(rows.iter().all(|row| origin::db::text(row, "reference").unwrap() == id));
    for (fee, slug_wanted) in [
        (json!({"amount": 1_001, "account": income}), "payments/invalid-amount"),
        (json!({"amount": 0, "account": income}), "payments/invalid-amount"),
        (json!({"amount": 1, "account": wallet}), "payments/same-account"),
        (json!({"amount": 1, "account": "acc_00000000000"}), "payments/unknown-account"),
    ] {
        text["fee"] = fee;
        let refused = bank.pay(&text).await;
        assert_eq!((status(&refused), slug(&refused).as_str()), (422, slug_wanted));
    }
    bank.adds_up().await;
}

#[tokio::test]
async fn p20_what_is_no_payment_is_refused_and_nothing_is_written() {
    let bank = Bank::new().await;
    let (cash, wallet) = bank.pair().await;
    let yen = bank.open("JPY", "asset", json!({})).await;
    let good = payment(&cash, &wallet, 5, "automatic");
    let with = |name: &str, value: Value| {
        let mut text = good.clone();
        text[name] = value;
        text
    };
    let before = bank.rows().await;
    for (text, wanted) in [
        (with("amount", json!(0)), "payments/invalid-amount"),
        (with("amount", json!(-5)), "payments/invalid-amount"),
        (with("amount", json!(1u64 << 53)), "payments/invalid-amount"),
        (with("amount", json!(1.5)), "http/unacceptable"),
        (with("amount", json!("5")), "http/unacceptable"),
        (with("currency", json!("XXQ")), "payments/unknown-currency"),
        (with("currency", json!("JPY")), "payments/currency-mismatch"),
        (with("source", json!(yen)), "payments/currency-mismatch"),
        (with("source", json!("acc_zzzzzzzzzzz")), "payments/unknown-account"),
        (with("destination", json!(cash)), "payments/same-account"),
        (with("capture_method", json!("later")), "http/unacceptable"),
        (with("description", json!("x".repeat(501))), "payments/invalid"),
        (with("metadata", json!({"card": "4242 4242 4242 4242"})), "payments/card-number"),
        (with("tip", json!(1)), "http/unacceptable"),
        (with("source", json!({"gateway": "nobody", "token": "t"})), "payments/unknown-gateway"),
        (with("source", json!({"gateway": "x", "token": "a b"})), "payments/invalid"),
        (
            with("source", json!({"gateway": "x", "token": "4242424242424242"})),
            "payments/card-number",
        ),
    ] {
        let refused = bank.pay(&text).await;
        assert_eq!((status(&refused), slug(&refused).as_str()), (422, wanted), "{text}");
    }
    assert_eq!(bank.rows().await, before);
    assert!(bank.app.db.read("select id from payment", vec![]).await.unwrap().is_empty());
    let bare = call(&bank.owner, "POST", "/api/v1/payments", &good.to_string());
    assert_eq!(status(&at_payments::create(&bank.app, &bare).await), 400);
    let strangers = bank.act("pay_00000000000", "capture", &json!({})).await;
    assert_eq!((status(&strangers), slug(&strangers).as_str()), (404, "payments/no-such-payment"));
}

#[tokio::test]
async fn p5_another_applications_payment_is_unknown() {
    let bank = Bank::new().await;
    let (cash, wallet) = bank.pair().await;
    let id = bank.paid(&payment(&cash, &wallet, 5, "manual")).await;
    let other = crate::support::application(&bank.app, "other").await;
    for verb in ["capture", "cancel", "refunds"] {
        let mut call = bank.about(&id, verb, &json!({}));
        call.context.app = other.clone();
        let answer = match verb {
            "capture" => at_payments::capture(&bank.app, &call).await,
            "cancel" => at_payments::cancel(&bank.app, &call).await,
            _ => at_payments::refund(&bank.app, &call).await,
        };
        assert_eq!((status(&answer), slug(&answer).as_str()), (404, "payments/no-such-payment"));
    }
    let mut call = call(&other, "GET", &format!("/api/v1/payments/{id}"), "");
    call.segments = vec![id.clone()];
    for answer in [
        at_payments::get(&bank.app, &call).await,
        at_payments::events(&bank.app, &call).await,
        at_payments::refunds(&bank.app, &call).await,
    ] {
        assert_eq!(status(&answer), 404);
    }
    let list = body(&at_payments::list(&bank.app, &call).await);
    assert_eq!(list["items"], json!([]));
    assert_eq!(bank.look(&id).await["status"], "authorized");
}

#[tokio::test]
async fn payments_page_newest_first_and_by_status() {
    let bank = Bank::new().await;
    let (cash, wallet) = bank.pair().await;
    let mut made = vec![];
    for n in 0..5 {
        let capture = if n % 2 == 0 { "manual" } else { "automatic" };
        made.push(bank.paid(&payment(&cash, &wallet, 5, capture)).await);
    }
    made.reverse();
    let page = async |query: String| {
        let call = call(&bank.owner, "GET", &format!("/api/v1/payments?{query}"), "");
        let page = body(&at_payments::list(&bank.app, &call).await);
        let id = |one: &Value| one["id"].as_str().unwrap().to_owned();
        let ids: Vec<String> = page["items"].as_array().unwrap().iter().map(id).collect();
        (ids, page["next_cursor"].as_str().map(str::to_owned))
    };
    let (first, next) = page("limit=3".into()).await;
    let (rest, end) = page(format!("limit=3&cursor={}", next.unwrap())).await;
    assert_eq!(([first, rest].concat(), end), (made.clone(), None));
    let (captured, _) = page("status=captured".into()).await;
    assert_eq!(captured, [made[1].clone(), made[3].clone()]);
    let bad = call(&bank.owner, "GET", "/api/v1/payments?status=lost", "");
    assert_eq!(status(&at_payments::list(&bank.app, &bad).await), 422);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p5_p18_captures_and_refunds_never_exceed_on_two_replicas_at_once() {
    let bank = Bank::new().await;
    let other = bank.place.replica().await;
    let (cash, wallet) = bank.pair().await;
    let id = bank.paid(&payment(&cash, &wallet, 100, "manual")).await;
    let captures = (0..16).map(|n| {
        let call = bank.about(&id, "capture", &json!({"amount": 90}));
        let app = if n % 2 == 0 { &bank.app } else { &other };
        async move { insist(|| at_payments::capture(app, &call)).await }
    });
    let statuses = join_all(captures).await;
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    let refunds = (0..24).map(|n| {
        let call = bank.about(&id, "refunds", &json!({"amount": 20}));
        let app = if n % 2 == 0 { &bank.app } else { &other };
        async move { insist(|| at_payments::refund(app, &call)).await }
    });
    let statuses = join_all(refunds).await;
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 4, "{statuses:?}");
    assert_eq!(sums(&bank.look(&id).await), ("partially_refunded", 90, 80));
    assert_eq!(bank.balance(&wallet).await, [10, 0, 10]);
    bank.adds_up().await;
}

/// Until it is answered for good: another replica may hold the lock for a second.
async fn insist<F: Future<Output = super::Answered>>(ask: impl Fn() -> F) -> u16 {
    loop {
        let answer = ask().await;
        let waits = status(&answer) == 503 || slug(&answer) == "http/in-progress";
        if !waits {
            return status(&answer);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p6_a_hundred_copies_of_one_payment_pay_once() {
    let bank = Bank::new().await;
    let other = bank.place.replica().await;
    let (cash, wallet) = bank.pair().await;
    let text = payment(&cash, &wallet, 7, "automatic");
    let call = with(
        call(&bank.owner, "POST", "/api/v1/payments", &text.to_string()),
        "idempotency-key",
        "once",
    );
    let copies = (0..100).map(|n| {
        let app = if n % 2 == 0 { &bank.app } else { &other };
        let call = &call;
        async move { insist(|| at_payments::create(app, call)).await }
    });
    assert!(join_all(copies).await.iter().all(|status| *status == 201));
    assert_eq!(bank.balance(&wallet).await, [7, 0, 7]);
    assert_eq!(bank.app.db.read("select id from payment", vec![]).await.unwrap().len(), 1);
    bank.adds_up().await;
}
