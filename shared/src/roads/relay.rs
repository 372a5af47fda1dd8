//! The relay: leases outbox rows, sends them down, settles what came back. Promises no order.
//!
//! Stored: the outbox, a row per register that the edge has not acknowledged. Invariants: L1 a row
//! leaves the outbox only when its home applied it, knew better, or refused it for good (then it
//! is parked, visible, and blocks nobody). L2 a lease that was lost ends by itself. L3 several
//! relays never wait for one another: each leases what no other holds.

use super::wire::{Outcome, PROJECTIONS_MAX, Register};
use crate::config::Durations;
use crate::machine::{At, Deadline, Machine, Step, backoff_ms};
use crate::time::Millis;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::{string::String, vec, vec::Vec};

/// Values of one call: what a signature hashes, and a quarter of what the edge takes.
pub const CALL_BYTES_MAX: usize = 1 << 20;

/// A row of the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The row's number.
    pub id: i64,
    /// What is to be applied.
    pub register: Register,
    /// Deliveries that failed.
    pub attempts: u32,
    /// Not to be leased before: a new row's grace, a lease's end, or a back-off.
    pub due: Millis,
}

/// What must be loaded; the driver locks what it loads and skips what others hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// The first [`PROJECTIONS_MAX`] rows that are due.
    Due,
    /// One row.
    Row(i64),
}

/// The loaded rows; a row that is gone was settled by someone else.
#[derive(Debug, Default)]
pub struct View {
    /// By number.
    pub rows: BTreeMap<i64, Row>,
    /// The earliest `due` of the rows that were not loaded.
    pub others: Option<Millis>,
}

/// What happens to a relay.
#[derive(Clone, Debug)]
pub enum Input {
    /// Time to look.
    Wake,
    /// The edge answered for these rows.
    Answered(Vec<(i64, Outcome)>),
    /// The edge did not answer for these rows.
    Failed(Vec<i64>),
}

/// A change of the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// The row waits, for its lease's end or its back-off.
    Postponed {
        /// The row.
        id: i64,
        /// As in [`Row`].
        attempts: u32,
        /// As in [`Row`].
        due: Millis,
    },
    /// The row is done.
    Settled(i64),
    /// The row can never be applied; an operator looks at it.
    Parked(i64, String),
}

/// Send these down, then say [`Input::Answered`] or [`Input::Failed`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Send(pub Vec<(i64, Register)>);

/// The machine.
#[derive(Clone, Debug)]
pub struct Relay {
    /// How long, how patient.
    pub durations: Durations,
}

impl Relay {
    fn wake(&self, view: &View, now: Millis) -> Step<Self> {
        let due = view.rows.values().filter(|row| row.due <= now).take(PROJECTIONS_MAX);
        let mut bytes = 0usize;
        // A lease outlives the call that it covers.
        let until = now.plus(self.durations.road_timeout_ms.saturating_mul(2));
        let mut writes = Vec::new();
        let mut sent = Vec::new();
        for row in due {
            // The first always goes: a register at its bound is a quarter of a call.
            bytes = bytes.saturating_add(row.register.value.as_ref().map_or(0, String::len));
            if bytes > CALL_BYTES_MAX && !sent.is_empty() {
                break;
            }
            writes.push(Write::Postponed { id: row.id, attempts: row.attempts, due: until });
            sent.push((row.id, row.register.clone()));
        }
        let tells = if sent.is_empty() { Vec::new() } else { vec![Send(sent)] };
        Step { writes, posts: Vec::new(), tells, reply: () }
    }

    fn failed(&self, view: &View, at: At, ids: &[i64]) -> Vec<Write> {
        let Durations { road_backoff_ms, road_backoff_max_ms, .. } = self.durations;
        let rows = ids.iter().filter_map(|id| view.rows.get(id));
        rows.map(|row| {
            let wait = backoff_ms(row.attempts, road_backoff_ms, road_backoff_max_ms, at.draw);
            let attempts = row.attempts.saturating_add(1);
            Write::Postponed { id: row.id, attempts, due: at.now.plus(wait) }
        })
        .collect()
    }
}

impl Machine for Relay {
    type Key = Key;
    type View = View;
    type Input = Input;
    type Write = Write;
    type Post = core::convert::Infallible;
    type Tell = Send;
    type Reply = ();

    fn reads(&self, input: &Input, keys: &mut BTreeSet<Key>) {
        match input {
            Input::Wake => {
                keys.insert(Key::Due);
            }
            Input::Answered(rows) => keys.extend(rows.iter().map(|(id, _)| Key::Row(*id))),
            Input::Failed(ids) => keys.extend(ids.iter().map(|id| Key::Row(*id))),
        }
    }

    fn decide(&self, view: &View, at: At, input: Input) -> Step<Self> {
        let writes = match input {
            Input::Wake => return self.wake(view, at.now),
            Input::Answered(rows) => rows
                .into_iter()
                .filter(|(id, _)| view.rows.contains_key(id))
                .map(|(id, outcome)| match outcome {
                    Outcome::Applied | Outcome::Stale => Write::Settled(id),
                    Outcome::Refused { why } => Write::Parked(id, why),
                })
                .collect(),
            Input::Failed(ids) => self.failed(view, at, &ids),
        };
        Step { writes, posts: Vec::new(), tells: Vec::new(), reply: () }
    }

    fn apply(&self, view: &mut View, write: &Write) {
        match write {
            Write::Postponed { id, attempts, due } => {
                if let Some(row) = view.rows.get_mut(id) {
                    row.attempts = *attempts;
                    row.due = *due;
                }
            }
            Write::Settled(id) | Write::Parked(id, _) => {
                view.rows.remove(id);
            }
        }
    }

    fn deadline(&self, view: &View) -> Option<Deadline> {
        let loaded = view.rows.values().map(|row| row.due).min();
        loaded.into_iter().chain(view.others).min().map(|due| (due, "relay"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::turn;
    use crate::roads::{Stamp, VALUE_BYTES_MAX};

    #[test]
    fn a_call_is_bounded_in_rows_and_in_bytes() {
        let relay = Relay { durations: Durations::default() };
        let at = At { now: Millis(10), draw: 0 };
        let sent = |bytes: usize| {
            let register = Register {
                product: "links".into(),
                key: "k".into(),
                stamp: Stamp { epoch: 1, version: 1 },
                value: Some("x".repeat(bytes)),
            };
            let row = |id| Row { id, register: register.clone(), attempts: 0, due: Millis(0) };
            let rows = (0..200).map(|id| (id, row(id))).collect();
            let turn = turn(&relay, &mut View { rows, others: None }, at, [Input::Wake]);
            turn.tells.iter().map(|Send(rows)| rows.len()).sum::<usize>()
        };
        assert_eq!(sent(10), PROJECTIONS_MAX);
        assert_eq!(sent(VALUE_BYTES_MAX), 4);
        assert_eq!(sent(CALL_BYTES_MAX + 1), 1);
    }
}
