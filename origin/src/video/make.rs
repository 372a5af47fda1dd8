//! The making of renditions: encoders run, their files are cut, the segments become objects.
//!
//! Invariant: an object is in the store before its job is done; the same job makes the same bytes,
//! whoever does it and how often.

use super::cut::{self, By, Cutter, Object, Want};
use super::jobs::Brought;
use super::made::Part;
use super::row::Row;
use super::tool::{self, Tool};
use super::{command, source};
use crate::app::App;
use crate::objects;
use sha2::{Digest, Sha256};
use shared::video::fragment;
use shared::video::ladder::Rung;
use shared::video::plan::{Plan, SAMPLE_RATE};
use shared::video::probe::Failure;
use shared::video::rendition::Segment;
use std::path::Path;
use std::time::Duration;

/// Beside what follows: starting, and a machine that does other things.
const WALL_S: u64 = 120;
/// An encoder that makes less than a twentieth of a second in a second is none of use.
const SLOWEST: u64 = 20;

/// Why a job gave nothing.
#[derive(Debug)]
pub enum Stop {
    /// The source is at fault.
    Never(Failure),
    /// Another try may succeed.
    Later(String),
}

macro_rules! later {
    ($($error:ty),*) => {
        $(impl From<$error> for Stop {
            fn from(error: $error) -> Self { Self::Later(error.to_string()) }
        })*
    };
}
later!(source::Error, objects::Error, tool::Error, cut::Error, crate::db::Error);

/// A job's outcome: what it brings, and the milliseconds of CPU that it took.
pub type Outcome = Result<(Vec<Brought>, u64), Stop>;

/// What stands before the number of the first segment of a piece.
fn segments_before(plan: &Plan, piece: usize) -> u32 {
    let before = plan.pieces.iter().take(piece).map(|piece| piece.segments.len()).sum::<usize>();
    u32::try_from(before).unwrap_or(u32::MAX)
}

/// Makes the rungs of one piece.
///
/// # Errors
/// To be tried again.
pub async fn piece(
    app: &App,
    tool: &Tool,
    (row, plan): (&Row, &Plan),
    (n, rungs): (usize, &[Rung]),
    attempt: u64,
) -> Outcome {
    let missing = || Stop::Later("the plan has no such piece".into());
    let piece = plan.pieces.get(n).ok_or_else(missing)?;
    let (input, rest) = command::piece(plan, n, rungs, attempt).ok_or_else(missing)?;
    let place = source::place(app, row).await?;
    let seconds = piece.frames() * u64::from(plan.frame_rate.1) / u64::from(plan.frame_rate.0) + 1;
    let wall = Duration::from_secs(WALL_S + seconds * SLOWEST * rungs.len() as u64);
    let said = tool.encode(&place.0, &input, &rest, wall).await?;
    let (_, ticks) = plan.timescale();
    let mut brought = Vec::with_capacity(rungs.len());
    for rung in rungs {
        let is_open = n + 1 == plan.pieces.len();
        let want = Want {
            by: By::Frames { frames: &piece.segments, ticks, is_open },
            number: segments_before(plan, n),
            at: piece.first * u64::from(ticks),
        };
        let path = place.0.join(format!("{}.mp4", rung.name));
        brought.push(keep(app, row, &rung.name, &path, want, plan.timescale().0).await?);
    }
    Ok((brought, said.cpu_ms))
}

/// Makes every sound.
///
/// # Errors
/// To be tried again.
pub async fn sounds(app: &App, tool: &Tool, (row, plan): (&Row, &Plan)) -> Outcome {
    let place = source::place(app, row).await?;
    let (input, rest) = command::sounds(plan, &plan.sounds);
    let wall = Duration::from_secs(WALL_S + plan.duration_ms() / 1_000 * plan.sounds.len() as u64);
    let said = tool.encode(&place.0, &input, &rest, wall).await?;
    let cuts = plan.sound_cuts();
    let mut brought = Vec::with_capacity(plan.sounds.len());
    for sound in &plan.sounds {
        let path = place.0.join(format!("{}.mp4", sound.name));
        let want = Want { by: By::Sound { cuts: &cuts }, number: 0, at: 0 };
        brought.push(keep(app, row, &sound.name, &path, want, SAMPLE_RATE).await?);
    }
    Ok((brought, said.cpu_ms))
}

/// Cuts an encoder's file, and puts every segment and the init segment into the store.
async fn keep(
    app: &App,
    row: &Row,
    name: &str,
    path: &Path,
    want: Want<'_>,
    timescale: u32,
) -> Result<Brought, Stop> {
    let mut cutter = Cutter::open(path, want)?;
    let mut segments: Vec<Segment> = Vec::new();
    while let Some(Object { number, bytes, segment }) = cutter.segment()? {
        segments.push(segment);
        app.objects.put(&row.object(&format!("{name}/{number}.m4s")), bytes).await?;
    }
    let (init, is_first) = (cutter.init(), want.number == 0);
    let wrong = |what: &str| Stop::Later(format!("{name}: the encoder's file has {what}"));
    if fragment::timescale(init) != Some(timescale) {
        return Err(wrong("another timescale"));
    }
    let codec = fragment::codec(init).ok_or_else(|| wrong("a codec without a name"))?;
    let digest = hex::encode(Sha256::digest(init));
    let key = row.object(&format!("{name}/init.mp4"));
    if is_first {
        app.objects.put(&key, init.to_vec()).await?;
    }
    let segments = segments.into_iter().map(|each| (each.duration, each.bytes, each.key_bytes));
    let part = Part { name: name.into(), segments: segments.collect() };
    Ok(Brought { part, codec, init: digest })
}
