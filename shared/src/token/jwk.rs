//! Public keys as applications register them: JWK in, an algorithm and the key's bytes out.
//!
//! Invariant: a key has one algorithm, which follows from its curve and is stored beside it; what
//! is no point of its curve, or a point that signs anything, is never stored. Refused: private
//! keys, symmetric ones, and members that nobody here reads.
//! Sources: RFC 7517 (JWK), RFC 7518 section 6.2 (EC), RFC 8037 section 2 (OKP).

use crate::problem::FieldError;
use alloc::{format, string::String, vec::Vec};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ed25519_dalek::{Signature as Ed25519Signature, VerifyingKey as Ed25519Key};
use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{Signature as P256Signature, VerifyingKey as P256Key};
use serde::{Deserialize, Serialize};

/// The head of an uncompressed point (SEC 1, section 2.3.3).
const UNCOMPRESSED: u8 = 4;

/// How a key signs: one per key, for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Algorithm {
    /// Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
    /// ECDSA on P-256 with SHA-256.
    #[serde(rename = "ES256")]
    Es256,
}

impl Algorithm {
    /// As a token's header and a JWK's `alg` name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
        }
    }

    /// The one with that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::EdDsa, Self::Es256].into_iter().find(|one| one.name() == name)
    }

    /// Whether `signature` is that of `text` by the key `public` (see [`Jwk::read`]).
    #[must_use]
    pub(super) fn is_signed(self, public: &str, text: &[u8], signature: &[u8; 64]) -> bool {
        let checked = match self {
            Self::EdDsa => ed25519(public).map(|key| {
                key.verify_strict(text, &Ed25519Signature::from_bytes(signature)).is_ok()
            }),
            Self::Es256 => hex::decode(public).ok().and_then(|point| {
                let key = P256Key::from_sec1_bytes(&point).ok()?;
                let signature = P256Signature::from_slice(signature).ok()?;
                Some(key.verify(text, &signature).is_ok())
            }),
        };
        checked.unwrap_or_default()
    }
}

fn ed25519(public: &str) -> Option<Ed25519Key> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(public, &mut bytes).ok()?;
    Ed25519Key::from_bytes(&bytes).ok()
}

/// A public key as an application states it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Jwk {
    /// `OKP` or `EC`.
    pub kty: String,
    /// `Ed25519` or `P-256`.
    pub crv: String,
    /// 32 bytes, base64url without padding.
    pub x: String,
    /// The same, of `EC` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub y: Option<String>,
    /// `EdDSA` or `ES256`, as the curve says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alg: Option<String>,
    /// `sig`.
    #[serde(default, rename = "use", skip_serializing_if = "Option::is_none")]
    pub use_: Option<String>,
    /// `["verify"]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_ops: Option<Vec<String>>,
    /// The application's own name for it; tokens carry the `kid` of the answer, which is ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
}

impl Jwk {
    /// The key's algorithm, and its 32 bytes (Ed25519) or its uncompressed point (P-256) in
    /// hexadecimal digits.
    ///
    /// # Errors
    /// What is wrong with which member.
    pub fn read(&self) -> Result<(Algorithm, String), FieldError> {
        let alg = match (self.kty.as_str(), self.crv.as_str()) {
            ("OKP", "Ed25519") => Algorithm::EdDsa,
            ("EC", "P-256") => Algorithm::Es256,
            ("OKP", _) => return Err(wrong("crv", "must be Ed25519")),
            ("EC", _) => return Err(wrong("crv", "must be P-256")),
            _ => return Err(wrong("kty", "must be OKP or EC")),
        };
        if self.alg.as_ref().is_some_and(|given| given != alg.name()) {
            return Err(wrong("alg", &format!("must be {} on this curve", alg.name())));
        }
        if self.use_.as_ref().is_some_and(|given| given != "sig") {
            return Err(wrong("use", "must be sig"));
        }
        if self.key_ops.as_ref().is_some_and(|given| given.iter().any(|op| op != "verify")) {
            return Err(wrong("key_ops", "must be verify alone"));
        }
        let x = coordinate("x", &self.x)?;
        match (alg, &self.y) {
            (Algorithm::EdDsa, Some(_)) => Err(wrong("y", "is no member of an OKP key")),
            (Algorithm::EdDsa, None) => match ed25519(&hex::encode(x)) {
                Some(key) if !key.is_weak() => Ok((alg, hex::encode(x))),
                _ => Err(wrong("x", "is no public key of Ed25519")),
            },
            (Algorithm::Es256, None) => Err(wrong("y", "is missing")),
            (Algorithm::Es256, Some(y)) => {
                let y = coordinate("y", y)?;
                let point = [&[UNCOMPRESSED][..], &x, &y].concat();
                match P256Key::from_sec1_bytes(&point) {
                    Ok(_) => Ok((alg, hex::encode(point))),
                    Err(_) => Err(wrong("x", "and y are no point of P-256")),
                }
            }
        }
    }
}

