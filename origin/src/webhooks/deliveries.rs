//! Deliveries: what was sent, what became of it, and sending it again.
//!
//! Invariant: what is sent again is the same message under the same id, for three more days.

use super::endpoints;
use crate::app::App;
use crate::audit::{self, Who};
use crate::db::{self, Error, Tx};
use crate::once::{self, Begun, Once};
use crate::respond::{Call, Failure};
use crate::values;
use serde_json::json;
use shared::envelope::Envelope;
use shared::id::{format_id, parse_id};
use shared::page::{self, Page};
use shared::payments::error::{ENDPOINT_DISABLED, NO_DELIVERY};
use shared::problem::Problem;
use shared::time::Millis;
use shared::webhook::endpoint::{
    DELIVERY_PREFIX, DeliveryStatus, ID_PREFIX, MESSAGE_PREFIX, TEST_KIND, WebhookDelivery,
};
use sqlx::any::AnyRow;

const SELECT: &str = "select d.id, d.endpoint, d.message, m.kind, d.status, d.attempts, d.due, \
                      d.created_at, d.attempted_at, d.response_status, d.response_body, d.error \
                      from webhook_delivery d join webhook_message m on m.id = d.message";

fn read(row: &AnyRow) -> Result<WebhookDelivery, Error> {
    let stored = |name: &str| Error::Stored(format!("webhook_delivery.{name}"));
    let status = DeliveryStatus::of_number(db::number(row, "status")?);
    let status = status.ok_or_else(|| stored("status"))?;
    let due = Millis(db::number(row, "due")?);
    let answered = db::maybe_number(row, "response_status")?;
    Ok(WebhookDelivery {
        id: format_id(DELIVERY_PREFIX, db::number(row, "id")?),
        endpoint: format_id(ID_PREFIX, db::number(row, "endpoint")?),
        message: format_id(MESSAGE_PREFIX, db::number(row, "message")?),
        event: db::text(row, "kind")?,
        status,
        attempts: u32::try_from(db::number(row, "attempts")?).map_err(|_| stored("attempts"))?,
        response_status: answered.and_then(|status| u16::try_from(status).ok()),
        response_body: db::maybe_text(row, "response_body")?,
        error: db::maybe_text(row, "error")?,
        created_at: Millis(db::number(row, "created_at")?),
        attempted_at: db::maybe_number(row, "attempted_at")?.map(Millis),
        next_attempt_at: (status == DeliveryStatus::Pending).then_some(due),
    })
}

fn missing() -> Problem {
    Problem::new(&NO_DELIVERY, "no delivery has this id, or its time is over")
}

/// Reads `?status=`.
///
/// # Errors
/// 422.
fn status(call: &Call) -> Result<Option<DeliveryStatus>, Problem> {
    let Some(text) = page::query(&call.query).remove("status") else { return Ok(None) };
    let found = DeliveryStatus::ALL.into_iter().find(|one| one.name() == text);
    let wrong = || page::parameter("status", "must be pending, delivered, dead or canceled");
    found.map(Some).ok_or_else(wrong)
}

async fn page_of(
    app: &App,
    ask: &page::Ask,
    only: &str,
    mut values: Vec<db::Value>,
) -> Result<Envelope, Failure> {
    let newest = i64::MAX as u64;
    let after = ask.after.as_deref().and_then(|after| after.parse().ok()).unwrap_or(newest);
    let n = values.len();
    values.extend(values![after, ask.rows()]);
    let (before, rows) = (n + 1, n + 2);
    let sql =
        format!("{SELECT} where {only} and d.id < ${before} order by d.id desc limit ${rows}");
    let rows = app.db.read(&sql, values).await?;
    let read = |row: &AnyRow| Ok((db::number(row, "id")?, read(row)?));
    let rows = rows.iter().map(read).collect::<Result<Vec<_>, Error>>()?;
    let page = ask.page(rows, |(id, _)| id.to_string());
    let items = page.items.into_iter().map(|(_, item)| item).collect();
    Ok(Envelope::json(200, &Page { items, next_cursor: page.next_cursor }))
}

/// `GET /api/v1/webhook_endpoints/{id}/deliveries`
pub async fn list(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let ask = crate::admin::roads::ask(call, &["status"])?;
    let status = status(call)?;
    let endpoint = endpoints::owned(app, call).await?;
    match status {
        None => page_of(app, &ask, "d.endpoint = $1", values![endpoint.id]).await,
        Some(status) => {
            let values = values![endpoint.id, status.number()];
            page_of(app, &ask, "d.endpoint = $1 and d.status = $2", values).await
        }
    }
}

