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
    since: Millis,
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
        // What is held is there, whatever the object has refused meanwhile.
        if let Some(said) = self.from_lease(now, cost) {
            return Local::Decided(said, ServedBy::Lease);
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

    /// Spends from the lease, if it has so much. Also for a question that the object has refused:
    /// of many at once, those under way when the lease was granted meet a key that lacks its units.
    pub fn from_lease(&mut self, now: Millis, cost: u64) -> Option<Decided> {
        if now < self.seen {
            return None;
        }
        self.seen = now;
        let lease = self.lease.as_mut().filter(|lease| now < lease.ends)?;
        let spent = lease.spent.saturating_add(cost);
        if spent.max(lease.spent.saturating_add(1)) > lease.units {
            return None;
        }
        lease.spent = spent;
        Some(lease.says(now))
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
            let (id, units) = (grant.id, grant.units);
            self.lease = Some(Lease { id, units, spent: 0, since: now, ends, granted });
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
    fn says(&self, now: Millis) -> Decided {
        let reset_ms = self.granted.reset_ms.saturating_sub(now.since(self.since));
        let left = self.units.saturating_sub(self.spent);
        let remaining = self.granted.remaining.saturating_add(left);
        // Every decision has a name of its own, to be refunded by.
        let id = mix(self.id.wrapping_add(self.spent));
        Decided { id, remaining, reset_ms, wait_ms: Some(0), ..self.granted.clone() }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::rule::{Algorithm, Rule};
    use crate::limits::wire::Grant;

    const NOW: Millis = Millis(1_000_000);

    fn plan() -> Plan {
        let rule = Rule {
            algorithm: Algorithm::SlidingWindowLog,
            limit: 100,
            window_ms: 600_000,
            burst: 100,
        };
        Plan { stamp: Stamp { epoch: 0, version: 1 }, rules: alloc::vec![rule], lease: true }
    }

    fn said(allowed: bool, units: u64) -> Decided {
        let lease = (units > 0).then_some(Grant { id: 7, units, life_ms: LIFE_MS_MAX });
        let (limit, remaining, reset_ms, wait_ms) = (100, 0, 500_000, Some(9_000));
        let (at, id) = (NOW, 1);
        Decided { allowed, rule: 0, limit, remaining, reset_ms, wait_ms, at, id, lease }
    }

    #[test]
    fn a_refusal_does_not_waste_the_lease_that_came_before_it() {
        let (mut holder, plan) = (Holder::default(), plan());
        let asked: alloc::vec::Vec<Ask> = (0..20)
            .map(|n| match holder.local(NOW.plus(n / 4), &plan, 1, 1_000) {
                Local::Ask(ask) => ask,
                Local::Decided(..) => panic!("nothing is known yet"),
            })
            .collect();
        assert_eq!(asked.iter().filter(|ask| ask.ahead > 0).count(), 1);
        let later = NOW.plus(50);
        let (ahead, others): (alloc::vec::Vec<Ask>, _) =
            asked.into_iter().partition(|a| a.ahead > 0);
        holder.learn(NOW, later, &ahead[0], &said(true, 3));
        let mut spent = 0;
        for ask in &others {
            holder.learn(NOW, later.plus(5), ask, &said(false, 0));
            spent += u64::from(holder.from_lease(later.plus(5), 1).is_some());
        }
        assert_eq!(spent, 3);
        let denied = holder.local(later.plus(6), &plan, 1, 1_000);
        assert!(matches!(denied, Local::Decided(Decided { allowed: false, .. }, _)));
    }

    #[test]
    fn a_lease_outlives_a_refusal_and_not_its_end() {
        let (mut holder, plan) = (Holder::default(), plan());
        let Local::Ask(ask) = holder.local(NOW, &plan, 1, 1_000) else { panic!("not asked") };
        holder.learn(NOW, NOW, &ask, &said(true, 3));
        holder.learn(NOW, NOW, &ask, &said(false, 0));
        let Local::Decided(first, ServedBy::Lease) = holder.local(NOW.plus(100), &plan, 1, 1_000)
        else {
            panic!("the lease was not used");
        };
        assert_eq!(first.reset_ms, 499_900);
        assert_eq!(holder.from_lease(NOW.plus(100), 3), None);
        assert_eq!(holder.from_lease(NOW.plus(50), 1), None, "the clock went back");
        assert_eq!(holder.from_lease(NOW.plus(LIFE_MS_MAX - EARLY_MS), 1), None);
    }
}
