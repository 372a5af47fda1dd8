//! The work of a reconciliation: begun in a row, done in memory, written in parts, then counted.
//!
//! Invariant: one at a time per account; parts that are written before the last commit count only
//! by it. A closed day stays closed: lines of it that come later are held against the next.

use super::found::{Found, PART, find, write};
use super::ours::{self, Ours, Whose};
use super::shown;
use crate::app::App;
use crate::db::{self, Error, Value};
use crate::rows::{Rows, Type};
use crate::values;
use shared::payments::account::Account;
use shared::payments::reconcile::line::Finding;
use shared::payments::reconcile::request::Asked;
use shared::payments::reconcile::statement::{Statement, StatementLine, begins};
use shared::payments::reconcile::wire::{Counts, State, reconciliation_id};
use shared::time::{DAY_MS, Millis};
use std::collections::HashSet;

/// A reconciliation that is still running after this has died with its process: 2,000,000 lines
/// take a minute.
const RUNNING_MS_MAX: u64 = 15 * 60 * 1_000;

/// What is reconciled.
#[derive(Clone, Debug)]
pub enum Source {
    /// A ledger account.
    Account(Account),
    /// All books that are kept of a gateway.
    Gateway(String),
}

impl Source {
    /// 0 stands for a gateway.
    fn number(&self) -> u64 {
        match self {
            Self::Account(account) => account.id,
            Self::Gateway(_) => 0,
        }
    }

    fn whose(&self) -> Whose {
        match self {
            Self::Account(account) => Whose::Account(Box::new(account.clone())),
            Self::Gateway(name) => Whose::Gateway(name.clone()),
        }
    }
}

/// What is to be done.
#[derive(Debug)]
pub struct Job {
    pub source: Source,
    /// `upload`, `directory`, or the gateway's name.
    pub name: String,
    pub format: &'static str,
    pub digest: String,
    pub asked: Asked,
    pub statement: Statement,
    pub by: String,
    pub request: String,
}

/// A job with its row.
#[derive(Debug)]
pub struct Begun {
    pub id: u64,
    job: Job,
    from: Millis,
    until: Millis,
}

/// The reconciliation of the same file, if it did not fail.
///
/// # Errors
/// The database is down.
pub async fn known(app: &App, account: u64, digest: &str) -> Result<Option<u64>, Error> {
    bury(app, account).await?;
    let sql = "select id from reconciliation where account = $1 and digest = $2 and state <> 2";
    let rows = app.db.read(sql, values![account, digest]).await?;
    rows.first().map(|row| db::number(row, "id")).transpose()
}

/// What died with its process has failed.
async fn bury(app: &App, account: u64) -> Result<(), Error> {
    let before = Millis(db::now().0.saturating_sub(RUNNING_MS_MAX));
    let sql = "select id from reconciliation where account = $1 and state = 0 and created_at < $2";
    if app.db.read(sql, values![account, before]).await?.is_empty() {
        return Ok(());
    }
    let mut tx = app.db.begin().await?;
    let sql = "update reconciliation set state = 2, why = $1, done_at = $2 \
               where account = $3 and state = 0 and created_at < $4";
    tx.write(sql, values!["the origin stopped meanwhile", db::now(), account, before]).await?;
    tx.commit().await
}

