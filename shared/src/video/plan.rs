//! How a source is cut: pieces that are encoded apart, segments within them, and the jobs of both.
//!
//! Everything is counted in frames of the ladder's constant rate, from the first on. Invariant: the
//! pieces cover every frame once, in order; a piece begins with a segment, and where it can at a
//! key
//! frame of the source, so that no frame is decoded twice; every rendition has the same segments.
//! The last piece has no end: it takes whatever frames come. Refused: pieces without frames.

use super::ladder::{Codec, Rung, Sound};
use super::probe::{Facts, Scan};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// A segment's length, if the source's key frames do not say otherwise: 4 s.
const SEGMENT_MS: u64 = 4_000;
/// What segments last at most: 6 s of a piece that is no multiple, and what the last one takes in
/// beyond what was counted.
pub const SEGMENT_MS_MAX: u32 = 8_000;
/// The shortest piece: with less, starting an encoder costs more than 1 % of it.
const PIECE_MS_MIN: u64 = 3_000;
/// A piece of a short film, and of one of more than [`LONG_MS`].
const PIECE_MS: (u64, u64) = (8_000, 16_000);
const LONG_MS: u64 = 600_000;
/// A seek may land so much later than asked for; the origin asks for 140 ms more than the key.
const SEEK_US: u64 = 150_000;
/// Beyond so many target lengths without a key frame the source is cut between two of them.
const PATIENCE: (u64, u64) = (3, 2);
/// Units per second of a picture's track, at least.
const TIMESCALE_MIN: u32 = 1_000;
/// Samples per second of every sound, and in one frame of AAC.
pub const SAMPLE_RATE: u32 = 48_000;
/// AAC-LC: ISO/IEC 14496-3.
pub const SAMPLES: u32 = 1_024;
/// Pictures up to this many pixels are made in one job, larger ones apart: 1080p.
const GROUP_PIXELS: u64 = 1_920 * 1_088;
/// Of the first piece, what is made first: up to 480p.
const FIRST_PIXELS: u64 = 960 * 480;

/// All that a worker must know of a video.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The source.
    pub facts: Facts,
    /// Frames per second of every picture.
    pub frame_rate: (u32, u32),
    /// How many frames there will be, as far as the packets say.
    pub frames: u64,
    /// In order.
    pub pieces: Vec<Piece>,
    /// The pictures, H.264 first, from the smallest on.
    pub rungs: Vec<Rung>,
    /// The sounds.
    pub sounds: Vec<Sound>,
}

/// Frames that are encoded together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// Its first frame.
    pub first: u64,
    /// The source is read from this key frame on, in microseconds from its start.
    pub key_us: u64,
    /// The frames of each segment; of the last piece's last one, an estimate.
    pub segments: Vec<u32>,
}

impl Piece {
    /// How many frames it has.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.segments.iter().map(|frames| u64::from(*frames)).sum()
    }
}

/// One thing to do for one worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// Look at the source, and plan.
    Probe,
    /// Make every sound, whole.
    Sound,
    /// Make these renditions of that piece: from the rung `from` up to, without, `to`.
    Piece {
        /// Counts from 0.
        piece: u32,
        /// Counts from 0.
        from: u32,
        /// Above `from`.
        to: u32,
    },
    /// Make the pictures of the storyboard.
    Storyboard,
}

impl Plan {
    /// Units per second of a picture's track, and how many a frame lasts.
    #[must_use]
    pub fn timescale(&self) -> (u32, u32) {
        let (num, den) = self.frame_rate;
        if num < TIMESCALE_MIN { (num * 1_000, den * 1_000) } else { (num, den) }
    }

    /// The picture's length, rounded.
    #[must_use]
    pub fn duration_ms(&self) -> u64 {
        let (num, den) = self.frame_rate;
        let ms = u128::from(self.frames) * u128::from(den) * 1_000;
        u64::try_from(ms / u128::from(num.max(1))).unwrap_or(u64::MAX)
    }

    /// Jobs after the probe, in the order in which they are worth most.
    #[must_use]
    pub fn jobs(&self) -> Vec<Work> {
        let mut all = Vec::new();
        let sizes = |limit: fn(u64) -> u64| {
            let mut groups: Vec<(u32, u32)> = Vec::new();
            let mut last = None;
            for (n, rung) in (0u32..).zip(&self.rungs) {
                let class = (rung.codec, limit(u64::from(rung.width) * u64::from(rung.height)));
                match groups.last_mut() {
                    Some(group) if last == Some(class) => group.1 = n + 1,
                    _ => groups.push((n, n + 1)),
                }
                last = Some(class);
            }
            groups
        };
        // 1440p and 2160p have jobs of their own: seven encoders at once would take 3 GB.
        let class = |pixels: u64| if pixels <= GROUP_PIXELS { 0 } else { pixels };
        let first = |pixels: u64| match pixels {
            small if small <= FIRST_PIXELS => 0,
            middle if middle <= GROUP_PIXELS => 1,
            more => more,
        };
        // The last piece in small jobs, the largest first: no worker waits long for another's end.
        let apart = |pixels: u64| if pixels <= FIRST_PIXELS { 0 } else { pixels };
        let pieces = u32::try_from(self.pieces.len()).unwrap_or(u32::MAX);
        for n in 0..pieces {
            let groups = match n {
                0 => sizes(first),
                n if n + 1 == pieces => sizes(apart).into_iter().rev().collect(),
                _ => sizes(class),
            };
            all.extend(groups.into_iter().map(|(from, to)| Work::Piece { piece: n, from, to }));
            if n == 0 && !self.sounds.is_empty() {
                all.insert(1, Work::Sound);
            }
        }
        all.push(Work::Storyboard);
        all
    }

