//! User tokens: JWTs signed with EdDSA by the platform's key, or with EdDSA or ES256 by an
//! application's own.
//!
//! Invariant: the algorithm is the key's; a token of an application's key has its application as
//! `iss`, the service's URL in `aud`, and no scope that the key may not give: one beyond is a 401,
//! not a smaller scope, so that a mistake of the backend is heard at once.

use super::given::{Given, Header};
use super::{Algorithm, Caller, KID_BYTES_MAX, KeyRecord, Refused, covers, is_sub};
use crate::time::{DAY_MS, Millis};
use alloc::{format, string::String, string::ToString};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ed25519_dalek::{Signer, SigningKey};
use serde::{Deserialize, Serialize};

/// A user token lives at most this long.
pub const TTL_MAX_MS: u64 = DAY_MS;
/// The two clocks may differ by this.
pub const SKEW_MS: u64 = 60_000;
/// A token's three parts: header and claims with every field at its bound stay below 2 KiB.
const TOKEN_BYTES_MAX: usize = 4_096;

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
    claims: Given,
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
    if header.crit || header.kid.is_empty() || header.kid.len() > KID_BYTES_MAX {
        return Err(Refused::Form);
    }
    Ok(Unverified { kid: header.kid, alg: header.alg, signed, signature, claims })
}

