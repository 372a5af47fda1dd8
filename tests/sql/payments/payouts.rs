//! Payouts as sagas on a real database: reserved, ordered once, posted or given back.

use super::{Bank, slug};
use crate::support::{Place, application, body, call, status};
use origin::app::App;
use origin::payments::{payouts, said};
use origin::{db, sagas, values};
use serde_json::{Value, json};
use shared::payments::ledger::{Actor, Ending, Input};
use shared::payments::wire;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Short enough for a test, long enough to see what is late.
const QUICK: &[(&str, &str)] = &[
    ("GATEWAY_SIMULATOR", "1"),
    ("SELVEDGE_GATEWAY_BACKOFF_MS", "10"),
    ("SELVEDGE_GATEWAY_BACKOFF_MAX_MS", "40"),
    ("SELVEDGE_SAGA_LEASE_MS", "400"),
    ("SELVEDGE_SIMULATOR_DELAY_MS", "60"),
];
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) async fn bank_with(more: &[(&str, &str)]) -> Bank {
    let place = Place::new().await;
    let app = place.replica_with("http://127.0.0.1:9", &[QUICK, more].concat()).await;
    let owner = application(&app, "bank").await;
    Bank { place, app, owner }
}

pub(super) fn to(account: &str, bank: &Value, amount: i64) -> Value {
    json!({"account": account, "bank": bank, "amount": amount, "currency": "EUR"})
}

fn token(name: &str) -> Value {
    json!({"gateway": "simulator", "token": name})
}

impl Bank {
    /// A wallet that has so much and may not be overdrawn.
    pub(super) async fn wallet(&self, amount: i64) -> String {
        let (cash, wallet) = self.pair().await;
        assert_eq!(status(&self.transfer(&cash, &wallet, amount).await), 201);
        wallet
    }

    pub(super) async fn pay_out(&self, text: &Value) -> super::Answered {
        payouts::create(&self.app, &self.call("POST", "/api/v1/payouts", text)).await
    }

    pub(super) async fn paid_out(&self, text: &Value) -> Value {
        let made = self.pay_out(text).await;
        assert_eq!(status(&made), 201, "{made:?}");
        body(&made)
    }

    pub(super) async fn payout(&self, id: &str) -> Value {
        let call = call(&self.owner, "GET", &format!("/api/v1/payouts/{id}"), "");
        body(&payouts::get(&self.app, &call).await)
    }

    /// The log of the only saga, or of the one about `subject`: what was run and how it ended.
    async fn log(&self, subject: &str) -> Vec<String> {
        let page = body(&sagas::list(&self.app, &call("", "GET", "/admin/sagas", "")).await);
        let all = page["items"].as_array().unwrap();
        let id = all.iter().find(|saga| saga["subject"] == subject).unwrap()["id"].clone();
        let path = format!("/admin/sagas/{}", id.as_str().unwrap());
        let saga = body(&sagas::get(&self.app, &call("", "GET", &path, "")).await);
        let line = |line: &Value| {
            format!("{} {}", line["name"].as_str().unwrap(), line["what"].as_str().unwrap())
        };
        saga["log"].as_array().unwrap().iter().map(line).collect()
    }
}

