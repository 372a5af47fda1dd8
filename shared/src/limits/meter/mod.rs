//! A key's meter: what its object alone holds, in memory, and writes down ahead.
//!
//! Invariant: what was stored plus the units that it covers is never less than what was admitted; a
//! restart takes all of them for spent (M14). Time never goes back. A policy older than one that
//! was seen decides nothing (M6). A refused question spends nothing (M16).

pub mod held;
mod stored;

use self::held::{HELD_MAX, HOLD_MS, Held};
use super::algorithm::State;
use super::rule::{Algorithm, Rule};
use super::wire::{Ask, Close, Decided, Exception, Grant, Plan, Reply, Spent, UNCOUNTED};
use crate::machine::{At, mix};
use crate::roads::Stamp;
use crate::time::Millis;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

pub use stored::{AHEAD_MAX, Rest, SETTLE_MS};

/// Refunds that a key remembers: 256 × 32 bytes; more are refused until older ones have ended.
pub const REFUNDS_MAX: usize = 256;

/// A rule with what it remembers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Part {
    #[serde(rename = "r")]
    rule: Rule,
    #[serde(rename = "s")]
    state: State,
}

/// A decision whose units came back, until nothing of it could come back any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Refund {
    id: u64,
    until: Millis,
}

/// Everything about one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meter {
    stamp: Stamp,
    parts: Vec<Part>,
    held: Vec<Held>,
    refunds: Vec<Refund>,
    exception: Exception,
    now: Millis,
    /// The rules are the same since then.
    since: Millis,
    /// Units that may be spent before the store must know.
    covered: u64,
    /// Something that no cover stands for has changed.
    dirty: bool,
    moved_at: Millis,
}

impl Meter {
    /// A key that nobody has asked about.
    #[must_use]
    pub fn fresh(now: Millis) -> Self {
        Self {
            stamp: Stamp { epoch: 0, version: 0 },
            parts: Vec::new(),
            held: Vec::new(),
            refunds: Vec::new(),
            exception: Exception::default(),
            now,
            since: now,
            covered: 0,
            dirty: false,
            moved_at: now,
        }
    }

    /// Decides a question. Before the answer leaves, [`Meter::must_store`] is to be heeded.
    pub fn ask(&mut self, at: At, ask: &Ask) -> Reply {
        self.advance(at.now);
        if ask.plan.stamp < self.stamp {
            return Reply::Stale(self.stamp);
        }
        self.follow(&ask.plan);
        if let Some(close) = ask.close {
            self.close(at.now, close);
        }
        if self.exception.ban {
            return Reply::Decided(self.decided(at, false, None));
        }
        if self.exception.exempt {
            let said = self.decided(at, true, Some(0));
            return Reply::Decided(Decided { id: UNCOUNTED, ..said });
        }
        let wanted = ask.cost.max(1).saturating_add(self.held_units());
        let fits = self.parts.iter().all(|part| part.state.fits(&part.rule, wanted))
            && (!ask.hold || self.held.len() < HELD_MAX);
        if !fits || ask.cost == 0 {
            let wait_ms = if fits { Some(0) } else { self.wait_ms(ask.cost.max(1)) };
            return Reply::Decided(self.decided(at, fits, wait_ms));
        }
        let delay_ms = self.delay_ms();
        if ask.hold {
            self.hold(at.draw, ask.cost, self.now.plus(HOLD_MS), true);
        } else {
            self.spend(ask.cost);
        }
        self.moved(ask.cost);
        let lease = self.lease(mix(at.draw), &ask.plan, ask.ahead);
        Reply::Decided(Decided { lease, ..self.decided(at, true, Some(delay_ms)) })
    }

    /// Ends a lease or a hold. `false`: it had ended, or was closed before.
    pub fn close(&mut self, now: Millis, close: Close) -> bool {
        self.advance(now);
        let Some(place) = self.held.iter().position(|held| held.id == close.id) else {
            return false;
        };
        let held = self.held.swap_remove(place);
        self.spend(close.spent.min(held.units));
        true
    }

    /// Gives back what a decision spent and nobody used. `false`: it came back before, or it is
    /// too long ago, or the rules have changed since.
    pub fn refund(&mut self, now: Millis, spent: Spent) -> bool {
        self.advance(now);
        let window_ms = self.parts.iter().map(|part| part.rule.window_ms).max().unwrap_or_default();
        let until = spent.at.plus(window_ms.saturating_mul(2));
        let known = self.refunds.iter().any(|refund| refund.id == spent.id);
        let full = self.refunds.len() >= REFUNDS_MAX;
        if known || full || spent.at < self.since || until <= self.now {
            return false;
        }
        self.refunds.push(Refund { id: spent.id, until });
        for part in &mut self.parts {
            part.state.give_back(&part.rule, spent.at, spent.units);
        }
        self.dirty = true;
        true
    }

    /// Makes the key different from others, or the same again.
    pub fn except(&mut self, now: Millis, exception: Exception) {
        self.advance(now);
        self.exception = exception;
        self.dirty = true;
    }

    /// What is different about the key.
    #[must_use]
    pub fn exception(&self) -> Exception {
        self.exception
    }

    fn advance(&mut self, now: Millis) {
        self.now = self.now.max(now);
        let now = self.now;
        self.refunds.retain(|refund| refund.until > now);
        self.held.sort_unstable_by_key(|held| held.end);
        while let Some(held) = self.held.first().copied().filter(|held| held.end <= now) {
            self.held.remove(0);
            settle(&mut self.parts, &held);
        }
        for part in &mut self.parts {
            part.state.advance(&part.rule, now);
        }
    }

