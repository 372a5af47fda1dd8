//! The world of one key: its object, and isolates with clocks of their own.

use super::object::Object;
use crate::rng::Rng;
use shared::limits::holder::{Holder, Local};
use shared::limits::meter::held;
use shared::limits::rule::{Algorithm, Rule};
use shared::limits::wire::{Ask, Close, Decided, Plan, Reply, Spent};
use shared::roads::Stamp;
use shared::time::Millis;

const PATIENCE_MS: u64 = 400;
/// Far enough from 0 for clocks that are behind.
pub(super) const EPOCH: u64 = 1_000_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weather {
    Calm,
    Storm,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    Nothing,
    RestartForgetsCover,
    IsolateSpendsTwice,
    ObjectEndsLeasesEarly,
    RefundsCountTwice,
    CommitsAreLost,
}

/// A question or its answer, on its way.
enum Flight {
    Asked { isolate: usize, asked_at: Millis, ask: Ask },
    Answered { isolate: usize, asked_at: Millis, ask: Ask, said: Decided },
    Closed { close: Close, admitted: Option<(u64, u64)> },
    Refunded { spent: Spent, place: usize },
}

struct Isolate {
    holder: Holder,
    offset: u64,
    /// Its clock's rate, in thousandths.
    rate: u64,
}

impl Isolate {
    fn clock(&self, now: u64) -> Millis {
        Millis(self.offset + now * self.rate / 1_000)
    }
}

pub(super) struct World {
    pub(super) rule: Rule,
    rng: Rng,
    now: u64,
    weather: Weather,
    broken: Broken,
    object: Object,
    isolates: Vec<Isolate>,
    flights: Vec<(u64, Flight)>,
    /// Units that somebody was allowed to spend, by the true clock.
    admitted: Vec<(u64, u64)>,
}

impl World {
    pub(super) fn new(seed: u64, weather: Weather, broken: Broken) -> Self {
        let mut rng = Rng::new(seed);
        let algorithm = super::ALGORITHMS[rng.below(6) as usize];
        let limit: u64 = [3, 40, 200, 500][rng.below(4) as usize];
        let window_ms = [500, 2_000, 10_000, 20_000][rng.below(4) as usize];
        let burst = [limit, limit.div_ceil(2)][rng.below(2) as usize];
        let isolates = (0..rng.range(1, 6)).map(|_| Isolate {
            holder: Holder::default(),
            offset: rng.below(1_000_000),
            rate: rng.range(990, 1_010),
        });
        Self {
            rule: Rule { algorithm, limit, window_ms, burst },
            isolates: isolates.collect(),
            object: Object::new(Rng::new(seed ^ 1), broken),
            rng,
            now: EPOCH,
            weather,
            broken,
            flights: Vec::new(),
            admitted: Vec::new(),
        }
    }

    fn plan(&self) -> Plan {
        let stamp = Stamp { epoch: 0, version: 1 };
        Plan { stamp, rules: vec![self.rule], lease: true }
    }

    pub(super) fn run(&mut self, life_ms: u64) {
        let end = self.now + life_ms;
        let mut gap = self.gap();
        while self.now < end {
            self.now += self.rng.below(gap) + 1;
            // Now and then a silence, in which leases end and buckets refill.
            if self.rng.chance(2) {
                self.now += self.rng.below(3_000);
                gap = self.gap();
            }
            self.land();
            self.object.ring(Millis(self.now));
            for _ in 0..=self.rng.below(3) {
                self.request();
            }
            if self.weather == Weather::Storm {
                self.strike();
            }
        }
    }

    /// Between two moments with requests, for a load of a half to ten times the limit.
    fn gap(&mut self) -> u64 {
        let load = self.rng.range(5, 100);
        (self.rule.window_ms * 20 / (self.rule.limit * load)).max(1)
    }

    fn strike(&mut self) {
        if self.rng.chance(4) {
            self.object.crash();
            // Elsewhere another clock is right. Windows are what the clock says they are, but what
            // is measured from one moment to another must bear it.
            if self.rule.is_bucket() || self.rule.algorithm == Algorithm::SlidingWindowLog {
                self.object.behind += self.rng.below(2) * self.rng.below(300);
            }
        }
        if self.rng.chance(2) {
            let isolate = self.rng.below(self.isolates.len() as u64) as usize;
            self.isolates[isolate].holder = Holder::default();
        }
        if self.rng.chance(2) {
            let place = self.rng.below(self.isolates.len() as u64) as usize;
            let isolate = &mut self.isolates[place];
            // Back by more than has passed, which shows; a silence could hide less.
            isolate.offset = isolate.offset.saturating_sub(self.rng.range(60_000, 90_000));
        }
        if self.rng.chance(20) {
            self.hold();
        }
    }

    fn send(&mut self, flight: Flight) {
        let lost = self.weather == Weather::Storm && self.rng.chance(30);
        let delay = self.rng.below(if self.weather == Weather::Storm { 300 } else { 10 });
        if !lost {
            self.flights.push((self.now + delay, flight));
        }
    }

    fn land(&mut self) {
        let mut landed: Vec<(u64, Flight)> = Vec::new();
        let now = self.now;
        for flight in std::mem::take(&mut self.flights) {
            if flight.0 <= now { landed.push(flight) } else { self.flights.push(flight) }
        }
        landed.sort_by_key(|(at, _)| *at);
        for (_, flight) in landed {
            self.arrive(flight);
        }
    }

