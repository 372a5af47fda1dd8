//! The backtest against a model that only counts, and every way to write a log wrongly.

use super::*;
use crate::limits::policy::Policy;
use crate::limits::rule::Algorithm;
use crate::machine::mix;
use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::{format, vec};

const T0: u64 = 1_790_000_000_000;

fn rule(algorithm: Algorithm, limit: u64, window_ms: u64, burst: u64) -> Rule {
    Rule { algorithm, limit, window_ms, burst }
}

fn row(at: u64, key: &str, cost: u64) -> Row<'static> {
    Row { at: Millis(T0 + at), key: Cow::Owned(key.into()), cost }
}

/// Whether one rule admits `cost` at `at` after what it `admitted`: by sums alone, no state.
fn model_admits(rule: &Rule, admitted: &[(u64, u64)], at: u64, cost: u64) -> bool {
    let cost = cost.max(1);
    match rule.algorithm {
        Algorithm::SlidingWindowLog => {
            let inside = admitted.iter().filter(|(then, _)| at - then < rule.window_ms);
            inside.map(|(_, units)| units).sum::<u64>() + cost <= rule.limit
        }
        Algorithm::FixedWindow => {
            let window = |at: u64| (T0 + at) / rule.window_ms;
            let inside = admitted.iter().filter(|(then, _)| window(*then) == window(at));
            inside.map(|(_, units)| units).sum::<u64>() + cost <= rule.limit
        }
        _ => {
            // The level after each: falls by `limit` parts a millisecond, a unit is `window_ms`.
            let (mut level, mut then) = (0u64, 0u64);
            for (moment, units) in admitted.iter().copied().chain([(at, cost)]) {
                level = level.saturating_sub((moment - then) * rule.limit);
                level += units * rule.window_ms;
                then = moment;
            }
            level <= rule.burst * rule.window_ms
        }
    }
}

