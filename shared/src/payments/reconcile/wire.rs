//! What of reconciliations travels to operators.

use super::line::Kind;
use crate::money::Currency;
use crate::numbered::numbered;
use crate::payments::request::TransferRequest;
use crate::time::{self, Millis};
use alloc::{collections::BTreeMap, string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// `rec_…`
#[must_use]
pub fn reconciliation_id(number: u64) -> String {
    crate::id::format_id("rec", number)
}

/// Reads [`reconciliation_id`].
#[must_use]
pub fn parse(text: &str) -> Option<u64> {
    crate::id::parse_id("rec", text).filter(|number| i64::try_from(*number).is_ok())
}

/// Where a reconciliation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// A long statement is being held against the entries.
    Running,
    /// Everything that there is to find is found.
    Done,
    /// It ended before; nothing of it counts.
    Failed,
}

numbered!(State);

impl State {
    /// In the order of their stored numbers.
    pub const ALL: [Self; 3] = [Self::Running, Self::Done, Self::Failed];
}

/// How many findings there are of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Counts {
    /// The same money on both sides.
    pub matched: u64,
    /// Of the statement alone.
    pub missing_here: u64,
    /// Of the ledger alone.
    pub missing_there: u64,
    /// One reference, two amounts.
    pub amount_differs: u64,
    /// One reference, two currencies.
    pub currency_differs: u64,
    /// Once more than the other side has it.
    pub duplicate: u64,
    /// The same money, further apart than the window.
    pub late: u64,
}

impl Counts {
    /// Counts one more.
    pub fn add(&mut self, kind: Kind) {
        let count = match kind {
            Kind::Matched => &mut self.matched,
            Kind::MissingHere => &mut self.missing_here,
            Kind::MissingThere => &mut self.missing_there,
            Kind::AmountDiffers => &mut self.amount_differs,
            Kind::CurrencyDiffers => &mut self.currency_differs,
            Kind::Duplicate => &mut self.duplicate,
            Kind::Late => &mut self.late,
        };
        *count = count.saturating_add(1);
    }

    /// Whether the books and the statement agree about money.
    #[must_use]
    pub fn agree(&self) -> bool {
        let Self { missing_here, missing_there, amount_differs, currency_differs, .. } = *self;
        [missing_here, missing_there, amount_differs, currency_differs, self.duplicate]
            .iter()
            .all(|count| *count == 0)
    }
}

/// A reconciliation, as an operator sees it. (The name in the document is `Reconciliation`.)
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReconciliationView {
    /// `rec_…`
    pub id: String,
    /// Where it stands.
    pub state: State,
    /// `acc_…`; `null` for a gateway's own report.
    pub account: Option<String>,
    /// `upload`, `directory`, or a gateway's name.
    pub source: String,
    /// `camt`, `csv` or `report`.
    pub format: String,
    /// The last day of the statement that counts, `2026-11-20`.
    pub day: String,
    /// Whether that day is closed with it: later entries belong to the next.
    pub closes: bool,
    /// How many days apart the same money may stand on both sides.
    pub window_days: u32,
    /// Entries after this moment …
    #[serde(with = "time::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub from: Millis,
    /// … up to this one were held against the statement.
    #[serde(with = "time::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub until: Millis,
    /// Entries that were looked at.
    pub ours: u64,
    /// Lines that were looked at.
    pub theirs: u64,
    /// What was found.
    pub counts: Counts,
    /// By currency: what the statement has more than the ledger, in minor units. Empty without.
    pub drift: BTreeMap<String, i64>,
    /// Whether anything disagrees.
    pub alert: bool,
    /// Transfers that would put the drift aside until it is explained. Nothing makes them but the
    /// owner: the body of `POST /api/v1/transfers`.
    pub proposals: Vec<TransferRequest>,
    /// Why it failed.
    pub why: Option<String>,
    /// When it was asked for.
    #[serde(with = "time::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub created_at: Millis,
    /// When it was done.
    #[serde(with = "time::rfc3339::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub done_at: Option<Millis>,
}

/// An entry, as a finding shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OurLine {
    /// `ent_…`
    pub entry: String,
    /// Its transfer's.
    pub reference: Option<String>,
    /// Minor units; money in is positive.
    pub amount: i64,
    /// `2026-11-20`
    pub day: String,
}

/// A statement's line, as a finding shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TheirLine {
    /// The file's line.
    pub line: u64,
    /// Its own.
    pub reference: Option<String>,
    /// Minor units; money in is positive.
    pub amount: i64,
    /// ISO 4217.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub currency: Currency,
    /// `2026-11-20`
    pub day: String,
}

/// What was found about some lines. (The name in the document is `Finding`.)
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FindingView {
    /// Counted from 1; pairs that match one to one are only counted.
    pub n: u64,
    /// What is found.
    pub kind: Kind,
    /// Entries of the ledger.
    pub ours: Vec<OurLine>,
    /// Lines of the statement.
    pub theirs: Vec<TheirLine>,
}

/// Which statements are an account's. (The body and the answer of the same call.)
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct StatementAccount {
    /// The account as its statements say it: an IBAN, or the bank's own number.
    pub bank_account: String,
}

/// A source that is reconciled by itself. (The name in the document is `DailyClose`.)
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DailyClose {
    /// `acc_…`; `null` for a gateway's report.
    pub account: Option<String>,
    /// `directory`, or the gateway's name.
    pub source: String,
    /// The day whose report is awaited, `2026-11-20`.
    pub next_day: String,
    /// Whether it should have come by now.
    pub overdue: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_counted_by_its_own_name() {
        for kind in Kind::ALL {
            let mut counts = Counts::default();
            counts.add(kind);
            let json = serde_json::to_value(counts).unwrap();
            let ones: Vec<_> =
                json.as_object().unwrap().iter().filter(|(_, count)| **count == 1).collect();
            assert_eq!(ones.len(), 1);
            assert_eq!(ones[0].0, kind.as_str());
            assert_eq!(counts.agree(), !kind.is_drift());
        }
    }
}
