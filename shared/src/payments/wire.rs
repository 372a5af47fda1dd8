//! What of the ledger travels to callers, and the names of its things.

use super::account::{Account, Kind, Limits};
use super::chain::SignedHead;
use super::transfer::{Entry, Purpose, Status, Transfer};
use crate::id::{format_id, parse_id};
use crate::money::Currency;
use crate::time::{self, Millis};
use alloc::{collections::BTreeMap, string::String, vec::Vec};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Events on the road up are of this product.
pub const PRODUCT: &str = "payments";

/// A gateway's event on its way up the road, verified; the body as it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayEvent {
    /// Who sent it.
    pub gateway: String,
    /// Its id there, by which copies are known.
    pub event: String,
    /// What it says.
    pub body: String,
}

/// `acc_…`
#[must_use]
pub fn account_id(number: u64) -> String {
    format_id("acc", number)
}

/// `trf_…`
#[must_use]
pub fn transfer_id(number: u64) -> String {
    format_id("trf", number)
}

/// `ent_…`
#[must_use]
pub fn entry_id(number: u64) -> String {
    format_id("ent", number)
}

/// `pay_…`
#[must_use]
pub fn payment_id(number: u64) -> String {
    format_id("pay", number)
}

/// Reads one of them; `None` for what is none of them, or beyond what a row may hold.
#[must_use]
pub fn parse(prefix: &str, text: &str) -> Option<u64> {
    parse_id(prefix, text).filter(|number| i64::try_from(*number).is_ok())
}

/// An account's balance, in minor units on its normal side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Balance {
    /// Asset, expense: debits less credits; liability, equity, income: credits less debits.
    pub posted: i64,
    /// What pending transfers reserve of it.
    pub pending: i64,
    /// `posted` less `pending`.
    pub available: i64,
}

impl Balance {
    /// Of an account as it is.
    #[must_use]
    pub fn of(account: &Account) -> Self {
        Self {
            posted: account.posted(),
            pending: account.pending(),
            available: account.available(),
        }
    }
}

/// An account, as its owner sees it. (The name in the document is `Account`.)
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AccountView {
    /// `acc_…`
    pub id: String,
    /// For people.
    pub name: String,
    /// ISO 4217.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub currency: Currency,
    /// Decides the normal side.
    pub kind: Kind,
    /// What it refuses.
    pub limits: Limits,
    /// Now.
    pub balance: Balance,
    /// When it was opened.
    #[serde(with = "time::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub created_at: Millis,
    /// When it was closed; `null` while it is open.
    #[serde(with = "time::rfc3339::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub closed_at: Option<Millis>,
}

impl AccountView {
    /// Of a row.
    #[must_use]
    pub fn of(account: &Account) -> Self {
        Self {
            id: account_id(account.id),
            name: account.name.clone(),
            currency: account.currency,
            kind: account.kind,
            limits: account.limits,
            balance: Balance::of(account),
            created_at: account.created_at,
            closed_at: account.closed_at,
        }
    }
}

/// The answer of `GET …/balance`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BalanceAt {
    /// `acc_…`
    pub account: String,
    /// ISO 4217.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub currency: Currency,
    /// The moment that was asked for.
    #[serde(with = "time::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub at: Millis,
    /// Asset, expense: debits less credits; liability, equity, income: credits less debits.
    pub posted: i64,
    /// What pending transfers reserved of it.
    pub pending: i64,
    /// `posted` less `pending`.
    pub available: i64,
}

/// A transfer, as its owner sees it. (The name in the document is `Transfer`.)
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TransferView {
    /// `trf_…`
    pub id: String,
    /// Where it stands.
    pub status: Status,
    /// `acc_…`
    pub debit_account: String,
    /// `acc_…`
    pub credit_account: String,
    /// Minor units; held while it is pending.
    pub amount: i64,
    /// What was posted of it; `null` when nothing was.
    pub posted_amount: Option<i64>,
    /// ISO 4217.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub currency: Currency,
    /// What it is for.
    #[serde(rename = "type")]
    pub purpose: Purpose,
    /// The caller's own name for it.
    pub reference: Option<String>,
    /// When it expires while it is pending.
    #[serde(with = "time::rfc3339::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub expires_at: Option<Millis>,
    /// When it was made.
    #[serde(with = "time::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub created_at: Millis,
    /// By whom: `service:{kid}` or `user:{sub}`.
    pub created_by: String,
    /// In which request.
    pub request_id: String,
    /// When the hold ended.
    #[serde(with = "time::rfc3339::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub settled_at: Option<Millis>,
    /// Who ended it; `system` is time.
    pub settled_by: Option<String>,
}

