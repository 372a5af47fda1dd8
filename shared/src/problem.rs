//! Errors that a caller can act on: RFC 9457 problems, one closed list per product.
//!
//! Invariant: every problem that leaves the service is a [`Kind`] of some list, so that its type
//! resolves at `{PUBLIC_URL}/problems/<product>/<slug>` and stands in the OpenAPI document. What a
//! caller cannot act on is [`INTERNAL`]: opaque outside, logged once where it happens.

use alloc::{format, string::String, string::ToString, vec::Vec};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// The media type of a problem.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// What sort of failure; decides the status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each name is its status' name")]
pub enum Class {
    Malformed,
    Unauthenticated,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    Conflict,
    Gone,
    LengthRequired,
    PreconditionFailed,
    TooLarge,
    UnsupportedMediaType,
    RangeNotSatisfiable,
    ChecksumMismatch,
    Unacceptable,
    Limited,
    Internal,
    Unavailable,
}

impl Class {
    /// The HTTP status: the one place that maps a failure to a number.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::Malformed => 400,
            Self::Unauthenticated => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::Conflict => 409,
            Self::Gone => 410,
            Self::LengthRequired => 411,
            Self::PreconditionFailed => 412,
            Self::TooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::RangeNotSatisfiable => 416,
            // No status of HTTP's own: tus 1.0, extension `checksum`.
            Self::ChecksumMismatch => 460,
            Self::Unacceptable => 422,
            Self::Limited => 429,
            Self::Internal => 500,
            Self::Unavailable => 503,
        }
    }
}

/// One problem type.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// The product, or `http` for what is no product's.
    pub product: &'static str,
    /// The last segment of the type's URL.
    pub slug: &'static str,
    /// The same for every occurrence.
    pub title: &'static str,
    /// Decides the status.
    pub class: Class,
}

macro_rules! http_kinds {
    ($($name:ident $slug:literal $class:ident $title:literal;)*) => {
        $(#[doc = $title] pub const $name: Kind =
            Kind { product: "http", slug: $slug, title: $title, class: Class::$class };)*
        /// Every problem type that is no product's.
        pub const HTTP: &[&Kind] = &[$(&$name),*];
    };
}

http_kinds! {
    MALFORMED "malformed" Malformed "The request cannot be read";
    UNAUTHENTICATED "unauthenticated" Unauthenticated "Authentication is required";
    FORBIDDEN "forbidden" Forbidden "Not allowed";
    NOT_FOUND "not-found" NotFound "Not found";
    METHOD_NOT_ALLOWED "method-not-allowed" MethodNotAllowed "Method not allowed";
    CONFLICT "conflict" Conflict "The request conflicts with what exists";
    IN_PROGRESS "in-progress" Conflict "The same request is still being processed";
    LENGTH_REQUIRED "length-required" LengthRequired "The length of the body is required";
    PRECONDITION_FAILED "precondition-failed" PreconditionFailed "The resource has changed";
    TOO_LARGE "too-large" TooLarge "The request is too large";
    UNSUPPORTED_MEDIA_TYPE "unsupported-media-type" UnsupportedMediaType "Unsupported media type";
    RANGE_NOT_SATISFIABLE "range-not-satisfiable" RangeNotSatisfiable
        "The range begins beyond the end";
    UNACCEPTABLE "unacceptable" Unacceptable "The request is not acceptable";
    IDEMPOTENCY_MISMATCH "idempotency-mismatch" Unacceptable
        "The idempotency key was used for another request";
    INTERNAL "internal" Internal "Something failed on our side";
    UNAVAILABLE "unavailable" Unavailable "A dependency is not available";
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// RFC 6901 pointer into the request's body.
    pub pointer: String,
    /// One sentence for people.
    pub detail: String,
}

/// One occurrence of a problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Its type.
    pub kind: &'static Kind,
    /// One sentence about this occurrence; never holds a secret.
    pub detail: String,
    /// The fields at fault; empty when it is none's.
    pub errors: Vec<FieldError>,
    /// Seconds after which a new try makes sense (`Retry-After`).
    pub retry_after_s: Option<u32>,
    /// The header that its status must have: `Allow` with [`METHOD_NOT_ALLOWED`], `Content-Range`
    /// with [`RANGE_NOT_SATISFIABLE`].
    pub header: Option<(&'static str, String)>,
}

impl Problem {
    /// A problem without fields.
    #[must_use]
    pub fn new(kind: &'static Kind, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self { kind, detail, errors: Vec::new(), retry_after_s: None, header: None }
    }

    /// A problem of fields.
    #[must_use]
    pub fn fields(kind: &'static Kind, errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [one] => format!("{}: {}", one.pointer, one.detail),
            many => format!("{} fields are not acceptable", many.len()),
        };
        Self { errors, ..Self::new(kind, detail) }
    }

    /// The same, with a time to come back.
    #[must_use]
    pub fn retry_after(self, seconds: u32) -> Self {
        Self { retry_after_s: Some(seconds), ..self }
    }

    /// The same, with the header that its status must have; the name in lower case.
    #[must_use]
    pub fn with(self, name: &'static str, value: impl Into<String>) -> Self {
        Self { header: Some((name, value.into())), ..self }
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.kind.class.status()
    }

    /// The body; `public_url` makes the type absolute, `instance` is the request's id.
    #[must_use]
    pub fn to_json(&self, public_url: &str, instance: &str) -> String {
        let mut members = Map::new();
        members.insert("type".into(), Value::String(type_url(self.kind, public_url)));
        members.insert("title".into(), json!(self.kind.title));
        members.insert("status".into(), json!(self.status()));
        members.insert("detail".into(), json!(self.detail));
        members.insert("instance".into(), json!(instance));
        if !self.errors.is_empty() {
            members.insert("errors".into(), json!(self.errors));
        }
        Value::Object(members).to_string()
    }
}

/// The absolute URL that names a problem type.
#[must_use]
pub fn type_url(kind: &Kind, public_url: &str) -> String {
    format!("{}/problems/{}/{}", public_url.trim_end_matches('/'), kind.product, kind.slug)
}

/// Every problem type of the service, in product order.
pub fn all() -> impl Iterator<Item = &'static Kind> {
    let products = [crate::links::error::KINDS, crate::limits::error::KINDS];
    let later = [crate::video::error::KINDS, crate::payments::error::KINDS];
    let products = products.into_iter().chain(later);
    HTTP.iter().chain(products.flatten()).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_has_the_members_of_rfc_9457() {
        let field = FieldError { pointer: "/long_url".into(), detail: "no host".into() };
        let problem = Problem::fields(&UNACCEPTABLE, alloc::vec![field]);
        let body: Value =
            serde_json::from_str(&problem.to_json("https://s.example/", "req_1")).unwrap();
        assert_eq!(body["type"], "https://s.example/problems/http/unacceptable");
        assert_eq!(body["status"], 422);
        assert_eq!(body["instance"], "req_1");
        assert_eq!(body["errors"][0]["pointer"], "/long_url");
    }

    #[test]
    fn a_type_stands_once() {
        let mut types: Vec<String> = all().map(|k| type_url(k, "")).collect();
        let count = types.len();
        types.sort();
        types.dedup();
        assert_eq!(types.len(), count);
    }
}
