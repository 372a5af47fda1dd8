//! The routes of webhooks, in and out, and of the audit; they stand with payments.

use super::{CLOSED, route};
use crate::payments::error as payments;
use crate::problem;
use crate::route::Access::{Operator, Public, Scope};
use crate::route::Side::{Edge, Origin, Through};
use crate::route::{Access, Op, Route};
use crate::webhook::inbound;

const READ: Access = Scope("payments:read");
const WRITE: Access = Scope("payments:write");
const ALL: &str = "/api/v1/webhook_endpoints";
const ONE: &str = "/api/v1/webhook_endpoints/{id}";
const SECRET: &str = "/api/v1/webhook_endpoints/{id}/secret";
const TEST: &str = "/api/v1/webhook_endpoints/{id}/test";
const DELIVERIES: &str = "/api/v1/webhook_endpoints/{id}/deliveries";
const REDELIVER: &str = "/api/v1/webhook_endpoints/{id}/deliveries/{delivery}/redeliver";

pub(super) const ROUTES: &[Route] = &[
    Route {
        product: "payments",
        summary: "Take a gateway's signed event; answered once it is kept",
        response: (200, ""),
        bytes_max: inbound::BYTES_MAX,
        problems: &[
            &payments::NO_GATEWAY,
            &payments::HOOK_SIGNATURE,
            &payments::HOOK_STALE,
            &payments::CARD_NUMBER,
            &problem::MALFORMED,
            &problem::TOO_LARGE,
        ],
        ..route(Op::GatewayHook, "POST", "/hooks/gateway/{gateway}", Edge, Public)
    },
    Route {
        product: "payments",
        guard: CLOSED,
        summary: "Make a webhook endpoint; its secret is shown this once",
        request: Some("EndpointRequest"),
        response: (201, "WebhookEndpoint"),
        problems: &[&payments::CARD_NUMBER, &payments::ENDPOINTS_FULL],
        ..route(Op::WebhookCreate, "POST", ALL, Through, WRITE)
    },
    Route {
        product: "payments",
        guard: CLOSED,
        summary: "List the webhook endpoints",
        response: (200, "WebhookEndpointPage"),
        query: &["limit", "cursor"],
        ..route(Op::WebhookList, "GET", ALL, Through, READ)
    },
    Route {
        product: "payments",
        guard: CLOSED,
        summary: "Read a webhook endpoint",
        response: (200, "WebhookEndpoint"),
        problems: &[&payments::NO_ENDPOINT],
        ..route(Op::WebhookGet, "GET", ONE, Through, READ)
    },
    Route {
        product: "payments",
        guard: CLOSED,
        summary: "Change a webhook endpoint, or enable it again",
        request: Some("EndpointPatch"),
        response: (200, "WebhookEndpoint"),
        problems: &[&payments::NO_ENDPOINT, &payments::CARD_NUMBER, &problem::PRECONDITION_FAILED],
        ..route(Op::WebhookPatch, "PATCH", ONE, Through, WRITE)
    },
    Route {
        product: "payments",
        guard: CLOSED,
        summary: "Delete a webhook endpoint; what waits for it is not sent",
        response: (204, ""),
        problems: &[&payments::NO_ENDPOINT, &problem::PRECONDITION_FAILED],
        ..route(Op::WebhookDelete, "DELETE", ONE, Through, WRITE)
    },
    Route {
        product: "payments",
        guard: CLOSED,
        summary: "Make a new secret; the one before signs, too, for a day",
        response: (200, "WebhookEndpoint"),
        problems: &[&payments::NO_ENDPOINT],
        ..route(Op::WebhookRotate, "POST", SECRET, Through, WRITE)
    },
    Route {
        product: "payments",
        guard: CLOSED,
        summary: "Send the endpoint a message that means nothing",
        response: (202, "WebhookDelivery"),
        problems: &[&payments::NO_ENDPOINT, &payments::ENDPOINT_DISABLED],
        ..route(Op::WebhookTest, "POST", TEST, Through, WRITE)
    },
    Route {
        product: "payments",
        guard: CLOSED,
        summary: "What was sent to the endpoint, and what became of it; newest first",
        response: (200, "WebhookDeliveryPage"),
        query: &["status", "limit", "cursor"],
        problems: &[&payments::NO_ENDPOINT],
        ..route(Op::WebhookDeliveries, "GET", DELIVERIES, Through, READ)
    },
    Route {
        product: "payments",
        guard: CLOSED,
        summary: "Send a delivery again, whatever became of it",
        response: (202, "WebhookDelivery"),
        problems: &[&payments::NO_ENDPOINT, &payments::NO_DELIVERY, &payments::ENDPOINT_DISABLED],
        ..route(Op::WebhookRedeliver, "POST", REDELIVER, Through, WRITE)
    },
];

pub(super) const OPERATORS: &[Route] = &[
    Route {
        product: "payments",
        summary: "Webhooks that were tried for three days in vain, of every application",
        response: (200, "WebhookDeliveryPage"),
        query: &["limit", "cursor"],
        ..route(Op::WebhookDeadList, "GET", "/admin/webhooks/dead", Origin, Operator)
    },
    Route {
        product: "payments",
        summary: "Send a dead webhook again, for three more days",
        response: (204, ""),
        problems: &[&payments::NO_DELIVERY],
        ..route(Op::WebhookReplay, "POST", "/admin/webhooks/{delivery}/replay", Origin, Operator)
    },
    Route {
        summary: "Who changed what, when and from where: of an account or of a subject, as lines \
                  of JSON",
        query: &["account", "subject", "app"],
        problems: &[&payments::NO_ACCOUNT, &problem::NOT_FOUND],
        ..route(Op::AuditExport, "GET", "/admin/audit/export", Origin, Operator)
    },
    Route {
        summary: "Verify the audit's chain of hashes",
        response: (200, "AuditReport"),
        ..route(Op::AuditCheck, "GET", "/admin/audit/check", Origin, Operator)
    },
];
