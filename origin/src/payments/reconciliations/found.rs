//! What a reconciliation finds, in memory, and the rows that it is kept in.
//!
//! Invariant: pairs that match one to one are not kept, only counted; the entries that a statement
//! confirms are.

use super::ours::{Ours, is_confirmed};
use crate::app::App;
use crate::db::{Error, Value};
use crate::rows::{Rows, Type};
use crate::values;
use shared::payments::payout::of_bank_reference;
use shared::payments::reconcile::line::{Finding, Kind};
use shared::payments::reconcile::statement::{StatementLine, written};
use shared::payments::reconcile::wire::{OurLine, TheirLine};
use shared::payments::reconcile::{Line, reconcile};
use shared::payments::wire::entry_id;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Rows of one commit: others write in between.
pub const PART: usize = 10_000;

/// Both sides and what was found about them.
#[derive(Debug)]
pub struct Found {
    pub ours: Vec<Ours>,
    pub theirs: Vec<StatementLine>,
    references: Vec<String>,
    pub findings: Vec<Finding>,
}

/// What names a line on both sides; a payout's name is ours again.
fn linked(line: &StatementLine, known: &HashSet<&str>) -> String {
    let own = |text: &str| of_bank_reference(text).filter(|id| known.contains(id.as_str()));
    let text = line.reference(|text| known.contains(text) || own(text).is_some());
    own(text).unwrap_or_else(|| text.to_owned())
}

/// Holds both sides against one another.
#[must_use]
pub fn find(ours: Vec<Ours>, theirs: Vec<StatementLine>, window_days: u32) -> Found {
    let known: HashSet<&str> =
        ours.iter().map(|one| one.reference.as_str()).filter(|text| !text.is_empty()).collect();
    let references: Vec<String> = theirs.iter().map(|line| linked(line, &known)).collect();
    let our_lines: Vec<Line<'_>> = ours.iter().map(Ours::line).collect();
    let their_lines: Vec<Line<'_>> = theirs
        .iter()
        .zip(&references)
        .map(|(line, reference)| Line {
            reference,
            batch: &line.batch,
            id: &line.id,
            amount: line.amount,
            currency: line.currency,
            day: line.day,
        })
        .collect();
    let findings = reconcile(&our_lines, &their_lines, window_days);
    drop(known);
    Found { ours, theirs, references, findings }
}

impl Found {
    pub fn ours<'a>(&'a self, finding: &'a Finding) -> impl Iterator<Item = &'a Ours> {
        finding.ours.iter().filter_map(|n| self.ours.get(usize::try_from(*n).ok()?))
    }

    fn theirs<'a>(
        &'a self,
        finding: &'a Finding,
    ) -> impl Iterator<Item = (&'a StatementLine, &'a String)> {
        let both = |n: &u32| {
            let n = usize::try_from(*n).ok()?;
            Some((self.theirs.get(n)?, self.references.get(n)?))
        };
        finding.theirs.iter().filter_map(both)
    }

    /// By currency: what the statement has more.
    #[must_use]
    pub fn drift(&self) -> BTreeMap<&'static str, i64> {
        let mut drift: BTreeMap<&str, i64> = BTreeMap::new();
        for finding in self.findings.iter().filter(|finding| finding.kind.is_drift()) {
            for ours in self.ours(finding) {
                let sum = drift.entry(ours.currency.code()).or_default();
                *sum = sum.saturating_sub(ours.amount);
            }
            for (theirs, _) in self.theirs(finding) {
                let sum = drift.entry(theirs.currency.code()).or_default();
                *sum = sum.saturating_add(theirs.amount);
            }
        }
        drift.retain(|_, sum| *sum != 0);
        drift
    }
}

/// Everything but the row that makes it count.
///
/// # Errors
/// The database is down.
pub async fn write(app: &App, id: u64, account: u64, found: &Found) -> Result<(), Error> {
    let is_plain = |finding: &&Finding| {
        finding.kind == Kind::Matched && finding.ours.len() == 1 && finding.theirs.len() == 1
    };
    let mut rows = Vec::new();
    for (n, finding) in (1u64..).zip(found.findings.iter().filter(|one| !is_plain(one))) {
        rows.extend(of_finding(id, n, found, finding)?);
    }
    const FINDING: &[Type] = &[
        Type::Int,
        Type::Int,
        Type::Int,
        Type::Text,
        Type::Text,
        Type::Int,
        Type::Int,
        Type::Text,
    ];
    let columns = "reconciliation, n, kind, ours, theirs, amount_ours, amount_theirs, currency";
    insert(app, "reconciliation_finding", columns, FINDING, rows, "").await?;
    let confirmed = || found.findings.iter().filter(|finding| is_confirmed(finding.kind));
    let entries = confirmed().flat_map(|finding| found.ours(finding));
    let entries = entries.flat_map(|ours| values![ours.entry, id]).collect();
    let again = "on conflict (entry) do update set reconciliation = excluded.reconciliation";
    let columns = "entry, reconciliation";
    insert(app, "reconciled_entry", columns, &[Type::Int; 2], entries, again).await?;
    let named: BTreeSet<&str> = confirmed()
        .flat_map(|finding| found.theirs(finding))
        .map(|(line, _)| line.id.as_str())
        .filter(|id| !id.is_empty())
        .collect();
    let lines = named.into_iter().flat_map(|name| values![account, name, id]).collect();
    let again = "on conflict (account, id) do update set reconciliation = excluded.reconciliation";
    let columns = "account, id, reconciliation";
    insert(app, "statement_line", columns, &[Type::Int, Type::Text, Type::Int], lines, again).await
}

fn of_finding(id: u64, n: u64, found: &Found, finding: &Finding) -> Result<Vec<Value>, Error> {
    let ours: Vec<OurLine> = found
        .ours(finding)
        .map(|ours| OurLine {
            entry: entry_id(ours.entry),
            reference: Some(ours.reference.clone()).filter(|text| !text.is_empty()),
            amount: ours.amount,
            day: written(ours.day()),
        })
        .collect();
    let theirs: Vec<TheirLine> = found
        .theirs(finding)
        .map(|(line, reference)| TheirLine {
            line: line.line,
            reference: Some(reference.clone()).filter(|text| !text.is_empty()),
            amount: line.amount,
            currency: line.currency,
            day: written(line.day),
        })
        .collect();
    let sum = |amounts: Vec<i64>| (!amounts.is_empty()).then(|| amounts.iter().sum::<i64>());
    let currency = found.ours(finding).map(|ours| ours.currency).next();
    let currency = currency.or(found.theirs(finding).map(|(line, _)| line.currency).next());
    Ok(values![
        id,
        n,
        finding.kind.number(),
        serde_json::to_string(&ours)?,
        serde_json::to_string(&theirs)?,
        sum(ours.iter().map(|line| line.amount).collect()),
        sum(theirs.iter().map(|line| line.amount).collect()),
        currency.map_or("", shared::money::Currency::code),
    ])
}

/// Inserts many rows, some in each commit.
async fn insert(
    app: &App,
    table: &str,
    columns: &str,
    types: &'static [Type],
    values: Vec<Value>,
    again: &str,
) -> Result<(), Error> {
    for part in values.chunks(PART * types.len()) {
        let mut tx = app.db.begin().await?;
        tx.write_rows(Rows { types, values: part.to_vec() }, |rows| {
            format!(
                "insert into {table} ({columns}) select * from {rows} \
                 where column1 is not null {again}"
            )
        })
        .await?;
        tx.commit().await?;
    }
    Ok(())
}
