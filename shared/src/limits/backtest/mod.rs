//! What a policy would have done to a log of requests (M13).
//!
//! Each key begins fresh, its rules are decided as one, and the algorithms are asked directly:
//! nothing is leased, so that a live edge, which is never looser, may refuse up to a lease more.
//! A policy in shadow mode is told what it would have refused. Overrides are not looked at.
//! Invariant: rows are decided in order of time, whatever order they stand in; of one millisecond,
//! in the order in which they stand. A row that costs more than the policy ever has is refused.

mod request;

pub use request::{BYTES_MAX, BacktestRequest, Log, ROWS_MAX, Row, Tested, read};

use super::algorithm::State;
use super::rule::Rule;
use crate::roads::fnv1a;
use crate::time::{self, Millis};
use alloc::collections::VecDeque;
use alloc::{string::String, string::ToString, vec::Vec};
use serde::{Deserialize, Serialize};

/// Keys that an answer names.
pub const REFUSED_KEYS_MAX: usize = 20;

/// What would have happened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BacktestAnswer {
    /// Rows of the log.
    pub rows: u64,
    /// Different keys in it.
    pub keys: u64,
    /// Rows that would have been admitted.
    pub allowed: u64,
    /// Rows that would have been refused.
    pub refused: u64,
    /// The most units of one key that any stretch of the first rule's window would have admitted.
    pub worst: u64,
    /// The first row that would have been refused, RFC 3339.
    #[serde(with = "time::rfc3339::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub first_refused_at: Option<Millis>,
    /// The keys that would have been refused most often, at most 20.
    pub refused_keys: Vec<RefusedKey>,
}

/// A key that would have been refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RefusedKey {
    /// As it stands in the log.
    pub key: String,
    /// Its rows that would have been admitted.
    pub allowed: u64,
    /// Its rows that would have been refused.
    pub refused: u64,
}

/// A row's place in the order of decisions: keys together, in order of time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    key: u64,
    at: Millis,
    row: u32,
}

/// Runs the log through `rules`.
#[must_use]
pub fn backtest(rules: &[Rule], log: &[Row<'_>]) -> BacktestAnswer {
    run(rules, log, fnv1a)
}

fn run(rules: &[Rule], log: &[Row<'_>], hash: fn(&[u8]) -> u64) -> BacktestAnswer {
    let mut order: Vec<Place> = (0u32..)
        .zip(log)
        .map(|(row, of)| Place { key: hash(of.key.as_bytes()), at: of.at, row })
        .collect();
    order.sort_unstable();
    let row_of = |place: &Place| log.get(usize::try_from(place.row).unwrap_or(usize::MAX));
    let mut run = Run { rules, ..Run::default() };
    for of_hash in order.chunk_by_mut(|a, b| a.key == b.key) {
        let key_of = |place: &Place| row_of(place).map(|row| &row.key);
        // Two keys of one hash are rare, unless somebody makes them.
        if !of_hash.is_sorted_by_key(key_of) {
            of_hash.sort_by_key(key_of);
        }
        for of_key in of_hash.chunk_by(|a, b| key_of(a) == key_of(b)) {
            run.key(of_key.iter().filter_map(row_of));
        }
    }
    run.answer(log.len())
}

/// What has been decided so far.
#[derive(Default)]
struct Run<'a> {
    rules: &'a [Rule],
    answer: BacktestAnswer,
    refused: Vec<(u64, u64, &'a str)>,
    /// Of the present key: what was admitted within the last window, and its sum.
    admitted: VecDeque<(Millis, u64)>,
    in_window: u64,
}

impl<'a> Run<'a> {
    /// All rows of one key, in order.
    fn key<'r: 'a>(&mut self, rows: impl Iterator<Item = &'a Row<'r>>) {
        let mut states: Vec<State> = Vec::new();
        let (mut allowed, mut refused, mut name) = (0u64, 0u64, "");
        self.admitted.clear();
        self.in_window = 0;
        for row in rows {
            if states.is_empty() {
                name = &row.key;
                states.extend(self.rules.iter().map(|rule| State::fresh(rule, row.at)));
            }
            if admits(self.rules, &mut states, row.at, row.cost) {
                allowed = allowed.saturating_add(1);
                self.admit(row.at, row.cost);
            } else {
                refused = refused.saturating_add(1);
                let first = self.answer.first_refused_at.map_or(row.at, |at| at.min(row.at));
                self.answer.first_refused_at = Some(first);
            }
        }
        self.answer.keys = self.answer.keys.saturating_add(1);
        self.answer.allowed = self.answer.allowed.saturating_add(allowed);
        self.answer.refused = self.answer.refused.saturating_add(refused);
        if refused > 0 {
            self.refused.push((refused, allowed, name));
        }
    }

    /// Every stretch that holds the most ends with an admission.
    fn admit(&mut self, at: Millis, units: u64) {
        let window_ms = self.rules.first().map_or(0, |rule| rule.window_ms);
        while let Some((then, gone)) = self.admitted.front().copied()
            && at.since(then) >= window_ms
        {
            self.admitted.pop_front();
            self.in_window = self.in_window.saturating_sub(gone);
        }
        self.admitted.push_back((at, units));
        self.in_window = self.in_window.saturating_add(units);
        self.answer.worst = self.answer.worst.max(self.in_window);
    }

    fn answer(mut self, rows: usize) -> BacktestAnswer {
        self.refused.sort_unstable_by(|a, b| b.0.cmp(&a.0).then_with(|| a.2.cmp(b.2)));
        let named = |(refused, allowed, key): &(u64, u64, &str)| RefusedKey {
            key: (*key).to_string(),
            allowed: *allowed,
            refused: *refused,
        };
        let refused_keys = self.refused.iter().take(REFUSED_KEYS_MAX).map(named).collect();
        let rows = u64::try_from(rows).unwrap_or(u64::MAX);
        BacktestAnswer { rows, refused_keys, ..self.answer }
    }
}

/// Decides one row by all rules, and spends if all admit it; a cost of 0 only looks, for one unit.
fn admits(rules: &[Rule], states: &mut [State], at: Millis, cost: u64) -> bool {
    let mut fits = true;
    for (rule, state) in rules.iter().zip(states.iter_mut()) {
        state.advance(rule, at);
        fits &= cost <= rule.capacity() && state.fits(rule, cost.max(1));
    }
    if fits && cost > 0 {
        for (rule, state) in rules.iter().zip(states.iter_mut()) {
            state.spend(rule, cost);
        }
    }
    fits
}

#[cfg(test)]
mod tests;
