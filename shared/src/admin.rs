//! What the operator's API and the health checks say, in JSON.
//!
//! Invariant: ids are strings and times RFC 3339, as everywhere; a key's text stands in one
//! answer, [`KeyAnswer`], and nowhere else. What is refused: unknown fields in what is asked.

use crate::problem::{FieldError, Problem, UNACCEPTABLE};
use crate::route;
use crate::time::{self, Millis};
use crate::token::{Algorithm, Jwk};
use alloc::{format, string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// The tier of an application unless the operator names one.
pub const TIER_DEFAULT: &str = "free";
/// A name's characters.
pub const NAME_CHARS_MAX: usize = 100;
/// A tier's characters.
pub const TIER_BYTES_MAX: usize = 32;
/// Scopes of a key: more than the service will ever have.
pub const SCOPES_MAX: usize = 100;

/// `GET /healthz`, `GET /readyz`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Health {
    /// `ok`; what is not answers with a problem.
    pub status: String,
    /// The version of the program.
    pub version: String,
}

/// `POST /admin/applications`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AppRequest {
    /// For people: 1 to 100 characters.
    pub name: String,
    /// `[a-z]{1,32}`; `free` when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
}

/// An application: the owner of what its keys create.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct App {
    /// `app_…`.
    pub id: String,
    /// For people.
    pub name: String,
    /// Names its limits.
    pub tier: String,
    /// RFC 3339.
    #[serde(with = "time::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub created_at: Millis,
}

/// `POST /admin/keys`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct KeyRequest {
    /// `app_…`.
    pub app: String,
    /// `<product>:<verb>`, or `*` for every one; at least one.
    pub scopes: Vec<String>,
    /// For people: 1 to 100 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A key that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyAnswer {
    /// The key's public name, for its revocation.
    pub kid: String,
    /// The whole key, for `Authorization: Bearer`; it is stored nowhere and shown this once.
    pub key: String,
    /// `app_…`.
    pub app: String,
    /// What it may do.
    pub scopes: Vec<String>,
}

/// `POST /admin/public-keys`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PublicKeyRequest {
    /// `app_…`.
    pub app: String,
    /// What its tokens may claim: `<product>:<verb>`, or `*` for every one; at least one.
    pub scopes: Vec<String>,
    /// The key itself, an RFC 7517 JWK: `OKP`/`Ed25519` or `EC`/`P-256`, public members only.
    pub jwk: Jwk,
    /// For people: 1 to 100 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// An application's public key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PublicKey {
    /// What the head of its tokens must say.
    pub kid: String,
    /// `app_…`; what its tokens must have as `iss`.
    pub app: String,
    /// For people.
    pub name: String,
    /// The only algorithm of its tokens.
    pub alg: Algorithm,
    /// What its tokens may claim.
    pub scopes: Vec<String>,
    /// RFC 3339.
    #[serde(with = "time::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub created_at: Millis,
    /// RFC 3339; `null` while it is believed.
    #[serde(with = "time::rfc3339::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub revoked_at: Option<Millis>,
}

/// A projection that waits for the edge, or was refused by it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OutboxRow {
    /// The row's number.
    pub id: String,
    /// Whose key it is.
    pub product: String,
    /// The register's key.
    pub key: String,
    /// The register's epoch.
    pub epoch: u32,
    /// The register's version.
    pub version: u64,
    /// Deliveries that failed.
    pub attempts: u32,
    /// RFC 3339.
    #[serde(with = "time::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub created_at: Millis,
    /// Why its home refused it; `null` while it waits.
    pub parked: Option<String>,
}

/// An event that could not be applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeadLetter {
    /// The row's number.
    pub id: String,
    /// Who numbered the event.
    pub recorder: String,
    /// Its number there.
    pub seq: u64,
    /// Whose event it is.
    pub product: String,
    /// The event's body as it came, JSON text.
    pub body: String,
    /// Why it was not applied.
    pub why: String,
    /// RFC 3339.
    #[serde(with = "time::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub created_at: Millis,
}

/// `PUT /admin/blocked-domains/{name}`, `PUT /admin/reserved-aliases/{alias}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ListRequest {
    /// For the operators who come later: 1 to 100 characters.
    pub reason: String,
}

/// A name on one of the operator's lists: a domain that no link may lead to, an alias that nobody
/// may choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Listed {
    /// Lower case; of domains punycode, and everything below one is meant too.
    pub name: String,
    /// Why.
    pub reason: String,
    /// RFC 3339.
    #[serde(with = "time::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub created_at: Millis,
}

