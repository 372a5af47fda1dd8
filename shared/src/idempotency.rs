//! `Idempotency-Key`: one effect and one answer for however many copies of a request.
//!
//! Invariant: the answer is stored where the effect commits, in the same commit; there is no
//! claim row. The key's scope is the principal, its fingerprint the whole request. What is stored:
//! every 2xx and every 4xx that the product decided, for [`KEEP_MS`].
//! Source: draft-ietf-httpapi-idempotency-key-header-07.

use crate::envelope::Envelope;
use crate::problem::{IDEMPOTENCY_MISMATCH, IN_PROGRESS, MALFORMED, Problem};
use crate::time::DAY_MS;
use alloc::{format, string::String};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Stored answers are kept for 24 hours.
pub const KEEP_MS: u64 = DAY_MS;
/// A second copy that finds the key locked waits this long at most.
pub const WAIT_MS: u64 = 1_000;
const KEY_BYTES_MAX: usize = 255;

/// A request that names a key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Whose key it is ([`crate::sign::Context::idempotency_scope`]).
    pub scope: String,
    /// The client's text.
    pub key: String,
    /// See [`fingerprint`].
    pub fingerprint: String,
}

/// A stored answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Of the request that was answered.
    pub fingerprint: String,
    /// The answer, with its projections.
    pub answer: Envelope,
}

/// Checks the header's form.
///
/// # Errors
/// 400 unless it is 1–255 visible ASCII characters.
pub fn check_key(key: &str) -> Result<(), Problem> {
    if (1..=KEY_BYTES_MAX).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(());
    }
    let detail = format!("Idempotency-Key must be 1 to {KEY_BYTES_MAX} visible ASCII characters");
    Err(Problem::new(&MALFORMED, detail))
}

/// 400: the operation does nothing without a key.
#[must_use]
pub fn missing() -> Problem {
    Problem::new(&MALFORMED, "this operation requires the header Idempotency-Key")
}

/// SHA-256 of method, path?query, content type and raw body, as hexadecimal digits.
#[must_use]
pub fn fingerprint(method: &str, path_and_query: &str, media_type: &str, body: &[u8]) -> String {
    let mut hash = Sha256::new();
    for part in [method, path_and_query, media_type] {
        hash.update(part.as_bytes());
        hash.update([b'\n']);
    }
    hash.update(body);
    hex::encode(hash.finalize())
}

/// Whether an answer is stored under its key: not what says "who are you" or "not now".
#[must_use]
pub fn is_stored(status: u16) -> bool {
    matches!(status, 200..=299 | 400..=499) && !matches!(status, 401 | 403 | 413 | 429)
}

/// The answer for a copy of a request that was answered before.
///
/// # Errors
/// 422 when the key belongs to another request.
pub fn replay(key: &Key, record: &Record) -> Result<Envelope, Problem> {
    if key.fingerprint == record.fingerprint {
        return Ok(Envelope { replayed: true, ..record.answer.clone() });
    }
    let detail = "this Idempotency-Key was used for a request with other content";
    Err(Problem::new(&IDEMPOTENCY_MISMATCH, detail))
}

/// 409: another copy holds the key's lock.
#[must_use]
pub fn in_progress() -> Problem {
    let detail = "a request with this Idempotency-Key is being processed";
    Problem::new(&IN_PROGRESS, detail).retry_after(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_visible_ascii() {
        for good in ["a", "8e03978e-40d5-43dd-bc93-6894a57f9324", &"x".repeat(255)] {
            assert!(check_key(good).is_ok(), "{good}");
        }
        for bad in ["", "a b", "é", "a\n", &"x".repeat(256)] {
            assert_eq!(check_key(bad).unwrap_err().status(), 400, "{bad}");
        }
    }

    #[test]
    fn every_part_of_the_request_counts() {
        let one = fingerprint("POST", "/a", "application/json", b"{}");
        assert_ne!(one, fingerprint("PUT", "/a", "application/json", b"{}"));
        assert_ne!(one, fingerprint("POST", "/a?b", "application/json", b"{}"));
        assert_ne!(one, fingerprint("POST", "/a", "text/plain", b"{}"));
        assert_ne!(one, fingerprint("POST", "/a", "application/json", b"{ }"));
    }

    #[test]
    fn only_what_the_product_decided_is_stored() {
        for stored in [200, 201, 404, 409, 410, 422] {
            assert!(is_stored(stored), "{stored}");
        }
        for not in [302, 401, 403, 413, 429, 500, 503] {
            assert!(!is_stored(not), "{not}");
        }
    }
}
