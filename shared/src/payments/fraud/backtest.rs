//! Backtests: rules held against what was attempted, in the order in which it was.
//!
//! Invariant: F1: over attempts that were judged by the same rules it says what was said. What
//! these rules block does not count as passed (F3), whatever became of it in truth.
//! Refused: rules about addresses, which are not kept (F5).

use super::judge::{Judgement, Past, judge};
use super::publish::{Set, field, tried};
use super::rule::{Of, Rule, Velocity, WINDOW_S_MAX};
use super::wire::Verdict;
use super::{Attempt, flow};
use crate::money::Currency;
use crate::payments::card;
use crate::payments::wire::payment_id;
use crate::problem::Problem;
use crate::time::{self, DAY_MS, Millis, SECOND_MS};
use crate::{body, payments::fraud::publish::RULES_MAX};
use alloc::collections::BTreeMap;
use alloc::{format, string::String, string::ToString, vec::Vec};
use serde::{Deserialize, Serialize};

/// Attempts of one backtest, those before its first moment too: at 300 bytes each, 30 MB.
pub const ATTEMPTS_MAX: u64 = 100_000;
/// How far back a backtest begins unless asked.
pub const SPAN_DEFAULT_MS: u64 = 30 * DAY_MS;
/// Samples of an answer.
pub const SAMPLES_MAX: usize = 20;

/// A rule that is tried on.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "TriedFraudRule"))]
pub struct TriedRule {
    /// `[a-z0-9-]{1,64}`.
    pub name: String,
    /// The rule, as it would be published.
    #[serde(flatten)]
    #[cfg_attr(feature = "schema", schemars(with = "Rule"))]
    pub rule: serde_json::Map<String, serde_json::Value>,
}

/// `POST /api/v1/fraud/backtest`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "FraudBacktestRequest")
)]
#[serde(deny_unknown_fields)]
pub struct BacktestRequest {
    /// 1 to 100 rules.
    pub rules: Vec<TriedRule>,
    /// The first moment, RFC 3339; 30 days before `to` when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The first moment that is not looked at; now when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// What is asked, checked.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The rules, their versions 0.
    pub set: Set,
    /// The first moment.
    pub from: Millis,
    /// The first moment that is not looked at.
    pub to: Millis,
}

impl Ask {
    /// The first moment that the first judgement may read.
    #[must_use]
    pub fn reads_from(&self) -> Millis {
        let velocities = self.set.rules.iter().filter_map(|named| named.rule.velocity());
        let window_s = velocities.map(|velocity| velocity.window_s).max().unwrap_or(0);
        Millis(self.from.0.saturating_sub(window_s.min(WINDOW_S_MAX).saturating_mul(SECOND_MS)))
    }
}

/// Reads the body of a backtest.
///
/// # Errors
/// 400, 413, 422 with pointers.
pub fn read(bytes: &[u8], now: Millis) -> Result<Ask, Problem> {
    card::refuse(bytes)?;
    let asked: BacktestRequest = body::parse(bytes)?;
    if !(1..=RULES_MAX).contains(&asked.rules.len()) {
        return Err(field("/rules", format!("must be 1 to {RULES_MAX} rules")));
    }
    let mut rules = Vec::new();
    for (n, tried) in asked.rules.into_iter().enumerate() {
        let text = serde_json::Value::Object(tried.rule).to_string();
        let rule: Rule = body::parse(text.as_bytes()).map_err(|problem| below(problem, n))?;
        if rule.is_about_address() {
            let detail = "is about addresses, which no history has".into();
            return Err(field(&format!("/rules/{n}/when/blocklist/of"), detail));
        }
        rules.push((tried.name, rule));
    }
    let set = tried(rules)?;
    let moment = |text: Option<String>, at: &str, default: Millis| match text {
        None => Ok(default),
        Some(text) => Millis::parse(&text)
            .ok_or_else(|| field(at, "must be a moment of RFC 3339, or a date".into())),
    };
    let to = moment(asked.to, "/to", now)?;
    let from = moment(asked.from, "/from", Millis(to.0.saturating_sub(SPAN_DEFAULT_MS)))?;
    if from >= to {
        return Err(field("/from", "must be before to".into()));
    }
    Ok(Ask { set, from, to })
}

/// A rule's own pointers, as the backtest's body calls them.
fn below(mut problem: Problem, n: usize) -> Problem {
    for error in &mut problem.errors {
        error.pointer = format!("/rules/{n}{}", error.pointer);
    }
    problem
}

/// What one rule would have done. (The name in the document is `TriedFraudRuleCounts`.)
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "TriedFraudRuleCounts")
)]
pub struct Counts {
    /// The rule's name.
    pub rule: String,
    /// Payments that it matches.
    pub matched: u64,
    /// Payments that it decides.
    pub decided: u64,
}

/// One payment that a rule would have decided. (The name in the document is `FraudSample`.)
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "FraudSample"))]
pub struct Sample {
    /// `pay_…`
    pub id: String,
    /// When it was attempted.
    #[serde(with = "time::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub at: Millis,
    /// What would have become of it.
    pub verdict: Verdict,
    /// By which rule.
    pub rule: String,
    /// What the rule saw.
    pub reason: String,
}

