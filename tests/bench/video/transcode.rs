//! One source through the origin's workers, and through one ffmpeg that makes the same renditions:
//! in turns, on the same cores, with the same options.
//!
//! Invariant: the one command is made of the options of the jobs, with every piece in one and as
//! many threads as ffmpeg likes; what the origin does besides (the look, the storyboard, hashes,
//! objects on the disk, commits) is in its time. Prints one object of JSON.
//! Arguments: the source, the scratch directory, how many rounds.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use axum::body::Body;
use origin::app::App;
use origin::config::Config;
use origin::db::{self, Db};
use origin::respond::{Call, Stream};
use origin::video::tool::Tool;
use origin::video::{self, command, row, worker};
use origin::{keys, values};
use shared::sign::Context;
use shared::video::plan::{Piece, Plan};
use shared::video::presentation::Status;
use shared::video::wire;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Nothing of a minute takes longer.
const PATIENCE: Duration = Duration::from_secs(580);

async fn start(dir: &Path) -> Arc<App> {
    let url = format!("sqlite://{}/origin.sqlite?mode=rwc", dir.display());
    Db::open(&url).await.unwrap().migrate().await.unwrap();
    let read = |name: &str| {
        Some(match name {
            "DATABASE_URL" => url.clone(),
            "DATA_DIR" => dir.to_str().unwrap().into(),
            "SIGNING_KEYS" => format!("k1:{}", "ab".repeat(32)),
            "KEY_MAC_SECRET" | "CODE_KEY" | "TOKEN_KEY" | "DATA_KEY" => "cd".repeat(32),
            "ADMIN_KEY" => "x".repeat(32),
            _ => return None,
        })
    };
    App::start(Config::read(read).unwrap()).await.unwrap()
}

fn call(app: &str, method: &str, path: &str, id: &str, stream: Stream) -> Call {
    Call {
        method: method.into(),
        path: path.into(),
        query: "".into(),
        segments: vec![id.into()],
        headers: BTreeMap::new(),
        body: "{}".to_owned().into(),
        stream,
        context: Context {
            principal: "service:k".into(),
            app: app.into(),
            request_id: "req_bench".into(),
            ..Context::default()
        },
    }
}

