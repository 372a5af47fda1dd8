//! Aliases: codes that a caller chose.
//!
//! Invariant (L4): an alias never shadows a route of the service, in whatever case.

use crate::route;

/// Shortest alias.
pub const BYTES_MIN: usize = 3;
/// Longest alias.
pub const BYTES_MAX: usize = 64;

/// First segments of paths that are no API route, and names that people take for one.
const RESERVED: &[&str] = &[
    "about", "account", "app", "assets", "auth", "bulk", "cdn-cgi", "console", "docs", "favicon",
    "export", "help", "import", "internal", "legal", "login", "logout", "metrics", "oauth",
    "privacy", "problems", "readyz", "robots", "security", "signin", "signup", "static", "status",
    "support", "terms",
];

/// Why an alias is not acceptable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Not `[A-Za-z0-9_-]{3,64}`.
    Form,
    /// It is a route of the service.
    Reserved,
}

impl Refused {
    /// One sentence.
    #[must_use]
    pub fn detail(self) -> &'static str {
        match self {
            Self::Form => "must be 3 to 64 characters of A-Z, a-z, 0-9, _ and -",
            Self::Reserved => "is reserved for the service itself",
        }
    }
}

/// Whether `code` could be one at all: what else is asked for is no link, without a look-up.
#[must_use]
pub fn is_code(code: &str) -> bool {
    (BYTES_MIN..=BYTES_MAX).contains(&code.len())
        && code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// Checks an alias.
///
/// # Errors
/// [`Refused`].
pub fn check(alias: &str) -> Result<(), Refused> {
    if !is_code(alias) {
        return Err(Refused::Form);
    }
    let same = |name: &str| name.eq_ignore_ascii_case(alias);
    let routes = route::ROUTES.iter().filter_map(|route| route.path.split('/').nth(1));
    if RESERVED.iter().copied().chain(routes).any(same) {
        return Err(Refused::Reserved);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_checked() {
        for good in ["abc", "A-b_9", &"x".repeat(64), "0004c92"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in ["", "ab", &"x".repeat(65), "a b", "a/b", "ä-ö", "a.b", "abc+", "abc\n"] {
            assert_eq!(check(bad), Err(Refused::Form), "{bad:?}");
        }
    }

    #[test]
    fn no_alias_shadows_a_route() {
        for taken in ["api", "API", "healthz", "console", "problems", "admin", "internal"] {
            assert_eq!(check(taken), Err(Refused::Reserved), "{taken}");
        }
    }
}
