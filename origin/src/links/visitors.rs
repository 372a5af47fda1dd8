//! Unique visitors: the sketches of a delivery merged into those of the day.
//!
//! Invariant: written in the transaction of the counts, in key order; no address is stored, only
//! sketches of hashes that a daily salt made.

use crate::db::{self, Error, Tx};
use crate::values;
use shared::links::query::StatsAsk;
use shared::links::visitors::Sketch;
use shared::time::DAY_MS;
use sqlx::any::AnyRow;
use std::collections::BTreeMap;

/// The sketches of a delivery, by link and day.
pub type Sketches = BTreeMap<(u64, u64), Sketch>;

/// Merges the sketches into the stored ones.
///
/// # Errors
/// The database is down.
pub async fn write(tx: &mut Tx<'_>, sketches: Sketches) -> Result<(), Error> {
    for ((link, day), mut sketch) in sketches {
        // Makes the row that is then locked, so that two replicas merge one after the other.
        let touch = "insert into visitor_day (link, day, sketch) values ($1, $2, '') \
                     on conflict (link, day) do update set day = excluded.day returning sketch";
        let rows = tx.read(touch, values![link, day]).await?;
        if let Some(known) = rows.first().map(read).transpose()?.flatten() {
            sketch.merge(&known);
        }
        let sql = "update visitor_day set sketch = $1 where link = $2 and day = $3";
        tx.write(sql, values![hex::encode(sketch.to_bytes()), link, day]).await?;
    }
    Ok(())
}

/// A row's sketch; `None`: nobody was counted yet.
///
/// # Errors
/// It is not readable.
pub fn read(row: &AnyRow) -> Result<Option<Sketch>, Error> {
    let text = db::text(row, "sketch")?;
    if text.is_empty() {
        return Ok(None);
    }
    let bytes = hex::decode(text).map_err(|error| Error::Stored(error.to_string()))?;
    let broken = || Error::Stored("a sketch is not readable".into());
    Sketch::from_bytes(&bytes).ok_or_else(broken).map(Some)
}

/// Unique visitors of a link in a window of whole days.
///
/// # Errors
/// The database is down.
pub async fn count(app: &crate::app::App, link: u64, ask: &StatsAsk) -> Result<u64, Error> {
    let sql = "select sketch from visitor_day where link = $1 and day >= $2 and day <= $3";
    let last = ask.to.0.saturating_sub(1) / DAY_MS;
    let rows = app.db.read(sql, values![link, ask.from.day(), last]).await?;
    let mut all = Sketch::default();
    for row in &rows {
        if let Some(day) = read(row)? {
            all.merge(&day);
        }
    }
    Ok(all.count())
}
