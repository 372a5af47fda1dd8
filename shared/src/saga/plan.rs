//! A saga's plan, and where a saga stands in it.

use crate::numbered::numbered;
use crate::time::Millis;
use alloc::string::String;
use serde::{Deserialize, Serialize};

/// How a completed step is undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undo {
    /// There is nothing to undo.
    Nothing,
    /// By this compensation.
    By(&'static str),
    /// Not at all: money has left the house.
    Never,
}

/// One step of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage {
    /// What is run.
    pub name: &'static str,
    /// What undoes it.
    pub undo: Undo,
}

/// The steps of one kind of saga; a stored saga names its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The stored name.
    pub kind: &'static str,
    /// In order.
    pub stages: &'static [Stage],
}

impl Plan {
    /// The nth step.
    #[must_use]
    pub fn stage(&self, n: u32) -> Option<&Stage> {
        usize::try_from(n).ok().and_then(|n| self.stages.get(n))
    }
}

/// Where a saga stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Its steps happen.
    Running,
    /// A step has failed; those before it are undone.
    Compensating,
    /// Every step has happened.
    Done,
    /// Everything that had happened is undone.
    Compensated,
    /// It waits for an operator.
    Stuck,
}

numbered!(Status);

impl Status {
    /// In the order of their stored numbers.
    pub const ALL: [Self; 5] =
        [Self::Running, Self::Compensating, Self::Done, Self::Compensated, Self::Stuck];

    /// Whether nothing more happens.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Compensated)
    }
}

/// One saga.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saga {
    /// A snowflake.
    pub id: u64,
    /// Its plan.
    pub kind: String,
    /// The step that runs, or that is undone.
    pub step: u32,
    /// Where it stands.
    pub status: Status,
    /// Before it stopped it was undoing.
    pub undoing: bool,
    /// Tries of the present step.
    pub attempts: u32,
    /// When it is looked at next; `None` when it is over or stuck.
    pub due: Option<Millis>,
    /// Raised by every lease, so that an ending tells whose it is.
    pub lease: u64,
    /// Why the last try did not end well.
    pub why: Option<String>,
}

impl Saga {
    /// A saga whose first `done` steps happen in the commit that makes it.
    #[must_use]
    pub fn begun(id: u64, plan: &Plan, done: u32, now: Millis) -> Self {
        Self {
            id,
            kind: plan.kind.into(),
            step: done,
            status: Status::Running,
            undoing: false,
            attempts: 0,
            due: Some(now),
            lease: 0,
            why: None,
        }
    }
}
