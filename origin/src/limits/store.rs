//! The rows of policies: loaded, committed, listed, replayed.
//!
//! Invariant: who changes a policy holds the row of its application; so changes of one application
//! pass one by one, and it never has more than its number.

use crate::app::App;
use crate::db::{self, Db, Error, Tx};
use crate::{outbox, values};
use shared::limits::publish::{Action, Row};
use shared::page::Ask;
use shared::roads::{Answer, Register};
use shared::sign::Context;
use shared::time::Millis;
use sqlx::any::AnyRow;

const COLUMNS: &str = "app, name, policy, version, created_at, updated_at";
/// Rows of one page of a replay.
const REPLAY_PAGE: u64 = 500;

/// Waits until nobody else changes the application's policies.
///
/// # Errors
/// The database is down.
pub async fn lock(tx: &mut Tx<'_>, app: &str) -> Result<(), Error> {
    // An update that leaves the key alone waits for no reference to the row.
    tx.write("update application set tier = tier where id = $1", values![app]).await?;
    Ok(())
}

/// One row, and how many policies the application has.
///
/// # Errors
/// The database is down.
pub async fn load(tx: &mut Tx<'_>, app: &str, name: &str) -> Result<(Option<Row>, u64), Error> {
    let sql = format!("select {COLUMNS} from limit_policy where app = $1 and name = $2");
    let rows = tx.read(&sql, values![app, name]).await?;
    let row = rows.first().map(read_row).transpose()?;
    let sql = "select count(policy) as live from limit_policy where app = $1";
    let rows = tx.read(sql, values![app]).await?;
    Ok((row, rows.first().map_or(Ok(0), |row| db::number(row, "live"))?))
}

/// Writes what became of a policy, and who made it so from what.
///
/// # Errors
/// The database is down.
pub async fn commit(
    tx: &mut Tx<'_>,
    app: &App,
    (row, action, before): (&Row, Action, Option<&Row>),
    context: &Context,
) -> Result<(), Error> {
    let text = |row: &Row| row.policy.as_ref().map(serde_json::to_string).transpose();
    let sql = "insert into limit_policy (app, name, policy, version, created_at, updated_at) \
               values ($1, $2, $3, $4, $5, $6) on conflict (app, name) do update set \
               policy = excluded.policy, version = excluded.version, \
               created_at = excluded.created_at, updated_at = excluded.updated_at";
    let Row { app: owner, name, version, created_at, updated_at, .. } = row;
    let (owner, name) = (owner.as_str(), name.as_str());
    tx.write(sql, values![owner, name, text(row)?, *version, *created_at, *updated_at]).await?;
    let sql = "insert into limit_policy_change \
               (id, app, name, version, action, principal, request_id, before, created_at) \
               values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let values = values![
        app.ids.next().await?,
        owner,
        name,
        *version,
        action.name(),
        context.principal.as_str(),
        context.request_id.as_str(),
        before.map(text).transpose()?.flatten(),
        *updated_at,
    ];
    tx.write(sql, values).await?;
    Ok(())
}

fn read_row(row: &AnyRow) -> Result<Row, Error> {
    Ok(Row {
        app: db::text(row, "app")?,
        name: db::text(row, "name")?,
        policy: match db::maybe_text(row, "policy")? {
            None => None,
            Some(text) => Some(serde_json::from_str(&text)?),
        },
        version: db::number(row, "version")?,
        created_at: Millis(db::number(row, "created_at")?),
        updated_at: Millis(db::number(row, "updated_at")?),
    })
}

/// One row, tombstone or not.
///
/// # Errors
/// The database is down.
pub async fn find(db: &Db, app: &str, name: &str) -> Result<Option<Row>, Error> {
    let sql = format!("select {COLUMNS} from limit_policy where app = $1 and name = $2");
    db.read(&sql, values![app, name]).await?.first().map(read_row).transpose()
}

/// One page and one row more, by name, without tombstones.
///
/// # Errors
/// The database is down.
pub async fn list(db: &Db, app: &str, ask: &Ask) -> Result<Vec<Row>, Error> {
    let sql = format!(
        "select {COLUMNS} from limit_policy where app = $1 and name > $2 \
         and policy is not null order by name limit $3"
    );
    let after = ask.after.clone().unwrap_or_default();
    db.read(&sql, values![app, after, ask.rows()]).await?.iter().map(read_row).collect()
}

/// What the truth knows of a register's key.
///
/// # Errors
/// The database is down.
pub async fn ask(app: &App, key: &str) -> Result<Answer, Error> {
    let Some((owner, name)) = key.split_once('/') else { return Ok(Answer::Absent) };
    let sql = format!(
        "select {COLUMNS}, (select value from fact where name = 'epoch') as epoch \
         from limit_policy where app = $1 and name = $2"
    );
    let rows = app.db.read(&sql, values![owner, name]).await?;
    let Some(row) = rows.first() else { return Ok(Answer::Absent) };
    Ok(Answer::Register(read_row(row)?.register(outbox::read_epoch(row)?)))
}

/// Posts every policy again, tombstones too.
///
/// # Errors
/// The database is down.
pub async fn replay(app: &App) -> Result<u64, Error> {
    let sql = format!(
        "select {COLUMNS} from limit_policy where (app, name) > ($1, $2) \
         order by app, name limit {REPLAY_PAGE}"
    );
    let (mut posted, mut after) = (0, (String::new(), String::new()));
    loop {
        let mut tx = app.db.begin().await?;
        let epoch = outbox::epoch(&mut tx).await?;
        let rows = tx.read(&sql, values![after.0, after.1]).await?;
        let rows = rows.iter().map(read_row).collect::<Result<Vec<_>, _>>()?;
        let Some(last) = rows.last() else { return Ok(posted) };
        after = (last.app.clone(), last.name.clone());
        let registers: Vec<Register> = rows.iter().map(|row| row.register(epoch)).collect();
        outbox::append(&mut tx, app, &registers, db::now()).await?;
        tx.commit().await?;
        posted += registers.len() as u64;
    }
}
