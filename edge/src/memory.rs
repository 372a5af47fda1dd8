//! An isolate's memory of registers: least recently used first out, bounded in bytes.
//!
//! Invariant: an entry never goes back to an older stamp; plain data only, since it stands in a
//! static and outlives requests. Refused: to remember that something does not exist.

use lru::LruCache;
use shared::roads::Stamp;
use shared::time::Millis;
use std::rc::Rc;

/// What an entry costs beside its texts: two hash slots, the list's links, the parsed value's
/// headers, the allocator's rounding. Measured by hand on wasm32: 40 + 60 + 90 + 50, rounded up.
const ENTRY_BYTES: usize = 256;

/// A register as it is remembered.
#[derive(Debug)]
pub(crate) struct Entry<T> {
    /// How new it is.
    pub(crate) stamp: Stamp,
    /// Parsed; `None` is a tombstone.
    pub(crate) value: Option<Rc<T>>,
    /// When it was last known to be the newest.
    pub(crate) at: Millis,
    /// Somebody refreshes it.
    claimed: bool,
    bytes: usize,
}

impl<T> Clone for Entry<T> {
    fn clone(&self) -> Self {
        let Self { stamp, at, claimed, bytes, .. } = *self;
        Self { stamp, value: self.value.clone(), at, claimed, bytes }
    }
}

/// The entries of one product.
pub(crate) struct Memory<T> {
    entries: LruCache<String, Entry<T>>,
    bytes: usize,
    bytes_max: usize,
}

impl<T> Memory<T> {
    /// An empty memory.
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { entries: LruCache::unbounded(), bytes: 0, bytes_max }
    }

    /// What is remembered of `key`, however old.
    pub(crate) fn get(&mut self, key: &str) -> Option<Entry<T>> {
        self.entries.get(key).cloned()
    }

    /// Makes the caller the one who refreshes `key`; `false`: somebody does already.
    pub(crate) fn claim(&mut self, key: &str) -> bool {
        let Some(entry) = self.entries.peek_mut(key) else { return false };
        !std::mem::replace(&mut entry.claimed, true)
    }

    /// Remembers, unless something newer is known. `text_bytes`: the length of the value's text.
    pub(crate) fn put(
        &mut self,
        key: &str,
        stamp: Stamp,
        value: Option<Rc<T>>,
        text_bytes: usize,
        at: Millis,
    ) {
        if let Some(known) = self.entries.peek(key)
            && (known.stamp > stamp || (known.stamp == stamp && known.at > at))
        {
            return;
        }
        // The text is held parsed, and the key twice: in the map and in the list.
        let bytes = ENTRY_BYTES.saturating_add(key.len()).saturating_add(text_bytes);
        let old =
            self.entries.push(key.to_string(), Entry { stamp, value, at, claimed: false, bytes });
        self.bytes = self.bytes.saturating_add(bytes);
        self.bytes = self.bytes.saturating_sub(old.map_or(0, |(_, old)| old.bytes));
        while self.bytes > self.bytes_max {
            let Some((_, gone)) = self.entries.pop_lru() else { return };
            self.bytes = self.bytes.saturating_sub(gone.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(version: u64) -> Stamp {
        Stamp { epoch: 1, version }
    }

    fn put(memory: &mut Memory<u64>, key: &str, version: u64, at: u64) {
        memory.put(key, stamp(version), Some(Rc::new(version)), 100, Millis(at));
    }

    fn version(memory: &mut Memory<u64>, key: &str) -> Option<u64> {
        memory.get(key).map(|entry| entry.stamp.version)
    }

    #[test]
    fn a_stamp_never_goes_back() {
        let mut memory = Memory::new(1 << 20);
        put(&mut memory, "a", 2, 10);
        put(&mut memory, "a", 1, 20);
        assert_eq!(version(&mut memory, "a"), Some(2));
        put(&mut memory, "a", 2, 20);
        assert_eq!(memory.get("a").map(|entry| entry.at), Some(Millis(20)));
        memory.put("a", stamp(3), None, 0, Millis(5));
        assert!(memory.get("a").is_some_and(|entry| entry.value.is_none()));
    }

    #[test]
    fn one_refreshes_until_the_next_value_comes() {
        let mut memory = Memory::new(1 << 20);
        put(&mut memory, "a", 1, 10);
        assert!(memory.claim("a") && !memory.claim("a") && !memory.claim("b"));
        put(&mut memory, "a", 1, 20);
        assert!(memory.claim("a"));
    }

    #[test]
    fn bytes_are_bounded_and_the_least_used_goes_first() {
        let mut memory = Memory::new(3 * (ENTRY_BYTES + 101));
        for key in ["a", "b", "c"] {
            put(&mut memory, key, 1, 1);
        }
        assert_eq!(version(&mut memory, "a"), Some(1));
        put(&mut memory, "d", 1, 1);
        assert_eq!(version(&mut memory, "b"), None);
        assert_eq!(version(&mut memory, "a"), Some(1));
        for round in 2..1_000 {
            put(&mut memory, "d", round, round);
        }
        assert_eq!(memory.bytes, 3 * (ENTRY_BYTES + 101));
        assert_eq!(version(&mut memory, "c"), Some(1));
    }
}
