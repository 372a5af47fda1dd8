//! User tokens: JWTs signed with EdDSA by the platform's key or an application's own.

use super::{Caller, KID_BYTES_MAX, KeyRecord, Refused};
use crate::time::{DAY_MS, Millis};
use alloc::{format, string::String, string::ToString};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

/// A user token lives at most this long.
pub const TTL_MAX_MS: u64 = DAY_MS;
/// The two clocks may differ by this.
pub const SKEW_MS: u64 = 60_000;
/// A token's three parts: header and claims with every field at its bound stay below 2 KiB.
const TOKEN_BYTES_MAX: usize = 4_096;

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

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_790_000_000_000);

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
}
