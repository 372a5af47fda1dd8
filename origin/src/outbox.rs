//! The outbox: registers on their way down, and the relay that carries them.
//!
//! Invariant: a row is written in the transaction of what it describes. Rules are
//! [`shared::roads::relay`]'s; this is its driver: lease, send, settle, each in one transaction.
//! Several replicas relay at once: each leases what no other holds (`skip locked`).

use crate::app::App;
use crate::db::{self, Error, Tx, Value};
use crate::edge;
use crate::values;
use shared::machine::{At, Machine, turn};
use shared::roads::relay::{Input, Key, Relay, Row, Send, View, Write};
use shared::roads::{Outcome, PROJECTIONS_MAX, PROJECTIONS_PATH, Register, Stamp};
use shared::time::Millis;
use sqlx::any::AnyRow;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// Rows that another replica wrote are found by looking this often.
const LOOK_MS: u64 = 500;
/// Ids that a restore passes over, because the edge may have seen their codes since the backup:
/// ten days at 100 M links a day, 1 of 3,500 of all codes.
const CODES_SKIPPED: u64 = 1_000_000_000;

/// Appends registers in the transaction that changed their rows, to be sent from `due` on.
///
/// # Errors
/// The database is down, or no id can be drawn.
pub async fn append(
    tx: &mut Tx<'_>,
    app: &App,
    registers: &[Register],
    due: Millis,
) -> Result<(), Error> {
    if registers.is_empty() {
        return Ok(());
    }
    let now = db::now();
    let mut rows = Vec::with_capacity(registers.len());
    for register in registers {
        let Stamp { epoch, version } = register.stamp;
        let (product, key) = (register.product.as_str(), register.key.as_str());
        let id = app.ids.next().await?;
        let value = register.value.clone();
        rows.push(values![id, product, key, epoch, version, value, 0u64, due, now]);
    }
    let sql = "insert into outbox \
               (id, product, key, epoch, version, value, attempts, due, created_at) values";
    tx.insert(sql, rows, "").await?;
    Ok(())
}

/// The epoch that registers carry.
///
/// # Errors
/// The database is down.
pub async fn epoch(tx: &mut Tx<'_>) -> Result<u32, Error> {
    let rows = tx.read("select value as epoch from fact where name = 'epoch'", vec![]).await?;
    read_epoch(rows.first().ok_or_else(|| Error::Stored("the epoch is missing".into()))?)
}

/// The epoch in a row that was read with it.
///
/// # Errors
/// The row has no `epoch`, or none that fits.
pub fn read_epoch(row: &AnyRow) -> Result<u32, Error> {
    u32::try_from(db::number(row, "epoch")?).map_err(|_| Error::Stored("the epoch".into()))
}

/// Relays until the process ends.
pub async fn relay(app: Arc<App>) {
    loop {
        let wait_ms = match round(&app).await {
            Ok(wait_ms) => wait_ms,
            Err(error) => {
                tracing::error!(%error, "the relay cannot reach the database");
                LOOK_MS
            }
        };
        let news = app.outbox_news.notified();
        let _ = tokio::time::timeout(Duration::from_millis(wait_ms), news).await;
    }
}

/// Leases, sends and settles once; how long nothing is due.
async fn round(app: &App) -> Result<u64, Error> {
    let (sends, deadline) = step(app, Input::Wake).await?;
    let idle = sends.is_empty();
    for Send(rows) in sends {
        let ids = rows.iter().map(|(id, _)| *id).collect();
        let registers: Vec<&Register> = rows.iter().map(|(_, register)| register).collect();
        let input = match send(app, &registers).await {
            Ok(outcomes) if outcomes.len() == rows.len() => {
                app.metrics.relayed.inc_by(outcomes.len() as u64);
                Input::Answered(rows.into_iter().map(|(id, _)| id).zip(outcomes).collect())
            }
            Ok(_) => Input::Failed(ids),
            Err(error) => {
                app.metrics.relay_failures.inc();
                tracing::warn!(%error, rows = rows.len(), "the edge did not take projections");
                Input::Failed(ids)
            }
        };
        step(app, input).await?;
    }
    let wait_ms = deadline.map_or(LOOK_MS, |due| due.since(db::now()).clamp(1, LOOK_MS));
    Ok(if idle { wait_ms } else { 0 })
}

async fn step(app: &App, input: Input) -> Result<(Vec<Send>, Option<Millis>), Error> {
    let relay = Relay { durations: app.config.durations.clone() };
    let mut keys = BTreeSet::new();
    relay.reads(&input, &mut keys);
    if matches!(input, Input::Wake) && !any_due(app).await? {
        return Ok((Vec::new(), None));
    }
    let mut tx = app.db.begin().await?;
    let mut view = load(&mut tx, &keys).await?;
    let at = At { now: db::now(), draw: rand::random() };
    let turn = turn(&relay, &mut view, at, [input]);
    commit(&mut tx, &turn.writes).await?;
    tx.commit().await?;
    Ok((turn.tells, turn.deadline.map(|(due, _)| due)))
}

