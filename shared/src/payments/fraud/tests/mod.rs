//! Judgements against a naive model, backtests against what was said live, and bad rules.

use super::backtest::{self, Backtest};
use super::judge::{Flows, Past};
use super::publish::{self, Named};
use super::rule::{Of, Rule, Then, covers};
use super::{Attempt, Facts, Screen, flow};
use crate::machine::mix;
use crate::money::Currency;
use crate::time::Millis;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::{format, string::String, string::ToString, vec, vec::Vec};

mod rules;

const NOW: Millis = Millis(1_795_000_000_000);

fn rule(text: &str) -> Rule {
    publish::rule(text.as_bytes()).unwrap()
}

fn named(name: &str, text: &str) -> Named {
    let rule = rule(text);
    Named { name: name.into(), rule, version: 7, created_at: NOW, updated_at: NOW }
}

fn facts() -> Facts {
    Facts {
        amount: 500,
        currency: Currency::EUR,
        source: "tok_a".into(),
        destination: "acc_b".into(),
        country: None,
        from: None,
        ip: None,
    }
}

fn attempt(rules: Vec<Named>, facts: Facts, flows: &Flows, now: Millis, id: u64) -> Attempt {
    Screen { app: "app_1".into(), rules: Arc::new(rules), facts }.attempt(flows, now, id)
}

fn says(text: &str, facts: &Facts) -> Option<String> {
    let made = attempt(vec![named("r", text)], facts.clone(), &Flows::default(), NOW, 1);
    made.judgement.decided.map(|hit| hit.reason)
}

