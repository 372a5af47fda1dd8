//! Captions: WebVTT, checked and stored beside the video.
//!
//! Invariant: what is offered as a caption is WebVTT; one per language.

use super::owned;
use super::row::{self, Row};
use crate::app::App;
use crate::db::Error;
use crate::respond::{Call, Failure};
use shared::envelope::Envelope;
use shared::page;
use shared::problem::{MALFORMED, Problem};
use shared::video::caption;
use shared::video::presentation::Caption;

/// `PUT /api/v1/videos/{id}/captions/{language}`
pub async fn put(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let language = caption::language(call.segment(1))?;
    let label = page::query(&call.query).remove("label");
    let label = caption::label(label.as_deref(), &language)?;
    let bytes = axum::body::to_bytes(
        call.stream.take().unwrap_or_default(),
        usize::try_from(caption::BYTES_MAX).unwrap_or(usize::MAX),
    );
    let broken = |_| Problem::new(&MALFORMED, "the body broke off");
    let text = caption::check(&bytes.await.map_err(broken)?)?;
    let found = owned(app, call).await?;
    caption::room(&found.captions, &language)?;
    let caption = Caption { language: language.clone(), label, generation: rand::random() };
    let stored = app.objects.put(&found.object(&caption.path()), text.as_bytes().to_vec()).await;
    stored.map_err(|error| Error::Stored(error.to_string()))?;
    let mut tx = app.db.begin().await?;
    let mut row = row::lock(&mut tx, found.id).await?.ok_or_else(super::not_found)?;
    let old = take(&mut row, &language);
    row.captions.push(caption);
    row.captions.sort_by(|a, b| a.language.cmp(&b.language));
    let event = format!("captions in {language}");
    let register = row::save_answered(&mut tx, app, &mut row, Some(("changed", event))).await?;
    tx.commit().await?;
    app.outbox_news.notify_one();
    forget(app, old).await;
    Ok(Envelope { projections: vec![register], ..Envelope::empty(204) })
}

/// `DELETE /api/v1/videos/{id}/captions/{language}`
pub async fn delete(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let language = caption::language(call.segment(1))?;
    let id = owned(app, call).await?.id;
    let mut tx = app.db.begin().await?;
    let mut row = row::lock(&mut tx, id).await?.ok_or_else(super::not_found)?;
    let old = Some(take(&mut row, &language).ok_or_else(super::not_found)?);
    let event = format!("no captions in {language}");
    let register = row::save_answered(&mut tx, app, &mut row, Some(("changed", event))).await?;
    tx.commit().await?;
    app.outbox_news.notify_one();
    forget(app, old).await;
    Ok(Envelope { projections: vec![register], ..Envelope::empty(204) })
}

/// Takes the captions of a language out of a row; where their object is.
fn take(row: &mut Row, language: &str) -> Option<String> {
    let at = row.captions.iter().position(|one| one.language == language)?;
    let old = row.captions.remove(at);
    Some(row.object(&old.path()))
}

/// What no row names any more; what stays after all goes with the video.
async fn forget(app: &App, object: Option<String>) {
    let Some(path) = object else { return };
    if let Err(error) = app.objects.delete(&path).await {
        tracing::warn!(%error, "captions were not deleted");
    }
}
