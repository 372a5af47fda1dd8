//! payments: the ledger. Double entry in minor units, holds, and a log of entries that nobody can
//! change unseen.
//!
//! Invariant: what is decided here is decided from what was loaded, in one synchronous pass; the
//! origin commits it, the edge only refuses early by the same functions.

pub mod account;
mod batch;
pub mod card;
pub mod chain;
pub mod error;
pub mod gateway;
pub mod ledger;
pub mod payment;
pub mod payout;
pub mod reconcile;
pub mod request;
pub mod transfer;
pub mod tree;
pub mod wire;
