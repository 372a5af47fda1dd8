//! limits: the rate limiter. The rules; the specification's requirement numbers stand as `M3`.
//!
//! Invariant: however many isolates ask, what a key is admitted stays within its rules; whatever
//! is not certain (a lease that may still be spent, a mark that a restart starts from) counts as
//! spent.
//! Refused: to spend anything for a check that is refused.

pub mod algorithm;
pub mod backtest;
pub mod error;
pub mod field;
pub mod guard;
pub mod holder;
pub mod meter;
pub mod policy;
pub mod publish;
pub mod query;
pub mod request;
pub mod reservation;
pub mod rule;
pub mod usage;
pub mod wire;
