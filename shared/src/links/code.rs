//! Codes: 7 characters of base62 from ids that pass through a keyed permutation of [0, 62⁷).
//!
//! Invariant (L2): the permutation is a bijection, so no draw collides with another; without the
//! key the next code cannot be told from the last. A Feistel network on 42 bits with
//! cycle walking: 2⁴² ⁄ 62⁷ = 1.25 rounds of it on average. Frozen by `tests/golden`.
//! Source: Black and Rogaway, "Ciphers with Arbitrary Finite Domains", CT-RSA 2002.

use crate::id::base62;
use alloc::string::String;
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// Codes that exist: 62⁷ = 3,521,614,606,208.
pub const CODES: u64 = 62 * 62 * 62 * 62 * 62 * 62 * 62;
/// Ids that a replica takes at once (L3): at 2,000 creations/s, two ranges a second.
pub const RANGE: u64 = 1_000;
const DIGITS: usize = 7;
/// A balanced Feistel network with ≥ 10 rounds resists what is known (NIST SP 800-38G uses 8–10).
const ROUNDS: u8 = 10;
const HALF_BITS: u32 = 21;
const HALF: u64 = (1 << HALF_BITS) - 1;

/// The permutation under one secret key.
#[derive(Clone)]
pub struct Permutation([u8; 32]);

impl core::fmt::Debug for Permutation {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Permutation(…)")
    }
}

impl Permutation {
    /// The permutation of this key.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// The code of the `id`-th link; `None` when every code was issued.
    #[must_use]
    pub fn code(&self, id: u64) -> Option<String> {
        (id < CODES).then(|| encode(self.permute(id)))
    }

    /// Where the permutation takes `id` < [`CODES`].
    #[must_use]
    pub fn permute(&self, id: u64) -> u64 {
        let mut at = self.feistel(id);
        while at >= CODES {
            at = self.feistel(at);
        }
        at
    }

    fn feistel(&self, at: u64) -> u64 {
        let (mut left, mut right) = (at >> HALF_BITS, at & HALF);
        for round in 0..ROUNDS {
            (left, right) = (right, left ^ self.round(round, right));
        }
        (left << HALF_BITS) | right
    }

    fn round(&self, round: u8, half: u64) -> u64 {
        // HMAC takes a key of any length; the type does not say so.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return 0 };
        mac.update(&[round]);
        mac.update(&half.to_be_bytes());
        let out = mac.finalize().into_bytes();
        out.iter().take(8).fold(0u64, |sum, byte| (sum << 8) | u64::from(*byte)) & HALF
    }
}

/// The 7 characters of a number below [`CODES`].
#[must_use]
pub fn encode(number: u64) -> String {
    base62(number, DIGITS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;

    #[test]
    fn no_two_ids_share_a_code_and_every_code_is_in_range() {
        let permutation = Permutation::new([42; 32]);
        let mut seen = BTreeSet::new();
        for id in (0..20_000).chain(CODES - 2_000..CODES) {
            let at = permutation.permute(id);
            assert!(at < CODES);
            assert!(seen.insert(at), "{id} collides");
        }
        assert_eq!(permutation.code(CODES), None);
    }

    #[test]
    fn neighbours_are_far_apart_and_keys_differ() {
        let (one, two) = (Permutation::new([1; 32]), Permutation::new([2; 32]));
        let near = (0..10_000u64)
            .filter(|id| one.permute(*id).abs_diff(one.permute(id + 1)) < CODES / 1_000)
            .count();
        assert!(near < 60, "{near} of 10,000 neighbours are near: 20 are expected");
        assert!((0..1_000).all(|id| one.permute(id) != two.permute(id)));
    }
}
