//! What links keep of a principal: the links that it made, and the clicks on them (L25).
//!
//! Invariant: an erased link is a tombstone that keeps its code and nothing of its maker; clicks
//! that arrive after its erasure are counted nowhere. Who clicked is kept of nobody (a visitor's
//! name changes every day and leaves only a sketch), so there is nothing of a visitor's to export.

use super::store;
use crate::db::{self, Error, Tx, Value};
use crate::outbox;
use crate::privacy::{Next, Work};
use crate::values;
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::id::format_id;
use shared::links::stats::Dimension;
use shared::links::wire::{self, ID_PREFIX};
use shared::time::{DAY_MS, Millis};
use std::collections::BTreeSet;

/// Rows of one step: short enough that deliveries and creations do not wait.
const ROWS: u64 = 2_000;
/// Links of one step of an erasure, as the sweep's.
const LINKS: u64 = 200;
/// Counts of one record: a page of 200 records stays below 2 MiB.
const COUNTS_OF_RECORD: usize = 100;

/// Where an export goes on.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Place {
    /// The last link that was begun.
    link: u64,
    /// The last count of it; `None`: it is through.
    count: Option<(u64, u64, String)>,
}

/// One step of an export.
///
/// # Errors
/// The database is down, or a row is not readable.
pub async fn export(work: &mut Work<'_>) -> Result<Next, Error> {
    let mut place: Place = match work.place.as_str() {
        "" => Place::default(),
        text => serde_json::from_str(text)?,
    };
    let mut left = ROWS;
    while left > 0 {
        if let Some(after) = place.count.take() {
            let read = export_counts(work, place.link, &after, left).await?;
            left = left.saturating_sub(read.rows);
            place.count = read.last;
            continue;
        }
        let maker = (work.owner.as_str(), work.subject.as_str());
        let Some(row) = store::next_of_creator(&mut work.tx, maker, place.link).await? else {
            return Ok(Next::Done);
        };
        place = Place { link: row.id, count: Some((0, 0, String::new())) };
        let base = work.app.config.domains.base(row.name.domain);
        let deleted_at = row.deleted_at.map(Millis::to_rfc3339);
        work.items.push(json!({
            "product": wire::PRODUCT, "kind": "link", "link": row.link(base),
            "deleted_at": deleted_at,
        }));
        work.count("links", 1);
        export_visitors(work, row.id).await?;
        left -= 1;
    }
    work.place = serde_json::to_string(&place)?;
    Ok(Next::Step)
}

struct Read {
    rows: u64,
    last: Option<(u64, u64, String)>,
}

/// Up to `limit` counts of a link; the first hour has no count before `(0, 0, "")` but one that
/// no link is old enough to have.
async fn export_counts(
    work: &mut Work<'_>,
    link: u64,
    (hour, dimension, value): &(u64, u64, String),
    limit: u64,
) -> Result<Read, Error> {
    let sql = "select hour, dimension, value, count from click_hour \
               where link = $1 and (hour, dimension, value) > ($2, $3, $4) \
               order by hour, dimension, value limit $5";
    let values = values![link, *hour, *dimension, value.as_str(), limit];
    let rows = work.tx.read(sql, values).await?;
    let mut last = None;
    let mut counts = Vec::with_capacity(rows.len());
    for row in &rows {
        let (hour, dimension) = (db::number(row, "hour")?, db::number(row, "dimension")?);
        let value = db::text(row, "value")?;
        counts.push(json!({
            "at": Millis(hour).to_rfc3339(), "by": dimension_name(dimension), "value": value,
            "count": db::number(row, "count")?,
        }));
        last = Some((hour, dimension, value));
    }
    let id = format_id(ID_PREFIX, link);
    for counts in counts.chunks(COUNTS_OF_RECORD) {
        work.items.push(json!({
            "product": wire::PRODUCT, "kind": "clicks", "link": id, "counts": counts,
        }));
    }
    let read = rows.len() as u64;
    work.count("click_counts", read);
    Ok(Read { rows: read.max(1), last: last.filter(|_| read == limit) })
}

fn dimension_name(dimension: u64) -> &'static str {
    [
        (Dimension::Clicks, "clicks"),
        (Dimension::Bots, "bots"),
        (Dimension::Country, "country"),
        (Dimension::Referrer, "referrer"),
        (Dimension::Device, "device"),
        (Dimension::Browser, "browser"),
    ]
    .into_iter()
    .find(|(known, _)| *known as u64 == dimension)
    .map_or("unknown", |(_, name)| name)
}

async fn export_visitors(work: &mut Work<'_>, link: u64) -> Result<(), Error> {
    let sql = "select day, sketch from visitor_day where link = $1 order by day";
    let rows = work.tx.read(sql, values![link]).await?;
    let mut days = Vec::with_capacity(rows.len());
    for row in &rows {
        let at = Millis(db::number(row, "day")? * DAY_MS).to_rfc3339();
        let count = super::visitors::read(row)?.unwrap_or_default().count();
        days.push(json!({"at": at, "unique_visitors": count}));
    }
    work.count("visitor_days", rows.len() as u64);
    let id = format_id(ID_PREFIX, link);
    for days in days.chunks(COUNTS_OF_RECORD) {
        work.items.push(json!({
            "product": wire::PRODUCT, "kind": "visitors", "link": id, "days": days,
        }));
    }
    Ok(())
}

