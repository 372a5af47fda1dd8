//! What is kept sealed: AES-256-GCM under a key, bound to the place where it lies.
//!
//! Invariant: a nonce is drawn for every text (96 bits; a key seals far less than 2^32 of them); a
//! text that was moved to another place does not open. Keys print `…`.

use crate::config::Secret;
use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, Key, KeyInit, Nonce};
use shared::sign;

/// The form's name, so that another one can follow.
const FORM: &str = "v1.";
const NONCE_BYTES: usize = 12;

/// A key for one purpose, made of `DATA_KEY`.
#[must_use]
pub fn key_for(data_key: &Secret<[u8; 32]>, purpose: &str) -> Secret<[u8; 32]> {
    Secret(sign::mac(&data_key.0, purpose))
}

/// Seals a text for `place`.
#[must_use]
pub fn seal(key: &Secret<[u8; 32]>, place: &str, text: &[u8]) -> String {
    let nonce: [u8; NONCE_BYTES] = rand::random();
    let payload = Payload { msg: text, aad: place.as_bytes() };
    let cipher = Aes256Gcm::new(Key::<Aes256Gcm>::from_slice(&key.0));
    // It fails for 64 GiB and more.
    let sealed = cipher.encrypt(Nonce::from_slice(&nonce), payload).unwrap_or_default();
    format!("{FORM}{}{}", hex::encode(nonce), hex::encode(sealed))
}

/// Opens what was sealed for `place`; `None`: it was not, or not under this key.
#[must_use]
pub fn open(key: &Secret<[u8; 32]>, place: &str, sealed: &str) -> Option<Vec<u8>> {
    let bytes = hex::decode(sealed.strip_prefix(FORM)?).ok()?;
    let (nonce, sealed) = bytes.split_at_checked(NONCE_BYTES)?;
    let payload = Payload { msg: sealed, aad: place.as_bytes() };
    let cipher = Aes256Gcm::new(Key::<Aes256Gcm>::from_slice(&key.0));
    cipher.decrypt(Nonce::from_slice(nonce), payload).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p24_what_is_sealed_opens_in_its_place_and_under_its_key_only() {
        let (key, other) = (Secret([7; 32]), Secret([8; 32]));
        let sealed = seal(&key, "sbj_1/sub", b"ann");
        assert_eq!(open(&key, "sbj_1/sub", &sealed), Some(b"ann".to_vec()));
        assert_eq!(open(&key, "sbj_2/sub", &sealed), None);
        assert_eq!(open(&other, "sbj_1/sub", &sealed), None);
        let mut changed = sealed.clone();
        changed.replace_range(sealed.len() - 1.., if sealed.ends_with('0') { "1" } else { "0" });
        for broken in [changed.as_str(), "", "v1.", "v1.00", "v2.00", &sealed[..sealed.len() - 2]] {
            assert_eq!(open(&key, "sbj_1/sub", broken), None, "{broken}");
        }
        assert_ne!(sealed, seal(&key, "sbj_1/sub", b"ann"));
        assert_ne!(key_for(&key, "a").0, key_for(&key, "b").0);
    }
}
