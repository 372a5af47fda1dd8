//! A fraud rule as it is published, and checked.
//!
//! Invariant: a published rule has at least one condition, and all of its conditions are within
//! the bounds below. All of them hold, or the rule does not match.

use crate::money::{AMOUNT_MAX, Currency};
use crate::payments::error::INVALID;
use crate::problem::{FieldError, Problem};
use alloc::{format, string::String, string::ToString, vec::Vec};
use core::net::IpAddr;
use serde::{Deserialize, Serialize};

/// A velocity's window: what a backtest reads before its first moment.
pub const WINDOW_S_MAX: u64 = 30 * 24 * 3_600;
/// Payments that a velocity may allow in a window.
pub const COUNT_MAX: u64 = 1_000_000;
/// Values of one blocklist.
pub const VALUES_MAX: usize = 1_000;
/// A value's bytes: those of a gateway's token.
pub const VALUE_BYTES_MAX: usize = 255;

/// What becomes of a payment that matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// It is made and only held, until somebody decides.
    Review,
    /// It is not made.
    Block,
}

/// Whether a rule acts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// It acts.
    #[default]
    Live,
    /// It only records that it would have.
    Shadow,
    /// It does nothing.
    Off,
}

/// Whose flow a velocity counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Of {
    /// Of the payment's source.
    Source,
    /// Of its destination.
    Destination,
}

impl Of {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Source, Self::Destination];

    /// As it is shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Destination => "destination",
        }
    }
}

/// A payment of at least so much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AtLeast {
    /// Minor units, 1 to 2^53 − 1.
    pub at_least: i64,
    /// ISO 4217; payments in another one do not match.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub currency: Currency,
}

/// So much money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// Minor units, 1 to 2^53 − 1.
    pub amount: i64,
    /// ISO 4217.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub currency: Currency,
}

/// More than so many payments, or so much money, of one party within a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Velocity {
    /// Whose payments.
    pub of: Of,
    /// Payments that are allowed in a window, this one too: 1 to 1,000,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// Money that is allowed in a window, this payment's too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// The window that ends with the payment, in seconds: 1 to 2,592,000.
    pub window_s: u64,
}

/// What a blocklist lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Listed {
    /// `acc_…`, or a gateway's token.
    Source,
    /// `acc_…`, or a gateway's token.
    Destination,
    /// The request's address: `192.0.2.1`, `192.0.2.0/24`, `2001:db8::/32`.
    Ip,
    /// ISO 3166-1 alpha-2, of the request or of the means of payment.
    Country,
}

/// A payment of which something is listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Blocklist {
    /// What is listed.
    pub of: Listed,
    /// 1 to 1,000 values.
    pub values: Vec<String>,
}

/// The conditions of a rule: at least one, and all of them must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct When {
    /// The payment's amount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<AtLeast>,
    /// What its party paid, or was paid, lately.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub velocity: Option<Velocity>,
    /// `true`: the request comes from another country than the payment's `country`. When one of
    /// the two is not known they do not differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country_mismatch: Option<bool>,
    /// What is listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocklist: Option<Blocklist>,
}

/// `PUT /api/v1/fraud/rules/{name}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "FraudRule"))]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its conditions.
    pub when: When,
    /// What becomes of a payment that matches.
    pub then: Then,
    /// `live` when missing.
    #[serde(default)]
    pub mode: Mode,
}

impl Rule {
    /// Its velocity, while it is not off.
    #[must_use]
    pub fn velocity(&self) -> Option<&Velocity> {
        self.when.velocity.as_ref().filter(|_| self.mode != Mode::Off)
    }

    /// Whether the edge may decide by it: see [`super::at_edge`].
    #[must_use]
    pub fn is_for_edge(&self) -> bool {
        let When { velocity, country_mismatch, blocklist, .. } = &self.when;
        let party = |list: &Blocklist| matches!(list.of, Listed::Source | Listed::Destination);
        let is_body = velocity.is_none() && country_mismatch.is_none();
        let acts = self.then == Then::Block && self.mode == Mode::Live;
        acts && is_body && blocklist.as_ref().is_none_or(party)
    }

    /// Whether it looks at the request's address, which no history has.
    #[must_use]
    pub fn is_about_address(&self) -> bool {
        self.when.blocklist.as_ref().is_some_and(|list| list.of == Listed::Ip)
    }

