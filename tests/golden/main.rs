//! What must not change by accident: formats that are stored or sent, and the documents.
//!
//! Invariant: a frozen text is never edited to make a test pass: a change of a format needs a
//! reader for the old one first.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod currencies;
mod keys;
mod limits;
mod meters;
mod openapi;
mod passwords;
mod payments;
mod readme;
mod roads;
mod video;
mod webhooks;

use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Debug;

/// Writes `value` as `text` and reads `text` as `value`.
#[track_caller]
fn frozen<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T, text: &str) {
    assert_eq!(serde_json::to_string(value).unwrap(), text);
    assert_eq!(serde_json::from_str::<T>(text).unwrap(), *value);
}
