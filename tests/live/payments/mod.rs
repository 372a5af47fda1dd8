//! payments: the ledger at the edge's URL.

mod bad_input;
mod fraud;
mod ledger;
mod proofs;
