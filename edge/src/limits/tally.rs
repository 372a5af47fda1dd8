//! Decisions of this isolate, counted, and sent up the road about once a second.
//!
//! Invariant: plain data in a static, never borrowed across an await; a key is named by its hash.
//! Lost is what a dying isolate had not sent; nothing is counted twice.

use super::{Limit, Outcome};
use crate::call::Call;
use crate::events;
use crate::log;
use crate::platform::clock;
use shared::limits::usage::{Counts, KEYS_MAX, KeyCounts, Tally};
use shared::limits::wire::PRODUCT;
use shared::roads::Event;
use shared::time::SECOND_MS;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Policies that are counted between two tallies: each is one event of at most 3 KiB.
const POLICIES_MAX: usize = 64;
/// Keys of a policy that are counted between two tallies, of which the busiest are named.
const COUNTED_MAX: usize = 1_024;

#[derive(Default)]
struct Counted {
    counts: Counts,
    keys: BTreeMap<String, (u64, u64)>,
}

type Open = BTreeMap<(String, String), Counted>;

thread_local! {
    static OPEN: RefCell<Open> = const { RefCell::new(Open::new()) };
}

/// Counts a decision; the first one sees to it that all are sent.
pub(super) fn count(call: &Call, limit: &Limit<'_>, outcome: Outcome) {
    let is_first = OPEN.with_borrow_mut(|open| {
        let is_first = open.is_empty();
        let name = (limit.app.to_string(), limit.name.to_string());
        if open.len() < POLICIES_MAX || open.contains_key(&name) {
            open.entry(name).or_default().add(limit.key_hash(), outcome);
        }
        is_first
    });
    if is_first {
        let later = call.clone();
        call.context.wait_until(async move {
            clock::sleep(SECOND_MS).await;
            send(&later);
        });
    }
}

fn send(call: &Call) {
    let now = clock::now();
    for ((app, policy), counted) in OPEN.take() {
        let tally = Tally { app, policy, counts: counted.counts, keys: counted.busiest() };
        let body = match serde_json::to_string(&tally) {
            Ok(body) => body,
            Err(why) => return log::fault(&call.id, "tally", why),
        };
        let event = Event { product: PRODUCT.into(), at: now, body };
        if let Err(why) = events::push(&call.event_source(), now, &event) {
            log::fault(&call.id, "tally", why);
        }
    }
}

impl Counted {
    fn add(&mut self, hash: &str, outcome: Outcome) {
        let Counts { allowed, refused, shadowed, failed_open, failed_closed } = &mut self.counts;
        let count = match outcome {
            Outcome::Allowed => allowed,
            Outcome::Refused => refused,
            Outcome::Shadowed => shadowed,
            Outcome::FailedOpen => failed_open,
            Outcome::FailedClosed => failed_closed,
        };
        *count = count.saturating_add(1);
        if self.keys.len() < COUNTED_MAX || self.keys.contains_key(hash) {
            let (allowed, refused) = self.keys.entry(hash.to_string()).or_default();
            let is_within = matches!(outcome, Outcome::Allowed | Outcome::FailedOpen);
            let count = if is_within { allowed } else { refused };
            *count = count.saturating_add(1);
        }
    }

    fn busiest(self) -> Vec<KeyCounts> {
        let count = |(key_hash, (allowed, refused))| KeyCounts { key_hash, allowed, refused };
        let mut keys: Vec<KeyCounts> = self.keys.into_iter().map(count).collect();
        keys.sort_by_key(|key| std::cmp::Reverse(key.allowed.saturating_add(key.refused)));
        keys.truncate(KEYS_MAX);
        keys
    }
}
