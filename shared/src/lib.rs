//! Everything of Selvedge that is true regardless of where it runs.
//!
//! Invariant: the same inputs give the same answer, to the bit, natively and in wasm. There is no
//! clock, no entropy, no I/O and no async here; time and draws arrive as data ([`machine::At`]).
//! What is refused: `std`, unordered maps, and `usize` in anything stored or sent.

#![no_std]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]
#![cfg_attr(test, allow(clippy::panic))]

extern crate alloc;

pub mod admin;
pub mod agent;
pub mod audit;
pub mod body;
pub mod config;
pub mod envelope;
pub mod etag;
pub mod id;
pub mod idempotency;
pub mod limits;
pub mod links;
pub mod machine;
pub mod money;
mod numbered;
#[cfg(feature = "schema")]
pub mod openapi;
pub mod outgoing;
pub mod page;
pub mod payments;
pub mod privacy;
pub mod problem;
pub mod range;
pub mod roads;
pub mod route;
pub mod saga;
pub mod sign;
pub mod time;
pub mod token;
pub mod video;
pub mod webhook;
