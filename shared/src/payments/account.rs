//! An account: its kind, its limits, and the funds that every entry moves.
//!
//! Invariant: A1 `posted` is the sum of the account's entries, debits positive. A2 whatever becomes
//! of the holds, the balance stays within ±[`AMOUNT_MAX`] and within the account's limits: a hold
//! is counted when it is made, so that posting it can never fail.

use super::error::{BALANCE_OVERFLOW, OVERDRAFT};
use crate::money::{AMOUNT_MAX, Currency};
use crate::numbered::numbered;
use crate::problem::Problem;
use crate::time::Millis;
use alloc::{format, string::String};
use serde::{Deserialize, Serialize};

/// What an account stands for; decides its normal side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "bookkeeping's five words")]
pub enum Kind {
    Asset,
    Liability,
    Equity,
    Income,
    Expense,
}

numbered!(Kind);

impl Kind {
    /// In the order of their stored numbers.
    pub const ALL: [Self; 5] =
        [Self::Asset, Self::Liability, Self::Equity, Self::Income, Self::Expense];

    /// Whether debits raise the balance.
    #[must_use]
    pub fn is_debit_normal(self) -> bool {
        matches!(self, Self::Asset | Self::Expense)
    }
}

/// What an account refuses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Debits, held ones included, never exceed posted credits.
    #[serde(default)]
    pub no_debit_beyond_credit: bool,
    /// Credits, held ones included, never exceed posted debits.
    #[serde(default)]
    pub no_credit_beyond_debit: bool,
}

impl Limits {
    /// The stored number.
    #[must_use]
    pub fn number(self) -> u32 {
        u32::from(self.no_debit_beyond_credit) | u32::from(self.no_credit_beyond_debit) << 1
    }

    /// Reads [`Limits::number`].
    #[must_use]
    pub fn of_number(number: u64) -> Self {
        Self { no_debit_beyond_credit: number & 1 != 0, no_credit_beyond_debit: number & 2 != 0 }
    }
}

/// What moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Funds {
    /// Posted debits less posted credits, in minor units.
    pub posted: i64,
    /// What pending transfers would debit.
    pub debits_held: i64,
    /// What pending transfers would credit.
    pub credits_held: i64,
    /// Entries so far; the number of the last one.
    pub entries: u64,
    /// When the last entry was made; an account's entries are in the order of time.
    pub entry_at: Millis,
}

/// One account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// A snowflake.
    pub id: u64,
    /// Its owner.
    pub app: String,
    /// For people.
    pub name: String,
    /// Of every entry.
    pub currency: Currency,
    /// Decides the normal side.
    pub kind: Kind,
    /// What it refuses.
    pub limits: Limits,
    /// When it was opened.
    pub created_at: Millis,
    /// When it was closed.
    pub closed_at: Option<Millis>,
    /// What moves.
    pub funds: Funds,
}

/// One side of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "bookkeeping's two words")]
pub enum Side {
    Debit,
    Credit,
}

/// What becomes of funds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// An entry of this amount.
    Post(i64),
    /// A hold of this amount.
    Hold(i64),
    /// A hold of `held` ends, and `posted` of it becomes an entry.
    Settle {
        /// The hold.
        held: i64,
        /// 0 when it is voided.
        posted: i64,
    },
}

impl Funds {
    /// The funds after `change` on `side`. Sums stay far below 64 bits: each is at most 2^53 − 1
    /// before, and so is each amount.
    #[must_use]
    pub fn after(self, side: Side, change: Change) -> Self {
        let (held, posted) = match change {
            Change::Post(amount) => (0, amount),
            Change::Hold(amount) => (amount, 0),
            Change::Settle { held, posted } => (held.saturating_neg(), posted),
        };
        let mut funds = self;
        match side {
            Side::Debit => {
                funds.debits_held = funds.debits_held.saturating_add(held);
                funds.posted = funds.posted.saturating_add(posted);
            }
            Side::Credit => {
                funds.credits_held = funds.credits_held.saturating_add(held);
                funds.posted = funds.posted.saturating_sub(posted);
            }
        }
        funds
    }
}

impl Account {
    /// Checks what `side` of a new transfer would leave (A2).
    ///
    /// # Errors
    /// 409 beyond a limit, 422 beyond [`AMOUNT_MAX`].
    pub fn admits(&self, side: Side, funds: Funds) -> Result<(), Problem> {
        let (most, limit) = match side {
            Side::Debit => {
                (funds.posted.saturating_add(funds.debits_held), self.limits.no_debit_beyond_credit)
            }
            Side::Credit => (
                funds.credits_held.saturating_sub(funds.posted),
                self.limits.no_credit_beyond_debit,
            ),
        };
        if limit && most > 0 {
            let detail =
                format!("{} has {} available", super::wire::account_id(self.id), self.available());
            return Err(Problem::new(&OVERDRAFT, detail));
        }
        if most > AMOUNT_MAX || funds.debits_held > AMOUNT_MAX || funds.credits_held > AMOUNT_MAX {
            let detail = format!("a balance stays within ±{AMOUNT_MAX}");
            return Err(Problem::new(&BALANCE_OVERFLOW, detail));
        }
        Ok(())
    }

    /// The balance on the normal side.
    #[must_use]
    pub fn posted(&self) -> i64 {
        self.on_normal_side(self.funds.posted)
    }

    /// What holds reserve of it.
    #[must_use]
    pub fn pending(&self) -> i64 {
        if self.kind.is_debit_normal() { self.funds.credits_held } else { self.funds.debits_held }
    }

    /// What is left of it.
    #[must_use]
    pub fn available(&self) -> i64 {
        self.posted().saturating_sub(self.pending())
    }

    /// A sum of debits less credits, as this account counts it.
    #[must_use]
    pub fn on_normal_side(&self, sum: i64) -> i64 {
        if self.kind.is_debit_normal() { sum } else { sum.saturating_neg() }
    }
}
