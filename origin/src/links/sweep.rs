//! The sweep: rows of links that are over shrink to tombstones (L22).
//!
//! Invariant: a tombstone keeps its code for ever, and the answer stays 410; batches are small,
//! each is a transaction, and replicas pass over each other's (`skip locked`).

use crate::app::App;
use crate::db::{self, Error, Value};
use crate::{outbox, values};
use shared::time::{DAY_MS, Millis};

/// Rows of one transaction: short enough that creations do not wait.
const BATCH: u64 = 200;
/// An expired link can be given a new expiry this long.
const KEEP_MS: u64 = 30 * DAY_MS;

/// Shrinks what is over, batch by batch; how many rows.
///
/// # Errors
/// The database is down; what was swept stays swept.
pub async fn sweep(app: &App, now: Millis) -> Result<u64, Error> {
    let mut swept = 0;
    loop {
        let count = batch(app, now).await?;
        swept += count;
        if count < BATCH {
            return Ok(swept);
        }
    }
}

async fn batch(app: &App, now: Millis) -> Result<u64, Error> {
    let before = Millis(now.0.saturating_sub(KEEP_MS));
    let mut tx = app.db.begin().await?;
    let lock = tx.skip_locked();
    let sql = format!(
        "select id from link where swept_at is null and (expires_at < $1 or deleted_at < $1) \
         order by id limit {BATCH}{lock}"
    );
    let rows = tx.read(&sql, values![before]).await?;
    if rows.is_empty() {
        return Ok(0);
    }
    let mut ids = Vec::with_capacity(rows.len());
    for row in &rows {
        ids.push(Value::from(db::number(row, "id")?));
    }
    let count = ids.len() as u64;
    let names: Vec<String> = (3..ids.len() + 3).map(|n| format!("${n}")).collect();
    let one_of = names.join(", ");
    let sql = format!(
        "update link set long_url = '', title = null, tags = '[]', rules = null, \
         fallback_url = null, external_id = null, password_hash = null, likeness = 0, \
         swept_at = $1, deleted_at = coalesce(deleted_at, $2), version = version + 1 \
         where id in ({one_of})"
    );
    let mut values = values![now, now];
    values.extend(ids.iter().cloned());
    tx.write(&sql, values).await?;
    let registers = super::store::registers(&mut tx, ids).await?;
    outbox::append(&mut tx, app, &registers, now).await?;
    tx.commit().await?;
    app.outbox_news.notify_one();
    Ok(count)
}
