//! What a prober (ffprobe) says of an upload, judged: facts to encode by, or why it is no video.
//!
//! Invariant: whatever a source says of itself is a number within bounds or a typed failure.
//! Refused: playlists and whatever else would open something that is not the source.

use alloc::{format, string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// The demuxers that may read a source. None of them opens another file.
pub const FORMATS: &str =
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,flv,mpegts,mpeg,ogg,asf,mxf,nut";
/// Pixels of a picture: 8192 × 4320.
pub const PIXELS_MAX: u64 = 8_192 * 4_320;
/// Frames per second beyond which nothing is filmed, and much is only claimed.
const RATE_MAX: u64 = 300;
/// Audio tracks of a video; further ones are passed over.
const TRACKS_MAX: usize = 8;

/// Why a source became no video.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Failure {
    /// What it is, for programs.
    pub code: FailureCode,
    /// One sentence for people.
    pub detail: String,
}

/// The closed list of [`Failure::code`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum FailureCode {
    /// Zero bytes.
    Empty,
    /// No container that is read here.
    NotAVideo,
    /// A list of other files, not a video.
    Playlist,
    /// Sound or text only.
    NoVideoStream,
    /// Its end is missing.
    Truncated,
    /// Longer than allowed.
    TooLong,
    /// Larger pictures, or more of them a second, than allowed.
    TooLarge,
    /// A codec that is not decoded here, or pictures that cannot be.
    Undecodable,
    /// It took more time or memory than a source may take.
    Exhausted,
    /// Its upload was not whole when its time was over.
    UploadExpired,
    /// Encoding failed for a reason of ours, after every retry.
    EncodingFailed,
}

impl Failure {
    /// With a sentence.
    #[must_use]
    pub fn new(code: FailureCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}

/// What is known of a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The demuxer, such as `mov,mp4,m4a,3gp,3g2,mj2`.
    pub format: String,
    /// What its own timestamps begin with, in microseconds.
    pub start_us: i64,
    /// As its container declares itself; 0 when it does not.
    pub duration_us: u64,
    /// As the picture's own stream declares itself; 0 when it does not.
    pub picture_us: u64,
    /// The picture.
    pub video: VideoFacts,
    /// The sound, in the source's order.
    pub audio: Vec<AudioFacts>,
}

/// The picture that is encoded: the first that is no cover.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VideoFacts {
    /// The stream's number in the source.
    pub stream: u32,
    /// As it is shown: rotated, with square pixels.
    pub width: u32,
    /// The same.
    pub height: u32,
    /// Frames per second, as it declares them.
    pub frame_rate: (u32, u32),
    /// The transfer curve of a high dynamic range; none of an ordinary picture.
    pub hdr: Option<Hdr>,
    /// Its pictures are two fields each.
    pub is_interlaced: bool,
}

/// A transfer curve that is brought down to an ordinary picture's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hdr {
    /// SMPTE ST 2084.
    Pq,
    /// ARIB STD-B67.
    Hlg,
}

/// One audio track.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudioFacts {
    /// The stream's number in the source.
    pub stream: u32,
    /// How many there are.
    pub channels: u32,
    /// As the source says it, when that is a language.
    pub language: Option<String>,
}

#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    streams: Vec<Stream>,
    format: Option<Format>,
}

