//! limits at the edge's URL.

mod backtest;
mod bad_input;
mod policies;
mod usage;
