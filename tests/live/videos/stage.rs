//! Films, and the way from one to a video that is ready.

use crate::client::{Answer, App, Ask, Stack};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

/// Two pictures (240p, 360p) and a sound, in three pieces.
pub(super) const LARGE: &str = "-f lavfi -i testsrc2=size=640x360:rate=25:duration=17 \
                                -f lavfi -i sine=duration=17 \
                                -c:v libx264 -preset ultrafast -g 50 -c:a aac";
/// One picture and a sound, in one piece.
pub(super) const SMALL: &str = "-f lavfi -i testsrc2=size=160x120:rate=25:duration=5 \
                                -f lavfi -i sine=duration=5 \
                                -c:v libx264 -preset ultrafast -g 50 -c:a aac";

/// A file that ffmpeg makes.
pub(super) fn film(args: &str) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("film.mp4");
    let made = Command::new("ffmpeg")
        .args(["-v", "error"])
        .args(args.split_whitespace())
        .arg(&path)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    std::fs::read(path).unwrap()
}

/// A video of an application.
pub(super) struct Video<'a> {
    pub(super) app: &'a App<'a>,
    pub(super) id: String,
}

impl<'a> Video<'a> {
    pub(super) async fn create(app: &'a App<'a>, body: &Value) -> Self {
        let made = app.ask("POST", "/api/v1/videos").json(body).send().await.is(201);
        Self { app, id: made["id"].as_str().unwrap().into() }
    }

    /// Uploaded by PUT.
    pub(super) async fn of(app: &'a App<'a>, body: &Value, bytes: Vec<u8>) -> Self {
        let video = Self::create(app, body).await;
        app.ask("PUT", &video.api("/upload")).body(bytes).send().await.is(204);
        video
    }

    /// The same, when it is ready.
    pub(super) async fn ready(app: &'a App<'a>, args: &str) -> Self {
        let video = Self::of(app, &json!({}), film(args)).await;
        video.until("ready").await;
        video.until_closed("").await;
        video
    }

    /// Its path in the API.
    pub(super) fn api(&self, rest: &str) -> String {
        format!("/api/v1/videos/{}{rest}", self.id)
    }

    /// A path that viewers ask for.
    pub(super) fn path(&self, file: &str) -> String {
        format!("/v/{}/{file}", self.id)
    }

    /// A viewer's request.
    pub(super) fn view(&self, file: &str) -> Ask<'a> {
        self.app.stack.edge("GET", &self.path(file))
    }

    pub(super) async fn get(&self, file: &str) -> Answer {
        self.view(file).send().await
    }

    /// The text of a file that must be there.
    pub(super) async fn text(&self, file: &str) -> String {
        let answer = self.get(file).await;
        answer.is(200);
        answer.text().into()
    }

    /// The video once it has this status.
    pub(super) async fn until(&self, status: &str) -> Value {
        let mut seen = Value::Null;
        for _ in 0..1_200 {
            seen = self.app.get(&self.api("")).await.is(200);
            if seen["status"] == status {
                return seen;
            }
            assert!(status == "failed" || seen["status"] != "failed", "{seen:#}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("it is not {status} within a minute: {seen:#}");
    }

    /// Until the edge heard of it: the relay is at work, and a register that grows is a second old.
    pub(super) async fn until_closed(&self, query: &str) {
        for _ in 0..200 {
            let answer = self.get(&format!("manifest.mpd{query}")).await;
            if answer.status == 200 && answer.text().contains("type=\"static\"") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the edge does not hear that it is ready");
    }

    /// The kinds of its events.
    pub(super) async fn events(&self) -> Vec<String> {
        let events = self.app.get(&self.api("/events")).await.is(200);
        let items = events["items"].as_array().unwrap().iter();
        items.map(|event| event["kind"].as_str().unwrap().into()).collect()
    }
}

/// What left the origin of a video, by its log: how often each object, and bytes by folder.
pub(super) fn left(stack: &Stack, id: &str) -> (BTreeMap<String, u64>, BTreeMap<String, u64>) {
    let log = std::fs::read_to_string(stack.data_dir.join("origin.log")).unwrap();
    let (mut times, mut bytes) = (BTreeMap::new(), BTreeMap::new());
    for line in log.lines().filter(|line| line.contains(id)) {
        let said: Value = serde_json::from_str(line).unwrap();
        if said["message"] != "object" || said["video"] != id {
            continue;
        }
        let path = said["path"].as_str().unwrap();
        *times.entry(path.to_owned()).or_default() += 1;
        if let Some((folder, _)) = path.split_once('/') {
            *bytes.entry(folder.to_owned()).or_default() += said["bytes"].as_u64().unwrap();
        }
    }
    (times, bytes)
}

/// Waits until `is_so`, at most ten seconds.
pub(super) async fn until(mut is_so: impl AsyncFnMut() -> bool) -> bool {
    for _ in 0..200 {
        if is_so().await {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    false
}

/// The lines of a playlist that are no tags.
pub(super) fn uris(playlist: &str) -> Vec<&str> {
    playlist.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

/// What stands between the quotes of `URI="…"` in lines with this tag.
pub(super) fn tagged<'a>(playlist: &'a str, tag: &str) -> Vec<&'a str> {
    let lines = playlist.lines().filter(|line| line.starts_with(tag));
    lines.filter_map(|line| line.split_once("URI=\"")?.1.split('"').next()).collect()
}

/// ffmpeg or ffprobe on a URL of the edge.
pub(super) fn run(program: &str, args: &[&str]) -> Output {
    Command::new(program).arg("-hide_banner").args(args).stdin(Stdio::null()).output().unwrap()
}

/// Whatever a player complains of.
pub(super) fn complaint(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    format!("{}{said}", if output.status.success() { "" } else { "it failed: " })
}

/// A file of bytes for a program.
pub(super) fn file(bytes: &[u8], name: &str) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    (dir, path)
}
