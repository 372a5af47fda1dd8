//! M13: a log through a policy, at the edge.

use super::policies::put;
use crate::client::Stack;
use serde_json::{Value, json};
use shared::limits::backtest::{Row, backtest};
use shared::limits::rule::{Algorithm, Rule};
use shared::machine::mix;
use shared::time::Millis;

const PATH: &str = "/api/v1/limits/backtest";
const T0: u64 = 1_790_000_000_000;

#[tokio::test]
async fn m13_a_backtest_says_what_a_policy_would_have_done() {
    let stack = Stack::here();
    let app = stack.app().await;
    let window = json!({
        "algorithm": "fixed_window", "limit": 2, "window_ms": 1_000,
        "tiers": {"pro": {"limit": 4}}, "shadow": true,
    });
    put(&app, "p", &window).await.is(201);
    let log = json!([
        [T0 + 2, "ann"], [T0, "ann"], {"at": T0 + 1, "key": "ann"},
        {"at": Millis(T0 + 3).to_rfc3339(), "key": "ann", "cost": 2}, [T0 + 5, "bob", 3],
    ]);
    let run = async |policy: &Value, tier: Option<&str>| {
        let mut body = json!({"policy": policy, "log": log});
        if let Some(tier) = tier {
            body["tier"] = json!(tier);
        }
        app.ask("POST", PATH).json(&body).send().await.is(200)
    };
    let answer = run(&json!("p"), None).await;
    let wanted = json!({
        "rows": 5, "keys": 2, "allowed": 2, "refused": 3, "worst": 2,
        "first_refused_at": Millis(T0 + 2).to_rfc3339(),
        "refused_keys": [
            {"key": "ann", "allowed": 2, "refused": 2}, {"key": "bob", "allowed": 0, "refused": 1},
        ],
    });
    assert_eq!(answer, wanted);
    assert_eq!(run(&window, None).await, wanted, "the same policy, whole");
    let pro = run(&json!("p"), Some("pro")).await;
    assert_eq!((&pro["allowed"], &pro["worst"]), (&json!(4), &json!(3)));
    assert_eq!(pro["refused_keys"], json!([{"key": "ann", "allowed": 3, "refused": 1}]));
    // Nothing was spent, nothing is kept: the same again is the same.
    assert_eq!(run(&json!("p"), None).await, wanted);
}

#[tokio::test]
async fn m13_a_log_of_100_000_rows_streams_through_the_edge() {
    let stack = Stack::here();
    let app = stack.app().await;
    let rule = Rule { algorithm: Algorithm::TokenBucket, limit: 10, window_ms: 60_000, burst: 10 };
    let row = |n: u64| {
        let draw = mix(n);
        let key = format!("key-{}", (draw % 1_000).min(draw / 1_000 % 1_000));
        Row { at: Millis(T0 + draw % 3_600_000), key: key.into(), cost: 1 + draw / 7 % 3 }
    };
    let log: Vec<Row<'_>> = (0..100_000).map(row).collect();
    let rows: Vec<Value> = log.iter().map(|row| json!([row.at.0, row.key, row.cost])).collect();
    let body = json!({"policy": {"limit": 10, "window_ms": 60_000}, "log": rows});
    let answer = app.ask("POST", PATH).json(&body).send().await.is(200);
    let wanted = serde_json::to_value(backtest(&[rule], &log)).unwrap();
    assert_eq!(answer, wanted);
    assert_eq!(answer["rows"], 100_000);
    assert!(answer["refused"].as_u64().unwrap() > 1_000 && answer["worst"].as_u64().unwrap() <= 20);
    assert_eq!(answer["refused_keys"].as_array().unwrap().len(), 20);
}