fn coordinate(name: &str, text: &str) -> Result<[u8; 32], FieldError> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok();
    let bytes = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    bytes.ok_or_else(|| wrong(name, "must be 32 bytes in base64url without padding"))
}

fn wrong(name: &str, detail: &str) -> FieldError {
    FieldError { pointer: format!("/jwk/{name}"), detail: detail.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    // RFC 8037, appendix A.2, and RFC 7515, appendix A.3.
    const OKP: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    const EC: [&str; 2] = [
        "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    ];

    fn okp(x: &str) -> Jwk {
        Jwk { kty: "OKP".into(), crv: "Ed25519".into(), x: x.into(), ..Jwk::default() }
    }

    fn ec() -> Jwk {
        let [x, y] = EC.map(String::from);
        Jwk { kty: "EC".into(), crv: "P-256".into(), x, y: Some(y), ..Jwk::default() }
    }

    #[test]
    fn a_key_of_either_curve_is_read() {
        let (alg, public) = okp(OKP).read().unwrap();
        assert_eq!(alg, Algorithm::EdDsa);
        assert_eq!(public, "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
        let (alg, public) = ec().read().unwrap();
        assert_eq!((alg, public.len(), &public[..2]), (Algorithm::Es256, 130, "04"));
        let full = Jwk {
            alg: Some("ES256".into()),
            use_: Some("sig".into()),
            key_ops: Some(vec!["verify".into()]),
            kid: Some("mine".into()),
            ..ec()
        };
        assert_eq!(full.read(), ec().read());
    }

    #[test]
    fn rfc_7515_appendix_a_3_is_verified() {
        let text = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6\
                    Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let signature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTU\
                         JqPP3-Kg6NU1Q";
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
        let mut signature: [u8; 64] = signature.try_into().unwrap();
        let (alg, public) = ec().read().unwrap();
        assert!(alg.is_signed(&public, text.as_bytes(), &signature));
        assert!(!alg.is_signed(&public, &text.as_bytes()[1..], &signature));
        assert!(!Algorithm::EdDsa.is_signed(&public, text.as_bytes(), &signature));
        signature[63] ^= 1;
        assert!(!alg.is_signed(&public, text.as_bytes(), &signature));
        assert!(!alg.is_signed(&public, text.as_bytes(), &[0; 64]));
    }

    #[test]
    fn what_is_no_public_key_is_refused_with_its_member() {
        let refused = |jwk: Jwk| jwk.read().unwrap_err().pointer;
        let zero = BASE64_URL_SAFE_NO_PAD.encode([0; 32]);
        let one = BASE64_URL_SAFE_NO_PAD.encode({
            let mut neutral = [0; 32];
            neutral[0] = 1;
            neutral
        });
        for (jwk, pointer) in [
            (Jwk { kty: "oct".into(), ..okp(OKP) }, "/jwk/kty"),
            (Jwk { kty: "RSA".into(), ..ec() }, "/jwk/kty"),
            (Jwk { crv: "X25519".into(), ..okp(OKP) }, "/jwk/crv"),
            (Jwk { crv: "secp256k1".into(), ..ec() }, "/jwk/crv"),
            (Jwk { alg: Some("ES256".into()), ..okp(OKP) }, "/jwk/alg"),
            (Jwk { alg: Some("HS256".into()), ..ec() }, "/jwk/alg"),
            (Jwk { use_: Some("enc".into()), ..ec() }, "/jwk/use"),
            (Jwk { key_ops: Some(vec!["sign".into()]), ..ec() }, "/jwk/key_ops"),
            (Jwk { y: None, ..ec() }, "/jwk/y"),
            (Jwk { y: Some(EC[1].into()), ..okp(OKP) }, "/jwk/y"),
            (Jwk { y: Some(zero.clone()), ..ec() }, "/jwk/x"),
            (okp(&OKP[1..]), "/jwk/x"),
            (okp(&format!("{OKP}=")), "/jwk/x"),
            // Points of small order verify signatures that nobody made.
            (okp(&one), "/jwk/x"),
            (okp(&zero), "/jwk/x"),
        ] {
            assert_eq!(refused(jwk.clone()), pointer, "{jwk:?}");
        }
    }
}
