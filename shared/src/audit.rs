//! The audit: who changed what, when and from where, as a chain of hashes.
//!
//! Invariant: a record's hash covers the hash before it and every field of its own, so that none is
//! changed, taken out or put in unseen. A user stands in it by a pseudonym, and nothing that names
//! a person stands in it at all: what would lies aside under the subject's key.

use crate::time::{self, Millis};
use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

/// The hash before the first record.
pub const FIRST: &str = "";
/// How the principal of a user begins in whatever is kept for good: the pseudonym follows.
pub const SUBJECT: &str = "subject:";
/// Pseudonyms begin with this.
pub const PSEUDONYM_PREFIX: &str = "sbj";

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Record {
    /// 1, 2, 3 …
    pub n: u64,
    /// When.
    #[serde(with = "time::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub at: Millis,
    /// Whose it is; empty for the whole service's.
    pub app: String,
    /// Who: `service:{kid}`, `subject:{pseudonym}`, `operator`.
    pub by: String,
    /// What was done, as `webhook_endpoint.created`.
    pub action: String,
    /// To what: an id.
    pub object: String,
    /// From where: address, country and place of the edge, as far as they are known and may stand
    /// here.
    pub from: String,
    /// In which request.
    pub request: String,
    /// What changed, as JSON; never a secret.
    pub data: String,
}

/// The hash of a record behind another one, in hexadecimal digits.
#[must_use]
pub fn hash(before: &str, record: &Record) -> String {
    let Record { n, at, app, by, action, object, from, request, data } = record;
    let leaf = json!(["v1", before, n, at.0, app, by, action, object, from, request, data]);
    let leaf = serde_json::to_vec(&leaf).unwrap_or_default();
    hex::encode(Sha256::digest(leaf))
}

/// The answer of `GET /admin/audit/check`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AuditReport {
    /// Whether nothing was found.
    pub ok: bool,
    /// Records that were looked at.
    pub records: u64,
    /// The last one's hash: who keeps it elsewhere sees a chain that was cut.
    pub head: String,
    /// What was found, at most a hundred.
    pub faults: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p16_a_records_hash_is_frozen_and_covers_every_field() {
        let record = Record {
            n: 1,
            at: Millis(1_790_000_000_000),
            app: "app_1".into(),
            by: "service:k".into(),
            action: "webhook_endpoint.created".into(),
            object: "whe_1".into(),
            from: "192.0.2.1 JP NRT".into(),
            request: "req_1".into(),
            data: "{}".into(),
        };
        let whole = hash(FIRST, &record);
        assert_eq!(whole, "41de4d550e9556fb2b579ece85a81c96b84f0d0de94efefc635b91b2aca797ef");
        let other = |change: fn(&mut Record)| {
            let mut other = record.clone();
            change(&mut other);
            hash(FIRST, &other)
        };
        for changed in [
            other(|r| r.n = 2),
            other(|r| r.at = Millis(0)),
            other(|r| r.app.push('x')),
            other(|r| r.by.push('x')),
            other(|r| r.action.push('x')),
            other(|r| r.object.push('x')),
            other(|r| r.from.push('x')),
            other(|r| r.request.push('x')),
            other(|r| r.data.push('x')),
            hash("x", &record),
        ] {
            assert_ne!(changed, whole);
        }
    }
}
