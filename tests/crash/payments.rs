//! P7, P8, P23: the origin is killed at each point between a payment's commit, the gateway's deed
//! and the commit of its answer, then again and again under load. In the end every payment is
//! what the simulated gateway has of it, which charged once, and the ledger adds up.

use crate::internal::Internal;
use crate::stack::Stack;
use origin::db::{self, Db};
use origin::values;
use rand::Rng;
use serde_json::{Value, json};
use shared::envelope::Envelope;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const KILLS: usize = 20;
const CLIENTS: u64 = 8;
/// Slow is long enough to be killed in, a lease short enough to wait for.
const WITH: [(&str, &str); 6] = [
    ("GATEWAY_SIMULATOR", "1"),
    ("SELVEDGE_GATEWAY_LOOK_MS", "50"),
    ("SELVEDGE_GATEWAY_LEASE_MS", "1500"),
    ("SELVEDGE_GATEWAY_BACKOFF_MS", "50"),
    ("SELVEDGE_GATEWAY_BACKOFF_MAX_MS", "200"),
    ("SELVEDGE_SIMULATOR_DELAY_MS", "1000"),
];
const PATIENCE: Duration = Duration::from_secs(60);
const TOKENS: [&str; 8] = [
    "tok_ok",
    "tok_timeout_after_success",
    "tok_timeout_before",
    "tok_late_webhook",
    "tok_duplicate_webhook",
    "tok_out_of_order",
    "tok_double_charge",
    "tok_decline",
];

