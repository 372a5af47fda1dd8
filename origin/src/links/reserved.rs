//! Aliases that nobody may choose: the operator's list beside the service's own (L4).
//!
//! Invariant: an alias is held against the list in whatever case; the list is read for every
//! creation with an alias, so a change acts at once on every replica. A link that exists keeps
//! its alias, and what the service draws by itself is no word.

use crate::app::App;
use crate::db::{self, Error, Value};
use crate::respond::{Call, Failure};
use crate::values;
use shared::admin::{BlockRequest, ReservedAlias};
use shared::body;
use shared::envelope::Envelope;
use shared::links::alias;
use shared::links::error::INVALID;
use shared::problem::{FieldError, NOT_FOUND, Problem};
use shared::time::Millis;
use sqlx::any::AnyRow;
use std::collections::BTreeSet;

/// Those of some aliases that are on the list, in lower case.
#[derive(Debug)]
pub struct Reserved(BTreeSet<String>);

impl Reserved {
    /// Looks all aliases up at once; a bulk call has 1,000 at most.
    ///
    /// # Errors
    /// The database is down.
    pub async fn among<'a>(
        app: &App,
        aliases: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, Error> {
        let names: BTreeSet<String> = aliases.into_iter().map(str::to_ascii_lowercase).collect();
        if names.is_empty() {
            return Ok(Self(names));
        }
        let one_of = db::placeholders(1, names.len());
        let sql = format!("select name from reserved_alias where name in {one_of}");
        let names = names.into_iter().map(Value::Text).collect();
        let rows = app.db.read(&sql, names).await?;
        Ok(Self(rows.iter().map(|row| db::text(row, "name")).collect::<Result<_, _>>()?))
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
    body::check_media_type(call.header("content-type").as_deref())?;
    let request: BlockRequest = body::parse(&call.body)?;
    request.check()?;
    let name = name(call)?;
    let mut tx = app.db.begin().await?;
    let sql = "insert into reserved_alias (name, reason, created_at) values ($1, $2, $3) \
               on conflict (name) do update set reason = excluded.reason";
    tx.write(sql, values![name.as_str(), request.reason.as_str(), db::now()]).await?;
    tx.commit().await?;
    tracing::info!(name, "an operator reserves an alias");
    Ok(Envelope::empty(204))
}

/// `DELETE /admin/reserved-aliases/{alias}`
pub async fn delete(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let name = name(call)?;
    let mut tx = app.db.begin().await?;
    let gone = tx.write("delete from reserved_alias where name = $1", values![name]).await?;
    tx.commit().await?;
    if gone == 1 {
        return Ok(Envelope::empty(204));
    }
    Err(Problem::new(&NOT_FOUND, "the alias is not on the operator's list").into())
}

/// `GET /admin/reserved-aliases`
pub async fn list(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let ask = crate::admin::roads::ask(call, &[])?;
    let sql = "select name, reason, created_at from reserved_alias where name > $1 \
               order by name limit $2";
    let after = ask.after.clone().unwrap_or_default();
    let rows = app.db.read(sql, values![after, ask.rows()]).await?;
    let items = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    Ok(Envelope::json(200, &ask.page(items, |last| last.name.clone())))
}

fn read(row: &AnyRow) -> Result<ReservedAlias, Error> {
    Ok(ReservedAlias {
        name: db::text(row, "name")?,
        reason: db::text(row, "reason")?,
        created_at: Millis(db::number(row, "created_at")?),
    })
}

fn name(call: &Call) -> Result<String, Problem> {
    let name = call.segment(0);
    if alias::is_code(name) {
        return Ok(name.to_ascii_lowercase());
    }
    let detail = alias::Refused::Form.detail().into();
    Err(Problem::fields(&INVALID, vec![FieldError { pointer: "/alias".into(), detail }]))
}
