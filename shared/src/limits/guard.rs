//! The service's own limits: what guards its routes, as one table.
//!
//! Invariant: every route names its guard ([`crate::route::Route::guard`]); a route that signs
//! somebody in, takes a password, makes a token or moves money is refused when its limit cannot be
//! asked (M19), every other is admitted and counted.

use super::policy::{OnFailure, Policy, is_name};
use super::rule::Algorithm;
use crate::roads::{fnv1a, fnv1a_on};
use crate::time::SECOND_MS;
use alloc::{collections::BTreeMap, format, string::String, string::ToString};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The application that the service's own limits belong to; no application of a client has it.
pub const APP: &str = "selvedge";
/// The tier without limits.
pub const UNLIMITED: &str = "unlimited";
/// Of a loose limit each isolate gives this part away without asking: 1 in 20.
pub const LOOSE_PART: u64 = 20;

/// What guards a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// Nothing: the other side's signature, the operator's key, or a probe of health.
    Free,
    /// The caller's tier and the address.
    Api(OnFailure),
    /// The address alone, loosely.
    Public,
}

/// One of the service's own limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Own {
    /// Its name.
    pub name: &'static str,
    /// Units.
    pub limit: u64,
    /// In so many milliseconds.
    pub window_ms: u64,
    /// Whether isolates give a part away without asking.
    pub loose: bool,
    /// What if nobody answers.
    pub on_failure: OnFailure,
}

const MINUTE_MS: u64 = 60 * SECOND_MS;

/// Calls of one application's service keys, or of one of its users; by tier.
pub const API: Own = own("api", 100, MINUTE_MS, false, OnFailure::Open);
/// Calls of one address: six applications of the tier `free` behind one.
pub const API_ADDRESS: Own = own("api-ip", 600, MINUTE_MS, true, OnFailure::Open);
/// Redirects and pages of one address: 100 a second, an office behind one address.
pub const PUBLIC_ADDRESS: Own = own("public-ip", 6_000, MINUTE_MS, true, OnFailure::Open);
/// Codes that lead nowhere, of one address (L24): at one in 19 that exists, 1.6 finds a minute.
pub const MISS_ADDRESS: Own = own("miss-ip", 30, MINUTE_MS, false, OnFailure::Open);
/// Tries of one address at one link's password (L14).
pub const PASSWORD_ADDRESS: Own = own("password-ip", 5, MINUTE_MS, false, OnFailure::Closed);
/// Tries of all addresses at one link's password: a six-digit one lasts 1.4 years on average.
pub const PASSWORD: Own = own("password", 40, 60 * MINUTE_MS, false, OnFailure::Closed);

/// Every limit of the service's own.
pub const OWN: &[&Own] =
    &[&API, &API_ADDRESS, &PUBLIC_ADDRESS, &MISS_ADDRESS, &PASSWORD_ADDRESS, &PASSWORD];

const fn own(
    name: &'static str,
    limit: u64,
    window_ms: u64,
    loose: bool,
    on_failure: OnFailure,
) -> Own {
    Own { name, limit, window_ms, loose, on_failure }
}

impl Own {
    /// As the policy for a caller of `tier`; tiers only differ in [`API`].
    #[must_use]
    pub fn policy(&self, tiers: &Tiers, tier: &str) -> Policy {
        let of_tier = if *self == API { tiers.0.get(tier).copied() } else { None };
        Policy {
            algorithm: Some(Algorithm::TokenBucket),
            limit: Some(of_tier.unwrap_or(self.limit)),
            window_ms: Some(self.window_ms),
            on_failure: self.on_failure,
            lease: true,
            ..Policy::default()
        }
    }

    /// Units that an isolate gives away in a window without asking.
    #[must_use]
    pub fn spare(&self) -> u64 {
        if self.loose { self.limit / LOOSE_PART } else { 0 }
    }
}

/// Calls a minute of each tier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tiers(BTreeMap<String, u64>);

impl Default for Tiers {
    fn default() -> Self {
        Self([("free".to_string(), 100), ("pro".to_string(), 10_000)].into())
    }
}

