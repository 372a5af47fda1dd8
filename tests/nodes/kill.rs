//! workerd killed in the midst of a load on one key: what was admitted before and after is never
//! more than the limit, and at most one mark less (M14).

use crate::node::{Nodes, Seen, policy};
use crate::stack::Stack;
use rand::Rng;
use serde_json::json;
use shared::limits::meter::AHEAD_MAX;
use shared::limits::meter::held::UNITS_MAX;
use shared::limits::rule::{Algorithm, Rule};
use shared::time::DAY_MS;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;

const LIMIT: u64 = 10_000;
/// Algorithm, window, leases. A fixed window of ten minutes would end in the midst of the test now
/// and then, so its is a year's.
const RULES: [(Algorithm, u64, bool); 3] = [
    (Algorithm::SlidingWindowLog, 600_000, false),
    (Algorithm::TokenBucket, 600_000, true),
    (Algorithm::FixedWindow, 366 * DAY_MS, false),
];
const ISOLATES: u64 = 3;
const CLIENTS: usize = 32;
/// The kill comes after so many at the earliest, and at the latest.
const KILL_AT: std::ops::Range<u64> = 1_000..4_000;
/// Units of one question when the rest is spent.
const STEP: u64 = 10;

/// Clients that ask until an answer breaks off.
fn load(nodes: &Nodes, name: &str, admitted: &Arc<AtomicU64>) -> JoinSet<Vec<Seen>> {
    let client = |n: usize| {
        let (nodes, name, admitted) = (nodes.clone(), name.to_owned(), Arc::clone(admitted));
        async move {
            let mut all = Vec::new();
            for turn in 0.. {
                let seen = nodes.check(n + turn, &name, "hot").await;
                admitted.fetch_add(u64::from(seen.is_allowed()), Ordering::Relaxed);
                let broke = seen.status != 200;
                all.push(seen);
                if broke {
                    break;
                }
            }
            all
        }
    };
    (0..CLIENTS).map(client).collect()
}

/// Spends what is left, at all isolates; the units.
async fn exhaust(nodes: &Nodes, name: &str) -> u64 {
    let mut units = 0;
    for cost in [STEP, 1] {
        let spenders = (0..8).map(|n| {
            let (nodes, name) = (nodes.clone(), name.to_owned());
            async move {
                let mut units = 0;
                for turn in 0.. {
                    let body = json!({"policy": name, "key": "hot", "cost": cost});
                    let seen = nodes.ask(n + turn, "", &body).await;
                    assert_eq!(seen.status, 200, "{}", seen.body);
                    if !seen.is_allowed() {
                        break;
                    }
                    units += cost;
                }
                units
            }
        });
        units += spenders.collect::<JoinSet<_>>().join_all().await.into_iter().sum::<u64>();
        // What a lease held is spent or free again, and no refusal is remembered any more.
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    while nodes.check(0, name, "hot").await.is_allowed() {
        units += 1;
    }
    units
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_admits_nothing_twice_and_costs_one_mark() {
    let mut stack = Stack::start_with("kill", &[("EDGE_ISOLATES", "3")]).await;
    let (tag, nodes) = (stack.tag.clone(), Nodes::of(&stack));
    for (n, (algorithm, window_ms, lease)) in RULES.into_iter().enumerate() {
        let name = format!("rule-{n}");
        let rule = Rule { algorithm, limit: LIMIT, window_ms, burst: LIMIT };
        let mut published = policy(&rule);
        published["lease"] = json!(lease);
        nodes.publish(&name, &published).await;

        let admitted = Arc::new(AtomicU64::new(0));
        let clients = load(&nodes, &name, &admitted);
        let kill_at = stack.rng.random_range(KILL_AT);
        while admitted.load(Ordering::Relaxed) < kill_at {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        stack.kill_workerd().await;
        let seen: Vec<Seen> = clients.join_all().await.into_iter().flatten().collect();
        let strange = seen.iter().find(|seen| !seen.is_allowed() && seen.status != 0);
        assert!(strange.is_none(), "{tag} {algorithm:?}: {strange:?}");
        let before = seen.iter().filter(|seen| seen.is_allowed()).count() as u64;
        let in_flight = seen.len() as u64 - before;
        let first_ms = seen.iter().map(|seen| seen.sent_ms).min().unwrap();

        stack.start_edge().await;
        let after = exhaust(&nodes, &name).await;
        let passed_ms = crate::node::now_ms() - first_ms;
        let flowed = if rule.is_bucket() { (LIMIT * passed_ms).div_ceil(window_ms) } else { 0 };
        let leased = if lease { ISOLATES * UNITS_MAX } else { 0 };
        let all = before + after;
        println!(
            "{tag} {algorithm:?}: {before} before the kill, {in_flight} under way, {after} after: \
             {all} of {LIMIT} + {flowed}"
        );
        assert!(before >= kill_at && in_flight <= CLIENTS as u64, "{tag} {algorithm:?}");
        assert!(all <= LIMIT + flowed, "{tag} {algorithm:?}: over-admitted: {all}");
        let least = LIMIT - AHEAD_MAX - in_flight - leased;
        assert!(all >= least, "{tag} {algorithm:?}: {all} admitted, at least {least}");
    }
    stack.end();
}
