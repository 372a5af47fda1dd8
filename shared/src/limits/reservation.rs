//! A reservation: what one check spent, as a text that only the service can have made.
//!
//! Invariant: `{base64url of JSON}.{half of an HMAC}`; it names objects of one application only.

use super::wire::Spent;
use crate::sign::mac;
use alloc::{format, string::String, vec::Vec};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use subtle::ConstantTimeEq;

/// Units at their objects.
pub type Reserved = Vec<(String, Spent)>;

/// Writes it; `None` when nothing was spent.
#[must_use]
pub fn seal(key: &[u8], reserved: &Reserved) -> Option<String> {
    if reserved.is_empty() {
        return None;
    }
    let text = serde_json::to_string(reserved).ok()?;
    let tag = tag(key, &text);
    Some(format!("{}.{tag}", BASE64_URL_SAFE_NO_PAD.encode(text)))
}

/// Reads it; `None`: it is no reservation of `app`.
#[must_use]
pub fn open(key: &[u8], app: &str, reservation: &str) -> Option<Reserved> {
    let (text, given) = reservation.split_once('.')?;
    let text = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
    if !bool::from(tag(key, &text).as_bytes().ct_eq(given.as_bytes())) {
        return None;
    }
    let reserved: Reserved = serde_json::from_str(&text).ok()?;
    let own = |object: &str| object.split('/').next() == Some(app);
    reserved.iter().all(|(object, _)| own(object)).then_some(reserved)
}

fn tag(key: &[u8], text: &str) -> String {
    let mac = mac(key, &format!("reservation\n{text}"));
    hex::encode(mac.get(..16).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Millis;

    #[test]
    fn only_our_own_is_read_and_only_for_its_application() {
        let spent = Spent { id: u64::MAX, at: Millis(5), units: 3 };
        let reserved = alloc::vec![("app_1/api/00ff".into(), spent)];
        let text = seal(b"key", &reserved).unwrap();
        assert_eq!(open(b"key", "app_1", &text), Some(reserved));
        assert_eq!(open(b"key", "app_2", &text), None);
        assert_eq!(open(b"yek", "app_1", &text), None);
        assert_eq!(open(b"key", "app_1", &text.replace('.', "A.")), None);
        assert_eq!(open(b"key", "app_1", ""), None);
        assert_eq!(seal(b"key", &alloc::vec![]), None);
    }
}
