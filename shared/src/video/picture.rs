//! Pictures of a video that are made when somebody asks: which ones there can be.
//!
//! Invariant: few: moments and widths are snapped, so that what is asked for is mostly there.

use alloc::{format, string::String};
use core::fmt::Write;
use serde::{Deserialize, Serialize};

/// Moments are snapped down to this.
pub const STEP_S: u64 = 1;
/// Widths are snapped up to one of these, the last when more is wanted.
pub const WIDTHS: [u32; 4] = [160, 320, 640, 1_280];
/// Of who names no width.
const WIDTH: u32 = 640;
/// A sheet's tiles in a row, and rows: 25 pictures in 100 KB.
pub const TILES: u64 = 5;
/// A tile's width.
const TILE_PIXELS: u32 = 160;
/// Tiles of a video: 4 sheets of a long one, as many as fit beside a seek bar.
const TILES_MAX: u64 = 100;
/// Between two tiles, at least.
const STEP_S_MIN: u64 = 2;

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

/// The object of `poster.jpg`: the picture at a tenth of the video, where titles are over.
#[must_use]
pub fn poster(duration_ms: u64) -> String {
    thumbnail(duration_ms / 10, Some(u32::MAX), duration_ms)
}

/// Pictures of the whole video for a seek bar: tiles in sheets, each the picture at its moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Storyboard {
    /// Between two tiles, in seconds.
    pub step_s: u64,
    /// All of them.
    pub tiles: u64,
    /// A tile's size, in pixels.
    pub width: u32,
    /// See `width`.
    pub height: u32,
}

impl Storyboard {
    /// The storyboard of a picture of that length and size.
    #[must_use]
    pub fn of(duration_ms: u64, (width, height): (u32, u32)) -> Self {
        let ms = duration_ms.max(1);
        let step_s = ms.div_ceil(TILES_MAX * 1_000).max(STEP_S_MIN);
        let own = u64::from(TILE_PIXELS) * u64::from(height) / u64::from(width.max(1)) / 2 * 2;
        let height = u32::try_from(own).unwrap_or(u32::MAX).clamp(2, TILE_PIXELS * 4);
        Self { step_s, tiles: ms.div_ceil(step_s * 1_000), width: TILE_PIXELS, height }
    }

    /// How many sheets there are.
    #[must_use]
    pub fn sheets(&self) -> u64 {
        self.tiles.div_ceil(TILES * TILES)
    }

    /// `storyboard.vtt`: cues that are places in the sheets. `token`: what every URL ends with.
    #[must_use]
    pub fn index(&self, duration_ms: u64, token: &str) -> String {
        let mut text = String::from("WEBVTT\n");
        let stamp = |ms: u64| {
            let s = ms / 1_000;
            format!("{:02}:{:02}:{:02}.{:03}", s / 3_600, s / 60 % 60, s % 60, ms % 1_000)
        };
        let step_ms = self.step_s.saturating_mul(1_000);
        for n in 0..self.tiles {
            let from = n.saturating_mul(step_ms);
            let to = from.saturating_add(step_ms).min(duration_ms.max(1));
            let (sheet, on) = (n / (TILES * TILES), n % (TILES * TILES));
            let x = on % TILES * u64::from(self.width);
            let y = on / TILES * u64::from(self.height);
            // Writing into a String cannot fail.
            let _ = write!(
                text,
                "\n{} --> {}\nstoryboard-{sheet}.jpg{token}#xywh={x},{y},{},{}\n",
                stamp(from),
                stamp(to),
                self.width,
                self.height
            );
        }
        text
    }
}

/// Whether this is a sheet of a storyboard of so many.
#[must_use]
pub fn is_sheet(name: &str, sheets: u64) -> bool {
    let number = name.strip_prefix("storyboard-").and_then(|rest| rest.strip_suffix(".jpg"));
    let read = |text: &str| text.parse().ok().filter(|n: &u64| format!("{n}") == text);
    number.and_then(read).is_some_and(|n| n < sheets)
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
    use alloc::vec::Vec;

    #[test]
    fn moments_and_widths_are_snapped() {
        assert_eq!(thumbnail(61_999, Some(300), 90_000), "thumbnail/61-320.jpg");
        assert_eq!(thumbnail(0, None, 0), "thumbnail/0-640.jpg");
        assert_eq!(thumbnail(u64::MAX, Some(u32::MAX), 90_000), "thumbnail/89-1280.jpg");
        assert_eq!(poster(60_000), "thumbnail/6-1280.jpg");
        assert_eq!(read_thumbnail("thumbnail/61-320.jpg"), Some((61, 320)));
        assert!(is_sheet("storyboard-12.jpg", 13) && !is_sheet("storyboard-12.jpg", 12));
        for none in ["storyboard-012.jpg", "storyboard-.jpg", "poster.jpg", "../poster.jpg", ""] {
            assert!(!is_sheet(none, 100), "{none}");
        }
        for wrong in ["thumbnail/1-333.jpg", "thumbnail/-320.jpg", "1-320.jpg", "thumbnail/1.jpg"] {
            assert_eq!(read_thumbnail(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn v11_every_moment_has_one_place_in_a_sheet() {
        let board = Storyboard::of(57_500, (1_920, 1_080));
        assert_eq!(board, Storyboard { step_s: 2, tiles: 29, width: 160, height: 90 });
        let text = board.index(57_500, "?token=t");
        let cues: Vec<&str> = text.split("\n\n").skip(1).collect();
        assert_eq!(cues.len(), 29);
        let first = "00:00:00.000 --> 00:00:02.000\nstoryboard-0.jpg?token=t#xywh=0,0,160,90";
        assert_eq!(cues[0], first);
        let last = "00:00:56.000 --> 00:00:57.500\n\
                    storyboard-1.jpg?token=t#xywh=480,0,160,90\n";
        assert_eq!(cues[28], last);
        assert_eq!((board.sheets(), Storyboard::of(0, (0, 0)).tiles), (2, 1));
        let long = Storyboard::of(14_400_000, (1, u32::MAX));
        assert_eq!((long.step_s, long.tiles, long.sheets(), long.height), (144, 100, 4, 640));
    }
}