/// The answer of a backtest. (The name in the document is `FraudBacktestAnswer`.)
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "FraudBacktestAnswer")
)]
pub struct BacktestAnswer {
    /// Payments that were attempted from `from` to `to`.
    pub attempts: u64,
    /// Of them, those that would have been allowed.
    pub allowed: u64,
    /// Made and held.
    pub reviewed: u64,
    /// Not made.
    pub blocked: u64,
    /// By rule, in the order of their names.
    pub rules: Vec<Counts>,
    /// The first 20 that would not have been allowed.
    pub samples: Vec<Sample>,
}

/// What passed in one flow, in order.
#[derive(Debug, Default)]
struct Stream {
    passed: Vec<(Millis, Currency, i64)>,
    /// By window: where it begins, and its sums.
    windows: BTreeMap<u64, (usize, BTreeMap<Currency, Past>)>,
}

impl Stream {
    /// What passed within the window that ends at `at`; `at` never falls (F4).
    fn past(&mut self, at: Millis, window_s: u64) -> BTreeMap<Currency, Past> {
        let since = at.0.saturating_sub(window_s.saturating_mul(SECOND_MS));
        let Self { passed, windows } = self;
        let (begin, sums) = windows.entry(window_s).or_insert_with(|| {
            let mut sums = BTreeMap::new();
            passed.iter().for_each(|one| add(&mut sums, one, 1));
            (0, sums)
        });
        while let Some(one) = passed.get(*begin).filter(|one| one.0.0 <= since) {
            add(sums, one, -1);
            *begin = begin.saturating_add(1);
        }
        sums.clone()
    }

    fn push(&mut self, one: (Millis, Currency, i64)) {
        self.passed.push(one);
        self.windows.values_mut().for_each(|(_, sums)| add(sums, &one, 1));
    }
}

fn add(sums: &mut BTreeMap<Currency, Past>, one: &(Millis, Currency, i64), sign: i64) {
    let past = sums.entry(one.1).or_default();
    past.count = past.count.saturating_add_signed(sign);
    let amount = i128::from(one.2).saturating_mul(i128::from(sign));
    past.amount = past.amount.saturating_add(amount);
}

/// A backtest under way.
#[derive(Debug)]
pub struct Backtest {
    ask: Ask,
    streams: BTreeMap<u64, Stream>,
    answer: BacktestAnswer,
}

impl Backtest {
    /// Before the first attempt.
    #[must_use]
    pub fn new(ask: Ask) -> Self {
        let counts = |name: &String| Counts { rule: name.clone(), ..Counts::default() };
        let rules = ask.set.rules.iter().map(|named| counts(&named.name)).collect();
        let answer = BacktestAnswer { rules, ..BacktestAnswer::default() };
        Self { ask, streams: BTreeMap::new(), answer }
    }

    /// Takes the next attempt, in order (F4); what the rules say of it.
    pub fn take(&mut self, attempt: &Attempt) -> Judgement {
        let Attempt { app, facts, at, .. } = attempt;
        let mut read = BTreeMap::new();
        for velocity in self.ask.set.rules.iter().filter_map(|named| named.rule.velocity()) {
            let key = (flow(app, velocity.of, facts.party(velocity.of)), velocity.window_s);
            let stream = self.streams.entry(key.0).or_default();
            read.entry(key).or_insert_with(|| stream.past(*at, velocity.window_s));
        }
        let past = |velocity: &Velocity| {
            let key = (flow(app, velocity.of, facts.party(velocity.of)), velocity.window_s);
            read.get(&key).cloned().unwrap_or_default()
        };
        let judgement = judge(&self.ask.set.rules, facts, past);
        let verdict = Verdict::of(judgement.then());
        if verdict != Verdict::Block {
            let one = (*at, facts.currency, facts.amount);
            let velocities = self.ask.set.rules.iter().filter_map(|named| named.rule.velocity());
            let wanted: Vec<Of> = velocities.map(|velocity| velocity.of).collect();
            for of in Of::ALL.into_iter().filter(|of| wanted.contains(of)) {
                self.streams.entry(flow(app, of, facts.party(of))).or_default().push(one);
            }
        }
        if *at >= self.ask.from {
            self.count(attempt, verdict, &judgement);
        }
        judgement
    }

    fn count(&mut self, attempt: &Attempt, verdict: Verdict, judgement: &Judgement) {
        let answer = &mut self.answer;
        let count = match verdict {
            Verdict::Allow => &mut answer.allowed,
            Verdict::Review => &mut answer.reviewed,
            Verdict::Block => &mut answer.blocked,
        };
        *count = count.saturating_add(1);
        answer.attempts = answer.attempts.saturating_add(1);
        let decided = judgement.decided.as_ref();
        for counts in &mut answer.rules {
            let matched = judgement.hits.iter().any(|hit| hit.rule == counts.rule);
            let decides = decided.is_some_and(|hit| hit.rule == counts.rule);
            counts.matched = counts.matched.saturating_add(u64::from(matched));
            counts.decided = counts.decided.saturating_add(u64::from(decides));
        }
        if let Some(hit) = decided.filter(|_| answer.samples.len() < SAMPLES_MAX) {
            let (rule, reason) = (hit.rule.clone(), hit.reason.clone());
            let id = payment_id(attempt.id);
            answer.samples.push(Sample { id, at: attempt.at, verdict, rule, reason });
        }
    }

    /// After the last attempt.
    #[must_use]
    pub fn answer(self) -> BacktestAnswer {
        self.answer
    }
}
