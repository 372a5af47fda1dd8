//! payments at the edge: what is refused before the origin is asked.

pub(crate) mod fraud;