/// Writes the row; `None`: another is under way.
///
/// # Errors
/// The database is down.
pub async fn begin(app: &App, mut job: Job) -> Result<Option<Begun>, Error> {
    job.statement.lines.iter_mut().for_each(StatementLine::forget_cards);
    let (now, account) = (db::now(), job.source.number());
    let name = job.name.as_str();
    let sql = "select day, until_at from closed_day where account = $1 and source = $2 \
               order by day desc limit 1";
    let owner = if account == 0 { name } else { "" };
    let closed = app.db.read(sql, values![account, owner]).await?;
    let closed = closed
        .first()
        .map(|row| Ok::<_, Error>((db::number(row, "day")?, Millis(db::number(row, "until_at")?))));
    let closed = closed.transpose()?;
    let days = || job.statement.lines.iter().map(|line| line.day);
    let today = u32::try_from(now.day()).unwrap_or(u32::MAX);
    let made = job.statement.made.and_then(|made| u32::try_from(made.day()).ok());
    let last = job.asked.day.or(days().max()).or(made).unwrap_or(today);
    let first = job.asked.from.or(days().min()).unwrap_or(last).min(last);
    // What comes for a closed day belongs to the next.
    let day = closed.map_or(last, |(day, _)| last.max(u32::try_from(day).unwrap_or(0) + 1));
    let from = match (job.asked.from, closed) {
        (None, Some((_, until))) => until,
        _ => Millis(begins(first).0.saturating_sub(1)),
    };
    let until = Millis(begins(day).0.saturating_add(DAY_MS - 1)).min(now);
    job.asked.day = Some(day);
    let id = app.ids.next().await?;
    let mut tx = app.db.begin().await?;
    let owner = match &job.source {
        Source::Account(account) => account.app.as_str(),
        Source::Gateway(_) => "",
    };
    let sql = "insert into reconciliation (id, account, app, source, format, digest, state, \
               window_days, from_at, until_at, day, closes, ours, theirs, counts, drift, \
               created_at, created_by, created_request) values ($1, $2, $3, $4, $5, $6, 0, $7, \
               $8, $9, $10, $11, 0, $12, '{}', '{}', $13, $14, $15) on conflict do nothing";
    let row = values![
        id,
        account,
        owner,
        job.name.as_str(),
        job.format,
        job.digest.as_str(),
        job.asked.window_days,
        from,
        until,
        day,
        u64::from(job.asked.closes),
        job.statement.lines.len() as u64,
        now,
        job.by.as_str(),
        job.request.as_str(),
    ];
    if tx.write(sql, row).await? != 1 {
        return Ok(None);
    }
    tx.commit().await?;
    Ok(Some(Begun { id, job, from, until }))
}

/// Does the work; what goes wrong is said in the row.
pub async fn finish(app: &App, begun: Begun) {
    let id = begun.id;
    let name = reconciliation_id(id);
    let Err(error) = work(app, begun).await else { return };
    tracing::error!(%error, reconciliation = name, "a reconciliation failed");
    let failed = async {
        let mut tx = app.db.begin().await?;
        let sql = "update reconciliation set state = 2, why = $1, done_at = $2 \
                   where id = $3 and state = 0";
        tx.write(sql, values!["the database did not answer", db::now(), id]).await?;
        tx.commit().await
    };
    if let Err(error) = failed.await {
        tracing::error!(%error, reconciliation = name, "and that is not even written");
    }
}

async fn work(app: &App, begun: Begun) -> Result<(), Error> {
    let Begun { id, mut job, from, until } = begun;
    let account = job.source.number();
    let margin = u64::from(job.asked.window_days).saturating_mul(DAY_MS);
    let (early, later) = (Millis(from.0.saturating_sub(margin)), until.plus(margin));
    let entries = ours::open(app, &job.source.whose(), early, later).await?;
    let mut theirs = std::mem::take(&mut job.statement.lines);
    forget_known(app, account, &mut theirs).await?;
    let window_days = job.asked.window_days;
    let found = tokio::task::spawn_blocking(move || find(entries, theirs, window_days)).await;
    let mut found = found.map_err(|error| Error::Stored(format!("the matcher ended: {error}")))?;
    // What is ours alone counts only where the statement should have it.
    let is_within = |ours: &Ours| ours.at > from && ours.at <= until;
    let entries = &found.ours;
    let ours_of = |n: &u32| usize::try_from(*n).ok().and_then(|n| entries.get(n));
    found.findings.retain(|finding| {
        let alone = finding.theirs.is_empty();
        !alone || finding.ours.iter().filter_map(ours_of).any(is_within)
    });
    write(app, id, account, &found).await?;
    conclude(app, id, &job, until, &found).await
}

