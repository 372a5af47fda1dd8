//! payments: the ledger at the edge's URL.

mod bad_input;
mod ledger;
mod proofs;
mod steps;
