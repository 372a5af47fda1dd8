//! What ffmpeg is told: the options of every job, as data.
//!
//! Invariant: frames are numbered on one grid from the source's start, whichever piece is made: a
//! piece selects by number, so that all pieces together are the frames of one encoding.

use shared::video::ladder::{Codec, Rung, Sound};
use shared::video::plan::{Piece, Plan, SAMPLE_RATE, SAMPLES};
use shared::video::probe::Hdr;

/// Fast enough for a core to make the ladder of 1080p in real time.
const PRESET: &str = "veryfast";
/// Constant quality below the rung's most bits.
const CRF: &str = "23";
/// Where a container seeks by decoding times, ffmpeg goes back 3/23 s by itself.
const SEEK_SLACK_US: u64 = 140_000;
/// Where a container has no index, or a precise attempt failed: frames decoded for nothing.
const SEEK_BACK_US: u64 = 2_000_000;
/// Longer than any segment has frames: only what is forced is a key frame.
const KEYS_APART: &str = "100000";

fn texts<const N: usize>(all: [&str; N]) -> Vec<String> {
    all.map(str::to_owned).to_vec()
}

/// Where reading begins: precisely, further back, or at the very start, by the attempt.
fn seek(plan: &Plan, piece: &Piece, attempt: u64) -> Option<u64> {
    let has_index = ["mov", "matroska"].iter().any(|name| plan.facts.format.contains(name));
    match attempt {
        _ if piece.first == 0 || piece.key_us == 0 => None,
        0 if has_index => Some(piece.key_us + SEEK_SLACK_US),
        0 | 1 => piece.key_us.checked_sub(SEEK_BACK_US),
        _ => None,
    }
}

/// The options of the input: its own clock, from 0.
#[must_use]
pub fn input(seek_us: Option<u64>) -> Vec<String> {
    let mut all = texts(["-threads", "1", "-noaccurate_seek", "-copyts", "-start_at_zero"]);
    if let Some(us) = seek_us {
        all.extend(["-ss".into(), format!("{}us", us)]);
    }
    all
}

/// The whole of a piece: input options and the rest, and the files that it makes, one a rung.
#[must_use]
pub fn piece(
    plan: &Plan,
    n: usize,
    rungs: &[Rung],
    attempt: u64,
) -> Option<(Vec<String>, Vec<String>)> {
    let piece = plan.pieces.get(n)?;
    let is_last = n + 1 == plan.pieces.len();
    let (num, den) = plan.frame_rate;
    let mut chain = vec![];
    if plan.facts.video.is_interlaced {
        chain.push("bwdif=mode=send_frame".to_owned());
    }
    // What begins late is shown from the start; frames fall on the grid of the source's own clock.
    let start = if n == 0 { ":start_time=0" } else { "" };
    chain.push(format!("fps=fps={num}/{den}{start}"));
    let end = piece.first + piece.frames();
    let end = if is_last { String::new() } else { format!(":end_pts={end}") };
    chain.push(format!("trim=start_pts={}{end}", piece.first));
    chain.push(format!("setpts=PTS-{}", piece.first));
    let graph = graph(plan, &chain.join(","), rungs);
    let keys = keys(plan, piece);
    let mut rest = vec!["-filter_complex".to_owned(), graph];
    for (n, rung) in rungs.iter().enumerate() {
        rest.extend(["-map".into(), format!("[o{n}]")]);
        rest.extend(texts([
            "-fps_mode",
            "passthrough",
            "-map_metadata",
            "-1",
            "-map_chapters",
            "-1",
        ]));
        rest.extend(texts(["-fflags", "+bitexact", "-flags:v", "+bitexact", "-threads", "1"]));
        rest.extend(coder(rung));
        rest.extend(["-force_key_frames".into(), keys.clone()]);
        rest.extend(["-video_track_timescale".into(), plan.timescale().0.to_string()]);
        rest.extend(texts(["-movflags", boxes(rung.codec)]));
        rest.extend(["-f".into(), "mp4".into(), format!("file:{}.mp4", rung.name)]);
    }
    Some((input(seek(plan, piece, attempt)), rest))
}

/// When the init segment is written: of AV1 ffmpeg knows its `av1C` with the first frame.
fn boxes(codec: Codec) -> &'static str {
    match codec {
        Codec::Avc | Codec::Vp9 => "+empty_moov+default_base_moof+frag_keyframe+skip_trailer",
        Codec::Av1 => "+delay_moov+default_base_moof+frag_keyframe+skip_trailer",
    }
}

/// The frames, then each size made of the next larger one.
fn graph(plan: &Plan, chain: &str, rungs: &[Rung]) -> String {
    let mut graph = format!("[0:{}]{chain}", plan.facts.video.stream);
    for (n, rung) in rungs.iter().enumerate().rev() {
        let size = format!("scale={}:{}:flags=bicubic,setsar=1", rung.width, rung.height);
        let is_largest = n + 1 == rungs.len();
        if is_largest {
            graph += &format!(",{size}{}", plan.facts.video.hdr.map_or(String::new(), tone));
            graph += ",format=yuv420p";
        } else {
            graph += &format!(";[n{n}]{size}");
        }
        graph += &match n.checked_sub(1) {
            Some(next) => format!(",split=2[o{n}][n{next}]"),
            None => format!("[o{n}]"),
        };
    }
    graph
}

