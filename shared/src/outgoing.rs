//! Where the service may call on somebody else's behalf: nowhere inside.
//!
//! Invariant: one predicate for every outgoing URL that a caller names ([`check`]) and for every
//! address that a name leads to ([`is_public`]); whoever sends connects to an address that was
//! checked, and checks anew at each attempt. Refused: an address of a machine, of a network behind
//! it, or that stands for another one in a way that a translator would undo.
//! Source: the IANA special-purpose address registries (RFC 6890 and its successors).

use alloc::{string::String, vec::Vec};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use url::{Host, Url};

/// A URL is at most this long.
pub const URL_BYTES_MAX: usize = 2_048;

/// IPv4 blocks that nobody outside has: the address and the bits that count.
const V4: &[([u8; 4], u32)] = &[
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 31, 196, 0], 24),
    ([192, 52, 193, 0], 24),
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    ([192, 175, 48, 0], 24),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([224, 0, 0, 0], 4),
    ([240, 0, 0, 0], 4),
];

/// IPv6 blocks within 2000::/3, the only unicast that is routed, that lead elsewhere all the same:
/// protocol assignments with Teredo and ORCHID, documentation, 6to4, AS112.
const V6: &[([u16; 3], u32)] = &[
    ([0x2001, 0, 0], 23),
    ([0x2001, 0xdb8, 0], 32),
    ([0x2002, 0, 0], 16),
    ([0x2620, 0x4f, 0x8000], 48),
    ([0x3fff, 0, 0], 20),
];

/// Whether an address belongs to anybody on the public network.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let bits = address.to_bits();
    !V4.iter().any(|(block, length)| {
        let shift = 32_u32.saturating_sub(*length);
        bits >> shift == Ipv4Addr::from(*block).to_bits() >> shift
    })
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let bits = address.to_bits();
    // Loopback, mapped (::ffff:0:0/96), NAT64 (64:ff9b::/96, 64:ff9b:1::/48), unique local, link
    // local and multicast are all outside.
    bits >> 125 == 0b001
        && !V6.iter().any(|([a, b, c], length)| {
            let block = Ipv6Addr::new(*a, *b, *c, 0, 0, 0, 0, 0).to_bits();
            let shift = 128_u32.saturating_sub(*length);
            bits >> shift == block >> shift
        })
}

/// Why a URL may not be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// No absolute URL, too long, or with control characters.
    Syntax,
    /// Not https.
    Scheme,
    /// A name and a password stand in it.
    Credentials,
    /// It has no host, or one that only this machine or its network knows.
    Host,
    /// Its address is not public.
    Address,
}

impl Refused {
    /// One sentence.
    #[must_use]
    pub fn detail(self) -> &'static str {
        match self {
            Self::Syntax => "must be an absolute URL of at most 2048 bytes",
            Self::Scheme => "must begin with https://",
            Self::Credentials => "must hold no name and no password",
            Self::Host => "must name a host of the public network",
            Self::Address => "must lead to a public address",
        }
    }
}

/// Names that end so are known inside only (RFC 6761, RFC 6762, RFC 8375, ICANN's `internal`).
const INSIDE: &[&str] =
    &["localhost", "local", "localdomain", "internal", "intranet", "lan", "home", "corp", "arpa"];

/// Reads a URL that a caller names. `private`: addresses inside and `http` are allowed, as under
/// local emulation.
///
/// # Errors
/// Why it may not be called.
pub fn check(text: &str, private: bool) -> Result<Url, Refused> {
    if text.len() > URL_BYTES_MAX || text.chars().any(|c| c.is_control() || c == ' ') {
        return Err(Refused::Syntax);
    }
    // The standard reads an address however it is spelt: decimal, octal, hexadecimal, full-width.
    let url = Url::parse(text).map_err(|_| Refused::Syntax)?;
    if url.scheme() != "https" && !(private && url.scheme() == "http") {
        return Err(Refused::Scheme);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Refused::Credentials);
    }
    match url.host() {
        None => Err(Refused::Host),
        Some(_) if private => Ok(url),
        Some(Host::Domain(name)) if is_outside(name) => Ok(url),
        Some(Host::Domain(_)) => Err(Refused::Host),
        Some(Host::Ipv4(address)) if is_public_v4(address) => Ok(url),
        Some(Host::Ipv6(address)) if is_public_v6(address) => Ok(url),
        Some(Host::Ipv4(_) | Host::Ipv6(_)) => Err(Refused::Address),
    }
}

