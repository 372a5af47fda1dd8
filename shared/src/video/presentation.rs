//! A video as the edge knows it: the value of the register `video`, whose key is the video's id.
//!
//! The origin writes it with [`Presentation::with`] whenever a rendition grows, the status changes
//! or captions come; the edge makes every manifest from it alone. Invariant: it fits into a
//! register ([`SEGMENTS_MAX`]); an object is named by application, video, path and generation, so
//! what was served once under a name never changes. Refused: sizes of segments, which no manifest
//! names.

use super::picture::Storyboard;
use super::policy::Policy;
use super::rendition::{Media, Rendition, Segment};
use crate::time::Millis;
use alloc::{format, string::String, vec, vec::Vec};
use serde::{Deserialize, Serialize};

/// The registers' and events' product.
pub const PRODUCT: &str = "video";
/// The prefix of a video's id.
pub const ID_PREFIX: &str = "vid";
/// Segments of one rendition: 6 h of 4 s, 15 h of 10 s. Two timelines without two equal neighbours
/// (11 bytes each) and one list of key frames (8 bytes each) are 162 KB of a register's 256 KiB.
pub const SEGMENTS_MAX: u32 = 5_400;
/// Renditions of one video: 16 × 300 bytes beside those 162 KB.
pub const RENDITIONS_MAX: usize = 16;
/// Captions of one video: 64 × 200 bytes as above.
pub const CAPTIONS_MAX: usize = 64;

/// All that the edge needs to serve a video.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presentation {
    /// `vid_…`.
    pub id: String,
    /// The application that owns it.
    pub app: String,
    /// Who may play it.
    pub visibility: Visibility,
    /// How far it is.
    pub status: Status,
    /// Raised by every new encoding; stands in the names of objects and in the URLs of segments.
    pub generation: u32,
    /// For the player's page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// When encoding began: what a growing manifest counts from.
    pub started_at: Millis,
    /// The longest segment that may come, in milliseconds: a growing playlist promises it.
    pub segment_ms: u32,
    /// The picture's length when all is there, in milliseconds; 0 while nobody knows.
    pub duration_ms: u64,
    /// The segments' durations, shared by the renditions that are cut alike.
    pub timelines: Vec<Timeline>,
    /// In the ladder's order.
    pub renditions: Vec<Head>,
    /// What nobody used for long; made again when a player wants it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parked: Vec<Parked>,
    /// By language.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub captions: Vec<Caption>,
    /// What `storyboard.vtt` is made of, when its pictures are there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storyboard: Option<Storyboard>,
    /// What its application decided of who sees what.
    #[serde(default)]
    pub policy: Policy,
}

/// Who may play a video.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Everybody.
    #[default]
    Public,
    /// Whoever has a playback token.
    Signed,
}

/// How far a video is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", schemars(rename = "VideoStatus"))]
pub enum Status {
    /// Its bytes are still coming.
    #[default]
    Uploading,
    /// Whole, and waiting for its turn.
    Queued,
    /// Growing; playable from its first segments on.
    Transcoding,
    /// Whole.
    Ready,
    /// It will never be played.
    Failed,
}

/// A rendition without its segments' sizes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// See [`Rendition::name`].
    pub name: String,
    /// See [`Rendition::media`].
    pub media: Media,
    /// See [`Rendition::codec`].
    pub codec: String,
    /// The index of its timeline in [`Presentation::timelines`].
    pub timeline: u8,
    /// How many segments there are; its timeline may have more.
    pub segments: u32,
    /// See [`Rendition::bandwidth`].
    pub bandwidth: u64,
    /// See [`Rendition::average_bandwidth`].
    pub average_bandwidth: u64,
    /// No further segment will come.
    pub complete: bool,
    /// [`Segment::key_bytes`] of each segment: of the one rendition that fast forward shows, the
    /// picture of the lowest bandwidth.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub key_bytes: Vec<u32>,
}

/// A picture that is not there, and can be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parked {
    /// The name that it will have.
    pub name: String,
    /// See [`Rendition::media`].
    pub media: Media,
    /// See [`Rendition::codec`].
    pub codec: String,
}

/// Durations of segments, one after the other, from 0 on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timeline {
    /// Units per second.
    pub timescale: u32,
    /// (duration, how many in a row).
    pub runs: Vec<(u32, u32)>,
}

/// A text track, `captions/{language}.vtt`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caption {
    /// BCP 47, lower case: `[a-z0-9-]{2,35}`.
    pub language: String,
    /// For people.
    pub label: String,
    /// Drawn by every upload; stands in the object's name, so that a copy is never an old text.
    #[serde(default)]
    pub generation: u32,
}

impl Caption {
    /// The path of its object, under the video's own generation.
    #[must_use]
    pub fn path(&self) -> String {
        format!("captions/{}.{}.vtt", self.language, self.generation)
    }
}

/// Where the origin has the edge forget what lies in its bucket; a signed POST of [`Forget`].
pub const FORGET_PATH: &str = "/_edge/video/forget";

/// Objects of a video that was deleted are to go, or of a rendition that it lost. Asked again until
/// nothing is left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forget {
    /// Whose it was.
    pub app: String,
    /// Which one.
    pub video: String,
    /// One of its renditions; all of the video, when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rendition: Option<String>,
}

/// The answer to [`Forget`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forgotten {
    /// How many went with this call: at most a thousand, the platform's bound on one list.
    pub objects: u32,
    /// Whether there are more.
    pub more: bool,
}

/// Why a presentation cannot be projected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TooLarge {
    /// More than [`SEGMENTS_MAX`] in one rendition.
    Segments,
    /// More than [`RENDITIONS_MAX`].
    Renditions,
}

