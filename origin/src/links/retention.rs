//! Retention of clicks: by the hour for 90 days, by the day for 25 months, then gone (L25).
//!
//! Invariant: a sum never changes: what leaves the hours is in the day in the same transaction. The
//! counts of a day stand in its first hour.

use super::clicks::{self, Counts};
use crate::app::App;
use crate::db::{self, Error};
use crate::values;
use shared::time::{DAY_MS, Millis};

/// Hours are kept for 90 days.
const HOURS_KEPT_MS: u64 = 90 * DAY_MS;
/// Days are kept for 25 months of at most 31 days.
const DAYS_KEPT_MS: u64 = 25 * 31 * DAY_MS;

/// Rows of one transaction: short enough that deliveries do not wait.
const BATCH: u64 = 2_000;

/// Folds old hours into their days and forgets old days; how many rows were folded.
///
/// # Errors
/// The database is down; what was folded stays folded.
pub async fn fold(app: &App, now: Millis) -> Result<u64, Error> {
    let before = now.0.saturating_sub(HOURS_KEPT_MS);
    let before = before - before % DAY_MS;
    let mut folded = 0;
    loop {
        let count = fold_some(app, before).await?;
        folded += count;
        if count < BATCH {
            break;
        }
    }
    forget(app, now).await?;
    Ok(folded)
}

/// What is deleted is what is summed, whatever is delivered meanwhile.
async fn fold_some(app: &App, before: u64) -> Result<u64, Error> {
    let mut tx = app.db.begin().await?;
    let sql = "delete from click_hour where (link, hour, dimension, value) in \
               (select link, hour, dimension, value from click_hour \
               where hour < $1 and hour % $2 <> 0 limit $3) \
               returning link, hour, dimension, value, count";
    let rows = tx.read(sql, values![before, DAY_MS, BATCH]).await?;
    let mut days = Counts::new();
    for row in &rows {
        let hour = db::number(row, "hour")?;
        let dimension = i64::try_from(db::number(row, "dimension")?).unwrap_or(i64::MAX);
        let day = Millis(hour - hour % DAY_MS);
        let key = (db::number(row, "link")?, day, dimension, db::text(row, "value")?);
        *days.entry(key).or_default() += db::number(row, "count")?;
    }
    clicks::add(&mut tx, days).await?;
    tx.commit().await?;
    Ok(rows.len() as u64)
}

async fn forget(app: &App, now: Millis) -> Result<(), Error> {
    let before = now.0.saturating_sub(DAYS_KEPT_MS);
    let mut tx = app.db.begin().await?;
    tx.write("delete from click_hour where hour < $1", values![before]).await?;
    tx.write("delete from visitor_day where day < $1", values![before / DAY_MS]).await?;
    tx.commit().await
}
