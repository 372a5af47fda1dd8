//! A home: the only writer of a register's KV copy, and the only one that may say "absent".
//!
//! Stored: one row per register that changed lately ([`Row`]); older ones are read back from the
//! copy, which only this object writes. Invariants:
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
    /// was no row and the shell read it.
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
        /// When that write began, as [`Copy`] said: an answer to an earlier write of the same
        /// stamp, which had timed out, says nothing of the one under way.
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
            Write::Forgotten(product, key) => {
                view.rows.remove(&(product.clone(), key.clone()));
            }
        }
    }

    fn deadline(&self, view: &View) -> Option<Deadline> {
        let loaded = view.rows.values().map(|row| row.due).min();
        let due = loaded.into_iter().chain(view.others).min()?;
        Some((due, "copy or forget"))
    }
}
