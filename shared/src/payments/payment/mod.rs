//! A payment: money from a source to a destination, in steps, each of them a transfer of the
//! ledger and an event.
//!
//! Stored: a row per payment and per event, and a row per order to a gateway until it is settled.
//! Invariants: Y1 a payment in flight has one hold, made when it was created, so that what a
//! gateway reports can always be booked. Y2 captured ≤ authorized; refunded and being refunded ≤
//! captured. Y3 what is asked of a gateway is committed before it is sent, under a key that never
//! changes. Y4 what a gateway took and we may not keep is booked as owed and given back, once per
//! name that the gateway has for it. Y5 reports may come late, doubled and in any order: what is
//! known already changes nothing. Y6 what a gateway gives back or takes again unasked is booked by
//! transfers of its own, and no entry changes: against the account that the payment went to, and
//! where that takes nothing any more, against the gateway's books. Y7 what the gateway has put at
//! our disposal lies in [`Books::settled`], and what it moves from then on moves there. A refund
//! gives no fee back: neither the application's nor the gateway's.

mod back;
mod decide;
mod refund;
mod report;
pub mod request;
pub mod review;
mod step;
pub mod wire;

pub(super) use decide::decide;
pub use refund::{Refund, RefundOrigin, RefundStatus, Taken};
pub use step::no_payment;

use super::fraud::Screen;
use super::gateway::{Order, Report};
use super::ledger::Key;
use crate::money::Currency;
use crate::time::Millis;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::{boxed::Box, string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// Refunds of one payment, those that failed included: its row stays below 32 KiB.
pub const REFUNDS_MAX: usize = 100;
/// Snowflakes that one input may need: captured late with both fees, and settled at once.
pub const IDS: usize = 4;

/// Where a payment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "PaymentStatus"))]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// A gateway was asked, and has not answered for good.
    Processing,
    /// The amount is held.
    Authorized,
    /// The amount, or a part of it, has moved.
    Captured,
    /// The gateway has put it at our disposal.
    Settled,
    /// Nothing has moved, nor will.
    Failed,
    /// Called off before it was captured.
    Canceled,
    /// A part of what was captured went back.
    PartiallyRefunded,
    /// All that was captured went back.
    Refunded,
    /// The payer took it back through the gateway.
    Disputed,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 9] = [
        Self::Processing,
        Self::Authorized,
        Self::Captured,
        Self::Settled,
        Self::Failed,
        Self::Canceled,
        Self::PartiallyRefunded,
        Self::Refunded,
        Self::Disputed,
    ];

    /// As it is stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Processing => "processing",
            Self::Authorized => "authorized",
            Self::Captured => "captured",
            Self::Settled => "settled",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
            Self::PartiallyRefunded => "partially_refunded",
            Self::Refunded => "refunded",
            Self::Disputed => "disputed",
        }
    }

    /// Reads [`Status::as_str`].
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// One end of a payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// An account of the ledger.
    Account(u64),
    /// Somebody whom a gateway knows.
    Gateway {
        /// Its name.
        gateway: String,
        /// Its word for the means of payment.
        token: String,
    },
}

/// The accounts in which an application keeps what one gateway does, in one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Books {
    /// Asset: what the gateway took and has not put at our disposal.
    pub receivable: u64,
    /// Asset: what it has put at our disposal.
    pub settled: u64,
    /// Expense: what it kept, and what was lost in disputes.
    pub fees: u64,
    /// Liability: what it took and has to give back (Y4).
    pub owed: u64,
}

/// What the application keeps of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fee {
    /// Minor units, at most what is captured.
    pub amount: i64,
    /// Where it goes.
    pub account: u64,
}

/// One payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// A snowflake.
    pub id: u64,
    /// Its owner.
    pub app: String,
    /// Where it stands.
    pub status: Status,
    /// Minor units, as asked.
    pub amount: i64,
    /// Of all of it.
    pub currency: Currency,
    /// Where it comes from.
    pub source: Party,
    /// Where it goes.
    pub destination: Party,
    /// The accounts of the gateway, when one of the two is one.
    pub books: Option<Books>,
    /// Captured by a call of its own.
    pub manual: bool,
    /// For people.
    pub description: Option<String>,
    /// The caller's own.
    pub metadata: BTreeMap<String, String>,
    /// What the application keeps.
    pub fee: Option<Fee>,
    /// The hold (Y1); `None` when the amount moved at once.
    pub hold: Option<u64>,
    /// Of the means of payment, ISO 3166-1 alpha-2, as the caller says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// What a fraud rule asks for; while it is pending nothing is captured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<review::Review>,
    /// Minor units.
    pub captured: i64,
    /// A capture that the gateway was asked for.
    pub capturing: Option<i64>,
    /// What was given back.
    pub refunds: Vec<Refund>,
    /// The gateway's name for it.
    pub subject: Option<String>,
    /// What the gateway kept, once it said so.
    pub gateway_fee: Option<i64>,
    /// Whether it was put at our disposal.
    pub settled: bool,
    /// What is in dispute.
    pub disputed: i64,
    /// The gateway's names of disputes that were opened (`true`) or ended (`false`).
    pub disputes: BTreeMap<String, bool>,
    /// See [`Taken`].
    pub taken: Vec<Taken>,
    /// Why it failed.
    pub failure: Option<String>,
    /// Events so far.
    pub events: u64,
    /// Orders so far: each has its number in its key.
    pub orders: u64,
    /// When it was created.
    pub created_at: Millis,
}