/// `GET /admin/webhooks/dead`
pub async fn dead(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let ask = crate::admin::roads::ask(call, &[])?;
    page_of(app, &ask, "d.status = 2", vec![]).await
}

async fn shown(mut once: Once<'_>, app: &App, call: &Call, id: u64) -> Result<Envelope, Failure> {
    let sql = format!("{SELECT} where d.id = $1");
    let rows = once.tx.read(&sql, values![id]).await?;
    let delivery = read(rows.first().ok_or_else(missing)?)?;
    let list = format!("/api/v1/webhook_endpoints/{}/deliveries", call.segment(0));
    let answer = Envelope::json(202, &delivery).with("location", list);
    let answer = once.commit(answer).await?;
    app.webhook_news.notify_one();
    Ok(answer)
}

async fn begin<'a>(app: &'a App, call: &Call) -> Result<Begun<'a>, Failure> {
    once::begin(app, Some(call.required_key()?)).await
}

async fn enabled(tx: &mut Tx<'_>, call: &Call) -> Result<u64, Failure> {
    let endpoint = endpoints::locked(tx, call).await?;
    if endpoint.disabled_at.is_some() {
        return Err(Problem::new(&ENDPOINT_DISABLED, "enable the endpoint first").into());
    }
    Ok(endpoint.id)
}

/// `POST /api/v1/webhook_endpoints/{id}/test`
pub async fn test(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let mut once = match begin(app, call).await? {
        Begun::Answered(answer) => return Ok(answer),
        Begun::New(once) => once,
    };
    let endpoint = enabled(&mut once.tx, call).await?;
    let data = json!({"endpoint": call.segment(0)});
    let message = (TEST_KIND, once.now, &data);
    let owner = call.context.app.as_str();
    let ids = super::write(&mut once.tx, app, owner, message, &[endpoint]).await?;
    let id = ids.first().copied().ok_or_else(missing)?;
    shown(once, app, call, id).await
}

async fn revive(tx: &mut Tx<'_>, id: u64, only: &str) -> Result<(), Failure> {
    let sql = format!(
        "update webhook_delivery set status = 0, attempts = 0, due = $1, life_from = $1 \
         where id = $2 and {only}"
    );
    let revived = tx.write(&sql, values![db::now(), id]).await?;
    if revived == 1 { Ok(()) } else { Err(missing().into()) }
}

/// `POST /api/v1/webhook_endpoints/{id}/deliveries/{delivery}/redeliver`
pub async fn redeliver(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let id = parse_id(DELIVERY_PREFIX, call.segment(1)).ok_or_else(missing)?;
    let mut once = match begin(app, call).await? {
        Begun::Answered(answer) => return Ok(answer),
        Begun::New(once) => once,
    };
    let endpoint = enabled(&mut once.tx, call).await?;
    revive(&mut once.tx, id, &format!("endpoint = {endpoint}")).await?;
    shown(once, app, call, id).await
}

/// `POST /admin/webhooks/{delivery}/replay`
pub async fn replay(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let name = call.segment(0);
    let id = parse_id(DELIVERY_PREFIX, name).ok_or_else(missing)?;
    let who = Who::of(app, &call.context).await?;
    let mut tx = app.db.begin().await?;
    revive(&mut tx, id, "status = 2").await?;
    // The operator vouches for the endpoint.
    let sql = "update webhook_endpoint set disabled_at = null, disabled_reason = null, \
               version = version + 1 where disabled_reason is not null \
               and id = (select endpoint from webhook_delivery where id = $1)";
    tx.write(sql, values![id]).await?;
    let sql = "select m.app from webhook_delivery d join webhook_message m on m.id = d.message \
               where d.id = $1";
    let rows = tx.read(sql, values![id]).await?;
    let owner = rows.first().map(|row| db::text(row, "app")).transpose()?.unwrap_or_default();
    let who = who.about(&owner);
    audit::record(&mut tx, app, &who, ("webhook_delivery.replayed", name), &json!({})).await?;
    tx.commit().await?;
    app.webhook_news.notify_one();
    Ok(Envelope::empty(204))
}
