//! video: what a ladder is, and which of its renditions a player is offered.
//!
//! Invariant: everything here is a pure function of what the origin stored and of what a request
//! says; the origin makes the objects, the edge only chooses among them.

pub mod caption;
pub mod class;
pub mod cmcd;
pub mod device;
pub mod error;
pub mod explain;
pub mod fragment;
pub mod ladder;
pub mod manifest;
pub mod picture;
pub mod plan;
pub mod playback;
pub mod policy;
pub mod presentation;
pub mod probe;
pub mod qoe;
pub mod quality;
pub mod rendition;
pub mod select;
pub mod served;
pub mod signals;
pub mod upload;
pub mod want;
pub mod wire;
