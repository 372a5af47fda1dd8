//! payments at the edge: what gateways send.

pub(crate) mod hooks;
