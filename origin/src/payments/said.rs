//! What gateways say, applied: answers to orders at once, events by a job.
//!
//! Invariant: an event is applied once, in whatever order events come; one that cannot be applied
//! is parked with the reason and a time of its own, so that no number of them keeps a new one
//! waiting, and is tried again, each time later: what it is about may be known by then. Who
//! verified its signature, or asked for the report that it is a line of, wrote its row.

use super::gateway::Unreadable;
use super::payment::about;
use super::payouts;
use crate::app::App;
use crate::db::{self, Error};
use crate::shell::Done;
use crate::values;
use shared::machine::backoff_ms;
use shared::payments::gateway::Report;
use shared::payments::ledger::{Actor, Input, Reply};
use shared::payments::payment::Ask;
use shared::payments::payout;
use shared::payments::wire::parse;
use shared::problem::Problem;
use shared::time::{DAY_MS, Millis};
use std::sync::Arc;
use std::time::Duration;

/// Events of one look.
const LOOK_MAX: u64 = 100;
/// What is parked is tried again after this, doubled each time …
const AGAIN_MS: u64 = 60_000;
/// … up to this: in three days some 78 times.
const AGAIN_MS_MAX: u64 = 60 * 60 * 1_000;
/// It is given up when it is this old.
const AGAIN_FOR_MS: u64 = 3 * DAY_MS;
/// How often is looked for what is parked and due.
const PARKED_LOOK: Duration = Duration::from_secs(5);

/// Why a report was not applied.
#[derive(Debug, thiserror::Error)]
pub enum Unapplied {
    /// The database is down, or the lane is full: it is tried again.
    #[error("not now: {0}")]
    Later(String),
    /// It is about nothing of ours, or cannot be true.
    #[error("{0}")]
    Never(String),
}

impl From<Error> for Unapplied {
    fn from(error: Error) -> Self {
        Self::Later(error.to_string())
    }
}

/// Applies one report of a gateway.
///
/// # Errors
/// See [`Unapplied`].
pub async fn apply(app: &App, gateway: &str, report: Report) -> Result<(), Unapplied> {
    // A payout is a saga's: it is told, and asks for itself what it was not told.
    if payout::parse(&report.reference).is_some() {
        payouts::steps::told(app, gateway, report).await?;
        return Ok(());
    }
    let payment = find(app, gateway, &report).await?;
    let actor = Actor {
        app: String::new(),
        by: format!("gateway:{gateway}"),
        request: report.key.clone().unwrap_or_default(),
    };
    let input = Input::Pay(actor, about(app, payment, Ask::Report(report)).await?);
    let of = |problem: Problem| match problem.status() {
        500.. => Unapplied::Later(problem.detail),
        _ => Unapplied::Never(format!("{}: {}", problem.kind.slug, problem.detail)),
    };
    match app.ledger.submit(None, input, Arc::new(|_| None)).await {
        Ok(Done::Reply(Reply::Refused(problem))) | Err(problem) => Err(of(problem)),
        Ok(_) => {
            // It may have led to an order: what we may not keep goes back.
            app.order_news.notify_one();
            Ok(())
        }
    }
}

/// The payment that a report is about: by our name for it, or by the gateway's.
async fn find(app: &App, gateway: &str, report: &Report) -> Result<u64, Unapplied> {
    let unknown = || Unapplied::Never(format!("nothing is known of {:?}", report.subject));
    if let Some(id) = parse("pay", &report.reference) {
        // Another gateway does not speak of it.
        let sql = "select id from payment where id = $1 and gateway = $2";
        let rows = app.db.read(sql, values![id, gateway]).await?;
        return rows.first().map(|_| id).ok_or_else(unknown);
    }
    let sql = "select id from payment where gateway = $1 and subject = $2";
    let rows = app.db.read(sql, values![gateway, report.subject.as_str()]).await?;
    Ok(db::number(rows.first().ok_or_else(unknown)?, "id")?)
}

