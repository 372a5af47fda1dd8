//! A video as the edge knows it: the value of the register `video`, whose key is the video's id.
//!
//! The origin writes it with [`Presentation::of`] whenever a rendition grows, the status changes or
//! captions come; the edge makes every manifest from it alone. Invariant: it fits into a register
//! ([`SEGMENTS_MAX`]); an object is named by application, video, path and generation, so what was
//! served once under a name never changes. Refused: sizes of segments, which no manifest names.

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
    /// By language.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub captions: Vec<Caption>,
    /// Whether `storyboard.vtt` and its pictures are there.
    #[serde(default, skip_serializing_if = "is_false")]
    pub storyboard: bool,
    /// What its application decided of who sees what.
    #[serde(default)]
    pub policy: Policy,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_false(value: &bool) -> bool {
    !value
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
/// `captions/{language}.vtt`, `storyboard.vtt`, `storyboard-{n}.jpg` or what
/// [`super::picture::thumbnail`] says.
#[must_use]
pub fn object_key(app: &str, video: &str, path: &str) -> String {
    format!("{app}/{video}/{path}")
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
mod tests {
    use super::*;
    use crate::roads::VALUE_BYTES_MAX;

    fn rendition(name: &str, durations: impl Iterator<Item = u32>, audio: bool) -> Rendition {
        let segments =
            durations.map(|duration| Segment { duration, bytes: 3_999_999, key_bytes: 999_999 });
        let video = Media::Video { width: 1_920, height: 1_080, frame_rate: (30_000, 1_001) };
        let sound = Media::Audio {
            track: 0,
            channels: 2,
            sample_rate: 48_000,
            language: Some("en".into()),
        };
        Rendition {
            name: name.into(),
            media: if audio { sound } else { video },
            codec: if audio { "mp4a.40.2" } else { "avc1.640028" }.into(),
            timescale: if audio { 48_000 } else { 30_000 },
            segments: segments.collect(),
            complete: true,
        }
    }

    #[test]
    fn renditions_that_are_cut_alike_share_a_timeline_however_far_they_are() {
        let cut = || [120_120, 120_120, 120_120, 60_060].into_iter();
        let all = [
            rendition("v240-avc", cut().take(2), false),
            rendition("v720-avc", cut(), false),
            rendition("v480-avc", cut().take(0), false),
            rendition("a0-aac", [192_512, 191_488].into_iter(), true),
        ];
        let made = Presentation::default().with(&all).unwrap();
        assert_eq!(made.timelines.len(), 2);
        assert_eq!(made.timelines[0].runs, [(120_120, 3), (60_060, 1)]);
        let heads: Vec<_> =
            made.renditions.iter().map(|one| (one.timeline, one.segments)).collect();
        assert_eq!(heads, [(0, 2), (0, 4), (0, 0), (1, 2)]);
        assert_eq!(made.timeline(&made.renditions[0]).runs, [(120_120, 2)]);
        assert_eq!(made.timeline(&made.renditions[1]).duration(), all[1].duration());
        assert_eq!(made.renditions[0].key_bytes, [999_999; 2]);
        assert!(made.renditions[1].key_bytes.is_empty());
    }

    #[test]
    fn the_longest_video_fits_into_a_register() {
        let irregular = |n: u32| (0..SEGMENTS_MAX).map(move |each| 290_000 + (each * 7 + n) % 9);
        let mut all: Vec<_> = (0..RENDITIONS_MAX - 3)
            .map(|n| rendition(&format!("v2160-av1-{n}"), irregular(1), false))
            .collect();
        for n in 0..3 {
            all.push(rendition(&format!("a{n}-aac"), irregular(2), true));
        }
        let captions =
            (0..CAPTIONS_MAX).map(|_| Caption { language: "x".repeat(35), label: "y".repeat(100) });
        let bare = Presentation { captions: captions.collect(), ..Presentation::default() };
        let text = serde_json::to_string(&bare.clone().with(&all).unwrap()).unwrap();
        assert!(text.len() < VALUE_BYTES_MAX, "{}", text.len());
        assert_eq!(serde_json::from_str::<Presentation>(&text).unwrap().renditions.len(), 16);
        all.push(all[0].clone());
        assert_eq!(bare.clone().with(&all), Err(TooLarge::Renditions));
        let long = rendition("v", (0..=SEGMENTS_MAX).map(|_| 1), false);
        assert_eq!(bare.with(&[long]), Err(TooLarge::Segments));
    }

    #[test]
    fn names_of_objects_are_frozen() {
        let key = object_key("app_1", "vid_2", "v720-avc/7.m4s");
        assert_eq!(key, "app_1/vid_2/v720-avc/7.m4s");
        assert_eq!(object_path(&key, 3), "/internal/objects/app_1%2Fvid_2%2Fv720-avc%2F7.m4s/3");
    }
}
