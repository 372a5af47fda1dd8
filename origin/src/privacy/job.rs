//! The work on privacy requests: leased by row, a step per transaction, resumed by whoever is next.
//!
//! Invariant: a step's effect, the place where it ended and its counts commit together, so that a
//! crash repeats nothing and skips nothing; a step that fails waits longer each time and holds up
//! nobody else's. Replicas pass over each other's parts (`skip locked`).

use super::{Next, PRODUCTS, Product, Work, kind_name};
use crate::app::App;
use crate::db::{self, Error, Tx};
use crate::values;
use shared::privacy::{EXPORT_KEEP_MS, Kind, State};
use shared::time::Millis;
use sqlx::any::AnyRow;
use std::sync::Arc;
use std::time::Duration;

/// What another replica wrote, or what is due later, is found by looking this often.
const LOOK: Duration = Duration::from_millis(500);
/// A step that fails is tried again after this, doubled each time.
const AGAIN_MS: u64 = 1_000;
/// At latest after 2^8 times that: about four minutes.
const DOUBLINGS_MAX: u64 = 8;

/// Works until the process ends.
pub async fn run(app: Arc<App>) {
    loop {
        match step(&app, db::now()).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "privacy requests wait for the database"),
        }
        let _ = tokio::time::timeout(LOOK, app.privacy_news.notified()).await;
    }
}

/// One step of one part; `false`: nothing is due.
///
/// # Errors
/// The database is down. What a step itself meets is noted with its part.
pub async fn step(app: &App, now: Millis) -> Result<bool, Error> {
    if !any_due(app, now).await? {
        return Ok(false);
    }
    let mut tx = app.db.begin().await?;
    let lock = tx.skip_locked();
    let sql = format!(
        "select p.request, p.product, p.place, p.counts, p.attempts, r.kind, r.app, r.subject \
         from privacy_part p join privacy_request r on r.id = p.request \
         where p.state in ('queued', 'running') and p.due <= $1 \
         order by p.due, p.request limit 1{lock}"
    );
    let rows = tx.read(&sql, values![now]).await?;
    let Some(row) = rows.first() else { return Ok(false) };
    let (request, name) = (db::number(row, "request")?, db::text(row, "product")?);
    if let Err(error) = work(app, tx, row, now).await {
        tracing::error!(%error, request, product = name, "a step of a privacy request failed");
        postpone(app, request, &name, db::number(row, "attempts")?, now).await?;
    }
    Ok(true)
}

/// A look without the writer's lock.
async fn any_due(app: &App, now: Millis) -> Result<bool, Error> {
    let sql = "select request from privacy_part \
               where state in ('queued', 'running') and due <= $1 limit 1";
    Ok(!app.db.read(sql, values![now]).await?.is_empty())
}

async fn work(app: &App, tx: Tx<'_>, row: &AnyRow, now: Millis) -> Result<(), Error> {
    let name = db::text(row, "product")?;
    let unknown = || Error::Stored(format!("no product {name:?} keeps personal data"));
    let product: &Product = PRODUCTS.iter().find(|one| one.name == name).ok_or_else(unknown)?;
    let mut work = Work {
        app,
        tx,
        request: db::number(row, "request")?,
        owner: db::text(row, "app")?,
        subject: db::text(row, "subject")?,
        now,
        place: db::text(row, "place")?,
        counts: serde_json::from_str(&db::text(row, "counts")?)?,
        items: Vec::new(),
    };
    let kind = if db::text(row, "kind")? == kind_name(Kind::Export) {
        Kind::Export
    } else {
        Kind::Erasure
    };
    let step = if kind == Kind::Export { product.export } else { product.erase };
    let next = step(&mut work).await?;
    settle(work, product.name, kind, next).await
}

