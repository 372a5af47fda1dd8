//! The routes of payments proper, the operator's too. Money: see `payments.rs`.

use super::{CLOSED, route};
use crate::payments::error as payments;
use crate::problem;
use crate::route::Access::{Operator, Scope};
use crate::route::Side::{Origin, Through};
use crate::route::{Access, Op, Route};

const READ: Access = Scope("payments:read");
const WRITE: Access = Scope("payments:write");
const ALL: &str = "/api/v1/payments";
const ONE: &str = "/api/v1/payments/{id}";
const CAPTURE: &str = "/api/v1/payments/{id}/capture";
const CANCEL: &str = "/api/v1/payments/{id}/cancel";
const REFUNDS: &str = "/api/v1/payments/{id}/refunds";
const EVENTS: &str = "/api/v1/payments/{id}/events";
const RETRY: &str = "/admin/gateway-orders/{key}/retry";

pub(super) const ROUTES: &[Route] = &[
    Route {
        product: "payments",
        guard: CLOSED,
        summary: "Pay from an account or a gateway's token to another, at once or in steps",
        request: Some("PaymentRequest"),
        response: (201, "Payment"),
        problems: &[
            &payments::INVALID,
            &payments::AMOUNT,
            &payments::CURRENCY,
            &payments::GATEWAY,
            &payments::SAME_ACCOUNT,
            &payments::UNKNOWN_ACCOUNT,
            &payments::CURRENCY_MISMATCH,
            &payments::ACCOUNT_CLOSED,
            &payments::BALANCE_OVERFLOW,
            &payments::CARD_NUMBER,
            &payments::OVERDRAFT,
            &payments::BLOCKED,
        ],
        ..route(Op::PaymentCreate, "POST", ALL, Through, WRITE)
    },
    Route {
        product: "payments",
        guard: CLOSED,
        summary: "List the payments, newest first",
        response: (200, "PaymentPage"),
        query: &["limit", "cursor", "status", "review"],
        ..route(Op::PaymentList, "GET", ALL, Through, READ)
    },
    Route {
        product: "payments",
        guard: CLOSED,
        summary: "Read a payment",
        response: (200, "Payment"),
        problems: &[&payments::NO_PAYMENT],
        ..route(Op::PaymentGet, "GET", ONE, Through, READ)
    },
    Route {
        product: "payments",
        guard: CLOSED,
        summary: "Take what is authorized, whole or in part; the rest is released",
        request: Some("CaptureRequest"),
        response: (200, "Payment"),
        problems: &[
            &payments::NO_PAYMENT,
            &payments::STATE,
            &payments::REVIEW,
            &payments::AMOUNT,
            &payments::EXCEEDS_PAYMENT,
            &payments::CARD_NUMBER,
            &payments::UNKNOWN_ACCOUNT,
            &payments::ACCOUNT_CLOSED,
            &payments::OVERDRAFT,
            &payments::BALANCE_OVERFLOW,
        ],
        ..route(Op::PaymentCapture, "POST", CAPTURE, Through, WRITE)
    },
    Route {
        product: "payments",
        guard: CLOSED,
        summary: "Call a payment off before it is captured",
        response: (200, "Payment"),
        problems: &[&payments::NO_PAYMENT, &payments::STATE],
        ..route(Op::PaymentCancel, "POST", CANCEL, Through, WRITE)
    },
    Route {
        product: "payments",
        guard: CLOSED,
        summary: "Give what was captured back, whole or in part; fees stay where they are",
        request: Some("PaymentRefundRequest"),
        response: (201, "Payment"),
        problems: &[
            &payments::INVALID,
            &payments::NO_PAYMENT,
            &payments::STATE,
            &payments::AMOUNT,
            &payments::EXCEEDS_PAYMENT,
            &payments::CARD_NUMBER,
            &payments::ACCOUNT_CLOSED,
            &payments::OVERDRAFT,
            &payments::BALANCE_OVERFLOW,
        ],
        ..route(Op::PaymentRefund, "POST", REFUNDS, Through, WRITE)
    },
    Route {
        product: "payments",
        guard: CLOSED,
        summary: "The payment's refunds, oldest first",
        response: (200, "RefundPage"),
        query: &["limit", "cursor"],
        problems: &[&payments::NO_PAYMENT],
        ..route(Op::PaymentRefundList, "GET", REFUNDS, Through, READ)
    },
    Route {
        product: "payments",
        guard: CLOSED,
        summary: "What happened to the payment, oldest first",
        response: (200, "PaymentEventPage"),
        query: &["limit", "cursor"],
        problems: &[&payments::NO_PAYMENT],
        ..route(Op::PaymentEvents, "GET", EVENTS, Through, READ)
    },
    Route {
        product: "payments",
        summary: "What gateways were asked to do, or were not",
        response: (200, "GatewayOrderPage"),
        query: &["limit", "cursor", "parked"],
        ..route(Op::GatewayOrderList, "GET", "/admin/gateway-orders", Origin, Operator)
    },
    Route {
        product: "payments",
        summary: "Ask a gateway for a parked order again",
        response: (204, ""),
        problems: &[&problem::NOT_FOUND],
        ..route(Op::GatewayOrderRetry, "POST", RETRY, Origin, Operator)
    },
];
