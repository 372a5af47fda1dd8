//! A token's head and claims as they stand in it, whoever signed it; nothing of them is believed.

use super::{SKEW_MS, TTL_MAX_MS};
use crate::time::Millis;
use alloc::{string::String, vec::Vec};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

#[derive(Deserialize)]
pub(super) struct Header {
    pub(super) alg: String,
    pub(super) kid: String,
    /// Nothing here understands an extension, so none may be critical (RFC 7515, 4.1.11).
    #[serde(default, deserialize_with = "present")]
    pub(super) crit: bool,
}

fn present<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(from).map(|_| true)
}

/// What a token says, whoever signed it.
#[derive(Deserialize)]
pub(super) struct Given {
    pub(super) iss: String,
    #[serde(default)]
    pub(super) aud: Option<Audience>,
    #[serde(default)]
    pub(super) app: Option<String>,
    #[serde(default)]
    pub(super) tier: Option<String>,
    pub(super) sub: String,
    pub(super) scope: String,
    pub(super) iat: u64,
    pub(super) exp: u64,
    #[serde(default)]
    pub(super) nbf: Option<u64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Given {
    pub(super) fn scopes(&self) -> impl Iterator<Item = &str> {
        self.scope.split(' ').filter(|scope| !scope.is_empty())
    }

    pub(super) fn is_for(&self, service: &str) -> bool {
        match &self.aud {
            None => false,
            Some(Audience::One(aud)) => aud == service,
            Some(Audience::Many(all)) => all.iter().any(|aud| aud == service),
        }
    }

    /// Alive for a day at most, with [`SKEW_MS`] at either end.
    pub(super) fn lives(&self, now: Millis) -> bool {
        let [iat, exp, nbf] = [self.iat, self.exp, self.nbf.unwrap_or(self.iat)]
            .map(|second| second.saturating_mul(1_000));
        let soon = now.0.saturating_add(SKEW_MS);
        now.0 < exp.saturating_add(SKEW_MS)
            && iat <= soon
            && nbf <= soon
            && exp.saturating_sub(iat) <= TTL_MAX_MS
    }
}
