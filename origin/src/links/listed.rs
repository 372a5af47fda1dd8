//! A list of names that the operator keeps.
//!
//! Invariant: it is read for every creation that it concerns, so a change acts at once on every
//! replica. A name is put on it and taken off it by the operator alone.

use crate::app::App;
use crate::db::{self, Error, Value};
use crate::respond::{Call, Failure};
use crate::values;
use shared::admin::{ListRequest, Listed};
use shared::body;
use shared::envelope::Envelope;
use shared::problem::{NOT_FOUND, Problem};
use shared::time::Millis;
use sqlx::any::AnyRow;
use std::collections::BTreeSet;

/// Names of one look-up: SQLite binds 32,766 values.
const NAMES_MAX: usize = 10_000;

/// A table of `name`, `reason`, `created_at`.
pub(super) struct List {
    pub(super) table: &'static str,
    /// Said of a name that is not on it.
    pub(super) missing: &'static str,
}

impl List {
    /// Those of some names that are on it.
    ///
    /// # Errors
    /// The database is down.
    pub(super) async fn among(
        &self,
        app: &App,
        names: BTreeSet<String>,
    ) -> Result<BTreeSet<String>, Error> {
        let names: Vec<Value> = names.into_iter().map(Value::Text).collect();
        let mut found = BTreeSet::new();
        for names in names.chunks(NAMES_MAX) {
            let one_of = db::placeholders(1, names.len());
            let sql = format!("select name from {} where name in {one_of}", self.table);
            for row in app.db.read(&sql, names.to_vec()).await? {
                found.insert(db::text(&row, "name")?);
            }
        }
        Ok(found)
    }

    /// `PUT …/{name}`, with the reason.
    pub(super) async fn put(
        &self,
        app: &App,
        call: &Call,
        name: &str,
    ) -> Result<Envelope, Failure> {
        body::check_media_type(call.header("content-type").as_deref())?;
        let request: ListRequest = body::parse(&call.body)?;
        request.check()?;
        let mut tx = app.db.begin().await?;
        let sql = format!(
            "insert into {} (name, reason, created_at) values ($1, $2, $3) \
             on conflict (name) do update set reason = excluded.reason",
            self.table,
        );
        tx.write(&sql, values![name, request.reason.as_str(), db::now()]).await?;
        tx.commit().await?;
        tracing::info!(name, list = self.table, "an operator put a name on a list");
        Ok(Envelope::empty(204))
    }

    /// `DELETE …/{name}`
    pub(super) async fn delete(&self, app: &App, name: &str) -> Result<Envelope, Failure> {
        let mut tx = app.db.begin().await?;
        let sql = format!("delete from {} where name = $1", self.table);
        let gone = tx.write(&sql, values![name]).await?;
        tx.commit().await?;
        if gone == 1 {
            return Ok(Envelope::empty(204));
        }
        Err(Problem::new(&NOT_FOUND, self.missing).into())
    }

    /// `GET …`, by name.
    pub(super) async fn page(&self, app: &App, call: &Call) -> Result<Envelope, Failure> {
        let ask = crate::admin::roads::ask(call, &[])?;
        let sql = format!(
            "select name, reason, created_at from {} where name > $1 order by name limit $2",
            self.table,
        );
        let after = ask.after.clone().unwrap_or_default();
        let rows = app.db.read(&sql, values![after, ask.rows()]).await?;
        let items = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        Ok(Envelope::json(200, &ask.page(items, |last| last.name.clone())))
    }
}

fn read(row: &AnyRow) -> Result<Listed, Error> {
    Ok(Listed {
        name: db::text(row, "name")?,
        reason: db::text(row, "reason")?,
        created_at: Millis(db::number(row, "created_at")?),
    })
}
