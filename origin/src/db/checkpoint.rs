//! SQLite's log, carried into the database beside the writer.
//!
//! Invariant: no commit waits for it: a passive checkpoint moves what it can and holds up nobody.
//! The writer's own checkpoint, at four times as much, only ends what this one left.

use super::{Db, Engine};
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::sleep;

/// At 5,000 transfers a second 20 MiB of log, in which a hot page stands many times and is moved
/// once.
const EVERY: Duration = Duration::from_secs(1);

/// Moves what was written, until the process ends.
pub async fn run(db: std::sync::Arc<Db>) {
    if db.engine != Engine::Sqlite {
        return;
    }
    loop {
        sleep(EVERY).await;
        if !db.is_written.swap(false, Ordering::Relaxed) {
            continue;
        }
        let moved = sqlx::query("pragma wal_checkpoint(passive)").execute(&db.pool).await;
        if let Err(error) = moved {
            tracing::warn!(%error, "the log was not moved; the writer does it");
        }
    }
}
