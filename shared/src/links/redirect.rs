//! What a code leads to, from its register alone.
//!
//! Invariant: expiry is decided here, at the edge, by the edge's clock (L6). 302 by default,
//! because browsers keep a 301 and hide the clicks (L11).

use super::rules::{self, Visit};
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
        /// Only after one of so many clicks was spent; else [`used_up`].
        spends: Option<u64>,
    },
    /// Only after its password was given: [`unlocked`].
    Locked,
    /// Deleted or expired.
    Gone,
    /// Followed as often as it may be.
    UsedUp,
}

/// What no browser may keep: it depends on who asks, or on when.
const NOT_KEPT: &str = "private, no-store";

/// Decides. `target`: `None` is a tombstone; `visit` is only asked for when there are rules.
///
/// A password guards the link while it lives; where it leads afterwards is open to everybody.
pub fn decide<'a, 'v>(
    target: Option<&'a Target>,
    now: Millis,
    visit: impl FnOnce() -> Visit<'v>,
) -> Redirect<'a> {
    if target.is_some_and(|target| is_locked(target, now)) {
        return Redirect::Locked;
    }
    unlocked(target, now, visit)
}

fn is_locked(target: &Target, now: Millis) -> bool {
    target.password.is_some() && target.expires_at.is_none_or(|at| at > now)
}

/// The same for who has given the password.
pub fn unlocked<'a, 'v>(
    target: Option<&'a Target>,
    now: Millis,
    visit: impl FnOnce() -> Visit<'v>,
) -> Redirect<'a> {
    let Some(target) = target else { return Redirect::Gone };
    let left_ms = match target.expires_at {
        Some(at) if at <= now => return fallback(target, Redirect::Gone),
        Some(at) => at.since(now),
        None => u64::MAX,
    };
    let by_rule =
        if target.rules.is_empty() { None } else { rules::decide(&target.rules, &visit()) };
    // A permanent redirect that a browser keeps would outlive the pass of who may follow it.
    let is_for_all =
        target.rules.is_empty() && target.max_clicks.is_none() && target.password.is_none();
    let cache_control = match target.redirect {
        301 | 308 if is_for_all => {
            let max_age = PERMANENT_MAX_AGE_S.min(left_ms / SECOND_MS);
            format!("public, max-age={max_age}")
        }
        _ => NOT_KEPT.into(),
    };
    Redirect::To {
        status: target.redirect,
        location: by_rule.unwrap_or(&target.to),
        cache_control,
        spends: target.max_clicks,
    }
}

/// The answer when no click is left.
#[must_use]
pub fn used_up(target: &Target) -> Redirect<'_> {
    fallback(target, Redirect::UsedUp)
}

fn fallback<'a>(target: &'a Target, otherwise: Redirect<'a>) -> Redirect<'a> {
    match &target.fallback_url {
        None => otherwise,
        Some(location) => {
            Redirect::To { status: 302, location, cache_control: NOT_KEPT.into(), spends: None }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::agent::classify;
    use super::super::rules::Rule;
    use super::*;
    use alloc::string::ToString;

    fn target(redirect: u16, expires_at: Option<u64>) -> Target {
        Target {
            to: "https://example.com/".into(),
            redirect,
            expires_at: expires_at.map(Millis),
            rules: alloc::vec::Vec::new(),
            max_clicks: None,
            fallback_url: None,
            password: None,
            link: "lnk_1".into(),
            app: "app_1".into(),
        }
    }

    fn visit<'v>() -> Visit<'v> {
        let agent = classify("");
        Visit { country: "JP", region: "", language: "", agent, now: Millis(0), side: 0 }
    }

    fn follow(target: &Target, now: u64) -> Redirect<'_> {
        decide(Some(target), Millis(now), visit)
    }

    fn cache_control(target: &Target, now: u64) -> Option<String> {
        match follow(target, now) {
            Redirect::To { cache_control, .. } => Some(cache_control),
            _ => None,
        }
    }

    fn location(target: &Target, now: u64) -> Option<&str> {
        match follow(target, now) {
            Redirect::To { location, .. } => Some(location),
            _ => None,
        }
    }

    #[test]
    fn a_rule_decides_and_what_depends_on_who_asks_is_not_kept() {
        let mut link = target(301, None);
        let to = "https://jp.example/".to_string();
        link.rules = alloc::vec![Rule { country: alloc::vec!["JP".into()], to, ..Rule::default() }];
        assert_eq!(location(&link, 0), Some("https://jp.example/"));
        assert_eq!(cache_control(&link, 0).as_deref(), Some(NOT_KEPT));
        let counted = Target { max_clicks: Some(3), ..target(308, None) };
        assert_eq!(cache_control(&counted, 0).as_deref(), Some(NOT_KEPT));
        assert!(matches!(follow(&counted, 0), Redirect::To { spends: Some(3), .. }));
    }

    #[test]
    fn a_fallback_takes_over_when_the_link_is_gone_or_used_up() {
        let mut link = target(301, Some(1_000));
        assert_eq!(used_up(&link), Redirect::UsedUp);
        link.fallback_url = Some("https://later.example/".into());
        assert_eq!(location(&link, 1_000), Some("https://later.example/"));
        assert!(matches!(used_up(&link), Redirect::To { status: 302, spends: None, .. }));
    }

    #[test]
    fn a_password_guards_a_link_while_it_lives_and_is_never_kept() {
        let mut link = Target { password: Some("1-1".into()), ..target(301, Some(1_000)) };
        assert_eq!(follow(&link, 999), Redirect::Locked);
        let Redirect::To { status: 301, cache_control, .. } =
            unlocked(Some(&link), Millis(999), visit)
        else {
            panic!("it leads nowhere")
        };
        assert_eq!(cache_control, NOT_KEPT);
        assert_eq!(follow(&link, 1_000), Redirect::Gone);
        link.fallback_url = Some("https://later.example/".into());
        assert_eq!(follow(&link, 999), Redirect::Locked);
        assert_eq!(location(&link, 1_000), Some("https://later.example/"));
    }

    #[test]
    fn a_link_ends_at_its_millisecond() {
        let link = target(302, Some(1_000));
        assert_eq!(cache_control(&link, 999).as_deref(), Some("private, no-store"));
        assert_eq!(cache_control(&link, 1_000), None);
        assert_eq!(decide(None, Millis(0), visit), Redirect::Gone);
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
