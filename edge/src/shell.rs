//! The driver that runs a [`Machine`] in a Durable Object.
//!
//! Invariant: load, turn and commit are one synchronous function, so no other event of the object
//! comes in between; the commit holds all writes and the alarm, once. What is to be told or
//! answered leaves only after it. A commit that fails changes nothing and throws the view away.

use crate::platform::storage::{Alarm, Statement, Storage};
use crate::platform::{Thrown, clock, entropy};
use shared::machine::{At, Machine, turn};
use shared::time::Millis;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::convert::Infallible;

/// How a machine's state stands in an object's tables.
pub(crate) trait Tables: Machine<Post = Infallible> {
    /// Made at the object's first start.
    const SCHEMA: &'static [&'static str];
    /// The view of these keys.
    fn load(&self, storage: &Storage, keys: &BTreeSet<Self::Key>) -> Result<Self::View, Thrown>;
    /// One write as one statement.
    fn statement(write: &Self::Write) -> Statement;
}

/// A machine with its tables.
pub(crate) struct Shell<M> {
    machine: M,
    /// For reads that are no turn.
    pub(crate) storage: Storage,
    /// The alarm as it was set last; unknown after the object woke up.
    alarm: Cell<Option<Option<Millis>>>,
}

/// What is left to do after a commit.
pub(crate) struct Done<M: Machine> {
    /// To be sent; may be lost.
    pub(crate) tells: Vec<M::Tell>,
    /// One per input.
    pub(crate) replies: Vec<M::Reply>,
}

impl<M: Tables> Shell<M> {
    /// Opens the tables.
    pub(crate) fn open(machine: M, storage: Storage) -> Result<Self, Thrown> {
        let schema: Vec<Statement> =
            M::SCHEMA.iter().map(|sql| Statement::from(vec![*sql])).collect();
        storage.commit(&schema, Alarm::Kept)?;
        Ok(Self { machine, storage, alarm: Cell::new(None) })
    }

    /// One turn over all inputs.
    pub(crate) fn turn(&self, inputs: Vec<M::Input>) -> Result<Done<M>, Thrown> {
        let mut keys = BTreeSet::new();
        for input in &inputs {
            self.machine.reads(input, &mut keys);
        }
        let mut view = self.machine.load(&self.storage, &keys)?;
        let at = At { now: clock::now(), draw: entropy::bits64() };
        let done = turn(&self.machine, &mut view, at, inputs);
        let wanted = done.deadline.map(|(due, _)| due);
        let alarm = match (self.alarm.get(), wanted) {
            (Some(None), None) => Alarm::Kept,
            // One that rings early does no harm, and is cheaper than another one.
            (Some(Some(set)), Some(due)) if (at.now..=due).contains(&set) => Alarm::Kept,
            _ => Alarm::Set(wanted),
        };
        if !done.writes.is_empty() || alarm != Alarm::Kept {
            let writes: Vec<Statement> = done.writes.iter().map(M::statement).collect();
            let before = self.alarm.replace(None);
            self.storage.commit(&writes, alarm)?;
            self.alarm.set(if alarm == Alarm::Kept { before } else { Some(wanted) });
        }
        Ok(Done { tells: done.tells, replies: done.replies })
    }

    /// The alarm has rung: none is set any more.
    pub(crate) fn rang(&self) {
        self.alarm.set(Some(None));
    }

    /// Rings again in `ms`, whatever the machine wants: a turn of the alarm failed.
    pub(crate) fn ring_again(&self, ms: u64) -> Result<(), Thrown> {
        self.alarm.set(None);
        self.storage.commit(&[], Alarm::Set(Some(clock::now().plus(ms))))
    }
}
