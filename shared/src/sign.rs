//! The signature on every request between edge and origin, whichever way it goes.
//!
//! Header: `x-selvedge-signature: v1 {key_id} {unix_ms} {nonce} {hex}`, an HMAC-SHA-256 over the
//! lines `v1`, method, path?query, content, unix_ms, nonce, key id, context. *content* is the
//! SHA-256 of a body up to [`HASHED_BYTES_MAX`], else `stream:{length}`.
//! Invariant: two keys are alive at once, compared in constant time; a request more than
//! [`SKEW_MS`] from the reader's clock is refused. There is no replay cache: every internal call
//! is idempotent or only reads. [`Keys`] prints no secret.

use crate::time::Millis;
use alloc::{format, string::String, vec::Vec};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use core::fmt;
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The header with the signature.
pub const SIGNATURE_HEADER: &str = "x-selvedge-signature";
/// The header with the [`Context`].
pub const CONTEXT_HEADER: &str = "x-selvedge-context";
/// Bodies up to 1 MiB are hashed; longer ones are streams whose bytes have their own checksum.
pub const HASHED_BYTES_MAX: u64 = 1 << 20;
/// The two clocks may differ by this.
pub const SKEW_MS: u64 = 60_000;

/// The only thing about the client that the origin believes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    /// `service:{kid}`, `user:{sub}`, or empty for what nobody signed in for.
    pub principal: String,
    /// The application, or empty.
    pub app: String,
    /// The application's tier, or empty.
    pub tier: String,
    /// Ours, `req_…`.
    pub request_id: String,
    /// The client's address.
    pub ip: String,
    /// ISO 3166-1, or empty.
    pub country: String,
    /// The colo that answered.
    pub colo: String,
    /// The number of the domain that was asked; 0 is the default one.
    #[serde(default, skip_serializing_if = "is_default")]
    pub domain: u32,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_default(domain: &u32) -> bool {
    *domain == 0
}

impl Context {
    /// base64url JSON.
    #[must_use]
    pub fn encode(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    /// Reads [`Context::encode`]'s text.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(text).ok()?).ok()
    }

    /// To whom an idempotency key belongs: the application (service) or its user.
    #[must_use]
    pub fn idempotency_scope(&self) -> String {
        match self.principal.strip_prefix("user:") {
            Some(sub) => format!("{}/{sub}", self.app),
            None => self.app.clone(),
        }
    }
}

/// The client's headers that the origin sees, through the edge.
pub const FORWARDED: [&str; 9] = [
    "content-type",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "traceparent",
    // tus 1.0
    "tus-resumable",
    "upload-checksum",
    "upload-length",
    "upload-offset",
];

/// What is signed beside the key and the moment.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Upper case.
    pub method: &'a str,
    /// With the query, as sent.
    pub path_and_query: &'a str,
    /// See [`content`].
    pub content: &'a str,
    /// The context header's text; empty when there is none.
    pub context: &'a str,
}

/// The signing keys that are alive; the first signs.
#[derive(Clone)]
pub struct Keys(Vec<(String, [u8; 32])>);

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(…)")
    }
}

impl Keys {
    /// Reads `id:hex64` or `id:hex64,id:hex64`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut keys = Vec::new();
        for one in text.split(',') {
            let (id, secret) = one.trim().split_once(':')?;
            let mut bytes = [0; 32];
            hex::decode_to_slice(secret, &mut bytes).ok()?;
            if id.is_empty() || !id.bytes().all(|b| b.is_ascii_alphanumeric()) {
                return None;
            }
            keys.push((id.into(), bytes));
        }
        if keys.is_empty() || keys.len() > 2 { None } else { Some(Self(keys)) }
    }

    /// The signature header's text. `nonce`: new for every attempt.
    #[must_use]
    pub fn sign(&self, request: Request<'_>, now: Millis, nonce: [u8; 16]) -> String {
        let nonce = hex::encode(nonce);
        let Some((id, key)) = self.0.first() else { return String::new() };
        let mac = hex::encode(mac(key, &canonical(request, now.0, &nonce, id)));
        format!("v1 {id} {} {nonce} {mac}", now.0)
    }

    /// Checks a signature header.
    ///
    /// # Errors
    /// Why not; for our log, never for the caller.
    pub fn verify(&self, request: Request<'_>, now: Millis, header: &str) -> Result<(), Refused> {
        let mut parts = header.split(' ');
        let (Some("v1"), Some(id), Some(ms), Some(nonce), Some(given), None) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Refused::Form);
        };
        let ms: u64 = ms.parse().map_err(|_| Refused::Form)?;
        if now.0.abs_diff(ms) > SKEW_MS {
            return Err(Refused::Clock);
        }
        let key = self.0.iter().find(|(known, _)| known == id).ok_or(Refused::Key)?;
        let given = hex::decode(given).map_err(|_| Refused::Form)?;
        let wanted = mac(&key.1, &canonical(request, ms, nonce, id));
        if bool::from(wanted.as_slice().ct_eq(&given)) { Ok(()) } else { Err(Refused::Mac) }
    }
}

