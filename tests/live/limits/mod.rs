//! limits at the edge's URL.

mod backtest;
mod bad_input;
mod checks;
mod guard;
mod policies;
mod usage;
