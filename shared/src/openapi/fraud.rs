//! Examples of the wire types of fraud rules.

use super::payments::{BY, NUMBER, REQUEST};
use super::schemas::AT;
use crate::money::Currency;
use crate::payments::fraud::backtest::{
    BacktestAnswer, BacktestRequest, Counts, Sample, TriedRule,
};
use crate::payments::fraud::judge::Hit;
use crate::payments::fraud::publish::{Action, Named};
use crate::payments::fraud::rule::{Mode, Of, Rule, Then, Velocity, When};
use crate::payments::fraud::wire::{DecisionView, Verdict, VersionView};
use crate::payments::wire::{account_id, payment_id};
use alloc::vec;
use serde_json::Value;

const REASON: &str = "payment 6 of the source within 3600 s, 5 are allowed";

pub(super) fn rule() -> Rule {
    let velocity = Velocity { of: Of::Source, count: Some(5), amount: None, window_s: 3_600 };
    let when = When { velocity: Some(velocity), ..When::default() };
    Rule { when, then: Then::Review, mode: Mode::Live }
}

pub(super) fn named() -> Named {
    Named { name: "too-fast".into(), rule: rule(), version: 1, created_at: AT, updated_at: AT }
}

pub(super) fn version() -> VersionView {
    VersionView {
        name: "too-fast".into(),
        version: 1,
        action: Action::Created,
        rule: Some(rule()),
        at: AT,
        by: BY.into(),
        request_id: REQUEST.into(),
    }
}

pub(super) fn decision() -> DecisionView {
    let hit = Hit {
        rule: "too-fast".into(),
        version: 1,
        then: Then::Review,
        reason: REASON.into(),
        shadow: false,
    };
    DecisionView {
        id: payment_id(NUMBER),
        verdict: Verdict::Review,
        rule: Some(hit.rule.clone()),
        rule_version: Some(hit.version),
        reason: Some(hit.reason.clone()),
        hits: vec![hit],
        amount: 1_250,
        currency: Currency::EUR,
        source: account_id(NUMBER),
        destination: account_id(NUMBER + 1),
        country: Some("DE".into()),
        request_country: Some("JP".into()),
        at_edge: false,
        at: AT,
    }
}

pub(super) fn backtest() -> BacktestRequest {
    let rule = match serde_json::to_value(rule()) {
        Ok(Value::Object(members)) => members,
        _ => serde_json::Map::new(),
    };
    let rules = vec![TriedRule { name: "too-fast".into(), rule }];
    BacktestRequest { rules, from: Some("2026-11-01".into()), to: None }
}

pub(super) fn tested() -> BacktestAnswer {
    let sample = Sample {
        id: payment_id(NUMBER),
        at: AT,
        verdict: Verdict::Review,
        rule: "too-fast".into(),
        reason: REASON.into(),
    };
    BacktestAnswer {
        attempts: 6,
        allowed: 5,
        reviewed: 1,
        blocked: 0,
        rules: vec![Counts { rule: "too-fast".into(), matched: 1, decided: 1 }],
        samples: vec![sample],
    }
}
