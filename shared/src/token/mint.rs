//! Minting: what an application's backend asks for on behalf of a user.

use super::{Caller, TTL_MAX_MS};
use crate::problem::{FORBIDDEN, FieldError, Problem, UNACCEPTABLE};
use alloc::{format, string::String, vec};
use serde::{Deserialize, Serialize};

/// A token lives this long unless asked.
pub const TTL_DEFAULT_S: u64 = 3_600;
const SUB_BYTES_MAX: usize = 255;

/// `POST /api/v1/tokens`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    /// The user, in the application's own terms: 1 to 255 bytes without control characters.
    pub sub: String,
    /// Space-separated scopes, each within the minting key's; all of the key's when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Seconds, 1 to 86,400; 3,600 when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_s: Option<u64>,
}

/// The answer of `POST /api/v1/tokens`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TokenAnswer {
    /// A JWT for `Authorization: Bearer`.
    pub token: String,
    /// RFC 3339.
    pub expires_at: String,
}

/// Whether `sub` may name a user.
#[must_use]
pub fn is_sub(sub: &str) -> bool {
    (1..=SUB_BYTES_MAX).contains(&sub.len()) && !sub.chars().any(char::is_control)
}

impl TokenRequest {
    /// Checks the fields.
    ///
    /// # Errors
    /// 422 with pointers.
    pub fn check(&self) -> Result<(), Problem> {
        let mut errors = vec![];
        let mut refuse = |pointer: &str, detail: &str| {
            errors.push(FieldError { pointer: pointer.into(), detail: detail.into() });
        };
        if !is_sub(&self.sub) {
            refuse("/sub", "must be 1 to 255 bytes without control characters");
        }
        if self.ttl_s.is_some_and(|ttl| !(1..=TTL_MAX_MS / 1_000).contains(&ttl)) {
            refuse("/ttl_s", "must be a number of seconds from 1 to 86400");
        }
        if errors.is_empty() { Ok(()) } else { Err(Problem::fields(&UNACCEPTABLE, errors)) }
    }

    /// The scopes of the token that `minter` may have made.
    ///
    /// # Errors
    /// 403 when one is not the minter's, or when the minter is no service.
    pub fn scope_within(&self, minter: &Caller) -> Result<String, Problem> {
        if !minter.principal.starts_with("service:") {
            return Err(Problem::new(&FORBIDDEN, "tokens are minted with a service key"));
        }
        let Some(asked) = &self.scope else { return Ok(minter.scopes.join(" ")) };
        match asked.split(' ').find(|scope| !minter.may(scope)) {
            None => Ok(asked.clone()),
            Some(scope) => {
                let detail = format!("the key that mints does not hold the scope {scope:?}");
                Err(Problem::new(&FORBIDDEN, detail))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_only_shrink() {
        let ask = |scope: Option<&str>| TokenRequest {
            sub: "ann".into(),
            scope: scope.map(Into::into),
            ttl_s: None,
        };
        let minter = Caller {
            principal: "service:k".into(),
            app: "app_1".into(),
            tier: "free".into(),
            scopes: vec!["links:read".into(), "links:write".into()],
        };
        assert_eq!(ask(Some("links:read")).scope_within(&minter).unwrap(), "links:read");
        assert_eq!(ask(None).scope_within(&minter).unwrap(), "links:read links:write");
        let denied = ask(Some("links:read payments:write")).scope_within(&minter);
        assert_eq!(denied.unwrap_err().status(), 403);
        let user = Caller { principal: "user:ann".into(), ..minter };
        assert_eq!(ask(None).scope_within(&user).unwrap_err().status(), 403);
        assert!(TokenRequest { ttl_s: Some(86_401), ..ask(None) }.check().is_err());
        assert!(TokenRequest { sub: "a\n".into(), ..ask(None) }.check().is_err());
    }
}
