//! P3, P6, P17: the origin is killed again and again under load; every client insists on its
//! answer with its key, some give up at once. In the end the ledger adds up, what was acknowledged
//! is there once, and what was not is there once at most.

use crate::internal::Internal;
use crate::stack::Stack;
use origin::db::{self, Db};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use shared::envelope::Envelope;
use shared::payments::wire::{account_id, transfer_id};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const KILLS: usize = 50;
const ACCOUNTS: usize = 20;
/// Clients of the origin, signed as the edge signs.
const DIRECT: u64 = 24;
/// Clients of the edge.
const EDGE: u64 = 4;
/// A client that is not told for this long has found a fault.
const PATIENCE: Duration = Duration::from_secs(60);

/// One way to the ledger.
#[derive(Clone)]
pub(crate) enum Way {
    Direct(Internal),
    Edge(reqwest::Client, String, String),
}

impl Way {
    /// The status and the answer; `None`: it broke off, or nobody answered.
    async fn post(&self, path: &str, body: &Value, key: &str) -> Option<(u16, Value)> {
        match self {
            Self::Direct(origin) => {
                let path = format!("/internal{path}");
                let (_, text) = origin.post(&path, &body.to_string(), Some(key)).await?;
                let envelope: Envelope = serde_json::from_str(&text).ok()?;
                Some((envelope.status, serde_json::from_str(&envelope.body).ok()?))
            }
            Self::Edge(http, url, auth) => {
                let ask = http.post(format!("{url}{path}")).bearer_auth(auth);
                let ask = ask.header("idempotency-key", key).json(body);
                let answer = ask.send().await.ok()?;
                Some((answer.status().as_u16(), answer.json().await.ok()?))
            }
        }
    }

