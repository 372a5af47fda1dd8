//! P10: gateways' events come in while the origin and workerd are killed. What was answered 200 is
//! at the origin in the end, once, though most of it was sent twice.

use crate::check;
use crate::stack::Stack;
use hmac::{Hmac, Mac};
use origin::db::{self, Db};
use rand::Rng;
use sha2::Sha256;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const SENDERS: usize = 6;
const KILLS: usize = 8;
/// What recorders hold comes within seconds after the last start.
const ARRIVES_MAX: Duration = Duration::from_secs(60);

#[derive(Clone)]
struct Gateway {
    http: reqwest::Client,
    url: String,
    secret: String,
}

impl Gateway {
    /// Sends an event in Stripe's scheme; whether it was answered 200.
    async fn send(&self, event: &str) -> bool {
        let body = format!("{{\"id\":\"{event}\",\"object\":\"event\",\"type\":\"x\"}}");
        let time = db::now().0 / 1_000;
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.as_bytes()).unwrap();
        mac.update(format!("{time}.{body}").as_bytes());
        let mac = hex::encode(mac.finalize().into_bytes());
        let ask =
            self.http.post(&self.url).header("stripe-signature", format!("t={time},v1={mac}"));
        ask.body(body).send().await.is_ok_and(|answer| answer.status() == 200)
    }
}

/// Sends events one after the other, each until it is taken, and every third again at once.
async fn sender(gateway: Gateway, name: usize, stop: Arc<AtomicBool>) -> BTreeSet<String> {
    let mut taken = BTreeSet::new();
    for n in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let event = format!("evt_{name}_{n}");
        while !gateway.send(&event).await {
            if stop.load(Ordering::Relaxed) {
                return taken;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        if n % 3 == 0 {
            gateway.send(&event).await;
        }
        taken.insert(event);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    taken
}

async fn stored(url: &str) -> Vec<String> {
    let db = Db::open(url).await.unwrap();
    // What they tell of does not exist here; that they are kept is what counts.
    let sql = "select event from gateway_event where gateway = 'stripe'";
    let rows = db.read(sql, vec![]).await.unwrap();
    rows.iter().map(|row| db::text(row, "event").unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p10_kill_origin_and_workerd_while_hooks_come_in() {
    let mut stack = Stack::start("hooks").await;
    let tag = stack.tag.clone();
    let secrets = std::fs::read_to_string(stack.dir().join("secrets")).unwrap();
    let name = "GATEWAY_STRIPE_WEBHOOK_SECRET=";
    let secret = secrets.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
    let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20));
    let url = format!("{}/hooks/gateway/stripe", stack.value("EDGE_URL"));
    let gateway = Gateway { http: http.build().unwrap(), url, secret };
    let stop = Arc::new(AtomicBool::new(false));
    let start = |n| tokio::spawn(sender(gateway.clone(), n, Arc::clone(&stop)));
    let senders: Vec<_> = (0..SENDERS).map(start).collect();
    for n in 0..KILLS {
        let ms = stack.rng.random_range(200..1_500);
        tokio::time::sleep(Duration::from_millis(ms)).await;
        if n % 4 == 3 {
            stack.kill_workerd().await;
            stack.start_edge().await;
        } else {
            stack.kill_origin().await;
            // Meanwhile hooks are taken all the same.
            tokio::time::sleep(Duration::from_millis(ms)).await;
            stack.start_origin().await;
        }
    }
    stop.store(true, Ordering::Relaxed);
    let mut taken = BTreeSet::new();
    for one in senders {
        taken.extend(one.await.unwrap());
    }
    let began = Instant::now();
    loop {
        let found = stored(&stack.database_url).await;
        let distinct: BTreeSet<String> = found.iter().cloned().collect();
        assert_eq!(distinct.len(), found.len(), "{tag}: an event stands twice");
        let missing: Vec<&String> = taken.difference(&distinct).take(5).collect();
        if missing.is_empty() {
            println!("{tag} {} hooks answered 200, {} are there", taken.len(), found.len());
            break;
        }
        assert!(began.elapsed() < ARRIVES_MAX, "{tag}: answered 200 and lost: {missing:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(taken.len() > 200, "{tag}: {}", taken.len());
    check::drained(&tag, &stack.database_url).await;
    stack.end();
}
