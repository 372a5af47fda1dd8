//! A principal's own data: what is asked for its export and its erasure, and how far it got.
//!
//! Invariant: a request has one part per product that keeps personal data, from its first answer
//! on; it is done when every part is. Refused: a subject that could be no user.

use crate::problem::{FORBIDDEN, FieldError, Problem, UNACCEPTABLE};
use crate::time::{self, DAY_MS, Millis};
use crate::token::is_sub;
use alloc::{collections::BTreeMap, string::String, vec};
use serde::{Deserialize, Serialize};

/// Ids of requests begin with this.
pub const ID_PREFIX: &str = "prv";
/// An export is kept this long after it is done.
pub const EXPORT_KEEP_MS: u64 = 7 * DAY_MS;

/// `POST /api/v1/privacy/exports`, `POST /api/v1/privacy/erasures`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PrivacyAsk {
    /// A user of the application, as the `sub` of its tokens.
    pub subject: String,
}

impl PrivacyAsk {
    /// Checks the subject, and whether `principal` may name it: a service names any user of its
    /// application, a user only itself.
    ///
    /// # Errors
    /// 422, 403.
    pub fn check(&self, principal: &str) -> Result<(), Problem> {
        if !is_sub(&self.subject) {
            let detail = "must be 1 to 255 bytes without control characters".into();
            let error = FieldError { pointer: "/subject".into(), detail };
            return Err(Problem::fields(&UNACCEPTABLE, vec![error]));
        }
        if is_others(principal, &self.subject) {
            return Err(Problem::new(&FORBIDDEN, "a user may only name itself"));
        }
        Ok(())
    }
}

/// Whether `principal` is another user than `subject`.
#[must_use]
pub fn is_others(principal: &str, subject: &str) -> bool {
    principal.strip_prefix("user:").is_some_and(|sub| sub != subject)
}

/// What is done with the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It is written out.
    Export,
    /// It is removed.
    Erasure,
}

/// How far a product got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It has not begun.
    Queued,
    /// It has begun.
    Running,
    /// It is through.
    Done,
    /// It is through, and something stays for the reason in `basis`.
    Retained,
}

impl State {
    /// As it is stored and shown.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Retained => "retained",
        }
    }
}

/// One product's part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PrivacyPart {
    /// How far it got.
    pub state: State,
    /// Why something stays; `null` when nothing does.
    pub basis: Option<String>,
    /// What was exported or erased, by its name.
    pub counts: BTreeMap<String, u64>,
}

/// A request and how far it got; of an erasure that is done, its receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PrivacyRequest {
    /// `prv_…`.
    pub id: String,
    /// What is done.
    pub kind: Kind,
    /// With whose data.
    pub subject: String,
    /// RFC 3339.
    #[serde(with = "time::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub created_at: Millis,
    /// RFC 3339; `null` until every product is through.
    #[serde(with = "time::rfc3339::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub done_at: Option<Millis>,
    /// Until when an export that is done can be read, RFC 3339.
    #[serde(with = "time::rfc3339::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub kept_until: Option<Millis>,
    /// By product.
    pub products: BTreeMap<String, PrivacyPart>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_names_itself_and_a_service_anybody() {
        let ask = |subject: &str| PrivacyAsk { subject: subject.into() };
        assert!(ask("ann").check("service:k").is_ok());
        assert!(ask("ann").check("user:ann").is_ok());
        assert_eq!(ask("ann").check("user:bob").unwrap_err().status(), 403);
        assert_eq!(ask("").check("service:k").unwrap_err().status(), 422);
        assert_eq!(ask("a\nb").check("service:k").unwrap_err().status(), 422);
        let stored = serde_json::to_value(State::Retained).unwrap();
        assert_eq!(stored, State::Retained.name());
    }
}
