//! A video as its application sees it.

use super::made::{Kept, Made};
use super::row::Row;
use crate::app::App;
use shared::video::plan::Plan;
use shared::video::presentation::{Caption, Status};
use shared::video::rendition::Rendition;
use shared::video::wire::{CaptionView, Cost, RenditionView, VideoView, upload_path, video_id};

/// Rounded up.
fn seconds(ms: u64) -> u64 {
    ms.div_ceil(1_000)
}

/// What is shown of a row and of what was made.
#[must_use]
pub fn of(app: &App, row: &Row, made: &Made) -> VideoView {
    let renditions = row.plan.as_ref().map(|plan| {
        let all = made.renditions(plan).into_iter();
        all.map(|one| rendition(plan, &one, made)).collect::<Vec<_>>()
    });
    let sum = |of: fn(&Kept) -> u64| made.kept.values().map(of).sum();
    VideoView {
        id: video_id(row.id),
        title: row.title.clone(),
        visibility: row.visibility,
        status: row.status,
        progress: match row.status {
            Status::Uploading | Status::Queued => 0,
            Status::Transcoding | Status::Failed => made.progress().min(99),
            Status::Ready => 100,
        },
        reason: row.failure.clone(),
        upload_url: format!("{}{}", app.config.public_url, upload_path(row.id)),
        upload_offset: row.upload_offset,
        size: row.upload_length,
        upload_expires_at: row.upload_expires_at,
        duration_ms: row.plan.as_ref().map(Plan::duration_ms),
        renditions: renditions.unwrap_or_default(),
        parked: made.parked.keys().cloned().collect(),
        cost: Cost {
            cpu_s: seconds(made.cpu_ms),
            bytes_stored: sum(|kept| kept.bytes_stored),
            bytes_served: sum(|kept| kept.bytes_served),
        },
        captions: row.captions.iter().map(caption).collect(),
        policy: row.policy.clone(),
        created_at: row.created_at,
        ready_at: row.ready_at,
    }
}

fn caption(one: &Caption) -> CaptionView {
    CaptionView { language: one.language.clone(), label: one.label.clone() }
}

fn rendition(plan: &Plan, one: &Rendition, made: &Made) -> RenditionView {
    let kept = made.kept.get(&one.name).cloned().unwrap_or_default();
    let ms = one.duration().saturating_mul(1_000) / u64::from(one.timescale.max(1));
    let percent = ms.saturating_mul(100) / plan.duration_ms().max(1);
    RenditionView {
        name: one.name.clone(),
        media: one.media.clone(),
        codec: one.codec.clone(),
        bandwidth: one.bandwidth(),
        average_bandwidth: one.average_bandwidth(),
        progress: if one.complete { 100 } else { u8::try_from(percent).unwrap_or(99).min(99) },
        cost: Cost {
            cpu_s: seconds(kept.cpu_ms),
            bytes_stored: kept.bytes_stored,
            bytes_served: kept.bytes_served,
        },
    }
}