/// The answer, by looking at everything again for every row.
fn model(rules: &[Rule], log: &[Row<'_>]) -> BacktestAnswer {
    let mut by_key: BTreeMap<&str, Vec<&Row<'_>>> = BTreeMap::new();
    for row in log {
        by_key.entry(&row.key).or_default().push(row);
    }
    let mut answer = BacktestAnswer { rows: log.len() as u64, ..BacktestAnswer::default() };
    for (key, mut rows) in by_key {
        rows.sort_by_key(|row| row.at);
        let mut admitted: Vec<(u64, u64)> = vec![];
        let mut counts = [0, 0];
        for row in rows {
            let at = row.at.0 - T0;
            let fits = |rule: &Rule| {
                row.cost <= rule.capacity() && model_admits(rule, &admitted, at, row.cost)
            };
            if rules.iter().all(fits) {
                admitted.push((at, row.cost));
                counts[0] += 1;
            } else {
                counts[1] += 1;
                let first = answer.first_refused_at.unwrap_or(row.at);
                answer.first_refused_at = Some(first.min(row.at));
            }
        }
        for (begin, _) in &admitted {
            let inside = |at: &u64| (*begin..*begin + rules[0].window_ms).contains(at);
            let units = admitted.iter().filter(|(at, _)| inside(at)).map(|(_, units)| units);
            answer.worst = answer.worst.max(units.sum());
        }
        answer.keys += 1;
        answer.allowed += counts[0];
        answer.refused += counts[1];
        if counts[1] > 0 {
            let key = key.into();
            answer.refused_keys.push(RefusedKey { key, allowed: counts[0], refused: counts[1] });
        }
    }
    answer.refused_keys.sort_by(|a, b| b.refused.cmp(&a.refused).then(a.key.cmp(&b.key)));
    answer.refused_keys.truncate(20);
    answer
}

#[test]
fn m13_a_backtest_is_what_a_model_that_only_counts_says() {
    use Algorithm::{FixedWindow, Gcra, LeakyBucket, SlidingWindowLog, TokenBucket};
    let policies = [
        vec![rule(TokenBucket, 10, 1_000, 5)],
        vec![rule(Gcra, 7, 900, 7)],
        vec![rule(LeakyBucket, 3, 500, 4)],
        vec![rule(FixedWindow, 5, 1_000, 5)],
        vec![rule(SlidingWindowLog, 6, 700, 6)],
        vec![rule(SlidingWindowLog, 2, 50, 2), rule(TokenBucket, 20, 3_000, 9)],
    ];
    let mut refused = 0;
    for seed in 0..200u64 {
        let mut n = seed << 32;
        let mut draw = |below: u64| {
            n += 1;
            mix(n) % below
        };
        let (keys, rows, span) = (1 + draw(30), 1 + draw(150), 1 + draw(5_000));
        let log: Vec<Row<'_>> = (0..rows)
            .map(|_| {
                row(
                    draw(span),
                    &format!("k{}", draw(keys)),
                    [0, 1, 1, 1, 2, 3, 9][draw(7) as usize],
                )
            })
            .collect();
        for rules in &policies {
            let answer = backtest(rules, &log);
            assert_eq!(answer, model(rules, &log), "seed {seed}, {rules:?}");
            assert!(answer.worst <= rules[0].worst(), "seed {seed}, {rules:?}");
            assert_eq!(run(rules, &log, |_| 7), answer, "seed {seed}: keys of one hash");
            refused += answer.refused;
        }
    }
    assert!(refused > 10_000, "{refused}: nothing was tried");
}

#[test]
fn the_order_of_rows_is_their_time() {
    let rules = [rule(Algorithm::FixedWindow, 1, 1_000, 1)];
    let answer = backtest(&rules, &[row(900, "a", 1), row(100, "a", 1), row(500, "b", 1)]);
    assert_eq!(answer.first_refused_at, Some(Millis(T0 + 900)));
    assert_eq!((answer.keys, answer.allowed, answer.refused, answer.worst), (2, 2, 1, 1));
    let none = backtest(&rules, &[]);
    assert_eq!(none, BacktestAnswer::default());
    // Within a millisecond the first is the first: the second one's cost no longer fits.
    let both = [row(5, "a", 1), row(5, "a", 2)];
    let of_two = backtest(&[rule(Algorithm::FixedWindow, 2, 1_000, 2)], &both);
    assert_eq!((of_two.allowed, of_two.worst), (1, 1));
}

#[test]
fn what_never_fits_is_refused_and_a_look_spends_nothing() {
    let rules = [rule(Algorithm::TokenBucket, 5, 1_000, 5)];
    let log =
        [row(0, "a", 6), row(0, "a", 0), row(0, "a", 5), row(0, "a", 0), row(0, "a", 100_000_000)];
    let answer = backtest(&rules, &log);
    assert_eq!((answer.allowed, answer.refused, answer.worst), (2, 3, 5));
}

fn pointer(body: &str) -> String {
    let problem = read(body.as_bytes()).unwrap_err();
    assert_eq!(problem.status(), 422, "{body}: {}", problem.detail);
    problem.errors[0].pointer.clone()
}

#[test]
fn each_wrong_piece_of_a_backtest_is_pointed_at() {
    for (log, wanted) in [
        ("{}", "/log"),
        ("null", "/log"),
        ("[1]", "/log/0"),
        ("[[]]", "/log/0"),
        ("[[1]]", "/log/0"),
        ("[[1,\"a\"],[1,\"a\",1,1]]", "/log/1"),
        ("[[1,\"a\"],[1.5,\"a\"]]", "/log/1/0"),
        ("[[-1,\"a\"]]", "/log/0/0"),
        ("[[253402300800000,\"a\"]]", "/log/0/0"),
        ("[[\"noon\",\"a\"]]", "/log/0/0"),
        ("[[\"2026-13-01T00:00:00Z\",\"a\"]]", "/log/0/0"),
        ("[[null,\"a\"]]", "/log/0/0"),
        ("[[1,1]]", "/log/0/1"),
        ("[[1,\"\"]]", "/log/0/1"),
        ("[[1,\"a\",-1]]", "/log/0/2"),
        ("[[1,\"a\",100000001]]", "/log/0/2"),
        ("[[1,\"a\",\"1\"]]", "/log/0/2"),
        ("[[1,\"a\",null]]", "/log/0/2"),
        ("[{\"at\":1}]", "/log/0"),
        ("[{\"key\":\"a\"}]", "/log/0"),
        ("[{\"at\":1,\"key\":\"a\",\"cost\":-1}]", "/log/0/cost"),
        ("[{\"at\":true,\"key\":\"a\"}]", "/log/0/at"),
        ("[{\"at\":1,\"key\":\"a\",\"coast\":1}]", "/log/0/coast"),
        ("[{\"at\":1,\"at\":1,\"key\":\"a\"}]", "/log/0"),
    ] {
        assert_eq!(pointer(&format!(r#"{{"policy":"p","log":{log}}}"#)), wanted, "{log}");
    }
    let long = format!(r#"{{"policy":"p","log":[[1,"{}"]]}}"#, "k".repeat(257));
    assert_eq!(pointer(&long), "/log/0/1");
    for (policy, wanted) in [
        ("\"Not A Name\"", "/policy"),
        ("7", "/policy"),
        ("{}", "/policy/limit"),
        (r#"{"limit":0,"window_ms":1}"#, "/policy/limit"),
        (r#"{"limit":1,"window_ms":"1"}"#, "/policy/window_ms"),
        (r#"{"limit":1,"window_ms":1,"x":1}"#, "/policy/x"),
        (r#"{"all":[{"limit":1}]}"#, "/policy/all/0"),
    ] {
        assert_eq!(pointer(&format!(r#"{{"policy":{policy},"log":[]}}"#)), wanted, "{policy}");
    }
    assert_eq!(pointer(r#"{"policy":"p"}"#), "");
    assert_eq!(pointer(r#"{"policy":"p","log":[],"more":1}"#), "/more");
    for body in ["", "{", r#"{"policy":"p","log":[[1,"a"]"#, r#"{"policy":"p","log":[[1,"a"],]}"#] {
        assert_eq!(read(body.as_bytes()).unwrap_err().status(), 400, "{body}");
    }
    let many = vec!["[1,\"a\"]"; ROWS_MAX + 1].join(",");
    assert_eq!(pointer(&format!(r#"{{"policy":"p","log":[{many}]}}"#)), "/log");
}

#[test]
fn both_forms_of_a_row_are_the_same_and_keys_are_borrowed() {
    let text = r#"{"policy":"p","log":[[1790000000005,"a"],["2026-09-21T14:13:20.005Z","a",1],
        {"key":"a","at":1790000000005},{"at":"2026-09-21T16:13:20.005+02:00","key":"\u0061"}]}"#;
    let request = read(text.as_bytes()).unwrap();
    assert_eq!(request.log.0, vec![row(5, "a", 1); 4]);
    let owned = request.log.0.iter().map(|row| matches!(row.key, Cow::Owned(_)));
    assert_eq!(owned.collect::<Vec<_>>(), [false, false, false, true]);
}

#[test]
fn a_tier_is_the_policys() {
    let text = r#"{"policy":{"limit":1,"window_ms":1000,"tiers":{"pro":{"limit":9}}},"log":[]}"#;
    let with = |tier: &str| text.replace("\"log\"", &format!("\"tier\":\"{tier}\",\"log\""));
    let limit = |text: &str| read(text.as_bytes()).unwrap().rules(None).map(|rules| rules[0].limit);
    assert_eq!(limit(text), Ok(1));
    assert_eq!(limit(&with("pro")), Ok(9));
    assert_eq!(limit(&with("free")).unwrap_err().errors[0].pointer, "/tier");
    let named = r#"{"policy":"p","log":[]}"#;
    assert_eq!(limit(named).unwrap_err().status(), 404);
    let policy = Policy { limit: Some(3), window_ms: Some(9), ..Policy::default() };
    let request = read(named.as_bytes()).unwrap();
    assert_eq!(request.rules(Some(&policy)).unwrap()[0].limit, 3);
}
