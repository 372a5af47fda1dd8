//! The road up: isolates that gather, recorders that number, the origin that applies.
//!
//! Invariant: an isolate keeps a batch until a recorder has it, or dies with it; the watermark is
//! raised in the transaction that applies the events.

use crate::broken::Broken;
use crate::check::Violation;
use crate::driver::{Clock, Fault, drive};
use crate::stores::RecorderStore;
use crate::world::{Event, World};
use shared::roads::intake::intake;
use shared::roads::recorder::{Deliver, Input};
use shared::roads::{Batch, Delivery, Event as Happening, Events};
use shared::time::Millis;
use std::collections::BTreeMap;

/// An isolate's memory.
pub(crate) struct Isolate {
    name: String,
    lives: u64,
    next: u64,
    gathered: Events,
    waiting: BTreeMap<u64, Batch>,
}

impl Isolate {
    pub(crate) fn new(number: usize) -> Self {
        Self {
            name: format!("{number}.1"),
            lives: 1,
            next: 1,
            gathered: Events::default(),
            waiting: BTreeMap::new(),
        }
    }
}

/// Which isolate handed which batch over: its place, its name, the batch's number.
type Handed = (usize, String, u64);

/// A recorder.
pub(crate) struct RecorderNode {
    pub(crate) store: RecorderStore,
    pub(crate) clock: Clock,
    incarnation: u64,
    inbox: Vec<(Input, Option<Handed>)>,
    turning: bool,
    token: u64,
    armed: Option<Millis>,
    /// The delivery under way.
    attempt: u64,
}

impl RecorderNode {
    pub(crate) fn new(clock: Clock, broken: Broken) -> Self {
        Self {
            store: RecorderStore::new(broken),
            clock,
            incarnation: 1,
            inbox: Vec::new(),
            turning: false,
            token: 1,
            armed: None,
            attempt: 0,
        }
    }
}

impl World {
    pub(crate) fn happen_upward(&mut self, event: Event) {
        match event {
            Event::Happen { isolate } => self.happening(isolate),
            Event::Keep { recorder, isolate, batch } => {
                let back = Some((isolate, batch.isolate.clone(), batch.n));
                self.recorder_input(recorder, Input::Keep(batch), back);
            }
            Event::Kept { isolate, name, n } => {
                let isolate = &mut self.isolates[isolate];
                if isolate.name == name {
                    isolate.waiting.remove(&n);
                }
            }
            Event::KeepLate { isolate, name, n } => self.keep_late(isolate, &name, n),
            Event::RecorderTurn { recorder } => self.recorder_turn(recorder),
            Event::RecorderAlarm { recorder, token } => self.recorder_alarm(recorder, token),
            Event::Arrived { recorder, incarnation, attempt, delivery } => {
                self.arrived(recorder, incarnation, attempt, delivery);
            }
            Event::Receipt { recorder, incarnation, attempt, applied } => {
                let node = &mut self.recorders[recorder];
                if node.incarnation == incarnation && node.attempt >= attempt {
                    if node.attempt == attempt {
                        node.attempt += 1;
                    }
                    self.recorder_input(recorder, Input::Delivered(applied), None);
                }
            }
            Event::DeliveryLate { recorder, incarnation, attempt } => {
                let node = &mut self.recorders[recorder];
                if node.incarnation == incarnation && node.attempt == attempt {
                    node.attempt += 1;
                    self.recorder_input(recorder, Input::Failed, None);
                }
            }
            other => unreachable!("no event of this road: {other:?}"),
        }
    }

    /// Something happens at an isolate; sometimes it hands over.
    fn happening(&mut self, isolate: usize) {
        if self.stormy {
            let wait = self.rng.range(1, 12);
            self.after(wait, Event::Happen { isolate });
            let number = self.check.happen();
            let node = &mut self.isolates[isolate];
            let (product, body) = ("links".into(), number.to_string());
            let happening = Happening { product, at: Millis(self.now), body };
            node.gathered.push(&happening).expect("an event is JSON");
            if node.gathered.count() < 3 && !self.rng.chance(300) {
                return;
            }
        }
        let node = &mut self.isolates[isolate];
        if node.gathered.count() == 0 {
            return;
        }
        let (name, n) = (node.name.clone(), node.next);
        node.next += 1;
        let events = std::mem::take(&mut node.gathered);
        node.waiting.insert(n, Batch { isolate: name.clone(), n, events });
        self.hand_over(isolate, n);
    }

    fn hand_over(&mut self, isolate: usize, n: u64) {
        let Some(batch) = self.isolates[isolate].waiting.get(&n).cloned() else { return };
        let recorder = isolate % self.recorders.len();
        let (name, late) = (batch.isolate.clone(), self.durations.object_timeout_ms);
        self.after(late, Event::KeepLate { isolate, name, n });
        self.send(Event::Keep { recorder, isolate, batch });
    }

    fn keep_late(&mut self, isolate: usize, name: &str, n: u64) {
        if self.isolates[isolate].name == name {
            self.hand_over(isolate, n);
        }
    }

    /// What it had not handed over is lost, and its name is never used again.
    pub(crate) fn crash_isolate(&mut self, isolate: usize) {
        let node = &mut self.isolates[isolate];
        node.lives += 1;
        node.name = format!("{isolate}.{}", node.lives);
        node.next = 1;
        node.gathered = Events::default();
        node.waiting.clear();
    }

