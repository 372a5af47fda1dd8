//! P9: the origin is killed again and again in the midst of payouts. In the end each of them is
//! paid out once or given back, never both, and the bank has one order of each; what the bank
//! returns after it had paid is credited once.

use crate::internal::Internal;
use crate::ledger::Way;
use crate::stack::Stack;
use origin::db::{self, Db};
use origin::values;
use rand::Rng;
use serde_json::{Value, json};
use shared::payments::payout;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const KILLS: usize = 25;
const CLIENTS: u64 = 6;
const PATIENCE: Duration = Duration::from_secs(90);
const TOKENS: [&str; 7] = [
    "tok_ok",
    "tok_decline",
    "tok_timeout_after_success",
    "tok_timeout_before",
    "tok_slow_after",
    "tok_late_webhook",
    "tok_comes_back",
];
/// Short enough that a dead lease is taken over between two kills.
const WITH: &[(&str, &str)] = &[
    ("GATEWAY_SIMULATOR", "1"),
    ("SELVEDGE_SAGA_LEASE_MS", "1000"),
    ("SELVEDGE_GATEWAY_LOOK_MS", "50"),
    ("SELVEDGE_GATEWAY_BACKOFF_MS", "20"),
    ("SELVEDGE_GATEWAY_BACKOFF_MAX_MS", "200"),
    ("SELVEDGE_SIMULATOR_DELAY_MS", "100"),
];

async fn account(way: &Way, key: &str) -> String {
    let body = json!({"name": "a", "currency": "EUR", "kind": "asset"});
    let (status, shown) = way.insist("/api/v1/accounts", &body, key).await;
    assert_eq!(status, 201, "{shown}");
    shown["id"].as_str().unwrap().to_owned()
}

async fn client(way: Way, n: u64, account: String, stop: Arc<AtomicBool>) -> Vec<String> {
    let mut made = vec![];
    for one in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let token = TOKENS[one % TOKENS.len()];
        let body = json!({"account": account, "amount": 10, "currency": "EUR",
            "bank": {"gateway": "simulator", "token": token}});
        let key = format!("payout-{n}-{one}");
        let (status, shown) = way.insist("/api/v1/payouts", &body, &key).await;
        assert_eq!(status, 201, "{key}: {shown}");
        made.push(shown["id"].as_str().unwrap().to_owned());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    made
}

/// Waits until no saga has anything to do.
async fn calm(db: &Db, tag: &str) {
    let until = Instant::now() + PATIENCE;
    loop {
        // A return is told after its delay, and is a saga of its own from then on.
        let sql = "select 1 as one from saga where due is not null union all select 1 as one \
                   from gateway_event where applied_at is null and error is null";
        let left = db.read(sql, vec![]).await.unwrap();
        if left.is_empty() {
            return;
        }
        assert!(Instant::now() < until, "{tag}: {} sagas and events have not ended", left.len());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// How often the simulator has paid each out.
async fn at_gateway(db: &Db) -> BTreeMap<String, u64> {
    let sql = "select reference, report from simulated where key not like 'seen:%'";
    let mut paid = BTreeMap::new();
    for row in db.read(sql, vec![]).await.unwrap() {
        let report: Value = serde_json::from_str(&db::text(&row, "report").unwrap()).unwrap();
        if report["happened"] == "paid_out" {
            *paid.entry(db::text(&row, "reference").unwrap()).or_default() += 1;
        }
    }
    paid
}

async fn settle(stack: &Stack, account: &str, made: &[String]) {
    let tag = &stack.tag;
    let db = Db::open(&stack.database_url).await.unwrap();
    calm(&db, tag).await;
    let paid = at_gateway(&db).await;
    let (mut out, mut back, mut returned) = (0, 0, 0);
    for id in made {
        let sql = "select p.status, t.status as held from payout p \
                   join transfer t on t.id = p.transfer where p.id = $1";
        let rows = db.read(sql, values![payout::parse(id).unwrap()]).await.unwrap();
        let number = |name: &str| db::number(&rows[0], name).unwrap();
        let times = paid.get(id).copied().unwrap_or(0);
        match (number("status"), number("held"), times) {
            (1, 0, 1) => out += 1,
            (2, 2, 0) => back += 1,
            (3, 0, 1) => returned += 1,
            other => panic!("{tag}: {id} ended as {other:?}"),
        }
    }
    let all = db.read("select id from payout", vec![]).await.unwrap().len();
    assert_eq!(all, made.len(), "{tag}: every payout was acknowledged in the end, and once");
    assert_eq!(paid.len(), out + returned, "{tag}: the gateway has paid what nobody asked for");
    let sql = "select a.posted from account a where a.id = $1";
    let number = shared::payments::wire::parse("acc", account).unwrap();
    let row = db.read(sql, values![number]).await.unwrap();
    assert_eq!(db::signed(&row[0], "posted").unwrap(), 10 * out as i64, "{tag}");
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/admin/ledger/check", stack.value("ORIGIN_URL"));
    let answer = http.get(url).bearer_auth(stack.value("ADMIN_KEY")).send().await.unwrap();
    let report: Value = answer.json().await.unwrap();
    assert_eq!(report["ok"], true, "{tag}: {report}");
    println!("{tag} {out} paid out once, {back} given back, {returned} returned by the bank");
    let is_enough = out > 20 && back > 5 && returned > 5;
    assert!(is_enough, "{tag}: too few to tell: {out}, {back}, {returned}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p9_kill_origin_in_the_midst_of_payouts() {
    let mut stack = Stack::start_with("payouts", WITH).await;
    let way = Way::Direct(Internal::new(&stack, &stack.value("ORIGIN_URL")).await);
    let account = account(&way, "open").await;
    let stop = Arc::new(AtomicBool::new(false));
    let start = |n| tokio::spawn(client(way.clone(), n, account.clone(), Arc::clone(&stop)));
    let clients: Vec<_> = (0..CLIENTS).map(start).collect();
    for _ in 0..KILLS {
        let ms = stack.rng.random_range(30..400);
        tokio::time::sleep(Duration::from_millis(ms)).await;
        stack.kill_origin().await;
        stack.start_origin().await;
    }
    stop.store(true, Ordering::Relaxed);
    let mut made = vec![];
    for one in clients {
        made.extend(one.await.unwrap());
    }
    settle(&stack, &account, &made).await;
    stack.end();
}
