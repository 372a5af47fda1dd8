//! The routes of fraud rules and reviews. What blocks money is guarded like money (M19).

use super::{CLOSED, route};
use crate::payments::error as payments;
use crate::problem;
use crate::route::Access::Scope;
use crate::route::Side::Through;
use crate::route::{Access, Op, Route};

const READ: Access = Scope("payments:read");
const WRITE: Access = Scope("payments:write");
const RULES: &str = "/api/v1/fraud/rules";
const RULE: &str = "/api/v1/fraud/rules/{name}";
const VERSIONS: &str = "/api/v1/fraud/rules/{name}/versions";
const DECISIONS: &str = "/api/v1/fraud/decisions";
const BACKTEST: &str = "/api/v1/fraud/backtest";
const REVIEW: &str = "/api/v1/payments/{id}/review";

pub(super) const ROUTES: &[Route] = &[
    Route {
        product: "payments",
        guard: CLOSED,
        summary: "Approve or reject a payment that a fraud rule holds for review",
        request: Some("ReviewRequest"),
        response: (200, "Payment"),
        problems: &[
            &payments::NO_PAYMENT,
            &payments::STATE,
            &payments::AMOUNT,
            &payments::UNKNOWN_ACCOUNT,
            &payments::ACCOUNT_CLOSED,
            &payments::OVERDRAFT,
            &payments::BALANCE_OVERFLOW,
        ],
        ..route(Op::PaymentReview, "POST", REVIEW, Through, WRITE)
    },
    Route {
        product: "payments",
        guard: CLOSED,
        summary: "Publish a fraud rule",
        request: Some("FraudRule"),
        response: (201, "PublishedFraudRule"),
        problems: &[&payments::INVALID, &payments::CARD_NUMBER, &problem::PRECONDITION_FAILED],
        ..route(Op::FraudRulePut, "PUT", RULE, Through, WRITE)
    },
    Route {
        product: "payments",
        guard: CLOSED,
        summary: "Read a fraud rule",
        response: (200, "PublishedFraudRule"),
        problems: &[&payments::NO_RULE],
        ..route(Op::FraudRuleGet, "GET", RULE, Through, READ)
    },
    Route {
        product: "payments",
        guard: CLOSED,
        summary: "Delete a fraud rule; its versions stay",
        response: (204, ""),
        problems: &[&payments::NO_RULE, &problem::PRECONDITION_FAILED],
        ..route(Op::FraudRuleDelete, "DELETE", RULE, Through, WRITE)
    },
    Route {
        product: "payments",
        guard: CLOSED,
        summary: "The application's fraud rules, by name",
        response: (200, "FraudRulePage"),
        query: &["limit", "cursor"],
        ..route(Op::FraudRuleList, "GET", RULES, Through, READ)
    },
    Route {
        product: "payments",
        guard: CLOSED,
        summary: "Every version that a fraud rule had, newest first, and who made it",
        response: (200, "FraudRuleVersionPage"),
        query: &["limit", "cursor"],
        problems: &[&payments::NO_RULE],
        ..route(Op::FraudRuleVersions, "GET", VERSIONS, Through, READ)
    },
    Route {
        product: "payments",
        guard: CLOSED,
        summary: "What fraud rules said of payments, and why, newest first",
        response: (200, "FraudDecisionPage"),
        query: &["limit", "cursor", "verdict"],
        problems: &[&payments::INVALID],
        ..route(Op::FraudDecisionList, "GET", DECISIONS, Through, READ)
    },
    Route {
        product: "payments",
        guard: CLOSED,
        summary: "Try fraud rules on the application's own history",
        request: Some("FraudBacktestRequest"),
        response: (200, "FraudBacktestAnswer"),
        problems: &[&payments::INVALID, &payments::CARD_NUMBER],
        ..route(Op::FraudBacktest, "POST", BACKTEST, Through, READ)
    },
];