    /// The jobs that make some of the pictures, by their names, and nothing else.
    #[must_use]
    pub fn jobs_of(&self, names: &[&str]) -> Vec<Work> {
        let is_one = |n: u32| {
            let rung = usize::try_from(n).ok().and_then(|n| self.rungs.get(n));
            rung.is_some_and(|rung| names.contains(&rung.name.as_str()))
        };
        let mut all = Vec::new();
        for work in self.jobs() {
            let Work::Piece { piece, from, to } = work else { continue };
            let mut begin = None;
            for n in from..=to {
                match (begin, n < to && is_one(n)) {
                    (None, true) => begin = Some(n),
                    (Some(from), false) => {
                        all.push(Work::Piece { piece, from, to: n });
                        begin = None;
                    }
                    _ => {}
                }
            }
        }
        all
    }

    /// The first frame of AAC of each segment's sound, and the end of the last: the first frame
    /// that begins when, or after, the segment's picture does.
    #[must_use]
    pub fn sound_cuts(&self) -> Vec<u64> {
        let (num, den) = self.frame_rate;
        let mut frames = 0u64;
        let mut cuts = Vec::from([0]);
        for length in self.pieces.iter().flat_map(|piece| &piece.segments) {
            frames += u64::from(*length);
            let samples = u128::from(frames) * u128::from(den) * u128::from(SAMPLE_RATE);
            let cut = samples.div_ceil(u128::from(num) * u128::from(SAMPLES));
            cuts.push(u64::try_from(cut).unwrap_or(u64::MAX));
        }
        cuts
    }
}

/// The frame that is shown at a moment: the nearest, as ffmpeg's filter `fps` rounds.
fn frame_at(us: u64, (num, den): (u32, u32)) -> u64 {
    let scale = u128::from(den) * 1_000_000;
    let frame = (u128::from(us) * u128::from(num) + scale / 2) / scale;
    u64::try_from(frame).unwrap_or(u64::MAX)
}

fn frames_of(ms: u64, (num, den): (u32, u32)) -> u64 {
    (ms * u64::from(num) / (u64::from(den) * 1_000)).max(1)
}

/// How many frames of the ladder's rate a source has.
#[must_use]
pub fn frames(scan: &Scan, rate: (u32, u32)) -> u64 {
    // What lasts no time is a frame all the same.
    frame_at(scan.end_us, rate).max(frame_at(scan.last_us, rate) + 1)
}

/// Cuts a source of so many frames.
#[must_use]
pub fn pieces(scan: &Scan, rate: (u32, u32)) -> Vec<Piece> {
    let total = frames(scan, rate);
    let is_long = total > frames_of(LONG_MS, rate);
    let target = frames_of(if is_long { PIECE_MS.1 } else { PIECE_MS.0 }, rate);
    let shortest = frames_of(PIECE_MS_MIN, rate);
    let mut keys = scan.keys_us.iter().map(|us| (frame_at(*us, rate), *us)).peekable();
    let (mut first, mut before) = (0, 0);
    let mut all = Vec::new();
    loop {
        // The first piece is short: it is what somebody waits for.
        let target = if first == 0 { frames_of(SEGMENT_MS, rate) } else { target };
        let last = first + target * PATIENCE.0 / PATIENCE.1;
        if total <= first + target + shortest {
            all.push(piece((first, total), before, rate));
            return all;
        }
        let mut best: Option<(u64, u64)> = None;
        let mut seen = before;
        while let Some((frame, us)) = keys.next_if(|(frame, _)| *frame <= last) {
            if frame <= first + target {
                seen = us;
            }
            if frame < first + shortest || frame + shortest > total {
                continue;
            }
            let wanted = first + target;
            if best.is_none_or(|(known, _)| frame.abs_diff(wanted) < known.abs_diff(wanted)) {
                best = Some((frame, us));
            }
        }
        let (end, key) = match best {
            Some(found) => found,
            None => match keys.peek() {
                // Soon enough: one long piece rather than frames decoded twice. Nobody waits for it.
                Some((frame, us)) if first > 0 && *frame <= first + target * 2 + shortest => {
                    (*frame, *us)
                }
                _ => (first + target, seen),
            },
        };
        if end + shortest > total {
            all.push(piece((first, total), before, rate));
            return all;
        }
        all.push(piece((first, end), before, rate));
        (first, before) = (end, begin(&scan.keys_us, key));
    }
}

/// Where a source is read from to have the key frame at `us`: where others follow at once, from one
/// before it, because a seek may land up to so much later.
fn begin(keys_us: &[u64], us: u64) -> u64 {
    let after = keys_us.partition_point(|key| *key <= us);
    if keys_us.get(after).is_none_or(|next| next.saturating_sub(us) > SEEK_US) {
        return us;
    }
    let Some(early) = us.checked_sub(SEEK_US) else { return 0 };
    let before = keys_us.partition_point(|key| *key <= early);
    before.checked_sub(1).and_then(|n| keys_us.get(n)).copied().unwrap_or(0)
}

fn piece((first, end): (u64, u64), key_us: u64, rate: (u32, u32)) -> Piece {
    let frames = end.saturating_sub(first).max(1);
    let each = frames_of(SEGMENT_MS, rate);
    let count = ((frames + each / 2) / each).max(1);
    let segments = (0..count).map(|n| {
        let more = u64::from(n < frames % count);
        u32::try_from(frames / count + more).unwrap_or(u32::MAX)
    });
    Piece { first, key_us, segments: segments.collect() }
}

/// The codec of each rendition of a job: one of them only, by how jobs are made.
#[must_use]
pub fn codec(rungs: &[Rung]) -> Codec {
    rungs.first().map_or(Codec::Avc, |rung| rung.codec)
}

#[cfg(test)]
mod tests;
