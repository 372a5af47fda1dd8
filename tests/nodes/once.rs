//! One key asked by many at once: one limit, and two limits all or nothing (M3, M7).

use crate::node::{Nodes, Seen, policy, statuses};
use crate::stack::Stack;
use serde_json::{Value, json};
use shared::limits::rule::{Algorithm, Rule};
use tokio::task::JoinSet;

const WINDOW_MS: u64 = 600_000;

fn log(limit: u64) -> Value {
    // Nothing comes back within the test, wherever its window begins.
    let algorithm = Algorithm::SlidingWindowLog;
    policy(&Rule { algorithm, limit, window_ms: WINDOW_MS, burst: limit })
}

async fn at_once(nodes: &Nodes, count: usize, body: &Value) -> Vec<Seen> {
    let one = |n: usize| {
        let (nodes, body) = (nodes.clone(), body.clone());
        async move { nodes.ask(n, "", &body).await }
    };
    (0..count).map(one).collect::<JoinSet<_>>().join_all().await
}

async fn left(nodes: &Nodes, policy: &str, key: &str) -> u64 {
    let look = json!({"policy": policy, "key": key, "cost": 0});
    nodes.ask(0, "", &look).await.said.unwrap().remaining
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_are_decided_one_by_one() {
    let stack = Stack::start_with("once", &[("EDGE_ISOLATES", "3")]).await;
    let (tag, nodes) = (stack.tag.clone(), Nodes::of(&stack));

    nodes.publish("hundred", &log(100)).await;
    let seen = at_once(&nodes, 1_000, &json!({"policy": "hundred", "key": "fresh"})).await;
    let allowed = seen.iter().filter(|seen| seen.is_allowed()).count();
    println!("{tag} 1,000 at once, limit 100: {allowed} allowed, {:?}", statuses(&seen));
    assert!(seen.iter().all(Seen::is_decided), "{tag}: {:?}", statuses(&seen));
    assert_eq!(allowed, 100, "{tag}");

    nodes.publish("fifty", &log(50)).await;
    nodes.publish("thirty", &log(30)).await;
    let also = json!([{"policy": "thirty", "key": "both"}]);
    let both = json!({"policy": "fifty", "key": "both", "also": also});
    let seen = at_once(&nodes, 64, &both).await;
    let allowed = seen.iter().filter(|seen| seen.is_allowed()).count();
    let left = (left(&nodes, "fifty", "both").await, left(&nodes, "thirty", "both").await);
    println!("{tag} 64 at once, limits 50 and 30: {allowed} allowed, {left:?} left");
    assert!(seen.iter().all(Seen::is_decided), "{tag}: {:?}", statuses(&seen));
    assert_eq!((allowed, left), (30, (20, 0)), "{tag}");
    stack.end();
}
