//! The table itself. A product's routes stand together, in product order.

use super::Access::{Operator, Public, Scope, Service, Signed};
use super::Side::{self, Edge, Origin, Through};
use super::{Access, Op, Route};
use crate::links::error as links;
use crate::{problem, roads};

const fn route(
    op: Op,
    method: &'static str,
    path: &'static str,
    side: Side,
    access: Access,
) -> Route {
    Route {
        op,
        method,
        path,
        product: "http",
        side,
        access,
        summary: "",
        request: None,
        response: (200, ""),
        query: &[],
        problems: &[],
    }
}

/// Every route, in product order.
pub const ROUTES: &[Route] = &[
    Route {
        product: "links",
        summary: "Create a short link",
        request: Some("ShortenRequest"),
        response: (201, "Link"),
        problems: &[&links::ALIAS_TAKEN, &links::INVALID, &links::EXHAUSTED],
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
    Route {
        summary: "Mint a user token within the key's scopes",
        request: Some("TokenRequest"),
        response: (201, "TokenAnswer"),
        ..route(Op::TokenMint, "POST", "/api/v1/tokens", Through, Service)
    },
    Route {
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
        problems: &[&links::NOT_FOUND, &links::GONE],
        ..route(Op::Redirect, "GET", "/{code}", Edge, Public)
    },
    Route {
        summary: "Apply projections through their homes",
        ..route(Op::Projections, "POST", roads::PROJECTIONS_PATH, Edge, Signed)
    },
    Route {
        summary: "Whether the process lives, and which version",
        response: (200, "Health"),
        ..route(Op::OriginHealth, "GET", "/healthz", Origin, Public)
    },
    Route {
        summary: "Whether the database answers",
        response: (200, "Health"),
        ..route(Op::OriginReady, "GET", "/readyz", Origin, Public)
    },
    Route {
        summary: "Numbers for Prometheus",
        ..route(Op::OriginMetrics, "GET", "/metrics", Origin, Operator)
    },
    Route {
        summary: "The origin's OpenAPI document",
        ..route(Op::OriginOpenapi, "GET", "/admin/openapi.json", Origin, Public)
    },
    Route {
        summary: "Apply a recorder's events",
        ..route(Op::Events, "POST", roads::EVENTS_PATH, Origin, Signed)
    },
    Route {
        summary: "What the truth knows of a register",
        query: &["key"],
        ..route(Op::RegisterAsk, "GET", "/internal/registers/{product}", Origin, Signed)
    },
    Route {
        summary: "Register an application",
        request: Some("AppRequest"),
        response: (201, "App"),
        problems: &[&problem::CONFLICT],
        ..route(Op::AppCreate, "POST", "/admin/applications", Origin, Operator)
    },
    Route {
        summary: "List the applications",
        response: (200, "AppPage"),
        query: &["limit", "cursor"],
        ..route(Op::AppList, "GET", "/admin/applications", Origin, Operator)
    },
    Route {
        summary: "Make a service key; its text is shown this once",
        request: Some("KeyRequest"),
        response: (201, "KeyAnswer"),
        ..route(Op::KeyCreate, "POST", "/admin/keys", Origin, Operator)
    },
    Route {
        summary: "Revoke a service key",
        response: (204, ""),
        problems: &[&problem::NOT_FOUND],
        ..route(Op::KeyRevoke, "DELETE", "/admin/keys/{kid}", Origin, Operator)
    },
    Route {
        summary: "What waits for the edge, or was refused by it",
        response: (200, "OutboxPage"),
        query: &["limit", "cursor", "parked"],
        ..route(Op::OutboxList, "GET", "/admin/outbox", Origin, Operator)
    },
    Route {
        summary: "Send a parked projection again",
        response: (204, ""),
        problems: &[&problem::NOT_FOUND],
        ..route(Op::OutboxRetry, "POST", "/admin/outbox/{id}/retry", Origin, Operator)
    },
    Route {
        summary: "Events that could not be applied",
        response: (200, "DeadLetterPage"),
        query: &["limit", "cursor"],
        ..route(Op::DeadLetterList, "GET", "/admin/dead-letters", Origin, Operator)
    },
];
