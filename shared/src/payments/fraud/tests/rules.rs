//! Bad rules, versions, and what the edge may decide.

use super::super::publish::{self, Action, Change, Set};
use super::super::{at_edge, backtest};
use super::{NOW, VELOCITIES, named, rule};
use alloc::{format, string::String, vec, vec::Vec};

/// Where a rule is wrong.
fn pointers(text: &str) -> Vec<String> {
    let problem = publish::rule(text.as_bytes()).unwrap_err();
    assert_eq!(problem.status(), 422, "{text}");
    problem.errors.into_iter().map(|error| error.pointer).collect()
}

#[test]
fn p13_each_field_of_a_rule_that_is_wrong_is_pointed_at() {
    let long = format!(r#"["{}"]"#, "x".repeat(256));
    let many = format!("[{}]", vec![r#""a""#; 1_001].join(","));
    for (when, pointer) in [
        ("", "/when"),
        (r#""country_mismatch":false"#, "/when/country_mismatch"),
        (r#""amount":{"at_least":0,"currency":"EUR"}"#, "/when/amount/at_least"),
        (r#""amount":{"at_least":1.5,"currency":"EUR"}"#, "/when/amount/at_least"),
        (r#""amount":{"at_least":1,"currency":"EUX"}"#, "/when/amount/currency"),
        (r#""velocity":{"of":"source","window_s":60}"#, "/when/velocity"),
        (r#""velocity":{"of":"payer","count":1,"window_s":60}"#, "/when/velocity/of"),
        (r#""velocity":{"of":"source","count":0,"window_s":60}"#, "/when/velocity/count"),
        (r#""velocity":{"of":"source","count":1,"window_s":0}"#, "/when/velocity/window_s"),
        (r#""velocity":{"of":"source","count":1,"window_s":2592001}"#, "/when/velocity/window_s"),
        (
            r#""velocity":{"of":"source","amount":{"amount":0,"currency":"EUR"},"window_s":1}"#,
            "/when/velocity/amount/amount",
        ),
        (r#""blocklist":{"of":"source","values":[]}"#, "/when/blocklist/values"),
        (&format!(r#""blocklist":{{"of":"source","values":{many}}}"#), "/when/blocklist/values"),
        (&format!(r#""blocklist":{{"of":"source","values":{long}}}"#), "/when/blocklist/values/0"),
        (r#""blocklist":{"of":"ip","values":["1.2.3.4","1.2.3"]}"#, "/when/blocklist/values/1"),
        (r#""blocklist":{"of":"ip","values":["1.2.3.4/33"]}"#, "/when/blocklist/values/0"),
        (r#""blocklist":{"of":"country","values":["de"]}"#, "/when/blocklist/values/0"),
        (r#""magic":1"#, "/when/magic"),
    ] {
        let text = format!(r#"{{"when":{{{when}}},"then":"block"}}"#);
        let found = pointers(&text);
        assert_eq!(found.first().map(String::as_str), Some(pointer), "{text}");
    }
    let whole = r#"{"when":{"country_mismatch":true},"then":"allow"}"#;
    assert_eq!(pointers(whole), ["/then"]);
    let card =
        r#"{"when":{"blocklist":{"of":"source","values":["4242424242424242"]}},"then":"block"}"#;
    assert_eq!(publish::rule(card.as_bytes()).unwrap_err().kind.slug, "card-number");
}

#[test]
fn p13_a_backtest_says_which_rule_of_it_is_wrong_and_has_no_addresses() {
    let at =
        |body: &str| backtest::read(body.as_bytes(), NOW).unwrap_err().errors[0].pointer.clone();
    let good = r#"{"name":"a","when":{"country_mismatch":true},"then":"block"}"#;
    let bad = r#"{"name":"b","when":{"velocity":{"of":"source","window_s":1}},"then":"block"}"#;
    let ip = r#"{"name":"b","when":{"blocklist":{"of":"ip","values":["1.2.3.4"]}},"then":"block"}"#;
    let odd = good.replace("\"then\"", "\"than\":1,\"then\"");
    assert_eq!(at(&format!(r#"{{"rules":[{good},{bad}]}}"#)), "/rules/1/when/velocity");
    assert_eq!(at(&format!(r#"{{"rules":[{good},{good}]}}"#)), "/rules/1/name");
    assert_eq!(at(&format!(r#"{{"rules":[{good},{ip}]}}"#)), "/rules/1/when/blocklist/of");
    assert_eq!(at(&format!(r#"{{"rules":[{odd}]}}"#)), "/rules/0/than");
    assert_eq!(at(r#"{"rules":[]}"#), "/rules");
    assert_eq!(at(&format!(r#"{{"rules":[{good}],"from":"soon"}}"#)), "/from");
    let turned = format!(r#"{{"rules":[{good}],"from":"2026-02-01","to":"2026-01-01"}}"#);
    assert_eq!(at(&turned), "/from");
}

#[test]
fn p13_every_change_is_a_version_and_a_stale_one_is_412() {
    let put = |limit: i64| {
        let when = format!(r#"{{"amount":{{"at_least":{limit},"currency":"EUR"}}}}"#);
        Change::Put(rule(&format!(r#"{{"when":{when},"then":"block"}}"#)))
    };
    let turn = |set: &Set, name: &str, if_match: Option<&str>, change: Change| {
        publish::decide(set, name, NOW, if_match, change)
    };
    let (one, action) = turn(&Set::default(), "a", None, put(1)).unwrap();
    assert_eq!((one.version, action), (1, Some(Action::Created)));
    assert_eq!(turn(&one, "a", None, put(1)).unwrap(), (one.clone(), None));
    let (two, _) = turn(&one, "b", None, put(1)).unwrap();
    let (three, action) = turn(&two, "a", Some("\"1\""), put(2)).unwrap();
    assert_eq!((three.version, action), (3, Some(Action::Replaced)));
    assert_eq!(three.find("a").unwrap().version, 3);
    assert_eq!(three.find("b").unwrap().version, 2);
    for stale in ["\"1\"", "\"2\"", "3"] {
        assert_eq!(turn(&three, "a", Some(stale), put(9)).unwrap_err().status(), 412);
        assert_eq!(turn(&three, "a", Some(stale), Change::Delete).unwrap_err().status(), 412);
    }
    let (four, _) = turn(&three, "a", None, Change::Delete).unwrap();
    assert_eq!(turn(&four, "a", None, Change::Delete).unwrap_err().status(), 404);
    let (five, _) = turn(&four, "a", None, put(2)).unwrap();
    assert_eq!(five.find("a").unwrap().version, 5, "versions rise through deletions");
    let mut full = five;
    for n in 0..publish::RULES_MAX {
        full = match turn(&full, &format!("r{n}"), None, put(1)) {
            Ok((next, _)) => next,
            Err(problem) => {
                assert_eq!((problem.status(), full.rules.len()), (422, publish::RULES_MAX));
                return;
            }
        };
    }
    panic!("no bound");
}

#[test]
fn p13_the_edge_decides_only_by_old_rules_about_the_body() {
    let is_for_edge = |text: &str, age_ms: u64| {
        let named = named("r", text);
        let now = named.updated_at.plus(age_ms);
        !at_edge(&[named], now, 1_000).is_empty()
    };
    let amount = r#"{"when":{"amount":{"at_least":1,"currency":"EUR"}},"then":"block"}"#;
    let list = r#"{"when":{"blocklist":{"of":"source","values":["a"]}},"then":"block"}"#;
    assert!(is_for_edge(amount, 1_000) && is_for_edge(list, 1_000));
    assert!(!is_for_edge(amount, 999), "a copy of an older request may have an answer");
    for other in [
        amount.replace("block", "review"),
        amount.replace("\"then\"", "\"mode\":\"shadow\",\"then\""),
        list.replace("source", "ip").replace("\"a\"", "\"1.2.3.4\""),
        list.replace("source", "country").replace("\"a\"", "\"DE\""),
        VELOCITIES[0].into(),
        VELOCITIES[4].into(),
    ] {
        assert!(!is_for_edge(&other, 9_000), "{other}");
    }
}
