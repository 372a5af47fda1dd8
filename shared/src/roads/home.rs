//! A home: the only writer of a register's KV copy, and the only one that may say "absent".
//!
//! Stored: one row per register that changed lately ([`Row`]); older ones are read back from the
//! copy, which only this object writes, or from the origin, when it was a tombstone's and KV has
//! forgotten it ([`super::copy_ttl_s`]). Invariants:
//! H1 a register's stamp never goes back. H2 two writes of one copy are `copy_gap_ms` apart and
//! never under way together, unless one has not answered for `copy_timeout_ms`. H3 once no input
//! comes, the copy becomes the register. H4 a row is forgotten only when its copy is the register.

use super::wire::{Outcome, Register, Stamp};
use crate::config::Durations;
use crate::machine::{At, Deadline, Machine, Step};
use crate::time::Millis;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::{vec, vec::Vec};

/// Rows that one wake-up looks at; the rest follows at once.
pub const WAKE_ROWS_MAX: usize = 100;

/// The `due` of a row that this turn has forgotten.
const FORGOTTEN: Millis = Millis(u64::MAX);

/// What must be loaded.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// The row of one register: (product, key).
    Row(String, String),
    /// The [`WAKE_ROWS_MAX`] rows that are due first.
    Due,
}

/// A register that changed lately.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The newest known.
    pub register: Register,
    /// What the copy is known to hold.
    pub copied: Option<Stamp>,
    /// What is being written to the copy.
    pub sending: Option<Stamp>,
    /// When the last write of the copy began.
    pub sent_at: Millis,
    /// When this row wants to be looked at.
    pub due: Millis,
}

/// The loaded rows.
#[derive(Debug, Default)]
pub struct View {
    /// By (product, key); what was asked for and is not here has no row.
    pub rows: BTreeMap<(String, String), Row>,
    /// The earliest `due` of the rows that were not loaded.
    pub others: Option<Millis>,
}

/// What happens to a home.
#[derive(Clone, Debug)]
pub enum Input {
    /// A register comes down the road, or with an answer. `copy`: the copy's stamp, when there
    /// is no row. A row may be forgotten while the shell reads copies: it looks again, in the call
    /// that takes the turn, and reads those that it had not read.
    Apply {
        /// The register.
        register: Register,
        /// What the copy holds.
        copy: Option<Stamp>,
    },
    /// The origin answered a question; no row was there when it was asked.
    Learned(Register),
    /// The copy was written.
    Copied {
        /// (product, key).
        name: (String, String),
        /// What was written.
        stamp: Stamp,
        /// When that write began, as [`struct@Copy`] said: an answer to an earlier write of the
        /// same stamp, which had timed out, says nothing of the one under way.
        sent_at: Millis,
    },
    /// The alarm.
    Wake,
}

/// A change of the stored rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// The row as it is now.
    Put(Row),
    /// The copy suffices.
    Forgotten(String, String),
}

/// Write the copy, then say [`Input::Copied`] with this moment; lost tells are mended by the alarm.
/// A write is taken to land within `copy_timeout_ms` or never.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copy(pub Register, pub Millis);

/// The machine.
#[derive(Clone, Debug)]
pub struct Home {
    /// How far apart, how long.
    pub durations: Durations,
}

impl Home {
    /// Begins a write of the copy, or says when.
    fn copy(&self, mut row: Row, now: Millis) -> (Row, Vec<Copy>) {
        let gap_over = row.sent_at.plus(self.durations.copy_gap_ms);
        let given_up = row.sent_at.plus(self.durations.copy_timeout_ms);
        if row.sending.is_some() && now < given_up {
            row.due = given_up;
        } else if row.sending.is_none() && now < gap_over {
            row.due = gap_over;
        } else {
            row.sending = Some(row.register.stamp);
            row.sent_at = now;
            row.due = now.plus(self.durations.copy_timeout_ms);
            let copy = Copy(row.register.clone(), now);
            return (row, vec![copy]);
        }
        (row, Vec::new())
    }

    fn put(&self, row: Row, tells: Vec<Copy>, reply: Option<Outcome>) -> Step<Self> {
        Step { writes: vec![Write::Put(row)], posts: Vec::new(), tells, reply }
    }

    fn store(&self, view: &View, at: At, register: Register, copied: Option<Stamp>) -> Step<Self> {
        if let Some(why) = register.refusal() {
            return Step::reply(Some(Outcome::Refused { why }));
        }
        let name = (register.product.clone(), register.key.clone());
        let row = match view.rows.get(&name) {
            Some(row) if row.register.stamp >= register.stamp => {
                return Step::reply(Some(Outcome::Stale));
            }
            Some(row) => Row { register, ..row.clone() },
            None if copied.is_some_and(|copied| copied >= register.stamp) => {
                return Step::reply(Some(Outcome::Stale));
            }
            None => Row { register, copied, sending: None, sent_at: Millis(0), due: at.now },
        };
        let (row, tells) = self.copy(row, at.now);
        self.put(row, tells, Some(Outcome::Applied))
    }

