//! payments: the ledger at the edge's URL.

mod bad_input;
mod cards;
mod fraud;
mod hooks;
mod ledger;
mod own;
mod payouts;
mod proofs;
mod reconciliations;
mod steps;
mod webhooks;
