//! What probers say, judged.

use super::*;

const PHONE: &str = r#"{"streams":[
    {"index":0,"codec_type":"video","codec_name":"mjpeg","width":600,"height":600,
     "disposition":{"attached_pic":1}},
    {"index":1,"codec_type":"video","codec_name":"hevc","width":1920,"height":1080,
     "sample_aspect_ratio":"4:3","avg_frame_rate":"30000/1001","r_frame_rate":"90000/1",
     "color_transfer":"smpte2084","field_order":"progressive","duration":"10.010000",
     "side_data_list":[{"side_data_type":"Display Matrix","rotation":-90}]},
    {"index":2,"codec_type":"audio","codec_name":"aac","channels":6,"tags":{"language":"deu"}},
    {"index":3,"codec_type":"audio","codec_name":"aac","channels":1,"tags":{"language":"und"}},
    {"index":4,"codec_type":"data"}],
    "format":{"format_name":"mov,mp4","duration":"10.033000","start_time":"-0.021000"}}"#;

fn scan(lines: &[&str], facts: &Facts) -> Result<Scan, Failure> {
    let mut scan = Scan::default();
    lines.iter().for_each(|line| scan.take(line, facts.start_us));
    scan.check(facts, 3_600_000_000).map(|()| scan)
}

#[test]
fn a_phone_s_film_is_understood() {
    let facts = read(PHONE.as_bytes()).unwrap();
    assert_eq!((facts.start_us, facts.duration_us), (-21_000, 10_033_000));
    let VideoFacts { stream, width, height, hdr, is_interlaced, frame_rate } = facts.video;
    assert_eq!((stream, width, height), (1, 1_080, 2_560));
    assert_eq!((hdr, is_interlaced, frame_rate), (Some(Hdr::Pq), false, (30_000, 1_001)));
    let audio: Vec<_> = facts.audio.iter().map(|a| (a.channels, a.language.as_deref())).collect();
    assert_eq!(audio, [(6, Some("deu")), (1, None)]);
}

#[test]
fn what_is_no_video_says_why() {
    let code = |text: &str| read(text.as_bytes()).unwrap_err().code;
    assert_eq!(code("{}"), FailureCode::NotAVideo);
    assert_eq!(code(""), FailureCode::NotAVideo);
    let sound = PHONE.replace(
        "\"hevc\",\"width\":1920",
        "\"hevc\",\"disposition\":{\"attached_pic\":1},\"width\":1920",
    );
    assert_eq!(code(&sound), FailureCode::NoVideoStream);
    assert_eq!(code(&PHONE.replace("1920", "0")), FailureCode::Undecodable);
    assert_eq!(code(&PHONE.replace("1920", "99999")), FailureCode::TooLarge);
    for list in ["#EXTM3U\n", " \n#extm3u", "\u{feff}<?xml", "ffconcat version 1.0", "v=0\r\n"] {
        assert!(is_playlist(list.as_bytes()), "{list}");
    }
    assert!(!is_playlist(b"\0\0\0\x18ftypmp42") && !is_playlist(b""));
}

#[test]
fn an_end_that_is_missing_is_found() {
    let facts = read(PHONE.as_bytes()).unwrap();
    let found = scan(
        &["-0.021,N/A,0.033,K_", "N/A,N/A,0.033,__", "x", "9.946,N/A,0.033,__", "5.0,N/A,0.033,K_"],
        &facts,
    );
    let Scan { frames, keys_us, last_us, end_us } = found.unwrap();
    assert_eq!(
        (frames, keys_us, last_us, end_us),
        (4, [0, 5_021_000].into(), 9_967_000, 10_000_000)
    );
    let code = |lines: &[&str], facts: &Facts| scan(lines, facts).unwrap_err().code;
    assert_eq!(code(&["0,N/A,0.033,K_", "6.0,N/A,0.033,__"], &facts), FailureCode::Truncated);
    assert_eq!(code(&[], &facts), FailureCode::Truncated);
    assert_eq!(code(&["0,N/A,1,K_", "3601,N/A,1,K_"], &facts), FailureCode::TooLong);
    let many = alloc::vec!["10.0,N/A,0.03,K_"; 4_000];
    assert_eq!(code(&many, &facts), FailureCode::TooLarge);
    // Sound of Matroska, where only the container has a length, may go on.
    let longer = Facts { picture_us: 0, ..facts };
    assert!(scan(&["0,N/A,0.033,K_", "8.0,N/A,0.033,__"], &longer).is_ok());
    let silent = Facts { audio: Vec::new(), ..longer };
    assert_eq!(code(&["0,N/A,0.033,K_", "8.0,N/A,0.033,__"], &silent), FailureCode::Truncated);
}