    fn copied(&self, row: &Row, stamp: Stamp, sent_at: Millis, now: Millis) -> Step<Self> {
        if row.sending != Some(stamp) || row.sent_at != sent_at {
            return Step::reply(None);
        }
        let mut row = Row { sending: None, copied: Some(stamp), ..row.clone() };
        if row.register.stamp == stamp {
            row.due = now.plus(self.durations.home_keep_ms);
            return self.put(row, Vec::new(), None);
        }
        let (row, tells) = self.copy(row, now);
        self.put(row, tells, None)
    }

    fn wake(&self, view: &View, now: Millis) -> Step<Self> {
        let mut step = Step::reply(None);
        for (name, row) in view.rows.iter().filter(|(_, row)| row.due <= now) {
            if row.sending.is_none() && row.copied == Some(row.register.stamp) {
                step.writes.push(Write::Forgotten(name.0.clone(), name.1.clone()));
                continue;
            }
            let (row, tells) = self.copy(row.clone(), now);
            step.writes.push(Write::Put(row));
            step.tells.extend(tells);
        }
        step
    }
}

impl Machine for Home {
    type Key = Key;
    type View = View;
    type Input = Input;
    type Write = Write;
    type Post = core::convert::Infallible;
    type Tell = Copy;
    type Reply = Option<Outcome>;

    fn reads(&self, input: &Input, keys: &mut BTreeSet<Key>) {
        keys.insert(match input {
            Input::Apply { register, .. } | Input::Learned(register) => {
                Key::Row(register.product.clone(), register.key.clone())
            }
            Input::Copied { name, .. } => Key::Row(name.0.clone(), name.1.clone()),
            Input::Wake => Key::Due,
        });
    }

    fn decide(&self, view: &View, at: At, input: Input) -> Step<Self> {
        match input {
            Input::Apply { register, copy } => self.store(view, at, register, copy),
            Input::Learned(register) => self.store(view, at, register, None),
            Input::Copied { name, stamp, sent_at } => match view.rows.get(&name) {
                Some(row) => self.copied(row, stamp, sent_at, at.now),
                None => Step::reply(None),
            },
            Input::Wake => self.wake(view, at.now),
        }
    }

    fn apply(&self, view: &mut View, write: &Write) {
        match write {
            Write::Put(row) => {
                let name = (row.register.product.clone(), row.register.key.clone());
                view.rows.insert(name, row.clone());
            }
            // It stays in the view: who comes later in this turn did not read the copy.
            Write::Forgotten(product, key) => {
                if let Some(row) = view.rows.get_mut(&(product.clone(), key.clone())) {
                    row.due = FORGOTTEN;
                }
            }
        }
    }

    fn deadline(&self, view: &View) -> Option<Deadline> {
        let loaded = view.rows.values().map(|row| row.due).filter(|due| *due != FORGOTTEN);
        let due = loaded.chain(view.others).min()?;
        Some((due, "copy or forget"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::turn;

    const NOW: Millis = Millis(10_000_000);

    fn register(version: u64) -> Register {
        let stamp = Stamp { epoch: 0, version };
        Register { product: "links".into(), key: "0/a".into(), stamp, value: None }
    }

    fn name() -> (String, String) {
        ("links".into(), "0/a".into())
    }

    fn view(row: Row) -> View {
        View { rows: [(name(), row)].into_iter().collect(), others: None }
    }

    fn row(version: u64, copied: Option<u64>, sending: Option<u64>) -> Row {
        let stamp = |version| Stamp { epoch: 0, version };
        Row {
            register: register(version),
            copied: copied.map(stamp),
            sending: sending.map(stamp),
            sent_at: Millis(NOW.0 - 10),
            due: NOW,
        }
    }

    fn home() -> Home {
        Home { durations: Durations::default() }
    }

    #[test]
    fn an_answer_to_an_earlier_write_of_the_stamp_is_not_taken_for_the_last() {
        let mut view = view(row(1, None, Some(1)));
        let stamp = Stamp { epoch: 0, version: 1 };
        let at = At { now: NOW, draw: 0 };
        let late = Input::Copied { name: name(), stamp, sent_at: Millis(NOW.0 - 20_000) };
        assert_eq!(turn(&home(), &mut view, at, [late]).writes, []);
        let right = Input::Copied { name: name(), stamp, sent_at: Millis(NOW.0 - 10) };
        assert_eq!(turn(&home(), &mut view, at, [right]).writes.len(), 1);
    }

    #[test]
    fn a_row_that_is_forgotten_in_a_turn_still_knows_better_in_it() {
        let mut view = view(row(2, Some(2), None));
        let older = Input::Apply { register: register(1), copy: None };
        let turn = turn(&home(), &mut view, At { now: NOW, draw: 0 }, [Input::Wake, older]);
        assert_eq!(turn.writes, [Write::Forgotten("links".into(), "0/a".into())]);
        assert_eq!(turn.replies, [None, Some(Outcome::Stale)]);
        assert_eq!(turn.deadline, None);
    }
}
