//! Standard Webhooks: `webhook-id`, `webhook-timestamp`, `webhook-signature`.
//!
//! Invariant: what is signed is `{id}.{timestamp}.{body}`, the body as it was sent. The signature's
//! header holds `v1,{base64}` of each living secret, between blanks; one that is right is enough.
//! Source: the Standard Webhooks specification, "Signature scheme".

use super::{Refused, Secret, TOLERANCE_MS};
use crate::time::{Millis, SECOND_MS};
use alloc::{format, string::String, string::ToString, vec::Vec};
use base64::{Engine, prelude::BASE64_STANDARD};
use subtle::{Choice, ConstantTimeEq};

/// The message's id, the same for every attempt.
pub const ID_HEADER: &str = "webhook-id";
/// Seconds since 1970, of the attempt.
pub const TIMESTAMP_HEADER: &str = "webhook-timestamp";
/// The signatures.
pub const SIGNATURE_HEADER: &str = "webhook-signature";
/// What a secret's text begins with.
pub const SECRET_PREFIX: &str = "whsec_";
/// An id's bytes.
pub const ID_BYTES_MAX: usize = 255;

impl Secret {
    /// Reads `whsec_{base64}`, or the base64 alone; `None` for no secret.
    #[must_use]
    pub fn standard(text: &str) -> Option<Self> {
        let text = text.strip_prefix(SECRET_PREFIX).unwrap_or(text);
        Self::of(&BASE64_STANDARD.decode(text).ok()?)
    }

    /// `whsec_{base64}`: shown once, to who made it.
    #[must_use]
    pub fn to_standard(&self) -> String {
        format!("{SECRET_PREFIX}{}", BASE64_STANDARD.encode(&self.0))
    }
}

/// The three headers as they came.
#[derive(Clone, Copy, Debug)]
pub struct Headers<'a> {
    /// [`ID_HEADER`].
    pub id: &'a str,
    /// [`TIMESTAMP_HEADER`].
    pub timestamp: &'a str,
    /// [`SIGNATURE_HEADER`].
    pub signature: &'a str,
}

/// The value of [`TIMESTAMP_HEADER`] at a moment.
#[must_use]
pub fn timestamp(at: Millis) -> String {
    (at.0 / SECOND_MS).to_string()
}

/// The value of [`SIGNATURE_HEADER`]: one signature per secret.
#[must_use]
pub fn sign(secrets: &[Secret], id: &str, timestamp: &str, body: &[u8]) -> String {
    let one = |secret: &Secret| {
        format!("v1,{}", BASE64_STANDARD.encode(mac(secret, id, timestamp, body)))
    };
    secrets.iter().map(one).collect::<Vec<_>>().join(" ")
}

fn mac(secret: &Secret, id: &str, timestamp: &str, body: &[u8]) -> [u8; 32] {
    secret.mac(&[id.as_bytes(), b".", timestamp.as_bytes(), b".", body])
}

/// Verifies a message.
///
/// # Errors
/// Why not.
pub fn verify(
    secrets: &[Secret],
    headers: Headers<'_>,
    body: &[u8],
    now: Millis,
) -> Result<(), Refused> {
    let Headers { id, timestamp, signature } = headers;
    if !(1..=ID_BYTES_MAX).contains(&id.len()) || !id.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Refused::Form);
    }
    let seconds: u64 = timestamp.parse().map_err(|_| Refused::Form)?;
    if now.0.abs_diff(seconds.saturating_mul(SECOND_MS)) > TOLERANCE_MS {
        return Err(Refused::Clock);
    }
    let wanted: Vec<[u8; 32]> =
        secrets.iter().map(|secret| mac(secret, id, timestamp, body)).collect();
    let given = signature.split(' ').filter_map(|one| one.strip_prefix("v1,"));
    let right = given.filter_map(|one| BASE64_STANDARD.decode(one).ok()).fold(
        Choice::from(0),
        |right, given| {
            wanted.iter().fold(right, |right, wanted| right | wanted.as_slice().ct_eq(&given))
        },
    );
    if right.into() { Ok(()) } else { Err(Refused::Signature) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    const NOW: Millis = Millis(1_790_000_000_000);

    fn secret(byte: u8) -> Secret {
        Secret::of(&[byte; 24]).unwrap()
    }

    #[test]
    fn p11_a_secret_is_exchanged_without_losing_a_message() {
        let at = timestamp(NOW);
        let both = sign(&[secret(2), secret(1)], "msg_1", &at, b"{}");
        let headers = Headers { id: "msg_1", timestamp: &at, signature: &both };
        for reader in [vec![secret(1)], vec![secret(2)], vec![secret(3), secret(1)]] {
            assert_eq!(verify(&reader, headers, b"{}", NOW), Ok(()));
        }
        assert_eq!(verify(&[secret(3)], headers, b"{}", NOW), Err(Refused::Signature));
        assert_eq!(verify(&[], headers, b"{}", NOW), Err(Refused::Signature));
        let other = Headers { id: "msg_2", ..headers };
        assert_eq!(verify(&[secret(1)], other, b"{}", NOW), Err(Refused::Signature));
        assert_eq!(verify(&[secret(1)], headers, b"{ }", NOW), Err(Refused::Signature));
    }

    #[test]
    fn a_secret_is_read_as_it_is_shown_and_prints_nothing() {
        let shown = secret(7).to_standard();
        assert_eq!(Secret::standard(&shown), Some(secret(7)));
        assert_eq!(Secret::standard(&shown[6..]), Some(secret(7)));
        for none in ["", "whsec_", "whsec_%%%"] {
            assert_eq!(Secret::standard(none), None, "{none}");
        }
        assert_eq!(format!("{:?}", secret(7)), "…");
    }
}
