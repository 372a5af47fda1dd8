//! The relay of webhooks: lease, send, settle.
//!
//! Invariant: a delivery is sent by whoever leased it; what a lease's holder says after its time
//! counts only while nobody else has leased it (attempts are the fence). A slow endpoint takes at
//! most `AT_ONCE_EACH` of the sends under way. Several replicas relay at once (`skip locked`).

use super::secrets;
use crate::app::App;
use crate::audit::{self, Who};
use crate::db::{self, Error, Tx, Value};
use crate::outgoing::{Answer, Post};
use crate::values;
use serde_json::json;
use shared::id::format_id;
use shared::payments::card;
use shared::time::Millis;
use shared::webhook::Secret;
use shared::webhook::endpoint::{ID_PREFIX, MESSAGE_PREFIX};
use shared::webhook::schedule::Schedule;
use shared::webhook::standard;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Deliveries that another replica wrote, or that become due, are found by looking this often.
const LOOK: Duration = Duration::from_millis(500);
/// Sends under way at a replica.
const AT_ONCE: usize = 64;
/// Sends under way to one endpoint.
const AT_ONCE_EACH: u32 = 4;
/// A lease lasts this much longer than an answer may take: the settling.
const LEASE_MORE_MS: u64 = 15_000;
/// Bytes of an answer's body that are kept, for whoever looks why.
const BODY_BYTES_MAX: usize = 256;

/// Relays until the process ends.
pub async fn run(app: Arc<App>) {
    let relay = Relay { app, slots: Arc::new(Semaphore::new(AT_ONCE)), busy: Arc::default() };
    loop {
        match relay.round(db::now()).await {
            Ok(0) => {}
            Ok(_) => continue,
            Err(error) => tracing::warn!(%error, "webhooks wait for the database"),
        }
        let news = relay.app.webhook_news.notified();
        let _ = tokio::time::timeout(LOOK, news).await;
    }
}

type Busy = Arc<Mutex<BTreeMap<u64, u32>>>;

struct Relay {
    app: Arc<App>,
    slots: Arc<Semaphore>,
    /// Sends under way, by endpoint.
    busy: Busy,
}

/// A delivery that was leased.
#[derive(Debug)]
struct Leased {
    id: u64,
    endpoint: u64,
    owner: String,
    attempts: u64,
    life_from: Millis,
    message: u64,
    url: String,
    secrets: Vec<Secret>,
    body: String,
}

/// One send under way; counts until it is dropped.
struct Under {
    busy: Busy,
    endpoint: u64,
    _slot: OwnedSemaphorePermit,
}

impl Drop for Under {
    fn drop(&mut self) {
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = busy.get_mut(&self.endpoint) {
            *count = count.saturating_sub(1);
        }
        busy.retain(|_, count| *count > 0);
    }
}

impl Relay {
    fn under(&self, endpoint: u64) -> Option<Under> {
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        let count = busy.entry(endpoint).or_default();
        if *count >= AT_ONCE_EACH {
            return None;
        }
        let slot = Arc::clone(&self.slots).try_acquire_owned().ok()?;
        *count += 1;
        Some(Under { busy: Arc::clone(&self.busy), endpoint, _slot: slot })
    }

    fn full(&self) -> Vec<u64> {
        let busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        busy.iter().filter(|(_, count)| **count >= AT_ONCE_EACH).map(|(id, _)| *id).collect()
    }

    /// Leases what is due and has it sent; how many.
    async fn round(&self, now: Millis) -> Result<usize, Error> {
        if self.slots.available_permits() == 0 || !any_due(&self.app, now).await? {
            return Ok(0);
        }
        let mut tx = self.app.db.begin().await?;
        let (ids, under) = self.choose(&mut tx, now).await?;
        let count = ids.len();
        if ids.is_empty() {
            return Ok(0);
        }
        let leased = lease(&self.app, &mut tx, ids, now).await?;
        tx.commit().await?;
        for (leased, under) in leased.into_iter().zip(under) {
            let app = Arc::clone(&self.app);
            tokio::spawn(async move {
                let answer = send(&app, &leased).await;
                if let Err(error) = settle(&app, &leased, answer).await {
                    tracing::warn!(%error, "a webhook's end was not noted; it is sent again");
                }
                drop(under);
            });
        }
        Ok(count)
    }

