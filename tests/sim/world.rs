//! The world: nodes, the queue of what is about to happen, and the run from faults to quiet.
//!
//! Invariant: everything that happens is an [`Event`] of the queue, drawn from one seed; virtual
//! time moves only between events; after [`Event::Heal`] nothing goes wrong any more, and the
//! world must come to rest.

use crate::broken::{Broken, SimHome, SimRecorder, SimRelay};
use crate::check::{Checker, Violation};
use crate::driver::{Clock, Fault};
use crate::edge::{Read, Request};
use crate::homes::{Call, Entry, HomeNode, Name, Return};
use crate::kv::Kv;
use crate::links::SimLinks;
use crate::origin::Replica;
use crate::rng::Rng;
use crate::stores::{Database, WAITING};
use crate::up::{Isolate, RecorderNode};
use shared::config::Durations;
use shared::links::machine::Reply;
use shared::machine::At;
use shared::roads::{Answer, Batch, Delivery, Outcome, Register, Stamp};
use shared::roads::{home::Home, recorder::Recorder, relay::Relay};
use shared::time::Millis;
use std::collections::BTreeMap;

pub(crate) const HOMES: usize = 3;
pub(crate) const REPLICAS: usize = 2;
pub(crate) const RECORDERS: usize = 2;
pub(crate) const ISOLATES: usize = 3;
/// How long faults last.
const STORM_MS: u64 = 1_500;
/// A healed world that is not quiet after this will never be.
const QUIET_MS_MAX: u64 = 60_000;

/// What happens.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    Operate,
    Asked { request: u64, attempt: u32 },
    OriginTurn,
    Answered { request: u64, attempt: u32, reply: Box<Reply> },
    RequestLate { request: u64, attempt: u32 },
    HomeCall { home: usize, registers: Vec<Register>, back: Return },
    HomeReady { home: usize, incarnation: u64, call: Call },
    HomeTurn { home: usize },
    HomeAlarm { home: usize, token: u64 },
    HomeReturn { back: Return, outcomes: Vec<Outcome> },
    PutLands { key: String, text: String },
    PutAnswered { home: usize, incarnation: u64, name: Name, stamp: Stamp, sent_at: Millis },
    HomeAsked { home: usize, read: u64 },
    OriginAsked { home: usize, incarnation: u64, name: Name },
    OriginTold { home: usize, incarnation: u64, name: Name, answer: Answer },
    AskLate { home: usize, incarnation: u64, name: Name, question: u64 },
    ReadTold { read: u64, answer: Answer },
    RelayWake { replica: usize, token: u64 },
    RelayAnswered { replica: usize, incarnation: u64, call: u64, rows: Vec<(i64, Outcome)> },
    RelayLate { replica: usize, incarnation: u64, call: u64 },
    Happen { isolate: usize },
    Keep { recorder: usize, isolate: usize, batch: Batch },
    Kept { isolate: usize, name: String, n: u64 },
    KeepLate { isolate: usize, name: String, n: u64 },
    RecorderTurn { recorder: usize },
    RecorderAlarm { recorder: usize, token: u64 },
    Arrived { recorder: usize, incarnation: u64, attempt: u64, delivery: Delivery },
    Receipt { recorder: usize, incarnation: u64, attempt: u64, applied: u64 },
    DeliveryLate { recorder: usize, incarnation: u64, attempt: u64 },
    Disturb,
    Heal,
}

/// How often what goes wrong, per mille.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rates {
    pub(crate) loss: u64,
    pub(crate) double: u64,
    pub(crate) late: u64,
    pub(crate) turn: u64,
    pub(crate) put: u64,
    pub(crate) wake: u64,
    pub(crate) disturb: u64,
}

impl Rates {
    /// Every seed has storms of another kind: some faults often, others never.
    fn draw(rng: &mut Rng) -> Self {
        let mut rate = || *[0, 20, 80, 250].get(rng.below(4) as usize).unwrap_or(&0);
        Self {
            loss: rate(),
            double: rate(),
            late: rate(),
            turn: rate(),
            put: rate() * 2,
            wake: rate(),
            disturb: rate(),
        }
    }
}

