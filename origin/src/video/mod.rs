//! video at the origin: uploads, the look at them, renditions made in jobs, objects for the edge.
//!
//! Invariant: a video's row, its jobs and what the edge hears of it change in one transaction;
//! objects are there before anything names them.

pub mod captions;
pub mod command;
pub mod cut;
pub mod jobs;
pub mod look;
pub mod made;
pub mod make;
pub mod pictures;
pub mod quality;
pub mod removal;
pub mod row;
pub mod serve;
pub mod source;
pub mod tool;
pub mod upload;
pub mod view;
pub mod worker;

use crate::app::App;
use crate::db;
use crate::once::{self, Begun};
use crate::respond::{Call, Failure};
use crate::values;
use row::Row;
use shared::envelope::Envelope;
use shared::page::{self, Page};
use shared::problem::{PRECONDITION_FAILED, Problem};
use shared::video::error::NO_VIDEO;
use shared::video::presentation::{Status, Visibility};
use shared::video::wire::{self, VideoEvent};
use shared::{etag, time::Millis};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use tokio::sync::{Mutex, Notify};

/// What the handlers and the workers of this process share.
#[derive(Debug, Default)]
pub struct Shared {
    /// Jobs were made.
    pub news: Notify,
    /// Set when this process may run ffmpeg.
    pub tool: OnceLock<tool::Tool>,
    /// One fetch of a source at a time.
    fetching: Mutex<BTreeMap<u64, Arc<Mutex<()>>>>,
}

impl Shared {
    /// The lock of a source's file.
    pub async fn fetching(&self, video: u64) -> Arc<Mutex<()>> {
        let mut all = self.fetching.lock().await;
        all.retain(|_, lock| Arc::strong_count(lock) > 1);
        Arc::clone(all.entry(video).or_default())
    }
}

/// Starts the workers that the configuration asks for.
///
/// # Errors
/// ffmpeg is missing or too old, and `VIDEO_WORKERS` asks for it.
pub async fn start(app: &Arc<App>) -> Result<Vec<tokio::task::JoinHandle<()>>, String> {
    let mut tasks = vec![tokio::spawn(worker::sweep(Arc::clone(app)))];
    let wanted = app.config.video.workers;
    if wanted == Some(0) {
        return Ok(tasks);
    }
    let tool = match (tool::Tool::find().await, wanted) {
        (Ok(tool), _) => tool,
        (Err(why), Some(_)) => return Err(format!("VIDEO_WORKERS is set, but {why}")),
        (Err(why), None) => {
            tracing::warn!(why, "videos are taken in, and transcoded by no worker of this process");
            return Ok(tasks);
        }
    };
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    let places = wanted.unwrap_or_else(cores);
    let _ = app.video.tool.set(tool.clone());
    tasks.push(tokio::spawn(worker::run(Arc::clone(app), tool, places)));
    Ok(tasks)
}

pub(crate) fn not_found() -> Problem {
    Problem::new(&NO_VIDEO, "no video of yours has this id")
}

/// The video of the path, of the caller's application.
pub(crate) async fn owned(app: &App, call: &Call) -> Result<Row, Failure> {
    let id = wire::parse(call.segment(0)).ok_or_else(not_found)?;
    Ok(row::find(&app.db, id, &call.context.app).await?.ok_or_else(not_found)?)
}

/// `POST /api/v1/videos`
pub async fn create(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let asked = wire::request(&call.body, app.config.video.bytes_max)?;
    let key = call.idempotency_key()?;
    let now = db::now();
    let mut row = Row {
        id: app.ids.next().await?,
        app: call.context.app.clone(),
        creator: call.context.principal.strip_prefix("user:").map(Into::into),
        title: asked.title,
        visibility: asked.visibility.unwrap_or(Visibility::Public),
        policy: asked.policy.unwrap_or_default(),
        status: Status::Uploading,
        failure: None,
        version: 0,
        generation: 1,
        upload_length: asked.size,
        upload_offset: 0,
        upload_expires_at: now.plus(app.config.durations.upload_keep_ms),
        plan: None,
        captions: Vec::new(),
        storyboard: false,
        events: 0,
        created_at: now,
        started_at: None,
        ready_at: None,
        deleted_at: None,
    };
    let mut once = match once::begin(app, key).await? {
        Begun::Answered(answer) => return Ok(answer),
        Begun::New(once) => once,
    };
    let register = row::insert(&mut once.tx, app, &mut row).await?;
    let view = view::of(app, &row, &made::Made::default());
    let answer = Envelope::json(201, &view)
        .with("location", format!("/api/v1/videos/{}", view.id))
        .with("etag", etag::of(row.version));
    let answer = once.commit(Envelope { projections: vec![register], ..answer }).await?;
    app.outbox_news.notify_one();
    Ok(answer)
}

