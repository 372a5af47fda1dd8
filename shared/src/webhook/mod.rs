//! Webhooks: how a message is signed and verified, who wants it, and when it is tried again.
//!
//! Invariant: a signature is compared in constant time and is good for [`TOLERANCE_MS`] either way;
//! several secrets may be alive at once, so that one can be exchanged without losing a message. A
//! secret prints `…`. Refused: to look into a body before its signature was verified.

pub mod endpoint;
pub mod inbound;
pub mod schedule;
pub mod standard;
pub mod stripe;

use alloc::vec::Vec;
use core::fmt;
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// Two clocks may differ by this, and a message may travel for so long: five minutes.
pub const TOLERANCE_MS: u64 = 300_000;

/// What signs: bytes that nobody sees.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl Secret {
    /// The bytes themselves; `None` for none.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Option<Self> {
        (!bytes.is_empty()).then(|| Self(bytes.to_vec()))
    }

    fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        // HMAC takes a key of any length; the type does not say so.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return [0; 32] };
        parts.iter().for_each(|part| mac.update(part));
        mac.finalize().into_bytes().into()
    }
}

/// Why a message is not taken for its sender's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// A header is missing, or has not its form.
    Form,
    /// Its time is more than the tolerance off.
    Clock,
    /// No signature is by a secret that is alive.
    Signature,
}

impl Refused {
    /// One sentence.
    #[must_use]
    pub fn detail(self) -> &'static str {
        match self {
            Self::Form => "the headers of the signature are missing or malformed",
            Self::Clock => "the signature's time is more than five minutes off",
            Self::Signature => "no signature is by a secret that is alive",
        }
    }
}