    /// Asks until it is answered for good.
    pub(crate) async fn insist(&self, path: &str, body: &Value, key: &str) -> (u16, Value) {
        let until = Instant::now() + PATIENCE;
        loop {
            match self.post(path, body, key).await {
                // 503: nothing was decided, or nobody was told; 409: a copy is under way.
                Some((503, _)) | None => {}
                Some((409, problem)) if of_kind(&problem, "http/in-progress") => {}
                Some(answer) => return answer,
            }
            assert!(Instant::now() < until, "{key}: nobody was told");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn of_kind(problem: &Value, kind: &str) -> bool {
    problem["type"].as_str().is_some_and(|text| text.ends_with(kind))
}

/// What a client was told, by the reference that it gave.
#[derive(Default)]
struct Told {
    /// Id, debit, credit, what was posted in the end.
    made: BTreeMap<String, (String, String, String, i64)>,
    /// Given up after one try.
    doubt: Vec<String>,
}

async fn client(way: Way, name: String, accounts: Arc<Vec<String>>, stop: Arc<AtomicBool>) -> Told {
    let mut rng = StdRng::seed_from_u64(name.bytes().map(u64::from).sum());
    let mut told = Told::default();
    for n in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let debit = rng.random_range(0..ACCOUNTS);
        let credit = (debit + rng.random_range(1..ACCOUNTS)) % ACCOUNTS;
        let (debit, credit) = (accounts[debit].clone(), accounts[credit].clone());
        let amount = rng.random_range(1..1_000);
        let (key, held) = (format!("{name}-{n}"), n % 5 == 0);
        let body = json!({
            "debit_account": debit, "credit_account": credit, "amount": amount,
            "currency": "EUR", "reference": key, "pending": held,
        });
        if n % 7 == 6 && way.post("/api/v1/transfers", &body, &key).await.is_none() {
            told.doubt.push(key);
            continue;
        }
        let (status, shown) = way.insist("/api/v1/transfers", &body, &key).await;
        assert_eq!(status, 201, "{key}: {shown}");
        let id = shown["id"].as_str().unwrap().to_owned();
        let mut posted = amount;
        if held {
            posted = 1 + amount / 2;
            let path = format!("/api/v1/transfers/{id}/post");
            let (status, shown) =
                way.insist(&path, &json!({"amount": posted}), &format!("{key}-post")).await;
            assert_eq!((status, &shown["posted_amount"]), (200, &json!(posted)), "{key}: {shown}");
        }
        told.made.insert(key, (id, debit, credit, posted));
    }
    told
}

async fn open(way: &Way) -> Vec<String> {
    let mut accounts = vec![];
    for n in 0..ACCOUNTS {
        let body = json!({"name": "a", "currency": "EUR", "kind": "asset"});
        let (status, shown) = way.insist("/api/v1/accounts", &body, &format!("open-{n}")).await;
        assert_eq!(status, 201, "{shown}");
        accounts.push(shown["id"].as_str().unwrap().to_owned());
    }
    accounts
}

/// Every transfer by its reference: id, debit, credit, posted; one that stands twice is a fault.
async fn stored(tag: &str, url: &str) -> BTreeMap<String, (String, String, String, i64)> {
    let db = Db::open(url).await.unwrap();
    let sql = "select id, debit, credit, posted, reference from transfer";
    let mut all = BTreeMap::new();
    for row in db.read(sql, vec![]).await.unwrap() {
        let reference = db::text(&row, "reference").unwrap();
        let number = |name: &str| db::number(&row, name).unwrap();
        let posted = db::maybe_number(&row, "posted").unwrap().unwrap_or(0);
        let sides = (account_id(number("debit")), account_id(number("credit")));
        let id = transfer_id(number("id"));
        let before = all.insert(reference.clone(), (id, sides.0, sides.1, posted as i64));
        assert!(before.is_none(), "{tag}: {reference} was made twice");
    }
    all
}

async fn settle(stack: &Stack, all: Vec<Told>) {
    let tag = &stack.tag;
    let mut stored = stored(tag, &stack.database_url).await;
    let (mut acknowledged, mut doubt, mut doubt_made) = (0, 0, 0);
    for told in all {
        for (reference, made) in told.made {
            assert_eq!(stored.remove(&reference), Some(made), "{tag}: {reference}");
            acknowledged += 1;
        }
        for reference in told.doubt {
            doubt += 1;
            doubt_made += usize::from(stored.remove(&reference).is_some());
        }
    }
    assert!(stored.is_empty(), "{tag}: nobody asked for {stored:?}");
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/admin/ledger/check", stack.value("ORIGIN_URL"));
    let answer = http.get(url).bearer_auth(stack.value("ADMIN_KEY")).send().await.unwrap();
    let report: Value = answer.json().await.unwrap();
    assert_eq!(report["ok"], true, "{tag}: {report}");
    assert_eq!(report["by_currency"], json!({"EUR": 0}), "{tag}");
    println!(
        "{tag} {acknowledged} acknowledged, {doubt} given up ({doubt_made} of them made); \
         {} entries add up",
        report["entries"]
    );
    assert!(acknowledged > 500, "{tag}: {acknowledged}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p3_p6_kill_origin_fifty_times_under_transfers() {
    let mut stack = Stack::start("ledger").await;
    let tag = stack.tag.clone();
    let origin = Internal::new(&stack, &stack.value("ORIGIN_URL")).await;
    let direct = Way::Direct(origin);
    let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20));
    let edge =
        Way::Edge(http.build().unwrap(), stack.value("EDGE_URL"), stack.value("SERVICE_KEY"));
    let accounts = Arc::new(open(&direct).await);
    let stop = Arc::new(AtomicBool::new(false));
    let start = |way: &Way, name: String| {
        tokio::spawn(client(way.clone(), name, Arc::clone(&accounts), Arc::clone(&stop)))
    };
    let mut clients: Vec<_> = (0..DIRECT).map(|n| start(&direct, format!("d{n}"))).collect();
    clients.extend((0..EDGE).map(|n| start(&edge, format!("e{n}"))));
    let began = Instant::now();
    for _ in 0..KILLS {
        let ms = stack.rng.random_range(30..300);
        tokio::time::sleep(Duration::from_millis(ms)).await;
        stack.kill_origin().await;
        stack.start_origin().await;
    }
    println!("{tag} {KILLS} kills in {:.1?}", began.elapsed());
    stop.store(true, Ordering::Relaxed);
    let mut all = vec![];
    for one in clients {
        all.push(one.await.unwrap());
    }
    settle(&stack, all).await;
    stack.end();
}
