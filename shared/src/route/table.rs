//! The table itself. A product's routes stand together, in product order.

use super::Access::{Operator, Public, Scope, Service, Signed};
use super::Side::{self, Edge, Origin, Through};
use super::{Access, Op, Route};
use crate::limits::backtest;
use crate::limits::error as limits;
use crate::limits::guard::Guard;
use crate::limits::policy::OnFailure;
use crate::links::error as links;
use crate::links::request::BULK_BYTES_MAX;
use crate::{body, problem, roads};

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
        guard: match access {
            Public => Guard::Public,
            Scope(_) | Service => Guard::Api(OnFailure::Open),
            Operator | Signed => Guard::Free,
        },
        summary: "",
        request: None,
        response: (200, ""),
        query: &[],
        bytes_max: body::JSON_BYTES_MAX,
        problems: &[],
    }
}

/// What signs in, takes a password, makes a token or moves money (M19).
const CLOSED: Guard = Guard::Api(OnFailure::Closed);
const CHECK: Access = Scope("limits:check");
const READ: Access = Scope("limits:read");
const WRITE: Access = Scope("limits:write");
const OVERRIDE: &str = "/api/v1/limits/overrides/{policy}/{key}";
const EXPORTS: &str = "/api/v1/privacy/exports";
const EXPORT: &str = "/api/v1/privacy/exports/{request}";
const EXPORT_ITEMS: &str = "/api/v1/privacy/exports/{request}/items";
const ERASURES: &str = "/api/v1/privacy/erasures";
const ERASURE: &str = "/api/v1/privacy/erasures/{request}";

/// Every route, in product order.
pub const ROUTES: &[Route] = &[
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
    Route {
        product: "limits",
        summary: "Spend units of one limit, or of several at once",
        request: Some("CheckRequest"),
        response: (200, "CheckAnswer"),
        query: &["enforce"],
        problems: &[&limits::INVALID, &limits::NOT_FOUND, &limits::BANNED],
        ..route(Op::LimitCheck, "POST", "/api/v1/limits/check", Edge, CHECK)
    },
    Route {
        product: "limits",
        summary: "Look at a key, without spending",
        response: (200, "CheckAnswer"),
        query: &["policy", "key", "tier"],
        problems: &[&limits::INVALID, &limits::NOT_FOUND],
        ..route(Op::LimitPeek, "GET", "/api/v1/limits/peek", Edge, CHECK)
    },
    Route {
        product: "limits",
        summary: "Give units back that nobody used",
        request: Some("RefundRequest"),
        response: (200, "RefundAnswer"),
        problems: &[&limits::INVALID],
        ..route(Op::LimitRefund, "POST", "/api/v1/limits/refund", Edge, CHECK)
    },
    Route {
        product: "limits",
        summary: "Make one key different: its own limit, a ban, an exemption",
        request: Some("Exception"),
        response: (200, "Override"),
        problems: &[&limits::INVALID, &limits::NOT_FOUND],
        ..route(Op::LimitExcept, "PUT", OVERRIDE, Edge, WRITE)
    },
    Route {
        product: "limits",
        summary: "Make a key the same as others again",
        response: (204, ""),
        problems: &[&limits::INVALID, &limits::NOT_FOUND],
        ..route(Op::LimitUnexcept, "DELETE", OVERRIDE, Edge, WRITE)
    },
    Route {
        product: "limits",
        summary: "List the application's policies, by name",
        response: (200, "PolicyPage"),
        query: &["limit", "cursor"],
        ..route(Op::LimitPolicyList, "GET", "/api/v1/limits/policies", Through, READ)
    },
    Route {
        product: "limits",
        summary: "Publish a policy, or replace it; acts within a minute everywhere",
        request: Some("Policy"),
        response: (201, "PublishedPolicy"),
        problems: &[&limits::INVALID, &problem::PRECONDITION_FAILED],
        ..route(Op::LimitPolicyPut, "PUT", "/api/v1/limits/policies/{name}", Through, WRITE)
    },
    Route {
        product: "limits",
        summary: "Read a policy",
        response: (200, "PublishedPolicy"),
        problems: &[&limits::NOT_FOUND],
        ..route(Op::LimitPolicyGet, "GET", "/api/v1/limits/policies/{name}", Through, READ)
    },
    Route {
        product: "limits",
        summary: "Delete a policy",
        response: (204, ""),
        problems: &[&limits::NOT_FOUND, &problem::PRECONDITION_FAILED],
        ..route(Op::LimitPolicyDelete, "DELETE", "/api/v1/limits/policies/{name}", Through, WRITE)
    },
    Route {
        product: "limits",
        summary: "What a policy decided, by ten seconds, and its busiest keys",
        response: (200, "Usage"),
        query: &["from", "to"],
        problems: &[&limits::NOT_FOUND],
        ..route(Op::LimitUsage, "GET", "/api/v1/limits/policies/{name}/usage", Through, READ)
    },
    Route {
        product: "limits",
        summary: "What a policy would have done to a log of requests",
        request: Some("BacktestRequest"),
        response: (200, "BacktestAnswer"),
        bytes_max: backtest::BYTES_MAX,
        problems: &[&limits::INVALID, &limits::NOT_FOUND],
        ..route(Op::LimitBacktest, "POST", "/api/v1/limits/backtest", Through, READ)
    },
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
        summary: "What was exported, for seven days: records of links, visitors and clicks",
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
        problems: &[&links::NOT_FOUND, &links::GONE, &links::USED_UP],
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
        request: Some("BlockRequest"),
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
        response: (200, "BlockedDomainPage"),
        query: &["limit", "cursor"],
        ..route(Op::BlockList, "GET", "/admin/blocked-domains", Origin, Operator)
    },
    Route {
        product: "links",
        summary: "Reserve an alias, in whatever case: nobody may choose it",
        request: Some("BlockRequest"),
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
        response: (200, "ReservedAliasPage"),
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
