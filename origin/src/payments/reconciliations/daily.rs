//! What is reconciled by itself: gateways' reports are asked for, statements are found in the
//! bank's directory; a day is closed with each, and a report that does not come is told.
//!
//! Invariant: a day is closed once per source, in order; what comes for it later belongs to the
//! next. A file counts once, whatever it is called. What fails is tried again, and holds up no
//! other source.

mod inbox;

use super::super::gateway::bank;
use super::super::said;
use super::run::{self, Job, Source};
use super::{ours, shown};
use crate::admin::roads;
use crate::app::App;
use crate::db::{self, Error};
use crate::respond::{Call, Failure};
use crate::values;
use shared::body;
use shared::envelope::Envelope;
use shared::machine::backoff_ms;
use shared::page::Page;
use shared::payments::error::INVALID;
use shared::payments::gateway::Line;
use shared::payments::ledger::no_account;
use shared::payments::reconcile::request::{Asked, WINDOW_DAYS_DEFAULT};
use shared::payments::reconcile::statement::{Statement, StatementLine, begins, written};
use shared::payments::reconcile::wire::{
    DailyClose, ReconciliationView, State, StatementAccount, reconciliation_id,
};
use shared::payments::transfer::Purpose;
use shared::payments::wire::{account_id, parse};
use shared::problem::{FieldError, Problem};
use shared::time::{DAY_MS, Millis};
use std::sync::Arc;
use std::time::Duration;

/// The source of what comes as files.
pub const DIRECTORY: &str = "directory";
/// Characters of a bank's name for an account: ISO 20022's `Max34Text`.
const NAME_CHARS_MAX: usize = 34;
/// A source whose replica died is taken over after this.
const LEASE_MS: u64 = 10 * 60 * 1_000;
/// What could not be closed is tried again after this, doubled up to an hour.
const AGAIN_MS: u64 = 60_000;
const AGAIN_MS_MAX: u64 = 60 * 60 * 1_000;

/// Looks until the process ends.
pub async fn watch(app: Arc<App>) {
    loop {
        if let Err(error) = look(&app, db::now()).await {
            tracing::warn!(%error, "days that are over were not closed");
        }
        tokio::time::sleep(Duration::from_millis(app.config.durations.daily_look_ms)).await;
    }
}

/// Takes in what has come, closes what is over, tells what is missing.
///
/// # Errors
/// The database is down.
pub async fn look(app: &App, now: Millis) -> Result<(), Error> {
    let directory = app.config.bank.as_ref().and_then(|bank| bank.statements.clone());
    if let Some(directory) = directory {
        inbox::files(app, &directory, now).await?;
    }
    enlist(app, now).await?;
    let sql = "select account, source, next_day, alerted_day, due, attempts from daily_close \
               where due <= $1 order by due";
    for row in app.db.read(sql, values![now]).await? {
        let (account, source) = (db::number(&row, "account")?, db::text(&row, "source")?);
        let (due, attempts) = (db::number(&row, "due")?, db::number(&row, "attempts")?);
        let mut tx = app.db.begin().await?;
        let sql = "update daily_close set due = $1 where account = $2 and source = $3 \
                   and due = $4";
        let until = now.plus(LEASE_MS);
        if tx.write(sql, values![until, account, source.as_str(), due]).await? != 1 {
            continue;
        }
        tx.commit().await?;
        let day = u32::try_from(db::number(&row, "next_day")?).unwrap_or(u32::MAX);
        let told = db::maybe_number(&row, "alerted_day")? == Some(u64::from(day));
        let mut due = Due { account, source, day, attempts, told };
        due.settle(app, now).await?;
    }
    Ok(())
}

