//! A replica that transcodes, sources for it, and looks at what it made.

use crate::support::{self, Place, body, call};
use axum::body::Body;
use origin::app::App;
use origin::respond::{Call, Failure, Stream};
use origin::video::tool::Tool;
use origin::video::{self, worker};
use serde_json::Value;
use shared::envelope::Envelope;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

/// A database, a store, an application, a worker.
pub struct Stage {
    pub place: Place,
    pub dir: tempfile::TempDir,
    pub app: Arc<App>,
    pub owner: String,
    pub tool: Tool,
}

impl Stage {
    pub async fn new() -> Self {
        Self::with(&[]).await
    }

    pub async fn with(more: &[(&str, &str)]) -> Self {
        let (place, dir) = (Place::new().await, tempfile::tempdir().unwrap());
        let tool = Tool::find().await.expect("an ffmpeg");
        let app = replica(&place, dir.path(), more).await;
        let _ = app.video.tool.set(tool.clone());
        let owner = support::application(&app, "films").await;
        Self { place, dir, app, owner, tool }
    }

    /// Another process on the same state.
    pub async fn another(&self, more: &[(&str, &str)]) -> Arc<App> {
        replica(&self.place, self.dir.path(), more).await
    }

    pub fn call(&self, method: &str, path: &str, body: &str) -> Call {
        let segments = path.split('/').skip(4).filter(|part| *part != "upload");
        let segments = segments.filter(|part| *part != "captions").map(Into::into).collect();
        Call { segments, ..call(&self.owner, method, path, body) }
    }

    /// A new video's id.
    pub async fn create(&self) -> String {
        let call = self.call("POST", "/api/v1/videos", "{}");
        body(&video::create(&self.app, &call).await)["id"].as_str().unwrap().into()
    }

    /// Uploads by PUT.
    pub async fn put(&self, id: &str, bytes: Vec<u8>) -> Result<Envelope, Failure> {
        let mut call = self.call("PUT", &format!("/api/v1/videos/{id}/upload"), "");
        call.stream = Stream::new(bytes.len() as u64, Body::from(bytes));
        video::upload::put(&self.app, &call).await
    }

    pub async fn upload(&self, source: &Path) -> String {
        let id = self.create().await;
        self.put(&id, std::fs::read(source).unwrap()).await.unwrap();
        id
    }

    pub async fn get(&self, id: &str) -> Value {
        let path = format!("/api/v1/videos/{id}");
        body(&video::get(&self.app, &self.call("GET", &path, "")).await)
    }

    /// Works until there is no job; the video then.
    pub async fn work(&self, id: &str) -> Value {
        work(&self.app, &self.tool).await;
        self.get(id).await
    }

    /// From a source to a video that is ready.
    pub async fn ready(&self, source: &Path) -> (String, Value) {
        let id = self.upload(source).await;
        let made = self.work(&id).await;
        assert_eq!(made["status"], "ready", "{made:#} {:?}", self.errors().await);
        (id, made)
    }

    /// What jobs complained of.
    pub async fn errors(&self) -> Vec<String> {
        let sql = "select error from video_job where error is not null";
        let rows = self.app.db.read(sql, vec![]).await.unwrap();
        rows.iter().map(|row| origin::db::text(row, "error").unwrap()).collect()
    }

    /// One rendition as a player reads it: the init segment and every segment behind it.
    pub fn rendition(&self, id: &str, name: &str) -> PathBuf {
        let from = self.objects(id).join(name);
        let mut whole = std::fs::read(from.join("init.mp4")).unwrap();
        for n in 0.. {
            let Ok(segment) = std::fs::read(from.join(format!("{n}.m4s"))) else { break };
            whole.extend(segment);
        }
        let path = self.dir.path().join(format!("{id}-{name}.mp4"));
        std::fs::write(&path, whole).unwrap();
        path
    }

    /// Where a video's objects lie.
    pub fn objects(&self, id: &str) -> PathBuf {
        self.dir.path().join("objects").join(&self.owner).join(id).join("1")
    }

    /// A source that ffmpeg makes of `args`, under `name`.
    pub fn source(&self, name: &str, args: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        let mut command = Command::new("ffmpeg");
        command.args(["-v", "error", "-y"]).args(args.split_whitespace()).arg(&path);
        let made = command.output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        path
    }
}

pub async fn replica(place: &Place, dir: &Path, more: &[(&str, &str)]) -> Arc<App> {
    let dir = dir.to_str().unwrap();
    let own =
        [("DATA_DIR", dir), ("SELVEDGE_JOB_BACKOFF_MS", "1"), ("SELVEDGE_PURGE_SETTLE_MS", "1")];
    let all: Vec<(&str, &str)> = more.iter().chain(&own).copied().collect();
    place.replica_with("http://127.0.0.1:9", &all).await
}

pub async fn work(app: &App, tool: &Tool) {
    // Both cores, as in service.
    let all = (0..2).map(|_| async {
        let mut idle = 0;
        while idle < 40 {
            match worker::one(app, tool).await.unwrap() {
                true => idle = 0,
                false => {
                    idle += 1;
                    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                }
            }
        }
    });
    futures::future::join_all(all).await;
}

/// ffprobe's lines.
pub fn probe(path: &Path, args: &str) -> Vec<String> {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error"]).args(args.split_whitespace());
    let said = command.args(["-of", "csv=p=0"]).arg(path).output().unwrap();
    let complaint = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(said.status.success() && complaint.is_empty(), "{path:?}: {complaint}");
    String::from_utf8(said.stdout)
        .unwrap()
        .lines()
        .map(|line| line.trim_end_matches(',').into())
        .collect()
}

/// When each frame is shown, in order, and whether it is a key.
pub fn frames(path: &Path) -> Vec<(i64, bool)> {
    let lines = probe(path, "-select_streams v:0 -show_entries packet=pts,flags");
    let mut all: Vec<(i64, bool)> = lines
        .iter()
        .map(|line| {
            let (at, flags) = line.split_once(',').unwrap();
            (at.parse().unwrap(), flags.starts_with('K'))
        })
        .collect();
    all.sort_unstable();
    all
}
