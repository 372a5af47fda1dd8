//! Tries at a link's password: how many, of one address and of all, before the origin is asked.
//!
//! Invariant: a try is drawn before anybody looks at it, and nobody tries while the limiter does
//! not answer; only the right one is given back, so that a link with many readers stays open to
//! them. The address's limit is first: it spares the link's, which all of them share. This
//! machine's own addresses are one reader too many for theirs, and yet count for the link.

use crate::call::Call;
use crate::guard::{self, Taken};
use shared::limits::guard::{PASSWORD, PASSWORD_ADDRESS, address_key};
use shared::problem::Problem;

/// A try that was drawn.
pub(crate) struct Try(Vec<Taken>);

/// Draws one at the password of `link`, which is the register's key.
///
/// # Errors
/// 429, 503.
pub(crate) async fn draw(call: &Call, link: &str) -> Result<Try, Problem> {
    let mut taken = Vec::new();
    if !guard::exempt(call) {
        let key = format!("{link} {}", address_key(&call.facts.ip));
        let own = &PASSWORD_ADDRESS;
        taken.extend(guard::take(call, own, "", &key, own.on_failure).await?);
    }
    taken.extend(guard::take(call, &PASSWORD, "", link, PASSWORD.on_failure).await?);
    Ok(Try(taken))
}

impl Try {
    /// It was the right one.
    pub(crate) fn give_back(self, call: &Call) {
        guard::give_back(call, self.0);
    }
}
