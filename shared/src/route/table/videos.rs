//! The routes of videos' applications; what viewers ask for is the edge's.

use super::route;
use crate::problem;
use crate::route::Access::Scope;
use crate::route::Side::Through;
use crate::route::{Access, Op, Route};
use crate::video::caption;
use crate::video::error as video;
use crate::video::upload::PART_BYTES_MAX;

const READ: Access = Scope("video:read");
const WRITE: Access = Scope("video:write");
const VIDEOS: &str = "/api/v1/videos";
const VIDEO: &str = "/api/v1/videos/{id}";
const UPLOAD: &str = "/api/v1/videos/{id}/upload";
const EVENTS: &str = "/api/v1/videos/{id}/events";
const QUALITY: &str = "/api/v1/videos/{id}/quality";
const CAPTIONS: &str = "/api/v1/videos/{id}/captions/{language}";

pub(super) const ROUTES: &[Route] = &[
    Route {
        product: "video",
        summary: "Make a video, to be uploaded",
        request: Some("VideoRequest"),
        response: (201, "Video"),
        problems: &[&video::INVALID, &video::UPLOAD_TOO_LARGE],
        ..route(Op::VideoCreate, "POST", VIDEOS, Through, WRITE)
    },
    Route {
        product: "video",
        summary: "List the application's videos, newest first",
        response: (200, "VideoPage"),
        query: &["limit", "cursor"],
        ..route(Op::VideoList, "GET", VIDEOS, Through, READ)
    },
    Route {
        product: "video",
        summary: "Read a video: how far it is, its renditions, what it cost",
        response: (200, "Video"),
        problems: &[&video::NO_VIDEO],
        ..route(Op::VideoGet, "GET", VIDEO, Through, READ)
    },
    Route {
        product: "video",
        summary: "Change a video's title, who may play it, or its policy",
        request: Some("VideoPatch"),
        response: (200, "Video"),
        problems: &[&video::NO_VIDEO, &video::INVALID, &problem::PRECONDITION_FAILED],
        ..route(Op::VideoPatch, "PATCH", VIDEO, Through, WRITE)
    },
    Route {
        product: "video",
        summary: "Delete a video with all its objects; its events say when they are gone",
        response: (204, ""),
        problems: &[&video::NO_VIDEO, &problem::PRECONDITION_FAILED],
        ..route(Op::VideoDelete, "DELETE", VIDEO, Through, WRITE)
    },
    Route {
        product: "video",
        summary: "What happened to a video, from the first on; also of a deleted one",
        response: (200, "VideoEventPage"),
        query: &["limit", "cursor"],
        problems: &[&video::NO_VIDEO],
        ..route(Op::VideoEvents, "GET", EVENTS, Through, READ)
    },
    Route {
        product: "video",
        summary: "How a video went for its viewers: plays, start-up, stalls, bitrate",
        response: (200, "VideoQuality"),
        query: &["from", "to", "interval"],
        problems: &[&video::NO_VIDEO],
        ..route(Op::VideoQuality, "GET", QUALITY, Through, READ)
    },
    Route {
        product: "video",
        summary: "tus: say how long the upload is",
        response: (201, ""),
        problems: &[
            &video::NO_VIDEO,
            &video::TUS_VERSION,
            &video::UPLOAD_CLOSED,
            &video::UPLOAD_GONE,
            &video::UPLOAD_TOO_LARGE,
        ],
        ..route(Op::UploadCreate, "POST", UPLOAD, Through, WRITE)
    },
    Route {
        product: "video",
        summary: "tus: how far the upload came, in headers; asked for by HEAD",
        problems: &[&video::NO_VIDEO, &video::TUS_VERSION, &video::UPLOAD_GONE],
        ..route(Op::UploadHead, "GET", UPLOAD, Through, WRITE)
    },
    Route {
        product: "video",
        summary: "tus: a part of at most 64 MiB",
        response: (204, ""),
        bytes_max: PART_BYTES_MAX,
        problems: &[
            &video::NO_VIDEO,
            &video::TUS_VERSION,
            &video::UPLOAD_CLOSED,
            &video::UPLOAD_GONE,
            &video::UPLOAD_OFFSET,
            &video::UPLOAD_TOO_LARGE,
            &video::CHECKSUM,
            &video::CHECKSUM_ALGORITHM,
            &problem::TOO_LARGE,
            &problem::UNSUPPORTED_MEDIA_TYPE,
        ],
        ..route(Op::UploadPart, "PATCH", UPLOAD, Through, WRITE)
    },
    Route {
        product: "video",
        summary: "The whole of a file of at most 64 MiB",
        response: (204, ""),
        bytes_max: PART_BYTES_MAX,
        problems: &[
            &video::NO_VIDEO,
            &video::INVALID,
            &video::UPLOAD_CLOSED,
            &video::UPLOAD_GONE,
            &video::UPLOAD_OFFSET,
            &problem::TOO_LARGE,
        ],
        ..route(Op::UploadFile, "PUT", UPLOAD, Through, WRITE)
    },
    Route {
        product: "video",
        summary: "tus: give the upload up, and its video with it",
        response: (204, ""),
        problems: &[&video::NO_VIDEO, &problem::PRECONDITION_FAILED],
        ..route(Op::UploadDelete, "DELETE", UPLOAD, Through, WRITE)
    },
    Route {
        product: "video",
        summary: "Captions in a language, as WebVTT",
        response: (204, ""),
        bytes_max: caption::BYTES_MAX,
        query: &["label"],
        problems: &[&video::NO_VIDEO, &video::INVALID, &problem::TOO_LARGE],
        ..route(Op::CaptionPut, "PUT", CAPTIONS, Through, WRITE)
    },
    Route {
        product: "video",
        summary: "No captions in a language any more",
        response: (204, ""),
        problems: &[&video::NO_VIDEO, &video::INVALID],
        ..route(Op::CaptionDelete, "DELETE", CAPTIONS, Through, WRITE)
    },
];
