//! Holds whose time is over are released, within a moment.
//!
//! Invariant: that a hold is over is decided by its moment, not by this; a second look, or another
//! replica's at the same time, finds it released and does nothing.

use crate::app::App;
use crate::db::{self, Error};
use crate::values;
use shared::payments::ledger::{Actor, Ending, Input};
use std::sync::Arc;
use std::time::Duration;

/// What is over reserves nothing for longer than this.
const LOOK: Duration = Duration::from_millis(500);
/// Holds of one look; more are found by the next, which follows at once.
const DUE_MAX: u64 = 200;

/// Looks until the process ends.
pub async fn watch(app: Arc<App>) {
    loop {
        match expire(&app).await {
            Ok(count) if count == DUE_MAX => {}
            Ok(_) => tokio::time::sleep(LOOK).await,
            Err(error) => {
                tracing::warn!(%error, "holds that are over were not released");
                tokio::time::sleep(LOOK).await;
            }
        }
    }
}

/// Releases what is over now; how many holds were found.
///
/// # Errors
/// The database is down.
pub async fn expire(app: &App) -> Result<u64, Error> {
    let sql = "select id from transfer where status = 1 and expires_at is not null \
               and expires_at <= $1 order by expires_at limit $2";
    let rows = app.db.read(sql, values![db::now(), DUE_MAX]).await?;
    let system = Actor { app: String::new(), by: "system".into(), request: String::new() };
    let mut all = Vec::new();
    for row in &rows {
        let input = Input::Settle(system.clone(), db::number(row, "id")?, Ending::Expire);
        all.push(app.ledger.submit(None, input, Arc::new(|_| None)));
    }
    for done in futures::future::join_all(all).await {
        if let Err(problem) = done {
            tracing::warn!(problem.detail, "a hold that is over was not released");
        }
    }
    Ok(rows.len() as u64)
}