/// Has replicas work until no saga has anything to do by itself.
pub(super) async fn calm(replicas: &[&Arc<App>]) {
    let until = Instant::now() + PATIENCE;
    loop {
        for app in replicas {
            sagas::round(app).await.unwrap();
            said::look(app, false).await.unwrap();
        }
        let sql = "select id from saga where due is not null";
        if replicas[0].db.read(sql, vec![]).await.unwrap().is_empty() {
            return;
        }
        assert!(Instant::now() < until, "a saga still has something to do");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// How often the simulator has paid something out, and how much.
async fn at_gateway(app: &App, id: &str) -> (usize, i64) {
    let sql = "select report from simulated where reference = $1 and key not like 'seen:%'";
    let (mut times, mut sum) = (0, 0);
    for row in app.db.read(sql, values![id]).await.unwrap() {
        let report: Value = serde_json::from_str(&db::text(&row, "report").unwrap()).unwrap();
        if report["happened"] == "paid_out" {
            (times, sum) = (times + 1, sum + report["amount"].as_i64().unwrap());
        }
    }
    (times, sum)
}

#[tokio::test]
async fn p9_a_payout_reserves_at_once_and_posts_when_the_gateway_has_paid() {
    let bank = bank_with(&[]).await;
    let wallet = bank.wallet(100).await;
    let made = bank.paid_out(&to(&wallet, &token("tok_ok"), 60)).await;
    assert_eq!((&made["status"], &made["bank_last4"]), (&json!("processing"), &json!("k_ok")));
    assert_eq!(bank.balance(&wallet).await, [100, 60, 40]);
    calm(&[&bank.app]).await;
    let id = made["id"].as_str().unwrap();
    let ended = bank.payout(id).await;
    assert_eq!(ended["status"], "paid");
    assert!(ended["ended_at"].is_string());
    assert_eq!(bank.balance(&wallet).await, [40, 0, 40]);
    assert_eq!(at_gateway(&bank.app, id).await, (1, 60));
    let log = ["reserve done", "send begun", "send done", "settle begun", "settle done"];
    assert_eq!(bank.log(id).await, log);
    bank.adds_up().await;
}

#[tokio::test]
async fn p9_a_payout_that_the_gateway_refuses_is_undone() {
    let bank = bank_with(&[]).await;
    let wallet = bank.wallet(100).await;
    let made = bank.paid_out(&to(&wallet, &token("tok_decline"), 60)).await;
    calm(&[&bank.app]).await;
    let id = made["id"].as_str().unwrap();
    let ended = bank.payout(id).await;
    assert_eq!(ended["status"], "failed");
    assert!(ended["failure"].is_string(), "{ended}");
    assert_eq!(bank.balance(&wallet).await, [100, 0, 100]);
    assert_eq!(at_gateway(&bank.app, id).await, (0, 0));
    let log = ["reserve done", "send begun", "send failed", "release begun", "release done"];
    assert_eq!(bank.log(id).await, log);
    bank.adds_up().await;
}

#[tokio::test]
async fn p9_an_outcome_that_is_unknown_is_asked_and_paid_once() {
    let bank = bank_with(&[]).await;
    for name in [
        "tok_timeout_after_success",
        "tok_timeout_before",
        "tok_down",
        "tok_slow_after",
        "tok_late_webhook",
        "tok_duplicate_webhook",
    ] {
        let wallet = bank.wallet(100).await;
        let made = bank.paid_out(&to(&wallet, &token(name), 60)).await;
        calm(&[&bank.app]).await;
        let id = made["id"].as_str().unwrap();
        assert_eq!(bank.payout(id).await["status"], "paid", "{name}: {:?}", bank.log(id).await);
        assert_eq!(bank.balance(&wallet).await, [40, 0, 40], "{name}");
        assert_eq!(at_gateway(&bank.app, id).await, (1, 60), "{name}");
    }
    bank.adds_up().await;
}

#[tokio::test]
async fn p9_what_cannot_be_paid_out_is_refused_and_leaves_nothing() {
    let bank = bank_with(&[]).await;
    let wallet = bank.wallet(100).await;
    let dollars = bank.open("USD", "liability", json!({})).await;
    let none = "acc_0000000000A";
    for (text, wanted) in [
        (to(&wallet, &token("tok_ok"), 101), (409, "payments/overdraft")),
        (to(&wallet, &token("tok_ok"), 0), (422, "payments/invalid-amount")),
        (to(&dollars, &token("tok_ok"), 5), (422, "payments/currency-mismatch")),
        (to(none, &token("tok_ok"), 5), (422, "payments/unknown-account")),
        (to(&wallet, &json!({"gateway": "none", "token": "t"}), 5), (422, "payments/invalid")),
        (
            to(&wallet, &json!({"iban": "NL91ABNA0417164300", "name": "Ann"}), 5),
            (422, "payments/invalid"),
        ),
    ] {
        let refused = bank.pay_out(&text).await;
        assert_eq!((status(&refused), slug(&refused).as_str()), wanted, "{text}");
    }
    let mut keyless = bank.call("POST", "/api/v1/payouts", &to(&wallet, &token("tok_ok"), 5));
    keyless.headers.remove("idempotency-key");
    assert_eq!(status(&payouts::create(&bank.app, &keyless).await), 400);
    for table in ["payout", "payout_bank", "saga", "saga_log"] {
        let rows = bank.app.db.read(&format!("select 1 as one from {table}"), vec![]).await;
        assert!(rows.unwrap().is_empty(), "{table}");
    }
    assert_eq!(bank.balance(&wallet).await, [100, 0, 100]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p6_p9_copies_of_one_request_reserve_once() {
    let bank = bank_with(&[]).await;
    let other = bank.place.replica_with("http://127.0.0.1:9", QUICK).await;
    let wallet = bank.wallet(100).await;
    let call = bank.call("POST", "/api/v1/payouts", &to(&wallet, &token("tok_ok"), 7));
    let apps = [&bank.app, &other];
    let all = (0..20).map(|n| payouts::create(apps[n % 2], &call));
    let all = futures::future::join_all(all).await;
    let made: Vec<_> = all.iter().filter(|made| status(made) == 201).collect();
    assert!(all.iter().all(|made| matches!(status(made), 201 | 409)), "{all:?}");
    assert!(made.iter().all(|one| body(one)["id"] == body(made[0])["id"]));
    assert_eq!(bank.balance(&wallet).await, [100, 7, 93]);
    calm(&apps).await;
    assert_eq!(bank.balance(&wallet).await, [93, 0, 93]);
    bank.adds_up().await;
}

#[tokio::test]
async fn p9_nobody_but_the_payout_ends_its_hold() {
    let bank = bank_with(&[]).await;
    let wallet = bank.wallet(100).await;
    let made = bank.paid_out(&to(&wallet, &token("tok_ok"), 60)).await;
    let hold = made["transfer"].as_str().unwrap();
    for (ending, text) in [("void", json!({})), ("post", json!({"amount": 1}))] {
        let refused = bank.end(hold, ending, &text).await;
        assert_eq!(
            (status(&refused), slug(&refused).as_str()),
            (409, "payments/held-for-a-payout")
        );
    }
    let other = application(&bank.app, "other").await;
    let id = made["id"].as_str().unwrap();
    let theirs = call(&other, "GET", &format!("/api/v1/payouts/{id}"), "");
    assert_eq!(status(&payouts::get(&bank.app, &theirs).await), 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p9_p18_replicas_that_die_and_replicas_that_go_on_pay_once() {
    let bank = bank_with(&[("SELVEDGE_SAGA_LEASE_MS", "100")]).await;
    let other = bank.place.replica_with("http://127.0.0.1:9", QUICK).await;
    let wallet = bank.wallet(1_000).await;
    let mut made = vec![];
    for n in 0..12 {
        let names = ["tok_ok", "tok_timeout_after_success", "tok_slow_after", "tok_decline"];
        let text = to(&wallet, &token(names[n % 4]), 10);
        made.push(bank.paid_out(&text).await["id"].as_str().unwrap().to_owned());
    }
    // A process that dies: what it had begun is dropped where it stands.
    for after_ms in [1, 5, 10, 20, 40] {
        let round = sagas::round(&bank.app);
        let _ = tokio::time::timeout(Duration::from_millis(after_ms), round).await;
    }
    calm(&[&other, &bank.app]).await;
    let mut paid = 0;
    for id in &made {
        let (times, sum) = at_gateway(&bank.app, id).await;
        let status = bank.payout(id).await["status"].clone();
        match status.as_str().unwrap() {
            "paid" => assert_eq!((times, sum), (1, 10)),
            "failed" => assert_eq!(times, 0),
            other => panic!("{other}: {:?}", bank.log(id).await),
        }
        paid += sum;
    }
    assert_eq!(paid, 90);
    assert_eq!(bank.balance(&wallet).await, [910, 0, 910]);
    bank.adds_up().await;
}

#[tokio::test]
async fn p9_a_saga_that_is_stuck_waits_for_an_operator() {
    let bank = bank_with(&[]).await;
    let wallet = bank.wallet(100).await;
    let made = bank.paid_out(&to(&wallet, &token("tok_ok"), 60)).await;
    let id = made["id"].as_str().unwrap();
    // The hold is gone, though only the payout may end it: what is paid cannot be undone.
    let actor = Actor { app: bank.owner.clone(), by: "system".into(), request: String::new() };
    let hold = wire::parse("trf", made["transfer"].as_str().unwrap()).unwrap();
    let void = Input::Settle(actor, hold, Ending::Void);
    bank.app.ledger.submit(None, void, Arc::new(|_| None)).await.unwrap();
    for _ in 0..2 {
        calm(&[&bank.app]).await;
        let path = "/admin/sagas?status=stuck";
        let page = body(&sagas::list(&bank.app, &call("", "GET", path, "")).await);
        let saga = &page["items"][0];
        assert_eq!((&saga["subject"], &saga["status"]), (&json!(id), &json!("stuck")));
        assert_eq!(bank.payout(id).await["status"], "processing", "neither paid nor failed");
        let saga = saga["id"].as_str().unwrap();
        let retry = call("", "POST", &format!("/admin/sagas/{saga}"), "");
        assert_eq!(status(&sagas::retry(&bank.app, &retry).await), 200);
    }
    let log = bank.log(id).await;
    assert_eq!(log.iter().filter(|line| *line == "settle failed").count(), 2, "{log:?}");
    assert!(log.iter().all(|line| !line.starts_with("release")), "{log:?}");
    bank.adds_up().await;
}

#[tokio::test]
async fn p9_a_saga_that_is_over_is_not_retried() {
    let bank = bank_with(&[]).await;
    let wallet = bank.wallet(100).await;
    bank.paid_out(&to(&wallet, &token("tok_ok"), 60)).await;
    calm(&[&bank.app]).await;
    let page = body(&sagas::list(&bank.app, &call("", "GET", "/admin/sagas", "")).await);
    let saga = page["items"][0]["id"].as_str().unwrap();
    let retry = call("", "POST", &format!("/admin/sagas/{saga}"), "");
    let over = sagas::retry(&bank.app, &retry).await;
    assert_eq!((status(&over), slug(&over).as_str()), (409, "payments/saga-is-over"));
}
