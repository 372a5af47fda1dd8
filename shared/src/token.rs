//! Who calls: service keys, user tokens, scopes, and the record that the edge keeps of a key.
//!
//! Invariant: a service key that fails its MAC is refused without asking anyone; a stored key is
//! a hash; a token's algorithm is the one of its `kid`, never the one that its header claims;
//! scopes only shrink. Nothing here prints a secret.
//! Sources: RFC 7519 (JWT), RFC 8037 (EdDSA), RFC 8725 (best practice).

use crate::problem::{FORBIDDEN, FieldError, Problem, UNACCEPTABLE};
use crate::sign::mac;
use crate::time::{DAY_MS, Millis};
use alloc::{format, string::String, string::ToString, vec, vec::Vec};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The registers' product under which keys travel to the edge.
pub const PRODUCT: &str = "keys";
/// A scope that covers every other; for a laptop's own key.
pub const EVERY_SCOPE: &str = "*";
/// A user token lives at most this long.
pub const TTL_MAX_MS: u64 = DAY_MS;
/// And this long unless asked.
pub const TTL_DEFAULT_S: u64 = 3_600;
/// The two clocks may differ by this.
pub const SKEW_MS: u64 = 60_000;
const SUB_BYTES_MAX: usize = 255;
/// A token's three parts: header and claims with every field at its bound stay below 2 KiB.
const TOKEN_BYTES_MAX: usize = 4_096;
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
        }
    }
}

/// A service key whose MAC was right: `sk_{kid}_{secret}_{mac}`.
#[derive(Clone, PartialEq, Eq)]
pub struct ServiceKey {
    /// The key's public name.
    pub kid: String,
    secret: String,
}

impl ServiceKey {
    /// Makes a key from 32 drawn bytes. Only base62 in `kid`.
    #[must_use]
    pub fn mint(mac_key: &[u8], kid: &str, drawn: [u8; 32]) -> (Self, String) {
        let key = Self { kid: kid.into(), secret: hex::encode(drawn) };
        let text = format!("sk_{kid}_{}_{}", key.secret, key.mac(mac_key));
        (key, text)
    }

    /// Reads a key and checks its MAC, in constant time.
    ///
    /// # Errors
    /// [`Refused::Form`] or [`Refused::Unknown`].
    pub fn parse(mac_key: &[u8], text: &str) -> Result<Self, Refused> {
        let mut parts = text.strip_prefix("sk_").ok_or(Refused::Form)?.split('_');
        let (Some(kid), Some(secret), Some(given), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Refused::Form);
        };
        let plain = |part: &str| part.bytes().all(|b| b.is_ascii_alphanumeric());
        if !(1..=KID_BYTES_MAX).contains(&kid.len()) || !plain(kid) || !plain(secret) {
            return Err(Refused::Form);
        }
        let key = Self { kid: kid.into(), secret: secret.into() };
        let right = key.mac(mac_key).as_bytes().ct_eq(given.as_bytes());
        if bool::from(right) { Ok(key) } else { Err(Refused::Unknown) }
    }

    /// What is stored instead of the secret.
    #[must_use]
    pub fn secret_sha256(&self) -> String {
        hex::encode(Sha256::digest(self.secret.as_bytes()))
    }

    /// Recognises the caller by the key's record.
    ///
    /// # Errors
    /// [`Refused::Unknown`] or [`Refused::Revoked`].
    pub fn caller(&self, record: &KeyRecord) -> Result<Caller, Refused> {
        let KeyRecord::Service { app, tier, scopes, secret_sha256, revoked } = record else {
            return Err(Refused::Unknown);
        };
        if !bool::from(self.secret_sha256().as_bytes().ct_eq(secret_sha256.as_bytes())) {
            return Err(Refused::Unknown);
        }
        if *revoked {
            return Err(Refused::Revoked);
        }
        Ok(Caller {
            principal: format!("service:{}", self.kid),
            app: app.clone(),
            tier: tier.clone(),
            scopes: scopes.clone(),
        })
    }

    fn mac(&self, mac_key: &[u8]) -> String {
        let mac = mac(mac_key, &format!("sk\n{}\n{}", self.kid, self.secret));
        hex::encode(mac.get(..16).unwrap_or_default())
    }
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: String,
    #[serde(default)]
    crit: Option<serde_json::Value>,
}

