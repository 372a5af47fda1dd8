//! video: what the order of a manifest is worth on lines that somebody measured.
//!
//! On every trace several sessions begin, of the whole film and of its first minute. What the edge
//! knows of a line is what a browser would tell it (`Downlink`): the mean of the ten seconds
//! before, rounded to 25 kbit/s and cut off at 10 Mbit/s. The fixed orders begin where Apple's
//! authoring specification begins (2 Mbit/s), with the largest, with the smallest.
//! V1 over all lines less time stands still, the start among it, than with Apple's or the largest
//! first. V2 at 97 % of Apple's bitrate or more. V3 on slow lines the first minute stands still a
//! fifth less than with Apple's; on fast ones it has more bits. After the start the order hardly
//! matters: the player knows then.

mod laws;
mod player;

use player::{Film, Line, Outcome, Period, play};
use serde::de::DeserializeOwned;
use shared::video::cmcd::Cmcd;
use shared::video::policy::Policy;
use shared::video::presentation::{Head, Presentation};
use shared::video::rendition::{Media, Rendition, Segment};
use shared::video::select::select;
use shared::video::signals::{Line as Known, Signals};
use std::fs;
use std::path::{Path, PathBuf};

/// The film, as the reference counts it.
const WHOLE: usize = usize::MAX;
/// Segments of three seconds.
const MINUTE: usize = 20;
/// Sessions of one trace.
const SESSIONS: usize = 8;
/// Between their beginnings.
const APART_MS: f64 = 47_000.0;
/// What a browser's guess looks back at.
const BEFORE_MS: f64 = 10_000.0;
/// "2 Mbit/s over Wi-Fi": developer.apple.com, HLS authoring specification, 9.14.
const APPLES_KBPS: f64 = 2_000.0;

/// Draws of a debug build.
const CASES: u64 = 60_000;

#[test]
fn v7_of_random_renditions_and_signals_no_manifest_is_invalid() {
    (0..CASES).for_each(laws::check);
}

fn place() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/video/traces")
}

fn read<T: DeserializeOwned>(path: &Path) -> T {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn traces(kind: &str) -> Vec<Vec<Period>> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(place().join(kind)).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| read(file)).collect()
}

/// The film's renditions as the edge knows them.
fn ladder(film: &Film) -> Vec<Head> {
    let rendition = |(level, kbps): (usize, &f64)| {
        let bits = |sizes: &Vec<f64>| Segment {
            duration: film.segment_duration_ms as u32,
            bytes: (sizes[level] / 8.0) as u32,
            key_bytes: 1,
        };
        let height = 144 + 72 * u32::try_from(level).unwrap();
        let mut one = Rendition {
            name: format!("v{level}"),
            media: Media::Video { width: height * 16 / 9, height, frame_rate: (30, 1) },
            codec: "avc1.64001f".into(),
            timescale: 1_000,
            segments: film.segment_sizes_bits.iter().map(bits).collect(),
            complete: true,
        };
        // The film's own peaks are of single segments; a packager with a rate limit has 1.1.
        let bytes = (kbps * 1.1 * film.segment_duration_ms / 8.0) as u32;
        one.segments.iter_mut().for_each(|segment| segment.bytes = segment.bytes.min(bytes));
        one
    };
    let all: Vec<_> = film.bitrates_kbps.iter().enumerate().map(rendition).collect();
    Presentation::default().with(&all).unwrap().renditions
}

/// The first variant of the manifest that the edge makes for a line that carried so much.
fn edge_first(ladder: &[Head], before_kbps: f64) -> usize {
    let rounded = (before_kbps / 25.0).round() * 0.025;
    let downlink = format!("{:.3}", rounded.min(10.0));
    let header = |name: &str| if name == "downlink" { downlink.as_str() } else { "" };
    let (known, said) = (Known::default(), Cmcd::default());
    let signals = Signals::read(header, None, known, &said, (None, None), &Policy::default());
    let choices = select(ladder, signals.classify().class);
    choices[0].head.name[1..].parse().unwrap()
}

/// By order: the edge's, Apple's, the largest first, the smallest first.
fn compare(kind: &str, name: &str, segments: usize) -> [Outcome; 4] {
    let film: Film = read(&place().join(name));
    let ladder = ladder(&film);
    let last = film.bitrates_kbps.len() - 1;
    let apples = film.bitrates_kbps.iter().rposition(|rate| *rate <= APPLES_KBPS).unwrap_or(0);
    let mut all = [Outcome::default(); 4];
    for trace in &traces(kind) {
        for session in 0..SESSIONS {
            let mut line = Line::at(trace, session as f64 * APART_MS);
            let before = line.pass(BEFORE_MS) / BEFORE_MS;
            let firsts = [edge_first(&ladder, before), apples, last, 0];
            for (sum, first) in all.iter_mut().zip(firsts) {
                *sum = sum.plus(play(&film, &mut line.clone(), first, segments));
            }
        }
    }
    let (file, length) = (name, if segments == WHOLE { "film  " } else { "minute" });
    let sessions = (traces(kind).len() * SESSIONS) as f64;
    for (name, one) in ["edge", "apple", "largest", "smallest"].iter().zip(&all) {
        println!(
            "{kind} {file} {length} {name:9} start {:6.0} ms   \
             with it still {:5.2} %   stalled {:6.3} %   {:6.0} kbit/s",
            one.startup_ms / sessions,
            one.still_percent(),
            one.stalled_percent(),
            one.kbps(),
        );
    }
    all
}

#[test]
fn v7_on_measured_lines_the_edge_s_order_stalls_less_at_the_same_bitrate() {
    if !place().exists() {
        eprintln!("skipped: there is no {}", place().display());
        return;
    }
    let film = |kind| compare(kind, "bbb.json", WHOLE);
    let (slow, fast) = (film("3g"), film("4g"));
    let [edge, apple, largest, _] = [0, 1, 2, 3].map(|n: usize| slow[n].plus(fast[n]));
    for fixed in [apple, largest] {
        assert!(edge.still_percent() < fixed.still_percent(), "V1");
        assert!(edge.stalled_percent() < fixed.stalled_percent(), "V1, after the start");
    }
    assert!(edge.kbps() >= 0.97 * apple.kbps(), "V2");
    let [edge, apple, ..] = compare("3g", "bbb.json", MINUTE);
    assert!(edge.still_percent() < 0.8 * apple.still_percent(), "V3");
    let [edge, apple, ..] = compare("4g", "bbb.json", MINUTE);
    assert!(edge.kbps() > 1.03 * apple.kbps(), "V3");
    compare("4g", "bbb4k.json", MINUTE);
}
