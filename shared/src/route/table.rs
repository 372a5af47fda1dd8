//! The table itself. A product's routes stand together, in product order.

use super::Access::{Operator, Public, Scope, Service, Signed};
use super::Side::{self, Edge, Origin, Through};
use super::{Access, Op, Route};
use crate::links::error as links;
use crate::links::request::BULK_BYTES_MAX;
use crate::payments::error as payments;
use crate::payments::request::BATCH_BYTES_MAX;
use crate::{body, problem, roads};

const ENTRIES: &str = "/api/v1/accounts/{id}/entries";
const BALANCE: &str = "/api/v1/accounts/{id}/balance";
const CLOSE: &str = "/api/v1/accounts/{id}/close";
const POST: &str = "/api/v1/transfers/{id}/post";
const VOID: &str = "/api/v1/transfers/{id}/void";

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
        bytes_max: body::JSON_BYTES_MAX,
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
        product: "payments",
        summary: "Open an account",
        request: Some("AccountRequest"),
        response: (201, "Account"),
        problems: &[&payments::INVALID, &payments::CURRENCY, &payments::CARD_NUMBER],
        ..route(Op::AccountOpen, "POST", "/api/v1/accounts", Through, Scope("payments:write"))
    },
    Route {
        product: "payments",
        summary: "Read an account and its balance",
        response: (200, "Account"),
        problems: &[&payments::NO_ACCOUNT],
        ..route(Op::AccountGet, "GET", "/api/v1/accounts/{id}", Through, Scope("payments:read"))
    },
    Route {
        product: "payments",
        summary: "The account's entries, newest first",
        response: (200, "EntryPage"),
        query: &["limit", "cursor"],
        problems: &[&payments::NO_ACCOUNT],
        ..route(Op::AccountEntries, "GET", ENTRIES, Through, Scope("payments:read"))
    },
    Route {
        product: "payments",
        summary: "The account's balance at any moment of its past",
        response: (200, "BalanceAt"),
        query: &["at"],
        problems: &[&payments::NO_ACCOUNT],
        ..route(Op::AccountBalance, "GET", BALANCE, Through, Scope("payments:read"))
    },
    Route {
        product: "payments",
        summary: "Close an account whose balance is 0: it takes no more transfers",
        response: (200, "Account"),
        problems: &[&payments::NO_ACCOUNT, &payments::NOT_EMPTY, &payments::ALREADY_CLOSED],
        ..route(Op::AccountClose, "POST", CLOSE, Through, Scope("payments:write"))
    },
    Route {
        product: "payments",
        summary: "Move or hold money: once, or up to 8,000 times, all or nothing or one by one",
        request: Some("TransferRequest"),
        response: (201, "TransferAnswer"),
        bytes_max: BATCH_BYTES_MAX,
        problems: &[
            &payments::INVALID,
            &payments::AMOUNT,
            &payments::CURRENCY,
            &payments::SAME_ACCOUNT,
            &payments::UNKNOWN_ACCOUNT,
            &payments::CURRENCY_MISMATCH,
            &payments::ACCOUNT_CLOSED,
            &payments::BALANCE_OVERFLOW,
            &payments::CARD_NUMBER,
            &payments::OVERDRAFT,
        ],
        ..route(Op::TransferCreate, "POST", "/api/v1/transfers", Through, Scope("payments:write"))
    },
    Route {
        product: "payments",
        summary: "Read a transfer",
        response: (200, "Transfer"),
        problems: &[&payments::NO_TRANSFER],
        ..route(Op::TransferGet, "GET", "/api/v1/transfers/{id}", Through, Scope("payments:read"))
    },
    Route {
        product: "payments",
        summary: "Post a pending transfer, whole or in part",
        request: Some("PostRequest"),
        response: (200, "Transfer"),
        problems: &[
            &payments::NO_TRANSFER,
            &payments::NOT_PENDING,
            &payments::AMOUNT,
            &payments::EXCEEDS_HOLD,
            &payments::CARD_NUMBER,
        ],
        ..route(Op::TransferPost, "POST", POST, Through, Scope("payments:write"))
    },
    Route {
        product: "payments",
        summary: "Void a pending transfer",
        response: (200, "Transfer"),
        problems: &[&payments::NO_TRANSFER, &payments::NOT_PENDING],
        ..route(Op::TransferVoid, "POST", VOID, Through, Scope("payments:write"))
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
