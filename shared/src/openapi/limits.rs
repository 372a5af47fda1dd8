//! The examples of limits.

use super::schemas::AT;
use crate::limits::policy::{Policy, Tier};
use crate::limits::publish::PublishedPolicy;
use crate::limits::request::{Also, CheckAnswer, CheckRequest, Override, RefundRequest};
use crate::limits::usage::{self, Counts, KeyCounts, Usage, UsageSlot};
use crate::limits::wire::{Exception, key_hash};
use alloc::vec;

pub(super) fn question() -> CheckRequest {
    let also = Also { policy: "checkout".into(), key: "203.0.113.7".into(), cost: 1 };
    CheckRequest {
        policy: "checkout".into(),
        key: "ann".into(),
        cost: 1,
        tier: None,
        also: vec![also],
    }
}

pub(super) fn answer() -> CheckAnswer {
    CheckAnswer {
        allowed: true,
        limit: 100,
        remaining: 19,
        reset_at: AT.plus(600),
        retry_after_ms: Some(0),
        policy: "checkout".into(),
        served_by: "object".into(),
        reservation: Some(refund().reservation),
    }
}

pub(super) fn refund() -> RefundRequest {
    RefundRequest { reservation: "W10.00112233445566778899aabbccddeeff".into() }
}

pub(super) fn different() -> Override {
    let exception = Exception { limit: Some(1_000), ..Exception::default() };
    Override { policy: "checkout".into(), key: "ann".into(), exception }
}

pub(super) fn policy() -> Policy {
    let pro = Tier { limit: Some(10_000), ..Tier::default() };
    Policy {
        limit: Some(100),
        window_ms: Some(60_000),
        burst: Some(20),
        tiers: [("pro".into(), pro)].into(),
        lease: true,
        ..Policy::default()
    }
}

pub(super) fn published() -> PublishedPolicy {
    let policy = policy();
    let name = "checkout".into();
    PublishedPolicy { name, policy, version: 1, created_at: AT, updated_at: AT }
}

pub(super) fn used() -> Usage {
    let counts = Counts { allowed: 9, refused: 2, ..Counts::default() };
    Usage {
        policy: "checkout".into(),
        counts,
        series: vec![UsageSlot { at: usage::slot(AT), counts }],
        hottest: vec![KeyCounts { key_hash: key_hash("ann"), allowed: 4, refused: 2 }],
    }
}
