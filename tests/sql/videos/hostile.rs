//! What is no video, or pretends to be one: typed, and soon.

use super::stage::Stage;
use std::time::Instant;

/// Uploads bytes, works; the reason's code.
async fn refused(stage: &Stage, what: &str, bytes: Vec<u8>) -> String {
    let began = Instant::now();
    let id = stage.create().await;
    stage.put(&id, bytes).await.unwrap();
    let made = stage.work(&id).await;
    assert_eq!(made["status"], "failed", "{what}: {made:#}");
    assert!(made["reason"]["detail"].as_str().is_some_and(|detail| !detail.is_empty()));
    assert!(began.elapsed().as_secs() < 10, "{what} took {:?}", began.elapsed());
    made["reason"]["code"].as_str().unwrap().into()
}

#[tokio::test(flavor = "multi_thread")]
async fn v2_what_is_no_video_fails_with_its_reason() {
    let stage = Stage::with(&[("VIDEO_MINUTES_MAX", "1")]).await;
    let film =
        "-f lavfi -i testsrc2=size=320x240:rate=25:duration=8 -c:v libx264 -preset ultrafast -g 25";
    let read = |path| std::fs::read(path).unwrap();
    let whole = read(stage.source("film.mp4", film));
    let front = read(stage.source("front.mp4", &format!("{film} -movflags +faststart")));
    let sound = read(stage.source("sound.m4a", "-f lavfi -i sine=duration=2 -c:a aac"));
    let long = read(
        stage.source("long.mp4", "-f lavfi -i color=size=64x64:rate=1:duration=90 -c:v libx264"),
    );
    let picture = read(stage.source("still.png", "-f lavfi -i color=size=64x64 -frames:v 1"));
    let secret = stage.dir.path().join("secret.mp4");
    std::fs::write(&secret, &whole).unwrap();
    let list =
        format!("#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:8,\nfile://{}\n", secret.display());
    let concat = format!("ffconcat version 1.0\nfile '{}'\n", secret.display());
    let noise: Vec<u8> =
        (0..200_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    for (what, bytes, code) in [
        ("nothing", vec![], "empty"),
        ("a text", b"hello, this is no video at all".to_vec(), "not_a_video"),
        ("noise", noise, "not_a_video"),
        ("a picture", picture, "not_a_video"),
        ("an archive", [&b"PK\x03\x04"[..], &[0; 5_000]].concat(), "not_a_video"),
        ("a playlist of HLS", list.clone().into_bytes(), "playlist"),
        ("a playlist behind blanks", format!("\n\n {list}").into_bytes(), "playlist"),
        ("a list of ffmpeg's", concat.into_bytes(), "playlist"),
        ("a list of DASH", b"<?xml version=\"1.0\"?><MPD></MPD>".to_vec(), "playlist"),
        ("sound alone", sound, "no_video_stream"),
        ("a film without its index", whole[..whole.len() / 2].to_vec(), "truncated"),
        ("a film without its end", front[..front.len() / 2].to_vec(), "truncated"),
        ("a film that is too long", long, "too_long"),
    ] {
        assert_eq!(refused(&stage, what, bytes).await, code, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn v2_claims_are_not_believed() {
    let stage = Stage::new().await;
    let film =
        "-f lavfi -i testsrc2=size=320x240:rate=25:duration=2 -c:v libx264 -preset ultrafast";
    let bytes = std::fs::read(stage.source("film.mp4", film)).unwrap();
    // A picture of 60,000 × 60,000, by the container's word and by the stream's.
    let mut huge = bytes.clone();
    let entry = huge.windows(4).position(|four| four == b"avc1").unwrap() + 4 + 24;
    huge[entry..entry + 4].copy_from_slice(&[0xea, 0x60, 0xea, 0x60]);
    let id = stage.create().await;
    stage.put(&id, huge).await.unwrap();
    let made = stage.work(&id).await;
    // The decoder reads the size from the stream itself: either way it ends.
    assert!(["failed", "ready"].contains(&made["status"].as_str().unwrap()), "{made:#}");
    // A codec that nobody knows.
    let mut unknown = bytes.clone();
    for at in
        (0..unknown.len() - 4).filter(|at| &bytes[*at..*at + 4] == b"avc1").collect::<Vec<_>>()
    {
        unknown[at..at + 4].copy_from_slice(b"zzzz");
    }
    assert_eq!(refused(&stage, "a codec that nobody knows", unknown).await, "undecodable");
    // Pictures without a byte of truth in them.
    let mut broken = bytes.clone();
    let data = broken.windows(4).position(|four| four == b"mdat").unwrap() + 4;
    let end = broken.windows(4).position(|four| four == b"moov").unwrap() - 4;
    broken[data..end].iter_mut().enumerate().for_each(|(n, byte)| *byte = (n * 31) as u8);
    assert_eq!(refused(&stage, "broken pictures", broken).await, "undecodable");
}

#[tokio::test(flavor = "multi_thread")]
async fn v2_a_bomb_of_pixels_is_refused() {
    let stage = Stage::new().await;
    // 12,000 × 12,000 of one colour: less than a megabyte that would unpack to 430 MB a frame.
    let bomb =
        stage.source("bomb.mkv", "-f lavfi -i color=size=12000x12000:rate=1:duration=2 -c:v png");
    let bytes = std::fs::read(bomb).unwrap();
    assert_eq!(refused(&stage, "a bomb", bytes).await, "too_large");
}
