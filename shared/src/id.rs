//! Identifiers: snowflakes made at the origin, 128-bit random names made at the edge.
//!
//! Invariant: outside, an id is an opaque string with a prefix (`lnk_…`); inside the origin it is
//! the number. 41 bits of milliseconds since [`EPOCH`] (69 years), 10 of node (1,024 leased
//! numbers), 12 of sequence (4,096 per node and millisecond).

use crate::time::Millis;
use alloc::{format, string::String};

/// 2026-01-01T00:00:00Z, where snowflakes begin.
pub const EPOCH: Millis = Millis(1_767_225_600_000);
/// Node numbers are below this: 2^10.
pub const NODES: u16 = 1 << 10;
const SEQUENCE_MAX: u16 = (1 << 12) - 1;
/// base62^11 > 2^64, so every number fits in 11 digits.
const DIGITS: usize = 11;
const ALPHABET: &[u8; 62] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// The state of one generator: the last snowflake's moment and sequence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Snowflakes {
    last: Millis,
    sequence: u16,
}

/// The generator must wait until this moment: the millisecond is used up, or the clock went back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait(pub Millis);

impl Snowflakes {
    /// The next id of `node`. Strictly increasing.
    ///
    /// # Errors
    /// [`Wait`]: nothing was drawn; ask again at that moment.
    pub fn next(&mut self, node: u16, now: Millis) -> Result<u64, Wait> {
        if now < self.last {
            return Err(Wait(self.last));
        }
        let sequence = if now > self.last { 0 } else { self.sequence.saturating_add(1) };
        if sequence > SEQUENCE_MAX {
            return Err(Wait(now.plus(1)));
        }
        *self = Self { last: now, sequence };
        let node = u64::from(node % NODES);
        Ok((now.since(EPOCH) << 22) | (node << 12) | u64::from(sequence))
    }
}

/// Writes `number` in base62 (`0-9a-zA-Z`), padded to `digits`.
#[must_use]
pub fn base62(mut number: u64, digits: usize) -> String {
    let mut out = alloc::vec![b'0'; digits];
    for slot in out.iter_mut().rev() {
        let digit = usize::try_from(number % 62).unwrap_or(0);
        *slot = ALPHABET.get(digit).copied().unwrap_or(b'0');
        number /= 62;
    }
    String::from_utf8(out).unwrap_or_default()
}

/// Reads base62; `None` for another character, nothing, or a number above 64 bits.
#[must_use]
pub fn from_base62(text: &str) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.bytes().try_fold(0u64, |sum, byte| {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'z' => byte - b'a' + 10,
            b'A'..=b'Z' => byte - b'A' + 36,
            _ => return None,
        };
        sum.checked_mul(62)?.checked_add(u64::from(digit))
    })
}

/// `lnk_` + 11 digits.
#[must_use]
pub fn format_id(prefix: &str, number: u64) -> String {
    format!("{prefix}_{}", base62(number, DIGITS))
}

/// Reads what [`format_id`] wrote; `None` for anything else.
#[must_use]
pub fn parse_id(prefix: &str, text: &str) -> Option<u64> {
    let digits = text.strip_prefix(prefix)?.strip_prefix('_')?;
    if digits.len() == DIGITS { from_base62(digits) } else { None }
}

/// `req_` + 32 hexadecimal digits, from 128 drawn bits.
#[must_use]
pub fn random_id(prefix: &str, drawn: [u8; 16]) -> String {
    format!("{prefix}_{}", hex::encode(drawn))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_round_trip_and_increase() {
        let mut flakes = Snowflakes::default();
        let mut last = 0;
        for tick in 0..10_000u64 {
            let id = flakes.next(7, EPOCH.plus(1 + tick / 3)).unwrap();
            assert!(id > last);
            assert_eq!(parse_id("lnk", &format_id("lnk", id)), Some(id));
            last = id;
        }
    }

    #[test]
    fn a_full_millisecond_and_a_clock_that_steps_back_wait() {
        let mut flakes = Snowflakes::default();
        let now = EPOCH.plus(5);
        for _ in 0..=SEQUENCE_MAX {
            flakes.next(0, now).unwrap();
        }
        assert_eq!(flakes.next(0, now), Err(Wait(now.plus(1))));
        assert_eq!(flakes.next(0, EPOCH), Err(Wait(now)));
    }

    #[test]
    fn the_alphabet_is_frozen() {
        assert_eq!(base62(1_000_000, 7), "0004c92");
        assert_eq!(from_base62("0004c92"), Some(1_000_000));
        assert_eq!(base62(u64::MAX, DIGITS), "lYGhA16ahyf");
        assert_eq!(from_base62("lYGhA16ahyg"), None);
        assert_eq!(from_base62("a-b"), None);
        assert_eq!(parse_id("lnk", "lnk_123"), None);
    }
}
