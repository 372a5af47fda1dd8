//! The routes of payouts, of sagas and of reconciliation.

use super::{CLOSED, route};
use crate::payments::error as payments;
use crate::problem;
use crate::route::Access::{self, Operator, Scope};
use crate::route::Side::{Origin, Through};
use crate::route::{Op, Route};

const READ: Access = Scope("payments:read");
const WRITE: Access = Scope("payments:write");
const FINDINGS: &str = "/admin/reconciliations/{id}/findings";
const OWN: &str = "/api/v1/reconciliations";
const OWN_ONE: &str = "/api/v1/reconciliations/{id}";
const OWN_FINDINGS: &str = "/api/v1/reconciliations/{id}/findings";
const STATEMENT: &str = "/admin/statement-accounts/{id}";
/// A statement's file: a million lines of CSV have some 80 MB.
const STATEMENT_BYTES_MAX: u64 = 128 << 20;

pub(super) const ROUTES: &[Route] = &[
    Route {
        product: "payments",
        guard: CLOSED,
        summary: "Pay out to a bank account: reserved at once, posted when the bank has paid",
        request: Some("PayoutRequest"),
        response: (201, "Payout"),
        problems: &[
            &payments::INVALID,
            &payments::AMOUNT,
            &payments::CURRENCY,
            &payments::UNKNOWN_ACCOUNT,
            &payments::CURRENCY_MISMATCH,
            &payments::ACCOUNT_CLOSED,
            &payments::BALANCE_OVERFLOW,
            &payments::CARD_NUMBER,
            &payments::OVERDRAFT,
        ],
        ..route(Op::PayoutCreate, "POST", "/api/v1/payouts", Through, WRITE)
    },
    Route {
        product: "payments",
        guard: CLOSED,
        summary: "Read a payout",
        response: (200, "Payout"),
        problems: &[&payments::NO_PAYOUT],
        ..route(Op::PayoutGet, "GET", "/api/v1/payouts/{id}", Through, READ)
    },
    Route {
        product: "payments",
        guard: CLOSED,
        summary: "List the payouts, newest first",
        response: (200, "PayoutPage"),
        query: &["limit", "cursor"],
        ..route(Op::PayoutList, "GET", "/api/v1/payouts", Through, READ)
    },
    Route {
        product: "payments",
        guard: CLOSED,
        summary: "Hold a statement (camt.052, 053, 054 or CSV) against an account of one's own",
        response: (201, "Reconciliation"),
        query: crate::payments::reconcile::request::QUERY,
        bytes_max: STATEMENT_BYTES_MAX,
        problems: &[
            &problem::TOO_LARGE,
            &problem::UNSUPPORTED_MEDIA_TYPE,
            &problem::UNACCEPTABLE,
            &payments::STATEMENT,
            &payments::NO_ACCOUNT,
            &payments::RECONCILING,
        ],
        ..route(Op::OwnReconciliationCreate, "POST", OWN, Through, WRITE)
    },
    Route {
        product: "payments",
        guard: CLOSED,
        summary: "List the reconciliations of one's own accounts, newest first",
        response: (200, "ReconciliationPage"),
        query: &["limit", "cursor", "account"],
        ..route(Op::OwnReconciliationList, "GET", OWN, Through, READ)
    },
    Route {
        product: "payments",
        guard: CLOSED,
        summary: "Read a reconciliation of an account of one's own",
        response: (200, "Reconciliation"),
        problems: &[&payments::NO_RECONCILIATION],
        ..route(Op::OwnReconciliationGet, "GET", OWN_ONE, Through, READ)
    },
    Route {
        product: "payments",
        guard: CLOSED,
        summary: "What it has found, but for pairs that match",
        response: (200, "FindingPage"),
        query: &["limit", "cursor", "kind"],
        problems: &[&payments::NO_RECONCILIATION],
        ..route(Op::OwnReconciliationFindings, "GET", OWN_FINDINGS, Through, READ)
    },
    Route {
        product: "payments",
        summary: "List sagas, newest first",
        response: (200, "SagaPage"),
        query: &["limit", "cursor", "status"],
        ..route(Op::SagaList, "GET", "/admin/sagas", Origin, Operator)
    },
    Route {
        product: "payments",
        summary: "Read a saga and what it has done",
        response: (200, "Saga"),
        problems: &[&payments::NO_SAGA],
        ..route(Op::SagaGet, "GET", "/admin/sagas/{id}", Origin, Operator)
    },
    Route {
        product: "payments",
        summary: "Let a saga that is stuck go on, and one that waits be looked at now",
        response: (200, "Saga"),
        problems: &[&payments::NO_SAGA, &payments::SAGA_OVER],
        ..route(Op::SagaRetry, "POST", "/admin/sagas/{id}/retry", Origin, Operator)
    },
    Route {
        product: "payments",
        summary: "Hold a statement (camt.052, 053, 054 or CSV) against an account",
        response: (201, "Reconciliation"),
        query: crate::payments::reconcile::request::QUERY,
        bytes_max: STATEMENT_BYTES_MAX,
        problems: &[
            &problem::TOO_LARGE,
            &problem::UNACCEPTABLE,
            &payments::STATEMENT,
            &payments::NO_ACCOUNT,
            &payments::RECONCILING,
        ],
        ..route(Op::ReconciliationCreate, "POST", "/admin/reconciliations", Origin, Operator)
    },
    Route {
        product: "payments",
        summary: "List reconciliations, newest first",
        response: (200, "ReconciliationPage"),
        query: &["limit", "cursor", "account"],
        ..route(Op::ReconciliationList, "GET", "/admin/reconciliations", Origin, Operator)
    },
    Route {
        product: "payments",
        summary: "Read a reconciliation: its counts, its drift, what is proposed",
        response: (200, "Reconciliation"),
        problems: &[&payments::NO_RECONCILIATION],
        ..route(Op::ReconciliationGet, "GET", "/admin/reconciliations/{id}", Origin, Operator)
    },
    Route {
        product: "payments",
        summary: "What a reconciliation has found, but for pairs that match",
        response: (200, "FindingPage"),
        query: &["limit", "cursor", "kind"],
        problems: &[&payments::NO_RECONCILIATION],
        ..route(Op::ReconciliationFindings, "GET", FINDINGS, Origin, Operator)
    },
    Route {
        product: "payments",
        summary: "Say which bank account's statements are an account's, to be reconciled daily",
        request: Some("StatementAccount"),
        response: (200, "StatementAccount"),
        problems: &[&payments::INVALID, &payments::NO_ACCOUNT],
        ..route(Op::StatementAccountPut, "PUT", STATEMENT, Origin, Operator)
    },
    Route {
        product: "payments",
        summary: "What is reconciled by itself, and which report has not come",
        response: (200, "DailyClosePage"),
        query: &["limit", "cursor"],
        ..route(Op::DailyCloseList, "GET", "/admin/daily-closes", Origin, Operator)
    },
];
