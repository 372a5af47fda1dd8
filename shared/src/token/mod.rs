//! Who calls: service keys, user tokens, scopes, and the record that the edge keeps of a key.
//!
//! Invariant: a service key that fails its MAC is refused without asking anyone; a stored key is
//! a hash; a token's algorithm is the one of its `kid`, never the one that its header claims;
//! scopes only shrink. Nothing here prints a secret.
//! Sources: RFC 7519 (JWT), RFC 8037 (EdDSA), RFC 8725 (best practice).

use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

mod given;
mod jwk;
mod mint;
mod service;
mod user;

pub use jwk::*;
pub use mint::*;
pub use service::*;
pub use user::*;

/// The registers' product under which keys travel to the edge.
pub const PRODUCT: &str = "keys";
/// A scope that covers every other; for a laptop's own key.
pub const EVERY_SCOPE: &str = "*";
const KID_BYTES_MAX: usize = 64;

/// What the edge knows of a key: the value of its register.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "use", rename_all = "snake_case")]
pub enum KeyRecord {
    /// A service key.
    Service {
        /// Whose it is.
        app: String,
        /// The application's tier.
        tier: String,
        /// What it may do.
        scopes: Vec<String>,
        /// SHA-256 of the secret, hexadecimal.
        secret_sha256: String,
        /// Revoked keys stay, so that a revocation is newer than the key.
        revoked: bool,
    },
    /// A public key that verifies user tokens (EdDSA).
    Verifier {
        /// The only application whose tokens it may verify; `None`: the platform's own key.
        app: Option<String>,
        /// 32 bytes, hexadecimal.
        ed25519: String,
        /// As above.
        revoked: bool,
    },
    /// An application's own public key: verifies the tokens that its backend signs.
    Application {
        /// Whose it is; its tokens are this application's and no other's.
        app: String,
        /// The application's tier.
        tier: String,
        /// The only algorithm that it verifies, whatever a token's header says.
        alg: Algorithm,
        /// See [`Jwk::read`].
        public: String,
        /// What its tokens may claim.
        scopes: Vec<String>,
        /// As above.
        revoked: bool,
    },
}

/// A caller that was recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// `service:{kid}` or `user:{sub}`.
    pub principal: String,
    /// The application that owns what the caller creates.
    pub app: String,
    /// The application's tier.
    pub tier: String,
    /// What the caller may do.
    pub scopes: Vec<String>,
}

impl Caller {
    /// Whether the caller holds `scope`.
    #[must_use]
    pub fn may(&self, scope: &str) -> bool {
        covers(&self.scopes, scope)
    }
}

fn covers(scopes: &[String], scope: &str) -> bool {
    scopes.iter().any(|held| held == scope || held == EVERY_SCOPE)
}

/// Why a credential was not recognised; says nothing about others' keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It has not the form of a credential.
    Form,
    /// The MAC or signature is wrong, or the key unknown.
    Unknown,
    /// The key was revoked.
    Revoked,
    /// The token has expired, or is not valid yet.
    Expired,
    /// The token claims more than its key may give.
    Scope,
}

impl Refused {
    /// One sentence for `WWW-Authenticate` and the problem's detail.
    #[must_use]
    pub fn detail(self) -> &'static str {
        match self {
            Self::Form => "the credential has not the form of a key or a token",
            Self::Unknown => "the credential is not known",
            Self::Revoked => "the key was revoked",
            Self::Expired => "the token has expired or is not valid yet",
            Self::Scope => "the token claims a scope that its key may not give",
        }
    }
}