    fn arrive(&mut self, flight: Flight) {
        let now = Millis(self.now);
        match flight {
            Flight::Asked { isolate, asked_at, ask } => {
                let said = self.object.turn(now, |meter, at| meter.ask(at, &ask));
                let Reply::Decided(mut said) = said else { return };
                if self.broken == Broken::ObjectEndsLeasesEarly
                    && let Some(lease) = &mut said.lease
                {
                    lease.life_ms = lease.life_ms * 10 + held::GRACE_MS + held::EARLY_MS;
                }
                // Whether or not anybody hears it: whoever does may go on.
                if said.allowed && ask.cost > 0 && !ask.hold {
                    self.admitted.push((self.now, ask.cost));
                    if self.rng.chance(30) {
                        self.refund(&said, ask.cost);
                    }
                }
                self.send(Flight::Answered { isolate, asked_at, ask, said });
            }
            Flight::Answered { isolate, asked_at, ask, said } => {
                let isolate = &mut self.isolates[isolate];
                let clock = isolate.clock(self.now);
                if clock.since(asked_at) <= PATIENCE_MS {
                    isolate.holder.learn(asked_at, clock, &ask, &said);
                    let held =
                        !said.allowed && isolate.holder.from_lease(clock, ask.cost).is_some();
                    if held {
                        self.admitted.push((self.now, ask.cost));
                    }
                }
            }
            Flight::Closed { close, admitted } => {
                let closed = self.object.turn(now, |meter, at| meter.close(at.now, close));
                if closed || self.broken == Broken::CommitsAreLost {
                    self.admitted.extend(admitted);
                }
            }
            Flight::Refunded { spent, place } => {
                if self.object.turn(now, |meter, at| meter.refund(at.now, spent)) {
                    self.admitted[place].1 = 0;
                }
            }
        }
    }

    /// The units of the last admission are not used after all; said twice.
    fn refund(&mut self, said: &Decided, units: u64) {
        let place = self.admitted.len() - 1;
        for again in 0..2 {
            let id = said.id ^ if self.broken == Broken::RefundsCountTwice { again } else { 0 };
            let spent = Spent { id, at: said.at, units };
            self.send(Flight::Refunded { spent, place });
        }
    }

    fn request(&mut self) {
        let place = self.rng.below(self.isolates.len() as u64) as usize;
        let cost = 1 + self.rng.below(20) / 19 * self.rng.below(self.rule.capacity());
        let plan = self.plan();
        let isolate = &mut self.isolates[place];
        let clock = isolate.clock(self.now);
        match isolate.holder.local(clock, &plan, cost, PATIENCE_MS) {
            Local::Decided(said, _) if said.allowed => {
                let times = if self.broken == Broken::IsolateSpendsTwice { 2 } else { 1 };
                self.admitted.push((self.now, cost * times));
            }
            Local::Decided(..) => {}
            Local::Ask(ask) => self.send(Flight::Asked { isolate: place, asked_at: clock, ask }),
        }
    }

    /// One of several limits: held, then spent or released, or nobody says.
    fn hold(&mut self) {
        let cost = 1 + self.rng.below(self.rule.capacity());
        let ask = Ask { plan: self.plan(), cost, ahead: 0, close: None, hold: true };
        let said = self.object.turn(Millis(self.now), |meter, at| meter.ask(at, &ask));
        let Reply::Decided(said) = said else { return };
        if said.allowed {
            let spent = self.rng.below(2) * cost;
            let admitted = (spent > 0).then_some((self.now, spent));
            let close = Close { id: said.id, spent };
            self.send(Flight::Closed { close, admitted });
        }
    }

    /// V1.
    pub(super) fn check(mut self) -> Result<u64, String> {
        self.admitted.retain(|(_, units)| *units > 0);
        self.admitted.sort_unstable();
        let Rule { algorithm, limit, window_ms, burst } = self.rule;
        let mut from = 0;
        let mut sum = 0;
        // The level of a bucket of `burst`, in parts; the counts of fixed windows.
        let (mut level, mut last) = (0, EPOCH / 2);
        for (at, units) in &self.admitted {
            sum += units;
            while at - self.admitted[from].0 >= window_ms {
                sum -= self.admitted[from].1;
                from += 1;
            }
            let fine = match algorithm {
                Algorithm::SlidingWindowLog => sum <= limit,
                Algorithm::FixedWindow | Algorithm::SlidingWindowCounter => {
                    level = if at / window_ms == last / window_ms { level } else { 0 } + units;
                    level <= limit && sum <= self.rule.worst()
                }
                _ => {
                    level = u64::saturating_sub(level, (at - last) * limit) + units * window_ms;
                    level <= burst * window_ms
                }
            };
            if !fine {
                return Err(format!("V1: {:?} at {at}: {units} too many", self.rule));
            }
            last = *at;
        }
        Ok(self.admitted.iter().map(|(_, units)| units).sum())
    }

    /// V3: one client that hammers until it is refused, then waits as long as it is told.
    pub(super) fn waits(&mut self) -> Result<(), String> {
        let plan = self.plan();
        for _ in 0..5 {
            self.run(500);
            let cost = 1 + self.rng.below(self.rule.capacity());
            let ask = Ask { plan: plan.clone(), cost, ahead: 5, close: None, hold: false };
            let mut told = None;
            for _ in 0..10_000 {
                let said = self.object.turn(Millis(self.now), |meter, at| meter.ask(at, &ask));
                let Reply::Decided(said) = said else { return Err("stale".into()) };
                if !said.allowed {
                    told = said.wait_ms;
                    break;
                }
            }
            let wait_ms = told.ok_or("never refused")?;
            self.now += wait_ms;
            let said = self.object.turn(Millis(self.now), |meter, at| meter.ask(at, &ask));
            match said {
                Reply::Decided(said) if said.allowed && wait_ms > 0 => {}
                said => return Err(format!("V3: after {wait_ms} ms {said:?}")),
            }
        }
        Ok(())
    }
}
