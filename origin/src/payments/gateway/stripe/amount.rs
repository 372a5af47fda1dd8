//! Minor units, as Stripe counts them: as ISO 4217 does, but for a few currencies.
//!
//! Source: docs.stripe.com/currencies (zero-decimal currencies, special cases).

use shared::money::Currency;

/// Stripe counts them in hundredths, though ISO 4217 gives them no minor unit.
const HUNDREDTHS: [&str; 2] = ["ISK", "UGX"];
/// Stripe counts them whole, though ISO 4217 gives them two digits.
const WHOLE: [&str; 1] = ["MGA"];

/// Our amount in Stripe's unit; `None`: it is no multiple of it.
pub(super) fn to(amount: i64, currency: Currency) -> Option<i64> {
    match currency.code() {
        code if HUNDREDTHS.contains(&code) => amount.checked_mul(100),
        code if WHOLE.contains(&code) => (amount % 100 == 0).then_some(amount / 100),
        // With three digits the last one must be 0.
        _ if currency.exponent() == 3 => (amount % 10 == 0).then_some(amount),
        _ => Some(amount),
    }
}

/// Stripe's amount in our unit; `None`: it has a fraction of it.
pub(super) fn from(amount: i64, currency: Currency) -> Option<i64> {
    match currency.code() {
        code if HUNDREDTHS.contains(&code) => (amount % 100 == 0).then_some(amount / 100),
        code if WHOLE.contains(&code) => amount.checked_mul(100),
        _ => Some(amount),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p1_amounts_are_counted_as_stripe_counts_them_and_come_back() {
        for (code, ours, theirs) in [
            ("EUR", 1_250, Some(1_250)),
            ("JPY", 1_250, Some(1_250)),
            ("KWD", 1_250, Some(1_250)),
            ("KWD", 1_251, None),
            ("ISK", 1_250, Some(125_000)),
            ("UGX", 7, Some(700)),
            ("MGA", 1_200, Some(12)),
            ("MGA", 1_250, None),
        ] {
            let currency = Currency::of(code).unwrap();
            assert_eq!(to(ours, currency), theirs, "{code}");
            if let Some(theirs) = theirs {
                assert_eq!(from(theirs, currency), Some(ours), "{code}");
            }
        }
        assert_eq!(from(150, Currency::of("ISK").unwrap()), None);
    }
}
