//! A recorder: numbers the events of isolates 1, 2, 3 … and posts them in order, for ever.
//!
//! Stored: [`Meta`], a row per event that was not acknowledged, a row per batch that was taken.
//! Invariants: R1 a batch's events are numbered once, however often it is handed over. R2 numbers
//! have no gap and no event is forgotten before it is acknowledged. R3 while events wait, an alarm
//! is set. R4 at most one delivery counts as under way; its repetition begins at the same number.

use super::wire::{Batch, Event};
use crate::config::Durations;
use crate::machine::{At, Deadline, Machine, Step, backoff_ms};
use crate::time::{DAY_MS, Millis};
use alloc::collections::BTreeSet;
use alloc::{string::String, vec, vec::Vec};

/// Events in one delivery: a click at its bounds (512 bytes of agent, 253 of referrer, escaped)
/// stays below 2 KiB, so 500 stay within 1 MiB.
pub const DELIVERY_MAX: usize = 500;
const DELIVERY_FULL: u64 = DELIVERY_MAX as u64;
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
    /// The first [`DELIVERY_MAX`] events.
    Waiting,
}

/// The loaded state.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// The recorder's own row.
    pub meta: Meta,
    /// Those of the asked batches that were taken.
    pub taken: BTreeSet<(String, u64)>,
    /// The first waiting events with their numbers, when asked for.
    pub waiting: Vec<(u64, Event)>,
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
    /// An event got its number.
    Numbered(u64, Event),
    /// Events up to this number are forgotten.
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
    /// In order.
    pub events: Vec<Event>,
}

/// The machine.
#[derive(Clone, Debug)]
pub struct Recorder {
    /// How long, how patient.
    pub durations: Durations,
}

impl Recorder {
    fn keep(&self, view: &View, now: Millis, batch: Batch) -> Step<Self> {
        if batch.events.is_empty() || view.taken.contains(&(batch.isolate.clone(), batch.n)) {
            return Step::reply(());
        }
        let mut meta = view.meta.clone();
        let mut seq = meta.next_seq.max(1);
        let mut writes = vec![Write::Taken(batch.isolate, batch.n, now)];
        for event in batch.events {
            writes.push(Write::Numbered(seq, event));
            seq = seq.saturating_add(1);
        }
        meta.next_seq = seq;
        meta.due = meta.due.or_else(|| Some(now.plus(self.durations.delivery_gap_ms)));
        writes.push(Write::Meta(meta));
        Step { writes, posts: Vec::new(), tells: Vec::new(), reply: () }
    }

    fn wake(&self, view: &View, now: Millis) -> Step<Self> {
        if view.meta.due.is_none_or(|due| due > now) {
            return Step::reply(());
        }
        let mut meta = view.meta.clone();
        let Some((first_seq, _)) = view.waiting.first() else {
            meta.due = None;
            return Self::only(vec![Write::Meta(meta)]);
        };
        // Until the answer comes: a lost one is taken for a failure after the time-out.
        meta.due = Some(now.plus(self.durations.road_timeout_ms));
        // What a batch of this turn appended may lie behind rows that were not loaded.
        let in_order = (*first_seq..).zip(&view.waiting).take_while(|(at, (seq, _))| at == seq);
        let events = in_order.take(DELIVERY_MAX).map(|(_, (_, event))| event.clone());
        let deliver = Deliver { first_seq: *first_seq, events: events.collect() };
        let old = Millis(now.0.saturating_sub(BATCH_KEEP_MS));
        let writes = vec![Write::BatchesForgotten(old), Write::Meta(meta)];
        Step { writes, posts: Vec::new(), tells: vec![deliver], reply: () }
    }

    fn delivered(&self, view: &View, now: Millis, applied: u64) -> Step<Self> {
        let newest = view.meta.next_seq.saturating_sub(1);
        let applied = applied.min(newest);
        // Not now: the rest may not be loaded, and a wake-up in this turn would take it for none.
        let wait_ms = match newest.saturating_sub(applied) {
            0 => None,
            rest if rest < DELIVERY_FULL => Some(self.durations.delivery_gap_ms.max(1)),
            _ => Some(1),
        };
        let due = wait_ms.map(|ms| now.plus(ms));
        let meta = Meta { failures: 0, due, ..view.meta.clone() };
        Self::only(vec![Write::Acknowledged(applied), Write::Meta(meta)])
    }

    fn failed(&self, view: &View, at: At) -> Step<Self> {
        let Durations { road_backoff_ms, road_backoff_max_ms, .. } = self.durations;
        let mut meta = view.meta.clone();
        let wait = backoff_ms(meta.failures, road_backoff_ms, road_backoff_max_ms, at.draw);
        meta.failures = meta.failures.saturating_add(1);
        meta.due = Some(at.now.plus(wait));
        Self::only(vec![Write::Meta(meta)])
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
                keys.insert(Key::Waiting);
            }
            Input::Delivered(_) | Input::Failed => {}
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
            Write::Numbered(seq, event) => view.waiting.push((*seq, event.clone())),
            Write::Acknowledged(through) => view.waiting.retain(|(seq, _)| seq > through),
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

    const AT: At = At { now: Millis(1_000), draw: 0 };

    fn machine() -> Recorder {
        Recorder { durations: Durations::default() }
    }

    fn event(seq: u64) -> Event {
        Event { product: "links".into(), at: Millis(0), body: alloc::format!("{seq}") }
    }

    fn keep(n: u64, count: u64) -> Input {
        let events = (0..count).map(event).collect();
        Input::Keep(Batch { isolate: "a".into(), n, events })
    }

    /// Events 1 to 9 wait; only the first `loaded` of them are in the view.
    fn view(loaded: u64) -> View {
        View {
            meta: Meta { next_seq: 10, failures: 0, due: Some(AT.now) },
            waiting: (1..=loaded).map(|seq| (seq, event(seq))).collect(),
            ..View::default()
        }
    }

    #[test]
    fn a_delivery_has_no_gap_whatever_else_is_in_its_turn() {
        let turn = turn(&machine(), &mut view(4), AT, [keep(1, 2), Input::Wake]);
        assert_eq!((turn.tells[0].first_seq, turn.tells[0].events.len()), (1, 4));
    }

    #[test]
    fn a_wake_up_behind_an_acknowledgement_waits_for_what_is_not_loaded() {
        let inputs = [Input::Delivered(4), keep(1, 2), Input::Wake];
        let turn = turn(&machine(), &mut view(4), AT, inputs);
        assert_eq!(turn.tells, []);
        let gap_ms = Durations::default().delivery_gap_ms;
        assert_eq!(turn.deadline, Some((AT.now.plus(gap_ms), "deliver")));
    }
}