/// Applies events until the process ends.
pub async fn watch(app: Arc<App>) {
    let mut again = tokio::time::Instant::now();
    loop {
        let now = tokio::time::Instant::now();
        let parked = now >= again;
        if parked {
            again = now + PARKED_LOOK;
        }
        match look(&app, parked).await {
            Ok(LOOK_MAX..) => {}
            Ok(_) => pause(&app).await,
            Err(error) => {
                tracing::warn!(%error, "gateways' events were not applied");
                pause(&app).await;
            }
        }
    }
}

async fn pause(app: &App) {
    tokio::time::sleep(Duration::from_millis(app.config.durations.gateway_look_ms)).await;
}

/// Applies what has come (or what is parked and due); how many events were tried. Two replicas may
/// try the same one: the second changes nothing.
///
/// # Errors
/// The database is down.
pub async fn look(app: &App, parked: bool) -> Result<u64, Error> {
    let which = match parked {
        true => "error is not null and due <= $1 order by due",
        false => "error is null and received_at <= $1 order by received_at",
    };
    let sql = format!(
        "select gateway, event, body, own, attempts, received_at from gateway_event \
         where applied_at is null and {which} limit $2"
    );
    let rows = app.db.read(&sql, values![db::now(), LOOK_MAX]).await?;
    for row in &rows {
        let (gateway, event) = (db::text(row, "gateway")?, db::text(row, "event")?);
        let is_own = db::number(row, "own")? == 1;
        let done = match read(app, &gateway, &db::text(row, "body")?, is_own) {
            Ok(Some(report)) => apply(app, &gateway, report).await,
            Ok(None) => Ok(()),
            Err(unreadable) => Err(Unapplied::Never(unreadable.to_string())),
        };
        let (at, error) = match done {
            Ok(()) => (Some(db::now()), None),
            Err(Unapplied::Later(why)) => {
                tracing::warn!(gateway, why, "an event was not applied yet");
                continue;
            }
            Err(Unapplied::Never(why)) => {
                tracing::warn!(gateway, event, why, "an event is parked");
                (None, Some(why))
            }
        };
        let attempts = db::number(row, "attempts")?;
        let due = error.as_ref().and(next(Millis(db::number(row, "received_at")?), attempts));
        let sql = "update gateway_event set applied_at = $1, error = $2, due = $3, \
                   attempts = $4 where gateway = $5 and event = $6 and applied_at is null";
        let mut tx = app.db.begin().await?;
        tx.write(sql, values![at, error, due, attempts.saturating_add(1), gateway, event]).await?;
        tx.commit().await?;
    }
    Ok(rows.len() as u64)
}

/// When what is parked is tried again; `None`: never.
fn next(received: Millis, attempts: u64) -> Option<Millis> {
    let attempts = u32::try_from(attempts).unwrap_or(u32::MAX);
    let due = db::now().plus(backoff_ms(attempts, AGAIN_MS, AGAIN_MS_MAX, rand::random()));
    (due.since(received) <= AGAIN_FOR_MS).then_some(due)
}

/// What a line of a gateway's report says, to be applied from `at` on, once per line.
///
/// # Errors
/// The database is down.
pub async fn note(
    app: &App,
    gateway: &str,
    name: &str,
    at: Millis,
    report: &Report,
) -> Result<(), Error> {
    let mut tx = app.db.begin().await?;
    let sql = "insert into gateway_event (gateway, event, received_at, body, own) \
               values ($1, $2, $3, $4, 1) on conflict (gateway, event) do nothing";
    tx.write(sql, values![gateway, name, at, serde_json::to_string(report)?]).await?;
    tx.commit().await
}

fn read(app: &App, gateway: &str, body: &str, is_own: bool) -> Result<Option<Report>, Unreadable> {
    if is_own {
        let read = serde_json::from_str(body).map(Some);
        return read.map_err(|error| Unreadable(error.to_string()));
    }
    let unknown = || Unreadable(format!("there is no gateway {gateway:?}"));
    app.gateways.get(gateway).ok_or_else(unknown)?.read_event(body.as_bytes())
}
