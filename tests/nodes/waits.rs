//! Who waits as long as `Retry-After` says is admitted at the next try (M8).

use crate::node::{Nodes, policy};
use crate::stack::Stack;
use serde_json::json;
use shared::limits::rule::{Algorithm, Rule};
use std::time::Duration;
use tokio::task::JoinSet;

/// Windows and limits short enough that nobody waits longer than two windows.
const RULES: [(Algorithm, u64, u64); 6] = [
    (Algorithm::TokenBucket, 3, 1_500),
    (Algorithm::Gcra, 4, 2_000),
    (Algorithm::LeakyBucket, 3, 900),
    (Algorithm::FixedWindow, 3, 1_000),
    (Algorithm::SlidingWindowLog, 4, 1_700),
    (Algorithm::SlidingWindowCounter, 5, 1_100),
];
/// Every one with a key of its own.
const CLIENTS: usize = 204;
const TRIALS: usize = 5;
/// A client that is refused nothing for so long does not meet its limit.
const TRIES_MAX: usize = 60;

/// One client's trials; what went wrong, and the seconds that it waited.
async fn trials(nodes: Nodes, client: usize) -> (Vec<String>, u64, usize) {
    let (algorithm, _, _) = RULES[client % RULES.len()];
    let name = format!("rule-{}", client % RULES.len());
    let (mut wrong, mut waited_s, mut trials) = (Vec::new(), 0, 0);
    for n in 0..TRIALS {
        // Some ask for two units at once.
        let cost = 1 + u64::from((client + n).is_multiple_of(4));
        let body = json!({"policy": name, "key": format!("client-{client}"), "cost": cost});
        let mut refused = None;
        for tried in 0..TRIES_MAX {
            let seen = nodes.ask(client + tried, "?enforce=true", &body).await;
            match seen.status {
                200 => {}
                429 => {
                    refused = Some((seen, client + tried));
                    break;
                }
                status => wrong.push(format!("{algorithm:?}: {status} {}", seen.body)),
            }
        }
        let Some((seen, node)) = refused else {
            wrong.push(format!("{algorithm:?}: never refused"));
            continue;
        };
        let wait_s = seen.retry_after_s.filter(|wait_s| *wait_s > 0);
        let Some(wait_s) = wait_s else {
            wrong.push(format!("{algorithm:?}: 429 without a Retry-After: {}", seen.body));
            continue;
        };
        tokio::time::sleep(Duration::from_secs(wait_s)).await;
        // At the same isolate, which may remember the refusal, or at another.
        let again = nodes.ask(node + n % 2, "?enforce=true", &body).await;
        if again.status != 200 {
            wrong.push(format!("{algorithm:?} after {wait_s} s: {} {}", again.status, again.body));
        }
        waited_s += wait_s;
        trials += 1;
    }
    (wrong, waited_s, trials)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_obeys_retry_after_is_admitted() {
    let stack = Stack::start_with("waits", &[("EDGE_ISOLATES", "3")]).await;
    let (tag, nodes) = (stack.tag.clone(), Nodes::of(&stack));
    for (n, (algorithm, limit, window_ms)) in RULES.into_iter().enumerate() {
        let rule = Rule { algorithm, limit, window_ms, burst: limit };
        nodes.publish(&format!("rule-{n}"), &policy(&rule)).await;
    }
    let clients = (0..CLIENTS).map(|client| trials(nodes.clone(), client));
    let all = clients.collect::<JoinSet<_>>().join_all().await;
    let trials: usize = all.iter().map(|(_, _, trials)| trials).sum();
    let waited_s: u64 = all.iter().map(|(_, waited_s, _)| waited_s).sum();
    let wrong: Vec<String> = all.into_iter().flat_map(|(wrong, _, _)| wrong).collect();
    println!("{tag} {trials} trials, {} wrong, {waited_s} s waited in all", wrong.len());
    assert!(wrong.is_empty(), "{tag}: {} of {trials}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(trials >= 1_000, "{tag}: {trials}");
    stack.end();
}
