//! A saga: steps that happen one after the other, each with what undoes it, through any crash.
//!
//! Stored: a row per saga, and a log of what was begun and how it ended.
//! Invariants: G1 a step, and a compensation, is logged as begun in a commit before it runs. G2 a
//! step that is over is not run again, and no two run at once: an ending that comes from a lease
//! which another has taken is passed over. G3 an unknown outcome is tried again, never guessed.
//! G4 once a step has failed, what was done before it is undone in reverse; where something cannot
//! be undone the saga stops, visibly, and an operator decides.
//! What a step does must be safe to do again: it may have happened before the crash.

mod plan;

pub use plan::{Plan, Saga, Stage, Status, Undo};

use crate::machine::{At, Deadline, Machine, Step};
use crate::time::Millis;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;

/// How a try ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It has happened.
    Done,
    /// It has not happened and never will.
    Failed(String),
    /// It may have happened, or could not be tried: again.
    Again(String),
    /// It is under way elsewhere; ask again, or be told.
    Waits,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Time may have come.
    Wake,
    /// A try under this lease has ended.
    Ended {
        /// Whose.
        id: u64,
        /// The lease it ran under.
        lease: u64,
        /// How.
        outcome: Outcome,
    },
    /// News from outside about the present step, if it is this one.
    News {
        /// Whose.
        id: u64,
        /// The step's name.
        name: &'static str,
        /// What is known.
        outcome: Outcome,
    },
    /// An operator says to go on.
    Retry(u64),
}

/// What must be loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// What is due and nobody holds.
    Due,
    /// One saga.
    Saga(u64),
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// Whose.
    pub saga: u64,
    /// The step's or compensation's name.
    pub name: &'static str,
    /// `begun`, `done`, `failed`, `again`, `waits`.
    pub what: &'static str,
    /// Why not.
    pub why: Option<String>,
}

/// A change of the stored rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// The saga is as it is here.
    Saved(Saga),
    /// A line is added to its log.
    Logged(Logged),
}

/// To be run, after the commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Whose.
    pub id: u64,
    /// The saga's plan.
    pub kind: String,
    /// The lease that its ending must name.
    pub lease: u64,
    /// The step or compensation.
    pub name: &'static str,
    /// Which try it is, from 1.
    pub attempt: u32,
}

/// What was loaded.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// By id.
    pub sagas: BTreeMap<u64, Saga>,
}

/// The machine.
#[derive(Clone, Debug)]
pub struct Sagas {
    /// Every kind.
    pub plans: &'static [Plan],
    /// A step may run this long before another replica takes it; longer than any call of a step.
    pub lease_ms: u64,
    /// The first wait after a try that did not end; doubles.
    pub backoff_ms: u64,
    /// The longest such wait, and how often what waits is asked for.
    pub backoff_max_ms: u64,
}