/// Every gateway has a row, from the day on which it is first seen.
async fn enlist(app: &App, now: Millis) -> Result<(), Error> {
    let today = now.day();
    for gateway in app.gateways.iter().filter(|gateway| gateway.name() != bank::NAME) {
        let sql = "select account from daily_close where account = 0 and source = $1";
        if !app.db.read(sql, values![gateway.name()]).await?.is_empty() {
            continue;
        }
        let due = ends(u32::try_from(today).unwrap_or(0), app.config.durations.report_delay_ms);
        insert(app, 0, gateway.name(), today, due).await?;
    }
    Ok(())
}

async fn insert(app: &App, account: u64, source: &str, day: u64, due: Millis) -> Result<(), Error> {
    let mut tx = app.db.begin().await?;
    let sql = "insert into daily_close (account, source, next_day, due, attempts) \
               values ($1, $2, $3, $4, 0) on conflict do nothing";
    tx.write(sql, values![account, source, day, due]).await?;
    tx.commit().await
}

/// So long after a day.
fn ends(day: u32, after_ms: u64) -> Millis {
    begins(day).plus(DAY_MS).plus(after_ms)
}

/// The next day on which a bank books: not a Saturday, not a Sunday. 1970 began on a Thursday.
fn next_of_bank(day: u32) -> u32 {
    let next = day.saturating_add(1);
    match next.saturating_add(3) % 7 {
        5 => next.saturating_add(2),
        6 => next.saturating_add(1),
        _ => next,
    }
}

/// A source whose day may be over.
struct Due {
    account: u64,
    source: String,
    day: u32,
    attempts: u64,
    told: bool,
}

impl Due {
    async fn settle(&mut self, app: &App, now: Millis) -> Result<(), Error> {
        let durations = &app.config.durations;
        let is_file = self.source == DIRECTORY;
        let closed = match is_file {
            true => false,
            false => match close_gateway(app, &self.source, self.day).await {
                Ok(()) => true,
                Err(why) => {
                    tracing::warn!(source = self.source, why, "a report has not come");
                    false
                }
            },
        };
        if closed {
            let next = self.day.saturating_add(1);
            return self.write(app, next, ends(next, durations.report_delay_ms), 0).await;
        }
        if !self.told && now >= ends(self.day, durations.report_due_ms) {
            self.told = true;
            tracing::error!(
                code = "report-missing",
                source = self.source,
                account = account_id(self.account),
                day = written(self.day),
                "the day's report has not come"
            );
        }
        let attempts = u32::try_from(self.attempts).unwrap_or(u32::MAX);
        let wait = backoff_ms(attempts, AGAIN_MS, AGAIN_MS_MAX, rand::random());
        let due = ends(self.day, durations.report_due_ms);
        // A file is waited for until it should have come; a gateway is asked again.
        let due = if is_file && now < due { due } else { now.plus(wait) };
        self.write(app, self.day, due, self.attempts.saturating_add(1)).await
    }

    async fn write(&self, app: &App, day: u32, due: Millis, attempts: u64) -> Result<(), Error> {
        let told = self.told.then_some(u64::from(self.day));
        let mut tx = app.db.begin().await?;
        let sql = "update daily_close set next_day = $1, due = $2, attempts = $3, \
                   alerted_day = $4 where account = $5 and source = $6 and next_day = $7";
        let key = values![self.account, self.source.as_str(), self.day];
        let row = [values![day, due, attempts, told], key].concat();
        tx.write(sql, row).await?;
        tx.commit().await
    }
}

