//! Payments and the rules: a new one is held against them, one under review is decided about.

use super::super::payment::{number, pay};
use super::sets;
use crate::app::App;
use crate::db::Error;
use crate::respond::{Call, Failure};
use shared::envelope::Envelope;
use shared::payments::fraud::{Facts, Screen};
use shared::payments::payment::{Ask, Payment, review};
use std::sync::Arc;

/// What is asked of the ledger for a new payment: held against rules, if there are any.
///
/// # Errors
/// The database is down.
pub async fn creation(app: &App, call: &Call, payment: Payment) -> Result<Ask, Error> {
    let owner = &call.context.app;
    let rules = sets::find(&app.db, owner).await?.rules;
    if rules.is_empty() {
        return Ok(Ask::Create(Box::new(payment)));
    }
    let facts = Facts::of(&payment).from(&call.context.ip, &call.context.country);
    let screen = Screen { app: owner.clone(), rules: Arc::new(rules), facts };
    Ok(Ask::Screened(Box::new(payment), Box::new(screen)))
}

/// `POST /api/v1/payments/{id}/review`
pub async fn decide(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let key = call.required_key()?;
    let (approved, why) = review::request(&call.body)?;
    pay(app, call, key, number(call)?, Ask::Review(approved, why)).await
}
