//! What gateways say, applied: answers to orders at once, events by a job.
//!
//! Invariant: an event is applied once, in whatever order events come; one that cannot be applied
//! is parked with the reason, blocks nobody, and is tried again later: what it is about may be
//! known by then. Who verified its signature wrote its row.

use super::gateway::Unreadable;
use super::payment::about;
use super::payouts;
use crate::app::App;
use crate::db::{self, Error};
use crate::shell::Done;
use crate::values;
use shared::payments::gateway::Report;
use shared::payments::ledger::{Actor, Input, Reply};
use shared::payments::payment::Ask;
use shared::payments::payout;
use shared::payments::wire::parse;
use shared::problem::Problem;
use shared::time::DAY_MS;
use std::sync::Arc;
use std::time::Duration;

/// Events of one look.
const LOOK_MAX: u64 = 100;
/// What was parked is tried again this often …
const AGAIN: Duration = Duration::from_secs(60);
/// … until it is this old.
const AGAIN_FOR_MS: u64 = 3 * DAY_MS;

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
            again = now + AGAIN;
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

/// Applies what has come (or what was parked); how many events were tried. Two replicas may try
/// the same one: the second changes nothing.
///
/// # Errors
/// The database is down.
pub async fn look(app: &App, parked: bool) -> Result<u64, Error> {
    let which = if parked { "is not null" } else { "is null" };
    let now = db::now();
    let sql = format!(
        "select gateway, event, body from gateway_event \
         where applied_at is null and error {which} and received_at <= $1 and received_at >= $2 \
         order by received_at limit $3"
    );
    let since = if parked { now.0.saturating_sub(AGAIN_FOR_MS) } else { 0 };
    let rows = app.db.read(&sql, values![now, since, LOOK_MAX]).await?;
    for row in &rows {
        let (gateway, event) = (db::text(row, "gateway")?, db::text(row, "event")?);
        let done = match read(app, &gateway, &db::text(row, "body")?) {
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
        let sql = "update gateway_event set applied_at = $1, error = $2 \
                   where gateway = $3 and event = $4 and applied_at is null";
        let mut tx = app.db.begin().await?;
        tx.write(sql, values![at, error, gateway, event]).await?;
        tx.commit().await?;
    }
    Ok(rows.len() as u64)
}

fn read(app: &App, gateway: &str, body: &str) -> Result<Option<Report>, Unreadable> {
    let unknown = || Unreadable(format!("there is no gateway {gateway:?}"));
    app.gateways.get(gateway).ok_or_else(unknown)?.read_event(body.as_bytes())
}