/// Asks a gateway for its report of a day, books what it tells of payments (what was taken, kept,
/// given back and came back; what is at our disposal, from when it is), and closes the day.
///
/// # Errors
/// Why not: it is tried again.
pub async fn close_gateway(app: &App, name: &str, day: u32) -> Result<(), String> {
    let Some(gateway) = app.gateways.get(name) else {
        return Err("the gateway is not configured here".into());
    };
    let timeout = Duration::from_millis(app.config.durations.stream_timeout_ms);
    let lines = tokio::time::timeout(timeout, gateway.report(begins(day))).await;
    let lines = lines.map_err(|_| "no answer in time")?.map_err(|error| error.to_string())?;
    // What came back is told after what went: the entries then are those of the report.
    let mut told: Vec<&Line> = lines.iter().collect();
    told.sort_by_key(|line| (line.at, line.purpose == Purpose::Refund && line.amount > 0));
    for line in told {
        book(app, name, line).await?;
    }
    let asked = Asked {
        account: 0,
        from: None,
        day: Some(day),
        window_days: WINDOW_DAYS_DEFAULT,
        closes: true,
    };
    let lines = (1..).zip(lines).map(|(n, line)| of_gateway(n, line)).collect();
    let statement = Statement { is_whole: true, lines, ..Statement::default() };
    let job = Job {
        source: Source::Gateway(name.into()),
        name: name.into(),
        format: "report",
        digest: format!("{name}/{day}"),
        asked,
        statement,
        by: "system".into(),
        request: String::new(),
    };
    finish(app, job).await
}

/// Has a job done, once.
async fn finish(app: &App, job: Job) -> Result<(), String> {
    let account = match &job.source {
        Source::Account(account) => account.id,
        Source::Gateway(_) => 0,
    };
    let broken = |error: Error| error.to_string();
    if run::known(app, account, &job.digest).await.map_err(broken)?.is_some() {
        return Ok(());
    }
    let begun = run::begin(app, job).await.map_err(broken)?;
    let begun = begun.ok_or("another reconciliation of it is under way")?;
    let id = begun.id;
    run::finish(app, begun).await;
    let view: Result<ReconciliationView, Failure> = shown::one(app, id, None).await;
    match view.map_err(|failure| failure.problem().detail)?.state {
        State::Done => Ok(()),
        _ => Err(format!("{} failed", reconciliation_id(id))),
    }
}

fn of_gateway(n: u64, line: Line) -> StatementLine {
    StatementLine {
        line: n,
        references: line.reference.into_iter().collect(),
        texts: Vec::new(),
        batch: String::new(),
        returned: String::new(),
        id: line.id,
        amount: line.amount,
        currency: line.currency,
        day: u32::try_from(line.at.day()).unwrap_or(u32::MAX),
    }
}

