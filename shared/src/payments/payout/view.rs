//! Payouts and sagas as their owner and an operator see them.
//!
//! Invariant: of where the money goes only the last four characters are shown.

use crate::money::Currency;
use crate::numbered::numbered;
use crate::time::{self, Millis};
use alloc::string::String;
use serde::{Deserialize, Serialize};

/// Where a payout stands, as its owner sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PayoutStatus {
    /// The amount is reserved; the bank has not decided.
    Processing,
    /// The bank has paid, and the amount is posted.
    Paid,
    /// The bank has refused, and the amount is free again.
    Failed,
    /// The bank had paid, and has given it back.
    Returned,
}

numbered!(PayoutStatus);

impl PayoutStatus {
    /// In the order of their stored numbers.
    pub const ALL: [Self; 4] = [Self::Processing, Self::Paid, Self::Failed, Self::Returned];
}

/// A payout, as its owner sees it. (The name in the document is `Payout`.)
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PayoutView {
    /// `pot_…`; the bank's statement repeats it.
    pub id: String,
    /// Where it stands.
    pub status: PayoutStatus,
    /// `acc_…`
    pub account: String,
    /// Minor units.
    pub amount: i64,
    /// ISO 4217.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub currency: Currency,
    /// Who pays it out.
    pub gateway: String,
    /// Where it goes: the last four characters.
    pub bank_last4: String,
    /// `trf_…`: what is reserved, and posted once it is paid.
    pub transfer: String,
    /// Why it failed.
    pub failure: Option<String>,
    /// What the bank has given back of it, once that is booked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returned: Option<ReturnView>,
    /// When it was made.
    #[serde(with = "time::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub created_at: Millis,
    /// When it was paid or had failed.
    #[serde(with = "time::rfc3339::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub ended_at: Option<Millis>,
}

/// What a bank has given back of a payout. (The name in the document is `PayoutReturn`.)
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "PayoutReturn"))]
pub struct ReturnView {
    /// Minor units; less than was paid where a bank on the way has kept something.
    pub amount: i64,
    /// The bank's reason, such as `AC04`; empty when it gave none.
    pub reason: String,
    /// `trf_…`: what credits the account.
    pub transfer: String,
    /// When it was booked.
    #[serde(with = "time::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub at: Millis,
}

/// A saga, as an operator sees it. (The name in the document is `Saga`.)
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SagaView {
    /// `sga_…`
    pub id: String,
    /// Its plan.
    pub kind: String,
    /// What it is about: `pot_…`.
    pub subject: String,
    /// Where it stands.
    pub status: crate::saga::Status,
    /// The step that runs or is undone, counted from 0.
    pub step: u32,
    /// Tries of it.
    pub attempts: u32,
    /// Why the last try did not end well.
    pub why: Option<String>,
    /// When it is looked at next.
    #[serde(with = "time::rfc3339::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub due: Option<Millis>,
    /// When it was made.
    #[serde(with = "time::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub created_at: Millis,
    /// What was begun and how it ended; empty in a list.
    #[serde(default, skip_serializing_if = "alloc::vec::Vec::is_empty")]
    pub log: alloc::vec::Vec<SagaLine>,
}

/// A line of a saga's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SagaLine {
    /// The step or compensation.
    pub name: String,
    /// `begun`, `done`, `failed`, `again`, `waits`.
    pub what: String,
    /// Why not.
    pub why: Option<String>,
    /// When.
    #[serde(with = "time::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub at: Millis,
}