impl ListRequest {
    /// Checks the fields.
    ///
    /// # Errors
    /// 422 with pointers.
    pub fn check(&self) -> Result<(), Problem> {
        let mut errors = Vec::new();
        check_text("/reason", &self.reason, &mut errors);
        done(errors)
    }
}

impl AppRequest {
    /// Checks the fields.
    ///
    /// # Errors
    /// 422 with pointers.
    pub fn check(&self) -> Result<(), Problem> {
        let mut errors = Vec::new();
        check_text("/name", &self.name, &mut errors);
        let is_tier = |tier: &str| {
            (1..=TIER_BYTES_MAX).contains(&tier.len())
                && tier.bytes().all(|b| b.is_ascii_lowercase())
        };
        if self.tier.as_deref().is_some_and(|tier| !is_tier(tier)) {
            errors.push(error("/tier", format!("must be 1 to {TIER_BYTES_MAX} letters a to z")));
        }
        done(errors)
    }
}

impl KeyRequest {
    /// Checks the fields; whether the application exists, only the origin knows.
    ///
    /// # Errors
    /// 422 with pointers.
    pub fn check(&self) -> Result<(), Problem> {
        let mut errors = Vec::new();
        check_key(self.name.as_deref(), &self.scopes, &mut errors);
        done(errors)
    }
}

impl PublicKeyRequest {
    /// Checks the fields, and reads the key as [`Jwk::read`].
    ///
    /// # Errors
    /// 422 with pointers.
    pub fn check(&self) -> Result<(Algorithm, String), Problem> {
        let mut errors = Vec::new();
        check_key(self.name.as_deref(), &self.scopes, &mut errors);
        match self.jwk.read() {
            Ok(key) => done(errors).map(|()| key),
            Err(error) => {
                errors.push(error);
                Err(Problem::fields(&UNACCEPTABLE, errors))
            }
        }
    }
}

fn check_key(name: Option<&str>, scopes: &[String], errors: &mut Vec<FieldError>) {
    if let Some(name) = name {
        check_text("/name", name, errors);
    }
    if scopes.is_empty() || scopes.len() > SCOPES_MAX {
        errors.push(error("/scopes", format!("must be 1 to {SCOPES_MAX} scopes")));
    }
    if let Err(unknown) = route::check_scopes(scopes.iter().map(String::as_str)) {
        errors.push(error("/scopes", format!("{unknown:?} is no scope")));
    }
}

fn check_text(pointer: &str, text: &str, errors: &mut Vec<FieldError>) {
    let fits = (1..=NAME_CHARS_MAX).contains(&text.chars().count());
    if !fits || text.chars().any(char::is_control) {
        let detail = format!("must have 1 to {NAME_CHARS_MAX} characters, none of control");
        errors.push(error(pointer, detail));
    }
}

fn error(pointer: &str, detail: String) -> FieldError {
    FieldError { pointer: pointer.into(), detail }
}

fn done(errors: Vec<FieldError>) -> Result<(), Problem> {
    if errors.is_empty() { Ok(()) } else { Err(Problem::fields(&UNACCEPTABLE, errors)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body;

    fn pointers(checked: Result<(), Problem>) -> Vec<String> {
        let errors = checked.err().map(|problem| problem.errors).unwrap_or_default();
        errors.into_iter().map(|error| error.pointer).collect()
    }

    #[test]
    fn what_an_operator_asks_is_checked() {
        let app = |text: &str| body::parse::<AppRequest>(text.as_bytes()).and_then(|a| a.check());
        assert!(app(r#"{"name":"Shop","tier":"unlimited"}"#).is_ok());
        assert_eq!(pointers(app(r#"{"name":"","tier":"Gold"}"#)), ["/name", "/tier"]);
        assert_eq!(pointers(app(r#"{"name":"a","owner":1}"#)), ["/owner"]);
        let key = |text: &str| body::parse::<KeyRequest>(text.as_bytes()).and_then(|k| k.check());
        assert!(key(r#"{"app":"app_1","scopes":["links:read","*"],"name":"ci"}"#).is_ok());
        assert_eq!(pointers(key(r#"{"app":"app_1","scopes":[]}"#)), ["/scopes"]);
        assert_eq!(pointers(key(r#"{"app":"a","scopes":["links:fly"]}"#)), ["/scopes"]);
    }
}
