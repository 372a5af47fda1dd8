//! A recorder: numbers the events of isolates 1, 2, 3 … and posts them in order, for ever.
//!
//! Stored: [`Meta`], a row per batch with events that were not acknowledged ([`Waiting`]), a row
//! per batch that was taken.
//! Invariants: R1 a batch's events are numbered once, however often it is handed over. R2 numbers
//! have no gap and no batch is forgotten before its last event is acknowledged: one that the origin
//! has applied in part is delivered whole again. R3 while events wait, an alarm is set. R4 at most
//! one delivery counts as under way; its repetition begins at the same number.
//! Refused: to look into an event, or to cut a batch.

use super::wire::{Batch, Events};
use crate::config::Durations;
use crate::machine::{At, Deadline, Machine, Step, backoff_ms};
use crate::time::{DAY_MS, Millis};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::{string::String, vec, vec::Vec};

/// Events in one delivery: a click at its bounds (512 bytes of agent, 253 of referrer, escaped)
/// stays below 2 KiB, so 500 stay within 1 MiB.
pub const DELIVERY_MAX: usize = 500;
/// The text of one delivery: as many batches as fit, and one at least, which has 64 clicks of 2 KiB
/// or one event of a gateway. 1 MiB, escaped once more, stays within what the origin reads.
pub const DELIVERY_BYTES_MAX: usize = 1 << 20;
/// A batch's name is remembered this long after it was taken; isolates retry for seconds.
pub const BATCH_KEEP_MS: u64 = DAY_MS;

/// The recorder's own row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    /// The number of the next event, from 1; 0: the row is new.
    pub next_seq: u64,
    /// Deliveries that failed in a row.
    pub failures: u32,
    /// When to deliver next.
    pub due: Option<Millis>,
}

/// What must be loaded beside [`Meta`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// Whether the batch (isolate, n) was taken.
    Batch(String, u64),
    /// The first batches with an event behind this number, a delivery's worth of events.
    Waiting(u64),
}

/// A batch with events that were not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The number of its first event.
    pub first_seq: u64,
    /// As they were handed over.
    pub events: Events,
}

impl Waiting {
    /// The number behind its last event.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.first_seq.saturating_add(self.events.count())
    }
}

/// The loaded state.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// The recorder's own row.
    pub meta: Meta,
    /// Those of the asked batches that were taken.
    pub taken: BTreeSet<(String, u64)>,
    /// Those that were asked for, by their first number.
    pub waiting: BTreeMap<u64, Waiting>,
}

/// What happens to a recorder.
#[derive(Clone, Debug)]
pub enum Input {
    /// An isolate hands a batch over.
    Keep(Batch),
    /// The alarm.
    Wake,
    /// The origin has applied every event up to this number.
    Delivered(u64),
    /// It has not, or did not answer.
    Failed,
}

/// A change of the stored rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// A batch was taken at this moment.
    Taken(String, u64, Millis),
    /// A batch's events got their numbers.
    Numbered(Waiting),
    /// Batches whose last number is at most this one are forgotten.
    Acknowledged(u64),
    /// Names of batches taken before this moment are forgotten.
    BatchesForgotten(Millis),
    /// The recorder's own row as it is now.
    Meta(Meta),
}

/// Post these events, then say [`Input::Delivered`] or [`Input::Failed`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deliver {
    /// The number of the first.
    pub first_seq: u64,
    /// In order, by commas.
    pub events: String,
}

/// The machine.
#[derive(Clone, Debug)]
pub struct Recorder {
    /// How long, how patient.
    pub durations: Durations,
    /// Events that fill a delivery: [`DELIVERY_MAX`], and few in the simulation.
    pub delivery_max: u64,
}

impl Recorder {
    fn keep(&self, view: &View, now: Millis, batch: Batch) -> Step<Self> {
        if batch.events.count() == 0 || view.taken.contains(&(batch.isolate.clone(), batch.n)) {
            return Step::reply(());
        }
        let mut meta = view.meta.clone();
        let waiting = Waiting { first_seq: meta.next_seq.max(1), events: batch.events };
        meta.next_seq = waiting.end();
        meta.due = meta.due.or_else(|| Some(now.plus(self.durations.delivery_gap_ms)));
        let taken = Write::Taken(batch.isolate, batch.n, now);
        Self::only(vec![taken, Write::Numbered(waiting), Write::Meta(meta)])
    }

    fn wake(&self, view: &View, now: Millis) -> Step<Self> {
        if view.meta.due.is_none_or(|due| due > now) {
            return Step::reply(());
        }
        if view.waiting.is_empty() {
            return Self::only(vec![Write::Meta(Meta { due: None, ..view.meta.clone() })]);
        }
        let mut step = self.deliver(view, now, 1, view.meta.clone());
        let old = Millis(now.0.saturating_sub(BATCH_KEEP_MS));
        step.writes.push(Write::BatchesForgotten(old));
        step
    }

