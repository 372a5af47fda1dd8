//! Policies: published, read, deleted.
//!
//! Invariant: row, record and register are written in one transaction; the register travels in the
//! answer too, so that who published is limited by it at once.

use super::store;
use crate::app::App;
use crate::db;
use crate::outbox;
use crate::respond::{Call, Failure};
use shared::body;
use shared::envelope::Envelope;
use shared::limits::publish::{self, Action, Change, Place, Row};
use shared::limits::query;
use shared::page::Page;

/// `PUT /api/v1/limits/policies/{name}`
pub async fn put(app: &App, call: &Call) -> Result<Envelope, Failure> {
    publish::name(call.segment(0))?;
    body::check_media_type(call.header("content-type").as_deref())?;
    change(app, call, Change::Put(publish::policy(&call.body)?)).await
}

/// `DELETE /api/v1/limits/policies/{name}`
pub async fn delete(app: &App, call: &Call) -> Result<Envelope, Failure> {
    publish::known_name(call.segment(0))?;
    change(app, call, Change::Delete).await
}

async fn change(app: &App, call: &Call, change: Change) -> Result<Envelope, Failure> {
    let (owner, name) = (call.context.app.as_str(), call.segment(0));
    let mut tx = app.db.begin().await?;
    store::lock(&mut tx, owner).await?;
    let (row, live) = store::load(&mut tx, owner, name).await?;
    let place = Place { app: owner, name, row: row.as_ref(), live };
    let now = db::now();
    let if_match = call.header("if-match");
    let decision = publish::decide(place, now, if_match.as_deref(), change)?;
    let register = decision.row.register(outbox::epoch(&mut tx).await?);
    if let Some(action) = decision.action {
        let written = (&decision.row, action, row.as_ref());
        store::commit(&mut tx, app, written, &call.context).await?;
        // The edge applies the answer's projection itself; the relay is for when it could not.
        let due = now.plus(app.config.durations.relay_grace_ms);
        outbox::append(&mut tx, app, std::slice::from_ref(&register), due).await?;
        tx.commit().await?;
        app.outbox_news.notify_one();
    }
    let envelope = match decision.action {
        Some(Action::Deleted) => Envelope::empty(204),
        Some(Action::Created) => shown(201, &decision.row)?,
        Some(Action::Replaced) | None => shown(200, &decision.row)?,
    };
    Ok(Envelope { projections: vec![register], ..envelope })
}

/// `GET /api/v1/limits/policies/{name}`
pub async fn get(app: &App, call: &Call) -> Result<Envelope, Failure> {
    shown(200, &owned(app, call).await?)
}

/// `GET /api/v1/limits/policies`
pub async fn list(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let ask = query::list(&call.query)?;
    let rows = store::list(&app.db, &call.context.app, &ask).await?;
    let Page { items, next_cursor } = ask.page(rows, |row| row.name.clone());
    let items = items.iter().map(Row::published).collect::<Result<Vec<_>, _>>()?;
    Ok(Envelope::json(200, &Page { items, next_cursor }))
}

/// The application's policy that the path names.
///
/// # Errors
/// 404, or the database is down.
pub async fn owned(app: &App, call: &Call) -> Result<Row, Failure> {
    let name = call.segment(0);
    publish::known_name(name)?;
    let row = store::find(&app.db, &call.context.app, name).await?;
    let row = row.filter(|row| row.policy.is_some());
    Ok(row.ok_or_else(publish::not_found)?)
}

fn shown(status: u16, row: &Row) -> Result<Envelope, Failure> {
    Ok(Envelope::json(status, &row.published()?).with("etag", row.etag()))
}
