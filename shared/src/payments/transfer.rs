//! A transfer and its two entries.
//!
//! Invariant: T1 a transfer is posted at once or pending; pending becomes posted, voided or
//! expired, once. T2 what is posted has exactly two entries that sum to zero; nothing else has any.

use super::tree::Hash;
use crate::money::Currency;
use crate::numbered::numbered;
use crate::time::Millis;
use alloc::string::String;
use serde::{Deserialize, Serialize};

/// What a transfer is for; its entries carry it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the products' own words")]
pub enum Purpose {
    #[default]
    Payment,
    Refund,
    Fee,
    Payout,
    Exchange,
    Dispute,
    Adjustment,
}

numbered!(Purpose);

impl Purpose {
    /// In the order of their stored numbers.
    pub const ALL: [Self; 7] = [
        Self::Payment,
        Self::Refund,
        Self::Fee,
        Self::Payout,
        Self::Exchange,
        Self::Dispute,
        Self::Adjustment,
    ];
}

/// Where a transfer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "T1 says what they are")]
pub enum Status {
    Posted,
    Pending,
    Voided,
    Expired,
}

numbered!(Status);

impl Status {
    /// In the order of their stored numbers.
    pub const ALL: [Self; 4] = [Self::Posted, Self::Pending, Self::Voided, Self::Expired];

    /// As it is shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Posted => "posted",
            Self::Pending => "pending",
            Self::Voided => "voided",
            Self::Expired => "expired",
        }
    }
}

/// Who did something, and when: the ledger's audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// When.
    pub at: Millis,
    /// `service:{kid}`, `user:{sub}`, or `system` for what time did.
    pub by: String,
    /// The request's id.
    pub request: String,
}

/// One transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// A snowflake.
    pub id: u64,
    /// The account that is debited.
    pub debit: u64,
    /// The account that is credited.
    pub credit: u64,
    /// What was asked for, in minor units; held while it is pending.
    pub amount: i64,
    /// Of both accounts.
    pub currency: Currency,
    /// What it is for.
    pub purpose: Purpose,
    /// The caller's own name for it; links all sides.
    pub reference: Option<String>,
    /// Where it stands.
    pub status: Status,
    /// When a pending one expires.
    pub expires_at: Option<Millis>,
    /// Its making.
    pub made: Stamp,
    /// What ended a hold.
    pub settled: Option<Stamp>,
    /// What was posted of it; `None` when nothing was.
    pub posted: Option<i64>,
}

impl Transfer {
    /// What made its entries.
    #[must_use]
    pub fn posting(&self) -> &Stamp {
        self.settled.as_ref().unwrap_or(&self.made)
    }

    /// Where it stands at `now`: a hold is over at its moment, whoever notices.
    #[must_use]
    pub fn status_at(&self, now: Millis) -> Status {
        match self.expires_at {
            Some(at) if self.status == Status::Pending && at <= now => Status::Expired,
            _ => self.status,
        }
    }
}

/// One side of a posted transfer; never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its shard and its place there, see [`super::chain::place`].
    pub id: u64,
    /// Whose it is.
    pub account: u64,
    /// The account's 1st, 2nd, 3rd …
    pub n: u64,
    /// What made it.
    pub transfer: u64,
    /// Debits positive, credits negative.
    pub amount: i64,
    /// The sum of the account's entries up to this one.
    pub balance: i64,
    /// When; not before the account's last.
    pub at: Millis,
    /// The hash of its leaf, see [`super::chain::leaf`].
    pub leaf: Hash,
}