/// Everything.
pub(crate) struct World {
    pub(crate) rng: Rng,
    pub(crate) now: u64,
    queue: BTreeMap<(u64, u64), Event>,
    pushed: u64,
    /// Events in the queue that are no mere polling.
    live: u64,
    pub(crate) stormy: bool,
    pub(crate) rates: Rates,
    trace: bool,
    pub(crate) broken: Broken,
    pub(crate) durations: Durations,
    pub(crate) database: Database,
    pub(crate) links: SimLinks,
    pub(crate) relay: SimRelay,
    pub(crate) home: SimHome,
    pub(crate) recorder: SimRecorder,
    pub(crate) kv: Kv,
    pub(crate) homes: Vec<HomeNode>,
    pub(crate) replicas: Vec<Replica>,
    pub(crate) recorders: Vec<RecorderNode>,
    pub(crate) isolates: Vec<Isolate>,
    pub(crate) requests: BTreeMap<u64, Request>,
    pub(crate) reads: BTreeMap<u64, Read>,
    pub(crate) inbox: Vec<(u64, u32)>,
    pub(crate) numbers: u64,
    pub(crate) check: Checker,
    pub(crate) events: u64,
}

fn durations() -> Durations {
    Durations {
        copy_gap_ms: 20,
        copy_timeout_ms: 120,
        home_keep_ms: 600,
        road_timeout_ms: 80,
        road_backoff_ms: 5,
        road_backoff_max_ms: 100,
        relay_grace_ms: 10,
        object_timeout_ms: 60,
        origin_timeout_ms: 60,
        handover_ms: 15,
        ..Durations::default()
    }
}

impl World {
    pub(crate) fn new(seed: u64, broken: Broken, trace: bool) -> Self {
        let mut rng = Rng::new(seed);
        let durations = durations();
        Self {
            now: 0,
            queue: BTreeMap::new(),
            pushed: 0,
            live: 0,
            stormy: false,
            rates: Rates::default(),
            trace,
            broken,
            database: Database::new(durations.clone()),
            links: SimLinks { overwrites: broken == Broken::LinksOverwrite },
            relay: SimRelay { inner: Relay { durations: durations.clone() }, broken },
            home: SimHome { inner: Home { durations: durations.clone() }, broken },
            recorder: SimRecorder {
                inner: Recorder { durations: durations.clone(), delivery_max: WAITING },
                broken,
            },
            kv: Kv::default(),
            homes: (0..HOMES).map(|_| HomeNode::new(Clock::draw(&mut rng))).collect(),
            replicas: (0..REPLICAS).map(|_| Replica::new(Clock::draw(&mut rng))).collect(),
            recorders: (0..RECORDERS)
                .map(|_| RecorderNode::new(Clock::draw(&mut rng), broken))
                .collect(),
            isolates: (0..ISOLATES).map(Isolate::new).collect(),
            requests: BTreeMap::new(),
            reads: BTreeMap::new(),
            inbox: Vec::new(),
            numbers: 0,
            check: Checker::default(),
            events: 0,
            durations,
            rng,
        }
    }

    /// A storm, the calm, and the checks; `label` names the last of them.
    pub(crate) fn weather(&mut self, label: &'static str) -> Result<(), Violation> {
        self.stormy = true;
        self.rates = Rates::draw(&mut self.rng);
        self.after(STORM_MS, Event::Heal);
        self.after(0, Event::Operate);
        self.after(20, Event::Disturb);
        for replica in 0..REPLICAS {
            self.wake_replica(replica, 5);
        }
        for isolate in 0..ISOLATES {
            self.after(1, Event::Happen { isolate });
        }
        let bound = self.now + STORM_MS + QUIET_MS_MAX;
        self.run(bound)?;
        self.read_everything();
        self.run(bound)?;
        self.check_rest(label)
    }

    fn run(&mut self, bound: u64) -> Result<(), Violation> {
        while self.stormy || self.live > 0 || !self.database.outbox.is_empty() {
            let Some(((at, _), event)) = self.queue.pop_first() else { break };
            self.now = self.now.max(at);
            self.live -= u64::from(!is_poll(&event));
            self.events += 1;
            if self.trace {
                println!("{:>6} {event:?}", self.now);
            }
            self.happen(event);
            self.check.take()?;
            if self.now > bound {
                let waiting = self.database.outbox.len();
                return Err(Violation::new("S8", format!("never quiet: {waiting} rows wait")));
            }
        }
        Ok(())
    }

