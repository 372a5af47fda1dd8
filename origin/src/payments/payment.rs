//! Payments: created, captured, canceled, refunded, read, with their events.

use super::fraud::review;
use super::kept::{self, EVENT};
use super::{actor, books, submit};
use crate::app::App;
use crate::db::{Error, Value};
use crate::respond::{Call, Failure};
use crate::values;
use shared::envelope::Envelope;
use shared::idempotency::Key;
use shared::page::{self, Page};
use shared::payments::ledger::Input;
use shared::payments::payment::wire::{EventView, PaymentView, RefundView};
use shared::payments::payment::{Ask, IDS, Input as About, Payment, Status, no_payment, request};
use shared::payments::wire::parse;
use shared::problem::Problem;

/// How the machine's reply is answered: 201 to what created something, else 200.
#[must_use]
pub(super) fn shown(payment: &Payment, created: bool) -> Envelope {
    let view = PaymentView::of(payment);
    if !created {
        return Envelope::json(200, &view);
    }
    Envelope::json(201, &view).with("location", format!("/api/v1/payments/{}", view.id))
}

/// `POST /api/v1/payments`
pub async fn create(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let key = call.required_key()?;
    let mut payment = request::payment(&call.body)?;
    payment.id = app.ids.next().await?;
    payment.app = call.context.app.clone();
    if let Some((name, _)) = payment.gateway() {
        let is_payout = payment.is_payout();
        let takes = |gateway: &&std::sync::Arc<dyn super::gateway::Gateway>| {
            if is_payout { gateway.pays_out() } else { gateway.takes() }
        };
        if app.gateways.get(name).filter(takes).is_none() {
            let detail = format!("{name:?} is not configured here, or does not do this");
            return Err(request::no_gateway(&payment, detail).into());
        }
        let owner = &call.context.app;
        payment.books = Some(books::of(app, owner, name, payment.currency).await?);
    }
    let id = payment.id;
    let ask = review::creation(app, call, payment).await?;
    pay(app, call, key, id, ask).await
}

/// `POST /api/v1/payments/{id}/capture`
pub async fn capture(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let key = call.required_key()?;
    let ask = Ask::Capture(request::capture(&call.body)?);
    pay(app, call, key, number(call)?, ask).await
}

/// `POST /api/v1/payments/{id}/cancel`
pub async fn cancel(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let key = call.required_key()?;
    pay(app, call, key, number(call)?, Ask::Cancel).await
}

/// `POST /api/v1/payments/{id}/refunds`
pub async fn refund(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let key = call.required_key()?;
    let (amount, reason) = request::refund(&call.body)?;
    let ask = Ask::Refund(amount, reason);
    pay(app, call, key, number(call)?, ask).await
}

/// `GET /api/v1/payments/{id}`
pub async fn get(app: &App, call: &Call) -> Result<Envelope, Failure> {
    Ok(shown(&owned(app, call).await?, false))
}

/// `GET /api/v1/payments`: newest first.
pub async fn list(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let asked = page::query(&call.query);
    let get = |name: &str| asked.get(name).map(String::as_str);
    let ask = page::ask(get("limit"), get("cursor"))?;
    let status = request::status(get("status"))?.map_or("%", Status::as_str);
    let before = ask.after.as_deref().and_then(|id| id.parse().ok()).unwrap_or(i64::MAX as u64);
    let review = request::review(get("review"))?;
    let only = if review.is_some() { "and review = $5" } else { "" };
    let sql = format!(
        "select body from payment where app = $1 and id < $2 and status like $3 {only} \
         order by id desc limit $4"
    );
    let mut values = values![call.context.app.as_str(), before, status, ask.rows()];
    values.extend(review.map(|review| Value::from(review.as_str())));
    let rows = app.db.read(&sql, values).await?;
    let rows = rows.iter().map(kept::payment).collect::<Result<Vec<_>, Error>>()?;
    let page = ask.page(rows, |last| last.id.to_string());
    let items = page.items.iter().map(PaymentView::of).collect();
    Ok(Envelope::json(200, &Page::<PaymentView> { items, next_cursor: page.next_cursor }))
}

/// `GET /api/v1/payments/{id}/events`: oldest first.
pub async fn events(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let asked = page::query(&call.query);
    let get = |name: &str| asked.get(name).map(String::as_str);
    let ask = page::ask(get("limit"), get("cursor"))?;
    let payment = owned(app, call).await?;
    let after: u64 = ask.after.as_deref().and_then(|n| n.parse().ok()).unwrap_or(0);
    let sql = format!(
        "select {EVENT} from payment_event where payment = $1 and n > $2 order by n limit $3"
    );
    let rows = app.db.read(&sql, values![payment.id, after, ask.rows()]).await?;
    let rows = rows.iter().map(kept::event).collect::<Result<Vec<_>, Error>>()?;
    let page = ask.page(rows, |last| last.n.to_string());
    let items = page.items.iter().map(EventView::of).collect();
    Ok(Envelope::json(200, &Page::<EventView> { items, next_cursor: page.next_cursor }))
}

/// `GET /api/v1/payments/{id}/refunds`: oldest first, all of them (at most 100).
pub async fn refunds(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let asked = page::query(&call.query);
    let get = |name: &str| asked.get(name).map(String::as_str);
    let ask = page::ask(get("limit"), get("cursor"))?;
    let payment = owned(app, call).await?;
    let after: u64 = ask.after.as_deref().and_then(|id| id.parse().ok()).unwrap_or(0);
    let rows = payment.refunds.iter().filter(|refund| refund.id > after);
    let rows: Vec<_> = rows.take(usize::try_from(ask.rows()).unwrap_or(usize::MAX)).collect();
    let page = ask.page(rows, |last| last.id.to_string());
    let items = page.items.iter().map(|refund| RefundView::of(&payment, refund)).collect();
    Ok(Envelope::json(200, &Page::<RefundView> { items, next_cursor: page.next_cursor }))
}

/// Has it decided, and wakes the relay: it may have led to an order.
pub(super) async fn pay(
    app: &App,
    call: &Call,
    key: Key,
    id: u64,
    ask: Ask,
) -> Result<Envelope, Failure> {
    let input = Input::Pay(actor(app, call).await?, about(app, id, ask).await?);
    let answer = submit(app, call, key, input).await;
    app.order_news.notify_one();
    answer
}

/// An input about a payment, with the snowflakes that it may need.
pub(super) async fn about(app: &App, payment: u64, ask: Ask) -> Result<About, Error> {
    let ids = <[u64; IDS]>::try_from(app.ids.next_many(IDS).await?);
    let ids = ids.map_err(|_| Error::Stored("too few ids were drawn".into()))?;
    Ok(About { payment, ids, ask })
}

pub(super) fn number(call: &Call) -> Result<u64, Problem> {
    parse("pay", call.segment(0)).ok_or_else(no_payment)
}

async fn owned(app: &App, call: &Call) -> Result<Payment, Failure> {
    let sql = "select body from payment where id = $1 and app = $2";
    let rows = app.db.read(sql, values![number(call)?, call.context.app.as_str()]).await?;
    Ok(kept::payment(rows.first().ok_or_else(no_payment)?)?)
}
