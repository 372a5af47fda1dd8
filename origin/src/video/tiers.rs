//! Storage tiers: what nobody plays for long goes, and is made again when somebody wants it.
//!
//! Invariant: the source, the sounds and the smallest H.264 stay, so a video always plays. A
//! rendition is gone for viewers in the transaction that parks it; its objects follow, here and in
//! the edge's bucket. It comes back under another name, whole, so that what was served under a
//! name is never anything else. Refused: failing a video that plays because a piece of it fails.

use super::removal::{self, Error};
use super::row::{self, Row};
use super::{jobs, made};
use crate::app::App;
use crate::db::{self, Tx};
use crate::values;
use shared::roads::Event;
use shared::time::Millis;
use shared::video::ladder::Codec;
use shared::video::presentation::{Forget, Status};
use shared::video::want::Want;
use shared::video::wire::{self, video_id};
use std::collections::{BTreeMap, BTreeSet};

/// Renditions of one look.
const LOOK_MAX: u64 = 100;

/// A video is whole: from now on it counts when its renditions were wanted last.
///
/// # Errors
/// The database is down.
pub async fn begin(tx: &mut Tx<'_>, row: &Row, now: Millis) -> Result<(), db::Error> {
    let Some(plan) = &row.plan else { return Ok(()) };
    let smallest = plan.rungs.iter().position(|rung| rung.codec == Codec::Avc);
    for (n, rung) in plan.rungs.iter().enumerate() {
        if Some(n) != smallest {
            used_from(tx, row.id, &rung.name, now).await?;
        }
    }
    Ok(())
}

async fn used_from(tx: &mut Tx<'_>, id: u64, name: &str, now: Millis) -> Result<(), db::Error> {
    let sql = "update video_rendition set used_at = $1 where video = $2 and name = $3";
    tx.write(sql, values![now, id, name]).await?;
    Ok(())
}

/// What viewers wanted, by video and rendition: whose it is, and when.
pub type Wants = BTreeMap<(u64, String), (String, Millis)>;

/// Takes an event in.
///
/// # Errors
/// For the dead letter: it is no wish.
pub fn fold(wants: &mut Wants, event: &Event) -> Result<(), String> {
    let Want { app, video, rendition } = Want::read(&event.body)?;
    let id = wire::parse(&video).ok_or_else(|| format!("no video: {video:?}"))?;
    let (_, at) = wants.entry((id, rendition)).or_insert((app, event.at));
    *at = event.at.max(*at);
    Ok(())
}

/// Writes down what viewers wanted. What is there was used; what is parked is to be made: whether
/// there is any.
///
/// # Errors
/// The database is down.
pub async fn write(tx: &mut Tx<'_>, wants: Wants) -> Result<bool, db::Error> {
    let own = "exists (select 1 from video v where v.id = $2 and v.app = $4 \
               and v.deleted_at is null)";
    let used = format!(
        "update video_rendition set used_at = $1 \
         where video = $2 and name = $3 and used_at < $1 and {own}"
    );
    let wanted = format!(
        "update video_parked set wanted_at = $1 \
         where video = $2 and name = $3 and wanted_at is null and {own}"
    );
    let mut count = 0;
    for ((id, name), (app, at)) in wants {
        let values = values![at, id, name, app];
        tx.write(&used, values.clone()).await?;
        count += tx.write(&wanted, values).await?;
    }
    Ok(count > 0)
}

/// One look at everything; how many renditions were parked, emptied, begun.
///
/// # Errors
/// The database; what another store does not take now is tried again at the next look.
pub async fn look(app: &App, now: Millis) -> Result<(u64, u64, u64), Error> {
    let parked = park_unused(app, now).await?;
    let emptied = empty(app).await?;
    Ok((parked, emptied, make(app, now).await?))
}

async fn park_unused(app: &App, now: Millis) -> Result<u64, Error> {
    let before = Millis(now.0.saturating_sub(app.config.durations.video_unused_ms));
    let sql = "select distinct video from video_rendition where used_at is not null \
               and used_at <= $1 order by video limit $2";
    let mut count = 0;
    for found in app.db.read(sql, values![before, LOOK_MAX]).await? {
        let id = db::number(&found, "video")?;
        let mut tx = app.db.begin().await?;
        let Some(mut row) = row::lock(&mut tx, id).await? else { continue };
        // Under the lock, and again: somebody may have wanted it meanwhile.
        let sql = "select name, used_at from video_rendition where video = $1 \
                   and used_at is not null and used_at <= $2 order by name";
        let mut names = Vec::new();
        for found in tx.read(sql, values![id, before]).await? {
            let (name, used) = (db::text(&found, "name")?, Millis(db::number(&found, "used_at")?));
            if park(&mut tx, &mut row, &name, now).await? {
                names.push(format!("{name}, not wanted since {}", used.to_rfc3339()));
            }
        }
        if names.is_empty() {
            continue;
        }
        row::save(&mut tx, app, &mut row, Some(("parked", names.join("; ")))).await?;
        tx.commit().await?;
        app.outbox_news.notify_one();
        count += names.len() as u64;
    }
    Ok(count)
}

