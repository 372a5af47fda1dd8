//! Domains that no link may lead to (L1).
//!
//! Invariant: a blocked domain blocks what is below it.

use super::listed::List;
use crate::app::App;
use crate::db::Error;
use crate::respond::{Call, Failure};
use shared::envelope::Envelope;
use shared::links::error::INVALID;
use shared::links::target;
use shared::problem::{FieldError, Problem};
use std::collections::BTreeSet;

const LIST: List = List { table: "blocked_domain", missing: "the domain is not blocked" };

/// Those of some targets' domains that are on the list.
#[derive(Debug)]
pub struct Blocked(BTreeSet<String>);

impl Blocked {
    /// Looks all targets up at once.
    ///
    /// # Errors
    /// The database is down.
    pub async fn among<'a>(
        app: &App,
        targets: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, Error> {
        let names = targets.into_iter().flat_map(target::domains).collect();
        LIST.among(app, names).await.map(Self)
    }

    /// Refuses a link's targets when one is blocked.
    ///
    /// # Errors
    /// 422.
    pub fn check<'a>(&self, targets: impl IntoIterator<Item = &'a str>) -> Result<(), Problem> {
        let mut names = targets.into_iter().flat_map(target::domains);
        let Some(name) = names.find(|name| self.0.contains(name)) else { return Ok(()) };
        let detail = format!("leads to {name}, which the operator has blocked");
        Err(Problem::fields(&INVALID, vec![FieldError { pointer: "/long_url".into(), detail }]))
    }
}

/// `PUT /admin/blocked-domains/{name}`
pub async fn put(app: &App, call: &Call) -> Result<Envelope, Failure> {
    LIST.put(app, call, &name(call)?).await
}

/// `DELETE /admin/blocked-domains/{name}`
pub async fn delete(app: &App, call: &Call) -> Result<Envelope, Failure> {
    LIST.delete(app, &name(call)?).await
}

/// `GET /admin/blocked-domains`
pub async fn list(app: &App, call: &Call) -> Result<Envelope, Failure> {
    LIST.page(app, call).await
}

fn name(call: &Call) -> Result<String, Problem> {
    target::domain(call.segment(0)).ok_or_else(|| {
        let detail = format!("{:?} is no domain", call.segment(0));
        Problem::fields(&INVALID, vec![FieldError { pointer: "/name".into(), detail }])
    })
}
