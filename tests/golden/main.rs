//! What must not change by accident: formats that are stored or sent, and the documents.
//!
//! Invariant: a frozen text is never edited to make a test pass: a change of a format needs a
//! reader for the old one first.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod openapi;
