//! What rules said of payments: listed, read in order, and taken in from the edge.
//!
//! Invariant: an attempt that the edge blocked is written in the transaction that raises its
//! recorder's watermark, so once.

use super::flows;
use crate::app::App;
use crate::db::{self, Db, Error, Tx};
use crate::respond::{Call, Failure};
use crate::values;
use shared::envelope::Envelope;
use shared::id::EPOCH;
use shared::page::{self, Page};
use shared::payments::fraud::wire::{DecisionView, Verdict};
use shared::payments::fraud::{Attempt, Facts};
use shared::roads::Event;
use shared::time::Millis;
use sqlx::any::AnyRow;

/// A snowflake's bits below its milliseconds.
const SNOWFLAKE_BITS: u32 = 22;

fn read_row(row: &AnyRow) -> Result<Attempt, Error> {
    Ok(serde_json::from_str(&db::text(row, "body")?)?)
}

/// `GET /api/v1/fraud/decisions`: newest first.
pub async fn list(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let asked = page::query(&call.query);
    let get = |name: &str| asked.get(name).map(String::as_str);
    let ask = page::ask(get("limit"), get("cursor"))?;
    let verdict = Verdict::asked(get("verdict"))?.map_or("%", Verdict::as_str);
    let before = ask.after.as_deref().and_then(|id| id.parse().ok()).unwrap_or(i64::MAX as u64);
    let sql = "select body from fraud_attempt where app = $1 and id < $2 and verdict like $3 \
               order by id desc limit $4";
    let values = values![call.context.app.as_str(), before, verdict, ask.rows()];
    let rows = app.db.read(sql, values).await?;
    let rows = rows.iter().map(read_row).collect::<Result<Vec<_>, Error>>()?;
    let page = ask.page(rows, |last| last.id.to_string());
    let items = page.items.iter().map(DecisionView::of).collect();
    Ok(Envelope::json(200, &Page::<DecisionView> { items, next_cursor: page.next_cursor }))
}

/// Where a page of a history ended.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub at: Millis,
    pub seq: u64,
    pub id: u64,
}

/// The next attempts that were judged, in order, up to a moment.
///
/// # Errors
/// The database is down.
pub async fn judged(
    db: &Db,
    app: &str,
    after: Place,
    to: Millis,
    count: u64,
) -> Result<Vec<Attempt>, Error> {
    let sql = "select body from fraud_attempt \
               where app = $1 and (at, seq, id) > ($2, $3, $4) and at < $5 \
               order by at, seq, id limit $6";
    let Place { at, seq, id } = after;
    let rows = db.read(sql, values![app, at, seq, id, to, count]).await?;
    rows.iter().map(read_row).collect()
}

/// The first snowflake of a moment.
#[must_use]
pub fn first_id(at: Millis) -> u64 {
    at.since(EPOCH).min((i64::MAX as u64) >> SNOWFLAKE_BITS) << SNOWFLAKE_BITS
}

/// The next payments of a time when the application had no rule, in the order of their ids: as
/// attempts that were allowed.
///
/// # Errors
/// The database is down.
pub async fn unjudged(
    db: &Db,
    app: &str,
    from: u64,
    to: Millis,
    count: u64,
) -> Result<Vec<Attempt>, Error> {
    let sql = "select payment.body from payment where payment.app = $1 and payment.id >= $2 \
               and payment.id < $3 and not exists (select 1 from fraud_attempt \
               where fraud_attempt.app = payment.app and fraud_attempt.id = payment.id) \
               order by payment.id limit $4";
    let rows = db.read(sql, values![app, from, first_id(to), count]).await?;
    let read = |row: &AnyRow| {
        let payment = super::super::kept::payment(row)?;
        let at = EPOCH.plus(payment.id >> SNOWFLAKE_BITS);
        let (id, app, facts) = (payment.id, payment.app.clone(), Facts::of(&payment));
        Ok(Attempt { id, app, at, seq: 0, facts, judgement: Default::default(), at_edge: false })
    };
    rows.iter().map(read).collect()
}

/// Reads what the edge blocked by itself.
///
/// # Errors
/// Why it can never be applied.
pub async fn fold(app: &App, blocked: &mut Vec<Attempt>, event: &Event) -> Result<(), String> {
    let attempt: Attempt = serde_json::from_str(&event.body).map_err(|error| error.to_string())?;
    let id = app.ids.next().await.map_err(|error| error.to_string())?;
    blocked.push(Attempt { id, seq: 0, at_edge: true, ..attempt });
    Ok(())
}

/// Writes what the edge blocked.
///
/// # Errors
/// The database is down.
pub async fn write(tx: &mut Tx<'_>, blocked: &[Attempt]) -> Result<(), Error> {
    flows::write(tx, &blocked.iter().collect::<Vec<_>>()).await
}
