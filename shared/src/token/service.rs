//! Service keys: `sk_{kid}_{secret}_{mac}`.

use super::{Caller, KID_BYTES_MAX, KeyRecord, Refused};
use crate::sign::mac;
use alloc::{format, string::String};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

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

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

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
}
