//! What was made of a video so far: segments by piece, and renditions of them.
//!
//! Invariant: a rendition grows in order: what was made beyond a gap is not shown
//! until it is filled.

use crate::db::{self, Error, Tx};
use crate::values;
use serde::{Deserialize, Serialize};
use shared::video::ladder::{Codec, Rung, Sound};
use shared::video::plan::{Plan, SAMPLE_RATE, Work};
use shared::video::presentation::Parked;
use shared::video::rendition::{Media, Rendition, Segment};
use std::collections::BTreeMap;

/// What a job made of one rendition.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Part {
    pub name: String,
    /// Duration, bytes, bytes through the key frame.
    pub segments: Vec<(u32, u32, u32)>,
}

/// A rendition's row.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    pub codec: String,
    pub cpu_ms: u64,
    pub bytes_stored: u64,
    pub bytes_served: u64,
}

/// Everything.
#[derive(Clone, Debug, Default)]
pub struct Made {
    /// By rendition and piece; sounds are piece 0.
    parts: BTreeMap<(String, u32), Vec<Segment>>,
    /// By rendition.
    pub kept: BTreeMap<String, Kept>,
    /// What is not shown before it is whole again: its codec by its name.
    pub parked: BTreeMap<String, String>,
    /// How many jobs there are, and how many of them are done.
    pub jobs: (u64, u64),
    /// Of every job.
    pub cpu_ms: u64,
}

/// What was made of a video, as the transaction sees it.
///
/// # Errors
/// The database is down.
pub async fn load(tx: &mut Tx<'_>, id: u64) -> Result<Made, Error> {
    let mut made = Made::default();
    let sql = "select work, done, result, cpu_ms from video_job where video = $1 order by stage";
    for row in tx.read(sql, values![id]).await? {
        made.jobs.0 += 1;
        made.cpu_ms += db::number(&row, "cpu_ms")?;
        if db::number(&row, "done")? != 1 {
            continue;
        }
        made.jobs.1 += 1;
        let piece = match serde_json::from_str(&db::text(&row, "work")?)? {
            Work::Piece { piece, .. } => piece,
            Work::Probe | Work::Sound | Work::Storyboard => 0,
        };
        let parts = db::maybe_text(&row, "result")?.unwrap_or_else(|| "[]".into());
        for part in serde_json::from_str::<Vec<Part>>(&parts)? {
            let segments = part.segments.into_iter().map(|(duration, bytes, key_bytes)| Segment {
                duration,
                bytes,
                key_bytes,
            });
            made.parts.insert((part.name, piece), segments.collect());
        }
    }
    let sql = "select name, codec, cpu_ms, bytes_stored, bytes_served from video_rendition \
               where video = $1";
    for row in tx.read(sql, values![id]).await? {
        let kept = Kept {
            codec: db::text(&row, "codec")?,
            cpu_ms: db::number(&row, "cpu_ms")?,
            bytes_stored: db::number(&row, "bytes_stored")?,
            bytes_served: db::number(&row, "bytes_served")?,
        };
        made.kept.insert(db::text(&row, "name")?, kept);
    }
    let sql = "select name, codec from video_parked where video = $1";
    for row in tx.read(sql, values![id]).await? {
        made.parked.insert(db::text(&row, "name")?, db::text(&row, "codec")?);
    }
    Ok(made)
}

impl Made {
    /// Percent of the jobs.
    #[must_use]
    pub fn progress(&self) -> u8 {
        let (all, done) = self.jobs;
        u8::try_from(done * 100 / all.max(1)).unwrap_or(100)
    }

    /// The renditions of which there is something, in the ladder's order. Other codecs than H.264
    /// wait for its first segments: a manifest is never without what everybody plays.
    #[must_use]
    pub fn renditions(&self, plan: &Plan) -> Vec<Rendition> {
        let pieces = u32::try_from(plan.pieces.len()).unwrap_or(u32::MAX);
        let begun = |rung: &Rung| self.parts.contains_key(&(rung.name.clone(), 0));
        let is_open = plan.rungs.iter().any(|rung| rung.codec == Codec::Avc && begun(rung));
        let rungs = plan.rungs.iter().filter(|rung| is_open || rung.codec == Codec::Avc);
        let rungs = rungs.filter(|rung| !self.parked.contains_key(&rung.name));
        let pictures = rungs.map(|rung| self.picture(plan, rung, pieces));
        let sounds = plan.sounds.iter().map(|sound| self.sound(sound));
        pictures.chain(sounds).filter(|made| !made.segments.is_empty()).collect()
    }

    /// The pictures that are not there, and can be.
    #[must_use]
    pub fn parked(&self, plan: &Plan) -> Vec<Parked> {
        let parked = plan.rungs.iter().filter_map(|rung| {
            let (width, height, frame_rate) = (rung.width, rung.height, plan.frame_rate);
            Some(Parked {
                name: rung.name.clone(),
                media: Media::Video { width, height, frame_rate },
                codec: self.parked.get(&rung.name)?.clone(),
            })
        });
        parked.collect()
    }

    /// Whether every piece of a rung is there.
    #[must_use]
    pub fn is_whole(&self, plan: &Plan, name: &str) -> bool {
        let mut pieces = 0..u32::try_from(plan.pieces.len()).unwrap_or(u32::MAX);
        pieces.all(|piece| self.parts.contains_key(&(name.to_owned(), piece)))
    }

    fn picture(&self, plan: &Plan, rung: &Rung, pieces: u32) -> Rendition {
        let mut segments = Vec::new();
        let mut whole = 0;
        for piece in 0..pieces {
            let Some(more) = self.parts.get(&(rung.name.clone(), piece)) else { break };
            segments.extend(more);
            whole += 1;
        }
        let (width, height, frame_rate) = (rung.width, rung.height, plan.frame_rate);
        Rendition {
            name: rung.name.clone(),
            media: Media::Video { width, height, frame_rate },
            codec: self.kept.get(&rung.name).map_or(String::new(), |kept| kept.codec.clone()),
            timescale: plan.timescale().0,
            segments,
            complete: whole == pieces,
        }
    }

    fn sound(&self, sound: &Sound) -> Rendition {
        let segments = self.parts.get(&(sound.name.clone(), 0)).cloned().unwrap_or_default();
        Rendition {
            name: sound.name.clone(),
            media: Media::Audio {
                track: sound.track,
                channels: sound.channels,
                sample_rate: SAMPLE_RATE,
                language: sound.language.clone(),
            },
            codec: self.kept.get(&sound.name).map_or(String::new(), |kept| kept.codec.clone()),
            timescale: SAMPLE_RATE,
            complete: !segments.is_empty(),
            segments,
        }
    }
}
