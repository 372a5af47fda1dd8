//! Clicks: what of a redirect becomes an event, and who its visitor is without saying who.
//!
//! Invariant: no raw address leaves the edge in a click; a visitor's name is salted by the day.

use crate::call::Call;
use crate::platform::http::Facts;
use crate::settings::Settings;
use shared::links::rules;
use shared::links::wire::{Click, PRODUCT, REFERRER_BYTES_MAX, Target, USER_AGENT_BYTES_MAX};
use shared::roads::Event;
use shared::sign::Keyed;
use shared::time::Millis;

/// What a request says of who visits.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Visitor<'a> {
    /// `User-Agent`.
    pub(crate) user_agent: &'a str,
    /// `Referer`.
    pub(crate) referrer: &'a str,
    /// `Sec-GPC`.
    pub(crate) gpc: &'a str,
    /// `CF-Connecting-IP`, which the platform sets.
    pub(crate) ip: &'a str,
    /// ISO 3166-1, by the platform.
    pub(crate) country: &'a str,
}

impl<'a> Visitor<'a> {
    /// Of a request that goes the whole way.
    pub(crate) fn of(facts: &'a Facts) -> Self {
        let Facts { user_agent, referrer, gpc, ip, country, .. } = facts;
        Self { user_agent, referrer, gpc, ip, country }
    }
}

/// The event of a redirect that was answered to a GET.
///
/// # Errors
/// It does not fit into JSON, which all of it does.
pub(crate) fn of(
    settings: &Settings,
    visits: Visitor<'_>,
    at: Millis,
    target: &Target,
) -> serde_json::Result<Event> {
    let Visitor { user_agent, referrer, gpc, ip, country } = visits;
    let (user_agent, referrer) = (prefix(user_agent, USER_AGENT_BYTES_MAX), host(referrer));
    let is_country = country.len() == 2 && country.bytes().all(|b| b.is_ascii_alphanumeric());
    let click = Click {
        link: target.link.as_str().into(),
        user_agent: user_agent.into(),
        referrer: prefix(&referrer, REFERRER_BYTES_MAX).into(),
        country: if is_country { country } else { "" }.into(),
        visitor: if gpc.trim() == "1" {
            "".into()
        } else {
            visitor(&settings.visitors, &at.day().to_string(), ip, user_agent).into()
        },
    };
    Ok(Event { product: PRODUCT.into(), at, body: serde_json::to_string(&click)? })
}

/// The side of a link's split on which a visitor stays: no day is in it.
pub(super) fn side(call: &Call, target: &Target) -> u8 {
    let name = visitor(
        &call.settings.visitors,
        &target.link,
        &call.facts.ip,
        prefix(&call.facts.user_agent, USER_AGENT_BYTES_MAX),
    );
    rules::side(&hex::decode(name).unwrap_or_default())
}

/// A visitor's name under one salt.
fn visitor(secret: &Keyed, salt: &str, ip: &str, user_agent: &str) -> String {
    let mac = secret.mac(&format!("{salt}\n{ip}\n{user_agent}"));
    hex::encode(mac.get(..16).unwrap_or_default())
}

/// The host of a referring page; never its path, its port or who signed in there.
fn host(referrer: &str) -> String {
    let Some((_, after)) = referrer.split_once("://") else { return String::new() };
    let authority = after.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let place = authority.rsplit('@').next().unwrap_or_default();
    let host = match place.split_once(']') {
        Some((six, _)) => format!("{six}]"),
        None => place.split(':').next().unwrap_or_default().into(),
    };
    let plain = |c: char| !c.is_control() && !c.is_whitespace();
    if host.chars().all(plain) { host.to_lowercase() } else { String::new() }
}

/// As much of `text` as fits, without half a character at the end.
fn prefix(text: &str, bytes_max: usize) -> &str {
    let mut end = bytes_max.min(text.len());
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_referrer_is_its_host() {
        for (given, wanted) in [
            ("https://Example.com/a?b#c", "example.com"),
            ("https://ann:secret@example.com:8443/", "example.com"),
            ("http://[2001:DB8::1]:80/x", "[2001:db8::1]"),
            ("android-app://com.example.reader/", "com.example.reader"),
            ("", ""),
            ("about:blank", ""),
            ("https://a b/", ""),
        ] {
            assert_eq!(host(given), wanted, "{given}");
        }
    }

    #[test]
    fn a_prefix_ends_at_a_character() {
        assert_eq!(prefix("aé", 2), "a");
        assert_eq!(prefix("aé", 3), "aé");
        assert_eq!(prefix("", 3), "");
    }

    #[test]
    fn a_visitor_is_another_one_on_the_next_day() {
        let secret = Keyed::new(&[7; 32]);
        let today = visitor(&secret, "20000", "192.0.2.1", "ua");
        assert_eq!(today.len(), 32);
        assert_eq!(today, visitor(&secret, "20000", "192.0.2.1", "ua"));
        assert_ne!(today, visitor(&secret, "20001", "192.0.2.1", "ua"));
        assert_ne!(today, visitor(&secret, "20000", "192.0.2.2", "ua"));
        assert_ne!(today, visitor(&Keyed::new(&[8; 32]), "20000", "192.0.2.1", "ua"));
    }
}
