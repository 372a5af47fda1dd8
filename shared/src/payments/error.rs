//! The problems of payments: what a caller can act on.

use crate::problem::{Class, Kind};

macro_rules! kinds {
    ($($name:ident $slug:literal $class:ident $title:literal;)*) => {
        $(#[doc = $title] pub const $name: Kind =
            Kind { product: "payments", slug: $slug, title: $title, class: Class::$class };)*
        /// Every problem type of payments.
        pub const KINDS: &[&Kind] = &[$(&$name),*];
    };
}

kinds! {
    INVALID "invalid" Unacceptable "The request is not acceptable";
    AMOUNT "invalid-amount" Unacceptable "The amount is not acceptable";
    CURRENCY "unknown-currency" Unacceptable "No such currency";
    SAME_ACCOUNT "same-account" Unacceptable "Both sides are one account";
    UNKNOWN_ACCOUNT "unknown-account" Unacceptable "The request names no account of yours";
    CURRENCY_MISMATCH "currency-mismatch" Unacceptable "The account has another currency";
    ACCOUNT_CLOSED "account-closed" Unacceptable "The account is closed";
    BALANCE_OVERFLOW "balance-overflow" Unacceptable "A balance would leave its bounds";
    CARD_NUMBER "card-number" Unacceptable "Card numbers are not accepted";
    EXCEEDS_HOLD "exceeds-hold" Unacceptable "More than the transfer holds";
    OVERDRAFT "overdraft" Conflict "The account's limits forbid it";
    NOT_PENDING "not-pending" Conflict "The transfer is not pending";
    NOT_EMPTY "account-not-empty" Conflict "The account is not empty";
    ALREADY_CLOSED "already-closed" Conflict "The account is closed already";
    KEPT "kept-by-payment" Conflict "The transfer belongs to a payment";
    STATE "payment-state" Conflict "The payment's state does not allow it";
    BLOCKED "blocked" Conflict "A fraud rule blocks the payment";
    REVIEW "review-pending" Conflict "The payment awaits its review";
    GATEWAY "unknown-gateway" Unacceptable "No such gateway";
    EXCEEDS_PAYMENT "exceeds-payment" Unacceptable "More than the payment has";
    LEDGER_TOO_LARGE "ledger-too-large" Conflict "The ledger is too large to wait for its check";
    NO_PAYMENT "no-such-payment" NotFound "No such payment";
    NO_ACCOUNT "no-such-account" NotFound "No such account";
    NO_TRANSFER "no-such-transfer" NotFound "No such transfer";
    NO_RULE "no-such-rule" NotFound "No such fraud rule";
    NO_ENTRY "no-such-entry" NotFound "No such entry";
    NO_GATEWAY "no-such-gateway" NotFound "No such gateway";
    HOOK_SIGNATURE "invalid-signature" Forbidden "The signature is not the gateway's";
    HOOK_STALE "stale-signature" Forbidden "The signature's time is too far off";
    NO_ENDPOINT "no-such-endpoint" NotFound "No such webhook endpoint";
    NO_DELIVERY "no-such-delivery" NotFound "No such delivery";
    ENDPOINTS_FULL "too-many-endpoints" Conflict "The application has as many endpoints as it may";
    ENDPOINT_DISABLED "endpoint-disabled" Conflict "The endpoint is disabled";
    NO_PAYOUT "no-such-payout" NotFound "No such payout";
    NO_SAGA "no-such-saga" NotFound "No such saga";
    NO_RECONCILIATION "no-such-reconciliation" NotFound "No such reconciliation";
    RECONCILING "reconciling" Conflict "A reconciliation is under way";
    STATEMENT "unreadable-statement" Unacceptable "The statement cannot be read";
    OF_A_PAYOUT "held-for-a-payout" Conflict "The hold belongs to a payout";
    SAGA_OVER "saga-is-over" Conflict "The saga is over";
}