/// A high dynamic range, brought down to BT.709.
fn tone(hdr: Hdr) -> String {
    let curve = match hdr {
        Hdr::Pq => "smpte2084",
        Hdr::Hlg => "arib-std-b67",
    };
    format!(
        ",format=yuv420p10le,zscale=tin={curve}:pin=bt2020:min=bt2020nc:rin=tv:t=linear:npl=100,\
         format=gbrpf32le,zscale=p=bt709,tonemap=tonemap=hable:desat=0,\
         zscale=t=bt709:m=bt709:r=tv"
    )
}

/// The moments of key frames: a quarter of a frame before each, which rounds to it and to no other.
fn keys(plan: &Plan, piece: &Piece) -> String {
    let (num, den) = plan.frame_rate;
    let mut at = 0u64;
    let mut all = vec!["0".to_owned()];
    for frames in piece.segments.iter().take(piece.segments.len().saturating_sub(1)) {
        at += u64::from(*frames);
        let seconds = (at as f64 - 0.25) * f64::from(den) / f64::from(num);
        all.push(format!("{seconds:.6}"));
    }
    all.join(",")
}

fn coder(rung: &Rung) -> Vec<String> {
    let mut all = match rung.codec {
        Codec::Avc => {
            let mut all =
                texts(["-c:v", "libx264", "-preset", PRESET, "-profile:v", "high", "-crf", CRF]);
            all.extend(texts(["-sc_threshold", "0", "-forced-idr", "1"]));
            all.extend(["-level".into(), format!("{}.{}", rung.level / 10, rung.level % 10)]);
            all.extend(["-maxrate".into(), rung.bits_max.to_string()]);
            all
        }
        Codec::Vp9 => {
            let all = ["-c:v", "libvpx-vp9", "-deadline", "good", "-cpu-used", "5", "-crf", "33"];
            let mut all = texts(all);
            all.extend(["-b:v".into(), rung.bits_max.to_string()]);
            all
        }
        Codec::Av1 => {
            let all = ["-c:v", "libaom-av1", "-usage", "realtime", "-cpu-used", "8", "-crf", "35"];
            let mut all = texts(all);
            all.extend(["-b:v".into(), rung.bits_max.to_string()]);
            all
        }
    };
    all.extend(["-bufsize".into(), (u64::from(rung.bits_max) * 2).to_string()]);
    all.extend(texts(["-g", KEYS_APART]));
    all
}

/// Every sound of a source, from its start to the picture's end.
#[must_use]
pub fn sounds(plan: &Plan, sounds: &[Sound]) -> (Vec<String>, Vec<String>) {
    let frames = plan.sound_cuts().last().copied().unwrap_or(1).max(2);
    // AAC puts its first frame before the first sample; so that sample is the second frame's, and
    // frame n sounds at n × 1,024 without any edit list. The first 21 ms are silent.
    let (start, end) = (u64::from(SAMPLES), frames * u64::from(SAMPLES));
    let mut graph = vec![];
    let mut rest = vec![];
    for (n, sound) in sounds.iter().enumerate() {
        let layout = match sound.channels {
            1 => "mono",
            6 => "5.1",
            _ => "stereo",
        };
        graph.push(format!(
            "[0:{}]aresample={SAMPLE_RATE}:async=1:first_pts=0,aformat=channel_layouts={layout},\
             apad,atrim=start_sample={start}:end_sample={end},asetpts=N/SR/TB[o{n}]",
            sound.stream
        ));
        rest.extend(["-map".into(), format!("[o{n}]")]);
        rest.extend(texts(["-map_metadata", "-1", "-map_chapters", "-1", "-fflags", "+bitexact"]));
        rest.extend(texts(["-flags:a", "+bitexact", "-c:a", "aac", "-b:a"]));
        rest.push(sound.bits.to_string());
        rest.extend(texts(["-avoid_negative_ts", "make_zero", "-frag_duration", "2000000"]));
        rest.extend(texts(["-movflags", "+delay_moov+default_base_moof+skip_trailer"]));
        rest.extend(["-f".into(), "mp4".into(), format!("file:{}.mp4", sound.name)]);
    }
    let mut all = vec!["-filter_complex".to_owned(), graph.join(";")];
    all.extend(rest);
    (input(None), all)
}

/// A second of the source in small and quickly, to see how much there is in a picture.
#[must_use]
pub fn sample(plan: &Plan, at_us: u64) -> (Vec<String>, Vec<String>) {
    let (num, den) = plan.frame_rate;
    let mut rest = vec!["-map".to_owned(), format!("0:{}", plan.facts.video.stream), "-an".into()];
    let filter = format!("fps=fps={num}/{den},scale=426:240,setsar=1,format=yuv420p");
    rest.extend(["-vf".into(), filter, "-frames:v".into(), (num / den).max(1).to_string()]);
    rest.extend(texts(["-c:v", "libx264", "-preset", "ultrafast", "-crf", "28", "-threads", "1"]));
    rest.extend(texts(["-f", "h264", "pipe:1"]));
    (input((at_us > 0).then_some(at_us)), rest)
}
