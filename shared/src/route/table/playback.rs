//! The routes by which videos are played, all of them the edge's.

use super::route;
use crate::problem;
use crate::route::Access::{Public, Scope, Signed};
use crate::route::Side::Edge;
use crate::route::{Op, Route};
use crate::video::error as video;
use crate::video::presentation::FORGET_PATH;
use crate::video::qoe::REPORT_BYTES_MAX;

const PLAYED: &[&problem::Kind] = &[&video::NO_VIDEO, &video::NOT_PLAYABLE, &video::DENIED];
const SERVED: &[&problem::Kind] =
    &[&video::NO_VIDEO, &video::NO_FILE, &video::DENIED, &problem::RANGE_NOT_SATISFIABLE];

pub(super) const ROUTES: &[Route] = &[
    Route {
        product: "video",
        summary: "Let a viewer play a signed video for a while",
        request: Some("PlaybackRequest"),
        response: (201, "PlaybackAnswer"),
        problems: &[&video::NO_VIDEO],
        ..route(
            Op::VideoPlayback,
            "POST",
            "/api/v1/videos/{id}/playback",
            Edge,
            Scope("video:write"),
        )
    },
    Route {
        product: "video",
        summary: "The HLS manifest for this request; `explain=1` says why it is this one",
        query: &["token", "max_height", "explain"],
        problems: PLAYED,
        ..route(Op::VideoHls, "GET", "/v/{id}/master.m3u8", Edge, Public)
    },
    Route {
        product: "video",
        summary: "The DASH manifest for this request; `explain=1` says why it is this one",
        query: &["token", "max_height", "explain"],
        problems: PLAYED,
        ..route(Op::VideoDash, "GET", "/v/{id}/manifest.mpd", Edge, Public)
    },
    Route {
        product: "video",
        summary: "The picture at a moment, as JPEG",
        query: &["token", "t", "width"],
        problems: SERVED,
        ..route(Op::VideoThumbnail, "GET", "/v/{id}/thumbnail.jpg", Edge, Public)
    },
    Route {
        product: "video",
        summary: "What a player tells of how it went",
        request: Some("Report"),
        response: (204, ""),
        bytes_max: REPORT_BYTES_MAX,
        problems: &[&video::NO_VIDEO, &video::DENIED],
        query: &["token"],
        ..route(Op::VideoReport, "POST", "/v/{id}/report", Edge, Public)
    },
    Route {
        product: "video",
        summary: "The poster, the storyboard and its pictures",
        query: &["token"],
        problems: SERVED,
        ..route(Op::VideoPicture, "GET", "/v/{id}/{file}", Edge, Public)
    },
    Route {
        product: "video",
        summary: "A rendition's playlists, init segment and segments; captions",
        query: &["token"],
        problems: SERVED,
        ..route(Op::VideoFile, "GET", "/v/{id}/{rendition}/{file}", Edge, Public)
    },
    Route {
        product: "video",
        summary: "Take the objects of a deleted video away, a thousand at a time",
        problems: &[&problem::CONFLICT],
        ..route(Op::VideoForget, "POST", FORGET_PATH, Edge, Signed)
    },
    Route {
        product: "video",
        summary: "A page with a player",
        query: &["token"],
        problems: &[&video::NO_VIDEO],
        ..route(Op::VideoEmbed, "GET", "/embed/{id}", Edge, Public)
    },
];
