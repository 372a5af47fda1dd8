//! links at the edge's URL.

mod bad_input;
mod changes;
mod clicks;
mod codes;
mod expiry;
mod reads;
mod redirects;
mod targets;