/// The payment is told what the line says, which it may know already; and when the amount will be
/// at our disposal.
async fn book(app: &App, gateway: &str, line: &Line) -> Result<(), String> {
    if let Some(report) = line.happened() {
        match said::apply(app, gateway, report).await {
            Ok(()) => {}
            Err(said::Unapplied::Later(why)) => return Err(why),
            // A line about nothing of ours is a finding of the reconciliation.
            Err(said::Unapplied::Never(why)) => {
                tracing::warn!(gateway, line = line.id, why, "a line was not booked");
                return Ok(());
            }
        }
    }
    if let Some((at, report)) = line.settles() {
        let name = format!("settled:{}", line.id);
        let noted = said::note(app, gateway, &name, at, &report).await;
        noted.map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// After a statement the next day's is awaited.
async fn awaited(app: &App, account: u64) -> Result<(), Error> {
    let sql = "select max(day) as day from closed_day where account = $1 and source = ''";
    let rows = app.db.read(sql, values![account]).await?;
    let day = rows.first().map(|row| db::maybe_number(row, "day")).transpose()?.flatten();
    let Some(day) = day else { return Ok(()) };
    let next = next_of_bank(u32::try_from(day).unwrap_or(u32::MAX));
    let due = ends(next, app.config.durations.report_due_ms);
    let mut tx = app.db.begin().await?;
    let sql = "update daily_close set next_day = $1, due = $2, attempts = 0 \
               where account = $3 and source = $4 and next_day < $5";
    tx.write(sql, values![next, due, account, DIRECTORY, next]).await?;
    tx.commit().await
}

/// The bank's name of an account, where the operator has said it.
///
/// # Errors
/// The database is down.
pub async fn bank_account(app: &App, account: u64) -> Result<Option<String>, Error> {
    let sql = "select bank_account from statement_account where account = $1";
    let rows = app.db.read(sql, values![account]).await?;
    rows.first().map(|row| db::text(row, "bank_account")).transpose()
}

/// `PUT /admin/statement-accounts/{id}`
pub async fn put(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let account = parse("acc", call.segment(0)).ok_or_else(no_account)?;
    let asked: StatementAccount = body::parse(&call.body)?;
    let name: String = asked.bank_account.chars().filter(|c| !c.is_whitespace()).collect();
    let count = name.chars().count();
    if !(1..=NAME_CHARS_MAX).contains(&count) || name.chars().any(char::is_control) {
        let detail = format!("must be 1 to {NAME_CHARS_MAX} characters, none of control");
        let error = FieldError { pointer: "/bank_account".into(), detail };
        return Err(Problem::fields(&INVALID, vec![error]).into());
    }
    ours::account(app, account).await?.ok_or_else(no_account)?;
    let sql = "select account from statement_account where bank_account = $1 and account <> $2";
    if !app.db.read(sql, values![name.as_str(), account]).await?.is_empty() {
        let detail = "another account has these statements".into();
        let error = FieldError { pointer: "/bank_account".into(), detail };
        return Err(Problem::fields(&INVALID, vec![error]).into());
    }
    let now = db::now();
    let mut tx = app.db.begin().await?;
    let sql = "insert into statement_account (account, bank_account, created_at) \
               values ($1, $2, $3) on conflict (account) do update \
               set bank_account = excluded.bank_account";
    tx.write(sql, values![account, name.as_str(), now]).await?;
    tx.commit().await?;
    let today = u32::try_from(now.day()).unwrap_or(0);
    let first = next_of_bank(today.saturating_sub(1));
    let due = ends(first, app.config.durations.report_due_ms);
    insert(app, account, DIRECTORY, u64::from(first), due).await?;
    Ok(Envelope::json(200, &StatementAccount { bank_account: name }))
}

/// `GET /admin/daily-closes`
pub async fn list(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let ask = roads::ask(call, &[])?;
    let after = ask.after.as_deref().and_then(|after| after.split_once('.'));
    let account: i64 = after.and_then(|(account, _)| account.parse().ok()).unwrap_or(-1);
    let source = after.map_or("", |(_, source)| source);
    let sql = "select account, source, next_day from daily_close \
               where (account, source) > ($1, $2) order by account, source limit $3";
    let rows = app.db.read(sql, values![account, source, ask.rows()]).await?;
    let (now, due) = (db::now(), app.config.durations.report_due_ms);
    let items = rows.iter().map(|row| {
        let day = u32::try_from(db::number(row, "next_day")?).unwrap_or(u32::MAX);
        let (account, source) = (db::number(row, "account")?, db::text(row, "source")?);
        let shown = DailyClose {
            account: (account > 0).then(|| account_id(account)),
            source: source.clone(),
            next_day: written(day),
            overdue: now >= ends(day, due),
        };
        Ok((format!("{account}.{source}"), shown))
    });
    let page = ask.page(items.collect::<Result<Vec<_>, Error>>()?, |(key, _)| key.clone());
    let items = page.items.into_iter().map(|(_, shown)| shown).collect();
    Ok(Envelope::json(200, &Page::<DailyClose> { items, next_cursor: page.next_cursor }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::payments::reconcile::statement::day;

    #[test]
    fn p22_a_bank_books_on_working_days() {
        let next = |text: &str| written(next_of_bank(day(text).unwrap()));
        assert_eq!(next("2026-11-19"), "2026-11-20");
        assert_eq!(next("2026-11-20"), "2026-11-23", "over a weekend");
        assert_eq!(next("2026-11-21"), "2026-11-23");
        assert_eq!(next("2026-11-22"), "2026-11-23");
    }
}
