//! The form of every state machine, and the one turn that every driver runs.
//!
//! A driver loads the union of `reads` (in key order), calls [`turn`], commits all writes, posts
//! and the deadline *once*, then tells, then answers each input. A commit that fails throws the
//! view away. A wake-up that is early, late or doubled does no harm.
//! Three drivers run the same machine: the Durable Object shell, the origin's shell and the
//! simulator in `tests/sim`. Nothing here knows which.

use crate::time::Millis;
use alloc::{collections::BTreeSet, vec::Vec};

/// The moment and the luck of one decision, as data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    /// Wall clock of the driver.
    pub now: Millis,
    /// A uniformly drawn number, distinct for every input of a turn.
    pub draw: u64,
}

/// When a machine wants to be woken, and why (the reason is a metric label).
pub type Deadline = (Millis, &'static str);

/// What one input leads to. Nothing of it has happened yet.
#[derive(Debug)]
pub struct Step<M: Machine + ?Sized> {
    /// Changes of the stored state, committed together.
    pub writes: Vec<M::Write>,
    /// Outbox rows: committed with the writes, retried until acknowledged.
    pub posts: Vec<M::Post>,
    /// May be lost, doubled or reordered: frames, hints, metrics, copies that an alarm mends.
    pub tells: Vec<M::Tell>,
    /// The answer to this input, given after the commit.
    pub reply: M::Reply,
}

impl<M: Machine + ?Sized> Step<M> {
    /// A step that changes nothing.
    pub fn reply(reply: M::Reply) -> Self {
        Self { writes: Vec::new(), posts: Vec::new(), tells: Vec::new(), reply }
    }
}

/// A state machine: pure, synchronous, total.
pub trait Machine {
    /// Names what must be loaded; ordered, because drivers lock in key order.
    type Key: Ord;
    /// The loaded part of the state.
    type View;
    /// What happened.
    type Input;
    /// One change of the stored state.
    type Write;
    /// One outbox row.
    type Post;
    /// One message that may be lost.
    type Tell;
    /// The answer to one input.
    type Reply;

    /// Adds what must be loaded before `decide` may see this input.
    fn reads(&self, input: &Self::Input, keys: &mut BTreeSet<Self::Key>);
    /// Reads the view, changes nothing.
    fn decide(&self, view: &Self::View, at: At, input: Self::Input) -> Step<Self>;
    /// Changes the view; never fails, never sends.
    fn apply(&self, view: &mut Self::View, write: &Self::Write);
    /// When to be woken, given the view after the turn; early is harmless.
    fn deadline(&self, view: &Self::View) -> Option<Deadline>;
}

/// All that one commit contains, and what follows it.
#[derive(Debug)]
pub struct Turn<M: Machine + ?Sized> {
    /// To be committed together, in this order.
    pub writes: Vec<M::Write>,
    /// To be committed with the writes.
    pub posts: Vec<M::Post>,
    /// To be sent after the commit.
    pub tells: Vec<M::Tell>,
    /// One per input, in order; to be given after the commit.
    pub replies: Vec<M::Reply>,
    /// The alarm to set in the same commit.
    pub deadline: Option<Deadline>,
}

/// Decides `inputs` one after the other over one view: each sees what those before it wrote.
pub fn turn<M: Machine>(
    machine: &M,
    view: &mut M::View,
    at: At,
    inputs: impl IntoIterator<Item = M::Input>,
) -> Turn<M> {
    let mut out = Turn {
        writes: Vec::new(),
        posts: Vec::new(),
        tells: Vec::new(),
        replies: Vec::new(),
        deadline: None,
    };
    let mut draw = at.draw;
    for input in inputs {
        let step = machine.decide(view, At { now: at.now, draw }, input);
        draw = mix(draw);
        for write in &step.writes {
            machine.apply(view, write);
        }
        out.writes.extend(step.writes);
        out.posts.extend(step.posts);
        out.tells.extend(step.tells);
        out.replies.push(step.reply);
    }
    out.deadline = machine.deadline(view);
    out
}

/// SplitMix64's step: turns one draw into the next. Not for secrets.
/// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.
#[must_use]
pub fn mix(draw: u64) -> u64 {
    let mut z = draw.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Exponential back-off with full jitter in its upper half: between ½ and 1 × min(max, base·2ⁿ).
#[must_use]
pub fn backoff_ms(attempts: u32, base_ms: u64, max_ms: u64, draw: u64) -> u64 {
    let ceiling = base_ms.saturating_mul(1u64 << attempts.min(20)).min(max_ms).max(2);
    ceiling / 2 + draw % (ceiling / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_stays_between_half_and_whole_of_its_ceiling() {
        for attempts in 0..40 {
            for draw in [0, 1, u64::MAX / 3, u64::MAX] {
                let ceiling = (100u64 << attempts.min(20)).min(60_000);
                let wait = backoff_ms(attempts, 100, 60_000, draw);
                assert!(wait >= ceiling / 2 && wait < ceiling, "{attempts} {draw}: {wait}");
            }
        }
    }
}