impl TransferView {
    /// Of a row, at a moment.
    #[must_use]
    pub fn of(transfer: &Transfer, now: Millis) -> Self {
        let Transfer { made, settled, .. } = transfer;
        Self {
            id: transfer_id(transfer.id),
            status: transfer.status_at(now),
            debit_account: account_id(transfer.debit),
            credit_account: account_id(transfer.credit),
            amount: transfer.amount,
            posted_amount: transfer.posted,
            currency: transfer.currency,
            purpose: transfer.purpose,
            reference: transfer.reference.clone(),
            expires_at: transfer.expires_at,
            created_at: made.at,
            created_by: made.by.clone(),
            request_id: made.request.clone(),
            settled_at: settled.as_ref().map(|stamp| stamp.at),
            settled_by: settled.as_ref().map(|stamp| stamp.by.clone()),
        }
    }
}

/// An entry, as its owner sees it. (The name in the document is `Entry`.)
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EntryView {
    /// `ent_…`
    pub id: String,
    /// `trf_…`
    pub transfer: String,
    /// The account's 1st, 2nd, 3rd …
    pub n: u64,
    /// `debit` or `credit`.
    pub side: String,
    /// Minor units, positive.
    pub amount: i64,
    /// The account's `posted` with this entry.
    pub balance: i64,
    /// What the transfer is for.
    #[serde(rename = "type")]
    pub purpose: Purpose,
    /// The transfer's reference.
    pub reference: Option<String>,
    /// When.
    #[serde(with = "time::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub at: Millis,
    /// By whom.
    pub by: String,
    /// In which request.
    pub request_id: String,
}

impl EntryView {
    /// Of two rows, on the side that `account` counts on.
    #[must_use]
    pub fn of(entry: &Entry, transfer: &Transfer, account: &Account) -> Self {
        let stamp = transfer.posting();
        Self {
            id: entry_id(entry.id),
            transfer: transfer_id(entry.transfer),
            n: entry.n,
            side: if entry.amount > 0 { "debit" } else { "credit" }.into(),
            amount: entry.amount.saturating_abs(),
            balance: account.on_normal_side(entry.balance),
            purpose: transfer.purpose,
            reference: transfer.reference.clone(),
            at: entry.at,
            by: stamp.by.clone(),
            request_id: stamp.request.clone(),
        }
    }
}

/// The answer of `POST /api/v1/transfers`, to one or to many.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
#[allow(clippy::large_enum_variant, reason = "for the documents only")]
pub enum TransferAnswer {
    /// To one.
    One(TransferView),
    /// To `transfers`.
    Many(BatchAnswer),
}

/// The answer to a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BatchAnswer {
    /// One per transfer, in order.
    pub results: Vec<BatchResult>,
}

/// What became of one transfer of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BatchResult {
    /// 201, or the problem's.
    pub status: u16,
    /// `trf_…`, with 201.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Value>,
}

/// The answer of `GET /admin/ledger/check`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LedgerCheck {
    /// Whether nothing was found.
    pub ok: bool,
    /// Accounts that were looked at.
    pub accounts: u64,
    /// Entries that were looked at.
    pub entries: u64,
    /// The sum of all balances; 0 each.
    pub by_currency: BTreeMap<String, i64>,
    /// What was found, at most a hundred.
    pub faults: Vec<String>,
}

/// The answer of `GET /admin/ledger/proof`: enough to verify without us.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LedgerProof {
    /// `ent_…`
    pub entry: String,
    /// The leaf's bytes: a list of the form's name, entry, account, n, transfer, amount (debits
    /// positive), balance, currency, type, reference, time (milliseconds), by, request.
    pub leaf: String,
    /// The leaf's place in the tree, from 0.
    pub index: u64,
    /// RFC 9162's inclusion proof, in hexadecimal digits, from the leaf upwards.
    pub path: Vec<String>,
    /// The tree that it leads to.
    pub head: SignedHead,
}
