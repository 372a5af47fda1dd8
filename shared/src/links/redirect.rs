//! What a code leads to, from its register alone.
//!
//! Invariant: expiry is decided here, at the edge, by the edge's clock (L6). 302 by default,
//! because browsers keep a 301 and hide the clicks (L11).

use super::wire::Target;
use crate::time::{Millis, SECOND_MS};
use alloc::{format, string::String};

/// Browsers keep a permanent redirect for an hour at most, so that an edit is seen.
pub const PERMANENT_MAX_AGE_S: u64 = 3_600;

/// The answer to `GET /{code}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Redirect<'a> {
    /// Go there.
    To {
        /// 301, 302, 307 or 308.
        status: u16,
        /// Printable ASCII.
        location: &'a str,
        /// The whole header.
        cache_control: String,
    },
    /// Deleted or expired.
    Gone,
}

/// Decides. `None`: a tombstone.
#[must_use]
pub fn decide(target: Option<&Target>, now: Millis) -> Redirect<'_> {
    let Some(target) = target else { return Redirect::Gone };
    let left_ms = match target.expires_at {
        Some(at) if at <= now => return Redirect::Gone,
        Some(at) => at.since(now),
        None => u64::MAX,
    };
    let cache_control = match target.redirect {
        301 | 308 => {
            let max_age = PERMANENT_MAX_AGE_S.min(left_ms / SECOND_MS);
            format!("public, max-age={max_age}")
        }
        _ => "private, no-store".into(),
    };
    Redirect::To { status: target.redirect, location: &target.to, cache_control }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(redirect: u16, expires_at: Option<u64>) -> Target {
        Target {
            to: "https://example.com/".into(),
            redirect,
            expires_at: expires_at.map(Millis),
            link: "lnk_1".into(),
            app: "app_1".into(),
        }
    }

    fn cache_control(target: &Target, now: u64) -> Option<String> {
        match decide(Some(target), Millis(now)) {
            Redirect::To { cache_control, .. } => Some(cache_control),
            Redirect::Gone => None,
        }
    }

    #[test]
    fn a_link_ends_at_its_millisecond() {
        let link = target(302, Some(1_000));
        assert_eq!(cache_control(&link, 999).as_deref(), Some("private, no-store"));
        assert_eq!(cache_control(&link, 1_000), None);
        assert_eq!(decide(None, Millis(0)), Redirect::Gone);
    }

    #[test]
    fn only_permanent_redirects_are_kept_and_never_past_the_end() {
        let forever = target(301, None);
        assert_eq!(cache_control(&forever, 0).as_deref(), Some("public, max-age=3600"));
        let short = target(308, Some(90_500));
        assert_eq!(cache_control(&short, 500).as_deref(), Some("public, max-age=90"));
        assert_eq!(cache_control(&target(307, None), 0).as_deref(), Some("private, no-store"));
    }
}