async fn settle(mut work: Work<'_>, product: &str, kind: Kind, next: Next) -> Result<(), Error> {
    store_items(&mut work).await?;
    let (state, basis, due) = match next {
        Next::Step => (State::Running, None, work.now),
        Next::Later(at) => (State::Running, None, at),
        Next::Done => (State::Done, None, work.now),
        Next::Retained(basis) => (State::Retained, Some(basis.to_owned()), work.now),
    };
    let sql = "update privacy_part set state = $1, basis = $2, place = $3, counts = $4, \
               attempts = 0, due = $5 where request = $6 and product = $7";
    let counts = serde_json::to_string(&work.counts)?;
    let place = work.place.as_str();
    let values = values![state.name(), basis, place, counts, due, work.request, product];
    work.tx.write(sql, values).await?;
    let sql = "select product from privacy_part \
               where request = $1 and state in ('queued', 'running') limit 1";
    if work.tx.read(sql, values![work.request]).await?.is_empty() {
        if kind == Kind::Erasure {
            forget_subject(&mut work).await?;
        }
        let sql = "update privacy_request set done_at = $1 where id = $2";
        work.tx.write(sql, values![work.now, work.request]).await?;
        tracing::info!(request = work.request, ?kind, "a privacy request is done");
    }
    work.tx.commit().await
}

async fn store_items(work: &mut Work<'_>) -> Result<(), Error> {
    if work.items.is_empty() {
        return Ok(());
    }
    let sql = "select coalesce(max(seq), 0) as seq from privacy_item where request = $1";
    let rows = work.tx.read(sql, values![work.request]).await?;
    let last = rows.first().map(|row| db::number(row, "seq")).transpose()?.unwrap_or(0);
    let items = std::mem::take(&mut work.items);
    let rows =
        (last + 1..).zip(items).map(|(seq, item)| values![work.request, seq, item.to_string()]);
    let sql = "insert into privacy_item (request, seq, body) values";
    work.tx.insert(sql, rows.collect(), "").await?;
    Ok(())
}

/// What is no product's: earlier exports of the subject, and answers that are kept for copies of
/// its requests.
async fn forget_subject(work: &mut Work<'_>) -> Result<(), Error> {
    let exports = "select id from privacy_request where app = $1 and subject = $2 \
                   and kind = 'export'";
    // Parts first: a step that writes items holds its part until it commits.
    for table in ["privacy_part", "privacy_item"] {
        let sql = format!("delete from {table} where request in ({exports})");
        work.tx.write(&sql, values![work.owner.as_str(), work.subject.as_str()]).await?;
    }
    let sql = "delete from privacy_request where app = $1 and subject = $2 and kind = 'export'";
    work.tx.write(sql, values![work.owner.as_str(), work.subject.as_str()]).await?;
    let scope = format!("{}/{}", work.owner, work.subject);
    work.tx.write("delete from idempotency where scope = $1", values![scope]).await?;
    Ok(())
}

async fn postpone(
    app: &App,
    request: u64,
    product: &str,
    attempts: u64,
    now: Millis,
) -> Result<(), Error> {
    let wait_ms = AGAIN_MS << attempts.min(DOUBLINGS_MAX);
    let mut tx = app.db.begin().await?;
    let sql = "update privacy_part set attempts = attempts + 1, due = $1 \
               where request = $2 and product = $3";
    tx.write(sql, values![now.plus(wait_ms), request, product]).await?;
    tx.commit().await
}

/// Forgets the exports whose time is over; how many.
///
/// # Errors
/// The database is down.
pub async fn sweep(app: &App, now: Millis) -> Result<u64, Error> {
    let before = Millis(now.0.saturating_sub(EXPORT_KEEP_MS));
    let over = "select id from privacy_request where kind = 'export' and done_at < $1";
    let mut tx = app.db.begin().await?;
    for table in ["privacy_item", "privacy_part"] {
        let sql = format!("delete from {table} where request in ({over})");
        tx.write(&sql, values![before]).await?;
    }
    let sql = "delete from privacy_request where kind = 'export' and done_at < $1";
    let gone = tx.write(sql, values![before]).await?;
    tx.commit().await?;
    Ok(gone)
}
