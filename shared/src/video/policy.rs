//! What an application decided of who sees what of its videos.
//!
//! Invariant: a policy only narrows; it never makes a manifest empty. Unknown plans see everything,
//! because the token that names a plan may carry a cap of its own.

use alloc::{collections::BTreeMap, string::String};
use serde::{Deserialize, Serialize};

/// Entries of each of a policy's maps.
pub const ENTRIES_MAX: usize = 64;

/// What narrows or guesses. All of it is optional.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", schemars(rename = "VideoPolicy"))]
pub struct Policy {
    /// The shorter side of a picture that nobody sees more of, in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_height: Option<u32>,
    /// The same by the plan that a playback token names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub plans: BTreeMap<String, u32>,
    /// What a network carries to one viewer, in kbit/s, by its number (ASN): a guess for the start,
    /// where nothing better is known.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub networks: BTreeMap<u32, u32>,
    /// The same by country (ISO 3166-1), where the network is not known.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub countries: BTreeMap<String, u32>,
}

impl Policy {
    /// The cap of a plan, narrowed by everybody's.
    #[must_use]
    pub fn cap(&self, plan: Option<&str>) -> Option<u32> {
        let planned = plan.and_then(|plan| self.plans.get(plan)).copied();
        [self.max_height, planned].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_narrower_cap_holds() {
        let plans = [("free".into(), 480), ("pro".into(), 2_160)].into_iter().collect();
        let policy = Policy { max_height: Some(1_080), plans, ..Policy::default() };
        assert_eq!(policy.cap(None), Some(1_080));
        assert_eq!(policy.cap(Some("free")), Some(480));
        assert_eq!(policy.cap(Some("pro")), Some(1_080));
        assert_eq!(policy.cap(Some("other")), Some(1_080));
        assert_eq!(Policy::default().cap(Some("free")), None);
    }
}