/// A look without the writer's lock, so that an idle relay costs writers nothing.
async fn any_due(app: &App) -> Result<bool, Error> {
    let sql = "select id from outbox where parked is null and due <= $1 limit 1";
    Ok(!app.db.read(sql, values![db::now()]).await?.is_empty())
}

const COLUMNS: &str = "id, product, key, epoch, version, value, attempts, due";

async fn load(tx: &mut Tx<'_>, keys: &BTreeSet<Key>) -> Result<View, Error> {
    let ids: Vec<i64> = keys
        .iter()
        .filter_map(|key| match key {
            Key::Row(id) => Some(*id),
            Key::Due => None,
        })
        .collect();
    let (sql, values) = if keys.contains(&Key::Due) {
        let lock = tx.skip_locked();
        let sql = format!(
            "select {COLUMNS} from outbox where parked is null order by due \
             limit {PROJECTIONS_MAX}{lock}"
        );
        (sql, vec![])
    } else {
        let one_of = db::placeholders(1, ids.len());
        let lock = tx.for_update();
        let sql = format!("select {COLUMNS} from outbox where id in {one_of} order by id{lock}");
        (sql, ids.into_iter().map(Value::Int).collect())
    };
    let mut view = View::default();
    for row in tx.read(&sql, values).await? {
        let row = read_row(&row)?;
        view.rows.insert(row.id, row);
    }
    Ok(view)
}

fn read_row(row: &AnyRow) -> Result<Row, Error> {
    let small = |name: &str| {
        let number = db::number(row, name)?;
        u32::try_from(number).map_err(|_| Error::Stored(format!("{name} is too large")))
    };
    Ok(Row {
        id: i64::try_from(db::number(row, "id")?).unwrap_or(i64::MAX),
        register: Register {
            product: db::text(row, "product")?,
            key: db::text(row, "key")?,
            stamp: Stamp { epoch: small("epoch")?, version: db::number(row, "version")? },
            value: db::maybe_text(row, "value")?,
        },
        attempts: small("attempts")?,
        due: Millis(db::number(row, "due")?),
    })
}

async fn commit(tx: &mut Tx<'_>, writes: &[Write]) -> Result<(), Error> {
    let (mut settled, mut postponed) = (Vec::new(), Vec::new());
    for write in writes {
        match write {
            Write::Settled(id) => settled.push(Value::Int(*id)),
            Write::Parked(id, why) => {
                let sql = "update outbox set parked = $1 where id = $2";
                tx.write(sql, values![why.as_str(), *id]).await?;
                tracing::error!(id, why, "the edge refused a projection; it is parked");
            }
            Write::Postponed { id, attempts, due } => postponed.push((*attempts, *due, *id)),
        }
    }
    if !settled.is_empty() {
        let one_of = db::placeholders(1, settled.len());
        tx.write(&format!("delete from outbox where id in {one_of}"), settled).await?;
    }
    // Rows of one lease mostly share attempts and due: a statement per distinct pair.
    postponed.sort_unstable();
    for group in postponed.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
        let Some((attempts, due, _)) = group.first() else { continue };
        let ids: Vec<String> = (3..group.len() + 3).map(|n| format!("${n}")).collect();
        let sql =
            format!("update outbox set attempts = $1, due = $2 where id in ({})", ids.join(", "));
        let mut values = values![*attempts, *due];
        values.extend(group.iter().map(|(_, _, id)| Value::Int(*id)));
        tx.write(&sql, values).await?;
    }
    Ok(())
}

async fn send(app: &App, registers: &[&Register]) -> Result<Vec<Outcome>, edge::Error> {
    let body = serde_json::to_vec(registers).unwrap_or_default();
    Ok(edge::post(app, PROJECTIONS_PATH, body).await?.json().await?)
}

/// Posts every register again; `new_epoch` (after a restore) raises the epoch first, and draws
/// codes from beyond any that was issued after the backup. How many were posted.
///
/// # Errors
/// The database is down; what was posted stays posted, another replay does no harm.
pub async fn replay(app: &App, new_epoch: bool) -> Result<u64, Error> {
    if new_epoch {
        let mut tx = app.db.begin().await?;
        tx.write("update fact set value = value + 1 where name = 'epoch'", vec![]).await?;
        let skip = "update code_range set next = next + $1 where id = 1";
        tx.write(skip, values![CODES_SKIPPED]).await?;
        tx.commit().await?;
    }
    let links = crate::links::store::replay(app).await?;
    let limits = crate::limits::store::replay(app).await?;
    let fraud = crate::payments::fraud::sets::replay(app).await?;
    let videos = crate::video::row::replay(app).await?;
    Ok(crate::keys::replay(app).await? + links + limits + fraud + videos)
}
