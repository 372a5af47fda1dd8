//! Sources of every length and every distance of key frames.

use super::super::{ladder, probe};
use super::*;

const RATE: (u32, u32) = (30_000, 1_001);

fn scan(end_ms: u64, every_ms: u64) -> Scan {
    let keys_us = (0..end_ms).step_by(every_ms as usize).map(|ms| ms * 1_000).collect();
    let end_us = end_ms * 1_000;
    Scan { frames: end_ms * 30 / 1_000, keys_us, last_us: end_us.saturating_sub(33_367), end_us }
}

fn covered(scan: &Scan, rate: (u32, u32)) -> Vec<Piece> {
    let all = pieces(scan, rate);
    let mut next = 0;
    for piece in &all {
        assert_eq!(piece.first, next);
        assert!(piece.frames() > 0 && piece.segments.iter().all(|frames| *frames > 0));
        assert!(frame_at(piece.key_us, rate) <= piece.first);
        next += piece.frames();
    }
    assert_eq!(next, frames(scan, rate));
    all
}

#[test]
fn every_frame_is_in_one_piece() {
    for end_ms in [1, 33, 40, 1_000, 4_000, 4_100, 9_999, 60_000, 61_234, 700_000, 14_400_000] {
        for every_ms in [33, 500, 2_000, 8_341, 10_000, 31_000, 20_000_000] {
            for rate in [RATE, (24, 1), (60, 1), (8, 1), (1, 1)] {
                covered(&scan(end_ms, every_ms), rate);
            }
        }
    }
    covered(&Scan { frames: 1, ..Scan::default() }, RATE);
}

#[test]
fn a_piece_begins_at_a_key_where_there_is_one() {
    let all = covered(&scan(60_000, 8_341), RATE);
    let between: Vec<usize> = all
        .iter()
        .enumerate()
        .filter(|(_, piece)| frame_at(piece.key_us, RATE) != piece.first)
        .map(|(n, _)| n)
        .collect();
    // The first piece is short at any price: whoever waits for it waits for all of it.
    assert_eq!((between, all[0].frames(), all.len()), (Vec::from([1]), 119, 8));
    let all = covered(&scan(60_000, 4_170), RATE);
    assert!(all.iter().all(|piece| frame_at(piece.key_us, RATE) == piece.first));
    let all = covered(&scan(60_000, 60_000), RATE);
    assert!(all.iter().all(|piece| piece.key_us == 0) && all.len() > 5);
}

#[test]
fn v4_where_every_frame_is_a_key_a_piece_is_read_from_before_its_first() {
    let all = covered(&scan(60_000, 40), (25, 1));
    assert!(all.len() > 6);
    for piece in all.iter().skip(1) {
        let first_us = piece.first * 40_000;
        assert_eq!(piece.key_us, first_us - 160_000, "{first_us}");
    }
}

#[test]
fn segments_last_from_two_to_six_seconds() {
    for every_ms in [400, 2_000, 4_000, 5_000, 8_341, 40_000] {
        let all = covered(&scan(3_600_000, every_ms), RATE);
        let segments = all.iter().flat_map(|piece| &piece.segments);
        assert!(segments.clone().all(|frames| (59..=181).contains(frames)), "{every_ms}");
        assert!(segments.count() <= 1_500);
    }
}

fn plan(width: u32, height: u32, channels: u32) -> Plan {
    let json = alloc::format!(
        r#"{{"streams":[{{"index":0,"codec_type":"video","codec_name":"h264","width":{width},
        "height":{height},"avg_frame_rate":"30000/1001"}},{{"index":1,"codec_type":"audio",
        "codec_name":"aac","channels":{channels}}}],"format":{{"format_name":"mov"}}}}"#
    );
    let facts = probe::read(json.as_bytes()).unwrap();
    let scan = scan(60_060, 8_341);
    Plan {
        frame_rate: RATE,
        frames: frames(&scan, RATE),
        pieces: pieces(&scan, RATE),
        rungs: ladder::rungs(&facts, RATE, ladder::COMPLEXITY_AVERAGE, &[Codec::Avc, Codec::Vp9]),
        sounds: ladder::sounds(&facts),
        facts,
    }
}

#[test]
fn every_rendition_of_every_piece_has_one_job() {
    let plan = plan(3_840, 2_160, 2);
    let jobs = plan.jobs();
    assert_eq!(jobs[0], Work::Piece { piece: 0, from: 0, to: 3 });
    assert_eq!(jobs[1], Work::Sound);
    let mut seen = alloc::collections::BTreeSet::new();
    for job in &jobs {
        if let Work::Piece { piece, from, to } = job {
            for rung in *from..*to {
                assert!(seen.insert((*piece, rung)));
                assert_eq!(plan.rungs[rung as usize].codec, codec(&plan.rungs[*from as usize..]));
            }
        }
    }
    assert_eq!(seen.len(), plan.pieces.len() * plan.rungs.len());
    assert!(!super::tests::plan(640, 360, 0).jobs().contains(&Work::Sound));
}

#[test]
fn v13_some_pictures_are_made_alone() {
    let plan = plan(1_920, 1_080, 2);
    let jobs = plan.jobs_of(&["v360-avc", "v720-avc", "v1080-avc"]);
    let mut made = alloc::collections::BTreeMap::new();
    for job in &jobs {
        let Work::Piece { from, to, .. } = job else { panic!("{job:?}") };
        (*from..*to).for_each(|n| *made.entry(n).or_insert(0) += 1);
    }
    let pieces = plan.pieces.len();
    assert_eq!(made.into_iter().collect::<Vec<_>>(), [(1, pieces), (3, pieces), (4, pieces)]);
    // 720p and 1080p stand beside each other: they share a decoder.
    assert!(jobs.contains(&Work::Piece { piece: 1, from: 3, to: 5 }));
    assert!(plan.jobs_of(&[]).is_empty() && plan.jobs_of(&["a0-aac"]).is_empty());
}

#[test]
fn sound_is_cut_with_the_picture() {
    let plan = plan(640, 360, 2);
    let cuts = plan.sound_cuts();
    let segments: Vec<u32> = plan.pieces.iter().flat_map(|p| p.segments.clone()).collect();
    assert_eq!(cuts.len(), segments.len() + 1);
    let mut frames = 0;
    for (cut, length) in cuts.iter().skip(1).zip(&segments) {
        frames += u64::from(*length);
        let picture = frames as f64 * 1_001.0 / 30_000.0;
        let sound = *cut as f64 * f64::from(SAMPLES) / f64::from(SAMPLE_RATE);
        assert!((0.0..0.021_334).contains(&(sound - picture)), "{sound} {picture}");
    }
}
