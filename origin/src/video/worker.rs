//! Workers: each takes one job after the other, as long as the process lives.
//!
//! Invariant: a job is held while it is worked on; who loses his hold stops. A process that dies
//! loses at most the jobs it held: they are free again after the lease.

use super::jobs::{self, Job};
use super::make::{self, Stop};
use super::tool::Tool;
use super::{look, pictures, row, source};
use crate::app::App;
use crate::db;
use shared::video::plan::Work;
use shared::video::wire;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Jobs that another replica made are found by looking this often.
const LOOK: Duration = Duration::from_millis(500);

/// Works in so many places at once until the process ends.
pub async fn run(app: Arc<App>, tool: Tool, places: usize) {
    // What a process before this one left is nobody's.
    if let Err(error) = tidy(&app, true).await {
        tracing::warn!(%error, "the directory of jobs was not emptied");
    }
    let workers = (0..places).map(|_| {
        let (app, tool) = (Arc::clone(&app), tool.clone());
        async move {
            loop {
                let news = app.video.news.notified();
                match one(&app, &tool).await {
                    Ok(true) => continue,
                    Ok(false) => {}
                    Err(error) => tracing::warn!(%error, "no job could be taken"),
                }
                let _ = tokio::time::timeout(LOOK, news).await;
            }
        }
    });
    // One task each: the work between awaits (cutting files) is theirs alone.
    let mut all = tokio::task::JoinSet::new();
    workers.for_each(|worker| {
        all.spawn(worker);
    });
    let () = all.join_all().await.into_iter().collect();
}

/// Takes one job and does it; `false`: there is none.
///
/// # Errors
/// The database is down.
pub async fn one(app: &App, tool: &Tool) -> Result<bool, db::Error> {
    let Some(job) = jobs::lease(app).await? else { return Ok(false) };
    let began = std::time::Instant::now();
    let outcome = tokio::select! {
        outcome = work(app, tool, &job) => outcome,
        () = hold(app, &job) => {
            tracing::warn!(job = job.id, "a job was lost to another worker, or is not wanted");
            jobs::let_go(app, &job).await?;
            return Ok(true);
        }
    };
    let ms = began.elapsed().as_millis();
    match outcome {
        Ok(()) => tracing::debug!(job = job.id, work = ?job.work, ms, "a job is done"),
        Err(Stop::Never(failure)) => {
            tracing::info!(video = job.video, code = ?failure.code, "a source is no video");
            jobs::refuse(app, &job, failure).await?;
        }
        Err(Stop::Later(why)) => {
            let attempts = job.attempts;
            tracing::warn!(job = job.id, work = ?job.work, attempts, why, "a job failed");
            jobs::failed(app, &job, &why).await?;
        }
    }
    Ok(true)
}

/// Renews the lease until it is lost.
async fn hold(app: &App, job: &Job) {
    loop {
        tokio::time::sleep(Duration::from_millis(app.config.durations.job_lease_ms / 3)).await;
        match jobs::renew(app, job).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => tracing::warn!(%error, "the hold on a job was not renewed"),
        }
    }
}

async fn work(app: &App, tool: &Tool, job: &Job) -> Result<(), Stop> {
    let Some(row) = row::any(&app.db, job.video).await?.filter(|row| row.deleted_at.is_none())
    else {
        return Ok(());
    };
    if job.work == Work::Probe {
        let (plan, cpu_ms) = look::look(app, tool, &row).await?;
        return Ok(jobs::planned(app, job, plan, cpu_ms).await?);
    }
    let Some(plan) = &row.plan else {
        return Err(Stop::Later("the video has no plan".into()));
    };
    let (brought, cpu_ms) = match job.work {
        Work::Piece { piece, from, to } => {
            let missing = || Stop::Later("the plan has no such renditions".into());
            let rungs = plan.rungs.get(from as usize..to as usize).ok_or_else(missing)?;
            let own = (piece as usize, rungs);
            make::piece(app, tool, (&row, plan), own, job.attempts).await?
        }
        Work::Sound => make::sounds(app, tool, (&row, plan)).await?,
        Work::Storyboard | Work::Probe => {
            (Vec::new(), pictures::storyboard(app, tool, (&row, plan)).await?)
        }
    };
    Ok(jobs::done(app, job, &brought, cpu_ms).await?)
}

/// Takes away the files of videos that have no open jobs; at start, whatever a process before this
/// one left.
///
/// # Errors
/// The database or the disk.
pub async fn tidy(app: &App, all: bool) -> Result<(), source::Error> {
    let mut dir = match tokio::fs::read_dir(&app.config.work_dir).await {
        Ok(dir) => dir,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let mut found = Vec::new();
    while let Some(entry) = dir.next_entry().await? {
        found.push(entry.path());
    }
    // Asked after the look: what is made meanwhile is not among what was found.
    let videos: BTreeSet<_> = match all {
        true => BTreeSet::new(),
        false => jobs::open(app).await?.keys().map(|id| source::dir(app, *id)).collect(),
    };
    let is_video = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.and_then(wire::parse).is_some()
    };
    // Pictures go by themselves.
    for path in found.iter().filter(|path| all || is_video(path) && !videos.contains(*path)) {
        tokio::fs::remove_dir_all(path).await?;
    }
    Ok(())
}

/// Sweeps until the process ends: what is given up, deleted, or no longer worked on.
pub async fn sweep(app: Arc<App>) {
    loop {
        tokio::time::sleep(Duration::from_millis(app.config.durations.video_sweep_ms)).await;
        if let Err(error) = super::removal::give_up(&app, db::now()).await {
            tracing::warn!(%error, "uploads were not given up");
        }
        if let Err(error) = super::removal::purge(&app, db::now()).await {
            tracing::warn!(%error, "objects were not deleted");
        }
        if let Err(error) = tidy(&app, false).await {
            tracing::warn!(%error, "files of jobs were not swept");
        }
    }
}