    /// Takes the question's rules up; what was spent under others stays spent.
    fn follow(&mut self, plan: &Plan) {
        if plan.stamp > self.stamp {
            self.stamp = plan.stamp;
            self.dirty = true;
        }
        let same = |(rule, part): (&Rule, &Part)| self.excepted(rule) == part.rule;
        if plan.rules.len() == self.parts.len() && plan.rules.iter().zip(&self.parts).all(same) {
            return;
        }
        let known = core::mem::take(&mut self.parts);
        for (place, rule) in plan.rules.iter().enumerate() {
            let rule = self.excepted(rule);
            let state = match known.get(place).or(known.first()) {
                Some(part) => part.state.clone().carry(&part.rule, &rule, self.now),
                None => State::fresh(&rule, self.now),
            };
            self.parts.push(Part { rule, state });
        }
        self.since = self.now;
        self.dirty = self.dirty || !known.is_empty();
    }

    /// The rule, with the key's own limit if it has one.
    fn excepted(&self, rule: &Rule) -> Rule {
        let Some(limit) = self.exception.limit else { return *rule };
        let burst = if rule.burst == rule.limit { limit } else { rule.burst };
        Rule { limit, burst, ..*rule }
    }

    fn spend(&mut self, units: u64) {
        for part in &mut self.parts {
            part.state.spend(&part.rule, units);
        }
    }

    fn hold(&mut self, id: u64, units: u64, end: Millis, is_hold: bool) {
        self.held.push(Held { id, units, end, is_hold });
    }

    fn lease(&mut self, id: u64, plan: &Plan, wanted: u64) -> Option<Grant> {
        if wanted == 0 || !plan.lease || self.held.len() >= HELD_MAX {
            return None;
        }
        let rules: Vec<Rule> = self.parts.iter().map(|part| part.rule).collect();
        let life_ms = held::life_ms(&rules, self.now)?;
        let units = held::units(&rules, self.room(), wanted);
        if units == 0 {
            return None;
        }
        self.hold(id, units, self.now.plus(life_ms.saturating_add(held::GRACE_MS)), false);
        self.moved(units);
        Some(Grant { id, units, life_ms })
    }

    fn held_units(&self) -> u64 {
        self.held.iter().map(|held| held.units).sum()
    }

    /// Units that a question could spend now.
    fn room(&self) -> u64 {
        let room = self.parts.iter().map(|part| part.state.room(&part.rule)).min();
        room.unwrap_or_default().saturating_sub(self.held_units())
    }

    /// How long what is queued in a leaky bucket takes.
    fn delay_ms(&self) -> u64 {
        let leaky = |part: &&Part| part.rule.algorithm == Algorithm::LeakyBucket;
        let queues = self.parts.iter().filter(leaky);
        queues.map(|part| part.state.fresh_ms(&part.rule)).max().unwrap_or_default()
    }

    /// Milliseconds until `cost` fits, if every lease is spent to its end.
    fn wait_ms(&self, cost: u64) -> Option<u64> {
        let (mut parts, mut held, mut now) = (self.parts.clone(), self.held.clone(), self.now);
        held.sort_unstable_by_key(|held| held.end);
        let mut held = held.as_slice();
        loop {
            let wanted = held.iter().map(|held| held.units).sum::<u64>().saturating_add(cost);
            let waits = parts.iter().map(|part| part.state.wait_ms(&part.rule, wanted));
            let wait_ms = waits.collect::<Option<Vec<u64>>>().and_then(|all| all.into_iter().max());
            let at = wait_ms.map(|wait_ms| now.plus(wait_ms));
            let Some((first, rest)) = held.split_first() else {
                return at.map(|at| at.since(self.now));
            };
            if let Some(at) = at
                && at <= first.end
            {
                return Some(at.since(self.now));
            }
            now = now.max(first.end);
            settle(&mut parts, first);
            held = rest;
        }
    }

    fn decided(&self, at: At, allowed: bool, wait_ms: Option<u64>) -> Decided {
        let held = self.held_units();
        let room = |part: &Part| part.state.room(&part.rule).saturating_sub(held);
        let least = self.parts.iter().enumerate().min_by_key(|(_, part)| room(part));
        let (limit, remaining, reset_ms) = match least {
            Some((_, part)) if self.exception.exempt => (part.rule.limit, part.rule.limit, 0),
            Some((_, part)) if self.exception.ban => (part.rule.limit, 0, 0),
            Some((_, part)) => (part.rule.limit, room(part), part.state.fresh_ms(&part.rule)),
            None => (0, 0, 0),
        };
        let rule = least.and_then(|(place, _)| u32::try_from(place).ok()).unwrap_or_default();
        let (at, id) = (self.now, at.draw);
        Decided { allowed, rule, limit, remaining, reset_ms, wait_ms, at, id, lease: None }
    }
}

/// The end of what is held: a lease is spent then, as far as the key has room; a hold is free.
fn settle(parts: &mut [Part], held: &Held) {
    for part in parts {
        part.state.advance(&part.rule, held.end);
        if !held.is_hold {
            let units = held.units.min(part.state.room(&part.rule));
            part.state.spend(&part.rule, units);
        }
    }
}
