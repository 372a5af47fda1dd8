//! payments at the edge: what gateways send, and what is refused before the origin is asked.

pub(crate) mod fraud;
pub(crate) mod hooks;
