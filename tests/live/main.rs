//! The running stack at the edge's URL: real workerd, real origin, real database.
//!
//! Invariant: nothing here looks inside; each test makes an application of its own. The tests of
//! a product stand in the folder of its name, and begin with the requirement's number.
//! Run by `scripts/test`, or by hand against what `scripts/dev` started.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[allow(dead_code, reason = "shared with tests/http")]
mod client;
mod contract;
mod idempotency;
mod keys;
mod limits;
mod links;
mod lists;
mod payments;
mod privacy;
mod public_keys;
mod raw;
mod tokens;
mod videos;