    /// What is due, a few of each endpoint, locked; each with its slot.
    async fn choose(&self, tx: &mut Tx<'_>, now: Millis) -> Result<(Vec<u64>, Vec<Under>), Error> {
        let full = self.full();
        let mut values = values![now];
        let mut apart = String::new();
        if !full.is_empty() {
            let list: Vec<String> = (2..full.len() + 2).map(|n| format!("${n}")).collect();
            apart = format!("and w.endpoint not in ({})", list.join(", "));
            values.extend(full.into_iter().map(Value::from));
        }
        let lock = tx.skip_locked();
        // Under the lock the row is looked at again: another replica may have leased it meanwhile.
        let sql = format!(
            "select d.id, d.endpoint from webhook_delivery d where d.status = 0 and d.due <= $1 \
             and d.id in (select id from (select w.id, w.due, row_number() over \
             (partition by w.endpoint order by w.due, w.id) as place from webhook_delivery w \
             join webhook_endpoint e on e.id = w.endpoint where w.status = 0 and w.due <= $1 \
             and e.disabled_at is null {apart}) as each where place <= {AT_ONCE_EACH} \
             order by due limit {AT_ONCE}) order by d.id{lock}"
        );
        let (mut ids, mut all) = (Vec::new(), Vec::new());
        for row in tx.read(&sql, values).await? {
            if let Some(under) = self.under(db::number(&row, "endpoint")?) {
                ids.push(db::number(&row, "id")?);
                all.push(under);
            }
        }
        Ok((ids, all))
    }
}

/// A look without the writer's lock.
async fn any_due(app: &App, now: Millis) -> Result<bool, Error> {
    let sql = "select d.id from webhook_delivery d join webhook_endpoint e on e.id = d.endpoint \
               where d.status = 0 and d.due <= $1 and e.disabled_at is null limit 1";
    Ok(!app.db.read(sql, values![now]).await?.is_empty())
}

async fn lease(
    app: &App,
    tx: &mut Tx<'_>,
    ids: Vec<u64>,
    now: Millis,
) -> Result<Vec<Leased>, Error> {
    let until = now.plus(app.config.durations.webhook_timeout_ms + LEASE_MORE_MS);
    let list: Vec<String> = (3..ids.len() + 3).map(|n| format!("${n}")).collect();
    let sql = format!(
        "update webhook_delivery set attempts = attempts + 1, due = $1, attempted_at = $2 \
         where id in ({})",
        list.join(", ")
    );
    let mut values = values![until, now];
    values.extend(ids.iter().copied().map(Value::from));
    tx.write(&sql, values).await?;
    let list: Vec<String> = (1..=ids.len()).map(|n| format!("${n}")).collect();
    let sql = format!(
        "select d.id, d.endpoint, d.attempts, d.life_from, d.message, m.app, m.body, e.url, \
         e.secret_n, e.previous_until from webhook_delivery d \
         join webhook_message m on m.id = d.message \
         join webhook_endpoint e on e.id = d.endpoint where d.id in ({}) order by d.id",
        list.join(", ")
    );
    let rows = tx.read(&sql, ids.into_iter().map(Value::from).collect()).await?;
    let read = |row: &sqlx::any::AnyRow| {
        let endpoint = db::number(row, "endpoint")?;
        let previous = db::maybe_number(row, "previous_until")?.map(Millis);
        Ok(Leased {
            id: db::number(row, "id")?,
            endpoint,
            owner: db::text(row, "app")?,
            attempts: db::number(row, "attempts")?,
            life_from: Millis(db::number(row, "life_from")?),
            message: db::number(row, "message")?,
            url: db::text(row, "url")?,
            secrets: secrets(app, endpoint, db::number(row, "secret_n")?, previous, now),
            body: db::text(row, "body")?,
        })
    };
    rows.iter().map(read).collect()
}

