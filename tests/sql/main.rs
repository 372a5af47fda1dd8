//! The origin on a real database: SQLite by default, PostgreSQL with `TEST_DATABASE=postgres` and
//! `DATABASE_URL`. Every test has a database of its own.
//!
//! Invariant: handlers are called as the door calls them, after signature and key; two `App`s on
//! one database are two replicas. What needs the edge is in `tests/live`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod blocked;
mod bulk;
mod idempotency;
mod limits;
mod links;
mod options;
mod passwords;
mod payments;
mod privacy;
mod public_keys;
mod reserved;
mod retention;
mod roads;
mod rows;
mod support;
mod sweep;
mod usage;
mod videos;
mod visitors;
