//! The relay to the gateways: leases orders, has them done, applies what is answered.
//!
//! Invariant: an order is committed before it is sent, and sent under one key until it is
//! answered for good (Y3). An outcome that is not known is asked for, never guessed; what the
//! gateway has never heard of is sent again. A replica that dies leaves a lease that ends. What
//! cannot be applied is parked, visible to the operator, and blocks nobody.

use super::gateway::{Gateway, Trouble};
use super::kept::{self, ORDER};
use super::said::{self, Unapplied};
use crate::admin::roads;
use crate::app::App;
use crate::db::{self, Error};
use crate::respond::{Call, Failure};
use crate::values;
use shared::envelope::Envelope;
use shared::machine::backoff_ms;
use shared::page::{self, Page};
use shared::payments::gateway::{Action, Happened, Order, Report};
use shared::payments::payment::wire::GatewayOrderRow;
use shared::payments::wire::payment_id;
use shared::problem::{NOT_FOUND, Problem};
use shared::time::Millis;
use sqlx::any::AnyRow;
use std::sync::Arc;
use std::time::Duration;

/// Orders under way at once, of one replica: a gateway answers in about a second.
const LEASED_MAX: u64 = 32;

/// Relays until the process ends.
pub async fn relay(app: Arc<App>) {
    loop {
        match round(&app).await {
            Ok(1..) => {}
            Ok(0) => {
                let wait = Duration::from_millis(app.config.durations.gateway_look_ms);
                let news = app.order_news.notified();
                let _ = tokio::time::timeout(wait, news).await;
            }
            Err(error) => {
                tracing::error!(%error, "the relay to the gateways cannot reach the database");
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        }
    }
}

/// Leases what is due and has it done; how many orders that were.
///
/// # Errors
/// The database is down.
pub async fn round(app: &App) -> Result<u64, Error> {
    let leased = lease(app).await?;
    let count = leased.len() as u64;
    let all = leased.into_iter().map(|one| carry(app, one));
    for done in futures::future::join_all(all).await {
        done?;
    }
    Ok(count)
}

struct Leased {
    order: Order,
    gateway: String,
    attempts: u64,
}

async fn lease(app: &App) -> Result<Vec<Leased>, Error> {
    let now = db::now();
    let due = "settled_at is null and parked is null and due <= $1";
    // A look without the writer's lock, so that an idle relay costs writers nothing.
    let any = format!("select key from gateway_order where {due} limit 1");
    if app.db.read(&any, values![now]).await?.is_empty() {
        return Ok(Vec::new());
    }
    let mut tx = app.db.begin().await?;
    let lock = tx.skip_locked();
    let sql = format!(
        "select {ORDER} from gateway_order where {due} order by due limit {LEASED_MAX}{lock}"
    );
    let mut leased = Vec::new();
    let until = now.plus(app.config.durations.gateway_lease_ms);
    for row in tx.read(&sql, values![now]).await? {
        let order = kept::order(&row)?;
        let sql = "update gateway_order set due = $1, attempts = attempts + 1 where key = $2";
        tx.write(sql, values![until, order.key.as_str()]).await?;
        let (gateway, attempts) = (db::text(&row, "gateway")?, db::number(&row, "attempts")?);
        leased.push(Leased { order, gateway, attempts });
    }
    tx.commit().await?;
    Ok(leased)
}

async fn carry(app: &App, leased: Leased) -> Result<(), Error> {
    let Leased { order, gateway, attempts } = leased;
    let Some(found) = app.gateways.get(&gateway) else {
        return park(app, &order.key, "the gateway is not configured here").await;
    };
    let timeout = Duration::from_millis(app.config.durations.gateway_timeout_ms);
    let done = tokio::time::timeout(timeout, outcome(found.as_ref(), &order, attempts)).await;
    let report = match done.unwrap_or_else(|_| Err(Trouble::Unknown("no answer in time".into()))) {
        Ok(report) => report,
        Err(Trouble::Refused(why)) => refusal(&order, why),
        Err(trouble) => {
            tracing::warn!(gateway, key = order.key, %trouble, "an order will be tried again");
            return postpone(app, &order.key, attempts).await;
        }
    };
    let is_pending = report.happened == Happened::Pending;
    let key = order.key.clone();
    match said::apply(app, &gateway, Report { key: Some(order.key), ..report }).await {
        Ok(()) if !is_pending => Ok(()),
        Ok(()) => postpone(app, &key, attempts).await,
        Err(Unapplied::Later(why)) => {
            tracing::warn!(gateway, key, why, "a gateway's answer was not applied yet");
            postpone(app, &key, attempts).await
        }
        Err(Unapplied::Never(why)) => park(app, &key, &why).await,
    }
}

/// Sends what was never sent; of what was, asks first.
async fn outcome(gateway: &dyn Gateway, order: &Order, attempts: u64) -> Result<Report, Trouble> {
    if attempts > 0
        && let Some(known) = gateway.ask(order).await?
    {
        return Ok(known);
    }
    gateway.send(order).await
}

/// The report that a refusal amounts to.
fn refusal(order: &Order, why: String) -> Report {
    let happened = match order.action {
        Action::Refund => Happened::RefundFailed(why),
        _ => Happened::Failed(why),
    };
    Report {
        reference: order.reference.clone(),
        key: None,
        subject: order.subject.clone().unwrap_or_default(),
        part: None,
        happened,
        amount: order.amount,
        currency: order.currency,
        fee: None,
    }
}

async fn postpone(app: &App, key: &str, attempts: u64) -> Result<(), Error> {
    let durations = &app.config.durations;
    let (base, max) = (durations.gateway_backoff_ms, durations.gateway_backoff_max_ms);
    let attempts = u32::try_from(attempts).unwrap_or(u32::MAX);
    let due = db::now().plus(backoff_ms(attempts, base, max, rand::random()));
    let sql = "update gateway_order set due = $1 where key = $2 and settled_at is null";
    let mut tx = app.db.begin().await?;
    tx.write(sql, values![due, key]).await?;
    tx.commit().await
}

async fn park(app: &App, key: &str, why: &str) -> Result<(), Error> {
    tracing::error!(key, why, "an order to a gateway is parked");
    let sql = "update gateway_order set parked = $1 where key = $2 and settled_at is null";
    let mut tx = app.db.begin().await?;
    tx.write(sql, values![why, key]).await?;
    tx.commit().await
}

/// `GET /admin/gateway-orders`: by key; `?parked` those that wait for an operator.
pub async fn list(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let ask = roads::ask(call, &["parked"])?;
    let parked = page::query(&call.query).contains_key("parked");
    let only = if parked { "and parked is not null" } else { "" };
    let sql =
        format!("select {ORDER} from gateway_order where key > $1 {only} order by key limit $2");
    let after = ask.after.clone().unwrap_or_default();
    let rows = app.db.read(&sql, values![after, ask.rows()]).await?;
    let items = rows.iter().map(read_row).collect::<Result<Vec<_>, _>>()?;
    let page: Page<GatewayOrderRow> = ask.page(items, |last| last.key.clone());
    Ok(Envelope::json(200, &page))
}

/// `POST /admin/gateway-orders/{key}/retry`
pub async fn retry(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let sql = "update gateway_order set parked = null, due = $1 \
               where key = $2 and parked is not null and settled_at is null";
    let mut tx = app.db.begin().await?;
    let found = tx.write(sql, values![db::now(), call.segment(0)]).await?;
    tx.commit().await?;
    app.order_news.notify_one();
    if found == 1 {
        return Ok(Envelope::empty(204));
    }
    Err(Problem::new(&NOT_FOUND, "no parked order has this key").into())
}

fn read_row(row: &AnyRow) -> Result<GatewayOrderRow, Error> {
    Ok(GatewayOrderRow {
        key: db::text(row, "key")?,
        payment: payment_id(db::number(row, "payment")?),
        gateway: db::text(row, "gateway")?,
        action: db::text(row, "action")?,
        amount: db::signed(row, "amount")?,
        currency: db::text(row, "currency")?,
        attempts: db::number(row, "attempts")?,
        created_at: Millis(db::number(row, "created_at")?),
        settled_at: db::maybe_number(row, "settled_at")?.map(Millis),
        parked: db::maybe_text(row, "parked")?,
    })
}