/// Milliseconds from the upload's end: to the first segments, and to the whole; and of CPU.
async fn ours(
    app: &Arc<App>,
    owner: &str,
    source: &Path,
) -> (u64, [u64; 3], BTreeMap<String, u64>) {
    let made = call(owner, "POST", "/api/v1/videos", "", Stream::default());
    let made = video::create(app, &made).await.unwrap();
    let made: serde_json::Value = serde_json::from_str(&made.body).unwrap();
    let name = made["id"].as_str().unwrap();
    let id = wire::parse(name).unwrap();
    let bytes = std::fs::read(source).unwrap();
    let stream = Stream::new(bytes.len() as u64, Body::from(bytes));
    let put = call(owner, "PUT", &format!("/api/v1/videos/{name}/upload"), name, stream);
    video::upload::put(app, &put).await.unwrap();
    let until = Instant::now() + PATIENCE;
    loop {
        let row = row::any(&app.db, id).await.unwrap().unwrap();
        assert!(row.status != Status::Failed, "{:?}", row.failure);
        if row.status == Status::Ready {
            break;
        }
        assert!(Instant::now() < until, "it never ends");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let sql = "select kind, at from video_event where video = $1";
    let mut at = BTreeMap::new();
    for row in app.db.read(sql, values![id]).await.unwrap() {
        at.insert(db::text(&row, "kind").unwrap(), db::number(&row, "at").unwrap());
    }
    let since = |kind: &str| at[kind] - at["queued"];
    let sql = "select work, cpu_ms from video_job where video = $1";
    let mut cpu = BTreeMap::new();
    for row in app.db.read(sql, values![id]).await.unwrap() {
        let work = db::text(&row, "work").unwrap();
        let kind: String = work.chars().filter(char::is_ascii_alphabetic).collect();
        let kind = if kind.starts_with("piece") { "piece".into() } else { kind };
        *cpu.entry(kind).or_default() += db::number(&row, "cpu_ms").unwrap();
    }
    (id, [since("playable"), since("ready"), cpu.values().sum()], cpu)
}

/// The jobs' options, in one command and without their one thread each.
fn command(plan: &Plan) -> Vec<String> {
    let segments = plan.pieces.iter().flat_map(|piece| piece.segments.clone()).collect();
    let whole = Plan { pieces: vec![Piece { first: 0, key_us: 0, segments }], ..plan.clone() };
    let (input, pictures) = command::piece(&whole, 0, &plan.rungs, 0).unwrap();
    let (_, sounds) = command::sounds(plan, &plan.sounds);
    let mut all = input;
    all.extend(["-i".into(), "file:source".into()]);
    all.extend(pictures);
    all.extend(if plan.sounds.is_empty() { vec![] } else { sounds });
    let mut kept = Vec::new();
    let mut all = all.into_iter();
    while let Some(word) = all.next() {
        if word == "-threads" {
            all.next();
        } else {
            kept.push(word);
        }
    }
    kept
}

/// Milliseconds of the one command, and of its CPU.
fn theirs(dir: &Path, source: &Path, options: &[String]) -> [u64; 2] {
    std::fs::create_dir_all(dir).unwrap();
    std::fs::copy(source, dir.join("source")).unwrap();
    let began = Instant::now();
    let mut command = Command::new("ffmpeg");
    command.args(["-hide_banner", "-nostdin", "-y", "-v", "level+info", "-nostats", "-benchmark"]);
    let said = command.args(options).current_dir(dir).output().unwrap();
    let ms = began.elapsed().as_millis() as u64;
    let text = String::from_utf8_lossy(&said.stderr);
    assert!(said.status.success(), "{text}");
    let of = |name: &str| -> f64 {
        let (_, rest) = text.rsplit_once(name).unwrap();
        rest.split('s').next().unwrap().parse().unwrap()
    };
    std::fs::remove_dir_all(dir).unwrap();
    [ms, ((of("utime=") + of("stime=")) * 1_000.0) as u64]
}

fn median(all: impl Iterator<Item = u64>) -> u64 {
    let mut all: Vec<u64> = all.collect();
    all.sort_unstable();
    all[all.len() / 2]
}

#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().collect();
    let (source, scratch) = (PathBuf::from(&args[1]), PathBuf::from(&args[2]));
    let rounds: usize = args[3].parse().unwrap();
    let app = start(&scratch).await;
    tokio::spawn(Arc::clone(&app.ids).keep(Arc::clone(&app.db)));
    let owner = keys::create_application(&app, "bench", "free").await.unwrap().unwrap().id;
    let tool = Tool::find().await.unwrap();
    let places = std::thread::available_parallelism().unwrap().get();
    tokio::spawn(worker::run(Arc::clone(&app), tool, places));
    let mut all = Vec::new();
    let mut shown = serde_json::Value::Null;
    for round in 0..rounds {
        let (id, [playable, ready, cpu], kinds) = ours(&app, &owner, &source).await;
        let plan = row::any(&app.db, id).await.unwrap().unwrap().plan.unwrap();
        // On a thread of its own: the workers look for jobs meanwhile, as they always do.
        let (dir, from, options) = (scratch.join("one"), source.clone(), command(&plan));
        let one = tokio::task::spawn_blocking(move || theirs(&dir, &from, &options));
        let [one_ms, one_cpu] = one.await.unwrap();
        eprintln!(
            "round {}: ours {ready} ms ({playable} to the first, CPU {cpu}), one command {one_ms} \
             ms (CPU {one_cpu})",
            round + 1,
        );
        all.push([playable, ready, cpu, one_ms, one_cpu]);
        let names: Vec<_> = plan.rungs.iter().map(|rung| rung.name.clone()).collect();
        shown = serde_json::json!({
            "renditions": names, "pieces": plan.pieces.len(), "source_ms": plan.duration_ms(),
            "cpu_ms_by_work": kinds,
        });
    }
    let middle = |n: usize| median(all.iter().map(|round| round[n]));
    let ratio = |a: usize, b: usize| {
        let mut all: Vec<f64> = all.iter().map(|round| round[a] as f64 / round[b] as f64).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    let source_ms = shown["source_ms"].as_u64().unwrap().max(1);
    println!(
        "{}",
        serde_json::json!({
            "places": places, "rounds": all, "plan": shown,
            "ready_ms": middle(1), "playable_ms": middle(0), "one_command_ms": middle(3),
            "wall_ratio": ratio(1, 3), "playable_ratio": ratio(0, 3), "cpu_ratio": ratio(2, 4),
            "cpu_s_per_minute": middle(2) as f64 * 60.0 / source_ms as f64,
            "one_command_cpu_s_per_minute": middle(4) as f64 * 60.0 / source_ms as f64,
        })
    );
}