    /// Checks everything; `at` is where the rule stands in its body.
    pub fn check(&self, at: &str, errors: &mut Vec<FieldError>) {
        let mut refuse = |field: &str, detail: String| {
            errors.push(FieldError { pointer: format!("{at}/when{field}"), detail });
        };
        let When { amount, velocity, country_mismatch, blocklist } = &self.when;
        if *country_mismatch == Some(false) {
            refuse("/country_mismatch", "must be true, or missing".into());
        }
        if amount.is_none()
            && velocity.is_none()
            && country_mismatch.is_none()
            && blocklist.is_none()
        {
            refuse("", "has no condition".into());
        }
        let money = format!("must be 1 to {AMOUNT_MAX} minor units");
        if amount.is_some_and(|one| !(1..=AMOUNT_MAX).contains(&one.at_least)) {
            refuse("/amount/at_least", money.clone());
        }
        if let Some(velocity) = velocity {
            if velocity.count.is_none() && velocity.amount.is_none() {
                refuse("/velocity", "has neither count nor amount".into());
            }
            if velocity.count.is_some_and(|count| !(1..=COUNT_MAX).contains(&count)) {
                refuse("/velocity/count", format!("must be 1 to {COUNT_MAX}"));
            }
            if velocity.amount.is_some_and(|one| !(1..=AMOUNT_MAX).contains(&one.amount)) {
                refuse("/velocity/amount/amount", money);
            }
            if !(1..=WINDOW_S_MAX).contains(&velocity.window_s) {
                refuse("/velocity/window_s", format!("must be 1 to {WINDOW_S_MAX}"));
            }
        }
        let Some(list) = blocklist else { return };
        if !(1..=VALUES_MAX).contains(&list.values.len()) {
            refuse("/blocklist/values", format!("must be 1 to {VALUES_MAX} values"));
        }
        for (n, value) in list.values.iter().enumerate() {
            if let Some(detail) = list.of.refuses(value) {
                refuse(&format!("/blocklist/values/{n}"), detail);
            }
        }
    }
}

impl Listed {
    /// As it is shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Destination => "destination",
            Self::Ip => "ip",
            Self::Country => "country",
        }
    }

    fn refuses(self, value: &str) -> Option<String> {
        let (fits, detail) = match self {
            Self::Source | Self::Destination => (
                (1..=VALUE_BYTES_MAX).contains(&value.len())
                    && value.bytes().all(|b| b.is_ascii_graphic()),
                "must be acc_… or a gateway's token",
            ),
            Self::Ip => (network(value).is_some(), "must be an address, or a network a/n"),
            Self::Country => (is_country(value), "must be two capital letters of ISO 3166-1"),
        };
        (!fits).then(|| detail.to_string())
    }
}

/// Whether it has the form of ISO 3166-1 alpha-2.
#[must_use]
pub fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase())
}

/// An address as 128 bits; an IPv4 one as it is mapped into IPv6 (RFC 4291, section 2.5.5.2).
fn bits(text: &str) -> Option<(u128, u32)> {
    match text.parse().ok()? {
        IpAddr::V4(address) => Some((u128::from(address.to_ipv6_mapped()), 96)),
        IpAddr::V6(address) => Some((u128::from(address), 0)),
    }
}

/// The first bits of a network, and how many bits are left to its hosts.
fn network(text: &str) -> Option<(u128, u32)> {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix.parse::<u32>().ok()?)),
        None => (text, None),
    };
    let (all, before) = bits(address)?;
    let length = before.checked_add(prefix.unwrap_or_else(|| 128u32.saturating_sub(before)))?;
    let hosts = 128u32.checked_sub(length)?;
    Some((all.checked_shr(hosts).unwrap_or(0), hosts))
}

/// Whether an address is, or is in, what a value says.
#[must_use]
pub fn covers(value: &str, ip: &str) -> bool {
    let (Some((wanted, hosts)), Some((all, _))) = (network(value), bits(ip)) else { return false };
    all.checked_shr(hosts).unwrap_or(0) == wanted
}

/// Checks a rule alone.
///
/// # Errors
/// 422 with a pointer for each field at fault.
pub fn checked(rule: Rule) -> Result<Rule, Problem> {
    let mut errors = Vec::new();
    rule.check("", &mut errors);
    if errors.is_empty() { Ok(rule) } else { Err(Problem::fields(&INVALID, errors)) }
}
