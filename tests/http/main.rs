//! Who may call what, and whether what is documented is what is served, over the route table.
//!
//! Invariant: a route that a later product adds is visited without a new line here; its example
//! body is the one of the OpenAPI document. Run like `tests/live`, against a running stack.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod authorisation;
#[path = "../live/client.rs"]
#[allow(dead_code, reason = "shared with tests/live")]
mod client;
mod documents;
mod logs;
mod operators;
mod signatures;
mod visit;
