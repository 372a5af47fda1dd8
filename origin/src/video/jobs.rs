//! Jobs: leased, renewed, done, failed; by any worker of any replica.
//!
//! Invariant: what is done is committed with the register that shows it; a lease that is over frees
//! the job, and what its first holder brings then counts as little or as much as another's, because
//! both made the same bytes. Slots go to the application that has fewest, then to whom waited.

use super::made::Part;
use super::row::{self, Row};
use super::tiers;
use crate::app::App;
use crate::db::{self, Error, Tx};
use crate::values;
use shared::video::plan::{Plan, Work};
use shared::video::presentation::Status;
use shared::video::probe::{Failure, FailureCode};
use std::collections::BTreeMap;

/// A job that failed so often fails its video.
pub const ATTEMPTS_MAX: u64 = 5;

/// A job in somebody's hands.
#[derive(Clone, Debug)]
pub struct Job {
    pub id: u64,
    pub video: u64,
    pub work: Work,
    /// How often it failed before.
    pub attempts: u64,
    holder: String,
}

/// A rendition's part with what goes into its row.
#[derive(Clone, Debug)]
pub struct Brought {
    pub part: Part,
    pub codec: String,
    /// SHA-256 of the init segment, in hexadecimal digits.
    pub init: String,
}

/// Puts the first job of a video in the queue.
///
/// # Errors
/// The database is down.
pub async fn begin(tx: &mut Tx<'_>, app: &App, row: &Row) -> Result<(), Error> {
    insert(tx, app, row, &[Work::Probe], 0).await
}

/// Makes jobs of a video.
///
/// # Errors
/// The database is down.
pub(super) async fn insert(
    tx: &mut Tx<'_>,
    app: &App,
    row: &Row,
    works: &[Work],
    stage: u64,
) -> Result<(), Error> {
    let ids = app.ids.next_many(works.len()).await?;
    let mut rows = Vec::with_capacity(works.len());
    for ((work, id), stage) in works.iter().zip(ids).zip(stage..) {
        let later = !matches!(work, Work::Probe | Work::Sound | Work::Piece { piece: 0, .. });
        let (later, text) = (u64::from(later), serde_json::to_string(work)?);
        let app = row.app.as_str();
        rows.push(values![id, row.id, app, later, stage, text, 0u64, 0u64, db::now(), 0u64, 0u64]);
    }
    let sql = "insert into video_job (id, video, app, later, stage, work, done, attempts, due, \
               leased_until, cpu_ms) values";
    tx.insert(sql, rows, "").await?;
    Ok(())
}

/// Takes the next job that nobody holds.
///
/// # Errors
/// The database is down.
pub async fn lease(app: &App) -> Result<Option<Job>, Error> {
    let now = db::now();
    let idle =
        "select id from video_job where done = 0 and due <= $1 and leased_until < $2 limit 1";
    if app.db.read(idle, values![now, now]).await?.is_empty() {
        return Ok(None);
    }
    let mut tx = app.db.begin().await?;
    let turns = "select j.app as app, (select count(*) from video_job r where r.app = j.app \
                 and r.done = 0 and r.leased_until >= $1) as running, \
                 coalesce((select t.served_at from video_turn t where t.app = j.app), 0) as served \
                 from video_job j where j.done = 0 and j.due <= $2 and j.leased_until < $3 \
                 group by j.app order by running, served, app";
    for turn in tx.read(turns, values![now, now, now]).await? {
        let owner = db::text(&turn, "app")?;
        let lock = tx.skip_locked();
        let sql = format!(
            "select id, video, work, attempts from video_job where done = 0 and app = $1 \
             and due <= $2 and leased_until < $3 order by later, video, stage limit 1{lock}"
        );
        let rows = tx.read(&sql, values![owner.as_str(), now, now]).await?;
        let Some(found) = rows.first() else { continue };
        let holder = hex::encode(rand::random::<[u8; 16]>());
        let id = db::number(found, "id")?;
        let until = now.plus(app.config.durations.job_lease_ms);
        let take = "update video_job set leased_until = $1, holder = $2 where id = $3";
        tx.write(take, values![until, holder.as_str(), id]).await?;
        let serve = "insert into video_turn (app, served_at) values ($1, $2) \
                     on conflict (app) do update set served_at = excluded.served_at";
        tx.write(serve, values![owner, now]).await?;
        let job = Job {
            id,
            video: db::number(found, "video")?,
            work: serde_json::from_str(&db::text(found, "work")?)?,
            attempts: db::number(found, "attempts")?,
            holder,
        };
        tx.commit().await?;
        return Ok(Some(job));
    }
    Ok(None)
}

