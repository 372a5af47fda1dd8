//! What the origin answers the edge: the client's answer, and the projections that make the
//! writer read its own write. The edge applies the projections before it passes the answer on.

use crate::problem::{MEDIA_TYPE, Problem};
use crate::roads::Register;
use alloc::{string::String, string::ToString, vec, vec::Vec};
use serde::{Deserialize, Serialize};

/// The headers that travel in an envelope and are replayed with it.
pub const HEADERS: [&str; 15] = [
    "content-type",
    "location",
    "etag",
    "retry-after",
    "allow",
    "cache-control",
    "content-range",
    // tus 1.0
    "tus-resumable",
    "tus-version",
    "tus-extension",
    "tus-checksum-algorithm",
    "tus-max-size",
    "upload-expires",
    "upload-length",
    "upload-offset",
];

/// An answer and its projections.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// HTTP status for the client.
    pub status: u16,
    /// Lower-case names from [`HEADERS`].
    pub headers: Vec<(String, String)>,
    /// The body, whole; empty for none.
    pub body: String,
    /// To be applied through their homes first; a replayed answer carries them again.
    #[serde(default)]
    pub projections: Vec<Register>,
    /// Whether this is a stored answer, given again.
    #[serde(default)]
    pub replayed: bool,
}

impl Envelope {
    /// A JSON answer.
    #[must_use]
    pub fn json<T: Serialize>(status: u16, body: &T) -> Self {
        Self {
            status,
            headers: vec![("content-type".into(), "application/json".into())],
            body: serde_json::to_string(body).unwrap_or_default(),
            projections: Vec::new(),
            replayed: false,
        }
    }

    /// An answer without a body.
    #[must_use]
    pub fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: String::new(),
            projections: Vec::new(),
            replayed: false,
        }
    }

    /// A problem's answer.
    #[must_use]
    pub fn problem(problem: &Problem, public_url: &str, request_id: &str) -> Self {
        let mut headers = vec![("content-type".into(), MEDIA_TYPE.into())];
        if let Some(seconds) = problem.retry_after_s {
            headers.push(("retry-after".into(), seconds.to_string()));
        }
        if let Some((name, value)) = &problem.header {
            headers.push(((*name).into(), value.clone()));
        }
        let body = problem.to_json(public_url, request_id);
        Self { headers, body, ..Self::empty(problem.status()) }
    }

    /// Adds a header.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// One header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}