    /// What waits from `from` on goes to the origin.
    fn deliver(&self, view: &View, now: Millis, from: u64, mut meta: Meta) -> Step<Self> {
        // Until the answer comes: a lost one is taken for a failure after the time-out.
        meta.due = Some(now.plus(self.durations.road_timeout_ms));
        let tells = self.in_one(&view.waiting, from).into_iter().collect();
        Step { writes: vec![Write::Meta(meta)], posts: Vec::new(), tells, reply: () }
    }

    fn delivered(&self, view: &View, now: Millis, applied: u64) -> Step<Self> {
        let newest = view.meta.next_seq.saturating_sub(1);
        let applied = applied.min(newest);
        let rest = newest.saturating_sub(applied);
        let meta = Meta { failures: 0, ..view.meta.clone() };
        let mut step = if rest < self.delivery_max {
            // Not now: the rest may not be loaded, and a wake-up in this turn would take it for
            // none.
            let due = now.plus(self.durations.delivery_gap_ms.max(1));
            let due = (rest > 0).then_some(due);
            Self::only(vec![Write::Meta(Meta { due, ..meta })])
        } else {
            self.deliver(view, now, applied.saturating_add(1), meta)
        };
        step.writes.push(Write::Acknowledged(applied));
        step
    }

    fn failed(&self, view: &View, at: At) -> Step<Self> {
        let Durations { road_backoff_ms, road_backoff_max_ms, .. } = self.durations;
        let mut meta = view.meta.clone();
        let wait = backoff_ms(meta.failures, road_backoff_ms, road_backoff_max_ms, at.draw);
        meta.failures = meta.failures.saturating_add(1);
        meta.due = Some(at.now.plus(wait));
        Self::only(vec![Write::Meta(meta)])
    }

    /// The batches from the one with number `from` on that follow each other, as far as they fit
    /// into one delivery.
    fn in_one(&self, waiting: &BTreeMap<u64, Waiting>, from: u64) -> Option<Deliver> {
        let mut left = waiting.values().skip_while(|one| one.end() <= from).peekable();
        let first_seq = left.peek()?.first_seq;
        let full = first_seq.saturating_add(self.delivery_max);
        let (mut next, mut events) = (first_seq, String::new());
        // What a batch of this turn appended may lie behind rows that were not loaded.
        for one in left.take_while(|one| one.end() <= full) {
            let fits = events.len().saturating_add(one.events.text().len()) <= DELIVERY_BYTES_MAX;
            if one.first_seq != next || !(fits || events.is_empty()) {
                break;
            }
            if !events.is_empty() {
                events.push(',');
            }
            events.push_str(one.events.text());
            next = one.end();
        }
        Some(Deliver { first_seq, events })
    }

    fn only(writes: Vec<Write>) -> Step<Self> {
        Step { writes, posts: Vec::new(), tells: Vec::new(), reply: () }
    }
}

impl Machine for Recorder {
    type Key = Key;
    type View = View;
    type Input = Input;
    type Write = Write;
    type Post = core::convert::Infallible;
    type Tell = Deliver;
    type Reply = ();

    fn reads(&self, input: &Input, keys: &mut BTreeSet<Key>) {
        match input {
            Input::Keep(batch) => {
                keys.insert(Key::Batch(batch.isolate.clone(), batch.n));
            }
            Input::Wake => {
                keys.insert(Key::Waiting(0));
            }
            Input::Delivered(applied) => {
                keys.insert(Key::Waiting(*applied));
            }
            Input::Failed => {}
        }
    }

    fn decide(&self, view: &View, at: At, input: Input) -> Step<Self> {
        match input {
            Input::Keep(batch) => self.keep(view, at.now, batch),
            Input::Wake => self.wake(view, at.now),
            Input::Delivered(applied) => self.delivered(view, at.now, applied),
            Input::Failed => self.failed(view, at),
        }
    }

    fn apply(&self, view: &mut View, write: &Write) {
        match write {
            Write::Taken(isolate, n, _) => {
                view.taken.insert((isolate.clone(), *n));
            }
            Write::Numbered(waiting) => {
                view.waiting.insert(waiting.first_seq, waiting.clone());
            }
            Write::Acknowledged(through) => {
                view.waiting.retain(|_, one| one.end() > through.saturating_add(1))
            }
            Write::BatchesForgotten(_) => {}
            Write::Meta(meta) => view.meta = meta.clone(),
        }
    }

