//! The rows of payments: loaded with the ledger's, written in its commit.
//!
//! Invariant: payments are locked before transfers and accounts, in the order of their ids.
//! [`write()`] is the one place that writes a payment's events.

use crate::app::App;
use crate::db::{self, Error, Tx, Value};
use crate::rows::{Rows, Type};
use crate::values;
use crate::webhooks::{self, News};
use serde_json::json;
use shared::money::Currency;
use shared::payments::gateway::{Action, Order};
use shared::payments::payment::wire::{EventView, PaymentView};
use shared::payments::payment::{Event, Payment, Status, Write};
use shared::payments::transfer::Transfer;
use shared::payments::wire::{parse, payment_id};
use shared::time::Millis;
use sqlx::any::AnyRow;
use std::collections::{BTreeMap, BTreeSet};

const INT: Type = Type::Int;
const TEXT: Type = Type::Text;

/// Of `payment_event`.
pub const EVENT: &str = "payment, n, kind, status, amount, detail, at, made_by, request";
const EVENT_TYPES: &[Type] = &[INT, INT, TEXT, TEXT, INT, TEXT, INT, TEXT, TEXT];
/// Of `gateway_order`.
pub const ORDER: &str = "key, payment, gateway, action, amount, currency, token, subject, \
                         attempts, due, created_at, settled_at, parked";
const ORDER_TYPES: &[Type] =
    &[TEXT, INT, TEXT, TEXT, INT, TEXT, TEXT, TEXT, INT, INT, INT, INT, TEXT];

fn stored(what: &str) -> Error {
    Error::Stored(format!("{what} is not what payments write"))
}

/// Reads a payment's row.
///
/// # Errors
/// The row is none.
pub fn payment(row: &AnyRow) -> Result<Payment, Error> {
    Ok(serde_json::from_str(&db::text(row, "body")?)?)
}

/// Reads [`EVENT`].
///
/// # Errors
/// The row is none.
pub fn event(row: &AnyRow) -> Result<Event, Error> {
    Ok(Event {
        payment: db::number(row, "payment")?,
        n: db::number(row, "n")?,
        kind: db::text(row, "kind")?,
        status: Status::of(&db::text(row, "status")?).ok_or_else(|| stored("status"))?,
        amount: db::signed(row, "amount")?,
        detail: db::maybe_text(row, "detail")?,
        at: Millis(db::number(row, "at")?),
        by: db::text(row, "made_by")?,
        request: db::text(row, "request")?,
    })
}

/// Reads the part of [`ORDER`] that a gateway sees.
///
/// # Errors
/// The row is none.
pub fn order(row: &AnyRow) -> Result<Order, Error> {
    let currency = Currency::of(&db::text(row, "currency")?);
    Ok(Order {
        key: db::text(row, "key")?,
        action: Action::of(&db::text(row, "action")?).ok_or_else(|| stored("action"))?,
        amount: db::signed(row, "amount")?,
        currency: currency.ok_or_else(|| stored("currency"))?,
        token: db::text(row, "token")?,
        reference: payment_id(db::number(row, "payment")?),
        subject: db::maybe_text(row, "subject")?,
    })
}

/// Loads and locks payments.
///
/// # Errors
/// The database is down, or what it holds is none.
pub async fn load(tx: &mut Tx<'_>, ids: &BTreeSet<u64>) -> Result<BTreeMap<u64, Payment>, Error> {
    let mut found = BTreeMap::new();
    let asked = Rows { types: &[INT], values: ids.iter().map(|id| Value::from(*id)).collect() };
    let wanted = super::store::found(tx.engine(), "payment.body", "payment", "payment.id");
    let rows = tx.read_rows(asked, |rows| wanted.replace("{rows}", rows)).await?;
    for row in rows {
        let payment = payment(&row)?;
        found.insert(payment.id, payment);
    }
    Ok(found)
}

/// Which of the pending transfers belong to payments. A transfer names its payment, and so may
/// any other: the payment decides.
///
/// # Errors
/// The database is down.
pub async fn kept(
    tx: &mut Tx<'_>,
    transfers: &BTreeMap<u64, Transfer>,
) -> Result<BTreeMap<u64, u64>, Error> {
    let named = |one: &Transfer| parse("pay", one.reference.as_deref()?);
    let named: BTreeSet<u64> = transfers.values().filter_map(named).collect();
    if named.is_empty() {
        return Ok(BTreeMap::new());
    }
    let asked = Rows { types: &[INT], values: named.iter().map(|id| Value::from(*id)).collect() };
    let rows = tx
        .read_rows(asked, |rows| {
            format!("select payment.body from {rows} join payment on payment.id = column1")
        })
        .await?;
    let mut kept = BTreeMap::new();
    for row in rows {
        let payment = payment(&row)?;
        kept.extend(payment.holds().map(|hold| (hold, payment.id)));
    }
    Ok(kept)
}

