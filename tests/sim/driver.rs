//! The simulator's driver: runs one turn of any [`Machine`] over a store, with one fault.
//!
//! Invariant: load, decide, apply, commit, tell, answer, in this order, whatever the machine; a
//! fault strikes between two of them. It knows no machine and refuses to know one.

use crate::rng::Rng;
use shared::machine::{At, Machine, Turn, turn};
use shared::time::Millis;
use std::collections::BTreeSet;

/// Where a machine's state survives crashes.
pub(crate) trait Store<M: Machine> {
    /// The view of these keys.
    fn load(&self, keys: &BTreeSet<M::Key>) -> M::View;
    /// All of a turn, or nothing.
    fn commit(&mut self, at: At, turn: &Turn<M>);
}

/// What goes wrong in one turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// The commit fails, and nothing is stored.
    Refused,
    /// The commit fails to the caller, and yet all is stored.
    FailsAndPersists,
    CrashBeforeCommit,
    /// Neither tells nor replies leave.
    CrashAfterCommit,
    /// The tells leave, the replies do not.
    CrashAfterSend,
}

impl Fault {
    pub(crate) fn draw(rng: &mut Rng, per_mille: u64) -> Self {
        if !rng.chance(per_mille) {
            return Self::None;
        }
        match rng.below(5) {
            0 => Self::Refused,
            1 => Self::FailsAndPersists,
            2 => Self::CrashBeforeCommit,
            3 => Self::CrashAfterCommit,
            _ => Self::CrashAfterSend,
        }
    }

    fn persists(self) -> bool {
        !matches!(self, Self::Refused | Self::CrashBeforeCommit)
    }

    fn crashes(self) -> bool {
        matches!(self, Self::CrashBeforeCommit | Self::CrashAfterCommit | Self::CrashAfterSend)
    }
}

/// What a turn leaves behind.
pub(crate) struct Done<M: Machine> {
    pub(crate) tells: Vec<M::Tell>,
    /// `None`: whoever asked hears nothing, or an error.
    pub(crate) replies: Option<Vec<M::Reply>>,
    /// The node forgets what it had in memory.
    pub(crate) crashed: bool,
    /// The alarm, when it was stored.
    pub(crate) alarm: Option<Option<Millis>>,
}

/// One turn.
pub(crate) fn drive<M: Machine, S: Store<M>>(
    machine: &M,
    store: &mut S,
    at: At,
    inputs: Vec<M::Input>,
    fault: Fault,
) -> Done<M> {
    let mut keys = BTreeSet::new();
    for input in &inputs {
        machine.reads(input, &mut keys);
    }
    let mut view = store.load(&keys);
    let turn = turn(machine, &mut view, at, inputs);
    if fault.persists() {
        store.commit(at, &turn);
    }
    let alarm = fault.persists().then_some(turn.deadline.map(|(due, _)| due));
    let told = matches!(fault, Fault::None | Fault::CrashAfterSend);
    Done {
        tells: if told { turn.tells } else { Vec::new() },
        replies: (fault == Fault::None).then_some(turn.replies),
        crashed: fault.crashes(),
        alarm,
    }
}

/// A node's clock: virtual time and a skew that steps both ways.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    skew_ms: i64,
}

/// Where virtual time begins, in the clocks of the nodes.
const BEGIN_MS: i64 = 1_790_000_000_000;
/// A step is at most this; a put lands `copy_timeout_ms` less this after it began (see `kv.rs`).
pub(crate) const STEP_MS_MAX: u64 = 30;

impl Clock {
    pub(crate) fn draw(rng: &mut Rng) -> Self {
        Self { skew_ms: signed(rng, 100) }
    }

    pub(crate) fn step(&mut self, rng: &mut Rng) {
        self.skew_ms = (self.skew_ms + signed(rng, STEP_MS_MAX)).clamp(-200, 200);
    }

    pub(crate) fn read(self, now: u64) -> Millis {
        let ms = BEGIN_MS.saturating_add_unsigned(now).saturating_add(self.skew_ms);
        Millis(u64::try_from(ms).unwrap_or(0))
    }

    /// How long until this clock shows `at`.
    pub(crate) fn until(self, now: u64, at: Millis) -> u64 {
        at.since(self.read(now))
    }
}

fn signed(rng: &mut Rng, bound: u64) -> i64 {
    let drawn = i64::try_from(rng.below(2 * bound + 1)).unwrap_or(0);
    drawn - i64::try_from(bound).unwrap_or(0)
}