impl Presentation {
    /// `self` with these renditions, whatever it had before.
    ///
    /// # Errors
    /// It would not fit into a register.
    pub fn with(self, renditions: &[Rendition]) -> Result<Self, TooLarge> {
        if renditions.len() > RENDITIONS_MAX {
            return Err(TooLarge::Renditions);
        }
        let pictures = renditions.iter().filter(|one| matches!(one.media, Media::Video { .. }));
        let lowest = pictures
            .filter(|one| !one.segments.is_empty())
            .min_by_key(|one| (!one.codec.starts_with("avc"), one.average_bandwidth()));
        let lowest = lowest.map(|one| one.name.as_str());
        let (mut timelines, mut heads) = (Vec::new(), Vec::new());
        for one in renditions {
            let segments = u32::try_from(one.segments.len()).unwrap_or(u32::MAX);
            if segments > SEGMENTS_MAX {
                return Err(TooLarge::Segments);
            }
            let keys = one.segments.iter().map(|each| each.key_bytes);
            heads.push(Head {
                name: one.name.clone(),
                media: one.media.clone(),
                codec: one.codec.clone(),
                timeline: place(&mut timelines, one),
                segments,
                bandwidth: one.bandwidth(),
                average_bandwidth: one.average_bandwidth(),
                complete: one.complete,
                key_bytes: if lowest == Some(&one.name) { keys.collect() } else { vec![] },
            });
        }
        Ok(Self { timelines, renditions: heads, ..self })
    }

    /// The rendition of that name.
    #[must_use]
    pub fn rendition(&self, name: &str) -> Option<&Head> {
        self.renditions.iter().find(|one| one.name == name)
    }

    /// A rendition's timeline, as far as the rendition goes.
    #[must_use]
    pub fn timeline(&self, head: &Head) -> Timeline {
        let whole = self.timelines.get(usize::from(head.timeline));
        whole.map_or(Timeline { timescale: 1, runs: vec![] }, |whole| whole.first(head.segments))
    }

    /// Whether segments may still come.
    #[must_use]
    pub fn grows(&self) -> bool {
        self.status < Status::Ready
    }

    /// The name under which an object lies in the edge's bucket, and by which the origin is asked:
    /// `{app}/{video}/{path}`; its generation stands beside it.
    #[must_use]
    pub fn object_key(&self, path: &str) -> String {
        object_key(&self.app, &self.id, path)
    }
}

/// `{app}/{video}/{path}`, where `path` is `{rendition}/init.mp4`, `{rendition}/{n}.m4s`,
/// [`Caption::path`], `storyboard-{n}.jpg` or what
/// [`super::picture::thumbnail`] says.
#[must_use]
pub fn object_key(app: &str, video: &str, path: &str) -> String {
    format!("{app}/{video}/{path}")
}

/// The key of an object's generation in the edge's bucket: `{key}/{generation}`.
#[must_use]
pub fn bucket_key(key: &str, generation: u32) -> String {
    format!("{key}/{generation}")
}

/// Where the origin serves an object: `/internal/objects/{key}/{generation}`, the key
/// percent-encoded as one segment.
#[must_use]
pub fn object_path(key: &str, generation: u32) -> String {
    let mut path = String::from("/internal/objects/");
    for byte in key.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
    }
    path.push_str(&format!("/{generation}"));
    path
}

impl Timeline {
    /// The timeline of segments.
    #[must_use]
    pub fn of(timescale: u32, segments: &[Segment]) -> Self {
        let mut runs: Vec<(u32, u32)> = Vec::new();
        for Segment { duration, .. } in segments {
            match runs.last_mut() {
                Some((known, count)) if known == duration => *count = count.saturating_add(1),
                _ => runs.push((*duration, 1)),
            }
        }
        Self { timescale, runs }
    }

    /// Its first segments.
    #[must_use]
    pub fn first(&self, mut segments: u32) -> Self {
        let mut runs = Vec::new();
        for (duration, count) in &self.runs {
            let taken = segments.min(*count);
            if taken == 0 {
                break;
            }
            segments = segments.saturating_sub(taken);
            runs.push((*duration, taken));
        }
        Self { timescale: self.timescale, runs }
    }

    /// How many segments it has.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.runs.iter().fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }

    /// Its length, in its timescale.
    #[must_use]
    pub fn duration(&self) -> u64 {
        let each = self.runs.iter().map(|(length, count)| u64::from(*length) * u64::from(*count));
        each.fold(0, u64::saturating_add)
    }

    /// Its longest segment, in its timescale.
    #[must_use]
    pub fn longest(&self) -> u32 {
        self.runs.iter().map(|(duration, _)| *duration).max().unwrap_or_default()
    }

    /// Every duration in order.
    pub fn durations(&self) -> impl Iterator<Item = u32> + use<'_> {
        self.runs.iter().flat_map(|(duration, count)| (0..*count).map(|_| *duration))
    }
}

/// The index of a timeline that begins as the rendition's, or that the rendition's begins as.
fn place(timelines: &mut Vec<Timeline>, one: &Rendition) -> u8 {
    let own = Timeline::of(one.timescale, &one.segments);
    let at = timelines.iter().position(|known| {
        let common = own.count().min(known.count());
        known.timescale == own.timescale && known.first(common) == own.first(common)
    });
    let at = at.unwrap_or(timelines.len());
    match timelines.get_mut(at) {
        Some(known) if known.count() < own.count() => *known = own,
        Some(_) => {}
        None => timelines.push(own),
    }
    // No more than renditions, of which there are few.
    u8::try_from(at).unwrap_or_default()
}

#[cfg(test)]
mod tests;