/// A name of at least two labels, the last of which is not one of [`INSIDE`].
fn is_outside(name: &str) -> bool {
    let labels: Vec<String> =
        name.strip_suffix('.').unwrap_or(name).split('.').map(str::to_ascii_lowercase).collect();
    let last = labels.last().map(String::as_str).unwrap_or_default();
    labels.len() > 1 && labels.iter().all(|label| !label.is_empty()) && !INSIDE.contains(&last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p11_nothing_inside_may_be_called_however_it_is_spelt() {
        for (text, wanted) in [
            ("http://example.com/", Refused::Scheme),
            ("ftp://example.com/", Refused::Scheme),
            ("file:///etc/passwd", Refused::Scheme),
            ("gopher://127.0.0.1:11211/x", Refused::Scheme),
            ("//example.com", Refused::Syntax),
            ("https://exa mple.com/", Refused::Syntax),
            ("https://example.com/\r\nX: y", Refused::Syntax),
            ("https://user@example.com/", Refused::Credentials),
            ("https://example.com:x@127.0.0.1/", Refused::Credentials),
            ("https://localhost/", Refused::Host),
            ("https://LOCALHOST./", Refused::Host),
            ("https://a.localhost/", Refused::Host),
            ("https://printer.local./", Refused::Host),
            ("https://metadata.google.internal/", Refused::Host),
            ("https://metadata/", Refused::Host),
            ("https://1.0.0.127.in-addr.arpa/", Refused::Host),
            ("https://127.0.0.1/", Refused::Address),
            ("https://127.1/", Refused::Address),
            ("https://127.0.0.1./", Refused::Address),
            ("https://2130706433/", Refused::Address),
            ("https://017700000001/", Refused::Address),
            ("https://0x7f000001/", Refused::Address),
            ("https://0x7f.0.0.1/", Refused::Address),
            ("https://0177.0.0.1/", Refused::Address),
            ("https://１２７.0.0.1/", Refused::Address),
            ("https://127。0。0。1/", Refused::Address),
            ("https://%31%32%37.0.0.1/", Refused::Address),
            ("https://0/", Refused::Address),
            ("https://10.1.2.3/", Refused::Address),
            ("https://172.31.255.255/", Refused::Address),
            ("https://192.168.0.1/", Refused::Address),
            ("https://100.64.0.1/", Refused::Address),
            ("https://169.254.169.254/latest/meta-data", Refused::Address),
            ("https://224.0.0.1/", Refused::Address),
            ("https://255.255.255.255/", Refused::Address),
            ("https://198.19.0.1/", Refused::Address),
            ("https://[::1]/", Refused::Address),
            ("https://[::]/", Refused::Address),
            ("https://[::ffff:127.0.0.1]/", Refused::Address),
            ("https://[::ffff:8.8.8.8]/", Refused::Address),
            ("https://[::127.0.0.1]/", Refused::Address),
            ("https://[64:ff9b::7f00:1]/", Refused::Address),
            ("https://[64:ff9b:1::a00:1]/", Refused::Address),
            ("https://[2002:7f00:1::]/", Refused::Address),
            ("https://[2001::1]/", Refused::Address),
            ("https://[fc00::1]/", Refused::Address),
            ("https://[fd00:ec2::254]/", Refused::Address),
            ("https://[fe80::1]/", Refused::Address),
            ("https://[fec0::1]/", Refused::Address),
            ("https://[ff02::1]/", Refused::Address),
            ("https://[2001:db8::1]/", Refused::Address),
        ] {
            assert_eq!(check(text, false).unwrap_err(), wanted, "{text}");
        }
        assert_eq!(check("https://", false).unwrap_err(), Refused::Syntax);
        let long = alloc::format!("https://e.org/{}", "x".repeat(URL_BYTES_MAX));
        assert_eq!(check(&long, false).unwrap_err(), Refused::Syntax);
    }

    #[test]
    fn p11_the_public_network_may_be_called() {
        for text in [
            "https://example.com/hook?x=1",
            "https://example.com.:8443/",
            "https://1.1.1.1/",
            "https://[2606:4700:4700::1111]/",
            "https://localhost.example.org/",
        ] {
            assert!(check(text, false).is_ok(), "{text}");
        }
        assert!(check("http://127.0.0.1:9112/", true).is_ok());
        assert_eq!(check("ftp://127.0.0.1/", true).unwrap_err(), Refused::Scheme);
    }

    #[test]
    fn p11_the_first_and_the_last_address_of_each_block_are_inside() {
        for (block, length) in V4 {
            let first = Ipv4Addr::from(*block).to_bits();
            let last = first | (u32::MAX >> length);
            assert!(!is_public_v4(Ipv4Addr::from_bits(first)), "{block:?}");
            assert!(!is_public_v4(Ipv4Addr::from_bits(last)), "{block:?}");
        }
        for outside in ["9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.0.0.1"] {
            assert!(is_public(outside.parse().unwrap()), "{outside}");
        }
        for outside in ["172.15.0.1", "172.32.0.1", "223.255.255.255", "2a00::1", "2001:4860::1"] {
            assert!(is_public(outside.parse().unwrap()), "{outside}");
        }
    }
}
