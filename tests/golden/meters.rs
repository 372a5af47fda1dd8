//! What of limits is stored and sent by the edge's half: names, meters, questions and answers.
//!
//! Invariant: every text is read back into what was written; one key costs < 200 bytes (M12).

use crate::frozen;
use shared::limits::field;
use shared::limits::meter::Meter;
use shared::limits::reservation;
use shared::limits::rule::{Algorithm, Rule};
use shared::limits::wire::{
    Ask, Close, Decided, Exception, Grant, Plan, Reply, Spent, key_hash, object_name, register_key,
};
use shared::machine::At;
use shared::roads::Stamp;
use shared::time::Millis;

const NOW: Millis = Millis(1_795_151_503_000);

fn rule(algorithm: Algorithm) -> Rule {
    Rule { algorithm, limit: 100, window_ms: 60_000, burst: 20 }
}

fn ask(algorithm: Algorithm) -> Ask {
    let stamp = Stamp { epoch: 1, version: 7 };
    let plan = Plan { stamp, rules: vec![rule(algorithm)], lease: true };
    Ask { plan, cost: 3, ahead: 0, close: None, hold: false }
}

#[test]
fn names_unchanged() {
    assert_eq!(register_key("app_1", "checkout"), "app_1/checkout");
    assert_eq!(key_hash("ann"), "49915e0d7d4b402e3017d010bc1c0e83");
    let name = "app_1/checkout/49915e0d7d4b402e3017d010bc1c0e83";
    assert_eq!(object_name("app_1", "checkout", "ann"), name);
    let spent = Spent { id: 9, at: Millis(5), units: 3 };
    let text = reservation::seal(b"key", &vec![("app_1/p/00".into(), spent)]).unwrap();
    assert_eq!(
        text,
        "W1siYXBwXzEvcC8wMCIseyJpZCI6OSwiYXQiOjUsInVuaXRzIjozfV1d.\
         a2eb69dd67610b8ab5798b311212f43b"
    );
}

#[test]
fn meter_format_unchanged() {
    let bucket = r#"{"b":180000,"t":1795151503000}"#;
    let states = [
        (Algorithm::TokenBucket, bucket),
        (Algorithm::LeakyBucket, bucket),
        (Algorithm::Gcra, r#"{"a":[0,179515150480000],"t":1795151503000}"#),
        (Algorithm::FixedWindow, r#"{"f":3,"t":1795151503000}"#),
        (Algorithm::SlidingWindowCounter, r#"{"c":3,"p":0,"t":1795151503000}"#),
        (Algorithm::SlidingWindowLog, r#"{"l":[[1795151503000,3]],"n":3,"t":1795151503000}"#),
    ];
    for (algorithm, state) in states {
        let mut meter = Meter::fresh(NOW);
        meter.ask(At { now: NOW, draw: 1 }, &ask(algorithm));
        let text = meter.mark().unwrap();
        let name = serde_json::to_string(&algorithm).unwrap();
        let rule = format!(r#"{{"algorithm":{name},"limit":100,"window_ms":60000,"burst":20}}"#);
        let ahead = if algorithm == Algorithm::SlidingWindowLog { 10 } else { 0 };
        let wanted = format!(
            r#"{{"v":[1,7],"p":[{{"r":{rule},"s":{state}}}],"n":{NOW},"s":{NOW},"a":"#,
            NOW = NOW.0
        );
        assert!(text.starts_with(&wanted), "{text}\n{wanted}");
        assert!(text.len() < 200 + ahead, "{} bytes: {text}", text.len());
        Meter::restore(&text, NOW, 2).unwrap();
    }
}

#[test]
fn messages_unchanged() {
    let close = Some(Close { id: 5, spent: 2 });
    let rule = r#"{"algorithm":"token_bucket","limit":100,"window_ms":60000,"burst":20}"#;
    let plan = format!(r#"{{"stamp":{{"epoch":1,"version":7}},"rules":[{rule}],"lease":true}}"#);
    frozen(&ask(Algorithm::TokenBucket), &format!(r#"{{"plan":{plan},"cost":3}}"#));
    frozen(
        &Ask { ahead: 10, close, hold: true, ..ask(Algorithm::TokenBucket) },
        &format!(
            r#"{{"plan":{plan},"cost":3,"ahead":10,"close":{{"id":5,"spent":2}},"hold":true}}"#
        ),
    );
    let said = Decided {
        allowed: true,
        rule: 0,
        limit: 100,
        remaining: 17,
        reset_ms: 1_800,
        wait_ms: Some(0),
        at: Millis(5),
        id: u64::MAX,
        lease: Some(Grant { id: 6, units: 5, life_ms: 1_000 }),
    };
    frozen(
        &Reply::Decided(said),
        concat!(
            r#"{"decided":{"allowed":true,"rule":0,"limit":100,"remaining":17,"reset_ms":1800,"#,
            r#""wait_ms":0,"at":5,"id":18446744073709551615,"#,
            r#""lease":{"id":6,"units":5,"life_ms":1000}}}"#,
        ),
    );
    frozen(&Exception { ban: true, ..Exception::default() }, r#"{"ban":true}"#);
}

/// The fields of the draft's own examples.
#[test]
fn fields_are_the_drafts() {
    let rule = |limit, window_ms| Rule { limit, window_ms, ..rule(Algorithm::TokenBucket) };
    let daily = field::policy("daily", &rule(1_000, 86_400_000));
    assert_eq!(daily, r#""daily";q=1000;w=86400"#);
    assert_eq!(field::policy("burst", &rule(100, 60_000)), r#""burst";q=100;w=60"#);
    assert_eq!(field::policy("quick", &rule(1, 1)), r#""quick";q=1;w=1"#);
    assert_eq!(field::remaining("default", 50, 30_000), r#""default";r=50;t=30"#);
    assert_eq!(field::remaining("dynamic", 0, 19_001), r#""dynamic";r=0;t=20"#);
    assert_eq!((field::retry_after_s(0), field::retry_after_s(1_001)), (1, 2));
}