    fn deadline(&self, view: &View) -> Option<Deadline> {
        view.meta.due.map(|due| (due, "deliver"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::turn;
    use crate::roads::Event;

    const AT: At = At { now: Millis(1_000), draw: 0 };

    fn machine() -> Recorder {
        Recorder { durations: Durations::default(), delivery_max: 500 }
    }

    fn events(numbers: core::ops::RangeInclusive<u64>) -> Events {
        let mut events = Events::default();
        for number in numbers {
            let body = alloc::format!("{number}");
            events.push(&Event { product: "links".into(), at: Millis(0), body }).unwrap();
        }
        events
    }

    fn keep(n: u64, count: u64) -> Input {
        Input::Keep(Batch { isolate: "a".into(), n, events: events(1..=count) })
    }

    /// Batches of three wait, of `all` events; only the first `loaded` events are in the view.
    fn view(all: u64, loaded: u64) -> View {
        let batch = |first_seq| Waiting { first_seq, events: events(first_seq..=first_seq + 2) };
        View {
            meta: Meta { next_seq: all + 1, failures: 0, due: Some(AT.now) },
            waiting: (1..=loaded).step_by(3).map(|seq| (seq, batch(seq))).collect(),
            ..View::default()
        }
    }

    #[test]
    fn a_delivery_has_no_gap_whatever_else_is_in_its_turn() {
        let turn = turn(&machine(), &mut view(9, 6), AT, [keep(1, 2), Input::Wake]);
        let wanted = Deliver { first_seq: 1, events: events(1..=6).text().into() };
        assert_eq!(turn.tells, [wanted]);
    }

    #[test]
    fn a_delivery_ends_where_a_batch_ends() {
        let turn = turn(&machine(), &mut view(600, 600), AT, [Input::Wake]);
        let wanted = Deliver { first_seq: 1, events: events(1..=498).text().into() };
        assert_eq!(turn.tells, [wanted]);
    }

    #[test]
    fn a_batch_that_was_applied_in_part_is_delivered_whole_again() {
        let (mut view, later) = (view(6, 6), At { now: Millis(100_000), draw: 0 });
        let partly = turn(&machine(), &mut view, AT, [Input::Delivered(4)]);
        assert!(partly.deadline.is_some());
        let again = turn(&machine(), &mut view, later, [Input::Wake]);
        let wanted = Deliver { first_seq: 4, events: events(4..=6).text().into() };
        assert_eq!(again.tells, [wanted]);
        turn(&machine(), &mut view, later, [Input::Delivered(6)]);
        assert_eq!((view.waiting.len(), view.meta.due), (0, None));
    }

    #[test]
    fn a_delivery_of_long_events_ends_where_its_bytes_do() {
        let long = |seq: u64| {
            let mut events = Events::default();
            let body = "x".repeat(400 * 1024);
            events.push(&Event { product: "payments".into(), at: Millis(0), body }).unwrap();
            (seq, Waiting { first_seq: seq, events })
        };
        let mut view = View { waiting: (1..=4).map(long).collect(), ..view(4, 0) };
        let first = turn(&machine(), &mut view, AT, [Input::Wake]).tells.remove(0);
        let two =
            alloc::format!("{},{}", view.waiting[&1].events.text(), view.waiting[&2].events.text());
        assert_eq!((first.first_seq, first.events), (1, two));
        // One that is longer than a delivery goes alone.
        let mut events = Events::default();
        let body = "x".repeat(DELIVERY_BYTES_MAX + 1);
        events.push(&Event { product: "payments".into(), at: Millis(0), body }).unwrap();
        view.waiting.insert(1, Waiting { first_seq: 1, events });
        let later = At { now: Millis(1_000_000), draw: 0 };
        let alone = turn(&machine(), &mut view, later, [Input::Wake]).tells.remove(0);
        assert!(alone.events.len() > DELIVERY_BYTES_MAX && alone.first_seq == 1);
    }

    #[test]
    fn a_full_delivery_follows_the_last_at_once() {
        let mut view = view(1_200, 1_200);
        let next = turn(&machine(), &mut view, AT, [Input::Delivered(498)]);
        let wanted = Deliver { first_seq: 499, events: events(499..=996).text().into() };
        assert_eq!(next.tells, [wanted]);
        let last = turn(&machine(), &mut view, AT, [Input::Delivered(996)]);
        assert_eq!(last.tells, []);
        assert_eq!(view.waiting.keys().next(), Some(&997));
    }

    #[test]
    fn a_wake_up_behind_an_acknowledgement_waits_for_what_is_not_loaded() {
        let inputs = [Input::Delivered(6), keep(1, 2), Input::Wake];
        let turn = turn(&machine(), &mut view(9, 6), AT, inputs);
        assert_eq!(turn.tells, []);
        let gap_ms = Durations::default().delivery_gap_ms;
        assert_eq!(turn.deadline, Some((AT.now.plus(gap_ms), "deliver")));
    }
}
