//! The limits that a question names, each with its policy.
//!
//! Invariant: what is found here is acceptable: a cost that its policy has, a tier that it knows.

use super::Limit;
use crate::call::{Call, unavailable};
use crate::registers::{self, Read};
use shared::limits::error::NOT_FOUND;
use shared::limits::policy::{Policy, is_name};
use shared::limits::request::{Also, CheckRequest};
use shared::limits::wire::register_key;
use shared::problem::Problem;
use shared::roads::Stamp;
use std::rc::Rc;

/// A question with its policies.
pub(super) struct Question {
    app: String,
    pub(super) request: CheckRequest,
    limits: Vec<(Also, Rc<Policy>, Stamp)>,
}

/// Where a policy is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    /// Memory, the copy, the home.
    Anywhere,
    /// The home alone: an object has seen a newer one than this isolate.
    Home,
}

impl Question {
    /// Finds every policy of a question.
    ///
    /// # Errors
    /// 404, 422, 503.
    pub(super) async fn find(
        call: &Call,
        app: &str,
        request: CheckRequest,
        from: From,
    ) -> Result<Self, Problem> {
        let mut question = Self { app: app.into(), request, limits: Vec::new() };
        for (place, limit) in question.request.limits().into_iter().enumerate() {
            let (stamp, policy) = policy(call, app, &limit.policy, from).await?;
            question.limits.push((limit, Rc::clone(&policy), stamp));
            let capacity = question.limit(place)?.plan.capacity();
            question.request.check_against(place, &policy, capacity)?;
        }
        Ok(question)
    }

    /// One of the limits; the first one is number 0.
    ///
    /// # Errors
    /// 503: there is no such limit, which no question leads to.
    pub(super) fn limit(&self, place: usize) -> Result<Limit<'_>, Problem> {
        let (limit, policy, stamp) = self.limits.get(place).ok_or_else(unavailable)?;
        let plan = policy.plan(*stamp, self.request.tier.as_deref().unwrap_or_default());
        Ok(Limit::of((&self.app, &limit.policy, &limit.key), policy, plan))
    }

    /// All limits with their costs, in order.
    ///
    /// # Errors
    /// As [`Question::limit`].
    pub(super) fn limits(&self) -> Result<Vec<(Limit<'_>, u64)>, Problem> {
        let costs = self.limits.iter().map(|(limit, ..)| limit.cost);
        costs.enumerate().map(|(place, cost)| Ok((self.limit(place)?, cost))).collect()
    }
}

async fn policy(
    call: &Call,
    app: &str,
    name: &str,
    from: From,
) -> Result<(Stamp, Rc<Policy>), Problem> {
    let unknown = || Problem::new(&NOT_FOUND, format!("there is no policy '{name}'"));
    if !is_name(name) {
        return Err(unknown());
    }
    let key = register_key(app, name);
    let read = match from {
        From::Anywhere => registers::read::<Policy>(call, &key).await,
        From::Home => registers::renew::<Policy>(call, &key).await,
    };
    match read {
        Read::Found(found) => {
            let policy = found.ok_or_else(unknown)?;
            Ok((registers::stamp::<Policy>(&key), policy))
        }
        Read::Absent => Err(unknown()),
        Read::Unavailable => Err(unavailable()),
    }
}
