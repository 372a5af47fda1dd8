//! Retention of usage: slots for 48 hours, keys by the hour for 7 days, then gone.
//!
//! Invariant: batches are small, each is a transaction, and replicas pass over each other's rows
//! (`skip locked`).

use crate::app::App;
use crate::db::Error;
use crate::values;
use shared::time::{DAY_MS, HOUR_MS, Millis};

/// Twice the longest window that usage is asked for.
const SLOTS_KEPT_MS: u64 = 48 * HOUR_MS;
const KEYS_KEPT_MS: u64 = 7 * DAY_MS;
/// Rows of one transaction: short enough that deliveries do not wait.
const BATCH: u64 = 2_000;

/// Forgets what is over, batch by batch; how many rows.
///
/// # Errors
/// The database is down; what is gone stays gone.
pub async fn forget(app: &App, now: Millis) -> Result<u64, Error> {
    let before = |kept_ms: u64| now.0.saturating_sub(kept_ms);
    let slots = ("limit_usage", "app, policy, slot", "slot");
    let keys = ("limit_usage_key", "app, policy, hour, key_hash", "hour");
    Ok(forget_all(app, slots, before(SLOTS_KEPT_MS)).await?
        + forget_all(app, keys, before(KEYS_KEPT_MS)).await?)
}

async fn forget_all(
    app: &App,
    (table, key, moment): (&str, &str, &str),
    before: u64,
) -> Result<u64, Error> {
    let mut gone = 0;
    loop {
        let mut tx = app.db.begin().await?;
        let lock = tx.skip_locked();
        let sql = format!(
            "delete from {table} where ({key}) in (select {key} from {table} \
             where {moment} < $1 order by {moment} limit {BATCH}{lock})"
        );
        let count = tx.write(&sql, values![before]).await?;
        tx.commit().await?;
        gone += count;
        if count < BATCH {
            return Ok(gone);
        }
    }
}