/// Holds on; `false`: it was lost, or the video is gone.
///
/// # Errors
/// The database is down.
pub async fn renew(app: &App, job: &Job) -> Result<bool, Error> {
    let mut tx = app.db.begin().await?;
    let until = db::now().plus(app.config.durations.job_lease_ms);
    let sql = "update video_job set leased_until = $1 where id = $2 and holder = $3 and done = 0";
    let kept = tx.write(sql, values![until, job.id, job.holder.as_str()]).await?;
    tx.commit().await?;
    Ok(kept == 1)
}

/// Nothing is done any more for a job that is closed: what waits for that may go on.
///
/// # Errors
/// The database is down.
pub async fn let_go(app: &App, job: &Job) -> Result<(), Error> {
    let mut tx = app.db.begin().await?;
    let sql = "update video_job set leased_until = 0 where id = $1 and holder = $2";
    tx.write(sql, values![job.id, job.holder.as_str()]).await?;
    tx.commit().await
}

/// The source was looked at: its jobs are made, its video is being transcoded.
///
/// # Errors
/// The database is down.
pub async fn planned(app: &App, job: &Job, plan: Plan, cpu_ms: u64) -> Result<(), Error> {
    let mut tx = app.db.begin().await?;
    let Some(mut row) = row::lock(&mut tx, job.video).await? else { return Ok(()) };
    if !close(&mut tx, job, &[], cpu_ms).await? {
        return Ok(());
    }
    insert(&mut tx, app, &row, &plan.jobs(), 1).await?;
    row.status = Status::Transcoding;
    row.started_at = Some(db::now());
    let event = format!("{} renditions, {} pieces", plan.rungs.len(), plan.pieces.len());
    row.plan = Some(plan);
    row::save(&mut tx, app, &mut row, Some(("planned", event))).await?;
    commit(app, tx).await
}

/// A job is done; with the last one the video is ready.
///
/// # Errors
/// The database is down; or an init segment is another than that of the pieces before.
pub async fn done(app: &App, job: &Job, brought: &[Brought], cpu_ms: u64) -> Result<(), Error> {
    let mut tx = app.db.begin().await?;
    let Some(mut row) = row::lock(&mut tx, job.video).await? else { return Ok(()) };
    let parts: Vec<&Part> = brought.iter().map(|each| &each.part).collect();
    if !close(&mut tx, job, &parts, cpu_ms).await? {
        return Ok(());
    }
    keep(&mut tx, job.video, brought, cpu_ms).await?;
    row.storyboard |= job.work == Work::Storyboard;
    if row.status == Status::Ready {
        tiers::made(&mut tx, app, &mut row).await?;
        return commit(app, tx).await;
    }
    let event = after(&mut tx, &mut row, job).await?;
    row::save(&mut tx, app, &mut row, event).await?;
    commit(app, tx).await
}

async fn commit(app: &App, tx: Tx<'_>) -> Result<(), Error> {
    tx.commit().await?;
    app.outbox_news.notify_one();
    app.video.news.notify_waiters();
    Ok(())
}

/// Marks it done; `false`: it is already, by somebody else.
async fn close(tx: &mut Tx<'_>, job: &Job, parts: &[&Part], cpu_ms: u64) -> Result<bool, Error> {
    let sql = "update video_job set done = 1, result = $1, cpu_ms = cpu_ms + $2, leased_until = 0 \
               where id = $3 and done = 0";
    let result = serde_json::to_string(parts)?;
    Ok(tx.write(sql, values![result, cpu_ms, job.id]).await? == 1)
}

async fn keep(tx: &mut Tx<'_>, video: u64, brought: &[Brought], cpu_ms: u64) -> Result<(), Error> {
    let bytes_of = |each: &Brought| each.part.segments.iter().map(|s| u64::from(s.1)).sum::<u64>();
    // Several encoders in one process: each its share, by what came out.
    let all: u64 = brought.iter().map(bytes_of).sum::<u64>().max(1);
    // In the order in which the edge's counts are written, too (`quality.rs`).
    let mut brought: Vec<&Brought> = brought.iter().collect();
    brought.sort_by(|a, b| a.part.name.cmp(&b.part.name));
    for each in brought {
        let sql = "insert into video_rendition \
                   (video, name, codec, init, cpu_ms, bytes_stored, bytes_served) \
                   values ($1, $2, $3, $4, $5, $6, 0) on conflict (video, name) do update set \
                   cpu_ms = video_rendition.cpu_ms + excluded.cpu_ms, \
                   bytes_stored = video_rendition.bytes_stored + excluded.bytes_stored \
                   where video_rendition.init = excluded.init";
        let bytes = bytes_of(each);
        let share = u64::try_from(u128::from(cpu_ms) * u128::from(bytes) / u128::from(all));
        let (name, codec, init) =
            (each.part.name.as_str(), each.codec.as_str(), each.init.as_str());
        let values = values![video, name, codec, init, share.unwrap_or(0), bytes];
        if tx.write(sql, values).await? != 1 {
            return Err(Error::Stored(format!("{name}: a piece has an init segment of its own")));
        }
    }
    Ok(())
}

