//! What of limits is stored and sent by the origin's half: registers and tallies.
//!
//! Invariant: every text is read back into what was written.

use crate::frozen;
use shared::limits::policy::{OnFailure, Policy, PolicyRule, Tier};
use shared::limits::publish::{Action, Row};
use shared::limits::rule::Algorithm;
use shared::limits::usage::{Counts, KeyCounts, SLOT_MS, Tally, slot};
use shared::roads::{Register, Stamp};
use shared::time::Millis;

fn policy() -> Policy {
    Policy { limit: Some(100), window_ms: Some(60_000), lease: true, ..Policy::default() }
}

#[test]
fn policy_format_unchanged() {
    frozen(&policy(), r#"{"limit":100,"window_ms":60000,"on_failure":"open","shadow":false}"#);
    let tier = Tier { limit: Some(9), window_ms: Some(1_000), burst: Some(3) };
    let whole = Policy {
        algorithm: Some(Algorithm::LeakyBucket),
        burst: Some(20),
        tiers: [("pro".into(), tier), ("team".into(), Tier::default())].into(),
        on_failure: OnFailure::Closed,
        timeout_ms: Some(50),
        lease: false,
        shadow: true,
        ..policy()
    };
    frozen(
        &whole,
        concat!(
            r#"{"algorithm":"leaky_bucket","limit":100,"window_ms":60000,"burst":20,"tiers":{"#,
            r#""pro":{"limit":9,"window_ms":1000,"burst":3},"team":{}},"on_failure":"closed","#,
            r#""timeout_ms":50,"lease":false,"shadow":true}"#,
        ),
    );
    let rule = |algorithm| PolicyRule { algorithm, limit: 1, window_ms: 10, burst: None };
    let all = [
        Algorithm::TokenBucket,
        Algorithm::Gcra,
        Algorithm::FixedWindow,
        Algorithm::SlidingWindowLog,
        Algorithm::SlidingWindowCounter,
    ];
    for (algorithm, name) in all.into_iter().zip([
        "token_bucket",
        "gcra",
        "fixed_window",
        "sliding_window_log",
        "sliding_window_counter",
    ]) {
        let listed = Policy { all: vec![rule(algorithm)], lease: true, ..Policy::default() };
        let rules = format!(r#"[{{"algorithm":"{name}","limit":1,"window_ms":10}}]"#);
        frozen(&listed, &format!(r#"{{"all":{rules},"on_failure":"open","shadow":false}}"#));
    }
}

#[test]
fn policy_register_format_unchanged() {
    let row = Row {
        app: "app_00000000002".into(),
        name: "checkout".into(),
        policy: Some(policy()),
        version: 7,
        created_at: Millis(1),
        updated_at: Millis(2),
    };
    let stamp = Stamp { epoch: 3, version: 7 };
    let value = r#"{"limit":100,"window_ms":60000,"on_failure":"open","shadow":false}"#;
    let register = Register {
        product: "limits".into(),
        key: "app_00000000002/checkout".into(),
        stamp,
        value: Some(value.into()),
    };
    assert_eq!(row.register(3), register);
    let gone = Row { policy: None, ..row };
    assert_eq!(gone.register(3), Register { value: None, ..register });
    let actions = [Action::Created, Action::Replaced, Action::Deleted].map(Action::name);
    assert_eq!(actions, ["created", "replaced", "deleted"]);
}

#[test]
fn tally_format_unchanged() {
    let counts = Counts { allowed: 5, refused: 4, shadowed: 3, failed_open: 2, failed_closed: 1 };
    let tally = Tally {
        app: "selvedge".into(),
        policy: "api".into(),
        counts,
        keys: vec![KeyCounts { key_hash: "0123456789abcdef".repeat(2), allowed: 3, refused: 1 }],
    };
    let text = concat!(
        r#"{"app":"selvedge","policy":"api","allowed":5,"refused":4,"shadowed":3,"failed_open":2,"#,
        r#""failed_closed":1,"keys":[{"key_hash":"0123456789abcdef0123456789abcdef","allowed":3,"#,
        r#""refused":1}]}"#,
    );
    frozen(&tally, text);
    assert_eq!(tally.check(), Ok(()));
    // What an older edge leaves out is nothing.
    let short: Tally = serde_json::from_str(r#"{"app":"a","policy":"b","allowed":1}"#).unwrap();
    assert_eq!((short.counts.allowed, short.counts.refused, short.keys.len()), (1, 0, 0));
    assert_eq!(SLOT_MS, 10_000);
    assert_eq!(slot(Millis(1_795_151_503_007)), Millis(1_795_151_500_000));
}