/// Writes what a commit has of payments; `false`: something is not as it was loaded.
///
/// # Errors
/// The database is down.
pub async fn write(app: &App, tx: &mut Tx<'_>, writes: &[&Write]) -> Result<bool, Error> {
    let (mut made, mut changed) = (Vec::new(), BTreeMap::new());
    let (mut events, mut orders, mut settled) = (Vec::new(), Vec::new(), Vec::new());
    let now = db::now();
    for write in writes {
        match write {
            Write::Made(payment) => made.extend(of_payment(payment)?),
            Write::Changed(payment) => drop(changed.insert(payment.id, payment)),
            Write::Happened(event) => events.extend(of_event(event)),
            Write::Ordered { payment, gateway, order } => {
                orders.extend(of_order(*payment, gateway, order, now));
            }
            Write::Settled(key) => settled.push(key.as_str()),
        }
    }
    let rows = Rows { types: &[INT, TEXT, TEXT, TEXT, TEXT, TEXT, TEXT], values: made };
    insert(tx, "payment", "id, app, status, gateway, subject, body, review", rows).await?;
    insert(tx, "payment_event", EVENT, Rows { types: EVENT_TYPES, values: events }).await?;
    insert(tx, "gateway_order", ORDER, Rows { types: ORDER_TYPES, values: orders }).await?;
    settle(tx, settled, now).await?;
    tell(app, tx, writes).await?;
    let count = changed.len() as u64;
    Ok(change(tx, changed.into_values()).await? == count)
}

async fn insert(tx: &mut Tx<'_>, table: &str, row: &str, rows: Rows<'_>) -> Result<(), Error> {
    tx.write_rows(rows, |rows| {
        format!("insert into {table} ({row}) select * from {rows} where column1 is not null")
    })
    .await?;
    Ok(())
}

/// Tells the applications' webhooks what happened, with the payment as it is after the commit.
async fn tell(app: &App, tx: &mut Tx<'_>, writes: &[&Write]) -> Result<(), Error> {
    let mut after = BTreeMap::new();
    for write in writes {
        if let Write::Made(payment) | Write::Changed(payment) = write {
            after.insert(payment.id, payment);
        }
    }
    let mut news: BTreeMap<&str, Vec<News>> = BTreeMap::new();
    for write in writes {
        let Write::Happened(event) = write else { continue };
        let Some(payment) = after.get(&event.payment) else { continue };
        let data = json!({"payment": PaymentView::of(payment), "event": EventView::of(event)});
        let one = News { kind: event.kind.clone(), at: event.at, data };
        news.entry(payment.app.as_str()).or_default().push(one);
    }
    for (owner, news) in news {
        webhooks::publish(tx, app, owner, &news).await?;
    }
    Ok(())
}

async fn change<'a>(
    tx: &mut Tx<'_>,
    payments: impl Iterator<Item = &'a Box<Payment>>,
) -> Result<u64, Error> {
    let mut values = Vec::new();
    for payment in payments {
        let (status, subject) = (payment.status.as_str(), payment.subject.clone());
        let body = serde_json::to_string(payment)?;
        values.extend(values![payment.id, status, subject, body, review(payment)]);
    }
    let rows = Rows { types: &[INT, TEXT, TEXT, TEXT, TEXT], values };
    tx.write_rows(rows, |rows| {
        format!(
            "update payment set status = column2, subject = column3, body = column4, \
             review = column5 from {rows} where payment.id = column1"
        )
    })
    .await
}

async fn settle(tx: &mut Tx<'_>, keys: Vec<&str>, now: Millis) -> Result<(), Error> {
    let values = keys.into_iter().flat_map(|key| values![key, now]).collect();
    let rows = Rows { types: &[TEXT, INT], values };
    tx.write_rows(rows, |rows| {
        format!(
            "update gateway_order set settled_at = column2, parked = null from {rows} \
             where gateway_order.key = column1 and gateway_order.settled_at is null"
        )
    })
    .await?;
    Ok(())
}

/// Where its review stands, for the list.
fn review(payment: &Payment) -> Option<String> {
    payment.review.as_ref().map(|review| review.status.as_str().to_owned())
}

fn of_payment(payment: &Payment) -> Result<Vec<Value>, Error> {
    let gateway = payment.gateway().map(|(gateway, _)| gateway.to_owned());
    let body = serde_json::to_string(payment)?;
    let (app, status) = (payment.app.as_str(), payment.status.as_str());
    let subject = payment.subject.clone();
    Ok(values![payment.id, app, status, gateway, subject, body, review(payment)])
}

fn of_event(event: &Event) -> Vec<Value> {
    let Event { payment, n, kind, status, amount, detail, at, by, request } = event;
    let (kind, status, by) = (kind.as_str(), status.as_str(), by.as_str());
    values![*payment, *n, kind, status, *amount, detail.clone(), *at, by, request.as_str()]
}

fn of_order(payment: u64, gateway: &str, order: &Order, now: Millis) -> Vec<Value> {
    let Order { key, action, amount, currency, token, subject, .. } = order;
    values![
        key.as_str(),
        payment,
        gateway,
        action.as_str(),
        *amount,
        currency.code(),
        token.as_str(),
        subject.clone(),
        0u64,
        now,
        now,
        Option::<Millis>::None,
        Option::<String>::None,
    ]
}
