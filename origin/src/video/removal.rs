//! What goes: uploads that nobody finished, and everything of a video that was deleted.
//!
//! Invariant: a video is gone for viewers in the transaction of its deletion; its objects follow at
//! once, and again when nothing can be under way any more (uploads, jobs, pulls of the edge); then
//! the last of its events says that nothing is left.

use super::row;
use crate::app::App;
use crate::{db, edge, objects, values};
use shared::time::Millis;
use shared::video::presentation::{FORGET_PATH, Forget, Forgotten, Status};
use shared::video::probe::{Failure, FailureCode};
use shared::video::wire::video_id;

/// Videos of one look.
const LOOK_MAX: u64 = 100;

/// Why something is still there.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Db(#[from] db::Error),
    #[error("{0}")]
    Objects(#[from] objects::Error),
    #[error("{0}")]
    Edge(#[from] edge::Error),
}

/// Fails the uploads whose time is over, and takes their parts away; how many.
///
/// # Errors
/// The database or the store.
pub async fn give_up(app: &App, now: Millis) -> Result<u64, Error> {
    let sql = "select id from video where status = 'uploading' and deleted_at is null \
               and upload_expires_at <= $1 order by upload_expires_at limit $2";
    let mut count = 0;
    for found in app.db.read(sql, values![now, LOOK_MAX]).await? {
        let id = db::number(&found, "id")?;
        let mut tx = app.db.begin().await?;
        let Some(mut row) = row::lock(&mut tx, id).await? else { continue };
        if row.status != Status::Uploading || row.upload_expires_at > now {
            continue;
        }
        let why = format!("{} bytes came before its time was over", row.upload_offset);
        row.status = Status::Failed;
        row.failure = Some(Failure::new(FailureCode::UploadExpired, why.clone()));
        tx.write("delete from video_part where video = $1", values![id]).await?;
        row::save(&mut tx, app, &mut row, Some(("failed", why))).await?;
        tx.commit().await?;
        app.objects.delete_below(&format!("{}/{}", row.app, video_id(id))).await?;
        count += 1;
    }
    Ok(count)
}

/// Takes away the objects of what was deleted, here and in the edge's bucket; how many videos are
/// gone for good.
///
/// # Errors
/// The database; what another store does not take now is tried again at the next call.
pub async fn purge(app: &App, now: Millis) -> Result<u64, Error> {
    let sql = "select v.id as id, v.app as app, v.deleted_at as deleted_at, \
               (select count(*) from video_job j where j.video = v.id and j.leased_until > $1) \
               as held from video v where v.deleted_at is not null and v.purged_at is null \
               order by v.deleted_at limit $2";
    let mut count = 0;
    for found in app.db.read(sql, values![now, LOOK_MAX]).await? {
        let (id, owner) = (db::number(&found, "id")?, db::text(&found, "app")?);
        let is_held = db::number(&found, "held")? > 0;
        let since = Millis(db::number(&found, "deleted_at")?);
        if let Err(error) = empty(app, owner, id).await {
            tracing::warn!(%error, video = id, "its objects are not all gone");
            continue;
        }
        if !is_held && now.since(since) >= app.config.durations.purge_settle_ms {
            purged(app, id).await?;
            count += 1;
        }
    }
    Ok(count)
}

/// The origin first: what the edge pulls after that is nothing.
async fn empty(app: &App, owner: String, id: u64) -> Result<(), Error> {
    app.objects.delete_below(&format!("{owner}/{}", video_id(id))).await?;
    forget(app, Forget { app: owner, video: video_id(id) }).await?;
    Ok(())
}

/// Nothing is left of its objects: marks it, and takes away what is known of it beside its row.
///
/// # Errors
/// The database is down.
pub async fn purged(app: &App, id: u64) -> Result<(), Error> {
    let mut tx = app.db.begin().await?;
    let mark = "update video set purged_at = $1, events = events + 1, plan = null \
                where id = $2 and purged_at is null";
    if tx.write(mark, values![db::now(), id]).await? == 0 {
        return Ok(());
    }
    let event = "insert into video_event (video, n, at, kind, detail) \
                 select id, events, $1, 'purged', '' from video where id = $2";
    tx.write(event, values![db::now(), id]).await?;
    for table in ["video_part", "video_job", "video_rendition", "video_quality"] {
        tx.write(&format!("delete from {table} where video = $1"), values![id]).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Has the edge empty its bucket of a video; it refuses until it knows of the deletion.
async fn forget(app: &App, what: Forget) -> Result<(), edge::Error> {
    loop {
        let body = serde_json::to_vec(&what).unwrap_or_default();
        let said: Forgotten = edge::post(app, FORGET_PATH, body).await?.json().await?;
        if !said.more {
            return Ok(());
        }
    }
}
