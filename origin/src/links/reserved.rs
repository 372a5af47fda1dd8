//! Aliases that nobody may choose: the operator's list beside the service's own (L4).
//!
//! Invariant: an alias is held against the list in whatever case. A link that exists keeps its
//! alias, and what the service draws by itself is no word.

use super::listed::List;
use crate::app::App;
use crate::db::Error;
use crate::respond::{Call, Failure};
use shared::envelope::Envelope;
use shared::links::alias;
use shared::links::error::INVALID;
use shared::problem::{FieldError, Problem};
use std::collections::BTreeSet;

const LIST: List =
    List { table: "reserved_alias", missing: "the alias is not on the operator's list" };

/// Those of some aliases that are on the list, in lower case.
#[derive(Debug)]
pub struct Reserved(BTreeSet<String>);

impl Reserved {
    /// Looks all aliases up at once.
    ///
    /// # Errors
    /// The database is down.
    pub async fn among<'a>(
        app: &App,
        aliases: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, Error> {
        let names = aliases.into_iter().map(str::to_ascii_lowercase).collect();
        LIST.among(app, names).await.map(Self)
    }

    /// Refuses an alias that is reserved.
    ///
    /// # Errors
    /// 422.
    pub fn check(&self, alias: Option<&str>) -> Result<(), Problem> {
        if alias.is_none_or(|alias| !self.0.contains(&alias.to_ascii_lowercase())) {
            return Ok(());
        }
        let detail = "is reserved by the operator".into();
        Err(Problem::fields(&INVALID, vec![FieldError { pointer: "/custom_alias".into(), detail }]))
    }
}

/// `PUT /admin/reserved-aliases/{alias}`
pub async fn put(app: &App, call: &Call) -> Result<Envelope, Failure> {
    LIST.put(app, call, &name(call)?).await
}

/// `DELETE /admin/reserved-aliases/{alias}`
pub async fn delete(app: &App, call: &Call) -> Result<Envelope, Failure> {
    LIST.delete(app, &name(call)?).await
}

/// `GET /admin/reserved-aliases`
pub async fn list(app: &App, call: &Call) -> Result<Envelope, Failure> {
    LIST.page(app, call).await
}

fn name(call: &Call) -> Result<String, Problem> {
    let name = call.segment(0);
    if alias::is_code(name) {
        return Ok(name.to_ascii_lowercase());
    }
    let detail = alias::Refused::Form.detail().into();
    Err(Problem::fields(&INVALID, vec![FieldError { pointer: "/alias".into(), detail }]))
}
