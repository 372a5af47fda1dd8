//! limits: one question, from this isolate's lease or denial, or from the key's object.
//!
//! Invariant: memory is plain data, never borrowed across an await. An object that does not answer
//! is not asked again: the policy says what then (M9).

pub(crate) mod check;
pub(crate) mod except;
mod find;
mod tally;

use crate::call::Call;
use crate::log;
use crate::objects::{Address, Check};
use crate::platform::clock;
use lru::LruCache;
use shared::limits::holder::{Holder, Local, ServedBy};
use shared::limits::meter::held::UNITS_MAX;
use shared::limits::policy::{OnFailure, Policy};
use shared::limits::wire::{Ask, Decided, Plan, Reply, object_name};
use std::cell::RefCell;
use std::num::NonZeroUsize;

/// Keys that an isolate remembers: 4,096 × about 500 bytes = 2 MiB.
const HOLDERS_MAX: NonZeroUsize = match NonZeroUsize::new(4_096) {
    Some(max) => max,
    None => NonZeroUsize::MIN,
};
const _: () = assert!(UNITS_MAX < 64, "a batch of events would not carry a lease's tallies");

thread_local! {
    static HOLDERS: RefCell<LruCache<String, Holder>> = RefCell::new(LruCache::new(HOLDERS_MAX));
}

/// A limit: whose, by which policy, for which key.
pub(crate) struct Limit<'a> {
    /// The application whose policy it is.
    pub(crate) app: &'a str,
    /// The policy's name.
    pub(crate) name: &'a str,
    /// The policy.
    pub(crate) policy: &'a Policy,
    /// The policy for this caller's tier.
    pub(crate) plan: Plan,
    /// The name of the key's object.
    pub(crate) object: String,
}

/// What came of a question.
#[derive(Clone, Debug)]
pub(crate) enum Verdict {
    /// Decided, and by whom.
    Decided(Decided, ServedBy),
    /// The object has seen a newer policy.
    Stale,
    /// Nobody answered in time.
    Unanswered,
    /// Another limit of the question had refused before.
    Unasked,
}

/// How a decision is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Within the limit.
    Allowed,
    /// Refused.
    Refused,
    /// Beyond the limit, but the policy only watches.
    Shadowed,
    /// Admitted because nobody answered.
    FailedOpen,
    /// Refused because nobody answered.
    FailedClosed,
}

impl Outcome {
    /// Whether the caller may go on.
    pub(crate) fn goes_on(self) -> bool {
        !matches!(self, Self::Refused | Self::FailedClosed)
    }
}

impl<'a> Limit<'a> {
    /// The limit of `key` by a policy of an application, under the plan of a caller.
    pub(crate) fn of(
        (app, name, key): (&'a str, &'a str, &str),
        policy: &'a Policy,
        plan: Plan,
    ) -> Self {
        Self { app, name, policy, plan, object: object_name(app, name, key) }
    }

    /// The hash of the key: the last segment of its object's name.
    fn key_hash(&self) -> &str {
        self.object.rsplit('/').next().unwrap_or_default()
    }

    /// Spends `cost` units, if they are there.
    pub(crate) async fn spend(&self, call: &Call, cost: u64) -> Verdict {
        let (object, asked_at) = (self.object.as_str(), clock::now());
        let patience_ms = self.policy.timeout_ms();
        let local = HOLDERS.with_borrow_mut(|holders| {
            let holder = holders.get_or_insert_mut_ref(object, Holder::default);
            holder.local(asked_at, &self.plan, cost, patience_ms)
        });
        let ask = match local {
            Local::Decided(said, by) => return Verdict::Decided(said, by),
            Local::Ask(ask) => ask,
        };
        let check = Check(ask);
        let verdict = ask_object(call, object, &check, patience_ms).await;
        HOLDERS.with_borrow_mut(|holders| {
            let Some(holder) = holders.get_mut(object) else { return verdict };
            let Verdict::Decided(said, _) = &verdict else {
                holder.forget();
                return verdict;
            };
            let now = clock::now();
            holder.learn(asked_at, now, &check.0, said);
            let held = if said.allowed { None } else { holder.from_lease(now, cost) };
            held.map_or(verdict, |held| Verdict::Decided(held, ServedBy::Lease))
        })
    }

    /// Asks the object itself, past what this isolate remembers.
    pub(crate) async fn ask(&self, call: &Call, cost: u64, hold: bool) -> Verdict {
        let ask = Ask { plan: self.plan.clone(), cost, ahead: 0, close: None, hold };
        ask_object(call, &self.object, &Check(ask), self.policy.timeout_ms()).await
    }

    /// What a verdict means under the policy.
    pub(crate) fn outcome(&self, verdict: &Verdict) -> Outcome {
        match verdict {
            Verdict::Unasked => Outcome::Allowed,
            Verdict::Decided(said, _) if said.allowed => Outcome::Allowed,
            Verdict::Decided(..) if self.policy.shadow => Outcome::Shadowed,
            Verdict::Decided(..) => Outcome::Refused,
            Verdict::Stale | Verdict::Unanswered => match self.policy.on_failure {
                OnFailure::Open => Outcome::FailedOpen,
                OnFailure::Closed => Outcome::FailedClosed,
            },
        }
    }

    /// The same, and counts it.
    pub(crate) fn settle(&self, call: &Call, verdict: &Verdict) -> Outcome {
        let outcome = self.outcome(verdict);
        if !matches!(verdict, Verdict::Unasked) {
            tally::count(call, self, outcome);
        }
        outcome
    }

    /// What this isolate remembers of the key is not true any more.
    pub(crate) fn forget(&self) {
        forget(&self.object);
    }
}

/// What this isolate remembers of an object's key is not true any more.
fn forget(object: &str) {
    HOLDERS.with_borrow_mut(|holders| holders.pop(object));
}

async fn ask_object(call: &Call, object: &str, check: &Check, patience_ms: u64) -> Verdict {
    match Address::limiter(object).send(&call.env, check, patience_ms).await {
        Ok(Reply::Decided(said)) => Verdict::Decided(said, ServedBy::Object),
        Ok(Reply::Stale(_)) => Verdict::Stale,
        Err(why) => {
            log::fault(&call.id, "limiter", why);
            Verdict::Unanswered
        }
    }
}
