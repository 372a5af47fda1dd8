//! The chain: uploaded, looked at, cut, encoded in pieces, put together, shown to the edge.

use super::stage::{Stage, frames, probe};
use origin::db;
use shared::video::picture::Storyboard;
use shared::video::presentation::{Presentation, Status};
use shared::video::rendition::Media;
use std::path::Path;
use std::process::Command;

/// Two pictures and a sound, in two pieces.
const FILM: &str = "-f lavfi -i testsrc2=size=640x360:rate=30000/1001:duration=12 \
                    -f lavfi -i sine=frequency=440:duration=12:sample_rate=44100 \
                    -c:v libx264 -preset ultrafast -g 75 -c:a aac";
/// One picture and a sound, in three pieces.
const LONG: &str = "-f lavfi -i testsrc2=size=96x64:rate=12:duration=24 \
                    -f lavfi -i sine=duration=24 -c:v libx264 -preset ultrafast -g 36 -c:a aac";

/// The newest register of a video that waits for the edge.
pub async fn presentation(stage: &Stage, id: &str) -> Presentation {
    let sql = "select value from outbox where product = 'video' and key = $1 \
               order by version desc limit 1";
    let rows = stage.app.db.read(sql, origin::values![id]).await.unwrap();
    serde_json::from_str(&db::text(&rows[0], "value").unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn v4_v6_v11_pieces_are_together_what_one_encoding_would_be_and_play() {
    let stage = Stage::new().await;
    let source = stage.source("film.mp4", FILM);
    let (id, made) = stage.ready(&source).await;
    assert_eq!(stage.errors().await, Vec::<String>::new());
    assert_eq!(made["duration_ms"], 12_012);
    is_one_film(&stage, &source, &id).await;
    shows_the_source(&stage, &source, &id);
    plays_to_the_end(&stage, &id).await;
    has_pictures(&stage, &id).await;
}

async fn is_one_film(stage: &Stage, source: &Path, id: &str) {
    // The same frames, as one process shows them on the same grid.
    let serial = stage.source("serial.mp4", &format!(
        "-i {} -an -vf fps=30000/1001 -c:v libx264 -preset ultrafast -video_track_timescale 30000",
        source.display()
    ));
    let serial = frames(&serial);
    let shown = presentation(stage, id).await;
    assert_eq!(shown.status, Status::Ready);
    let pieces = stage.app.db.read("select id from video_job where work like '%piece%'", vec![]);
    assert!(pieces.await.unwrap().len() >= 2, "nothing was made in pieces");
    for head in shown.renditions.iter().filter(|head| matches!(head.media, Media::Video { .. })) {
        let whole = stage.rendition(id, &head.name);
        // ffprobe moves what is reordered until no decoding time is below 0; so from the first on.
        let found = frames(&whole);
        assert_eq!(found.len(), serial.len(), "{}", head.name);
        // No gap, no overlap, no drift: frame n is shown at n × 1001 ticks.
        for (n, (at, _)) in found.iter().enumerate() {
            assert_eq!(at - found[0].0, n as i64 * 1_001, "{} frame {n}", head.name);
        }
        // Every segment begins with a key frame, and no other frame is one.
        let timeline = shown.timeline(head);
        let mut begin = 0;
        let mut starts = vec![];
        for duration in timeline.durations() {
            starts.push(begin);
            begin += i64::from(duration);
        }
        let keys: Vec<i64> =
            found.iter().filter(|(_, key)| *key).map(|(at, _)| at - found[0].0).collect();
        assert_eq!(keys, starts, "{}", head.name);
        assert_eq!(begin, found.len() as i64 * 1_001);
        assert!(head.complete && head.codec.starts_with("avc1.64"));
    }
    assert_eq!(shown.renditions.len(), 3);
}

fn shows_the_source(stage: &Stage, source: &Path, id: &str) {
    let whole = stage.rendition(id, "v360-avc");
    // Frame by frame against the source: a frame that is off by one would have a far lower value.
    let said = Command::new("ffmpeg")
        .args(["-v", "info", "-nostats", "-i"])
        .arg(&whole)
        .arg("-i")
        .arg(source)
        .args([
            "-lavfi",
            "[0:v]settb=AVTB[a];[1:v]settb=AVTB[b];[a][b]psnr=stats_file=-",
            "-f",
            "null",
            "-",
        ])
        .output()
        .unwrap();
    let lines = String::from_utf8(said.stdout).unwrap();
    let values: Vec<f64> = lines
        .lines()
        .filter_map(|line| line.split_once("psnr_y:")?.1.split(' ').next()?.parse().ok())
        .collect();
    assert_eq!(values.len(), 360);
    let worst = values.iter().copied().fold(f64::MAX, f64::min);
    assert!(worst > 24.0, "{worst} dB");
}

#[tokio::test(flavor = "multi_thread")]
async fn v6_sound_is_whole_and_in_step_with_the_picture() {
    let stage = Stage::new().await;
    // A click each second, with a white picture at the same moment.
    let source = stage.source(
        "clicks.mp4",
        "-f lavfi \
         -i color=black:size=320x240:rate=25:duration=12,geq=lum='if(lt(mod(T,1),0.04),255,16)' \
         -f lavfi -i aevalsrc='if(lt(mod(t,1),0.01),0.9*sin(6283*t),0)':d=12:s=48000 \
         -c:v libx264 -preset ultrafast -g 50 -c:a aac -b:a 192k",
    );
    let (id, _) = stage.ready(&source).await;
    let whole = stage.rendition(&id, "a0-aac");
    let packets = probe(&whole, "-show_entries packet=pts,duration");
    for (n, line) in packets.iter().enumerate() {
        let mut fields = line.split(',');
        assert_eq!(fields.next().unwrap().parse::<i64>().unwrap(), n as i64 * 1_024, "packet {n}");
    }
    let ms = packets.len() as u64 * 1_024 / 48;
    assert!((12_000..12_043).contains(&ms), "{ms} ms");
    // Where the sound begins again after each silence.
    let said = Command::new("ffmpeg")
        .args(["-v", "info", "-nostats", "-i"])
        .arg(&whole)
        .args(["-af", "silencedetect=noise=-30dB:d=0.3", "-f", "null", "-"])
        .output()
        .unwrap();
    let said = String::from_utf8(said.stderr).unwrap();
    let ends: Vec<f64> = said
        .lines()
        .filter_map(|line| line.split_once("silence_end: ")?.1.split(' ').next()?.parse().ok())
        .collect();
    assert!(ends.len() >= 10, "{said}");
    for end in ends.iter().take(11) {
        let off = (end - end.round()).abs();
        assert!(off < 0.012, "a click is {off} s off: {ends:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn v5_what_is_there_is_shown_while_the_rest_is_made() {
    let stage = Stage::new().await;
    let id = stage.upload(&stage.source("film.mp4", LONG)).await;
    let mut grown = vec![];
    while origin::video::worker::one(&stage.app, &stage.tool).await.unwrap() {
        let shown = presentation(&stage, &id).await;
        if shown.status == Status::Transcoding {
            assert!(shown.grows());
        }
        for head in &shown.renditions {
            for n in 0..head.segments {
                let object = stage.objects(&id).join(format!("{}/{n}.m4s", head.name));
                assert!(object.exists(), "{object:?} is shown before it is there");
            }
        }
        grown.push(shown.renditions.iter().map(|head| head.segments).sum::<u32>());
    }
    assert!(grown.is_sorted(), "{grown:?}");
    assert!(grown.iter().filter(|count| **count > 0).count() > 4, "{grown:?}");
    let kinds = stage.app.db.read("select kind from video_event order by n", vec![]).await.unwrap();
    let kinds: Vec<String> = kinds.iter().map(|row| db::text(row, "kind").unwrap()).collect();
    assert_eq!(kinds, ["created", "queued", "planned", "playable", "ready"]);
}

async fn plays_to_the_end(stage: &Stage, id: &str) {
    let shown = presentation(stage, id).await;
    for head in &shown.renditions {
        let mut list = String::from(
            "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:8\n\
                                     #EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-MAP:URI=\"init.mp4\"\n",
        );
        let timeline = shown.timeline(head);
        for (n, duration) in timeline.durations().enumerate() {
            let seconds = f64::from(duration) / f64::from(timeline.timescale);
            list += &format!("#EXTINF:{seconds:.6},\n{n}.m4s\n");
        }
        list += "#EXT-X-ENDLIST\n";
        let path = stage.objects(id).join(&head.name).join("media.m3u8");
        std::fs::write(&path, list).unwrap();
        let said = Command::new("ffmpeg")
            .args(["-v", "warning", "-xerror", "-i"])
            .arg(&path)
            .args(["-f", "null", "-"])
            .output()
            .unwrap();
        let complaint = String::from_utf8(said.stderr).unwrap();
        assert!(said.status.success() && complaint.is_empty(), "{}: {complaint}", head.name);
    }
}

async fn has_pictures(stage: &Stage, id: &str) {
    let board = presentation(stage, id).await.storyboard.unwrap();
    assert_eq!(board, Storyboard { step_s: 2, tiles: 7, width: 160, height: 90 });
    let sheet = stage.objects(id).join("storyboard-0.jpg");
    assert_eq!(probe(&sheet, "-show_entries stream=width,height"), ["800,450"]);
    for (second, width, size) in [(0, 320, "320,180"), (7, 160, "160,90"), (11, 640, "640,360")] {
        let key =
            format!("{}/{id}/thumbnail/{second}-{width}.jpg", stage.owner).replace('/', "%2F");
        let answer = origin::video::serve::object(&stage.app, &key, "1").await.unwrap();
        assert_eq!(answer.headers()["content-type"], "image/jpeg");
        let path = stage.objects(id).join(format!("thumbnail/{second}-{width}.jpg"));
        assert_eq!(probe(&path, "-show_entries stream=width,height"), [size]);
    }
    for wrong in [format!("{}/{id}/source/x", stage.owner), format!("app_x/{id}/v360-avc/0.m4s")] {
        let answer =
            origin::video::serve::object(&stage.app, &wrong.replace('/', "%2F"), "1").await;
        assert_eq!(answer.unwrap_err().status(), 404, "{wrong}");
    }
}
