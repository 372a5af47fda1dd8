//! One rendition of a video as it lies in objects: an init segment and media segments (CMAF), which
//! serve HLS and DASH alike.
//!
//! Times are in the rendition's own timescale (units per second), sizes in bytes, bandwidths in
//! bits per second. Segment `n` of the rendition `name` is the object `{video}/{name}/{n}.m4s`, its
//! init segment `{video}/{name}/init.mp4`; `n` counts from 0 and is aligned over all renditions.

use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// A rendition, finished or growing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rendition {
    /// Its segment of the path: `[a-z0-9-]{1,32}`, such as `v720-avc` or `a0-aac`.
    pub name: String,
    /// What it carries.
    pub media: Media,
    /// RFC 6381: `avc1.64001f`, `mp4a.40.2`, `vp09.00.31.08`, `av01.0.05M.08`.
    pub codec: String,
    /// Units per second of `Segment::duration`.
    pub timescale: u32,
    /// From the first on, without a gap.
    pub segments: Vec<Segment>,
    /// No further segment will come.
    pub complete: bool,
}

/// Picture or sound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Media {
    /// A picture with square pixels.
    Video {
        /// In pixels.
        width: u32,
        /// In pixels.
        height: u32,
        /// Frames per second, a fraction such as 30000/1001.
        frame_rate: (u32, u32),
    },
    /// One audio track.
    Audio {
        /// From 0, in the source's order.
        track: u8,
        /// 1, 2 or 6.
        channels: u8,
        /// Samples per second.
        sample_rate: u32,
        /// BCP 47, where the source says it.
        language: Option<String>,
    },
}

/// One object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// In the rendition's timescale.
    pub duration: u32,
    /// The whole object.
    pub bytes: u32,
    /// From the object's start through its first frame, a keyframe: the byte range that an I-frame
    /// playlist names. 0 for audio.
    pub key_bytes: u32,
}

/// Bits in a byte.
const BYTE: u128 = 8;

impl Rendition {
    /// The length of what there is, in the rendition's timescale.
    pub fn duration(&self) -> u64 {
        self.segments.iter().map(|each| u64::from(each.duration)).sum()
    }

    /// The whole of what there is, without its init segment.
    pub fn bytes(&self) -> u64 {
        self.segments.iter().map(|each| u64::from(each.bytes)).sum()
    }

    /// `AVERAGE-BANDWIDTH`: rounded up.
    pub fn average_bandwidth(&self) -> u64 {
        rate(self.bytes(), self.duration(), self.timescale)
    }

    /// `BANDWIDTH`: the fastest segment's, rounded up.
    pub fn bandwidth(&self) -> u64 {
        let rates = self
            .segments
            .iter()
            .map(|each| rate(u64::from(each.bytes), u64::from(each.duration), self.timescale));
        rates.max().unwrap_or(0)
    }
}

/// Bits per second, rounded up; 0 of nothing.
fn rate(bytes: u64, duration: u64, timescale: u32) -> u64 {
    if duration == 0 {
        return 0;
    }
    let bits = u128::from(bytes) * BYTE * u128::from(timescale);
    u64::try_from(bits.div_ceil(u128::from(duration))).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn bandwidths_are_rounded_up_and_the_peak_is_a_segment_s() {
        let segment = |duration, bytes| Segment { duration, bytes, key_bytes: 1 };
        let rendition = Rendition {
            name: "v240-avc".into(),
            media: Media::Video { width: 426, height: 240, frame_rate: (30_000, 1_001) },
            codec: "avc1.42c015".into(),
            timescale: 30_000,
            segments: vec![segment(120_120, 200_001), segment(60_060, 150_000)],
            complete: true,
        };
        assert_eq!(rendition.duration(), 180_180);
        assert_eq!(rendition.average_bandwidth(), 466_202); // 350,001 × 8 ÷ 6.006 s = 466,201.79
        assert_eq!(rendition.bandwidth(), 599_401); // 150,000 × 8 ÷ 2.002 s = 599,400.59
        let empty = Rendition { segments: vec![], ..rendition };
        assert_eq!((empty.bandwidth(), empty.average_bandwidth()), (0, 0));
    }
}
