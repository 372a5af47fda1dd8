//! A key's object with a store, that crashes; and what a crash costs.

use super::world::{Broken, EPOCH};
use crate::rng::Rng;
use shared::limits::meter::{Meter, Rest, held};
use shared::limits::rule::Rule;
use shared::limits::wire::{Ask, Decided, Plan, Reply};
use shared::machine::At;
use shared::roads::Stamp;
use shared::time::Millis;

/// The object: what it holds in memory, and what a crash leaves.
pub(super) struct Object {
    meter: Option<Meter>,
    store: Option<String>,
    alarm: Option<Millis>,
    /// How far its clock is behind; a restart elsewhere may change that.
    pub(super) behind: u64,
    rng: Rng,
    broken: Broken,
}

impl Object {
    pub(super) fn new(rng: Rng, broken: Broken) -> Self {
        Self { meter: None, store: None, alarm: None, behind: 0, rng, broken }
    }

    pub(super) fn crash(&mut self) {
        self.meter = None;
    }

    fn woken(&mut self, now: Millis) -> &mut Meter {
        let draw = self.rng.draw();
        let forgets = self.broken == Broken::RestartForgetsCover;
        self.meter.get_or_insert_with(|| match &self.store {
            Some(text) if forgets => {
                let text = text.split(",\"a\":").next().unwrap().trim_end_matches('}').to_string();
                Meter::restore(&(text + "}"), now, draw).unwrap()
            }
            Some(text) => Meter::restore(text, now, draw).unwrap(),
            None => Meter::fresh(now),
        })
    }

    /// One message: decided in memory, written if it must be, answered after that.
    pub(super) fn turn<T>(&mut self, now: Millis, act: impl FnOnce(&mut Meter, At) -> T) -> T {
        let now = Millis(now.0 - self.behind);
        let at = At { now, draw: self.rng.draw() };
        let meter = self.woken(now);
        let said = act(meter, at);
        if meter.must_store() {
            let text = meter.mark().unwrap();
            self.store = Some(text);
        }
        self.alarm = self.meter.as_ref().and_then(Meter::deadline);
        said
    }

    pub(super) fn ring(&mut self, now: Millis) {
        let now = Millis(now.0 - self.behind);
        if self.alarm.is_none_or(|alarm| alarm > now) {
            return;
        }
        match self.woken(now).rest(now).unwrap() {
            Rest::Wait(due) => self.alarm = Some(due),
            Rest::Store(text, due) => (self.store, self.alarm) = (Some(text), Some(due)),
            Rest::Keep(text) => (self.store, self.alarm) = (Some(text), None),
            Rest::Forget => (self.store, self.alarm, self.meter) = (None, None, None),
        }
    }
}

fn admit(object: &mut Object, now: u64, rule: Rule) -> bool {
    let stamp = Stamp { epoch: 0, version: 1 };
    let plan = Plan { stamp, rules: vec![rule], lease: true };
    let ask = Ask { plan, cost: 1, ahead: 0, close: None, hold: false };
    let said = object.turn(Millis(now), |meter, at| meter.ask(at, &ask));
    matches!(said, Reply::Decided(Decided { allowed: true, .. }))
}

/// Units that crashes, one after the other, cost a key in the midst of its window.
pub(super) fn lost_by_restarts(rule: Rule, restarts: u64) -> u64 {
    let mut object = Object::new(Rng::new(7), Broken::Nothing);
    let now = EPOCH - EPOCH % rule.window_ms;
    let mut admitted = (0..20).filter(|_| admit(&mut object, now, rule)).count() as u64;
    for _ in 0..restarts {
        object.crash();
        object.woken(Millis(now));
    }
    let later = now + 2 * held::HOLD_MS;
    admitted += (0..2_000).filter(|_| admit(&mut object, later, rule)).count() as u64;
    // A bucket has refilled meanwhile.
    let flowed = if rule.is_bucket() { rule.limit * (later - now) / rule.window_ms } else { 0 };
    (rule.capacity() + flowed).saturating_sub(admitted)
}

/// Units that an eviction costs a key that was quiet before.
pub(super) fn lost_by_eviction(rule: Rule) -> u64 {
    let mut object = Object::new(Rng::new(7), Broken::Nothing);
    let now = EPOCH - EPOCH % rule.window_ms;
    let mut admitted = (0..20).filter(|_| admit(&mut object, now, rule)).count() as u64;
    for second in 1..10 {
        object.ring(Millis(now + second * 1_000));
    }
    object.crash();
    admitted += (0..2_000).filter(|_| admit(&mut object, now + 10_000, rule)).count() as u64;
    let flowed = if rule.is_bucket() { rule.limit * 10_000 / rule.window_ms } else { 0 };
    (rule.capacity() + flowed).saturating_sub(admitted)
}

/// Milliseconds until a key that was asked once leaves nothing behind; none: it never does.
pub(super) fn forgotten_ms(rule: Rule) -> Option<u64> {
    let mut object = Object::new(Rng::new(7), Broken::Nothing);
    let now = EPOCH - EPOCH % rule.window_ms;
    assert!(admit(&mut object, now, rule) && object.store.is_some());
    (0..3 * rule.window_ms).step_by(100).find(|past| {
        object.ring(Millis(now + past));
        object.store.is_none() && object.meter.is_none() && object.alarm.is_none()
    })
}
