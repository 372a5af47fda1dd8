//! Examples of video's types.

use super::schemas::AT;
use crate::video::class::Class;
use crate::video::device::Codecs;
use crate::video::explain;
use crate::video::playback::{PlaybackAnswer, PlaybackRequest};
use crate::video::presentation::Presentation;
use crate::video::qoe::Report;
use crate::video::rendition::{Media, Rendition, Segment};
use crate::video::select::select;
use crate::video::signals::{Classified, Signal};
use alloc::{format, vec};
use serde_json::Value;

pub(super) fn playback_request() -> PlaybackRequest {
    PlaybackRequest {
        ttl_s: Some(3_600),
        plan: Some("free".into()),
        max_height: Some(720),
        ip_prefix: Some("192.0.2.0/24".into()),
    }
}

pub(super) fn playback() -> PlaybackAnswer {
    let token = "eyJ2IjoidmlkXzEifQ.00112233445566778899aabbccddeeff";
    PlaybackAnswer::of("https://s.example", "vid_08Ew1PYy71m", token.into(), AT)
}

pub(super) fn report() -> Report {
    Report { startup_ms: Some(380), watched_ms: 30_000, stalled_ms: 0, stalls: 0, kbits: 84_000 }
}

pub(super) fn explained() -> Value {
    let picture = |height: u32, bytes| Rendition {
        name: format!("v{height}-avc"),
        media: Media::Video { width: height * 16 / 9, height, frame_rate: (30, 1) },
        codec: "avc1.64001f".into(),
        timescale: 15_360,
        segments: vec![Segment { duration: 61_440, bytes, key_bytes: bytes / 9 }],
        complete: true,
    };
    let ladder = [picture(720, 1_400_000), picture(1_080, 2_600_000)];
    let class = Class::of(Some(720), 3_000, Codecs::AVC);
    let classified = Classified { class, cap: Signal::Viewport, speed: Signal::Downlink };
    let made = Presentation::default().with(&ladder).unwrap_or_default();
    let said = explain::explain(&classified, &select(&made.renditions, class));
    serde_json::to_value(said).unwrap_or_default()
}
