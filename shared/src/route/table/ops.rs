//! What is no product's at the edge, and the redirect, which takes any single segment, after it.

use super::{CLOSED, route};
use crate::limits::guard::Guard;
use crate::links::error as links;
use crate::links::password::FORM_BYTES_MAX;
use crate::problem;
use crate::roads;
use crate::route::Access::{Public, Scope, Service, Signed};
use crate::route::Side::{Edge, Through};
use crate::route::{Op, Route};

const EXPORTS: &str = "/api/v1/privacy/exports";
const EXPORT: &str = "/api/v1/privacy/exports/{request}";
const EXPORT_ITEMS: &str = "/api/v1/privacy/exports/{request}/items";
const ERASURES: &str = "/api/v1/privacy/erasures";
const ERASURE: &str = "/api/v1/privacy/erasures/{request}";

pub(super) const ROUTES: &[Route] = &[
    Route {
        guard: CLOSED,
        summary: "Mint a user token within the key's scopes",
        request: Some("TokenRequest"),
        response: (201, "TokenAnswer"),
        ..route(Op::TokenMint, "POST", "/api/v1/tokens", Through, Service)
    },
    Route {
        summary: "Have a user's data exported, from every product",
        request: Some("PrivacyAsk"),
        response: (202, "PrivacyRequest"),
        ..route(Op::PrivacyExport, "POST", EXPORTS, Through, Scope("privacy:write"))
    },
    Route {
        summary: "How far an export got",
        response: (200, "PrivacyRequest"),
        problems: &[&problem::NOT_FOUND],
        ..route(Op::PrivacyExportGet, "GET", EXPORT, Through, Scope("privacy:write"))
    },
    Route {
        summary: "What was exported, for seven days: records of each product",
        response: (200, "PrivacyItemPage"),
        query: &["limit", "cursor"],
        problems: &[&problem::NOT_FOUND, &problem::CONFLICT],
        ..route(Op::PrivacyExportItems, "GET", EXPORT_ITEMS, Through, Scope("privacy:write"))
    },
    Route {
        summary: "Have a user's data erased, from every product",
        request: Some("PrivacyAsk"),
        response: (202, "PrivacyRequest"),
        ..route(Op::PrivacyErase, "POST", ERASURES, Through, Scope("privacy:write"))
    },
    Route {
        summary: "How far an erasure got; once it is done, its receipt",
        response: (200, "PrivacyRequest"),
        problems: &[&problem::NOT_FOUND],
        ..route(Op::PrivacyErasureGet, "GET", ERASURE, Through, Scope("privacy:write"))
    },
    Route {
        guard: Guard::Free,
        summary: "Whether the edge serves, and which version; does not ask the origin",
        response: (200, "Health"),
        ..route(Op::EdgeHealth, "GET", "/healthz", Edge, Public)
    },
    Route {
        summary: "This document",
        ..route(Op::EdgeOpenapi, "GET", "/api/openapi.json", Edge, Public)
    },
    Route {
        summary: "What a problem type means",
        problems: &[&problem::NOT_FOUND],
        ..route(Op::ProblemType, "GET", "/problems/{product}/{slug}", Edge, Public)
    },
    Route {
        product: "links",
        summary: "Follow a short link",
        response: (302, ""),
        problems: &[&links::NOT_FOUND, &links::GONE, &links::USED_UP, &links::PASSWORD_REQUIRED],
        ..route(Op::Redirect, "GET", "/{code}", Edge, Public)
    },
    Route {
        guard: CLOSED,
        product: "links",
        summary: "Give the password of a short link; then it may be followed for twelve hours",
        response: (303, ""),
        bytes_max: FORM_BYTES_MAX,
        problems: &[
            &links::NOT_FOUND,
            &links::GONE,
            &links::INVALID,
            &links::PASSWORD_REQUIRED,
            &problem::MALFORMED,
            &problem::TOO_LARGE,
            &problem::UNSUPPORTED_MEDIA_TYPE,
        ],
        ..route(Op::LinkUnlock, "POST", "/{code}", Edge, Public)
    },
    Route {
        summary: "Apply projections through their homes",
        ..route(Op::Projections, "POST", roads::PROJECTIONS_PATH, Edge, Signed)
    },
];