impl Tiers {
    /// Reads `free=100,pro=10000`; an empty text is the default.
    ///
    /// # Errors
    /// What is no such list.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let mut tiers = BTreeMap::new();
        for part in text.split(',') {
            let tier = part.split_once('=').and_then(|(name, limit)| {
                let limit = limit.trim().parse().ok().filter(|limit| *limit > 0)?;
                Some((name.trim().to_string(), limit))
            });
            let (name, limit) = tier.ok_or_else(|| format!("'{part}' is not tier=number"))?;
            tiers.insert(name, limit);
        }
        Self(tiers).checked()
    }

    fn checked(self) -> Result<Self, String> {
        for tier in self.0.keys() {
            if !is_name(tier) {
                return Err(format!("'{tier}' is no name of [a-z0-9-]{{1,64}}"));
            }
            API.policy(&self, tier).check().map_err(|problem| problem.detail)?;
        }
        Ok(self)
    }
}

/// Whom an address stands for: IPv6 by /64, since that is what one line gets.
#[must_use]
pub fn address_key(ip: &str) -> String {
    match of_six(ip) {
        None => ip.to_string(),
        Some(Line::Four(v4)) => v4.to_string(),
        Some(Line::Network(bits)) => format!("{}/64", Ipv6Addr::from(u128::from(bits) << 64)),
    }
}

/// A hash of a limit's name and of whom an address stands for; it allocates nothing for IPv4.
#[must_use]
pub fn address_hash(limit: &str, ip: &str) -> u64 {
    let limit = fnv1a_on(fnv1a(limit.as_bytes()), b"/");
    match of_six(ip) {
        None => fnv1a_on(limit, ip.as_bytes()),
        Some(Line::Four(v4)) => fnv1a_on(limit, v4.to_string().as_bytes()),
        Some(Line::Network(bits)) => fnv1a_on(limit, &bits.to_be_bytes()),
    }
}

/// What a text in IPv6's form stands for.
enum Line {
    Four(Ipv4Addr),
    /// The upper half of the address.
    Network(u64),
}

fn of_six(ip: &str) -> Option<Line> {
    // No other form has a colon.
    if !ip.contains(':') {
        return None;
    }
    let v6 = ip.parse::<Ipv6Addr>().ok()?;
    let network = Line::Network((u128::from(v6) >> 64) as u64);
    Some(v6.to_ipv4_mapped().map_or(network, Line::Four))
}

/// Whether the address is this machine's own.
#[must_use]
pub fn is_loopback(ip: &str) -> bool {
    ip.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_limits_are_acceptable_policies() {
        for own in OWN {
            assert_eq!(own.policy(&Tiers::default(), "pro").check(), Ok(()), "{}", own.name);
        }
    }

    /// L14, M19.
    #[test]
    fn nobody_guesses_a_password_while_the_limiter_is_silent() {
        for own in [PASSWORD_ADDRESS, PASSWORD] {
            let policy = own.policy(&Tiers::default(), "");
            assert_eq!((policy.on_failure, own.spare()), (OnFailure::Closed, 0), "{}", own.name);
        }
    }

    #[test]
    fn tiers_are_read() {
        assert_eq!(Tiers::parse(""), Ok(Tiers::default()));
        assert_eq!(Tiers::parse("free=100, pro=10000"), Ok(Tiers::default()));
        for wrong in ["free", "free=", "free=0", "free=-1", "Free=1", "a=1000000000"] {
            assert!(Tiers::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_address_is_a_line() {
        assert_eq!(address_key("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(address_key("2001:db8:1:2:ffff::"), "2001:db8:1:2::/64");
        assert_eq!(address_key("::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(address_key("192.0.2.1"), "192.0.2.1");
        let all =
            ["2001:db8:1:2:3::6", "2001:db8:1:2:ffff::", "2001:db8:1:3::", "::ffff:192.0.2.1"];
        for a in all.iter().chain(&["192.0.2.1", "192.0.2.2", "", "nonsense:"]) {
            for b in all.iter().chain(&["192.0.2.1", "192.0.2.2", "", "nonsense:"]) {
                let (same, keys) = (address_hash("x", a) == address_hash("x", b), (a, b));
                assert_eq!(same, address_key(a) == address_key(b), "{keys:?}");
                assert_ne!(address_hash("x", a), address_hash("y", b));
            }
        }
        assert!(is_loopback("127.0.0.1") && is_loopback("::1") && is_loopback("::ffff:127.0.0.1"));
        assert!(!is_loopback("192.0.2.1") && !is_loopback(""));
    }
}
