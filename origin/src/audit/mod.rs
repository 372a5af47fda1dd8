//! The audit: written in the transaction of what it tells of.
//!
//! Invariant: whoever appends holds the row of the chain's end, so records have no gap and no
//! branch; a record of a change that was not committed does not exist. Of the ledger nothing is
//! written twice: its rows say by whom and in which request, and are chained themselves.

pub mod export;

use crate::app::App;
use crate::db::{self, Error, Tx};
use crate::respond::{Call, Failure};
use crate::{subjects, values};
use serde_json::Value;
use shared::audit::{AuditReport, FIRST, Record, SUBJECT, hash};
use shared::envelope::Envelope;
use shared::sign::Context;
use shared::time::Millis;
use sqlx::any::AnyRow;

/// Records of one look of the check.
const ROWS: u64 = 1_000;
/// Faults that are told of.
const FAULTS_MAX: usize = 100;

/// Who changes something, and from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    app: String,
    by: String,
    from: String,
    request: String,
    /// Of a user: kept under the subject's key.
    address: Option<String>,
}

impl Who {
    /// The caller; to be asked before a transaction begins.
    ///
    /// # Errors
    /// The database is down.
    pub async fn of(app: &App, context: &Context) -> Result<Self, Error> {
        let by = subjects::kept(app, &context.app, &context.principal).await?;
        let is_subject = by.starts_with(SUBJECT);
        let address = if is_subject { "" } else { context.ip.as_str() };
        let parts = [address, &context.country, &context.colo];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        Ok(Self {
            app: context.app.clone(),
            from: parts.join(" "),
            request: context.request_id.clone(),
            address: Some(context.ip.clone()).filter(|ip| is_subject && !ip.is_empty()),
            by,
        })
    }

    fn named(by: &str, app: &str) -> Self {
        let (from, request) = (String::new(), String::new());
        Self { app: app.into(), by: by.into(), from, request, address: None }
    }

    /// The service itself, for what it does by a rule.
    #[must_use]
    pub fn system(app: &str) -> Self {
        Self::named("system", app)
    }

    /// Whoever runs the program's commands.
    #[must_use]
    pub fn operator() -> Self {
        Self::named("operator", "")
    }

    /// The same, of an application that the request itself does not say.
    #[must_use]
    pub fn about(self, app: &str) -> Self {
        Self { app: app.into(), ..self }
    }
}

/// Appends a record in the caller's transaction.
///
/// # Errors
/// The database is down.
pub async fn record(
    tx: &mut Tx<'_>,
    app: &App,
    who: &Who,
    (action, object): (&str, &str),
    data: &Value,
) -> Result<(), Error> {
    let lock = tx.for_update();
    let sql = format!("select n, hash from audit_head where one = 1{lock}");
    let rows = tx.read(&sql, vec![]).await?;
    let head = rows.first().ok_or_else(|| Error::Stored("the audit has no end".into()))?;
    let record = Record {
        n: db::number(head, "n")? + 1,
        at: db::now(),
        app: who.app.clone(),
        by: who.by.clone(),
        action: action.into(),
        object: object.into(),
        from: who.from.clone(),
        request: who.request.clone(),
        data: data.to_string(),
    };
    let hash = hash(&db::text(head, "hash")?, &record);
    let sql = "insert into audit \
               (n, at, app, who, action, object, place, request, data, hash) \
               values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let Record { n, at, app: owner, by, action, object, from, request, data } = record;
    tx.write(sql, values![n, at, owner, by, action, object, from, request, data, hash.as_str()])
        .await?;
    tx.write("update audit_head set n = $1, hash = $2 where one = 1", values![n, hash]).await?;
    if let (Some(address), Some(pseudonym)) = (&who.address, who.by.strip_prefix(SUBJECT)) {
        subjects::keep(tx, app, pseudonym, &format!("audit/{n}/address"), address).await?;
    }
    Ok(())
}

const COLUMNS: &str = "n, at, app, who, action, object, place, request, data, hash";

fn read(row: &AnyRow) -> Result<(Record, String), Error> {
    let text = |name: &str| db::text(row, name);
    let record = Record {
        n: db::number(row, "n")?,
        at: Millis(db::number(row, "at")?),
        app: text("app")?,
        by: text("who")?,
        action: text("action")?,
        object: text("object")?,
        from: text("place")?,
        request: text("request")?,
        data: text("data")?,
    };
    Ok((record, text("hash")?))
}

/// `GET /admin/audit/check`
pub async fn check(app: &App, _: &Call) -> Result<Envelope, Failure> {
    let mut tx = app.db.snapshot().await?;
    let rows = tx.read("select n, hash from audit_head where one = 1", vec![]).await?;
    let end = rows.first().ok_or_else(|| Error::Stored("the audit has no end".into()))?;
    let (last, head) = (db::number(end, "n")?, db::text(end, "hash")?);
    let (mut before, mut n, mut faults) = (FIRST.to_owned(), 0, Vec::new());
    let sql = format!("select {COLUMNS} from audit where n > $1 order by n limit $2");
    loop {
        let rows = tx.read(&sql, values![n, ROWS]).await?;
        if rows.is_empty() {
            break;
        }
        for row in &rows {
            let (record, stored) = read(row)?;
            if record.n != n + 1 {
                faults.push(format!("between {n} and {} records are missing", record.n));
            }
            if hash(&before, &record) != stored {
                faults.push(format!("record {} is not what was hashed", record.n));
            }
            (before, n) = (stored, record.n);
        }
    }
    if (n, &before) != (last, &head) {
        faults.push(format!("the chain ends at {n}, not at {last}"));
    }
    tx.commit().await?;
    faults.truncate(FAULTS_MAX);
    let report = AuditReport { ok: faults.is_empty(), records: n, head, faults };
    Ok(Envelope::json(200, &report))
}
