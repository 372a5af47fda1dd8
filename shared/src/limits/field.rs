//! The header fields `RateLimit` and `RateLimit-Policy`.
//!
//! Source: draft-ietf-httpapi-ratelimit-headers, sections 4 and 5; structured fields, RFC 9651.
//! Invariant: a policy's name is `[a-z0-9-]`, so it stands in a string without escapes; numbers are
//! within the 15 digits of a structured integer.

use super::rule::Rule;
use crate::time::SECOND_MS;
use alloc::{format, string::String};

/// An item of `RateLimit-Policy`: the quota and its window in seconds, rounded up.
#[must_use]
pub fn policy(name: &str, rule: &Rule) -> String {
    format!("\"{name}\";q={};w={}", rule.limit, seconds(rule.window_ms))
}

/// An item of `RateLimit`: what remains, and the seconds until all of it is there again.
#[must_use]
pub fn remaining(name: &str, remaining: u64, reset_ms: u64) -> String {
    format!("\"{name}\";r={remaining};t={}", seconds(reset_ms))
}

/// `Retry-After`: rounded up and never 0 (M8).
#[must_use]
pub fn retry_after_s(wait_ms: u64) -> u32 {
    u32::try_from(seconds(wait_ms)).unwrap_or(u32::MAX).max(1)
}

fn seconds(ms: u64) -> u64 {
    ms.div_ceil(SECOND_MS)
}
