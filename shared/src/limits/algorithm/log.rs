//! The sliding-window log: every unit with its moment; exact.
//!
//! A unit of the moment t counts until t + `window_ms`, not any more then. 8 bytes for the units of
//! one millisecond: the moment and their number in one word (M18).

use crate::limits::rule::{LOG_LIMIT_MAX, Rule};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bits for the units of one millisecond.
const UNITS_BITS: u32 = 14;
const UNITS_MASK: u64 = (1 << UNITS_BITS) - 1;
const _: () = assert!(LOG_LIMIT_MAX <= UNITS_MASK);

/// Moments with their units, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Log {
    #[serde(rename = "l", serialize_with = "write", deserialize_with = "read")]
    words: VecDeque<u64>,
    /// The sum of all units.
    #[serde(rename = "n")]
    total: u64,
    /// Milliseconds since 1970.
    #[serde(rename = "t")]
    at: u64,
}

fn split(word: u64) -> (u64, u64) {
    (word >> UNITS_BITS, word & UNITS_MASK)
}

fn join(at: u64, units: u64) -> u64 {
    (at << UNITS_BITS) | (units & UNITS_MASK)
}

impl Log {
    /// See [`super::State::advance`].
    pub fn advance(&mut self, rule: &Rule, now: u64) {
        self.at = self.at.max(now);
        while let Some((at, units)) = self.words.front().copied().map(split) {
            if self.at.saturating_sub(at) < rule.window_ms {
                break;
            }
            self.words.pop_front();
            self.total = self.total.saturating_sub(units);
        }
    }

    /// See [`super::State::fits`].
    #[must_use]
    pub fn fits(&self, rule: &Rule, units: u64) -> bool {
        self.total.saturating_add(units) <= rule.limit
    }

    /// See [`super::State::spend`].
    pub fn spend(&mut self, _rule: &Rule, units: u64) {
        let units = units.min(LOG_LIMIT_MAX.saturating_sub(self.total));
        if units == 0 {
            return;
        }
        self.total = self.total.saturating_add(units);
        match self.words.back_mut() {
            Some(last) if split(*last).0 == self.at => {
                *last = join(self.at, split(*last).1.saturating_add(units));
            }
            _ => self.words.push_back(join(self.at, units)),
        }
    }

    /// See [`super::State::room`].
    #[must_use]
    pub fn room(&self, rule: &Rule) -> u64 {
        rule.limit.saturating_sub(self.total)
    }

    /// See [`super::State::spent`].
    #[must_use]
    pub fn spent(&self, _rule: &Rule) -> u64 {
        self.total
    }

    /// See [`super::State::wait_ms`].
    #[must_use]
    pub fn wait_ms(&self, rule: &Rule, units: u64) -> u64 {
        let mut total = self.total.saturating_add(units);
        let mut wait_ms = 0;
        for (at, units) in self.words.iter().copied().map(split) {
            if total <= rule.limit {
                break;
            }
            total = total.saturating_sub(units);
            wait_ms = at.saturating_add(rule.window_ms).saturating_sub(self.at);
        }
        wait_ms
    }

    /// See [`super::State::fresh_ms`].
    #[must_use]
    pub fn fresh_ms(&self, rule: &Rule) -> u64 {
        let last = self.words.back().copied().map(|word| split(word).0);
        last.map_or(0, |at| at.saturating_add(rule.window_ms).saturating_sub(self.at))
    }

    /// See [`super::State::give_back`]: the oldest units of `at` or later go, for a lease is booked
    /// later than it was granted.
    pub fn give_back(&mut self, rule: &Rule, at: u64, units: u64) {
        if self.at.saturating_sub(at) >= rule.window_ms {
            return;
        }
        let mut rest = units;
        for word in self.words.iter_mut().filter(|word| split(**word).0 >= at) {
            let (at, held) = split(*word);
            let back = held.min(rest);
            *word = join(at, held.saturating_sub(back));
            rest = rest.saturating_sub(back);
        }
        self.words.retain(|word| split(*word).1 > 0);
        self.total = self.total.saturating_sub(units.saturating_sub(rest));
    }
}

/// Each word less the one before: a few digits instead of fourteen.
fn write<S: Serializer>(words: &VecDeque<u64>, out: S) -> Result<S::Ok, S::Error> {
    let mut before = 0;
    out.collect_seq(words.iter().map(|word| {
        let (at, units) = split(*word);
        let past = at.saturating_sub(before);
        before = at;
        (past, units)
    }))
}

fn read<'de, D: Deserializer<'de>>(input: D) -> Result<VecDeque<u64>, D::Error> {
    let mut before: u64 = 0;
    let pairs = Vec::<(u64, u64)>::deserialize(input)?;
    Ok(pairs
        .into_iter()
        .map(|(past, units)| {
            before = before.saturating_add(past);
            join(before, units)
        })
        .collect())
}
