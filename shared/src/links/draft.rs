//! What callers ask of links, once every field was checked.
//!
//! Invariant: only [`super::request`] makes them of what a stranger sent.

use super::password::Password;
use super::rules::Rule;
use crate::time::Millis;
use alloc::{string::String, vec::Vec};

/// A link to be created, every field checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Normalised.
    pub long_url: String,
    /// The caller's own code.
    pub alias: Option<String>,
    /// `None` = five years after its creation, `Some(None)` = never.
    pub expires_at: Option<Option<Millis>>,
    /// 301, 302, 307 or 308.
    pub redirect: u16,
    /// For people.
    pub title: Option<String>,
    /// For search.
    pub tags: Vec<String>,
    /// Checked.
    pub rules: Vec<Rule>,
    /// How often it may be followed.
    pub max_clicks: Option<u64>,
    /// Normalised.
    pub fallback_url: Option<String>,
    /// The caller's own name for it.
    pub external_id: Option<String>,
    /// Hashed before the machine sees it.
    pub password: Option<Password>,
    /// Whether a live link like it will do.
    pub reuse: bool,
}

/// A change of a link, every field checked; `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patch {
    /// Normalised.
    pub long_url: Option<String>,
    /// `Some(None)` = never.
    pub expires_at: Option<Option<Millis>>,
    /// 301, 302, 307 or 308.
    pub redirect: Option<u16>,
    /// `Some(None)` removes it.
    pub title: Option<Option<String>>,
    /// Replaces all tags.
    pub tags: Option<Vec<String>>,
    /// Replaces all rules.
    pub rules: Option<Vec<Rule>>,
    /// `Some(None)` removes the bound.
    pub max_clicks: Option<Option<u64>>,
    /// `Some(None)` removes it.
    pub fallback_url: Option<Option<String>>,
    /// `Some(None)` removes it; hashed before the machine sees it.
    pub password: Option<Option<Password>>,
}

impl Draft {
    /// Every URL that it leads to.
    #[must_use]
    pub fn targets(&self) -> Vec<&str> {
        let rules = self.rules.iter().map(|rule| rule.to.as_str());
        rules.chain(self.fallback_url.as_deref()).chain([self.long_url.as_str()]).collect()
    }
}

impl Patch {
    /// Every URL that it newly leads to.
    #[must_use]
    pub fn targets(&self) -> Vec<&str> {
        let rules = self.rules.iter().flatten().map(|rule| rule.to.as_str());
        let fallback = self.fallback_url.iter().flatten().map(String::as_str);
        rules.chain(fallback).chain(self.long_url.as_deref()).collect()
    }
}
