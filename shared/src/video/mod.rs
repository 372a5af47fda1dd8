//! video: what a ladder is, and which of its renditions a player is offered.
//!
//! Invariant: everything here is a pure function of what the origin stored and of what a request
//! says; the origin makes the objects, the edge only chooses among them.

pub mod caption;
pub mod error;
pub mod fragment;
pub mod ladder;
pub mod picture;
pub mod plan;
pub mod policy;
pub mod presentation;
pub mod probe;
pub mod rendition;
pub mod upload;
pub mod wire;
