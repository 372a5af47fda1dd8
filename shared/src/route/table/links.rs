//! The routes of links, but for the redirect: it takes what nothing else does.

use super::route;
use crate::links::error as links;
use crate::links::request::BULK_BYTES_MAX;
use crate::problem;
use crate::route::Access::Scope;
use crate::route::Side::{Edge, Through};
use crate::route::{Op, Route};

pub(super) const ROUTES: &[Route] = &[
    Route {
        product: "links",
        summary: "Create a short link",
        request: Some("ShortenRequest"),
        response: (201, "Link"),
        problems: &[
            &links::ALIAS_TAKEN,
            &links::EXTERNAL_ID_TAKEN,
            &links::INVALID,
            &links::EXHAUSTED,
        ],
        ..route(Op::Shorten, "POST", "/api/v1/shorten", Through, Scope("links:write"))
    },
    Route {
        product: "links",
        summary: "List the application's links, newest first",
        response: (200, "LinkPage"),
        query: &["limit", "cursor", "tag", "q"],
        ..route(Op::LinkList, "GET", "/api/v1/links", Through, Scope("links:read"))
    },
    Route {
        product: "links",
        summary: "Create up to 1,000 short links, each for itself",
        request: Some("BulkRequest"),
        response: (200, "BulkAnswer"),
        bytes_max: BULK_BYTES_MAX,
        problems: &[&links::INVALID],
        ..route(Op::LinkBulk, "POST", "/api/v1/links/bulk", Through, Scope("links:write"))
    },
    Route {
        product: "links",
        summary: "Create short links from CSV or JSON, a line of JSON per link",
        problems: &[&problem::MALFORMED, &problem::UNSUPPORTED_MEDIA_TYPE],
        ..route(Op::LinkImport, "POST", "/api/v1/links/import", Edge, Scope("links:write"))
    },
    Route {
        product: "links",
        summary: "All links of the application, as CSV or as lines of JSON",
        query: &["format"],
        ..route(Op::LinkExport, "GET", "/api/v1/links/export", Edge, Scope("links:read"))
    },
    Route {
        product: "links",
        summary: "The QR code of a link",
        query: &["format", "size", "margin"],
        problems: &[&links::NOT_FOUND, &links::GONE],
        ..route(Op::LinkQr, "GET", "/api/v1/links/{code}/qr", Edge, Scope("links:read"))
    },
    Route {
        product: "links",
        summary: "Read a link",
        response: (200, "Link"),
        problems: &[&links::NOT_FOUND, &links::GONE],
        ..route(Op::LinkGet, "GET", "/api/v1/links/{code}", Through, Scope("links:read"))
    },
    Route {
        product: "links",
        summary: "Change a link",
        request: Some("PatchRequest"),
        response: (200, "Link"),
        problems: &[
            &links::NOT_FOUND,
            &links::GONE,
            &links::INVALID,
            &problem::PRECONDITION_FAILED,
        ],
        ..route(Op::LinkPatch, "PATCH", "/api/v1/links/{code}", Through, Scope("links:write"))
    },
    Route {
        product: "links",
        summary: "Delete a link; its code is never issued again",
        response: (204, ""),
        problems: &[&links::NOT_FOUND, &links::GONE, &problem::PRECONDITION_FAILED],
        ..route(Op::LinkDelete, "DELETE", "/api/v1/links/{code}", Through, Scope("links:write"))
    },
    Route {
        product: "links",
        summary: "The clicks of a link",
        response: (200, "Stats"),
        query: &["from", "to", "interval"],
        problems: &[&links::NOT_FOUND, &links::GONE],
        ..route(Op::LinkStats, "GET", "/api/v1/stats/{code}", Through, Scope("links:read"))
    },
];
