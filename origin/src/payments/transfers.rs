//! Transfers: one or many, posted or held, and how a hold ends.

use super::columns::{self, TRANSFER};
use super::payouts::not_of_a_payout;
use super::{actor, submit};
use crate::app::App;
use crate::db;
use crate::respond::{Call, Failure};
use crate::values;
use shared::envelope::Envelope;
use shared::payments::ledger::{Batch, Ending, Input, no_transfer};
use shared::payments::request::{self, Ask};
use shared::payments::wire::{TransferView, parse};
use shared::problem::Problem;
use std::sync::Arc;

/// `POST /api/v1/transfers`
pub async fn create(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let key = call.required_key()?;
    let input = match request::transfers(&call.body)? {
        Ask::One(order) => Input::Transfer(actor(app, call).await?, app.ids.next().await?, order),
        Ask::Many { orders, linked } => {
            let ids = app.ids.next_many(orders.len()).await?;
            let orders = ids.into_iter().zip(orders).collect();
            Input::Batch(actor(app, call).await?, Arc::new(Batch { orders, linked }))
        }
    };
    submit(app, call, key, input).await
}

/// `GET /api/v1/transfers/{id}`
pub async fn get(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let sql = format!(
        "select {TRANSFER} from transfer t join account a on a.id = t.debit \
         where t.id = $1 and a.app = $2"
    );
    let rows = app.db.read(&sql, values![number(call)?, call.context.app.as_str()]).await?;
    let transfer = columns::transfer(rows.first().ok_or_else(no_transfer)?)?;
    Ok(Envelope::json(200, &TransferView::of(&transfer, db::now())))
}

/// `POST /api/v1/transfers/{id}/post`
pub async fn post(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let key = call.required_key()?;
    let ending = Ending::Post(request::post(&call.body)?);
    not_of_a_payout(app, number(call)?).await?;
    submit(app, call, key, Input::Settle(actor(app, call).await?, number(call)?, ending)).await
}

/// `POST /api/v1/transfers/{id}/void`
pub async fn void(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let key = call.required_key()?;
    not_of_a_payout(app, number(call)?).await?;
    submit(app, call, key, Input::Settle(actor(app, call).await?, number(call)?, Ending::Void))
        .await
}

fn number(call: &Call) -> Result<u64, Problem> {
    parse("trf", call.segment(0)).ok_or_else(no_transfer)
}
