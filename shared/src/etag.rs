//! Entity tags: a row's version in quotes, and the conditions that name one.
//!
//! Invariant: tags are strong and compared as texts. Source: RFC 9110, sections 8.8.3 and 13.1.1.

use alloc::{format, string::String};

/// The entity tag of a version.
#[must_use]
pub fn of(version: u64) -> String {
    format!("\"{version}\"")
}

/// Whether an `If-Match` names `etag`.
#[must_use]
pub fn is_named(if_match: &str, etag: &str) -> bool {
    if_match.split(',').map(str::trim).any(|tag| tag == "*" || tag == etag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_names_tags_or_any() {
        let tag = of(7);
        assert_eq!(tag, "\"7\"");
        for named in ["\"7\"", "*", "\"6\", \"7\"", " \"7\" "] {
            assert!(is_named(named, &tag), "{named}");
        }
        for other in ["", "7", "\"77\"", "W/\"7\"", "\"6\""] {
            assert!(!is_named(other, &tag), "{other}");
        }
    }
}
