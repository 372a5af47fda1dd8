//! Domains: the hosts under which short links live (L18).
//!
//! Invariant: a domain's number stands in every key of its links and never changes; number 0 is
//! the service's public URL, and every Host that nobody configured. One alias may exist on each.

use alloc::{string::String, string::ToString, vec, vec::Vec};
use url::Url;

/// Domains of a deployment, the default included.
pub const DOMAINS_MAX: usize = 100;

/// The configured domains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domains(Vec<Domain>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Domain {
    id: u32,
    base: String,
    host: String,
}

impl Domains {
    /// Reads `SHORT_DOMAINS`: `1=https://go.example,2=https://x.example`; empty is the default one
    /// alone.
    ///
    /// # Errors
    /// One sentence about what is wrong.
    pub fn parse(public_url: &str, text: &str) -> Result<Self, String> {
        let mut all = vec![
            Domain::read(0, public_url)
                .ok_or("the public URL must be scheme://host[:port] alone")?,
        ];
        for one in text.split(',').map(str::trim).filter(|one| !one.is_empty()) {
            let (id, base) = one.split_once('=').ok_or("must be number=URL, by commas")?;
            let id: u32 = id.trim().parse().map_err(|_| "a domain's number is no number")?;
            let domain = Domain::read(id, base.trim())
                .ok_or("a domain's URL must be http(s)://host[:port] alone")?;
            if all.iter().any(|known| known.id == id || known.host == domain.host) {
                return Err("a domain's number or host stands twice".to_string());
            }
            all.push(domain);
        }
        if all.len() > DOMAINS_MAX {
            return Err("there are more than 100 domains".to_string());
        }
        Ok(Self(all))
    }

    /// The domain of a `Host` (with its port, as sent).
    #[must_use]
    pub fn of_host(&self, host: &str) -> u32 {
        let same = |domain: &&Domain| domain.host.eq_ignore_ascii_case(host);
        self.0.iter().find(same).map_or(0, |domain| domain.id)
    }

    /// The base URL of a domain, without a slash at its end; the default one's for a number that
    /// is not configured any more.
    #[must_use]
    pub fn base(&self, id: u32) -> &str {
        let known = self.0.iter().find(|domain| domain.id == id).or_else(|| self.0.first());
        known.map_or("", |domain| domain.base.as_str())
    }

    /// Every base URL: no link may lead back to one.
    #[must_use]
    pub fn bases(&self) -> Vec<&str> {
        self.0.iter().map(|domain| domain.base.as_str()).collect()
    }
}

impl Domain {
    fn read(id: u32, base: &str) -> Option<Self> {
        let url = Url::parse(base).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
        // Codes stand right behind the host: with anything else there, no link would be found.
        let has_more = url.path() != "/" || url.query().is_some() || url.fragment().is_some();
        if has_more || !url.username().is_empty() || url.password().is_some() {
            return None;
        }
        let name = url.host_str()?;
        let host = match url.port() {
            Some(port) => alloc::format!("{name}:{port}"),
            None => name.to_string(),
        };
        Some(Self { id, base: alloc::format!("{}://{host}", url.scheme()), host })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_domain_and_any_other_the_default() {
        let text = "1=https://go.example, 7=http://x.example:8080/";
        let domains = Domains::parse("https://s.example/", text).unwrap();
        assert_eq!(domains.of_host("s.example"), 0);
        assert_eq!(domains.of_host("GO.example"), 1);
        assert_eq!(domains.of_host("x.example:8080"), 7);
        assert_eq!(domains.of_host("x.example"), 0);
        assert_eq!(domains.base(7), "http://x.example:8080");
        assert_eq!(domains.base(9), "https://s.example");
        assert_eq!(domains.bases().len(), 3);
        let normal = Domains::parse("HTTPS://S.Example:443", "1=https://müller.example").unwrap();
        assert_eq!(normal.bases(), ["https://s.example", "https://xn--mller-kva.example"]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        for text in [
            "go.example",
            "x=https://a.example",
            "1=ftp://a",
            "0=https://a.example",
            "1=https://a.example/path",
            "1=https://a.example?x",
            "1=https://a.example#x",
            "1=https://ann:x@a.example",
        ] {
            assert!(Domains::parse("https://s.example", text).is_err(), "{text}");
        }
        let twice = "1=https://a.example,2=https://A.example";
        assert!(Domains::parse("https://s.example", twice).is_err());
    }
}
