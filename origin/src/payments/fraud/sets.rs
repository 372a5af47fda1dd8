//! The rows of rule sets: read by payments, changed under their lock, replayed.
//!
//! Invariant: set, record and register are written in one transaction.

use crate::app::App;
use crate::db::{self, Db, Error, Tx};
use crate::{outbox, values};
use shared::payments::fraud::publish::{Action, Set};
use shared::payments::fraud::wire::VersionView;
use shared::payments::ledger::Actor;
use shared::roads::{Answer, Register};
use shared::time::Millis;
use sqlx::any::AnyRow;

/// Rows of one page of a replay.
const REPLAY_PAGE: u64 = 100;

fn read_set(row: &AnyRow) -> Result<Set, Error> {
    let rules = serde_json::from_str(&db::text(row, "rules")?)?;
    Ok(Set { version: db::number(row, "version")?, rules })
}

/// The application's rules; the one look-up that each payment costs.
///
/// # Errors
/// The database is down.
pub async fn find(db: &Db, app: &str) -> Result<Set, Error> {
    let sql = "select version, rules from fraud_set where app = $1";
    let rows = db.read(sql, values![app]).await?;
    rows.first().map_or_else(|| Ok(Set::default()), read_set)
}

/// The same, for a change: nobody else changes it meanwhile.
///
/// # Errors
/// The database is down.
pub async fn lock(tx: &mut Tx<'_>, app: &str) -> Result<Set, Error> {
    let sql = "insert into fraud_set (app, version, rules, updated_at) \
               values ($1, 0, '[]', 0) on conflict (app) do nothing";
    tx.write(sql, values![app]).await?;
    let lock = tx.for_update();
    let sql = format!("select version, rules from fraud_set where app = $1{lock}");
    let rows = tx.read(&sql, values![app]).await?;
    read_set(rows.first().ok_or_else(|| Error::Stored("the rules vanished".into()))?)
}

/// Writes what became of a set, which rule it was about, and who made it so.
///
/// # Errors
/// The database is down.
pub async fn commit(
    tx: &mut Tx<'_>,
    set: &Set,
    (name, action): (&str, Action),
    by: &Actor,
    now: Millis,
) -> Result<(), Error> {
    let app = by.app.as_str();
    let rules = serde_json::to_string(&set.rules)?;
    let sql = "update fraud_set set version = $1, rules = $2, updated_at = $3 where app = $4";
    tx.write(sql, values![set.version, rules, now, app]).await?;
    let rule = set.find(name).ok().map(|named| serde_json::to_string(&named.rule)).transpose()?;
    let action = serde_json::to_string(&action)?;
    let sql = "insert into fraud_change \
               (app, version, name, action, rule, principal, request_id, created_at) \
               values ($1, $2, $3, $4, $5, $6, $7, $8)";
    let values = values![
        app,
        set.version,
        name,
        action.trim_matches('"'),
        rule,
        by.by.as_str(),
        by.request.as_str(),
        now,
    ];
    tx.write(sql, values).await?;
    Ok(())
}

/// Versions of a rule, newest first, below one.
///
/// # Errors
/// The database is down.
pub async fn versions(
    db: &Db,
    (app, name): (&str, &str),
    below: u64,
    count: u64,
) -> Result<Vec<VersionView>, Error> {
    let sql = "select name, version, action, rule, principal, request_id, created_at \
               from fraud_change where app = $1 and name = $2 and version < $3 \
               order by version desc limit $4";
    let rows = db.read(sql, values![app, name, below, count]).await?;
    rows.iter().map(read_version).collect()
}

fn read_version(row: &AnyRow) -> Result<VersionView, Error> {
    let rule = db::maybe_text(row, "rule")?;
    Ok(VersionView {
        name: db::text(row, "name")?,
        version: db::number(row, "version")?,
        action: serde_json::from_str(&format!("\"{}\"", db::text(row, "action")?))?,
        rule: rule.map(|text| serde_json::from_str(&text)).transpose()?,
        at: Millis(db::number(row, "created_at")?),
        by: db::text(row, "principal")?,
        request_id: db::text(row, "request_id")?,
    })
}

/// What the truth knows of a register's key.
///
/// # Errors
/// The database is down.
pub async fn ask(app: &App, key: &str) -> Result<Answer, Error> {
    let sql = "select version, rules, (select value from fact where name = 'epoch') as epoch \
               from fraud_set where app = $1 and version > 0";
    let rows = app.db.read(sql, values![key]).await?;
    let Some(row) = rows.first() else { return Ok(Answer::Absent) };
    Ok(Answer::Register(read_set(row)?.register(key, outbox::read_epoch(row)?)))
}

/// Posts every set again.
///
/// # Errors
/// The database is down.
pub async fn replay(app: &App) -> Result<u64, Error> {
    let sql = format!(
        "select app, version, rules from fraud_set where app > $1 and version > 0 \
         order by app limit {REPLAY_PAGE}"
    );
    let (mut posted, mut after) = (0, String::new());
    loop {
        let mut tx = app.db.begin().await?;
        let epoch = outbox::epoch(&mut tx).await?;
        let mut registers: Vec<Register> = Vec::new();
        for row in tx.read(&sql, values![after.clone()]).await? {
            after = db::text(&row, "app")?;
            registers.push(read_set(&row)?.register(&after, epoch));
        }
        if registers.is_empty() {
            return Ok(posted);
        }
        outbox::append(&mut tx, app, &registers, db::now()).await?;
        tx.commit().await?;
        posted += registers.len() as u64;
    }
}
