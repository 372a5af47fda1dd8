//! Examples of videos' wire types.

use super::schemas::AT;
use crate::video::policy::Policy;
use crate::video::presentation::{Status, Visibility};
use crate::video::qoe::Sums;
use crate::video::quality::{Figures, QualitySlot, VideoQuality};
use crate::video::rendition::Media;
use crate::video::wire::{
    CaptionView, Cost, RenditionView, VideoEvent, VideoPatch, VideoRequest, VideoView, video_id,
};
use alloc::{collections::BTreeMap, format, vec};

/// A snowflake of the examples' moment.
const NUMBER: u64 = 116_000_000_000_000_000;

pub(super) fn request() -> VideoRequest {
    VideoRequest {
        title: Some("Weaving".into()),
        visibility: Some(Visibility::Public),
        size: Some(1_000_000),
        policy: None,
    }
}

pub(super) fn patch() -> VideoPatch {
    VideoPatch { title: Some(Some("Weaving, part 1".into())), ..VideoPatch::default() }
}

pub(super) fn video() -> VideoView {
    let id = video_id(NUMBER);
    let cost = Cost { cpu_s: 9, bytes_stored: 3_000_000, bytes_served: 9_000_000 };
    VideoView {
        upload_url: format!("https://s.example/api/v1/videos/{id}/upload"),
        id,
        title: Some("Weaving".into()),
        visibility: Visibility::Public,
        status: Status::Transcoding,
        progress: 40,
        reason: None,
        upload_offset: 1_000_000,
        size: Some(1_000_000),
        upload_expires_at: AT.plus(86_400_000),
        duration_ms: Some(60_060),
        renditions: vec![RenditionView {
            name: "v240-avc".into(),
            media: Media::Video { width: 426, height: 240, frame_rate: (30_000, 1_001) },
            codec: "avc1.64001e".into(),
            bandwidth: 300_000,
            average_bandwidth: 240_000,
            progress: 40,
            cost,
        }],
        parked: vec!["v1080-avc-2".into()],
        cost,
        captions: vec![CaptionView { language: "en".into(), label: "English".into() }],
        policy: Policy::default(),
        created_at: AT,
        ready_at: None,
    }
}

pub(super) fn quality() -> VideoQuality {
    let sums = Sums {
        plays: 2,
        startup_ms: 700,
        watched_ms: 99_000,
        stalled_ms: 1_000,
        stalls: 1,
        kbits: 297_000,
    };
    let figures = Figures::from(sums);
    VideoQuality {
        figures,
        series: vec![QualitySlot { at: AT, figures }],
        by_country: BTreeMap::from([("JP".into(), figures)]),
        by_device: BTreeMap::from([("desktop".into(), figures)]),
    }
}

pub(super) fn event() -> VideoEvent {
    VideoEvent { n: 1, at: AT, kind: "created".into(), detail: "".into() }
}