    /// Something that a node does to itself: never lost.
    pub(crate) fn after(&mut self, ms: u64, event: Event) {
        self.live += u64::from(!is_poll(&event));
        self.pushed += 1;
        self.queue.insert((self.now + ms, self.pushed), event);
    }

    /// Something that goes over a network: lost, doubled, late, reordered.
    pub(crate) fn send(&mut self, event: Event) {
        if self.rng.chance(self.rates.loss) {
            if self.trace {
                println!("{:>6} lost: {event:?}", self.now);
            }
            return;
        }
        let copies = 1 + u64::from(self.rng.chance(self.rates.double));
        for _ in 0..copies {
            let late = if self.rng.chance(self.rates.late) { self.rng.below(200) } else { 0 };
            let delay = self.rng.range(1, 8) + late;
            self.after(delay, event.clone());
        }
    }

    pub(crate) fn fault(&mut self) -> Fault {
        Fault::draw(&mut self.rng, self.rates.turn)
    }

    pub(crate) fn at(&mut self, clock: Clock) -> At {
        At { now: clock.read(self.now), draw: self.rng.draw() }
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Operate => self.operate(),
            Event::Asked { request, attempt } => self.asked(request, attempt),
            Event::OriginTurn => self.origin_turn(),
            Event::Answered { request, attempt, reply } => self.answered(request, attempt, &reply),
            Event::RequestLate { request, attempt } => self.request_late(request, attempt),
            Event::HomeCall { home, registers, back } => {
                self.home_call(home, Call::new(registers, back));
            }
            Event::HomeReady { home, incarnation, call } => {
                self.home_enter(home, incarnation, Entry::Call(call));
            }
            Event::HomeTurn { home } => self.home_turn(home),
            Event::HomeAlarm { home, token } => self.home_alarm(home, token),
            Event::HomeReturn { back, outcomes } => self.home_return(back, outcomes),
            Event::PutLands { key, text } => self.put_lands(&key, text),
            Event::PutAnswered { home, incarnation, name, stamp, sent_at } => {
                self.put_answered(home, incarnation, name, (stamp, sent_at));
            }
            Event::HomeAsked { home, read } => self.home_asked(home, read),
            Event::OriginAsked { home, incarnation, name } => {
                self.origin_asked(home, incarnation, name);
            }
            Event::OriginTold { home, incarnation, name, answer } => {
                self.origin_told(home, incarnation, name, answer);
            }
            Event::AskLate { home, incarnation, name, question } => {
                self.ask_late(home, incarnation, &name, question);
            }
            Event::ReadTold { read, answer } => self.read_told(read, &answer),
            Event::RelayWake { replica, token } => self.relay_wake(replica, token),
            Event::RelayAnswered { replica, incarnation, call, rows } => {
                self.relay_answered(replica, incarnation, call, rows);
            }
            Event::RelayLate { replica, incarnation, call } => {
                self.relay_late(replica, incarnation, call);
            }
            Event::Disturb => self.disturb(),
            Event::Heal => self.heal(),
            upward => self.happen_upward(upward),
        }
    }

    fn heal(&mut self) {
        self.stormy = false;
        self.rates = Rates::default();
    }

    /// A crash without a turn, or a clock that steps.
    fn disturb(&mut self) {
        if !self.stormy {
            return;
        }
        self.after(200, Event::Disturb);
        for home in 0..HOMES {
            if self.rng.chance(self.rates.disturb) {
                self.crash_home(home);
            }
        }
        for recorder in 0..RECORDERS {
            if self.rng.chance(self.rates.disturb) {
                self.crash_recorder(recorder);
            }
        }
        for replica in 0..REPLICAS {
            if self.rng.chance(self.rates.disturb) {
                self.crash_replica(replica);
            }
        }
        for isolate in 0..ISOLATES {
            if self.rng.chance(self.rates.disturb) {
                self.crash_isolate(isolate);
            }
        }
        if self.rates.disturb > 0 {
            let rng = &mut self.rng;
            self.homes.iter_mut().for_each(|node| node.clock.step(rng));
            self.replicas.iter_mut().for_each(|node| node.clock.step(rng));
            self.recorders.iter_mut().for_each(|node| node.clock.step(rng));
        }
    }
}

/// Polling goes on for ever and says nothing about rest.
fn is_poll(event: &Event) -> bool {
    matches!(event, Event::RelayWake { .. })
}
