//! The routes of limits.

use super::route;
use crate::limits::backtest;
use crate::limits::error as limits;
use crate::problem;
use crate::route::Access::Scope;
use crate::route::Side::{Edge, Through};
use crate::route::{Access, Op, Route};

const CHECK: Access = Scope("limits:check");
const READ: Access = Scope("limits:read");
const WRITE: Access = Scope("limits:write");
const OVERRIDE: &str = "/api/v1/limits/overrides/{policy}/{key}";

pub(super) const ROUTES: &[Route] = &[
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
];