/// Ends the open jobs of a video. Whoever holds one may write objects until its lease is over.
///
/// # Errors
/// The database is down.
pub async fn end(tx: &mut Tx<'_>, video: u64) -> Result<(), Error> {
    let sql = "update video_job set done = 2 where video = $1 and done = 0";
    tx.write(sql, values![video]).await?;
    Ok(())
}

/// What the end of a job means for its video.
async fn after(
    tx: &mut Tx<'_>,
    row: &mut Row,
    job: &Job,
) -> Result<Option<(&'static str, String)>, Error> {
    let sql = "select count(*) as open from video_job where video = $1 and done = 0";
    let open = tx.read(sql, values![job.video]).await?;
    let open = open.first().map_or(Ok(1), |row| db::number(row, "open"))?;
    if open == 0 && row.status == Status::Transcoding {
        row.status = Status::Ready;
        row.ready_at = Some(db::now());
        tiers::begin(tx, row, db::now()).await?;
        return Ok(Some(("ready", String::new())));
    }
    let is_first = matches!(job.work, Work::Piece { piece: 0, from: 0, .. });
    Ok(is_first.then(|| ("playable", String::new())))
}

/// A job came to nothing: it is tried again, or its video fails for good.
///
/// # Errors
/// The database is down.
pub async fn failed(app: &App, job: &Job, why: &str) -> Result<(), Error> {
    if job.attempts + 1 >= ATTEMPTS_MAX {
        if job.work == Work::Storyboard {
            return give_up(app, job).await;
        }
        let why = format!("given up after {ATTEMPTS_MAX} attempts");
        return refuse(app, job, Failure::new(FailureCode::EncodingFailed, why)).await;
    }
    let mut tx = app.db.begin().await?;
    let wait = app.config.durations.job_backoff_ms << job.attempts.min(6);
    let sql = "update video_job set attempts = attempts + 1, due = $1, leased_until = 0, \
               error = $2 where id = $3 and holder = $4 and done = 0";
    let values = values![db::now().plus(wait), why, job.id, job.holder.as_str()];
    tx.write(sql, values).await?;
    tx.commit().await
}

/// A video is whole without what this job would have made.
async fn give_up(app: &App, job: &Job) -> Result<(), Error> {
    let mut tx = app.db.begin().await?;
    let Some(mut row) = row::lock(&mut tx, job.video).await? else { return Ok(()) };
    let sql = "update video_job set done = 2, leased_until = 0 where id = $1";
    tx.write(sql, values![job.id]).await?;
    let event = after(&mut tx, &mut row, job).await?;
    row::save(&mut tx, app, &mut row, event).await?;
    commit(app, tx).await
}

/// A video will never be played.
///
/// # Errors
/// The database is down.
pub async fn refuse(app: &App, job: &Job, failure: Failure) -> Result<(), Error> {
    let mut tx = app.db.begin().await?;
    let Some(mut row) = row::lock(&mut tx, job.video).await? else { return Ok(()) };
    end(&mut tx, job.video).await?;
    if row.status == Status::Ready {
        tiers::given_up(&mut tx, app, &mut row, &failure.detail).await?;
        return commit(app, tx).await;
    }
    row.status = Status::Failed;
    let event = failure.detail.clone();
    row.failure = Some(failure);
    row::save(&mut tx, app, &mut row, Some(("failed", event))).await?;
    commit(app, tx).await
}

/// The videos that still have open jobs.
///
/// # Errors
/// The database is down.
pub async fn open(app: &App) -> Result<BTreeMap<u64, u64>, Error> {
    let sql = "select video, count(*) as open from video_job where done = 0 group by video";
    let rows = app.db.read(sql, vec![]).await?;
    rows.iter().map(|row| Ok((db::number(row, "video")?, db::number(row, "open")?))).collect()
}