/// The claims of a user token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The service's public URL.
    pub iss: String,
    /// The application.
    pub app: String,
    /// The application's tier when the token was made.
    pub tier: String,
    /// The user, in the application's own terms.
    pub sub: String,
    /// Space-separated scopes.
    pub scope: String,
    /// Seconds since the epoch.
    pub iat: u64,
    /// Seconds since the epoch.
    pub exp: u64,
}

/// Makes a token signed with EdDSA.
#[must_use]
pub fn sign_token(seed: &[u8; 32], kid: &str, claims: &Claims) -> String {
    let header = format!(r#"{{"alg":"EdDSA","typ":"JWT","kid":"{kid}"}}"#);
    let claims = serde_json::to_vec(claims).unwrap_or_default();
    let encode = |part: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(part);
    let text = format!("{}.{}", encode(header.as_bytes()), encode(&claims));
    let signature = SigningKey::from_bytes(seed).sign(text.as_bytes());
    format!("{text}.{}", encode(&signature.to_bytes()))
}

/// The public half of a seed, hexadecimal.
#[must_use]
pub fn public_half(seed: &[u8; 32]) -> String {
    hex::encode(SigningKey::from_bytes(seed).verifying_key().to_bytes())
}

/// A token that was taken apart; nothing of it is believed yet.
pub struct Unverified<'a> {
    /// Names the key that must have signed it.
    pub kid: String,
    alg: String,
    signed: &'a str,
    signature: [u8; 64],
    claims: Claims,
}

/// Takes a token apart.
///
/// # Errors
/// [`Refused::Form`].
pub fn read_token(text: &str) -> Result<Unverified<'_>, Refused> {
    if text.len() > TOKEN_BYTES_MAX {
        return Err(Refused::Form);
    }
    let (signed, signature) = text.rsplit_once('.').ok_or(Refused::Form)?;
    let (header, claims) = signed.split_once('.').ok_or(Refused::Form)?;
    let decode = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| Refused::Form);
    let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| Refused::Form)?;
    let claims = serde_json::from_slice(&decode(claims)?).map_err(|_| Refused::Form)?;
    let signature = decode(signature)?.try_into().map_err(|_| Refused::Form)?;
    if header.crit.is_some() || header.kid.is_empty() || header.kid.len() > KID_BYTES_MAX {
        return Err(Refused::Form);
    }
    Ok(Unverified { kid: header.kid, alg: header.alg, signed, signature, claims })
}