/// Asks until it is answered for good.
async fn insist(origin: &Internal, path: &str, body: &Value, key: &str) -> (u16, Value) {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some((200, text)) =
            origin.post(&format!("/internal{path}"), &body.to_string(), Some(key)).await
        {
            let envelope: Envelope = serde_json::from_str(&text).unwrap();
            let shown: Value = serde_json::from_str(&envelope.body).unwrap();
            let kind = shown["type"].as_str().unwrap_or_default();
            if envelope.status != 503 && !kind.ends_with("http/in-progress") {
                return (envelope.status, shown);
            }
        }
        assert!(Instant::now() < until, "{key}: nobody was told");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn wallet(origin: &Internal, key: &str) -> String {
    let body = json!({"name": key, "currency": "EUR", "kind": "liability"});
    let (status, shown) = insist(origin, "/api/v1/accounts", &body, key).await;
    assert_eq!(status, 201, "{shown}");
    shown["id"].as_str().unwrap().to_owned()
}

async fn charge(origin: &Internal, token: &str, wallet: &str, key: &str) -> String {
    let source = json!({"gateway": "simulator", "token": token});
    let body = json!({"source": source, "destination": wallet, "amount": 100, "currency": "EUR"});
    let (status, shown) = insist(origin, "/api/v1/payments", &body, key).await;
    assert_eq!((status, &shown["status"]), (201, &json!("processing")), "{shown}");
    shown["id"].as_str().unwrap().to_owned()
}

/// Waits until a question has rows.
async fn until_some(db: &Db, sql: &str, id: &str) {
    let until = Instant::now() + PATIENCE;
    while db.read(sql, values![id]).await.unwrap().is_empty() {
        assert!(Instant::now() < until, "{id}: never {sql}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits until gateways have nothing to do and nothing to say.
async fn calm(tag: &str, db: &Db) {
    let sql = "select key from gateway_order where settled_at is null \
               union all select event from gateway_event where applied_at is null";
    let until = Instant::now() + PATIENCE;
    loop {
        let left = db.read(sql, vec![]).await.unwrap();
        if left.is_empty() {
            return;
        }
        let names: Vec<String> = left.iter().map(|row| db::text(row, "key").unwrap()).collect();
        assert!(Instant::now() < until, "{tag}: left: {names:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Every payment holds what the gateway has of it; how many there are.
async fn agree(tag: &str, db: &Db) -> usize {
    let mut all = 0;
    for row in db.read("select id, body from payment", vec![]).await.unwrap() {
        let id = shared::payments::wire::payment_id(db::number(&row, "id").unwrap());
        let payment: Value = serde_json::from_str(&db::text(&row, "body").unwrap()).unwrap();
        let sql = "select report, token from simulated \
                   where reference = $1 and key not like 'seen:%'";
        let (mut net, mut charges, mut token) = (0, 0, String::new());
        for row in db.read(sql, values![id.as_str()]).await.unwrap() {
            let report = db::text(&row, "report").unwrap();
            let report: Value = serde_json::from_str(&report).unwrap();
            token = db::text(&row, "token").unwrap();
            let amount = report["amount"].as_i64().unwrap();
            match report["happened"].as_str() {
                Some("captured") => (net, charges) = (net + amount, charges + 1),
                Some("refunded") => net -= amount,
                _ => {}
            }
        }
        let refunds = payment["refunds"].as_array().unwrap();
        let back: i64 = refunds
            .iter()
            .filter(|one| one["status"] == "succeeded")
            .map(|one| one["amount"].as_i64().unwrap())
            .sum();
        let kept = payment["captured"].as_i64().unwrap() - back;
        assert_eq!(net, kept, "{tag}: {payment}");
        let most = if token == "tok_double_charge" { 2 } else { 1 };
        assert!(charges <= most, "{tag}: {charges} charges: {payment}");
        assert_ne!(payment["status"], "processing", "{tag}");
        all += 1;
    }
    all
}

async fn adds_up(stack: &Stack) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/admin/ledger/check", stack.value("ORIGIN_URL"));
    let answer = http.get(url).bearer_auth(stack.value("ADMIN_KEY")).send().await.unwrap();
    let report: Value = answer.json().await.unwrap();
    assert_eq!((&report["ok"], &report["by_currency"]), (&json!(true), &json!({"EUR": 0})));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p7_kill_origin_at_each_point_between_intent_and_ledger() {
    let mut stack = Stack::start_with("points", &WITH).await;
    let tag = stack.tag.clone();
    let origin = Internal::new(&stack, &stack.value("ORIGIN_URL")).await;
    let db = Db::open(&stack.database_url).await.unwrap();
    let to = wallet(&origin, "wallet").await;
    let leased = "select key from gateway_order where key = $1 || '-1' and attempts = 1";
    let done = "select key from simulated where key = $1 || '-1'";
    let settled = "select key from gateway_order where key = $1 || '-1' and settled_at is not null";
    let mut made = vec![];
    for (point, token, seen) in [
        ("acknowledged", "tok_ok", None),
        ("leased, not yet done", "tok_slow_before", Some(leased)),
        ("done, not yet told", "tok_slow_after", Some(done)),
        ("told, the answer lost", "tok_timeout_after_success", Some(done)),
        ("applied", "tok_ok", Some(settled)),
    ] {
        let id = charge(&origin, token, &to, point.replace([' ', ','], "-").as_str()).await;
        if let Some(sql) = seen {
            until_some(&db, sql, &id).await;
        }
        stack.kill_origin().await;
        let is_done = !db.read(done, values![id.as_str()]).await.unwrap().is_empty();
        println!("{tag} killed: {point}; the gateway had done it: {is_done}");
        match point {
            "leased, not yet done" => assert!(!is_done, "{tag}: {point}"),
            "done, not yet told" | "told, the answer lost" | "applied" => {
                assert!(is_done, "{tag}: {point}");
            }
            _ => {}
        }
        stack.start_origin().await;
        made.push(id);
    }
    calm(&tag, &db).await;
    assert_eq!(agree(&tag, &db).await, made.len());
    for row in db.read("select status from payment", vec![]).await.unwrap() {
        assert_eq!(db::text(&row, "status").unwrap(), "captured", "{tag}");
    }
    adds_up(&stack).await;
    stack.end();
}

async fn client(origin: Internal, name: String, stop: Arc<AtomicBool>) -> usize {
    let to = wallet(&origin, &format!("{name}-wallet")).await;
    for n in 0.. {
        if stop.load(Ordering::Relaxed) {
            return n;
        }
        let key = format!("{name}-{n}");
        let id = charge(&origin, TOKENS[n % TOKENS.len()], &to, &key).await;
        let path = format!("/api/v1/payments/{id}");
        // Some are called off at once, some are given back when they may be.
        let (verb, body) =
            if n % 3 == 0 { ("cancel", "{}") } else { ("refunds", "{\"amount\":30}") };
        let body: Value = serde_json::from_str(body).unwrap();
        let (status, shown) =
            insist(&origin, &format!("{path}/{verb}"), &body, &format!("{key}-{verb}")).await;
        assert!([200, 201, 409].contains(&status), "{key}: {shown}");
    }
    0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p7_p23_kill_origin_again_and_again_under_payments() {
    let mut stack = Stack::start_with("payments", &WITH).await;
    let tag = stack.tag.clone();
    let origin = Internal::new(&stack, &stack.value("ORIGIN_URL")).await;
    let stop = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|n| tokio::spawn(client(origin.clone(), format!("c{n}"), Arc::clone(&stop))))
        .collect();
    for _ in 0..KILLS {
        let ms = stack.rng.random_range(100..500);
        tokio::time::sleep(Duration::from_millis(ms)).await;
        stack.kill_origin().await;
        stack.start_origin().await;
    }
    stop.store(true, Ordering::Relaxed);
    let mut made = 0;
    for one in clients {
        made += one.await.unwrap();
    }
    let db = Db::open(&stack.database_url).await.unwrap();
    calm(&tag, &db).await;
    let count = agree(&tag, &db).await;
    println!("{tag} {KILLS} kills, {made} payments made, {count} stored");
    assert_eq!(count, made, "{tag}: each once");
    assert!(made > 100, "{tag}: {made}");
    adds_up(&stack).await;
    stack.end();
}
