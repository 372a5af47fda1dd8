//! Domains that no link may lead to: the operator's list (L1).
//!
//! Invariant: a blocked domain blocks what is below it; the list is read for every creation, so a
//! change acts at once on every replica.

use crate::app::App;
use crate::db::{self, Error, Value};
use crate::respond::{Call, Failure};
use crate::values;
use shared::admin::{BlockRequest, BlockedDomain};
use shared::body;
use shared::envelope::Envelope;
use shared::links::error::INVALID;
use shared::links::target;
use shared::problem::{FieldError, NOT_FOUND, Problem};
use shared::time::Millis;
use sqlx::any::AnyRow;
use std::collections::BTreeSet;

/// Names of one look-up: SQLite binds 32,766 values.
const NAMES_MAX: usize = 10_000;

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
        let names: BTreeSet<String> = targets.into_iter().flat_map(target::domains).collect();
        let names: Vec<Value> = names.into_iter().map(Value::Text).collect();
        let mut found = BTreeSet::new();
        for names in names.chunks(NAMES_MAX) {
            let one_of = db::placeholders(1, names.len());
            let sql = format!("select name from blocked_domain where name in {one_of}");
            for row in app.db.read(&sql, names.to_vec()).await? {
                found.insert(db::text(&row, "name")?);
            }
        }
        Ok(Self(found))
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
    body::check_media_type(call.header("content-type").as_deref())?;
    let request: BlockRequest = body::parse(&call.body)?;
    request.check()?;
    let name = name(call)?;
    let mut tx = app.db.begin().await?;
    let sql = "insert into blocked_domain (name, reason, created_at) values ($1, $2, $3) \
               on conflict (name) do update set reason = excluded.reason";
    tx.write(sql, values![name.as_str(), request.reason.as_str(), db::now()]).await?;
    tx.commit().await?;
    tracing::info!(name, "an operator blocks a domain");
    Ok(Envelope::empty(204))
}

/// `DELETE /admin/blocked-domains/{name}`
pub async fn delete(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let name = name(call)?;
    let mut tx = app.db.begin().await?;
    let gone = tx.write("delete from blocked_domain where name = $1", values![name]).await?;
    tx.commit().await?;
    if gone == 1 {
        return Ok(Envelope::empty(204));
    }
    Err(Problem::new(&NOT_FOUND, "the domain is not blocked").into())
}

/// `GET /admin/blocked-domains`
pub async fn list(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let ask = crate::admin::roads::ask(call, &[])?;
    let sql = "select name, reason, created_at from blocked_domain where name > $1 \
               order by name limit $2";
    let after = ask.after.clone().unwrap_or_default();
    let rows = app.db.read(sql, values![after, ask.rows()]).await?;
    let items = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    Ok(Envelope::json(200, &ask.page(items, |last| last.name.clone())))
}

fn read(row: &AnyRow) -> Result<BlockedDomain, Error> {
    Ok(BlockedDomain {
        name: db::text(row, "name")?,
        reason: db::text(row, "reason")?,
        created_at: Millis(db::number(row, "created_at")?),
    })
}

fn name(call: &Call) -> Result<String, Problem> {
    target::domain(call.segment(0)).ok_or_else(|| {
        let detail = format!("{:?} is no domain", call.segment(0));
        Problem::fields(&INVALID, vec![FieldError { pointer: "/name".into(), detail }])
    })
}