#[test]
fn p13_each_condition_matches_what_it_says_and_gives_the_reason() {
    let block = |when: &str| format!(r#"{{"when":{{{when}}},"then":"block"}}"#);
    let amount = block(r#""amount":{"at_least":500,"currency":"EUR"}"#);
    let yen = Currency::of("JPY").unwrap();
    assert!(says(&amount, &facts()).unwrap().contains("500 EUR is at least 500"));
    assert_eq!(says(&amount, &Facts { amount: 499, ..facts() }), None);
    assert_eq!(says(&amount, &Facts { currency: yen, ..facts() }), None);
    let country = |from: &str, country: &str| Facts {
        from: Some(from.into()),
        country: Some(country.into()),
        ..facts()
    };
    let mismatch = block(r#""country_mismatch":true"#);
    assert!(says(&mismatch, &country("JP", "DE")).unwrap().contains("JP"));
    assert_eq!(says(&mismatch, &country("DE", "DE")), None);
    assert_eq!(says(&mismatch, &Facts { country: None, ..country("JP", "DE") }), None);
    assert_eq!(says(&mismatch, &Facts { from: None, ..country("JP", "DE") }), None);
    for (of, value) in [("source", "tok_a"), ("destination", "acc_b"), ("country", "DE")] {
        let list = block(&format!(r#""blocklist":{{"of":"{of}","values":["FR","{value}"]}}"#));
        let list = list.replace(if of == "country" { "~" } else { "\"FR\"," }, "");
        assert!(says(&list, &country("JP", "DE")).is_some(), "{of}");
        let other = Facts { source: "x".into(), destination: "y".into(), ..country("JP", "IT") };
        assert_eq!(says(&list, &other), None, "{of}");
    }
    let both = block(
        r#""amount":{"at_least":500,"currency":"EUR"},
            "blocklist":{"of":"source","values":["tok_z"]}"#,
    );
    assert_eq!(says(&both, &facts()), None, "all conditions must hold");
}

#[test]
fn p13_addresses_and_networks_are_listed_and_never_kept_nor_told() {
    for (value, ip, inside) in [
        ("192.0.2.1", "192.0.2.1", true),
        ("192.0.2.1", "192.0.2.2", false),
        ("192.0.2.0/24", "192.0.2.255", true),
        ("192.0.2.0/24", "192.0.3.0", false),
        ("0.0.0.0/0", "203.0.113.9", true),
        ("0.0.0.0/0", "2001:db8::1", false),
        ("2001:db8::/32", "2001:db8:1::1", true),
        ("2001:db8::/32", "2001:db9::", false),
        ("::/0", "192.0.2.1", true),
        ("192.0.2.1", "::ffff:192.0.2.1", true),
        ("192.0.2.1", "nowhere", false),
    ] {
        assert_eq!(covers(value, ip), inside, "{value} {ip}");
    }
    let text = r#"{"when":{"blocklist":{"of":"ip","values":["192.0.2.0/24"]}},"then":"block"}"#;
    let from = facts().from("192.0.2.77", "T1");
    assert_eq!(from.from, None, "an unknown country is none");
    let made = attempt(vec![named("r", text)], from, &Flows::default(), NOW, 1);
    assert_eq!(made.judgement.then(), Some(Then::Block));
    assert!(!serde_json::to_string(&made).unwrap().contains("192.0.2"), "F5");
}

#[test]
fn p13_block_is_stronger_than_review_and_shadow_and_off_do_nothing() {
    let of = |then: &str, mode: &str| {
        let when = r#"{"amount":{"at_least":1,"currency":"EUR"}}"#;
        format!(r#"{{"when":{when},"then":"{then}","mode":"{mode}"}}"#)
    };
    let judged = |rules: &[(&str, String)]| {
        let rules = rules.iter().map(|(name, text)| named(name, text)).collect();
        attempt(rules, facts(), &Flows::default(), NOW, 1).judgement
    };
    let all = judged(&[
        ("a", of("block", "shadow")),
        ("b", of("review", "live")),
        ("c", of("block", "live")),
        ("d", of("block", "live")),
        ("e", of("block", "off")),
    ]);
    let decided = all.decided.clone().unwrap();
    assert_eq!((decided.rule.as_str(), decided.version), ("c", 7));
    let hits: Vec<(&str, bool)> = all.hits.iter().map(|h| (h.rule.as_str(), h.shadow)).collect();
    assert_eq!(hits, [("a", true), ("b", false), ("c", false), ("d", false)]);
    let shadow = judged(&[("a", of("block", "shadow"))]);
    assert_eq!((shadow.then(), shadow.hits.len()), (None, 1));
}

/// What a database would say: each attempt, with the moment of its commit.
#[derive(Default)]
struct Model {
    attempts: Vec<Attempt>,
}

impl Model {
    /// What a load finds, counted one by one.
    fn load(&self, screens: &[Screen], now: Millis) -> Flows {
        let mut flows = Flows::default();
        let mut keys = alloc::collections::BTreeSet::new();
        screens.iter().for_each(|screen| screen.reads(&mut keys));
        let asked: Vec<(u64, u64)> = keys
            .iter()
            .map(|key| match key {
                crate::payments::ledger::Key::Flow(flow, window_s) => (*flow, *window_s),
                other => panic!("{other:?}"),
            })
            .collect();
        let of = |flow: u64| self.attempts.iter().filter(move |one| one.flows().contains(&flow));
        for (flow, _) in &asked {
            flows.seqs.insert(*flow, of(*flow).map(|one| one.seq).max().unwrap_or(0));
            let last = of(*flow).map(|one| one.at).max().unwrap_or_default();
            flows.at = flows.at.max(last).max(now);
        }
        for (flow, window_s) in asked {
            let since = flows.at.0 - window_s * 1_000;
            let mut sums: BTreeMap<Currency, Past> = BTreeMap::new();
            for one in of(flow).filter(|one| one.at.0 > since) {
                let Some(passed) = one.passed() else { continue };
                let past = sums.entry(one.facts.currency).or_default();
                *past =
                    Past { count: past.count + passed.count, amount: past.amount + passed.amount };
            }
            flows.passed.insert((flow, window_s), sums);
        }
        flows
    }
}

const VELOCITIES: [&str; 5] = [
    r#"{"when":{"velocity":{"of":"source","count":3,"window_s":60}},"then":"block"}"#,
    r#"{"when":{"velocity":{"of":"destination","amount":{"amount":900,"currency":"EUR"},
        "window_s":30}},"then":"review"}"#,
    r#"{"when":{"velocity":{"of":"destination","count":6,"window_s":60}},"then":"block"}"#,
    r#"{"when":{"velocity":{"of":"source","count":1,"window_s":60}},
        "then":"block","mode":"shadow"}"#,
    r#"{"when":{"amount":{"at_least":400,"currency":"EUR"},"country_mismatch":true},
        "then":"block"}"#,
];

fn random_facts(draw: u64) -> Facts {
    let code = ["EUR", "EUR", "USD"][(draw % 3) as usize];
    let country = |bits: u64| [None, Some("DE"), Some("JP")][(bits % 3) as usize].map(Into::into);
    Facts {
        amount: 1 + (draw >> 8) as i64 % 500,
        currency: Currency::of(code).unwrap(),
        source: format!("tok_{}", (draw >> 20) % 4),
        destination: format!("acc_{}", (draw >> 24) % 3),
        country: country(draw >> 28),
        from: country(draw >> 32),
        ip: None,
    }
}

/// One history under one set of rules: commits of several payments, clocks that step back.
fn history(seed: u64, rules: &Arc<Vec<Named>>) -> Vec<Attempt> {
    let (mut draw, mut now, mut id) = (mix(seed), NOW.0, 0);
    let mut model = Model::default();
    for _ in 0..60 {
        draw = mix(draw);
        now = now + draw % 9_000 - if draw.is_multiple_of(5) { 4_000 } else { 0 };
        let count = 1 + (draw >> 40) % 4;
        let mut screens = Vec::new();
        for _ in 0..count {
            draw = mix(draw);
            let facts = random_facts(draw);
            screens.push(Screen { app: "app_1".into(), rules: Arc::clone(rules), facts });
        }
        let mut flows = model.load(&screens, Millis(now));
        for screen in &screens {
            id += 1;
            // A snowflake is drawn before its payment is decided: their order says nothing.
            let made = screen.attempt(&flows, Millis(now), mix(id) >> 2);
            flows.apply(&made);
            model.attempts.push(made);
        }
    }
    model.attempts
}

#[test]
fn p13_the_flow_of_a_commit_is_that_of_a_naive_count() {
    for seed in 0..12 {
        let rules: Vec<Named> =
            VELOCITIES.iter().enumerate().map(|(n, text)| named(&n.to_string(), text)).collect();
        let mut before: Vec<Attempt> = Vec::new();
        for one in history(seed, &Arc::new(rules)) {
            let passed = |of: Of, window_s: u64| {
                let wanted = flow("app_1", of, one.facts.party(of));
                before.iter().filter(move |other| {
                    let recent = other.at.0 + window_s * 1_000 > one.at.0;
                    recent && other.passed().is_some() && other.flows().contains(&wanted)
                })
            };
            let sum: i64 = passed(Of::Destination, 30)
                .filter(|other| other.facts.currency == Currency::EUR)
                .map(|other| other.facts.amount)
                .sum();
            let is_eur = one.facts.currency == Currency::EUR;
            let known = one.facts.from.is_some() && one.facts.country.is_some();
            let wanted = [
                passed(Of::Source, 60).count() >= 3,
                is_eur && sum + one.facts.amount > 900,
                passed(Of::Destination, 60).count() >= 6,
                passed(Of::Source, 60).count() >= 1,
                is_eur && one.facts.amount >= 400 && known && one.facts.from != one.facts.country,
            ];
            let hits: Vec<String> = one.judgement.hits.iter().map(|h| h.rule.clone()).collect();
            let wanted: Vec<String> =
                (0..5usize).filter(|n| wanted[*n]).map(|n| n.to_string()).collect();
            assert_eq!(hits, wanted, "seed {seed}: {one:?}");
            before.push(one);
        }
    }
}

#[test]
fn p13_a_backtest_says_of_a_history_what_was_said_live() {
    let mut blocked = 0;
    for seed in 0..32 {
        let text: Vec<String> = VELOCITIES
            .iter()
            .enumerate()
            .filter(|(n, _)| (seed >> n) & 1 == 0)
            .map(|(n, text)| format!(r#"{{"name":"r{n}",{}"#, &text[1..]))
            .collect();
        if text.is_empty() {
            continue;
        }
        let body = format!(r#"{{"rules":[{}],"from":"2026-01-01"}}"#, text.join(","));
        let ask = backtest::read(body.as_bytes(), NOW.plus(10_000_000)).unwrap();
        let mut all = history(seed, &Arc::new(ask.set.rules.clone()));
        all.sort_by_key(|one| (one.at, one.seq, one.id));
        let mut test = Backtest::new(ask);
        for one in &all {
            assert_eq!(test.take(one), one.judgement, "seed {seed}: {one:?}");
        }
        let answer = test.answer();
        let live = |then| all.iter().filter(|one| one.judgement.then() == then).count() as u64;
        assert_eq!(answer.attempts, all.len() as u64);
        assert_eq!(answer.allowed, live(None));
        assert_eq!(answer.reviewed, live(Some(Then::Review)));
        assert_eq!(answer.blocked, live(Some(Then::Block)));
        assert!(answer.samples.len() <= backtest::SAMPLES_MAX);
        blocked += answer.blocked;
    }
    assert!(blocked > 100, "{blocked}: the histories try the rules");
}
