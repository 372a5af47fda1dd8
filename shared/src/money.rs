//! Money: an integer count of minor units and an ISO 4217 currency; one rule to round by.
//!
//! Invariant: never a float; |amount| ≤ 2^53 − 1, so that JSON carries it exactly. A share that is
//! no whole unit is rounded half to even ([`share`]); parts of a whole are dealt out by largest
//! remainder, so that they always sum to it ([`allocate`]).

use alloc::{string::String, vec::Vec};
use core::fmt;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

mod iso4217;

/// An amount's and a balance's magnitude: what JSON numbers hold exactly, 2^53 − 1.
pub const AMOUNT_MAX: i64 = (1 << 53) - 1;

/// A currency that has a minor unit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Currency(&'static str);

impl Currency {
    /// The euro, for examples.
    pub const EUR: Self = Self("EUR2");

    /// The currency of a code, in upper case; `None` when it is withdrawn or none.
    #[must_use]
    pub fn of(code: &str) -> Option<Self> {
        let found = iso4217::TABLE.binary_search_by(|entry| entry.get(..3).cmp(&Some(code)));
        found.ok().and_then(|at| iso4217::TABLE.get(at).map(|entry| Self(entry)))
    }

    /// ISO 4217's three letters.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.0.get(..3).unwrap_or_default()
    }

    /// Decimals of the major unit: JPY 0, EUR 2, KWD 3.
    #[must_use]
    pub fn exponent(self) -> u32 {
        self.0.as_bytes().get(3).map_or(0, |digit| u32::from(digit.saturating_sub(b'0')))
    }

    /// Every currency, by code.
    pub fn all() -> impl Iterator<Item = Self> {
        iso4217::TABLE.iter().map(|entry| Self(entry))
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let code = String::deserialize(input)?;
        Self::of(&code).ok_or_else(|| D::Error::custom("not a currency of ISO 4217"))
    }
}

/// `amount · numerator ⁄ denominator`, rounded half to even: the one rounding rule. `None`: the
/// denominator is 0, or the result leaves [`AMOUNT_MAX`].
#[must_use]
pub fn share(amount: i64, numerator: u64, denominator: u64) -> Option<i64> {
    let denominator = i128::from(denominator);
    let product = i128::from(amount) * i128::from(numerator);
    let (floor, rest) =
        (product.checked_div_euclid(denominator)?, product.checked_rem_euclid(denominator)?);
    let up = match (rest * 2).cmp(&denominator) {
        core::cmp::Ordering::Less => 0,
        core::cmp::Ordering::Greater => 1,
        core::cmp::Ordering::Equal => floor & 1,
    };
    i64::try_from(floor + up).ok().filter(|amount| amount.abs() <= AMOUNT_MAX)
}

/// Deals `total` out in proportion to `weights`; the parts sum to it. Units that are left over go
/// one each to the largest remainders, the earlier part first among equals. `None`: no weight is
/// above 0, or the total leaves [`AMOUNT_MAX`].
#[must_use]
pub fn allocate(total: i64, weights: &[u64]) -> Option<Vec<i64>> {
    let sum: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
    if sum == 0 || total.abs() > AMOUNT_MAX {
        return None;
    }
    let sign = total.signum();
    let whole = i128::from(total.abs());
    let mut left = whole;
    let mut parts: Vec<(i64, i128)> = Vec::with_capacity(weights.len());
    for weight in weights {
        let product = whole * i128::from(*weight);
        let floor = product / sum;
        left -= floor;
        parts.push((i64::try_from(floor).ok()?, product % sum));
    }
    let mut order: Vec<usize> = (0..parts.len()).collect();
    // Stable: among equal remainders the earlier part comes first.
    order.sort_by_key(|at| core::cmp::Reverse(parts.get(*at).map_or(0, |part| part.1)));
    for at in order.into_iter().take(usize::try_from(left).unwrap_or(usize::MAX)) {
        if let Some(part) = parts.get_mut(at) {
            part.0 = part.0.saturating_add(1);
        }
    }
    Some(parts.into_iter().map(|(part, _)| part.saturating_mul(sign)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    #[test]
    fn currencies_have_their_exponents() {
        for (code, exponent) in [("JPY", 0), ("EUR", 2), ("KWD", 3), ("CLF", 4), ("USD", 2)] {
            let currency = Currency::of(code).unwrap();
            assert_eq!((currency.code(), currency.exponent()), (code, exponent));
        }
        for none in ["", "eur", "EU", "EURO", "DEM", "XAU", "XXX", "XTS", "ZZZ", "EUR2", "é€"] {
            assert_eq!(Currency::of(none), None, "{none}");
        }
        let codes: Vec<&str> = Currency::all().map(Currency::code).collect();
        assert_eq!(Currency::of("EUR"), Some(Currency::EUR));
        assert!(codes.is_sorted() && codes.len() > 150);
        let all: Vec<Currency> = codes.iter().filter_map(|code| Currency::of(code)).collect();
        assert_eq!(all.len(), codes.len());
        assert!(all.iter().all(|currency| currency.exponent() <= 4));
    }

    #[test]
    fn halves_go_to_the_even_neighbour() {
        for (amount, wanted) in [(1, 0), (3, 2), (5, 2), (7, 4), (-1, 0), (-3, -2), (-5, -2)] {
            assert_eq!(share(amount, 1, 2), Some(wanted), "{amount}");
        }
        assert_eq!(share(1_000, 29, 1_000), Some(29));
        assert_eq!(share(AMOUNT_MAX, 2, 1), None);
        assert_eq!(share(1, 1, 0), None);
    }

    #[test]
    fn what_is_left_goes_to_the_largest_remainders() {
        assert_eq!(allocate(100, &[1, 1, 1]), Some(vec![34, 33, 33]));
        assert_eq!(allocate(-100, &[1, 1, 1]), Some(vec![-34, -33, -33]));
        assert_eq!(allocate(10, &[0, 7, 3, 1]), Some(vec![0, 6, 3, 1]));
        assert_eq!(allocate(1, &[]), None);
        assert_eq!(allocate(1, &[0, 0]), None);
    }

    proptest! {
        #[test]
        fn parts_sum_to_the_whole_and_stay_within_one_of_their_share(
            total in -AMOUNT_MAX..=AMOUNT_MAX,
            weights in proptest::collection::vec(any::<u64>(), 1..40),
        ) {
            let Some(parts) = allocate(total, &weights) else {
                prop_assert!(weights.iter().all(|weight| *weight == 0));
                return Ok(());
            };
            prop_assert_eq!(parts.iter().map(|part| i128::from(*part)).sum::<i128>(), total.into());
            let sum: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
            for (part, weight) in parts.iter().zip(&weights) {
                let off = i128::from(*part) * sum - i128::from(total) * i128::from(*weight);
                prop_assert!(off.abs() < sum);
            }
        }

        #[test]
        fn a_share_is_the_nearest_unit(amount in -AMOUNT_MAX..=AMOUNT_MAX, n in 0..1_000u64) {
            let found = i128::from(share(amount, n, 1_000).unwrap());
            let off = (found * 1_000 - i128::from(amount) * i128::from(n)).abs();
            prop_assert!(off < 500 || off == 500 && found % 2 == 0);
        }
    }
}
