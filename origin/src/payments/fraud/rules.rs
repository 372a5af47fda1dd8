//! Rules: published, read, deleted; their versions.
//!
//! Invariant: the register travels in the answer too, so that who published is judged by it at
//! once, at the edge as well.

use super::super::actor;
use super::sets;
use crate::app::App;
use crate::audit::{self, Who};
use crate::db;
use crate::outbox;
use crate::respond::{Call, Failure};
use serde_json::json;
use shared::body;
use shared::envelope::Envelope;
use shared::page::{self, Page};
use shared::payments::fraud::publish::{self, Action, Change, Named, no_rule};
use shared::payments::fraud::wire::VersionView;

/// `PUT /api/v1/fraud/rules/{name}`
pub async fn put(app: &App, call: &Call) -> Result<Envelope, Failure> {
    publish::name(call.segment(0))?;
    body::check_media_type(call.header("content-type").as_deref())?;
    change(app, call, Change::Put(publish::rule(&call.body)?)).await
}

/// `DELETE /api/v1/fraud/rules/{name}`
pub async fn delete(app: &App, call: &Call) -> Result<Envelope, Failure> {
    publish::known_name(call.segment(0))?;
    change(app, call, Change::Delete).await
}

async fn change(app: &App, call: &Call, change: Change) -> Result<Envelope, Failure> {
    let (owner, name) = (call.context.app.as_str(), call.segment(0));
    let (by, who) = (actor(app, call).await?, Who::of(app, &call.context).await?);
    let mut tx = app.db.begin().await?;
    let set = sets::lock(&mut tx, owner).await?;
    let (now, if_match) = (db::now(), call.header("if-match"));
    let (set, action) = publish::decide(&set, name, now, if_match.as_deref(), change)?;
    let register = set.register(owner, outbox::epoch(&mut tx).await?);
    if let Some(action) = action {
        sets::commit(&mut tx, &set, (name, action), &by, now).await?;
        let data = json!({"version": set.version, "rule": set.find(name).ok()});
        audit::record(&mut tx, app, &who, (action.recorded(), name), &data).await?;
        // The edge applies the answer's projection itself; the relay is for when it could not.
        let due = now.plus(app.config.durations.relay_grace_ms);
        outbox::append(&mut tx, app, std::slice::from_ref(&register), due).await?;
        tx.commit().await?;
        app.outbox_news.notify_one();
    }
    let envelope = match action {
        Some(Action::Deleted) => Envelope::empty(204),
        Some(Action::Created) => shown(201, set.find(name)?),
        Some(Action::Replaced) | None => shown(200, set.find(name)?),
    };
    Ok(Envelope { projections: vec![register], ..envelope })
}

/// `GET /api/v1/fraud/rules/{name}`
pub async fn get(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let set = sets::find(&app.db, &call.context.app).await?;
    Ok(shown(200, set.find(call.segment(0))?))
}

/// `GET /api/v1/fraud/rules`: by name.
pub async fn list(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let asked = page::query(&call.query);
    let get = |name: &str| asked.get(name).map(String::as_str);
    let ask = page::ask(get("limit"), get("cursor"))?;
    let after = ask.after.clone().unwrap_or_default();
    let set = sets::find(&app.db, &call.context.app).await?;
    let rows = set.rules.into_iter().filter(|named| named.name > after);
    let rows = rows.take(usize::try_from(ask.rows()).unwrap_or(usize::MAX)).collect();
    let page: Page<Named> = ask.page(rows, |last| last.name.clone());
    Ok(Envelope::json(200, &page))
}

/// `GET /api/v1/fraud/rules/{name}/versions`: newest first.
pub async fn versions(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let asked = page::query(&call.query);
    let get = |name: &str| asked.get(name).map(String::as_str);
    let ask = page::ask(get("limit"), get("cursor"))?;
    let first = ask.after.is_none();
    let below = ask.after.as_deref().and_then(|n| n.parse().ok()).unwrap_or(i64::MAX as u64);
    let place = (call.context.app.as_str(), call.segment(0));
    let rows = sets::versions(&app.db, place, below, ask.rows()).await?;
    if first && rows.is_empty() {
        return Err(no_rule().into());
    }
    let page: Page<VersionView> = ask.page(rows, |last| last.version.to_string());
    Ok(Envelope::json(200, &page))
}

fn shown(status: u16, named: &Named) -> Envelope {
    Envelope::json(status, named).with("etag", named.etag())
}