/// Lines that an earlier file of the account had already.
async fn forget_known(
    app: &App,
    account: u64,
    theirs: &mut Vec<StatementLine>,
) -> Result<(), Error> {
    let ids: Vec<&str> =
        theirs.iter().map(|line| line.id.as_str()).filter(|id| !id.is_empty()).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let mut known = HashSet::new();
    let mut tx = app.db.snapshot().await?;
    for part in ids.chunks(PART) {
        let values = part.iter().map(|id| Value::from(*id)).collect();
        let asked = Rows { types: &[Type::Text], values };
        let sql = |rows: &str| {
            format!(
                "select s.id as id from {rows} join statement_line s on s.id = column1 \
                 join reconciliation c on c.id = s.reconciliation \
                 where s.account = {account} and c.state = 1"
            )
        };
        for row in tx.read_rows(asked, sql).await? {
            known.insert(db::text(&row, "id")?);
        }
    }
    drop(tx);
    theirs.retain(|line| line.id.is_empty() || !known.contains(&line.id));
    Ok(())
}

/// The commit by which everything counts.
async fn conclude(
    app: &App,
    id: u64,
    job: &Job,
    until: Millis,
    found: &Found,
) -> Result<(), Error> {
    let mut counts = Counts::default();
    found.findings.iter().for_each(|finding| counts.add(finding.kind));
    let drift = found.drift();
    let (account, now) = (job.source.number(), db::now());
    if let Source::Account(account) = &job.source
        && drift.contains_key(account.currency.code())
    {
        shown::suspense(app, &account.app, account.currency).await?;
    }
    let mut tx = app.db.begin().await?;
    let sql = "update reconciliation set state = $1, ours = $2, theirs = $3, counts = $4, \
               drift = $5, done_at = $6 where id = $7 and state = 0";
    let row = values![
        State::Done.number(),
        found.ours.len() as u64,
        found.theirs.len() as u64,
        serde_json::to_string(&counts)?,
        serde_json::to_string(&drift)?,
        now,
        id,
    ];
    if tx.write(sql, row).await? != 1 {
        return Err(Error::Stored("the reconciliation was given up meanwhile".into()));
    }
    let is_missing = |finding: &&Finding| finding.ours.len() == 1 && finding.theirs.is_empty();
    let missing: Vec<Value> = found
        .findings
        .iter()
        .filter(is_missing)
        .flat_map(|finding| found.ours(finding))
        .flat_map(|ours| values![ours.entry, account])
        .collect();
    tx.write_rows(Rows { types: &[Type::Int; 2], values: missing }, |rows| {
        format!(
            "insert into open_entry (entry, account) select * from {rows} \
             where column1 is not null on conflict (entry) do nothing"
        )
    })
    .await?;
    let sql = "delete from open_entry where account = $1 and exists (select 1 \
               from reconciled_entry r join reconciliation c on c.id = r.reconciliation \
               where r.entry = open_entry.entry and c.state = 1)";
    tx.write(sql, values![account]).await?;
    if job.asked.closes {
        let sql = "insert into closed_day (account, source, day, until_at, reconciliation, \
                   closed_at) values ($1, $2, $3, $4, $5, $6) on conflict do nothing";
        let owner = if account == 0 { job.name.as_str() } else { "" };
        let day = job.asked.day.unwrap_or(0);
        tx.write(sql, values![account, owner, day, until, id, now]).await?;
    }
    tx.commit().await?;
    if !counts.agree() {
        tracing::error!(
            code = "reconciliation-drift",
            reconciliation = reconciliation_id(id),
            source = job.name,
            ?counts,
            ?drift,
            "the books and the statement disagree"
        );
    }
    Ok(())
}
