//! Unique visitors: a HyperLogLog sketch per link and day.
//!
//! Invariant: merging is a maximum per register, so order and repeats do not matter. 2¹²
//! registers: the standard error is 1.04 ⁄ √4096 = 1.6 % (L12 asks < 2 %); of few visitors two
//! share a register now and then (among 22 once in eighteen days) and count as one. Stored sparse
//! (three bytes a register that was hit) until dense (3,072 bytes, six bits each) is shorter.
//! Source: Flajolet et al., "HyperLogLog", 2007; Ertl, "New cardinality estimation algorithms for
//! HyperLogLog sketches", 2017 (the estimator).

use alloc::{vec, vec::Vec};

const BITS: u32 = 12;
const REGISTERS: usize = 1 << BITS;
/// Ranks are 1 to 64 − 12 + 1.
const RANK_MAX: u8 = 53;
const DENSE_BYTES: usize = REGISTERS * 6 / 8;
const SPARSE: u8 = 0;
const DENSE: u8 = 1;

/// A sketch of a set of visitors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sketch(Vec<u8>);

impl Default for Sketch {
    fn default() -> Self {
        Self(vec![0; REGISTERS])
    }
}

impl Sketch {
    /// Adds a visitor by 64 uniformly distributed bits.
    pub fn add(&mut self, hash: u64) {
        let index = usize::try_from(hash >> (64 - BITS)).unwrap_or(0);
        let rest = (hash << BITS) | (1 << (BITS - 1));
        let rank = u8::try_from(rest.leading_zeros() + 1).unwrap_or(RANK_MAX).min(RANK_MAX);
        if let Some(register) = self.0.get_mut(index) {
            *register = rank.max(*register);
        }
    }

    /// Makes this the sketch of both sets.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine = (*mine).max(*theirs);
        }
    }

    /// How many visitors, about.
    #[must_use]
    pub fn count(&self) -> u64 {
        let mut histogram = [0u32; RANK_MAX as usize + 1];
        for register in &self.0 {
            if let Some(slot) = histogram.get_mut(usize::from(*register)) {
                *slot = slot.saturating_add(1);
            }
        }
        let m = 4096.0;
        let at = |rank: usize| f64::from(histogram.get(rank).copied().unwrap_or(0));
        let last = usize::from(RANK_MAX);
        let mut z = m * tau(1.0 - at(last) / m);
        for rank in (1..last).rev() {
            z = 0.5 * (z + at(rank));
        }
        z += m * sigma(at(0) / m);
        // 1 ⁄ (2 ln 2)
        let estimate = 0.721_347_520_444_481_7 * m * m / z;
        libm::round(estimate) as u64
    }

    /// The stored form.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let hit = self.0.iter().enumerate().filter(|(_, rank)| **rank > 0);
        let sparse: Vec<u8> = hit
            .flat_map(|(index, rank)| {
                let [_, _, high, low] = u32::try_from(index).unwrap_or(0).to_be_bytes();
                [high, low, *rank]
            })
            .collect();
        if sparse.len() < DENSE_BYTES {
            return core::iter::once(SPARSE).chain(sparse).collect();
        }
        let packed = self.0.chunks(4).flat_map(|four| {
            let word = four.iter().fold(0u32, |word, rank| (word << 6) | u32::from(*rank & 63));
            let [_, a, b, c] = word.to_be_bytes();
            [a, b, c]
        });
        core::iter::once(DENSE).chain(packed).collect()
    }

    /// Reads [`Sketch::to_bytes`]; `None` for anything else.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (kind, rest) = bytes.split_first()?;
        let mut sketch = Self::default();
        match *kind {
            SPARSE if rest.len() % 3 == 0 => {
                for triple in rest.chunks_exact(3) {
                    let [high, low, rank] = triple else { return None };
                    let index = usize::from(u16::from_be_bytes([*high, *low]));
                    *sketch.0.get_mut(index)? = (*rank).min(RANK_MAX);
                }
            }
            DENSE if rest.len() == DENSE_BYTES => {
                for (four, packed) in sketch.0.chunks_mut(4).zip(rest.chunks_exact(3)) {
                    let [a, b, c] = packed else { return None };
                    let word = u32::from_be_bytes([0, *a, *b, *c]);
                    for (shift, register) in [18, 12, 6, 0].into_iter().zip(four) {
                        let rank = u8::try_from((word >> shift) & 63).unwrap_or(0);
                        *register = rank.min(RANK_MAX);
                    }
                }
            }
            _ => return None,
        }
        Some(sketch)
    }
}

fn sigma(mut x: f64) -> f64 {
    if x >= 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut z) = (1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if z <= before {
            return z;
        }
    }
}

fn tau(mut x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        x = libm::sqrt(x);
        let before = z;
        y *= 0.5;
        z -= (1.0 - x) * (1.0 - x) * y;
        if z >= before {
            return z / 3.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::mix;

    fn of(range: core::ops::Range<u64>) -> Sketch {
        let mut sketch = Sketch::default();
        for visitor in range {
            sketch.add(mix(visitor.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xabcd));
        }
        sketch
    }

    #[test]
    fn the_error_stays_within_two_standard_errors_almost_always_and_small_counts_are_near() {
        for n in [0, 1, 2, 10, 100] {
            let count = of(0..n).count();
            assert!(count.abs_diff(n) <= n / 50, "{n}: {count}");
        }
        let mut squares = 0.0;
        let mut samples = 0.0;
        for round in 0..40u64 {
            for n in [5_000u64, 20_000, 50_000] {
                let start = round * 1_000_000 + n * 7;
                let count = of(start..start + n).count();
                let error = (count as f64 - n as f64) / n as f64;
                assert!(error.abs() < 0.07, "{n}: {count}");
                squares += error * error;
                samples += 1.0;
            }
        }
        let standard_error = libm::sqrt(squares / samples);
        assert!(standard_error < 0.02, "{standard_error}");
    }

    #[test]
    fn merging_counts_the_union() {
        let mut all = of(0..30_000);
        all.merge(&of(10_000..40_000));
        assert_eq!(all, of(0..40_000));
    }

    #[test]
    fn the_stored_form_comes_back_and_is_short() {
        for n in [0, 1, 50, 900, 2_000, 100_000] {
            let sketch = of(0..n);
            let bytes = sketch.to_bytes();
            assert!(bytes.len() <= DENSE_BYTES + 1 && bytes.len() as u64 <= 3 * n + 1 || n > 900);
            assert_eq!(Sketch::from_bytes(&bytes), Some(sketch), "{n}");
        }
        for broken in [&[][..], &[2], &[0, 1], &[0, 255, 255, 1], &[1, 0]] {
            assert_eq!(Sketch::from_bytes(broken), None);
        }
    }
}
