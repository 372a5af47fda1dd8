//! The look at a source: what it is, where its frames are, how much is in its pictures.
//!
//! Invariant: every look ends, in bounded time, with a plan or a typed failure.

use super::make::Stop;
use super::tool::{self, Tool};
use super::{command, row::Row, source};
use crate::app::App;
use futures::future::join_all;
use shared::video::ladder::{self, COMPLEXITY_AVERAGE};
use shared::video::plan::{self, Plan};
use shared::video::probe::{self, Facts, Failure, FailureCode, Scan};
use std::path::Path;
use std::time::Duration;

/// A header, however wild, is read within this.
const HEADER_WALL: Duration = Duration::from_secs(8);
/// Packets are counted at 50 MB/s at least.
const SCAN_BYTES_PER_S: u64 = 50_000_000;
/// Where samples are taken, in percent.
const SAMPLES: [u64; 3] = [12, 45, 78];
/// The small picture that is sampled, of a second.
const SAMPLE_PIXELS: u64 = 426 * 240;
const SAMPLE_WALL: Duration = Duration::from_secs(20);

/// Looks; the plan, and the milliseconds of CPU that it took.
///
/// # Errors
/// Why it is no video, or why it is to be tried again.
pub async fn look(app: &App, tool: &Tool, row: &Row) -> Result<(Plan, u64), Stop> {
    let refuse = |code, why: &str| Err(Stop::Never(Failure::new(code, why)));
    if row.upload_offset == 0 {
        return refuse(FailureCode::Empty, "not one byte was uploaded");
    }
    let place = source::place(app, row).await?;
    if probe::is_playlist(
        &source::head(&place.0.join("source")).await.map_err(source::Error::from)?,
    ) {
        return refuse(FailureCode::Playlist, "it lists other files, and those are never opened");
    }
    let facts = header(tool, &place.0).await?;
    let scan = scan(app, tool, &place.0, &facts, row.upload_offset).await?;
    // A single frame has no rate.
    let counted = match scan.last_us {
        0 => 0,
        last => scan.frames.saturating_sub(1).saturating_mul(1_000_000_000) / last,
    };
    let rate = match counted {
        0 => (30, 1),
        counted => ladder::frame_rate(facts.video.frame_rate, counted),
    };
    let mut plan = Plan {
        frame_rate: rate,
        frames: plan::frames(&scan, rate),
        pieces: plan::pieces(&scan, rate),
        rungs: Vec::new(),
        sounds: ladder::sounds(&facts),
        facts,
    };
    let (complexity, cpu_ms) = complexity(tool, &place.0, &plan, &scan).await?;
    plan.rungs = ladder::rungs(&plan.facts, rate, complexity, &app.config.video.codecs);
    Ok((plan, cpu_ms))
}

async fn header(tool: &Tool, dir: &Path) -> Result<Facts, Stop> {
    let mut json = String::new();
    let args = ["-of", "json", "-show_format", "-show_streams"];
    let said = tool.probe(dir, &args, HEADER_WALL, |line| json.push_str(line)).await;
    match said {
        Ok(()) => probe::read(json.as_bytes()).map_err(Stop::Never),
        Err(tool::Error::Failed { said, .. }) => Err(Stop::Never(unreadable(&said))),
        Err(tool::Error::Late(_)) => Err(late()),
        Err(error @ tool::Error::Io(_)) => Err(Stop::Later(error.to_string())),
    }
}

fn late() -> Stop {
    Stop::Never(Failure::new(FailureCode::Exhausted, "looking at it took too long"))
}

/// What ffprobe's complaint means.
fn unreadable(said: &str) -> Failure {
    if said.contains("moov atom not found") || said.contains("End of file") {
        return Failure::new(FailureCode::Truncated, "its index is missing: the end was cut off");
    }
    Failure::new(FailureCode::NotAVideo, "no container that is read here")
}

async fn scan(app: &App, tool: &Tool, dir: &Path, facts: &Facts, bytes: u64) -> Result<Scan, Stop> {
    let mut scan = Scan::default();
    let stream = facts.video.stream.to_string();
    let args = [
        "-select_streams",
        &stream,
        "-show_entries",
        "packet=pts_time,dts_time,duration_time,flags",
        "-of",
        "csv=p=0",
    ];
    let wall = HEADER_WALL + Duration::from_secs(bytes / SCAN_BYTES_PER_S);
    let said = tool.probe(dir, &args, wall, |line| scan.take(line, facts.start_us)).await;
    match said {
        // An end that is missing is judged by what was found.
        Ok(()) | Err(tool::Error::Failed { .. }) => {}
        Err(tool::Error::Late(_)) => return Err(late()),
        Err(error @ tool::Error::Io(_)) => return Err(Stop::Later(error.to_string())),
    }
    let longest_us = app.config.video.minutes_max.saturating_mul(60_000_000);
    scan.check(facts, longest_us).map_err(Stop::Never)?;
    Ok(scan)
}

/// Thousandths of a bit per pixel of a few samples; that they decode at all is seen here too.
async fn complexity(tool: &Tool, dir: &Path, plan: &Plan, scan: &Scan) -> Result<(u32, u64), Stop> {
    let mut at: Vec<u64> = SAMPLES.iter().map(|percent| scan.last_us * percent / 100).collect();
    // A sample begins at a key frame.
    for moment in &mut at {
        let before = scan.keys_us.partition_point(|key| key <= moment);
        *moment = before.checked_sub(1).and_then(|n| scan.keys_us.get(n)).copied().unwrap_or(0);
    }
    at.dedup();
    let samples = at.into_iter().map(|at| async move {
        let (input, rest) = command::sample(plan, at);
        tool.encode(dir, &input, &rest, SAMPLE_WALL).await
    });
    let (mut bits, mut frames, mut cpu_ms) = (0, 0, 0);
    let mut why = String::from("not one frame of it can be decoded");
    for sample in join_all(samples).await {
        match sample {
            Ok(said) => {
                bits += said.out.len() as u64 * 8;
                frames += count(&said.err);
                cpu_ms += said.cpu_ms;
            }
            Err(tool::Error::Io(error)) => return Err(Stop::Later(error.to_string())),
            Err(tool::Error::Late(_)) => why = "decoding it takes too long".into(),
            Err(tool::Error::Failed { .. }) => {}
        }
    }
    if bits == 0 {
        return Err(Stop::Never(Failure::new(FailureCode::Undecodable, why)));
    }
    let pixels = SAMPLE_PIXELS * frames;
    let found = (bits * 1_000).checked_div(pixels);
    Ok((found.and_then(|n| u32::try_from(n).ok()).unwrap_or(COMPLEXITY_AVERAGE), cpu_ms))
}

/// libx264's last word is how many frames of each kind there were.
fn count(said: &str) -> u64 {
    let of = |kind: &str| -> Option<u64> {
        let (_, rest) = said.split_once(&format!("frame {kind}:"))?;
        rest.split_whitespace().next()?.parse().ok()
    };
    ["I", "P", "B"].into_iter().filter_map(of).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_counted_by_kind() {
        let said = "[libx264 @ 0x1] [info] frame I:2     Avg QP:10\n frame P:28    Avg QP:12";
        assert_eq!(count(said), 30);
        assert_eq!(count(""), 0);
        assert_eq!(unreadable("[mov] moov atom not found").code, FailureCode::Truncated);
        assert_eq!(unreadable("Invalid data found").code, FailureCode::NotAVideo);
    }
}
