//! Targets: where a link may lead (L1), normalised by the WHATWG URL standard.
//!
//! Invariant: what is accepted is an absolute http(s) URL of printable ASCII with a host, so it
//! can stand in a `Location` header as it is. Refused, not mended: control characters, which the
//! standard would silently drop.

use alloc::{string::String, vec::Vec};
use url::{Host, Url};

/// A target is at most this long, as given and as normalised.
pub const BYTES_MAX: usize = 8_192;

/// Why a target is not acceptable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Longer than [`BYTES_MAX`].
    TooLong,
    /// A control character stands in it.
    Control,
    /// The standard cannot read it.
    Syntax,
    /// Neither http nor https.
    Scheme,
    /// No host, or one that no name server could know.
    Host,
    /// The service's own short domain: a loop.
    Loop,
}

impl Refused {
    /// One sentence.
    #[must_use]
    pub fn detail(self) -> &'static str {
        match self {
            Self::TooLong => "must have at most 8192 bytes",
            Self::Control => "must not contain control characters",
            Self::Syntax => "must be an absolute URL",
            Self::Scheme => "must begin with http:// or https://",
            Self::Host => "must name a real host",
            Self::Loop => "must not lead back to the short domain",
        }
    }
}

/// The normal form of a target. `own`: the service's base URLs, which no link may lead to.
///
/// # Errors
/// [`Refused`].
pub fn normalise(text: &str, own: &[&str]) -> Result<String, Refused> {
    if text.len() > BYTES_MAX {
        return Err(Refused::TooLong);
    }
    if text.chars().any(char::is_control) {
        return Err(Refused::Control);
    }
    let url = Url::parse(text).map_err(|error| match error {
        url::ParseError::EmptyHost => Refused::Host,
        _ => Refused::Syntax,
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Refused::Scheme);
    }
    match url.host() {
        Some(Host::Domain(name)) if is_domain(name) => {}
        Some(Host::Ipv4(_) | Host::Ipv6(_)) => {}
        _ => return Err(Refused::Host),
    }
    if own.iter().filter_map(|own| Url::parse(own).ok()).any(|own| same_place(&own, &url)) {
        return Err(Refused::Loop);
    }
    let out = String::from(url);
    if out.len() > BYTES_MAX { Err(Refused::TooLong) } else { Ok(out) }
}

/// A domain's name in its normal form (lower case, punycode, no dot at the end).
#[must_use]
pub fn domain(name: &str) -> Option<String> {
    match Host::parse(name.trim_end_matches('.')).ok()? {
        Host::Domain(name) if is_domain(&name) => Some(name),
        _ => None,
    }
}

/// The domain of a target and every domain above it; nothing for an address.
#[must_use]
pub fn domains(url: &str) -> Vec<String> {
    let Ok(url) = Url::parse(url) else { return Vec::new() };
    let Some(Host::Domain(name)) = url.host() else { return Vec::new() };
    let name = name.trim_end_matches('.');
    let below = name.match_indices('.').filter_map(|(at, _)| name.get(at.saturating_add(1)..));
    core::iter::once(name).chain(below).map(String::from).collect()
}

/// Same host and port, whichever of the two schemes: both reach the redirect.
fn same_place(own: &Url, other: &Url) -> bool {
    let host = |url: &Url| url.host_str().map(|host| String::from(host.trim_end_matches('.')));
    host(own) == host(other) && (own.port() == other.port())
}

/// RFC 1035's bounds: labels of 1 to 63 bytes, 253 in all; a dot at the end is the root.
fn is_domain(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name.len() <= 253 && name.split('.').all(|label| (1..=63).contains(&label.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &[&str] = &["https://sho.rt"];

    #[test]
    fn targets_are_normalised_by_the_standard() {
        for (given, normal) in [
            ("https://en.wikipedia.org/wiki/Selvage?x=1#Weaving", ""),
            ("HTTP://EXAMPLE.com:80/a/../b", "http://example.com/b"),
            ("https://müller.example/ä?ö#ü", "https://xn--mller-kva.example/%C3%A4?%C3%B6#%C3%BC"),
            ("https://example.com", "https://example.com/"),
            ("http://[2001:DB8::1]/", "http://[2001:db8::1]/"),
            ("  https://example.com/ ", "https://example.com/"),
            ("https://sho.rt:8443/x", ""),
        ] {
            let normal = if normal.is_empty() { given } else { normal };
            assert_eq!(normalise(given, OWN).as_deref(), Ok(normal));
        }
    }

    #[test]
    fn a_domain_stands_below_its_parents() {
        assert_eq!(domains("https://a.b.example./x"), ["a.b.example", "b.example", "example"]);
        assert!(domains("https://192.0.2.1/").is_empty());
        assert_eq!(domain("MÜLLER.example.").as_deref(), Some("xn--mller-kva.example"));
        assert_eq!(domain("a b"), None);
        assert_eq!(domain("192.0.2.1"), None);
    }

    #[test]
    fn what_is_no_web_page_is_refused() {
        for (given, why) in [
            ("javascript:alert(1)", Refused::Scheme),
            ("data:text/html,x", Refused::Scheme),
            ("ftp://example.com/", Refused::Scheme),
            ("file:///etc/passwd", Refused::Scheme),
            ("example.com", Refused::Syntax),
            ("//example.com", Refused::Syntax),
            ("", Refused::Syntax),
            ("https://", Refused::Host),
            ("http://a..b/", Refused::Host),
            ("https://example.com/\r\nSet-Cookie: a=b", Refused::Control),
            ("https://exa\tmple.com/", Refused::Control),
            ("https://example.com/\u{7f}", Refused::Control),
            ("https://SHO.rt/abc", Refused::Loop),
            ("http://sho.rt./abc", Refused::Loop),
            ("http://999.1.1.1/", Refused::Syntax),
        ] {
            assert_eq!(normalise(given, OWN), Err(why), "{given:?}");
        }
        let long = alloc::format!("https://example.com/{}", "a".repeat(BYTES_MAX));
        assert_eq!(normalise(&long, OWN), Err(Refused::TooLong));
        let grows = alloc::format!("https://example.com/{}", "ä".repeat(3_000));
        assert_eq!(normalise(&grows, OWN), Err(Refused::TooLong));
    }
}
