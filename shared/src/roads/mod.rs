//! The two roads between edge and origin; there is no third.
//!
//! Down: a transaction that changes what the edge reads appends [`Register`]s to the outbox; the
//! [`relay`] carries them to their [`home`]s, which apply what is newer and refuse what is not.
//! Up: an isolate hands [`Event`]s over in batches to a [`recorder`], which numbers them and posts
//! them in order; the [`intake`] applies each number once.
//! Invariant: delivery is at least once and unordered on the way down, at least once and ordered
//! on the way up; application is exactly once on both.

pub mod home;
pub mod intake;
pub mod recorder;
pub mod relay;
mod wire;

pub use wire::*;
