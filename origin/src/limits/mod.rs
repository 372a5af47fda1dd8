//! limits at the origin: policies, what was decided by them, and backtests. The decisions
//! themselves are the edge's.

pub mod backtest;
pub mod policies;
pub mod retention;
pub mod store;
pub mod usage;
