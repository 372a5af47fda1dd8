//! What videos keep of a principal: the films that it made, their captions, and how they were
//! watched.
//!
//! Invariant: an erased video goes as any deleted one does, by its tombstone, and nothing in its
//! row leads to its maker; the erasure is done when the last object is gone, here and at the edge.
//! Who watched is kept of nobody, so of a viewer there is nothing to export. The film's bytes are
//! had where it is played; an export is text.

use super::row::{self, Row};
use super::{jobs, made, quality, view};
use crate::db::{self, Error};
use crate::privacy::{Next, Work};
use crate::values;
use serde_json::json;
use shared::time::Millis;
use shared::video::presentation::PRODUCT;
use shared::video::wire::video_id;

/// Videos of one step of an erasure; of an export it is one, whose captions are read in the step.
const VIDEOS: u64 = 20;
/// Events of one record, and characters of captions: a page of 200 records stays below 4 MiB.
const EVENTS_OF_RECORD: usize = 100;
const CHARACTERS_OF_RECORD: usize = 8_192;
/// While objects go, it is looked for this often.
const LOOK_MS: u64 = 1_000;

/// One step of an export: videos by their ids, from the one behind `place`.
///
/// # Errors
/// The database is down, or a row or a text is not readable.
pub async fn export(work: &mut Work<'_>) -> Result<Next, Error> {
    let after: u64 = work.place.parse().unwrap_or(0);
    let maker = (work.owner.as_str(), work.subject.as_str());
    let rows = row::of_creator(&mut work.tx, maker, after, 1).await?;
    let Some(row) = rows.first() else { return Ok(Next::Done) };
    work.place = row.id.to_string();
    video(work, row).await?;
    captions(work, row).await?;
    events(work, row.id).await?;
    Ok(Next::Step)
}

async fn video(work: &mut Work<'_>, row: &Row) -> Result<(), Error> {
    let made = made::load(&mut work.tx, row.id).await?;
    let id = video_id(row.id);
    let film = format!("{}/v/{id}/master.m3u8", work.app.config.public_url);
    work.items.push(json!({
        "product": PRODUCT, "kind": "video", "video": view::of(work.app, row, &made),
        "film": row.ready_at.filter(|_| row.deleted_at.is_none()).map(|_| film),
        "deleted_at": row.deleted_at.map(Millis::to_rfc3339),
    }));
    work.count("videos", 1);
    if row.deleted_at.is_none() {
        let quality = quality::whole(&mut work.tx, row.id).await?;
        work.items.push(json!({
            "product": PRODUCT, "kind": "video_quality", "video": id, "quality": quality,
        }));
    }
    Ok(())
}

async fn captions(work: &mut Work<'_>, row: &Row) -> Result<(), Error> {
    if row.deleted_at.is_some() {
        return Ok(());
    }
    for one in &row.captions {
        let text = work.app.objects.read(&row.object(&one.path())).await;
        let text = text.map_err(|error| Error::Stored(error.to_string()))?;
        let text: Vec<char> = String::from_utf8_lossy(&text).chars().collect();
        for (n, part) in text.chunks(CHARACTERS_OF_RECORD).enumerate() {
            work.items.push(json!({
                "product": PRODUCT, "kind": "captions", "video": video_id(row.id),
                "language": one.language, "label": one.label, "part": n,
                "text": part.iter().collect::<String>(),
            }));
        }
        work.count("captions", 1);
    }
    Ok(())
}

async fn events(work: &mut Work<'_>, id: u64) -> Result<(), Error> {
    let sql = "select at, kind, detail from video_event where video = $1 order by n";
    let mut all = Vec::new();
    for row in work.tx.read(sql, values![id]).await? {
        all.push(json!({
            "at": Millis(db::number(&row, "at")?).to_rfc3339(),
            "kind": db::text(&row, "kind")?, "detail": db::text(&row, "detail")?,
        }));
    }
    work.count("video_events", all.len() as u64);
    for events in all.chunks(EVENTS_OF_RECORD) {
        work.items.push(json!({
            "product": PRODUCT, "kind": "video_events", "video": video_id(id), "events": events,
        }));
    }
    Ok(())
}

/// The videos are tombstones; their objects are waited for.
const EMPTYING: &str = "emptying";

/// One step of an erasure.
///
/// # Errors
/// The database is down, or a row is not readable.
pub async fn erase(work: &mut Work<'_>) -> Result<Next, Error> {
    if work.place == EMPTYING {
        let sql = "select count(*) as n from video where erased_by = $1 and purged_at is null";
        let rows = work.tx.read(sql, values![work.request]).await?;
        if rows.first().map_or(Ok(0), |row| db::number(row, "n"))? == 0 {
            return Ok(Next::Done);
        }
        work.app.video.chores.notify_one();
        return Ok(Next::Later(work.now.plus(LOOK_MS)));
    }
    let maker = (work.owner.as_str(), work.subject.as_str());
    let rows = row::of_creator(&mut work.tx, maker, 0, VIDEOS).await?;
    if rows.is_empty() {
        work.place = EMPTYING.into();
    }
    for row in rows {
        entomb(work, row.id).await?;
    }
    Ok(Next::Step)
}

/// Makes a tombstone of a video, and takes its words out of everything.
async fn entomb(work: &mut Work<'_>, id: u64) -> Result<(), Error> {
    let key = video_id(id);
    if let Some(mut row) = row::lock(&mut work.tx, id).await? {
        jobs::end(&mut work.tx, id).await?;
        // What is on its way down names the film.
        let sql = "delete from outbox where product = $1 and key = $2";
        work.tx.write(sql, values![PRODUCT, key.as_str()]).await?;
        row.deleted_at = Some(work.now);
        row::save(&mut work.tx, work.app, &mut row, Some(("deleted", String::new()))).await?;
    }
    let sql = "update video set creator = null, title = null, policy = '{}', captions = '[]', \
               failure = null, erased_by = $1 where id = $2";
    work.tx.write(sql, values![work.request, id]).await?;
    let sql = "update video_event set detail = '' where video = $1";
    work.tx.write(sql, values![id]).await?;
    let sql = "delete from dead_letter where product in ('video', 'video_want') and body like $1";
    let dead = work.tx.write(sql, values![format!("%{key}%")]).await?;
    work.count("videos", 1);
    work.count("dead_letters", dead);
    Ok(())
}