impl Sagas {
    fn plan(&self, saga: &Saga) -> Option<&'static Plan> {
        self.plans.iter().find(|plan| plan.kind == saga.kind)
    }

    /// What a saga runs now: a step, or what undoes one.
    fn present(&self, saga: &Saga) -> Option<&'static str> {
        let stage = self.plan(saga)?.stages.get(usize::try_from(saga.step).ok()?)?;
        match (saga.status, stage.undo) {
            (Status::Running, _) => Some(stage.name),
            (Status::Compensating, Undo::By(name)) => Some(name),
            _ => None,
        }
    }

    fn wait_ms(&self, attempts: u32) -> u64 {
        let doubled = self.backoff_ms.checked_shl(attempts.saturating_sub(1).min(32));
        doubled.unwrap_or(u64::MAX).clamp(1, self.backoff_max_ms.max(1))
    }

    /// Leases what is due and hands it out.
    fn wake(&self, view: &View, now: Millis) -> Step<Self> {
        let mut step = Step::reply(true);
        for saga in view.sagas.values() {
            let Some(name) = self.present(saga).filter(|_| saga.due.is_some_and(|due| due <= now))
            else {
                continue;
            };
            let (attempts, lease) = (saga.attempts.saturating_add(1), saga.lease.wrapping_add(1));
            let due = Some(now.plus(self.lease_ms));
            step.writes.push(Write::Saved(Saga { attempts, lease, due, ..saga.clone() }));
            let begun = Logged { saga: saga.id, name, what: "begun", why: None };
            step.writes.push(Write::Logged(begun));
            let kind = saga.kind.clone();
            step.tells.push(Run { id: saga.id, kind, lease, name, attempt: attempts });
        }
        step
    }

    /// The saga after a try of its present step.
    fn after(&self, saga: &Saga, outcome: Outcome, now: Millis) -> Step<Self> {
        let (Some(name), Some(plan)) = (self.present(saga), self.plan(saga)) else {
            return Step::reply(false);
        };
        let mut next = saga.clone();
        // Whatever else runs for this step runs no more under a lease that counts.
        next.lease = saga.lease.wrapping_add(1);
        let (what, why) = match outcome {
            Outcome::Done => {
                next.attempts = 0;
                next.why = None;
                next.due = Some(now);
                if saga.status == Status::Running {
                    next.step = saga.step.saturating_add(1);
                    if plan.stage(next.step).is_none() {
                        (next.status, next.due) = (Status::Done, None);
                    }
                } else {
                    undo_before(plan, &mut next);
                }
                ("done", None)
            }
            Outcome::Failed(why) => {
                next.why = Some(why.clone());
                next.attempts = 0;
                next.due = Some(now);
                let done = plan.stages.iter().zip(0..).take_while(|(_, n)| *n < saga.step);
                let is_held = done.into_iter().any(|(stage, _)| stage.undo == Undo::Never);
                if saga.status == Status::Compensating || is_held {
                    next.undoing = saga.status == Status::Compensating;
                    (next.status, next.due) = (Status::Stuck, None);
                } else {
                    next.status = Status::Compensating;
                    undo_before(plan, &mut next);
                }
                ("failed", Some(why))
            }
            Outcome::Again(why) => {
                next.why = Some(why.clone());
                next.due = Some(now.plus(self.wait_ms(saga.attempts)));
                ("again", Some(why))
            }
            Outcome::Waits => {
                next.due = Some(now.plus(self.wait_ms(saga.attempts)));
                ("waits", None)
            }
        };
        let logged = Logged { saga: saga.id, name, what, why };
        let writes = Vec::from([Write::Saved(next), Write::Logged(logged)]);
        Step { writes, ..Step::reply(true) }
    }

    fn retry(&self, saga: &Saga, now: Millis) -> Step<Self> {
        if saga.status.is_over() {
            return Step::reply(false);
        }
        let status = match saga.status {
            Status::Stuck if saga.undoing => Status::Compensating,
            Status::Stuck => Status::Running,
            other => other,
        };
        let next = Saga { status, attempts: 0, due: Some(now), ..saga.clone() };
        Step { writes: Vec::from([Write::Saved(next)]), ..Step::reply(true) }
    }
}

/// Goes back to the nearest earlier step that has something to undo.
fn undo_before(plan: &Plan, saga: &mut Saga) {
    while let Some(before) = saga.step.checked_sub(1) {
        saga.step = before;
        if matches!(plan.stage(before).map(|stage| stage.undo), Some(Undo::By(_))) {
            return;
        }
    }
    (saga.status, saga.due) = (Status::Compensated, None);
}

impl Machine for Sagas {
    type Key = Key;
    type View = View;
    type Input = Input;
    type Write = Write;
    type Post = core::convert::Infallible;
    type Tell = Run;
    /// Whether it changed anything.
    type Reply = bool;

    fn reads(&self, input: &Input, keys: &mut BTreeSet<Key>) {
        keys.insert(match input {
            Input::Wake => Key::Due,
            Input::Ended { id, .. } | Input::News { id, .. } | Input::Retry(id) => Key::Saga(*id),
        });
    }

    fn decide(&self, view: &View, at: At, input: Input) -> Step<Self> {
        let saga = |id: &u64| view.sagas.get(id);
        match input {
            Input::Wake => self.wake(view, at.now),
            Input::Ended { id, lease, outcome } => match saga(&id) {
                Some(saga) if saga.lease == lease => self.after(saga, outcome, at.now),
                _ => Step::reply(false),
            },
            Input::News { id, name, outcome } => match saga(&id) {
                Some(saga) if self.present(saga) == Some(name) => self.after(saga, outcome, at.now),
                _ => Step::reply(false),
            },
            Input::Retry(id) => match saga(&id) {
                Some(saga) => self.retry(saga, at.now),
                None => Step::reply(false),
            },
        }
    }

    fn apply(&self, view: &mut View, write: &Write) {
        if let Write::Saved(saga) = write {
            view.sagas.insert(saga.id, saga.clone());
        }
    }

    fn deadline(&self, view: &View) -> Option<Deadline> {
        let due = view.sagas.values().filter_map(|saga| saga.due).min();
        due.map(|due| (due, "a saga is due"))
    }
}
