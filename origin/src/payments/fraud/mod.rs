//! Fraud rules at the origin: published, held against payments, tried on history.

pub mod attempts;
pub mod backtest;
pub mod flows;
pub mod review;
pub mod rules;
pub mod sets;
