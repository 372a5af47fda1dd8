//! The thin origin that owns the truth.
//!
//! Invariant: what is acknowledged is committed; what the edge reads is posted in the same
//! transaction; rules are decided in `shared`, here they are loaded, committed and answered.
//! What is refused: talking to a client directly, except to operators under `/admin`.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]
#![allow(missing_docs, reason = "a program, not a library: its items serve its own tests")]

pub mod admin;
pub mod app;
pub mod audit;
pub mod command;
pub mod config;
pub mod db;
pub mod edge;
pub mod events;
pub mod ids;
pub mod keys;
pub mod limits;
pub mod links;
pub mod lookup;
pub mod objects;
pub mod once;
pub mod outbox;
pub mod outgoing;
pub mod payments;
pub mod privacy;
pub mod respond;
pub mod router;
pub mod rows;
pub mod sagas;
pub mod seal;
pub mod shell;
pub mod subjects;
pub mod telemetry;
pub mod video;
pub mod webhooks;