impl Unverified<'_> {
    /// Checks the signature with the key that `kid` names, then the claims.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn caller(&self, record: &KeyRecord, iss: &str, now: Millis) -> Result<Caller, Refused> {
        let claims = &self.claims;
        if !is_sub(&claims.sub) {
            return Err(Refused::Unknown);
        }
        match record {
            KeyRecord::Service { .. } => Err(Refused::Unknown),
            KeyRecord::Verifier { app, ed25519, revoked } => {
                self.check_signature(Algorithm::EdDsa, ed25519, *revoked)?;
                let (Some(claimed), Some(tier)) = (&claims.app, &claims.tier) else {
                    return Err(Refused::Unknown);
                };
                let owned = app.as_ref().is_none_or(|app| app == claimed);
                if !owned || claims.iss != iss {
                    return Err(Refused::Unknown);
                }
                self.known(claimed, tier, now)
            }
            KeyRecord::Application { app, tier, alg, public, scopes, revoked } => {
                self.check_signature(*alg, public, *revoked)?;
                // Its backend speaks for itself, to us, about its own users only.
                let own = claims.app.as_ref().is_none_or(|claimed| claimed == app);
                if claims.iss != *app || !claims.is_for(iss) || !own {
                    return Err(Refused::Unknown);
                }
                if claims.scopes().any(|scope| !covers(scopes, scope)) {
                    return Err(Refused::Scope);
                }
                // A tier is the operator's to give, so the token's own word is not heard.
                self.known(app, tier, now)
            }
        }
    }

    fn check_signature(&self, alg: Algorithm, public: &str, revoked: bool) -> Result<(), Refused> {
        let is_its = self.alg == alg.name();
        if !is_its || !alg.is_signed(public, self.signed.as_bytes(), &self.signature) {
            return Err(Refused::Unknown);
        }
        if revoked { Err(Refused::Revoked) } else { Ok(()) }
    }

    fn known(&self, app: &str, tier: &str, now: Millis) -> Result<Caller, Refused> {
        if !self.claims.lives(now) {
            return Err(Refused::Expired);
        }
        Ok(Caller {
            principal: format!("user:{}", self.claims.sub),
            app: app.into(),
            tier: tier.into(),
            scopes: self.claims.scopes().map(ToString::to_string).collect(),
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

    const KID: &str = "0000001a2bd";

    fn application(alg: Algorithm, revoked: bool) -> KeyRecord {
        let public = match alg {
            Algorithm::EdDsa => public_half(&[5; 32]),
            Algorithm::Es256 => {
                let key = p256::ecdsa::SigningKey::from_slice(&[5; 32]).unwrap();
                hex::encode(key.verifying_key().to_encoded_point(false).as_bytes())
            }
        };
        let scopes = alloc::vec!["links:read".to_string(), "links:write".to_string()];
        let (app, tier) = ("app_1".into(), "free".into());
        KeyRecord::Application { app, tier, alg, public, scopes, revoked }
    }

    /// As a backend signs: with its key of either kind, whatever the head says.
    fn signed(alg: Algorithm, header: &serde_json::Value, claims: &serde_json::Value) -> String {
        use p256::ecdsa::signature::Signer as _;
        let encode = |part: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(part);
        let parts = [header, claims].map(|part| encode(part.to_string().as_bytes()));
        let text = parts.join(".");
        let signature: [u8; 64] = match alg {
            Algorithm::EdDsa => SigningKey::from_bytes(&[5; 32]).sign(text.as_bytes()).to_bytes(),
            Algorithm::Es256 => {
                let key = p256::ecdsa::SigningKey::from_slice(&[5; 32]).unwrap();
                let signature: p256::ecdsa::Signature = key.sign(text.as_bytes());
                signature.to_bytes().into()
            }
        };
        format!("{text}.{}", encode(&signature))
    }

    #[test]
    fn an_applications_token_is_checked_whole() {
        use serde_json::{Value, json};
        let iat = NOW.0 / 1_000;
        let base = json!({
            "iss": "app_1", "aud": "https://s.example", "sub": "ann", "scope": "links:read",
            "iat": iat, "exp": iat + 60,
        });
        for alg in [Algorithm::EdDsa, Algorithm::Es256] {
            let header = json!({"alg": alg.name(), "kid": KID});
            let ask = |header: &Value, claims: &Value, record: &KeyRecord| {
                let token = signed(alg, header, claims);
                read_token(&token)?.caller(record, "https://s.example", NOW)
            };
            let with = |name: &str, value: Value| {
                let mut claims = base.clone();
                claims[name] = value;
                ask(&header, &claims, &application(alg, false))
            };
            let caller = with("tier", json!("unlimited")).unwrap();
            assert_eq!((caller.tier.as_str(), caller.app.as_str()), ("free", "app_1"));
            assert_eq!(caller.scopes, ["links:read"]);
            for (name, good) in [
                ("aud", json!(["https://other.example", "https://s.example"])),
                ("app", json!("app_1")),
                ("scope", json!("links:read links:write")),
                ("scope", json!("")),
                ("nbf", json!(iat + 60)),
                ("exp", json!(iat + 86_400)),
            ] {
                assert!(with(name, good.clone()).is_ok(), "{name} {good}");
            }
            for (name, wrong, why) in [
                ("iss", json!("app_2"), Refused::Unknown),
                ("iss", json!("https://s.example"), Refused::Unknown),
                ("aud", Value::Null, Refused::Unknown),
                ("aud", json!("https://other.example"), Refused::Unknown),
                ("aud", json!([]), Refused::Unknown),
                ("aud", json!(7), Refused::Form),
                ("app", json!("app_2"), Refused::Unknown),
                ("sub", json!(""), Refused::Unknown),
                ("sub", json!("a\nb"), Refused::Unknown),
                ("scope", json!("links:read payments:write"), Refused::Scope),
                ("scope", json!("*"), Refused::Scope),
                ("scope", Value::Null, Refused::Form),
                ("nbf", json!(iat + 61), Refused::Expired),
                ("iat", json!(iat + 61), Refused::Expired),
                ("exp", json!(iat - 60), Refused::Expired),
                ("exp", json!(iat + 86_401), Refused::Expired),
                ("exp", json!(u64::MAX), Refused::Expired),
                ("exp", json!("soon"), Refused::Form),
            ] {
                assert_eq!(with(name, wrong.clone()), Err(why), "{name} {wrong}");
            }
            let revoked = ask(&header, &base, &application(alg, true));
            assert_eq!(revoked, Err(Refused::Revoked));
        }
    }

    #[test]
    fn the_algorithm_is_the_keys_whatever_the_head_says() {
        use serde_json::json;
        let iat = NOW.0 / 1_000;
        let claims = json!({
            "iss": "app_1", "aud": "https://s.example", "sub": "ann", "scope": "",
            "iat": iat, "exp": iat + 60,
        });
        let both = [Algorithm::EdDsa, Algorithm::Es256];
        for (by, says, known) in both.into_iter().flat_map(|by| {
            let heads = ["EdDSA", "ES256", "none", "HS256", "RS256", "eddsa", ""];
            heads.into_iter().flat_map(move |says| both.map(|known| (by, says, known)))
        }) {
            let token = signed(by, &json!({"alg": says, "kid": KID}), &claims);
            let read = read_token(&token).unwrap();
            let asked = read.caller(&application(known, false), "https://s.example", NOW);
            let right = by == known && says == known.name();
            assert_eq!(asked.is_ok(), right, "{by:?} {says} {known:?}");
            assert!(right || asked == Err(Refused::Unknown));
        }
        // Nothing is critical that nobody here understands, not even nothing.
        for crit in [json!(["b64"]), json!([]), json!(null), json!("exp")] {
            let head = json!({"alg": "EdDSA", "kid": KID, "crit": crit});
            assert!(read_token(&signed(Algorithm::EdDsa, &head, &claims)).is_err(), "{crit}");
        }
        // A key in the head is not looked at (RFC 8725, section 3.10).
        let head = json!({"alg": "EdDSA", "kid": KID, "jwk": {"kty": "oct"}, "jku": "https://x"});
        let token = signed(Algorithm::Es256, &head, &claims);
        let asked = read_token(&token).unwrap();
        let record = application(Algorithm::EdDsa, false);
        assert_eq!(asked.caller(&record, "https://s.example", NOW), Err(Refused::Unknown));
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