async fn shown(app: &App, row: &Row) -> Result<Envelope, Failure> {
    let mut tx = app.db.snapshot().await?;
    let made = made::load(&mut tx, row.id).await?;
    Ok(Envelope::json(200, &view::of(app, row, &made)).with("etag", etag::of(row.version)))
}

/// `GET /api/v1/videos/{id}`
pub async fn get(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let row = owned(app, call).await?;
    shown(app, &row).await
}

/// `GET /api/v1/videos`: newest first.
pub async fn list(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let asked = page::query(&call.query);
    let get = |name: &str| asked.get(name).map(String::as_str);
    let ask = page::ask(get("limit"), get("cursor"))?;
    let before = ask.after.as_deref().and_then(|after| after.parse().ok());
    let before: u64 = before.unwrap_or(i64::MAX as u64);
    let rows = row::list(&app.db, &call.context.app, before, ask.rows()).await?;
    let Page { items, next_cursor } = ask.page(rows, |row| row.id.to_string());
    let mut views = Vec::with_capacity(items.len());
    let mut tx = app.db.snapshot().await?;
    for row in &items {
        let made = made::load(&mut tx, row.id).await?;
        views.push(view::of(app, row, &made));
    }
    Ok(Envelope::json(200, &Page { items: views, next_cursor }))
}

/// `PATCH /api/v1/videos/{id}`
pub async fn patch(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let asked = wire::patch(&call.body)?;
    let id = owned(app, call).await?.id;
    let mut tx = app.db.begin().await?;
    let mut row = row::lock(&mut tx, id).await?.ok_or_else(not_found)?;
    matches(call, &row)?;
    if let Some(title) = asked.title {
        row.title = title;
    }
    row.visibility = asked.visibility.unwrap_or(row.visibility);
    row.policy = asked.policy.unwrap_or(row.policy);
    let register =
        row::save_answered(&mut tx, app, &mut row, Some(("changed", String::new()))).await?;
    tx.commit().await?;
    app.outbox_news.notify_one();
    Ok(Envelope { projections: vec![register], ..shown(app, &row).await? })
}

fn matches(call: &Call, row: &Row) -> Result<(), Problem> {
    let own = etag::of(row.version);
    match call.header("if-match") {
        Some(wanted) if !etag::is_named(&wanted, &own) => {
            Err(Problem::new(&PRECONDITION_FAILED, format!("the video is at {own}")))
        }
        _ => Ok(()),
    }
}

/// `DELETE /api/v1/videos/{id}`, and of its upload: everything of it goes.
pub async fn delete(app: &Arc<App>, call: &Call) -> Result<Envelope, Failure> {
    let id = owned(app, call).await?.id;
    let mut tx = app.db.begin().await?;
    let mut row = row::lock(&mut tx, id).await?.ok_or_else(not_found)?;
    matches(call, &row)?;
    row.deleted_at = Some(db::now());
    // Who holds a job still puts objects; the holds end by themselves.
    let end = "update video_job set done = 2 where video = $1 and done = 0";
    tx.write(end, values![id]).await?;
    let register =
        row::save_answered(&mut tx, app, &mut row, Some(("deleted", String::new()))).await?;
    tx.commit().await?;
    app.outbox_news.notify_one();
    let app = Arc::clone(app);
    tokio::spawn(async move {
        if let Err(error) = removal::purge(&app, db::now()).await {
            tracing::warn!(%error, "objects were not deleted yet");
        }
    });
    Ok(Envelope { projections: vec![register], ..Envelope::empty(204) })
}

/// `GET /api/v1/videos/{id}/events`: from the first on; also of a video that was deleted.
pub async fn events(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let id = wire::parse(call.segment(0)).ok_or_else(not_found)?;
    let row = row::any(&app.db, id).await?.filter(|row| row.app == call.context.app);
    row.ok_or_else(not_found)?;
    let asked = page::query(&call.query);
    let get = |name: &str| asked.get(name).map(String::as_str);
    let ask = page::ask(get("limit"), get("cursor"))?;
    let after: u64 = ask.after.as_deref().and_then(|after| after.parse().ok()).unwrap_or(0);
    let sql = "select n, at, kind, detail from video_event where video = $1 and n > $2 \
               order by n limit $3";
    let rows = app.db.read(sql, values![id, after, ask.rows()]).await?;
    let read = |row| {
        Ok::<_, db::Error>(VideoEvent {
            n: db::number(row, "n")?,
            at: Millis(db::number(row, "at")?),
            kind: db::text(row, "kind")?,
            detail: db::text(row, "detail")?,
        })
    };
    let rows = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    Ok(Envelope::json(200, &ask.page(rows, |event| event.n.to_string())))
}