/// Once a request's links are tombstones.
const PURGE: &str = "purge";
/// After every delivery that may have passed [`erased`] before the links were marked.
const PURGE_AGAIN: &str = "purge again";

/// One step of an erasure: links become tombstones, batch by batch; then their counts go; and
/// after a while what a delivery that was under way still brought.
///
/// # Errors
/// The database is down, or a row is not readable.
pub async fn erase(work: &mut Work<'_>) -> Result<Next, Error> {
    let again = work.place == PURGE_AGAIN;
    if !again && work.place != PURGE {
        if entomb(work).await? < LINKS {
            work.place = PURGE.into();
        }
        return Ok(Next::Step);
    }
    if purge(work).await? == ROWS {
        return Ok(Next::Step);
    }
    if again {
        return Ok(Next::Done);
    }
    work.place = PURGE_AGAIN.into();
    Ok(Next::Later(work.now.plus(work.app.config.durations.erasure_settle_ms)))
}

async fn entomb(work: &mut Work<'_>) -> Result<u64, Error> {
    // In the order in which every writer of links locks them.
    let lock = work.tx.for_update();
    let sql = format!(
        "select id, domain, code from link where app = $1 and creator = $2 \
         order by domain, code limit {LINKS}{lock}"
    );
    let maker = values![work.owner.as_str(), work.subject.as_str()];
    let rows = work.tx.read(&sql, maker).await?;
    if rows.is_empty() {
        return Ok(0);
    }
    let (mut ids, mut keys, mut named) = (Vec::new(), Vec::new(), Vec::new());
    for row in &rows {
        let id = db::number(row, "id")?;
        let domain = u32::try_from(db::number(row, "domain")?);
        let domain = domain.map_err(|_| Error::Stored("link.domain".into()))?;
        ids.push(Value::from(id));
        keys.push(Value::from(wire::register_key(domain, &db::text(row, "code")?)));
        named.push(Value::from(format!("%{}%", format_id(ID_PREFIX, id))));
    }
    let one_of = list(3, ids.len());
    let sql = format!(
        "update link set long_url = '', title = null, tags = '[]', rules = null, \
         fallback_url = null, external_id = null, max_clicks = null, password_hash = null, \
         likeness = 0, \
         creator = null, erased_by = $1, swept_at = $2, deleted_at = coalesce(deleted_at, $2), \
         version = version + 1 where id in ({one_of})"
    );
    let mut values = values![work.request, work.now];
    values.extend(ids.iter().cloned());
    work.tx.write(&sql, values).await?;
    // Targets that are still on their way down, and clicks that died on their way up.
    let sql =
        format!("delete from outbox where product = 'links' and key in ({})", list(1, keys.len()));
    work.tx.write(&sql, keys).await?;
    let any: Vec<String> = (1..=named.len()).map(|n| format!("body like ${n}")).collect();
    let sql = format!("delete from dead_letter where product = 'links' and ({})", any.join(" or "));
    let dead = work.tx.write(&sql, named).await?;
    let registers = store::registers(&mut work.tx, ids).await?;
    outbox::append(&mut work.tx, work.app, &registers, work.now).await?;
    let count = rows.len() as u64;
    work.count("links", count);
    work.count("dead_letters", dead);
    Ok(count)
}

fn list(first: usize, count: usize) -> String {
    (first..first + count).map(|n| format!("${n}")).collect::<Vec<_>>().join(", ")
}

async fn purge(work: &mut Work<'_>) -> Result<u64, Error> {
    let erased = "select id from link where erased_by = $1";
    let sql = format!(
        "delete from click_hour where (link, hour, dimension, value) in \
         (select link, hour, dimension, value from click_hour where link in ({erased}) \
         limit {ROWS})"
    );
    let counts = work.tx.write(&sql, values![work.request]).await?;
    let sql = format!(
        "delete from visitor_day where (link, day) in \
         (select link, day from visitor_day where link in ({erased}) limit {ROWS})"
    );
    let days = work.tx.write(&sql, values![work.request]).await?;
    work.count("click_counts", counts);
    work.count("visitor_days", days);
    Ok(counts.max(days))
}

/// Those of `links` that were erased: nothing is counted for them any more.
///
/// # Errors
/// The database is down.
pub async fn erased(tx: &mut Tx<'_>, links: BTreeSet<u64>) -> Result<BTreeSet<u64>, Error> {
    let links: Vec<Value> = links.into_iter().map(Value::from).collect();
    let mut erased = BTreeSet::new();
    for links in links.chunks(1_000) {
        let sql = format!(
            "select id from link where erased_by is not null and id in ({})",
            list(1, links.len())
        );
        for row in tx.read(&sql, links.to_vec()).await? {
            erased.insert(db::number(&row, "id")?);
        }
    }
    Ok(erased)
}
