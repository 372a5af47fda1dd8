//! What a choice costs, and a million of random ones held against the laws.
//!
//! Invariant: what is measured is what the edge runs, on one core, with the drawing outside the
//! measured time. Prints one object of JSON. Argument: how many random cases (a million).
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "../../sim/video/laws.rs"]
mod laws;

use shared::video::class::{CLASSES, Class};
use shared::video::cmcd::Cmcd;
use shared::video::manifest::hls;
use shared::video::policy::Policy;
use shared::video::presentation::Presentation;
use shared::video::rendition::{Media, Rendition, Segment};
use shared::video::select::select;
use shared::video::signals::{Line, Signals};
use std::hint::black_box;
use std::time::Instant;

const ROUNDS: u32 = 200_000;

/// An hour of the whole ladder in two codecs, with two tracks of sound.
fn film() -> Presentation {
    let heights = [240, 360, 480, 720, 1_080, 1_440, 2_160];
    let picture = |codec: &'static str| {
        heights.map(|height: u32| Rendition {
            name: format!("v{height}-{}", &codec[..3]),
            media: Media::Video { width: height * 16 / 9, height, frame_rate: (30, 1) },
            codec: codec.into(),
            timescale: 15_360,
            segments: vec![Segment { duration: 61_440, bytes: height * 900, key_bytes: 9 }; 900],
            complete: true,
        })
    };
    let sound = |track: u8| Rendition {
        name: format!("a{track}-aac"),
        media: Media::Audio { track, channels: 2, sample_rate: 48_000, language: None },
        codec: "mp4a.40.2".into(),
        timescale: 48_000,
        segments: vec![Segment { duration: 192_512, bytes: 64_000, key_bytes: 0 }; 900],
        complete: true,
    };
    let all = [picture("avc1.64001f"), picture("av01.0.08M.08")].concat();
    let all = [all, vec![sound(0), sound(1)]].concat();
    Presentation { segment_ms: 4_000, ..Presentation::default() }.with(&all).unwrap()
}

fn per_second(rounds: u32, mut work: impl FnMut(u32)) -> f64 {
    (0..rounds / 10).for_each(&mut work);
    let began = Instant::now();
    (0..rounds).for_each(&mut work);
    f64::from(rounds) / began.elapsed().as_secs_f64()
}

fn main() {
    let cases = std::env::args().nth(1).map_or(1_000_000, |text| text.parse().unwrap());
    let began = Instant::now();
    (0..cases).for_each(laws::check);
    let checked_s = began.elapsed().as_secs_f64();

    let film = film();
    let classes: Vec<Class> = (0..CLASSES).filter_map(Class::of_number).collect();
    let class = |n: u32| classes[n as usize % classes.len()];
    let choices = per_second(ROUNDS * 10, |n| {
        black_box(select(black_box(&film.renditions), class(n)));
    });
    let headers = [
        ("user-agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/148.0.0.0"),
        ("ect", "4g"),
        ("downlink", "5.4"),
        ("rtt", "50"),
        ("sec-ch-viewport-width", "1280"),
        ("sec-ch-dpr", "1.5"),
    ];
    let header = |name: &str| headers.iter().find(|(known, _)| *known == name).map_or("", |h| h.1);
    let said = "bl=12000,br=2870,cid=\"vid_1\",d=4000,mtp=5400,ot=m,sf=h,sid=\"page-1\",st=v";
    let signals = || {
        let (line, policy) = (Line::default(), Policy::default());
        Signals::read(header, Some(1_080), line, &Cmcd::read(said), (None, None), &policy)
    };
    let classified = per_second(ROUNDS, |_| {
        black_box(select(&film.renditions, black_box(signals()).classify().class));
    });
    let manifests = per_second(ROUNDS / 4, |_| {
        let choices = select(&film.renditions, signals().classify().class);
        black_box(hls::master(&film, &choices, ""));
    });
    println!(
        "{{\"renditions\":{},\"cases\":{cases},\"invalid\":0,\"cases_s\":{checked_s:.2},\
         \"choices_per_s\":{choices:.0},\"from_headers_per_s\":{classified:.0},\
         \"manifests_per_s\":{manifests:.0}}}",
        film.renditions.len(),
    );
}
