//! Webhooks out: an application is told what happened, until it says that it knows.
//!
//! Invariant: a message and its deliveries are written in the transaction of what they tell of
//! ([`publish`]); a delivery is leased, sent through the one guard of outgoing URLs, and settled,
//! each in one transaction. What was tried for three days is a dead letter that blocks nobody.
//! An endpoint is disabled when one of its deliveries dies and none reached it meanwhile, or when
//! it answers 410.

pub mod deliveries;
pub mod endpoints;
pub mod relay;

use crate::app::App;
use crate::db::{self, Error, Tx};
use crate::{seal, values};
use serde_json::{Value, json};
use shared::id::format_id;
use shared::sign;
use shared::time::{DAY_MS, Millis};
use shared::webhook::Secret;
use shared::webhook::endpoint::{ID_PREFIX, MESSAGE_PREFIX, wants};

/// Messages that no delivery waits for are kept this long.
const KEEP_MS: u64 = 30 * DAY_MS;
/// Messages that are forgotten in one transaction.
const FORGOTTEN_MAX: u64 = 1_000;

/// What an application is told.
#[derive(Clone, Debug)]
pub struct News {
    /// `payment.captured`
    pub kind: String,
    /// When it happened.
    pub at: Millis,
    /// The message's `data`.
    pub data: Value,
}

/// Tells every endpoint of an application that wants to know, in the caller's transaction; how
/// many deliveries that makes. An application without endpoints costs one look-up.
///
/// # Errors
/// The database is down.
pub async fn publish(tx: &mut Tx<'_>, app: &App, owner: &str, news: &[News]) -> Result<u64, Error> {
    // A disabled endpoint is told nothing new: what happens meanwhile is not kept for it.
    let sql = "select id, events from webhook_endpoint \
               where app = $1 and deleted_at is null and disabled_at is null";
    let mut endpoints: Vec<(u64, Vec<String>)> = Vec::new();
    for row in tx.read(sql, values![owner]).await? {
        let patterns = db::text(&row, "events")?.split(' ').map(str::to_owned).collect();
        endpoints.push((db::number(&row, "id")?, patterns));
    }
    let mut count = 0;
    for News { kind, at, data } in news {
        let told = endpoints.iter().filter(|(_, patterns)| wants(patterns, kind));
        let told: Vec<u64> = told.map(|(id, _)| *id).collect();
        count += write(tx, app, owner, (kind, *at, data), &told).await?.len() as u64;
    }
    Ok(count)
}

/// Writes a message and its deliveries; their numbers.
async fn write(
    tx: &mut Tx<'_>,
    app: &App,
    owner: &str,
    (kind, at, data): (&str, Millis, &Value),
    endpoints: &[u64],
) -> Result<Vec<u64>, Error> {
    if endpoints.is_empty() {
        return Ok(Vec::new());
    }
    let (message, now) = (app.ids.next().await?, db::now());
    let body = json!({
        "id": format_id(MESSAGE_PREFIX, message),
        "type": kind,
        "timestamp": at.to_rfc3339(),
        "data": data,
    });
    let sql = "insert into webhook_message (id, app, kind, at, body) values ($1, $2, $3, $4, $5)";
    tx.write(sql, values![message, owner, kind, at, body.to_string()]).await?;
    let (mut ids, mut rows) = (Vec::new(), Vec::new());
    for endpoint in endpoints {
        let id = app.ids.next().await?;
        rows.push(values![id, *endpoint, message, 0u64, 0u64, now, now, now]);
        ids.push(id);
    }
    let sql = "insert into webhook_delivery \
               (id, endpoint, message, status, attempts, due, created_at, life_from) values";
    tx.insert(sql, rows, "").await?;
    app.webhook_news.notify_one();
    Ok(ids)
}

/// The nth secret of an endpoint.
fn secret(app: &App, endpoint: u64, n: u64) -> Option<Secret> {
    let key = seal::key_for(&app.config.data_key, "webhook secrets");
    Secret::of(&sign::mac(&key.0, &format!("{} {n}", format_id(ID_PREFIX, endpoint))))
}

/// The secrets that sign at a moment: the last one, and the one before it for a while.
fn secrets(
    app: &App,
    endpoint: u64,
    n: u64,
    previous_until: Option<Millis>,
    now: Millis,
) -> Vec<Secret> {
    let before = previous_until.filter(|until| now < *until).and_then(|_| n.checked_sub(1));
    [Some(n), before].into_iter().flatten().filter_map(|n| secret(app, endpoint, n)).collect()
}

/// Forgets what was told long ago; how many messages.
///
/// # Errors
/// The database is down.
pub async fn sweep(app: &App, now: Millis) -> Result<u64, Error> {
    let before = Millis(now.0.saturating_sub(KEEP_MS));
    let mut tx = app.db.begin().await?;
    // What waits for an endpoint that nobody enables again.
    let sql = "update webhook_delivery set status = 2 where status = 0 and life_from < $1";
    tx.write(sql, values![before]).await?;
    let old = format!(
        "select m.id from webhook_message m where m.at < $1 and not exists (select 1 from \
         webhook_delivery d where d.message = m.id and (d.status = 0 or d.life_from >= $1)) \
         order by m.id limit {FORGOTTEN_MAX}"
    );
    let ids = tx.read(&old, values![before]).await?;
    let ids = ids.iter().map(|row| db::number(row, "id")).collect::<Result<Vec<_>, _>>()?;
    if ids.is_empty() {
        tx.commit().await?;
        return Ok(0);
    }
    let one_of = db::placeholders(1, ids.len());
    let values = || ids.iter().copied().map(db::Value::from).collect();
    tx.write(&format!("delete from webhook_delivery where message in {one_of}"), values()).await?;
    let sql = format!("delete from webhook_message where id in {one_of}");
    let gone = tx.write(&sql, values()).await?;
    tx.commit().await?;
    Ok(gone)
}
