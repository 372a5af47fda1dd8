//! A line of either side, and what is found about lines.
//!
//! Invariant: an amount is signed as the account's owner sees it: money in is positive. A day is
//! the UTC day since 1970. A missing text is empty, and an empty text means nothing.

use crate::money::Currency;
use crate::numbered::numbered;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// One movement of money, as one side has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// What links both sides.
    pub reference: &'a str,
    /// The reference of the batch that it was sent or booked in.
    pub batch: &'a str,
    /// The bank's own number of the line; the same number twice is the same line.
    pub id: &'a str,
    /// Minor units; money in is positive.
    pub amount: i64,
    /// ISO 4217.
    pub currency: Currency,
    /// Days since 1970-01-01.
    pub day: u32,
}

/// What is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The same money on both sides; several lines of one side when they sum to one of the other.
    Matched,
    /// Theirs alone.
    MissingHere,
    /// Ours alone.
    MissingThere,
    /// One reference, two amounts.
    AmountDiffers,
    /// One reference, two currencies.
    CurrencyDiffers,
    /// Once more than the other side has it.
    Duplicate,
    /// The same money, further apart than the window.
    Late,
}

numbered!(Kind);

impl Kind {
    /// In the order of their stored numbers.
    pub const ALL: [Self; 7] = [
        Self::Matched,
        Self::MissingHere,
        Self::MissingThere,
        Self::AmountDiffers,
        Self::CurrencyDiffers,
        Self::Duplicate,
        Self::Late,
    ];

    /// As it is shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Matched => "matched",
            Self::MissingHere => "missing_here",
            Self::MissingThere => "missing_there",
            Self::AmountDiffers => "amount_differs",
            Self::CurrencyDiffers => "currency_differs",
            Self::Duplicate => "duplicate",
            Self::Late => "late",
        }
    }

    /// Whether the books and the statement disagree about money.
    #[must_use]
    pub fn is_drift(self) -> bool {
        !matches!(self, Self::Matched | Self::Late)
    }
}

/// Lines that belong together, by their places in what was given.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// What is found.
    pub kind: Kind,
    /// Ours.
    pub ours: Vec<u32>,
    /// Theirs.
    pub theirs: Vec<u32>,
}
