//! The generic cell rate algorithm: one theoretical arrival time.
//!
//! Times are counted in parts of 1/`limit` millisecond, so that one unit is exactly `window_ms`
//! parts; they need 128 bits. Source: ITU-T I.371, annex A (virtual scheduling).

use crate::limits::rule::Rule;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// When the next unit would arrive if all came evenly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gcra {
    /// The theoretical arrival time, in parts.
    #[serde(rename = "a", serialize_with = "write", deserialize_with = "read")]
    arrival: u128,
    /// Milliseconds since 1970.
    #[serde(rename = "t")]
    at: u64,
}

impl Gcra {
    /// See [`super::State::advance`].
    #[inline]
    pub fn advance(&mut self, rule: &Rule, now: u64) {
        self.at = self.at.max(now);
        self.arrival = self.arrival.max(self.now(rule));
    }

    /// See [`super::State::fits`].
    #[inline]
    #[must_use]
    pub fn fits(&self, rule: &Rule, units: u64) -> bool {
        self.arrival.saturating_add(parts(units, rule.window_ms)) <= self.latest(rule)
    }

    /// See [`super::State::spend`].
    #[inline]
    pub fn spend(&mut self, rule: &Rule, units: u64) {
        self.arrival = self.arrival.saturating_add(parts(units, rule.window_ms));
    }

    /// See [`super::State::room`].
    #[must_use]
    pub fn room(&self, rule: &Rule) -> u64 {
        let left = self.latest(rule).saturating_sub(self.arrival);
        whole(left / u128::from(rule.window_ms.max(1)))
    }

    /// See [`super::State::spent`].
    #[must_use]
    pub fn spent(&self, rule: &Rule) -> u64 {
        let ahead = self.arrival.saturating_sub(self.now(rule));
        whole(ahead.div_ceil(u128::from(rule.window_ms.max(1))))
    }

    /// See [`super::State::wait_ms`].
    #[must_use]
    pub fn wait_ms(&self, rule: &Rule, units: u64) -> u64 {
        whole(self.excess(rule, units).div_ceil(u128::from(rule.limit.max(1))))
    }

    /// See [`super::State::fresh_ms`].
    #[must_use]
    pub fn fresh_ms(&self, rule: &Rule) -> u64 {
        let ahead = self.arrival.saturating_sub(self.now(rule));
        whole(ahead.div_ceil(u128::from(rule.limit.max(1))))
    }

    /// See [`super::State::give_back`].
    pub fn give_back(&mut self, rule: &Rule, at: u64, units: u64) {
        let refilled = parts(self.at.saturating_sub(at), rule.limit);
        let unused = parts(units, rule.window_ms).saturating_sub(refilled);
        self.arrival = self.arrival.saturating_sub(unused).max(self.now(rule));
    }

    #[inline]
    fn now(&self, rule: &Rule) -> u128 {
        parts(self.at, rule.limit)
    }

    /// The arrival time of a key that has spent its whole burst: of a published rule at most
    /// 2^64 · 10^8 + 2^62 < 2^92.
    #[inline]
    fn latest(&self, rule: &Rule) -> u128 {
        self.now(rule) + parts(rule.burst, rule.window_ms)
    }

    #[inline]
    fn excess(&self, rule: &Rule, units: u64) -> u128 {
        let wanted = self.arrival.saturating_add(parts(units, rule.window_ms));
        wanted.saturating_sub(self.latest(rule))
    }
}

#[inline]
fn parts(count: u64, each: u64) -> u128 {
    u128::from(count) * u128::from(each)
}

fn whole(parts: u128) -> u64 {
    u64::try_from(parts).unwrap_or(u64::MAX)
}

/// Two words, the high one first: not every format carries 128 bits.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn write<S: Serializer>(arrival: &u128, out: S) -> Result<S::Ok, S::Error> {
    let low = u64::try_from(arrival & u128::from(u64::MAX)).unwrap_or_default();
    (whole(arrival >> 64), low).serialize(out)
}

fn read<'de, D: Deserializer<'de>>(input: D) -> Result<u128, D::Error> {
    let (high, low) = <(u64, u64)>::deserialize(input)?;
    Ok((u128::from(high) << 64) | u128::from(low))
}
