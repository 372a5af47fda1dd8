//! What an isolate remembers of a key: its lease, a denial, and how much it is asked.
//!
//! Invariant: a lease is spent at most once, and not after its end; when the clock went back, it is
//! not trusted any more. A denial is remembered no longer than the object said, nor than a second
//! (M5), so that an exception made elsewhere acts within one (M6).

use super::meter::held::{EARLY_MS, LIFE_MS_MAX, UNITS_MAX};
use super::wire::{Ask, Close, Decided, Plan};
use crate::machine::mix;
use crate::roads::Stamp;
use crate::time::{Millis, SECOND_MS};

/// A denial is remembered at most so long.
pub const DENIAL_MS_MAX: u64 = SECOND_MS;
/// Fewer units in a lease's life are served better one by one: their lease would often end before
/// the next question could return what is left.
const WANTED_MIN: u64 = 8;

/// Units that this isolate may spend by itself.
#[derive(Clone, Debug)]
struct Lease {
    id: u64,
    units: u64,
    spent: u64,
    ends: Millis,
    granted: Decided,
}

/// An answer that still holds.
#[derive(Clone, Debug)]
struct Denial {
    cost: u64,
    since: Millis,
    until: Millis,
    said: Decided,
}

/// What is remembered of one key.
#[derive(Clone, Debug, Default)]
pub struct Holder {
    stamp: Option<Stamp>,
    lease: Option<Lease>,
    denial: Option<Denial>,
    seen: Millis,
    /// A question that may bring a lease is on its way.
    asking: Option<Millis>,
    /// Units that were asked for since, to guess how many a lease would serve.
    demand: u64,
    since: Millis,
}

/// Who decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServedBy {
    /// The key's object.
    Object,
    /// The isolate, out of its lease.
    Lease,
    /// The isolate, which remembers the object's denial.
    Denial,
}

/// What the isolate can say by itself.
#[derive(Clone, Debug)]
pub enum Local {
    /// Decided.
    Decided(Decided, ServedBy),
    /// Nothing; this is to be asked.
    Ask(Ask),
}

impl Holder {
    /// Decides, if lease or denial can. `patience_ms`: how long a question may take.
    pub fn local(&mut self, now: Millis, plan: &Plan, cost: u64, patience_ms: u64) -> Local {
        if now < self.seen || self.stamp != Some(plan.stamp) {
            self.denial = None;
            if let Some(lease) = &mut self.lease {
                lease.ends = Millis(0);
            }
        }
        self.seen = now;
        self.demand = self.demand.saturating_add(cost);
        // Leased units first: a denial may have overtaken them.
        if let Some(lease) = &mut self.lease
            && now < lease.ends
            && lease.spent.saturating_add(cost.max(1)) <= lease.units
        {
            lease.spent = lease.spent.saturating_add(cost);
            return Local::Decided(lease.says(), ServedBy::Lease);
        }
        if let Some(denial) = self.denial.as_ref().filter(|denial| now < denial.until) {
            if cost.max(1) >= denial.cost {
                return Local::Decided(denial.again(now), ServedBy::Denial);
            }
        } else {
            self.denial = None;
        }
        let close = self.lease.take().map(|lease| Close { id: lease.id, spent: lease.spent });
        let ahead = self.ahead(now, plan, patience_ms);
        Local::Ask(Ask { plan: plan.clone(), cost, ahead, close, hold: false })
    }

    /// Units to ask for ahead: as many as a lease's life will see if the key stays as busy as it
    /// is, and none for a key that is asked rarely: what a lease holds in vain, others miss.
    fn ahead(&mut self, now: Millis, plan: &Plan, patience_ms: u64) -> u64 {
        let window_ms = plan.rules.iter().map(|rule| rule.window_ms).min().unwrap_or_default();
        let life_ms = LIFE_MS_MAX.min(window_ms / 10).saturating_sub(EARLY_MS).max(1);
        let past_ms = now.since(self.since);
        let alone = self.asking.is_none_or(|since| now.since(since) > patience_ms);
        let mut wanted = 0;
        if past_ms >= life_ms || self.demand >= WANTED_MIN {
            wanted = self.demand.saturating_mul(life_ms) / past_ms.max(1);
            (self.demand, self.since) = (0, now);
        }
        if !plan.lease || !alone || wanted < WANTED_MIN {
            return 0;
        }
        self.asking = Some(now);
        wanted.min(UNITS_MAX)
    }

    /// Takes up what the object said at `now` to a question of `asked_at`.
    pub fn learn(&mut self, asked_at: Millis, now: Millis, ask: &Ask, said: &Decided) {
        self.stamp = Some(ask.plan.stamp);
        if ask.ahead > 0 {
            self.asking = None;
        }
        if let Some(grant) = said.lease {
            // Of a lease that was asked for by another clock, nobody knows how long it lives.
            let life_ms = if now < asked_at { 0 } else { grant.life_ms.saturating_sub(EARLY_MS) };
            let ends = if life_ms == 0 { Millis(0) } else { asked_at.plus(life_ms) };
            let granted = Decided { lease: None, ..said.clone() };
            self.lease = Some(Lease { id: grant.id, units: grant.units, spent: 0, ends, granted });
        }
        self.denial = (!said.allowed).then(|| {
            let until = now.plus(said.wait_ms.unwrap_or(DENIAL_MS_MAX).min(DENIAL_MS_MAX));
            Denial { cost: ask.cost.max(1), since: now, until, said: said.clone() }
        });
    }

    /// A question brought no answer.
    pub fn forget(&mut self) {
        *self = Self { seen: self.seen, ..Self::default() };
    }
}

impl Lease {
    fn says(&self) -> Decided {
        let left = self.units.saturating_sub(self.spent);
        let remaining = self.granted.remaining.saturating_add(left);
        // Every decision has a name of its own, to be refunded by.
        let id = mix(self.id.wrapping_add(self.spent));
        Decided { id, remaining, wait_ms: Some(0), ..self.granted.clone() }
    }
}

impl Denial {
    /// The same answer, some time later.
    fn again(&self, now: Millis) -> Decided {
        let past_ms = now.since(self.since);
        let less = |ms: u64| ms.saturating_sub(past_ms);
        let Decided { reset_ms, wait_ms, .. } = self.said;
        let (reset_ms, wait_ms) = (less(reset_ms), wait_ms.map(less));
        Decided { reset_ms, wait_ms, at: self.said.at.plus(past_ms), ..self.said.clone() }
    }
}
