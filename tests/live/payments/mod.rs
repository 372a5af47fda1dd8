//! payments: the ledger at the edge's URL.

mod bad_input;
mod cards;
mod hooks;
mod ledger;
mod payment;
mod payouts;
mod proofs;
mod reconciliations;
mod webhooks;
