//! Stripe's scheme: `Stripe-Signature: t={seconds},v1={hex},…`.
//!
//! Invariant: what is signed is `{t}.{body}`; the secret is the text as Stripe shows it, with its
//! prefix. Unknown schemes (`v0`) are passed over. Source: Stripe, "Verify webhook signatures
//! manually".

use super::{Refused, Secret};
use crate::time::{Millis, SECOND_MS};
use alloc::vec::Vec;
use subtle::{Choice, ConstantTimeEq};

/// The header.
pub const HEADER: &str = "stripe-signature";

/// The time and the signatures of scheme `v1` in a header.
///
/// # Errors
/// There is no time, or two, or no signature.
pub fn parse(header: &str) -> Result<(&str, Vec<&str>), Refused> {
    let (mut time, mut signatures) = (None, Vec::new());
    for part in header.split(',') {
        match part.trim().split_once('=') {
            Some(("t", _)) if time.is_some() => return Err(Refused::Form),
            Some(("t", text)) => time = Some(text),
            Some(("v1", text)) => signatures.push(text),
            _ => {}
        }
    }
    match time {
        Some(time) if !signatures.is_empty() => Ok((time, signatures)),
        _ => Err(Refused::Form),
    }
}

/// Verifies a message.
///
/// # Errors
/// Why not.
pub fn verify(
    secrets: &[Secret],
    header: &str,
    body: &[u8],
    now: Millis,
    tolerance_ms: u64,
) -> Result<(), Refused> {
    let (time, signatures) = parse(header)?;
    let seconds: u64 = time.parse().map_err(|_| Refused::Form)?;
    if now.0.abs_diff(seconds.saturating_mul(SECOND_MS)) > tolerance_ms {
        return Err(Refused::Clock);
    }
    let wanted: Vec<[u8; 32]> =
        secrets.iter().map(|secret| secret.mac(&[time.as_bytes(), b".", body])).collect();
    let given = signatures.into_iter().filter_map(|one| hex::decode(one).ok());
    let right = given.fold(Choice::from(0), |right, given| {
        wanted.iter().fold(right, |right, wanted| right | wanted.as_slice().ct_eq(&given))
    });
    if right.into() { Ok(()) } else { Err(Refused::Signature) }
}