impl Payment {
    /// The gateway, and its word for the means of payment.
    #[must_use]
    pub fn gateway(&self) -> Option<(&str, &str)> {
        match (&self.source, &self.destination) {
            (Party::Gateway { gateway, token }, _) | (_, Party::Gateway { gateway, token }) => {
                Some((gateway, token))
            }
            _ => None,
        }
    }

    /// Whether the money goes to the gateway.
    #[must_use]
    pub fn is_payout(&self) -> bool {
        matches!(self.destination, Party::Gateway { .. })
    }

    /// The accounts that are debited and credited.
    #[must_use]
    pub fn sides(&self) -> (u64, u64) {
        let at = |party: &Party| match (party, self.books) {
            (Party::Account(id), _) => *id,
            (_, Some(books)) => books.receivable,
            _ => 0,
        };
        (at(&self.source), at(&self.destination))
    }

    /// What was given back, and what is being given back too.
    #[must_use]
    pub fn refunded(&self, pending: bool) -> i64 {
        let counts = |refund: &&Refund| match refund.status {
            RefundStatus::Succeeded => true,
            RefundStatus::Pending => pending,
            RefundStatus::Failed => false,
        };
        self.refunds.iter().filter(counts).map(|refund| refund.amount).sum()
    }

    /// Adds what a decision about it reads.
    pub fn reads(&self, keys: &mut BTreeSet<Key>) {
        let (debit, credit) = self.sides();
        keys.extend([Key::Account(debit), Key::Account(credit)]);
        if let Some(Books { receivable, settled, fees, owed }) = self.books {
            keys.extend([receivable, settled, fees, owed].map(Key::Account));
        }
        keys.extend(self.fee.map(|fee| Key::Account(fee.account)));
        keys.extend(self.holds().map(Key::Transfer));
    }

    /// The transfers that only the payment may end.
    pub fn holds(&self) -> impl Iterator<Item = u64> {
        let pending = self.refunds.iter().filter(|one| one.status == RefundStatus::Pending);
        self.hold.into_iter().chain(pending.map(|refund| refund.transfer))
    }
}

/// What happened to a payment; never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Whose it is.
    pub payment: u64,
    /// The payment's 1st, 2nd, 3rd …
    pub n: u64,
    /// What happened, as callers see it: `payment.captured`.
    pub kind: String,
    /// Where the payment stood after it.
    pub status: Status,
    /// Minor units that it is about.
    pub amount: i64,
    /// Why, or which.
    pub detail: Option<String>,
    /// When.
    pub at: Millis,
    /// `service:{kid}`, `user:{sub}` or `gateway:{name}`.
    pub by: String,
    /// In which request.
    pub request: String,
}

/// A change of the stored rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// A new payment.
    Made(Box<Payment>),
    /// The payment is this.
    Changed(Box<Payment>),
    /// Something happened to it.
    Happened(Event),
    /// A gateway is to do something.
    Ordered {
        /// Whose it is.
        payment: u64,
        /// The gateway's name.
        gateway: String,
        /// What it is to do.
        order: Order,
    },
    /// A gateway has answered an order for good.
    Settled(String),
}

/// What is asked about a payment.
#[derive(Clone, Debug)]
pub enum Ask {
    /// A new one: everything but what moves.
    Create(Box<Payment>),
    /// The same, of an application that has fraud rules.
    Screened(Box<Payment>, Box<Screen>),
    /// It may go on, or not, and why.
    Review(bool, Option<String>),
    /// Take the amount, or a part of it.
    Capture(Option<i64>),
    /// Call it off.
    Cancel,
    /// Give it back, or a part of it.
    Refund(Option<i64>, Option<String>),
    /// A gateway says something.
    Report(Report),
}

/// One input.
#[derive(Clone, Debug)]
pub struct Input {
    /// The payment's snowflake.
    pub payment: u64,
    /// Snowflakes that were drawn for what it makes.
    pub ids: [u64; IDS],
    /// What is asked.
    pub ask: Ask,
}