#[derive(Deserialize)]
struct Format {
    #[serde(default)]
    format_name: String,
    duration: Option<String>,
    start_time: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Stream {
    index: u32,
    codec_type: String,
    codec_name: Option<String>,
    width: u64,
    height: u64,
    sample_aspect_ratio: Option<String>,
    avg_frame_rate: String,
    r_frame_rate: String,
    color_transfer: Option<String>,
    field_order: Option<String>,
    channels: u32,
    duration: Option<String>,
    disposition: Disposition,
    tags: Tags,
    side_data_list: Vec<SideData>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Disposition {
    attached_pic: u8,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Tags {
    language: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SideData {
    rotation: Option<f64>,
}

/// Whether a source's first bytes are those of a list of other files.
#[must_use]
pub fn is_playlist(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let begins = |with: &[u8]| {
        head.len() >= with.len() && head.iter().zip(with).all(|(a, b)| a.eq_ignore_ascii_case(b))
    };
    let lists: [&[u8]; 8] = [
        b"#EXTM3U",
        b"ffconcat",
        b"<?xml",
        b"<MPD",
        b"<smil",
        b"<asx",
        b"[playlist]",
        b"[reference]",
    ];
    lists.into_iter().any(begins) || begins(b"file '") || begins(b"v=0")
}

/// Reads ffprobe's JSON (`-show_format -show_streams`).
///
/// # Errors
/// Why this is no video that can be encoded.
pub fn read(json: &[u8]) -> Result<Facts, Failure> {
    let unreadable = |_| Failure::new(FailureCode::NotAVideo, "the prober does not know it");
    let said: Said = serde_json::from_slice(json).map_err(unreadable)?;
    let format = said
        .format
        .ok_or_else(|| Failure::new(FailureCode::NotAVideo, "no container that is read here"))?;
    let is_picture =
        |stream: &&Stream| stream.codec_type == "video" && stream.disposition.attached_pic == 0;
    let picture = said
        .streams
        .iter()
        .find(is_picture)
        .ok_or_else(|| Failure::new(FailureCode::NoVideoStream, "there is no picture in it"))?;
    let declared = |text: &Option<String>| {
        text.as_deref().and_then(micros).and_then(|us| u64::try_from(us).ok()).unwrap_or(0)
    };
    let tracks = said.streams.iter().filter(|stream| {
        stream.codec_type == "audio" && stream.channels > 0 && stream.codec_name.is_some()
    });
    let audio = tracks.take(TRACKS_MAX).map(|stream| AudioFacts {
        stream: stream.index,
        channels: stream.channels,
        language: stream.tags.language.as_deref().and_then(language),
    });
    Ok(Facts {
        format: format.format_name,
        start_us: format.start_time.as_deref().and_then(micros).unwrap_or(0),
        duration_us: declared(&format.duration),
        picture_us: declared(&picture.duration),
        video: video(picture)?,
        audio: audio.collect(),
    })
}

fn video(stream: &Stream) -> Result<VideoFacts, Failure> {
    if stream.codec_name.is_none() || stream.width == 0 || stream.height == 0 {
        let why = "its picture has a codec that is not decoded here, or no size";
        return Err(Failure::new(FailureCode::Undecodable, why));
    }
    let pixels = stream.width.saturating_mul(stream.height);
    if pixels > PIXELS_MAX {
        let (width, height) = (stream.width, stream.height);
        let why = format!("{width} × {height} are more than {PIXELS_MAX} pixels");
        return Err(Failure::new(FailureCode::TooLarge, why));
    }
    let (num, den) = ratio(stream.sample_aspect_ratio.as_deref().unwrap_or_default(), ':')
        .filter(|(num, den)| *num <= 16 * *den && *den <= 16 * *num)
        .unwrap_or((1, 1));
    // Pixels are made square by the width alone.
    let width = stream.width.saturating_mul(u64::from(num)) / u64::from(den).max(1);
    let (width, height) = (width.clamp(2, 16_384), stream.height.clamp(2, 16_384));
    let rotation = stream.side_data_list.iter().find_map(|data| data.rotation).unwrap_or(0.0);
    let is_turned = (libm::round(rotation / 90.0) as i64).rem_euclid(2) == 1;
    let (width, height) = if is_turned { (height, width) } else { (width, height) };
    let rate = [&stream.avg_frame_rate, &stream.r_frame_rate];
    let rate = rate.into_iter().find_map(|text| ratio(text, '/')).unwrap_or((30, 1));
    let fast = |(num, den): (u32, u32)| u64::from(num) > RATE_MAX * u64::from(den);
    let transfer = stream.color_transfer.as_deref().unwrap_or_default();
    let order = stream.field_order.as_deref().unwrap_or("progressive");
    Ok(VideoFacts {
        stream: stream.index,
        width: u32::try_from(width).unwrap_or(2),
        height: u32::try_from(height).unwrap_or(2),
        // A rate that nobody films is no rate: what really comes is counted.
        frame_rate: if fast(rate) { (30, 1) } else { rate },
        hdr: match transfer {
            "smpte2084" => Some(Hdr::Pq),
            "arib-std-b67" => Some(Hdr::Hlg),
            _ => None,
        },
        is_interlaced: matches!(order, "tt" | "bb" | "tb" | "bt"),
    })
}

/// `30000/1001`, `4:3`: both above 0.
fn ratio(text: &str, separator: char) -> Option<(u32, u32)> {
    let (num, den) = text.split_once(separator)?;
    let (num, den) = (num.parse().ok()?, den.parse().ok()?);
    (num > 0 && den > 0).then_some((num, den))
}

/// Seconds with a fraction, as microseconds.
#[must_use]
pub fn micros(text: &str) -> Option<i64> {
    let seconds: f64 = text.trim().parse().ok()?;
    let micros = libm::round(seconds * 1e6);
    // 2^53 microseconds are 285 years.
    (micros.is_finite() && libm::fabs(micros) < 9e15).then_some(micros as i64)
}

/// ISO 639 as containers write it (`eng`), as BCP 47 wants it; `und` is none.
fn language(text: &str) -> Option<String> {
    let is_code = (2..=3).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase());
    (is_code && text != "und").then(|| text.into())
}

/// What the packets of the picture's stream say: when each frame is shown, and which are keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scan {
    /// How many frames there are.
    pub frames: u64,
    /// When each key frame is shown, in microseconds from the source's start, ascending.
    pub keys_us: Vec<u64>,
    /// When the last frame begins, on the same clock.
    pub last_us: u64,
    /// When the last frame ends, as far as its packet says.
    pub end_us: u64,
}

impl Scan {
    /// Takes one line of `pts_time,dts_time,duration_time,flags` in. Packets without a moment (AVI,
    /// MPEG-PS) are counted all the same; lines that say nothing are passed over.
    pub fn take(&mut self, line: &str, start_us: i64) {
        let mut fields = line.trim().split(',');
        let (Some(shown), Some(decoded), Some(length), Some(flags)) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return;
        };
        let Some(at) = micros(shown).or_else(|| micros(decoded)) else {
            self.frames += 1;
            return;
        };
        let at = u64::try_from(at.saturating_sub(start_us)).unwrap_or(0);
        let length = micros(length).and_then(|length| u64::try_from(length).ok()).unwrap_or(0);
        self.frames += 1;
        if flags.starts_with('K') {
            self.keys_us.push(at);
        }
        self.last_us = self.last_us.max(at);
        self.end_us = self.end_us.max(at.saturating_add(length));
    }

    /// Judges what was found, against what the source declares and what is allowed.
    ///
    /// # Errors
    /// No frames, too many, too long, or an end that is missing.
    pub fn check(&mut self, facts: &Facts, duration_us_max: u64) -> Result<(), Failure> {
        self.keys_us.sort_unstable();
        self.keys_us.dedup();
        if self.frames == 0 {
            return Err(Failure::new(FailureCode::Truncated, "there is not one frame in it"));
        }
        if self.end_us > duration_us_max || facts.duration_us > duration_us_max {
            let minutes = duration_us_max / 60_000_000;
            let why = format!("longer than the {minutes} minutes that are allowed");
            return Err(Failure::new(FailureCode::TooLong, why));
        }
        let declared = match facts.picture_us {
            0 => facts.duration_us,
            own => own,
        };
        // A second, or 2 %: containers round.
        let slack = declared / 50 + 1_000_000;
        let missing = declared.saturating_sub(self.end_us.saturating_add(slack));
        // What the container as a whole declares may be sound that is longer than the picture.
        let may_be_sound = facts.picture_us == 0 && !facts.audio.is_empty();
        if missing > if may_be_sound { declared / 4 } else { 0 } {
            let (said, found) = (declared / 1_000, self.end_us / 1_000);
            let why = format!("it declares {said} ms, its pictures end after {found} ms");
            return Err(Failure::new(FailureCode::Truncated, why));
        }
        let seconds = self.end_us / 1_000_000 + 1;
        if self.frames > seconds.saturating_mul(RATE_MAX) {
            let why = format!("{} frames in {seconds} s", self.frames);
            return Err(Failure::new(FailureCode::TooLarge, why));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