/// Takes a rendition out of a video, and notes how it can come back.
async fn park(tx: &mut Tx<'_>, row: &mut Row, name: &str, now: Millis) -> Result<bool, db::Error> {
    let rungs = row.plan.iter_mut().flat_map(|plan| &mut plan.rungs);
    let Some(rung) = rungs.into_iter().find(|rung| rung.name == name) else { return Ok(false) };
    let next = rung.next_name();
    let sql = "select codec from video_rendition where video = $1 and name = $2 \
               union all select codec from video_parked where video = $1 and name = $2";
    let known = tx.read(sql, values![row.id, name]).await?;
    let Some(known) = known.first() else { return Ok(false) };
    let codec = db::text(known, "codec")?;
    let sql = "update video_rendition set used_at = null, parked_at = $1 \
               where video = $2 and name = $3";
    tx.write(sql, values![now, row.id, name]).await?;
    let sql = "delete from video_parked where video = $1 and name = $2";
    tx.write(sql, values![row.id, name]).await?;
    let sql = "insert into video_parked (video, name, codec) values ($1, $2, $3)";
    tx.write(sql, values![row.id, next.as_str(), codec]).await?;
    rung.name = next;
    Ok(true)
}

/// Takes the objects of what was parked away; how many renditions.
async fn empty(app: &App) -> Result<u64, Error> {
    let sql = "select r.video as video, r.name as name from video_rendition r \
               join video v on v.id = r.video where r.parked_at is not null \
               and r.bytes_stored > 0 and v.deleted_at is null order by r.parked_at limit $1";
    let mut count = 0;
    for found in app.db.read(sql, values![LOOK_MAX]).await? {
        let (id, name) = (db::number(&found, "video")?, db::text(&found, "name")?);
        let Some(row) = row::any(&app.db, id).await? else { continue };
        match emptied(app, &row, &name).await {
            Ok(()) => count += 1,
            Err(error) => {
                tracing::warn!(%error, video = id, name, "its objects are not all gone");
            }
        }
    }
    Ok(count)
}

async fn emptied(app: &App, row: &Row, name: &str) -> Result<(), Error> {
    let gone = app.objects.delete_below(&row.object(name)).await?;
    let (owner, video) = (row.app.clone(), video_id(row.id));
    removal::forget(app, Forget { app: owner, video, rendition: Some(name.into()) }).await?;
    let mut tx = app.db.begin().await?;
    let sql = "update video_rendition set bytes_stored = 0 where video = $1 and name = $2";
    tx.write(sql, values![row.id, name]).await?;
    removal::note(&mut tx, row.id, "emptied", format!("{name}: {gone} objects")).await?;
    tx.commit().await?;
    Ok(())
}

/// Makes the jobs of what is parked and wanted; of how many renditions.
async fn make(app: &App, now: Millis) -> Result<u64, Error> {
    let sql = "select distinct video from video_parked where wanted_at is not null \
               and making_at is null order by video limit $1";
    let mut count = 0;
    for found in app.db.read(sql, values![LOOK_MAX]).await? {
        let id = db::number(&found, "video")?;
        let mut tx = app.db.begin().await?;
        let Some(row) = row::lock(&mut tx, id).await? else { continue };
        let sql = "select name from video_parked where video = $1 and wanted_at is not null \
                   and making_at is null order by name";
        let names = names(&mut tx, sql, id).await?;
        let Some(plan) = row.plan.as_ref().filter(|_| row.status == Status::Ready) else {
            continue;
        };
        let works = plan.jobs_of(&names.iter().map(String::as_str).collect::<Vec<_>>());
        jobs::insert(&mut tx, app, &row, &works, 1).await?;
        let sql = "update video_parked set making_at = $1 where video = $2 \
                   and wanted_at is not null and making_at is null";
        tx.write(sql, values![now, id]).await?;
        removal::note(&mut tx, id, "wanted", names.join(", ")).await?;
        tx.commit().await?;
        app.video.news.notify_waiters();
        count += names.len() as u64;
    }
    Ok(count)
}

async fn names(tx: &mut Tx<'_>, sql: &str, id: u64) -> Result<Vec<String>, db::Error> {
    tx.read(sql, values![id]).await?.iter().map(|row| db::text(row, "name")).collect()
}

const MAKING: &str = "select name from video_parked where video = $1 and making_at is not null";

/// A piece of what is made again is there; what is whole with it is shown.
///
/// # Errors
/// The database is down.
pub async fn made(tx: &mut Tx<'_>, app: &App, row: &mut Row) -> Result<(), db::Error> {
    let made = made::load(tx, row.id).await?;
    let mut whole = BTreeSet::new();
    for name in names(tx, MAKING, row.id).await? {
        if !row.plan.as_ref().is_some_and(|plan| made.is_whole(plan, &name)) {
            continue;
        }
        let sql = "delete from video_parked where video = $1 and name = $2";
        tx.write(sql, values![row.id, name.as_str()]).await?;
        used_from(tx, row.id, &name, db::now()).await?;
        whole.insert(name);
    }
    if !whole.is_empty() {
        let names = whole.into_iter().collect::<Vec<_>>().join(", ");
        row::save(tx, app, row, Some(("restored", names))).await?;
    }
    Ok(())
}

/// What was to be made again cannot be; it waits until somebody wants it once more.
///
/// # Errors
/// The database is down.
pub async fn given_up(
    tx: &mut Tx<'_>,
    app: &App,
    row: &mut Row,
    why: &str,
) -> Result<(), db::Error> {
    for name in names(tx, MAKING, row.id).await? {
        park(tx, row, &name, db::now()).await?;
    }
    row::save(tx, app, row, Some(("not_restored", why.into()))).await?;
    Ok(())
}