impl Unverified<'_> {
    /// Checks the signature with the key that `kid` names, then the claims.
    ///
    /// # Errors
    /// [`Refused::Unknown`], [`Refused::Revoked`] or [`Refused::Expired`].
    pub fn caller(&self, record: &KeyRecord, iss: &str, now: Millis) -> Result<Caller, Refused> {
        let KeyRecord::Verifier { app, ed25519, revoked } = record else {
            return Err(Refused::Unknown);
        };
        let mut public = [0; 32];
        hex::decode_to_slice(ed25519, &mut public).map_err(|_| Refused::Unknown)?;
        let key = VerifyingKey::from_bytes(&public).map_err(|_| Refused::Unknown)?;
        let signature = Signature::from_bytes(&self.signature);
        let right = key.verify_strict(self.signed.as_bytes(), &signature).is_ok();
        let claims = &self.claims;
        let owned = app.as_ref().is_none_or(|app| *app == claims.app);
        if !right || self.alg != "EdDSA" || !owned || claims.iss != iss || claims.sub.is_empty() {
            return Err(Refused::Unknown);
        }
        if *revoked {
            return Err(Refused::Revoked);
        }
        let (iat, exp) = (claims.iat.saturating_mul(1_000), claims.exp.saturating_mul(1_000));
        let alive = now.0 < exp.saturating_add(SKEW_MS) && iat <= now.0.saturating_add(SKEW_MS);
        if !alive || exp.saturating_sub(iat) > TTL_MAX_MS {
            return Err(Refused::Expired);
        }
        Ok(Caller {
            principal: format!("user:{}", claims.sub),
            app: claims.app.clone(),
            tier: claims.tier.clone(),
            scopes: claims.scope.split(' ').map(ToString::to_string).collect(),
        })
    }
}

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
        let sub = &self.sub;
        if sub.is_empty() || sub.len() > SUB_BYTES_MAX || sub.chars().any(char::is_control) {
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

    const NOW: Millis = Millis(1_790_000_000_000);
    const MAC_KEY: &[u8] = &[9; 32];

    fn service(key: &ServiceKey, revoked: bool) -> KeyRecord {
        KeyRecord::Service {
            app: "app_1".into(),
            tier: "free".into(),
            scopes: vec!["links:write".into()],
            secret_sha256: key.secret_sha256(),
            revoked,
        }
    }

    #[test]
    fn a_service_key_is_recognised_by_mac_and_record() {
        let (key, text) = ServiceKey::mint(MAC_KEY, "00000abc", [3; 32]);
        let read = ServiceKey::parse(MAC_KEY, &text).unwrap();
        let caller = read.caller(&service(&key, false)).unwrap();
        assert!(caller.may("links:write") && !caller.may("links:read"));
        assert_eq!(read.caller(&service(&key, true)), Err(Refused::Revoked));
        let (other, _) = ServiceKey::mint(MAC_KEY, "00000abc", [4; 32]);
        assert_eq!(read.caller(&service(&other, false)), Err(Refused::Unknown));
        assert!(ServiceKey::parse(&[8; 32], &text).is_err_and(|e| e == Refused::Unknown));
        for broken in ["", "sk_", "sk_a_b", "sk___", &text[1..], &format!("{text}_x")] {
            assert!(ServiceKey::parse(MAC_KEY, broken).is_err(), "{broken}");
        }
    }

    fn claims() -> Claims {
        let iat = NOW.0 / 1_000;
        Claims {
            iss: "https://s.example".into(),
            app: "app_1".into(),
            tier: "free".into(),
            sub: "ann".into(),
            scope: "links:read links:write".into(),
            iat,
            exp: iat + 60,
        }
    }

    fn verifier(app: Option<&str>, revoked: bool) -> KeyRecord {
        KeyRecord::Verifier { app: app.map(Into::into), ed25519: public_half(&[5; 32]), revoked }
    }

    fn refused(claims: &Claims, record: &KeyRecord, at: Millis) -> Option<Refused> {
        let token = sign_token(&[5; 32], "p1", claims);
        let read = read_token(&token).unwrap();
        read.caller(record, "https://s.example", at).err()
    }

    #[test]
    fn a_token_is_checked_whole() {
        let good = verifier(None, false);
        assert_eq!(refused(&claims(), &good, NOW), None);
        assert_eq!(refused(&claims(), &good, NOW.plus(60_000 + SKEW_MS - 1)), None);
        let late = NOW.plus(60_000 + SKEW_MS);
        assert_eq!(refused(&claims(), &good, late), Some(Refused::Expired));
        let early = Millis(NOW.0 - SKEW_MS - 1_000);
        assert_eq!(refused(&claims(), &good, early), Some(Refused::Expired));
        assert_eq!(refused(&claims(), &verifier(None, true), NOW), Some(Refused::Revoked));
        assert_eq!(refused(&claims(), &verifier(Some("app_1"), false), NOW), None);
        let strange = verifier(Some("app_2"), false);
        assert_eq!(refused(&claims(), &strange, NOW), Some(Refused::Unknown));
        let long = Claims { exp: claims().iat + 86_401, ..claims() };
        assert_eq!(refused(&long, &good, NOW), Some(Refused::Expired));
        let iss = Claims { iss: "https://other.example".into(), ..claims() };
        assert_eq!(refused(&iss, &good, NOW), Some(Refused::Unknown));
    }

    #[test]
    fn another_algorithm_another_key_or_a_changed_byte_is_refused() {
        let encode = |part: &str| BASE64_URL_SAFE_NO_PAD.encode(part);
        let token = sign_token(&[5; 32], "p1", &claims());
        let (_, rest) = token.split_once('.').unwrap();
        for header in [
            r#"{"alg":"none","kid":"p1"}"#,
            r#"{"alg":"HS256","kid":"p1"}"#,
            r#"{"alg":"EdDSA","kid":"p1","x":1}"#,
        ] {
            let forged = format!("{}.{rest}", encode(header));
            let read = read_token(&forged).unwrap();
            let caller = read.caller(&verifier(None, false), "https://s.example", NOW);
            assert_eq!(caller, Err(Refused::Unknown), "{header}");
        }
        for header in [r#"{"alg":"EdDSA","kid":"p1","crit":["b64"]}"#, r#"{"alg":"EdDSA"}"#, "x"] {
            assert!(read_token(&format!("{}.{rest}", encode(header))).is_err(), "{header}");
        }
        let other = sign_token(&[6; 32], "p1", &claims());
        let read = read_token(&other).unwrap();
        let caller = read.caller(&verifier(None, false), "https://s.example", NOW);
        assert_eq!(caller, Err(Refused::Unknown));
    }

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