async fn send(app: &App, leased: &Leased) -> Result<Answer, String> {
    let id = format_id(MESSAGE_PREFIX, leased.message);
    let timestamp = standard::timestamp(db::now());
    let body = leased.body.clone().into_bytes();
    let signature = standard::sign(&leased.secrets, &id, &timestamp, &body);
    let headers = &[
        ("content-type", "application/json"),
        (standard::ID_HEADER, id.as_str()),
        (standard::TIMESTAMP_HEADER, timestamp.as_str()),
        (standard::SIGNATURE_HEADER, signature.as_str()),
    ];
    let timeout_ms = app.config.durations.webhook_timeout_ms;
    let url = leased.url.as_str();
    let post = Post { url, headers, body, timeout_ms, read_bytes_max: BODY_BYTES_MAX };
    app.outgoing.post(post).await.map_err(|error| error.to_string())
}

async fn settle(app: &App, leased: &Leased, answer: Result<Answer, String>) -> Result<(), Error> {
    let now = db::now();
    let durations = &app.config.durations;
    let schedule = Schedule {
        base_ms: durations.webhook_backoff_ms,
        max_ms: durations.webhook_backoff_max_ms,
        life_ms: durations.webhook_life_ms,
    };
    let attempts = u32::try_from(leased.attempts).unwrap_or(u32::MAX);
    let taken = answer.as_ref().is_ok_and(|answer| (200..300).contains(&answer.status));
    let gone = answer.as_ref().is_ok_and(|answer| answer.status == 410);
    let next = schedule.next(leased.life_from, now, attempts, rand::random());
    let (status, due) = match next {
        _ if taken => (1u64, now),
        Some(next) => (0, next),
        None => (2, now),
    };
    let (response, body, error) = match answer {
        // What an endpoint says is a stranger's text, and card numbers are kept nowhere (P14).
        Ok(Answer { status, body }) => {
            let body = Some(body).filter(|body| !card::holds(body.as_bytes()));
            (Some(u64::from(status)), body, None)
        }
        Err(error) => (None, None, Some(error)),
    };
    let mut tx = app.db.begin().await?;
    let sql = "update webhook_delivery set status = $1, due = $2, response_status = $3, \
               response_body = $4, error = $5 where id = $6 and status = 0 and attempts = $7";
    let values = values![status, due, response, body, error, leased.id, leased.attempts];
    let settled = tx.write(sql, values).await? == 1;
    if taken {
        let sql = "update webhook_endpoint set delivered_at = $1 where id = $2";
        tx.write(sql, values![now, leased.endpoint]).await?;
    } else if gone || (settled && status == 2) {
        disable(app, &mut tx, leased, gone, now).await?;
    }
    tx.commit().await?;
    app.metrics.webhooks(taken, status == 2);
    Ok(())
}

/// Disables an endpoint that is gone, or that nothing reached for as long as a message lives.
async fn disable(
    app: &App,
    tx: &mut Tx<'_>,
    leased: &Leased,
    gone: bool,
    now: Millis,
) -> Result<(), Error> {
    let since = if gone { now } else { leased.life_from };
    let reason = if gone { "it answered 410" } else { "nothing reached it for three days" };
    let sql = "update webhook_endpoint set disabled_at = $1, disabled_reason = $2, \
               version = version + 1 where id = $3 and disabled_at is null \
               and deleted_at is null and (delivered_at is null or delivered_at < $4)";
    if tx.write(sql, values![now, reason, leased.endpoint, since]).await? == 1 {
        let name = format_id(ID_PREFIX, leased.endpoint);
        let who = Who::system(&leased.owner);
        let data = json!({"reason": reason});
        audit::record(tx, app, &who, ("webhook_endpoint.disabled", &name), &data).await?;
        tracing::warn!(endpoint = name, reason, "a webhook endpoint was disabled");
    }
    Ok(())
}
