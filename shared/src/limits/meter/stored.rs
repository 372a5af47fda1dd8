//! What of a meter is written down, when, and how a restart reads it.
//!
//! Invariant: a stored meter covers the next units (M14): they are spent from memory without a
//! write, and all of them count as leased when a restart begins, because some may be. Once a key is
//! quiet it is written exactly, before its object is evicted; once it equals a fresh one it goes.

use super::held::{GRACE_MS, LIFE_MS_MAX};
use super::{Exception, Held, Meter, Part, Refund};
use crate::roads::Stamp;
use crate::time::Millis;
use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// Units that one write covers at most.
pub const AHEAD_MAX: u64 = 50;
/// A key is quiet when nothing was spent for this long; objects are evicted after 10 s.
/// Source: developers.cloudflare.com/durable-objects/concepts/durable-object-lifecycle
pub const SETTLE_MS: u64 = 1_000;

#[derive(Serialize, Deserialize)]
struct Stored<P, H, R> {
    #[serde(rename = "v")]
    stamp: (u32, u64),
    #[serde(rename = "p")]
    parts: P,
    #[serde(rename = "h", default, skip_serializing_if = "is_none")]
    held: Option<H>,
    #[serde(rename = "f", default, skip_serializing_if = "is_none")]
    refunds: Option<R>,
    #[serde(rename = "x", default, skip_serializing_if = "is_none")]
    exception: Option<Exception>,
    #[serde(rename = "n")]
    now: Millis,
    #[serde(rename = "s")]
    since: Millis,
    /// Units that this stands for beside what it says.
    #[serde(rename = "a", default)]
    ahead: u64,
}

fn is_none<T>(value: &Option<T>) -> bool {
    value.is_none()
}

/// What an alarm leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rest {
    /// Nothing yet; ring again then.
    Wait(Millis),
    /// Write this, and ring again then.
    Store(String, Millis),
    /// It equals a fresh key: delete everything.
    Forget,
    /// It only has an exception: write this, and never ring.
    Keep(String),
}

impl Meter {
    /// Whether the store must know before an answer leaves.
    #[must_use]
    pub fn must_store(&self) -> bool {
        self.dirty
    }

    /// What to store, covering the next units.
    ///
    /// # Errors
    /// Only the serializer's own.
    pub fn mark(&mut self) -> Result<String, serde_json::Error> {
        let capacity = self.parts.iter().map(|part| part.rule.capacity()).min();
        self.write((capacity.unwrap_or_default() / 10).clamp(1, AHEAD_MAX))
    }

    /// When to be woken.
    #[must_use]
    pub fn deadline(&self) -> Option<Millis> {
        if self.covered > 0 || self.dirty {
            return Some(self.moved_at.plus(SETTLE_MS));
        }
        let fresh_ms = self.parts.iter().map(|part| part.state.fresh_ms(&part.rule)).max();
        let held = self.held.iter().map(|held| held.end).max().unwrap_or_default();
        let refunds = self.refunds.iter().map(|refund| refund.until).max().unwrap_or_default();
        // Held units are spent at their end, and take a window at most to come back.
        fresh_ms.map(|ms| self.now.plus(ms).max(held).max(refunds))
    }

    /// The alarm: the key may have become quiet, or fresh.
    ///
    /// # Errors
    /// Only the serializer's own.
    pub fn rest(&mut self, now: Millis) -> Result<Rest, serde_json::Error> {
        self.advance(now);
        let is_fresh = self.parts.iter().all(|part| part.state.fresh_ms(&part.rule) == 0);
        if is_fresh && self.held.is_empty() && self.refunds.is_empty() {
            if self.exception == Exception::default() {
                return Ok(Rest::Forget);
            }
            return Ok(Rest::Keep(self.write(0)?));
        }
        let quiet_at = self.moved_at.plus(SETTLE_MS);
        if self.now < quiet_at {
            return Ok(Rest::Wait(quiet_at));
        }
        let text = if self.covered > 0 || self.dirty { Some(self.write(0)?) } else { None };
        let due = self.deadline().unwrap_or(self.now).max(self.now.plus(1));
        Ok(text.map_or(Rest::Wait(due), |text| Rest::Store(text, due)))
    }

    /// Reads what was stored; `draw` names what a restart takes for leased.
    ///
    /// # Errors
    /// Text that is no stored meter.
    pub fn restore(text: &str, now: Millis, draw: u64) -> Result<Self, serde_json::Error> {
        let stored: Stored<Vec<Part>, Vec<Held>, Vec<Refund>> = serde_json::from_str(text)?;
        let mut meter = Self::fresh(stored.now.max(now));
        meter.stamp = Stamp { epoch: stored.stamp.0, version: stored.stamp.1 };
        meter.parts = stored.parts;
        // A hold may have been spent after this was written.
        let held = stored.held.unwrap_or_default().into_iter();
        meter.held = held.map(|held| Held { is_hold: false, ..held }).collect();
        meter.refunds = stored.refunds.unwrap_or_default();
        meter.exception = stored.exception.unwrap_or_default();
        meter.since = stored.since;
        if stored.ahead > 0 {
            let end = meter.now.plus(LIFE_MS_MAX.saturating_add(GRACE_MS));
            meter.hold(draw, stored.ahead, end, false);
        }
        Ok(meter)
    }

    /// Counts units against the cover.
    pub(super) fn moved(&mut self, units: u64) {
        self.moved_at = self.now;
        match self.covered.checked_sub(units) {
            Some(covered) => self.covered = covered,
            None => self.dirty = true,
        }
    }

    fn write(&mut self, ahead: u64) -> Result<String, serde_json::Error> {
        let text = serde_json::to_string(&Stored {
            stamp: (self.stamp.epoch, self.stamp.version),
            parts: &self.parts,
            held: (!self.held.is_empty()).then_some(&self.held),
            refunds: (!self.refunds.is_empty()).then_some(&self.refunds),
            exception: (self.exception != Exception::default()).then_some(self.exception),
            now: self.now,
            since: self.since,
            ahead,
        })?;
        self.covered = ahead;
        self.dirty = false;
        Ok(text)
    }
}
