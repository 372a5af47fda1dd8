//! The origin killed: the last known policies hold, also in isolates that begin without it (M20).

use crate::node::{Nodes, Seen, policy, statuses};
use crate::stack::Stack;
use shared::limits::rule::{Algorithm, Rule};
use std::time::Duration;
use tokio::task::JoinSet;

const LIMIT: usize = 100;
/// What an isolate remembers is old after this, so that it must find the policy elsewhere.
const FRESH_MS: &str = "300";

async fn decided(tag: &str, nodes: &Nodes, key: &'static str, left: usize) {
    let one = |n: usize| {
        let nodes = nodes.clone();
        async move { nodes.check(n, "known", key).await }
    };
    let seen = (0..LIMIT * 3).map(one).collect::<JoinSet<_>>().join_all().await;
    let allowed = seen.iter().filter(|seen| seen.is_allowed()).count();
    println!("{tag} {key}: {allowed} of {} allowed, {:?}", seen.len(), statuses(&seen));
    assert!(seen.iter().all(Seen::is_decided), "{tag} {key}: {:?}", statuses(&seen));
    assert_eq!(allowed, left, "{tag} {key}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_origin_the_last_policies_hold() {
    let with = [
        ("EDGE_ISOLATES", "3"),
        ("SELVEDGE_POLICY_FRESH_MS", FRESH_MS),
        ("SELVEDGE_KEY_FRESH_MS", FRESH_MS),
    ];
    let mut stack = Stack::start_with("orphan", &with).await;
    let (tag, nodes) = (stack.tag.clone(), Nodes::of(&stack));
    let limit = LIMIT as u64;
    let algorithm = Algorithm::SlidingWindowLog;
    let rule = Rule { algorithm, limit, window_ms: 600_000, burst: limit };
    nodes.publish("known", &policy(&rule)).await;
    decided(&tag, &nodes, "with-the-origin", LIMIT).await;

    stack.kill_origin().await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    decided(&tag, &nodes, "with-the-origin", 0).await;
    decided(&tag, &nodes, "without-the-origin", LIMIT).await;

    // New isolates, which know nothing, and no origin to ask.
    stack.stop_edge().await;
    stack.start_edge().await;
    decided(&tag, &nodes, "without-the-origin", 0).await;
    decided(&tag, &nodes, "in-new-isolates", LIMIT).await;
    let unknown = nodes.check(0, "unknown", "any").await;
    assert!(matches!(unknown.status, 404 | 503), "{tag}: {} {}", unknown.status, unknown.body);
    stack.end();
}
