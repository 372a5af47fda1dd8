//! The routes of payments. Money: refused when its limit cannot be asked (M19).

use super::{CLOSED, route};
use crate::payments::error as payments;
use crate::payments::request::BATCH_BYTES_MAX;
use crate::route::Access::Scope;
use crate::route::Side::Through;
use crate::route::{Access, Op, Route};

const READ: Access = Scope("payments:read");
const WRITE: Access = Scope("payments:write");
const ENTRIES: &str = "/api/v1/accounts/{id}/entries";
const BALANCE: &str = "/api/v1/accounts/{id}/balance";
const HOLDS: &str = "/api/v1/accounts/{id}/holds";
const CLOSE: &str = "/api/v1/accounts/{id}/close";
const POST: &str = "/api/v1/transfers/{id}/post";
const VOID: &str = "/api/v1/transfers/{id}/void";

pub(super) const ROUTES: &[Route] = &[
    Route {
        product: "payments",
        guard: CLOSED,
        summary: "Open an account",
        request: Some("AccountRequest"),
        response: (201, "Account"),
        problems: &[&payments::INVALID, &payments::CURRENCY, &payments::CARD_NUMBER],
        ..route(Op::AccountOpen, "POST", "/api/v1/accounts", Through, WRITE)
    },
    Route {
        product: "payments",
        guard: CLOSED,
        summary: "List the accounts, newest first",
        response: (200, "AccountPage"),
        query: &["limit", "cursor", "name"],
        ..route(Op::AccountList, "GET", "/api/v1/accounts", Through, READ)
    },
    Route {
        product: "payments",
        guard: CLOSED,
        summary: "Read an account and its balance",
        response: (200, "Account"),
        problems: &[&payments::NO_ACCOUNT],
        ..route(Op::AccountGet, "GET", "/api/v1/accounts/{id}", Through, READ)
    },
    Route {
        product: "payments",
        guard: CLOSED,
        summary: "The account's entries, newest first",
        response: (200, "EntryPage"),
        query: &["limit", "cursor"],
        problems: &[&payments::NO_ACCOUNT],
        ..route(Op::AccountEntries, "GET", ENTRIES, Through, READ)
    },
    Route {
        product: "payments",
        guard: CLOSED,
        summary: "The account's balance at any moment of its past",
        response: (200, "BalanceAt"),
        query: &["at"],
        problems: &[&payments::NO_ACCOUNT],
        ..route(Op::AccountBalance, "GET", BALANCE, Through, READ)
    },
    Route {
        product: "payments",
        guard: CLOSED,
        summary: "The account's pending transfers, on either side, newest first",
        response: (200, "TransferPage"),
        query: &["limit", "cursor"],
        problems: &[&payments::NO_ACCOUNT],
        ..route(Op::AccountHolds, "GET", HOLDS, Through, READ)
    },
    Route {
        product: "payments",
        guard: CLOSED,
        summary: "Close an account whose balance is 0: it takes no more transfers",
        response: (200, "Account"),
        problems: &[&payments::NO_ACCOUNT, &payments::NOT_EMPTY, &payments::ALREADY_CLOSED],
        ..route(Op::AccountClose, "POST", CLOSE, Through, WRITE)
    },
    Route {
        product: "payments",
        guard: CLOSED,
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
        ..route(Op::TransferCreate, "POST", "/api/v1/transfers", Through, WRITE)
    },
    Route {
        product: "payments",
        guard: CLOSED,
        summary: "Read a transfer",
        response: (200, "Transfer"),
        problems: &[&payments::NO_TRANSFER],
        ..route(Op::TransferGet, "GET", "/api/v1/transfers/{id}", Through, READ)
    },
    Route {
        product: "payments",
        guard: CLOSED,
        summary: "Post a pending transfer, whole or in part",
        request: Some("PostRequest"),
        response: (200, "Transfer"),
        problems: &[
            &payments::NO_TRANSFER,
            &payments::NOT_PENDING,
            &payments::OF_A_PAYOUT,
            &payments::KEPT,
            &payments::AMOUNT,
            &payments::EXCEEDS_HOLD,
            &payments::CARD_NUMBER,
        ],
        ..route(Op::TransferPost, "POST", POST, Through, WRITE)
    },
    Route {
        product: "payments",
        guard: CLOSED,
        summary: "Void a pending transfer",
        response: (200, "Transfer"),
        problems: &[
            &payments::NO_TRANSFER,
            &payments::NOT_PENDING,
            &payments::OF_A_PAYOUT,
            &payments::KEPT,
        ],
        ..route(Op::TransferVoid, "POST", VOID, Through, WRITE)
    },
    Route {
        product: "payments",
        guard: CLOSED,
        summary: "Verify the application's own accounts against their entries",
        response: (200, "LedgerCheck"),
        problems: &[&payments::LEDGER_TOO_LARGE],
        ..route(Op::OwnLedgerCheck, "GET", "/api/v1/ledger/check", Through, READ)
    },
];
