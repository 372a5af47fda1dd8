//! The copies: a KV store that is late, fails, and fails while it persists.
//!
//! Invariants that it assumes of the platform: a put lands within `copy_timeout_ms` (less a step
//! of the clock) of its beginning or never; a reader sees the store as it was at some moment of
//! the last [`WINDOW_MS`].

use crate::rng::Rng;
use shared::roads::{Stamp, decode_copy};
use std::collections::BTreeMap;

/// How old the store may look to a reader.
pub(crate) const WINDOW_MS: u64 = 100;

/// The store: what each key held from when on, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kv {
    texts: BTreeMap<String, Vec<(u64, String)>>,
}

impl Kv {
    pub(crate) fn land(&mut self, now: u64, key: &str, text: String) {
        self.texts.entry(key.into()).or_default().push((now, text));
    }

    pub(crate) fn now(&self, key: &str) -> Option<&str> {
        self.texts.get(key)?.last().map(|(_, text)| text.as_str())
    }

    pub(crate) fn stamp(&self, key: &str) -> Option<Stamp> {
        Some(decode_copy(self.now(key)?)?.0)
    }

    /// What a reader sees somewhere in the world.
    pub(crate) fn read(&self, now: u64, key: &str, rng: &mut Rng) -> Option<&str> {
        let seen = now.saturating_sub(rng.below(WINDOW_MS));
        let texts = self.texts.get(key)?;
        texts.iter().rev().find(|(at, _)| *at <= seen).map(|(_, text)| text.as_str())
    }

    pub(crate) fn wipe(&mut self) {
        self.texts.clear();
    }
}
