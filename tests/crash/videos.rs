//! Videos whose origin is killed: while they are made, while they are uploaded, while they are
//! played.

use crate::keeper::{Keeper, lives, signal};
use crate::stack::{Stack, free_port, is_postgres};
use futures::stream;
use origin::db::{self, Db};
use rand::Rng;
use reqwest::{Body, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// A lease that is over soon, so that what a dead process held is free soon.
const DURATIONS: [(&str, &str); 2] =
    [("SELVEDGE_JOB_LEASE_MS", "1500"), ("SELVEDGE_JOB_BACKOFF_MS", "100")];
const SECONDS: usize = 24;
const READY_MAX: Duration = Duration::from_secs(120);

/// Two pictures and a sound, of so many seconds.
fn film(dir: &Path) -> Vec<u8> {
    let path = dir.join("film.mp4");
    let args = format!(
        "-v error -f lavfi -i testsrc2=size=640x360:rate=25:duration={SECONDS} \
         -f lavfi -i sine=duration={SECONDS} -c:v libx264 -preset ultrafast -g 50 -c:a aac"
    );
    let made = Command::new("ffmpeg").args(args.split_whitespace()).arg(&path).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    fs::read(path).unwrap()
}

/// The edge, as a client of videos sees it.
struct Edge {
    http: reqwest::Client,
    url: String,
    key: String,
}

impl Edge {
    fn of(stack: &Stack) -> Self {
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(60));
        let http = http.build().unwrap();
        Self { http, url: stack.value("EDGE_URL"), key: stack.value("SERVICE_KEY") }
    }

    fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url)).bearer_auth(&self.key)
    }

    async fn create(&self) -> String {
        let ask = self.ask(Method::POST, "/api/v1/videos").json(&json!({}));
        let made: Value = ask.send().await.unwrap().json().await.unwrap();
        made["id"].as_str().unwrap().into()
    }

    async fn put(&self, bytes: &[u8]) -> String {
        let id = self.create().await;
        let ask = self.ask(Method::PUT, &format!("/api/v1/videos/{id}/upload"));
        let status = ask.body(bytes.to_vec()).send().await.unwrap().status();
        assert_eq!(status, 204);
        id
    }

    fn tus(&self, method: Method, id: &str) -> RequestBuilder {
        let path = format!("/api/v1/videos/{id}/upload");
        self.ask(method, &path).header("tus-resumable", "1.0.0")
    }

    fn patch(
        &self,
        id: &str,
        offset: usize,
        body: impl Into<Body>,
        length: usize,
    ) -> RequestBuilder {
        let ask = self.tus(Method::PATCH, id).header("upload-offset", offset);
        let ask = ask.header("content-type", "application/offset+octet-stream");
        ask.header("content-length", length).body(body)
    }

    /// How far an upload came; asked until somebody answers.
    async fn offset(&self, id: &str) -> usize {
        for _ in 0..100 {
            let answer = self.tus(Method::HEAD, id).send().await.unwrap();
            if answer.status() == 200 {
                return answer.headers()["upload-offset"].to_str().unwrap().parse().unwrap();
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("nobody knows how far {id} came");
    }

    async fn video(&self, id: &str) -> Value {
        let ask = self.ask(Method::GET, &format!("/api/v1/videos/{id}"));
        ask.send().await.unwrap().json().await.unwrap()
    }

    async fn ready(&self, id: &str) -> Value {
        let until = Instant::now() + READY_MAX;
        loop {
            let seen = self.video(id).await;
            if seen["status"] == "ready" {
                return seen;
            }
            assert!(Instant::now() < until && seen["status"] != "failed", "{seen:#}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn view(&self, id: &str, file: &str) -> Response {
        self.http.get(format!("{}/v/{id}/{file}", self.url)).send().await.unwrap()
    }

    async fn text(&self, id: &str, file: &str) -> String {
        let answer = self.view(id, file).await;
        assert_eq!(answer.status(), 200, "{file}");
        answer.text().await.unwrap()
    }

    /// Every object of a video as a viewer gets it, by its path.
    async fn objects(&self, id: &str) -> BTreeMap<String, Vec<u8>> {
        let mut all = BTreeMap::new();
        for name in ["v240-avc", "v360-avc", "a0-aac"] {
            let list = self.text(id, &format!("{name}/media.m3u8")).await;
            let segments = list.lines().filter(|line| !line.starts_with('#'));
            for file in segments.chain(["1-init.mp4"]) {
                let path = format!("{name}/{file}");
                let answer = self.view(id, &path).await;
                assert_eq!(answer.status(), 200, "{path}");
                all.insert(path, answer.bytes().await.unwrap().to_vec());
            }
        }
        all
    }
}

/// The encoders that a process started.
fn encoders(parent: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let is_its = |pid: &u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let Some((head, rest)) = stat.rsplit_once(") ") else { return false };
        rest.split(' ').nth(1) == Some(&parent.to_string()) && head.ends_with("(ffmpeg")
    };
    pids.filter(is_its).collect()
}

/// Waits until a process encodes, then a little; what it then runs.
async fn encoding(stack: &mut Stack, pid: u32) -> Vec<u32> {
    let until = Instant::now() + Duration::from_secs(30);
    while encoders(pid).is_empty() {
        assert!(Instant::now() < until, "{}: it never encodes", stack.tag);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let ms = stack.rng.random_range(50..400);
    tokio::time::sleep(Duration::from_millis(ms)).await;
    encoders(pid)
}

async fn none_lives(tag: &str, pids: &[u32]) {
    let until = Instant::now() + Duration::from_secs(2);
    while pids.iter().any(|pid| lives(*pid)) {
        assert!(Instant::now() < until, "{tag}: encoders outlive their origin: {pids:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Another replica, with a directory of its own, on the same database and store.
fn second(stack: &Stack) -> Keeper {
    let dir = stack.dir().join("second");
    let mut command = stack.origin();
    command.arg("serve").env("ORIGIN_PORT", free_port().to_string()).env("DATA_DIR", &dir);
    command.env("OBJECTS_URL", stack.dir().join("objects"));
    fs::create_dir_all(&dir).unwrap();
    Keeper::start(&mut command, &stack.dir().join("second.log"))
}

/// Of a video's jobs, how many were done, and each once.
async fn jobs(stack: &Stack, id: &str) -> usize {
    let number = shared::video::wire::parse(id).unwrap();
    let db = Db::open(&stack.database_url).await.unwrap();
    let sql = "select work, done from video_job where video = $1 order by stage";
    let rows = db.read(sql, origin::values![number]).await.unwrap();
    let works: std::collections::BTreeSet<String> =
        rows.iter().map(|row| db::text(row, "work").unwrap()).collect();
    assert_eq!(works.len(), rows.len(), "{}: a job is there twice", stack.tag);
    assert!(rows.iter().all(|row| db::number(row, "done").unwrap() == 1), "{}", stack.tag);
    rows.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn v4_a_transcode_whose_origins_are_killed_ends_as_one_that_nobody_touched() {
    let mut stack = Stack::start_with("video", &DURATIONS).await;
    let edge = Edge::of(&stack);
    let bytes = film(stack.dir());
    let calm = edge.put(&bytes).await;
    edge.ready(&calm).await;
    let wanted = edge.objects(&calm).await;
    let id = edge.put(&bytes).await;
    for _ in 0..2 {
        let pid = stack.value("ORIGIN_PID").parse().unwrap();
        let running = encoding(&mut stack, pid).await;
        stack.kill_origin().await;
        none_lives(&stack.tag, &running).await;
        stack.start_origin().await;
    }
    // On PostgreSQL another replica takes part, and dies as well.
    if is_postgres() {
        let mut other = second(&stack);
        let until = Instant::now() + Duration::from_secs(20);
        let mut running = vec![];
        while running.is_empty()
            && Instant::now() < until
            && edge.video(&id).await["status"] != "ready"
        {
            running = other.pid().map(encoders).unwrap_or_default();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(!running.is_empty(), "{}: the second replica never encodes", stack.tag);
        signal("KILL", other.pid().unwrap());
        none_lives(&stack.tag, &running).await;
        assert_eq!(other.stop(), Some(137), "{}", stack.tag);
    }
    let made = edge.ready(&id).await;
    assert_eq!(made["duration_ms"], SECONDS * 1_000);
    assert_eq!(jobs(&stack, &id).await, jobs(&stack, &calm).await);
    let found = edge.objects(&id).await;
    assert_eq!(found.keys().collect::<Vec<_>>(), wanted.keys().collect::<Vec<_>>());
    for (path, bytes) in &wanted {
        assert!(found[path] == *bytes, "{}: {path} differs", stack.tag);
    }
    let url = format!("{}/v/{id}/master.m3u8", edge.url);
    let args = ["-v", "error", "-count_packets", "-select_streams", "v", "-of", "csv=p=0"];
    let mut probe = Command::new("ffprobe");
    let probe = probe.args(args).args(["-show_entries", "stream=nb_read_packets", &url]);
    let said = String::from_utf8(probe.output().unwrap().stdout).unwrap();
    let counts: Vec<&str> = said.split_whitespace().collect();
    let frames = (SECONDS * 25).to_string();
    // Two pictures; a program that holds them may be listed as well.
    assert!(counts.len() >= 2 && counts.iter().all(|count| *count == frames), "{counts:?}");
    stack.end();
}

/// The first half at once, and then nothing for long.
fn slow(bytes: &[u8]) -> Body {
    let parts = vec![bytes[..bytes.len() / 2].to_vec(), bytes[bytes.len() / 2..].to_vec()];
    let parts = stream::unfold((parts.into_iter(), 0), |(mut parts, n)| async move {
        if n > 0 {
            tokio::time::sleep(Duration::from_secs(30)).await;
        }
        let part = parts.next()?;
        Some((Ok::<_, std::io::Error>(part), (parts, n + 1)))
    });
    Body::wrap_stream(parts)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn v18_what_was_acknowledged_of_an_upload_survives_and_what_the_bucket_has_plays() {
    let mut stack = Stack::start_with("upload", &DURATIONS).await;
    let edge = Edge::of(&stack);
    let bytes = film(stack.dir());
    let played = edge.put(&bytes).await;
    edge.ready(&played).await;
    let wanted = edge.objects(&played).await;
    let id = edge.create().await;
    let begun = edge.tus(Method::POST, &id).header("upload-length", bytes.len());
    assert_eq!(begun.send().await.unwrap().status(), 201);
    let third = bytes.len() / 3;
    let first = edge.patch(&id, 0, bytes[..third].to_vec(), third).send().await.unwrap();
    assert_eq!(first.status(), 204);
    // The origin dies in the midst of the second part.
    let rest = &bytes[third..2 * third];
    let under_way = tokio::spawn(edge.patch(&id, third, slow(rest), rest.len()).send());
    let ms = stack.rng.random_range(200..800);
    tokio::time::sleep(Duration::from_millis(ms)).await;
    stack.kill_origin().await;
    let broken = under_way.await.unwrap();
    assert!(broken.map_or(true, |answer| answer.status() == 503), "{}", stack.tag);
    // Nobody is there but the edge: the film plays, to the last byte.
    assert_eq!(edge.objects(&played).await, wanted, "{}", stack.tag);
    let part = edge.http.get(format!("{}/v/{played}/v360-avc/1-0.m4s", edge.url));
    let part = part.header("range", "bytes=4-7").send().await.unwrap();
    assert_eq!((part.status().as_u16(), &*part.bytes().await.unwrap()), (206, &b"styp"[..]));
    let asked = edge.ask(Method::GET, &format!("/api/v1/videos/{id}")).send().await.unwrap();
    assert_eq!(asked.status(), 503, "{}", stack.tag);
    stack.start_origin().await;
    let offset = edge.offset(&id).await;
    assert!((third..=2 * third).contains(&offset), "{}: {offset} of {third}", stack.tag);
    let left = bytes[offset..].to_vec();
    let last = edge.patch(&id, offset, left.clone(), left.len()).send().await.unwrap();
    assert_eq!(last.status(), 204, "{}", stack.tag);
    edge.ready(&id).await;
    assert_eq!(edge.objects(&id).await, wanted, "{}: another film came of it", stack.tag);
    stack.end();
}
