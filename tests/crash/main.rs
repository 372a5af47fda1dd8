//! Crashes: real stacks (origin, workerd, database) that are killed at random moments under load.
//!
//! Invariant: every test starts stacks of its own on state of its own, kills only what it started,
//! and leaves nothing running, also when it fails. They take turns by a file lock: each needs the
//! machine. What an assertion says begins with the seed; `CRASH_SEED` repeats its draws (not the
//! machine's timing). SQLite by default, PostgreSQL with `TEST_DATABASE=postgres`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod check;
mod client;
mod creations;
mod everything;
mod hooks;
mod hundred_thousand;
mod internal;
mod keeper;
mod ledger;
mod load;
mod payments;
mod payouts;
mod redirects;
mod replay;
mod replicas;
mod stack;
mod stops;
mod videos;
