//! Pictures of a video that are made when somebody asks: which ones there can be.
//!
//! Invariant: few: moments and widths are snapped, so that what is asked for is mostly there.

use alloc::{format, string::String};

/// Moments are snapped down to this.
pub const STEP_S: u64 = 1;
/// Widths are snapped up to one of these, the last when more is wanted.
pub const WIDTHS: [u32; 4] = [160, 320, 640, 1_280];
/// Of who names no width.
const WIDTH: u32 = 640;

/// The object of the picture at `t_ms` of a video that has `duration_ms`:
/// `thumbnail/{seconds}-{width}.jpg`. A moment past the end is the last one.
#[must_use]
pub fn thumbnail(t_ms: u64, width: Option<u32>, duration_ms: u64) -> String {
    let last = duration_ms.saturating_sub(1);
    let second = t_ms.min(last) / 1_000 / STEP_S * STEP_S;
    let wanted = width.unwrap_or(WIDTH);
    let width = WIDTHS.into_iter().find(|known| *known >= wanted).unwrap_or(1_280);
    format!("thumbnail/{second}-{width}.jpg")
}

/// The moment, in seconds, and the width of an object that [`thumbnail`] named.
#[must_use]
pub fn read_thumbnail(path: &str) -> Option<(u64, u32)> {
    let (second, width) = path.strip_prefix("thumbnail/")?.strip_suffix(".jpg")?.split_once('-')?;
    let (second, width) = (second.parse().ok()?, width.parse().ok()?);
    WIDTHS.contains(&width).then_some((second, width))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_and_widths_are_snapped() {
        assert_eq!(thumbnail(61_999, Some(300), 90_000), "thumbnail/61-320.jpg");
        assert_eq!(thumbnail(0, None, 0), "thumbnail/0-640.jpg");
        assert_eq!(thumbnail(u64::MAX, Some(u32::MAX), 90_000), "thumbnail/89-1280.jpg");
        assert_eq!(read_thumbnail("thumbnail/61-320.jpg"), Some((61, 320)));
        for wrong in ["thumbnail/1-333.jpg", "thumbnail/-320.jpg", "1-320.jpg", "thumbnail/1.jpg"] {
            assert_eq!(read_thumbnail(wrong), None, "{wrong}");
        }
    }
}