    fn recorder_input(&mut self, recorder: usize, input: Input, back: Option<Handed>) {
        self.recorders[recorder].inbox.push((input, back));
        if !self.recorders[recorder].turning {
            self.recorders[recorder].turning = true;
            let wait = self.rng.below(6);
            self.after(wait, Event::RecorderTurn { recorder });
        }
    }

    fn recorder_turn(&mut self, recorder: usize) {
        let groups = std::mem::take(&mut self.recorders[recorder].inbox);
        self.recorders[recorder].turning = false;
        if groups.is_empty() {
            return;
        }
        let (fault, at) = (self.fault(), self.at(self.recorders[recorder].clock));
        let inputs: Vec<Input> = groups.iter().map(|(input, _)| input.clone()).collect();
        let node = &mut self.recorders[recorder];
        let done = drive(&self.recorder, &mut node.store, at, inputs, fault);
        self.check.recorder(recorder, &node.store);
        for deliver in done.tells {
            self.deliver(recorder, deliver);
        }
        if done.crashed {
            return self.crash_recorder(recorder);
        }
        let woken = groups.iter().any(|(input, _)| matches!(input, Input::Wake));
        if done.replies.is_none() && woken {
            self.after(10, Event::RecorderAlarm { recorder, token: 0 });
        }
        if done.replies.is_some() {
            for (input, back) in groups {
                if let (Input::Keep(batch), Some((isolate, name, n))) = (input, back) {
                    self.check.recorded(&batch);
                    self.send(Event::Kept { isolate, name, n });
                }
            }
        }
        self.arm_recorder(recorder);
    }

    fn deliver(&mut self, recorder: usize, Deliver { first_seq, events }: Deliver) {
        let node = &mut self.recorders[recorder];
        node.attempt += 1;
        let (incarnation, attempt) = (node.incarnation, node.attempt);
        let text = Delivery::text(&recorder.to_string(), first_seq, &events);
        let delivery = serde_json::from_str(&text.expect("a name is JSON"));
        let delivery: Delivery = delivery.expect("a delivery is JSON");
        let late = self.durations.road_timeout_ms;
        self.after(late, Event::DeliveryLate { recorder, incarnation, attempt });
        self.send(Event::Arrived { recorder, incarnation, attempt, delivery });
    }

    /// One transaction: what is new is applied, and the watermark raised. In a storm sometimes a
    /// part of it, as the watermark allows.
    fn arrived(&mut self, recorder: usize, incarnation: u64, attempt: u64, mut delivery: Delivery) {
        let fault = self.fault();
        if self.rng.chance(self.rates.turn) {
            let part = self.rng.below(delivery.events.len() as u64 + 1);
            delivery.events.truncate(part as usize);
        }
        let database = &mut self.database;
        let watermark = database.watermarks.get(&recorder).copied().unwrap_or(0);
        let count = u64::try_from(delivery.events.len()).unwrap_or(0);
        let mut taken = intake(watermark, delivery.first_seq, count);
        if self.broken == Broken::IntakeAppliesRepeats
            || self.broken == Broken::IntakeIgnoresOverlaps && taken.skip < count
        {
            taken.skip = 0;
        }
        if !matches!(fault, Fault::Refused | Fault::CrashBeforeCommit) {
            let skip = usize::try_from(taken.skip).unwrap_or(usize::MAX);
            for event in delivery.events.iter().skip(skip) {
                let number = event.body.parse().unwrap_or(0);
                let times = database.applied.entry(number).or_insert(0);
                *times += 1;
                if *times > 1 || !self.check.happened(number) {
                    let what = format!("event {number} was applied {times} times");
                    self.check.fail(Violation::new("S6", what));
                }
            }
            database.gaps += taken.gap;
            database.watermarks.insert(recorder, taken.applied_seq);
        }
        if fault == Fault::None {
            let applied = taken.applied_seq;
            self.send(Event::Receipt { recorder, incarnation, attempt, applied });
        }
    }

    pub(crate) fn crash_recorder(&mut self, recorder: usize) {
        let node = &mut self.recorders[recorder];
        node.incarnation += 1;
        node.inbox.clear();
        node.turning = false;
        node.armed = None;
        self.arm_recorder(recorder);
    }

    fn arm_recorder(&mut self, recorder: usize) {
        let node = &mut self.recorders[recorder];
        if node.armed == node.store.alarm {
            return;
        }
        node.armed = node.store.alarm;
        node.token += 1;
        let Some(due) = node.store.alarm else { return };
        let (token, wait) = (node.token, node.clock.until(self.now, due));
        let late = if self.rng.chance(self.rates.wake) { self.rng.below(60) } else { 0 };
        self.after(wait + late, Event::RecorderAlarm { recorder, token });
        if self.rng.chance(self.rates.wake) {
            let early = self.rng.below(wait + 1);
            self.after(early, Event::RecorderAlarm { recorder, token: 0 });
        }
    }

    fn recorder_alarm(&mut self, recorder: usize, token: u64) {
        let node = &mut self.recorders[recorder];
        if token == node.token {
            node.armed = None;
            node.token += 1;
        } else if token != 0 {
            return;
        }
        self.recorder_input(recorder, Input::Wake, None);
    }
}
