//! Manifests of a presentation: HLS (RFC 8216) and DASH (ISO/IEC 23009-1), over the same objects.
//!
//! Invariant: both say the same of the same renditions: names, codecs, sizes, segments and their
//! durations, to the last unit. URLs are relative to `/v/{id}/`, so no manifest names a host; of a
//! signed video each ends with what let the manifest be read. Refused: a text of an application
//! that is not quoted or escaped.

pub mod dash;
pub mod hls;

use super::presentation::{Presentation, Timeline};
use super::rendition::Media;
use super::select::Choice;
use alloc::{format, string::String, vec::Vec};

/// The init segment of a generation, within its rendition.
#[must_use]
pub fn init_file(generation: u32) -> String {
    format!("{generation}-init.mp4")
}

/// One segment of a generation, within its rendition.
#[must_use]
pub fn segment_file(generation: u32, n: u32) -> String {
    format!("{generation}-{n}.m4s")
}

/// What a path below `/v/{id}/` stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum File<'a> {
    /// `{rendition}/media.m3u8`.
    Playlist(&'a str),
    /// `{rendition}/iframes.m3u8`.
    KeyFrames(&'a str),
    /// `captions/{language}.m3u8`.
    CaptionPlaylist(&'a str),
    /// `captions/{language}.vtt`.
    Caption(&'a str),
    /// An object that never changes.
    Object {
        /// Which encoding.
        generation: u32,
        /// As in [`super::presentation::object_key`].
        path: String,
        /// Its media type.
        media_type: &'static str,
    },
}

/// Reads `/v/{id}/{folder}/{file}`; `None`: there is no such thing.
#[must_use]
pub fn file<'a>(folder: &'a str, file: &'a str) -> Option<File<'a>> {
    if folder == "captions" {
        let (language, kind) = file.rsplit_once('.')?;
        return match kind {
            "vtt" if is_name(language) => Some(File::Caption(language)),
            "m3u8" if is_name(language) => Some(File::CaptionPlaylist(language)),
            _ => None,
        };
    }
    match file {
        _ if !is_name(folder) => None,
        "media.m3u8" => Some(File::Playlist(folder)),
        "iframes.m3u8" => Some(File::KeyFrames(folder)),
        _ => object(folder, file),
    }
}

fn object<'a>(folder: &str, file: &str) -> Option<File<'a>> {
    let (generation, name) = file.split_once('-')?;
    let generation: u32 = canonical(generation)?;
    let is_init = name == "init.mp4";
    if !is_init {
        canonical(name.strip_suffix(".m4s")?)?;
    }
    let media_type = if is_init { "video/mp4" } else { "video/iso.segment" };
    Some(File::Object { generation, path: format!("{folder}/{name}"), media_type })
}

/// A number as we write it, so that one object has one URL.
fn canonical(text: &str) -> Option<u32> {
    let number: u32 = text.parse().ok()?;
    (format!("{number}") == text).then_some(number)
}

/// The name of a rendition, or a language: `[a-z0-9-]{1,35}`.
fn is_name(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=35).contains(&text.len()) && text.bytes().all(known)
}

/// A rendition that a manifest has, with its timeline.
struct Row<'a> {
    choice: Choice<'a>,
    timeline: Timeline,
}

/// The kept pictures and the kept sounds, in order.
fn rows<'a>(video: &Presentation, choices: &[Choice<'a>]) -> (Vec<Row<'a>>, Vec<Row<'a>>) {
    let kept = choices.iter().filter(|one| one.reason.keeps());
    let row = |one: &Choice<'a>| Row { choice: *one, timeline: video.timeline(one.head) };
    kept.map(row).partition(|row| matches!(row.choice.head.media, Media::Video { .. }))
}

/// Names of sound for people, each once: the language or the track's number, the speakers where
/// that is not enough, and the rendition's own name where neither is.
fn sound_names(sounds: &[Row<'_>]) -> Vec<String> {
    let plain = |row: &Row<'_>| match &row.choice.head.media {
        Media::Audio { language: Some(language), channels, .. } => (language.clone(), *channels),
        Media::Audio { track, channels, .. } => {
            (format!("Track {}", u32::from(*track) + 1), *channels)
        }
        Media::Video { .. } => (String::new(), 0),
    };
    let names: Vec<(String, u8)> = sounds.iter().map(plain).collect();
    let unique = |(row, own): (&Row<'_>, &(String, u8))| {
        let (name, channels) = own;
        if names.iter().filter(|other| *other == own).count() > 1 {
            format!("{name} ({})", row.choice.head.name)
        } else if names.iter().filter(|(other, _)| other == name).count() > 1 {
            format!("{name} ({})", speakers(*channels))
        } else {
            name.clone()
        }
    };
    sounds.iter().zip(&names).map(unique).collect()
}

fn speakers(channels: u8) -> String {
    match channels {
        1 => "mono".into(),
        2 => "stereo".into(),
        6 => "5.1".into(),
        many => format!("{many} channels"),
    }
}

/// `units` of a timescale in microseconds, rounded to the nearest.
fn micros(units: u64, timescale: u32) -> u64 {
    let timescale = u128::from(timescale.max(1));
    let exact = (u128::from(units) * 1_000_000 + timescale / 2) / timescale;
    u64::try_from(exact).unwrap_or(u64::MAX)
}

/// Seconds with six digits.
fn seconds(micros: u64) -> String {
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stands_for_one_thing() {
        let object =
            |path: &str, media_type| File::Object { generation: 2, path: path.into(), media_type };
        assert_eq!(file("v720-avc", "media.m3u8"), Some(File::Playlist("v720-avc")));
        assert_eq!(file("v720-avc", "iframes.m3u8"), Some(File::KeyFrames("v720-avc")));
        assert_eq!(file("v720-avc", &init_file(2)), Some(object("v720-avc/init.mp4", "video/mp4")));
        assert_eq!(
            file("v720-avc", &segment_file(2, 17)),
            Some(object("v720-avc/17.m4s", "video/iso.segment"))
        );
        assert_eq!(file("captions", "pt-br.vtt"), Some(File::Caption("pt-br")));
        assert_eq!(file("captions", "en.m3u8"), Some(File::CaptionPlaylist("en")));
        for (folder, name) in [
            ("v720-avc", "2-017.m4s"),
            ("v720-avc", "+2-17.m4s"),
            ("v720-avc", "2-17.mp4"),
            ("v720-avc", "17.m4s"),
            ("V720", "2-17.m4s"),
            ("..", "2-17.m4s"),
            ("", "2-17.m4s"),
            ("captions", "..%2f.vtt"),
            ("captions", ".vtt"),
            ("v720-avc", "2--1.m4s"),
            ("v720-avc", "4294967296-1.m4s"),
        ] {
            assert_eq!(file(folder, name), None, "{folder}/{name}");
        }
    }

    #[test]
    fn times_are_rounded_once() {
        assert_eq!(seconds(micros(120_120, 30_000)), "4.004000");
        assert_eq!(seconds(micros(1, 3)), "0.333333");
        assert_eq!(seconds(micros(2, 3)), "0.666667");
        assert_eq!(micros(u64::MAX, 0), u64::MAX);
    }
}
