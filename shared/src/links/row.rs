//! A link as it is stored, and what of it its owner and the edge see.
//!
//! Invariant: a deleted row stays as a tombstone, whose register has no value.

use super::error::{GONE, NOT_FOUND};
use super::password::Sealed;
use super::request::Draft;
use super::rules::{self, Rule};
use super::wire::{self, Link, Target};
use crate::id::format_id;
use crate::problem::Problem;
use crate::roads::{Register, Stamp, fnv1a};
use crate::time::Millis;
use alloc::{format, string::String, vec::Vec};

/// A code on a domain.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// The domain's id.
    pub domain: u32,
    /// Generated or chosen.
    pub code: String,
}

/// A link as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// A snowflake.
    pub id: u64,
    /// Its code, for ever.
    pub name: Name,
    /// Its owner.
    pub app: String,
    /// The owner's user who made it.
    pub creator: Option<String>,
    /// Normalised.
    pub long_url: String,
    /// 301, 302, 307 or 308.
    pub redirect: u16,
    /// For people.
    pub title: Option<String>,
    /// Sorted.
    pub tags: Vec<String>,
    /// Where else it leads, for whom.
    pub rules: Vec<Rule>,
    /// How often it may be followed.
    pub max_clicks: Option<u64>,
    /// Where to when it is gone or used up.
    pub fallback_url: Option<String>,
    /// The caller's own name for it.
    pub external_id: Option<String>,
    /// What visitors must give.
    pub password: Option<Sealed>,
    /// By the origin's clock.
    pub created_at: Millis,
    /// `None` = never.
    pub expires_at: Option<Millis>,
    /// A tombstone since then.
    pub deleted_at: Option<Millis>,
    /// 1, 2, 3 …
    pub version: u64,
}

impl Row {
    /// What the edge reads of it.
    #[must_use]
    pub fn register(&self, epoch: u32) -> Register {
        let target = Target {
            to: self.long_url.clone(),
            redirect: self.redirect,
            expires_at: self.expires_at,
            rules: self.rules.clone(),
            max_clicks: self.max_clicks,
            fallback_url: self.fallback_url.clone(),
            password: self.password.as_ref().map(|sealed| sealed.version(epoch)),
            link: format_id(wire::ID_PREFIX, self.id),
            app: self.app.clone(),
        };
        Register {
            product: wire::PRODUCT.into(),
            key: wire::register_key(self.name.domain, &self.name.code),
            stamp: Stamp { epoch, version: self.version },
            value: match self.deleted_at {
                Some(_) => None,
                None => serde_json::to_string(&target).ok(),
            },
        }
    }

    /// What its owner sees. `base`: the domain's public URL.
    #[must_use]
    pub fn link(&self, base: &str) -> Link {
        Link {
            id: format_id(wire::ID_PREFIX, self.id),
            short_code: self.name.code.clone(),
            short_url: format!("{}/{}", base.trim_end_matches('/'), self.name.code),
            long_url: self.long_url.clone(),
            redirect: self.redirect,
            rules: self.rules.clone(),
            max_clicks: self.max_clicks,
            fallback_url: self.fallback_url.clone(),
            external_id: self.external_id.clone(),
            has_password: self.password.is_some(),
            title: self.title.clone(),
            tags: self.tags.clone(),
            created_at: self.created_at,
            expires_at: self.expires_at,
        }
    }

    /// Names maker, target and settings: links with different ones have different names, but for
    /// one in 2^63.
    #[must_use]
    pub fn likeness(&self) -> u64 {
        let Self { long_url, redirect, rules, max_clicks, fallback_url, .. } = self;
        if self.password.is_some() {
            // Like none: nobody is given a link with a password for the one that he wants.
            return 0;
        }
        likeness((long_url, *redirect, rules, *max_clicks, fallback_url), &self.creator)
    }

    /// Whether it serves `draft` as well as a new link would.
    pub(super) fn is_like(&self, draft: &Draft, now: Millis) -> bool {
        self.deleted_at.is_none()
            && self.password.is_none()
            && draft.password.is_none()
            && self.expires_at.is_none_or(|at| at > now)
            && self.long_url == draft.long_url
            && self.redirect == draft.redirect
            && self.rules == draft.rules
            && self.max_clicks == draft.max_clicks
            && self.fallback_url == draft.fallback_url
            && self.external_id == draft.external_id
            && draft.expires_at.is_none_or(|wanted| wanted == self.expires_at)
            && draft.alias.as_ref().is_none_or(|alias| *alias == self.name.code)
    }

    /// The entity tag of this version.
    #[must_use]
    pub fn etag(&self) -> String {
        crate::etag::of(self.version)
    }

    /// Whether it is there for its owner.
    ///
    /// # Errors
    /// 404 for another's, 410 for a tombstone.
    pub fn owned_by(&self, app: &str) -> Result<(), Problem> {
        if self.app != app {
            return Err(not_found());
        }
        match self.deleted_at {
            Some(_) => Err(Problem::new(&GONE, "the link was deleted")),
            None => Ok(()),
        }
    }
}

type Settings<'a> = (&'a str, u16, &'a [Rule], Option<u64>, &'a Option<String>);

fn likeness(settings: Settings<'_>, creator: &Option<String>) -> u64 {
    let (long_url, redirect, rules, max_clicks, fallback_url) = settings;
    let rules = rules::to_text(rules);
    let mut text = format!("{long_url}\n{redirect}\n{rules:?}\n{max_clicks:?}\n{fallback_url:?}");
    if let Some(creator) = creator {
        text.push('\n');
        text.push_str(creator);
    }
    // Fits a signed column.
    fnv1a(text.as_bytes()) >> 1
}

impl Draft {
    /// As [`Row::likeness`].
    #[must_use]
    pub fn likeness(&self, creator: &Option<String>) -> u64 {
        let Self { long_url, redirect, rules, max_clicks, fallback_url, .. } = self;
        likeness((long_url, *redirect, rules, *max_clicks, fallback_url), creator)
    }
}

/// 404.
#[must_use]
pub fn not_found() -> Problem {
    Problem::new(&NOT_FOUND, "no link has this code")
}