/// Why a signature was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The header is missing or no `v1` signature.
    Form,
    /// No living key has this id.
    Key,
    /// More than [`SKEW_MS`] off.
    Clock,
    /// The bytes differ.
    Mac,
}

/// The *content* line of a body that is at hand.
#[must_use]
pub fn content(body: &[u8]) -> String {
    let length = u64::try_from(body.len()).unwrap_or(u64::MAX);
    if length <= HASHED_BYTES_MAX { hex::encode(Sha256::digest(body)) } else { stream(length) }
}

/// The *content* line of a body that streams.
#[must_use]
pub fn stream(length: u64) -> String {
    format!("stream:{length}")
}

fn canonical(request: Request<'_>, ms: u64, nonce: &str, id: &str) -> String {
    let Request { method, path_and_query, content, context } = request;
    format!("v1\n{method}\n{path_and_query}\n{content}\n{ms}\n{nonce}\n{id}\n{context}")
}

/// A key of HMAC-SHA-256 that was taken in once, for texts in number; prints no secret.
#[derive(Clone)]
pub struct Keyed(Option<Hmac<Sha256>>);

impl fmt::Debug for Keyed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyed(…)")
    }
}

impl Keyed {
    /// Takes `key` in.
    #[must_use]
    pub fn new(key: &[u8]) -> Self {
        Self(Hmac::new_from_slice(key).ok())
    }

    /// As [`mac`].
    #[must_use]
    pub fn mac(&self, text: &str) -> [u8; 32] {
        // HMAC takes a key of any length; the type does not say so.
        let Some(mut mac) = self.0.clone() else { return [0; 32] };
        mac.update(text.as_bytes());
        mac.finalize().into_bytes().into()
    }
}

/// HMAC-SHA-256.
#[must_use]
pub fn mac(key: &[u8], text: &str) -> [u8; 32] {
    Keyed::new(key).mac(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_790_000_000_000);

    fn keys(text: &str) -> Keys {
        Keys::parse(text).unwrap()
    }

    fn request<'a>() -> Request<'a> {
        Request { method: "POST", path_and_query: "/internal/x?y=1", content: "c", context: "ctx" }
    }

    #[test]
    fn what_was_signed_verifies_and_nothing_else_does() {
        let (one, two) = ("11".repeat(32), "22".repeat(32));
        let signer = keys(&format!("k1:{one}"));
        let reader = keys(&format!("k2:{two},k1:{one}"));
        let header = signer.sign(request(), NOW, [7; 16]);
        assert_eq!(reader.verify(request(), NOW.plus(SKEW_MS), &header), Ok(()));
        assert_eq!(reader.verify(request(), NOW.plus(SKEW_MS + 1), &header), Err(Refused::Clock));
        let early = Millis(NOW.0 - SKEW_MS - 1);
        assert_eq!(reader.verify(request(), early, &header), Err(Refused::Clock));
        for changed in [
            Request { method: "GET", ..request() },
            Request { path_and_query: "/internal/x?y=2", ..request() },
            Request { content: "d", ..request() },
            Request { context: "", ..request() },
        ] {
            assert_eq!(reader.verify(changed, NOW, &header), Err(Refused::Mac));
        }
        let other = keys(&format!("k1:{two}"));
        assert_eq!(other.verify(request(), NOW, &header), Err(Refused::Mac));
        assert_eq!(keys(&format!("k2:{two}")).verify(request(), NOW, &header), Err(Refused::Key));
        for broken in ["", "v1", "v2 k1 1 2 3", "v1 k1 x y z", "v1 k1 1 2 3 4"] {
            assert_eq!(reader.verify(request(), NOW, broken), Err(Refused::Form), "{broken}");
        }
    }

    #[test]
    fn keys_are_one_or_two_and_print_nothing() {
        let secret = "ab".repeat(32);
        for bad in ["", "k1", "k1:zz", ":", &format!("k1:{secret},k2:{secret},k3:{secret}")] {
            assert!(Keys::parse(bad).is_none(), "{bad}");
        }
        assert_eq!(format!("{:?}", keys(&format!("k1:{secret}"))), "Keys(…)");
    }

    #[test]
    fn the_form_is_frozen() {
        let header = keys(&format!("k1:{}", "00".repeat(32))).sign(request(), NOW, [0; 16]);
        assert_eq!(
            header,
            "v1 k1 1790000000000 00000000000000000000000000000000 \
             63071cdc80566dbc6c6758384b7a895ee6dda27501e2d8cc06d5a69a681fbd95"
        );
        assert_eq!(
            content(b""),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(content(&alloc::vec![0; (1 << 20) + 1]), "stream:1048577");
    }

    #[test]
    fn a_context_comes_back() {
        let context =
            Context { app: "app_1".into(), principal: "user:ann".into(), ..Context::default() };
        assert_eq!(Context::decode(&context.encode()), Some(context.clone()));
        assert_eq!(context.idempotency_scope(), "app_1/ann");
        assert_eq!(Context::decode("%%%"), None);
    }
}
