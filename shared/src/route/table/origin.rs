//! The origin's own routes: probes, the other side's, the operator's.

use super::route;
use crate::limits::error as limits;
use crate::links::error as links;
use crate::links::password::VERIFY_PATH;
use crate::payments::error as payments;
use crate::problem;
use crate::roads;
use crate::route::Access::{Operator, Public, Signed};
use crate::route::Side::Origin;
use crate::route::{Op, Route};

pub(super) const ROUTES: &[Route] = &[
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
        product: "links",
        summary: "Whether this is the password of a link",
        ..route(Op::PasswordTry, "POST", VERIFY_PATH, Origin, Signed)
    },
    Route {
        product: "video",
        summary: "An object of a video, streamed",
        problems: &[&problem::NOT_FOUND],
        ..route(Op::ObjectGet, "GET", "/internal/objects/{key}/{generation}", Origin, Signed)
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
        summary: "Register a public key, with which an application signs its users' tokens",
        request: Some("PublicKeyRequest"),
        response: (201, "PublicKey"),
        ..route(Op::PublicKeyCreate, "POST", "/admin/public-keys", Origin, Operator)
    },
    Route {
        summary: "List the public keys, of one application or of all; revoked ones too",
        response: (200, "PublicKeyPage"),
        query: &["app", "limit", "cursor"],
        ..route(Op::PublicKeyList, "GET", "/admin/public-keys", Origin, Operator)
    },
    Route {
        summary: "Revoke a public key",
        response: (204, ""),
        problems: &[&problem::NOT_FOUND],
        ..route(Op::PublicKeyRevoke, "DELETE", "/admin/public-keys/{kid}", Origin, Operator)
    },
    Route {
        product: "links",
        summary: "Block a domain: no link may lead to it, or below it",
        request: Some("ListRequest"),
        response: (204, ""),
        problems: &[&links::INVALID],
        ..route(Op::BlockPut, "PUT", "/admin/blocked-domains/{name}", Origin, Operator)
    },
    Route {
        product: "links",
        summary: "Allow a domain again",
        response: (204, ""),
        problems: &[&links::INVALID, &problem::NOT_FOUND],
        ..route(Op::BlockDelete, "DELETE", "/admin/blocked-domains/{name}", Origin, Operator)
    },
    Route {
        product: "links",
        summary: "List the blocked domains",
        response: (200, "ListedPage"),
        query: &["limit", "cursor"],
        ..route(Op::BlockList, "GET", "/admin/blocked-domains", Origin, Operator)
    },
    Route {
        product: "links",
        summary: "Reserve an alias, in whatever case: nobody may choose it",
        request: Some("ListRequest"),
        response: (204, ""),
        problems: &[&links::INVALID],
        ..route(Op::ReservePut, "PUT", "/admin/reserved-aliases/{alias}", Origin, Operator)
    },
    Route {
        product: "links",
        summary: "Give an alias free again",
        response: (204, ""),
        problems: &[&links::INVALID, &problem::NOT_FOUND],
        ..route(Op::ReserveDelete, "DELETE", "/admin/reserved-aliases/{alias}", Origin, Operator)
    },
    Route {
        product: "links",
        summary: "List the aliases that the operator reserved",
        response: (200, "ListedPage"),
        query: &["limit", "cursor"],
        ..route(Op::ReserveList, "GET", "/admin/reserved-aliases", Origin, Operator)
    },
    Route {
        product: "limits",
        summary: "What one of the service's own policies decided",
        response: (200, "Usage"),
        query: &["from", "to"],
        problems: &[&limits::NOT_FOUND],
        ..route(Op::LimitOwnUsage, "GET", "/admin/limits/usage/{policy}", Origin, Operator)
    },
    Route {
        product: "payments",
        summary: "Verify the whole ledger",
        response: (200, "LedgerCheck"),
        ..route(Op::LedgerCheck, "GET", "/admin/ledger/check", Origin, Operator)
    },
    Route {
        product: "payments",
        summary: "Prove that an entry is in the log",
        response: (200, "LedgerProof"),
        query: &["entry"],
        problems: &[&payments::NO_ENTRY],
        ..route(Op::LedgerProof, "GET", "/admin/ledger/proof", Origin, Operator)
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
