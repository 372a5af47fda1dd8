//! Enums that are stored as numbers.
//!
//! Invariant: a variant's number is its place in `ALL`, which grows at its end only.

/// Gives an enum that has such an `ALL` its `number` and its `of_number`.
macro_rules! numbered {
    ($name:ident) => {
        impl $name {
            /// The stored number: its place in [`Self::ALL`].
            #[must_use]
            pub fn number(self) -> u32 {
                Self::ALL
                    .iter()
                    .zip(0..)
                    .find_map(|(one, n)| (*one == self).then_some(n))
                    .unwrap_or(0)
            }

            /// Reads [`Self::number`].
            #[must_use]
            pub fn of_number(number: u64) -> Option<Self> {
                usize::try_from(number).ok().and_then(|at| Self::ALL.get(at).copied())
            }
        }
    };
}
pub(crate) use numbered;
