//! A source on this machine's disk: put together from its parts, once for all jobs.
//!
//! Invariant: a file of the name `source` is whole; it is made under another name first. It may be
//! thrown away at any moment: the parts are the truth.

use super::row::Row;
use crate::app::App;
use crate::{db, objects, values};
use futures::StreamExt;
use std::path::{Path, PathBuf};
use tokio::io::AsyncWriteExt;

/// Bytes by which a source is told from a list of others.
const HEAD_BYTES: usize = 512;

/// Why there is no source.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Db(#[from] db::Error),
    #[error("{0}")]
    Objects(#[from] objects::Error),
    #[error("{0}")]
    Part(#[from] object_store::Error),
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

/// The directory of a video's files.
#[must_use]
pub fn dir(app: &App, video: u64) -> PathBuf {
    app.config.work_dir.join(shared::video::wire::video_id(video))
}

/// The whole source, brought here when it is not.
///
/// # Errors
/// The database, the store or the disk.
pub async fn fetch(app: &App, row: &Row) -> Result<PathBuf, Error> {
    let dir = dir(app, row.id);
    let path = dir.join("source");
    let lock = app.video.fetching(row.id).await;
    let _one_at_a_time = lock.lock().await;
    if tokio::fs::try_exists(&path).await? {
        return Ok(path);
    }
    tokio::fs::create_dir_all(&dir).await?;
    let sql = "select object from video_part where video = $1 and bytes > 0 order by start";
    let parts = app.db.read(sql, values![row.id]).await?;
    let parts = parts.iter().map(|part| db::text(part, "object")).collect::<Result<Vec<_>, _>>()?;
    let growing = dir.join(format!("source.{}", hex::encode(rand::random::<[u8; 8]>())));
    let mut file = tokio::fs::File::create(&growing).await?;
    for part in parts {
        let mut found = app.objects.get(&part).await?;
        while let Some(bytes) = found.parts.next().await {
            file.write_all(&bytes?).await?;
        }
    }
    file.flush().await?;
    drop(file);
    tokio::fs::rename(&growing, &path).await?;
    Ok(path)
}

/// A directory for one job, with the source in it under its own name.
///
/// # Errors
/// As [`fetch`].
pub async fn place(app: &App, row: &Row) -> Result<Place, Error> {
    let source = fetch(app, row).await?;
    let dir = dir(app, row.id).join(format!("job.{}", hex::encode(rand::random::<[u8; 8]>())));
    tokio::fs::create_dir_all(&dir).await?;
    let place = Place(dir);
    let source = tokio::fs::canonicalize(source).await?;
    // A link of the file itself: who sees the directory sees nothing else.
    tokio::fs::hard_link(source, place.0.join("source")).await?;
    Ok(place)
}

/// A job's directory; gone when dropped.
#[derive(Debug)]
pub struct Place(pub PathBuf);

impl Drop for Place {
    fn drop(&mut self) {
        // What is left is swept with the video's own directory.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The first bytes of a file.
///
/// # Errors
/// The disk.
pub async fn head(path: &Path) -> Result<Vec<u8>, std::io::Error> {
    use tokio::io::AsyncReadExt;
    let mut head = Vec::with_capacity(HEAD_BYTES);
    let file = tokio::fs::File::open(path).await?;
    file.take(HEAD_BYTES as u64).read_to_end(&mut head).await?;
    Ok(head)
}
