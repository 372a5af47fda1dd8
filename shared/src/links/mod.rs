//! links: short URLs. The rules; the specification's requirement numbers stand as `L2`, `L6`.
//!
//! Invariant: a code is issued once and never again; what it leads to is decided by
//! [`redirect::decide`] from the register alone, without asking anyone.

pub mod agent;
pub mod alias;
pub mod code;
pub mod csv;
pub mod domain;
pub mod draft;
pub mod error;
pub mod import;
pub mod machine;
pub mod password;
pub mod query;
pub mod redirect;
pub mod request;
pub mod row;
pub mod rules;
pub mod stats;
pub mod target;
pub mod visitors;
pub mod wire;
