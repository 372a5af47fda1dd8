//! payments: the ledger at the edge's URL.

mod bad_input;
mod ledger;
mod own;
mod payouts;
mod proofs;
mod reconciliations;
