//! What stuck on either road: the outbox with what was parked, and the dead letters.

use crate::app::App;
use crate::db::{self, Error};
use crate::respond::{Call, Failure};
use crate::values;
use serde::Serialize;
use shared::admin::{DeadLetter, OutboxRow};
use shared::envelope::Envelope;
use shared::page::{self, Ask};
use shared::problem::{FieldError, NOT_FOUND, Problem, UNACCEPTABLE};
use shared::time::Millis;
use sqlx::any::AnyRow;

/// Reads the query of an operator's list.
///
/// # Errors
/// 422 for an unknown or unacceptable parameter.
pub fn ask(call: &Call, more: &[&str]) -> Result<Ask, Problem> {
    let query = page::query(&call.query);
    let get = |name: &str| query.get(name).map(String::as_str);
    let known = |name: &str| ["limit", "cursor"].contains(&name) || more.contains(&name);
    if let Some(name) = query.keys().find(|name| !known(name)) {
        let detail = "is not a parameter of this call".into();
        let error = FieldError { pointer: format!("?{name}"), detail };
        return Err(Problem::fields(&UNACCEPTABLE, vec![error]));
    }
    page::ask(get("limit"), get("cursor"))
}

/// `GET /admin/outbox`
pub async fn outbox(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let ask = ask(call, &["parked"])?;
    let parked = page::query(&call.query).contains_key("parked");
    let only = if parked { "and parked is not null" } else { "" };
    let sql = format!(
        "select id, product, key, epoch, version, attempts, created_at, parked from outbox \
         where id > $1 {only} order by id limit $2"
    );
    page_of(app, &sql, &ask, read_outbox, |row| &row.id).await
}

/// `POST /admin/outbox/{id}/retry`
pub async fn retry(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let missing = || Problem::new(&NOT_FOUND, "no parked projection has this id");
    let id: u64 = call.segment(0).parse().map_err(|_| missing())?;
    let mut tx = app.db.begin().await?;
    let sql = "update outbox set parked = null, attempts = 0, due = $1 \
               where id = $2 and parked is not null";
    let found = tx.write(sql, values![db::now(), id]).await?;
    tx.commit().await?;
    app.outbox_news.notify_one();
    if found == 1 { Ok(Envelope::empty(204)) } else { Err(missing().into()) }
}

/// `GET /admin/dead-letters`
pub async fn dead_letters(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let ask = ask(call, &[])?;
    let sql = "select id, recorder, seq, product, body, why, created_at from dead_letter \
               where id > $1 order by id limit $2";
    page_of(app, sql, &ask, read_dead_letter, |row| &row.id).await
}

async fn page_of<T: Serialize>(
    app: &App,
    sql: &str,
    ask: &Ask,
    read: fn(&AnyRow) -> Result<T, Error>,
    id: fn(&T) -> &String,
) -> Result<Envelope, Failure> {
    let after = ask.after.as_deref().and_then(|after| after.parse::<u64>().ok()).unwrap_or(0);
    let rows = app.db.read(sql, values![after, ask.rows()]).await?;
    let items = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    Ok(Envelope::json(200, &ask.page(items, |last| id(last).clone())))
}

fn small(row: &AnyRow, name: &str) -> Result<u32, Error> {
    u32::try_from(db::number(row, name)?).map_err(|_| Error::Stored(name.into()))
}

fn read_outbox(row: &AnyRow) -> Result<OutboxRow, Error> {
    Ok(OutboxRow {
        id: db::number(row, "id")?.to_string(),
        product: db::text(row, "product")?,
        key: db::text(row, "key")?,
        epoch: small(row, "epoch")?,
        version: db::number(row, "version")?,
        attempts: small(row, "attempts")?,
        created_at: Millis(db::number(row, "created_at")?),
        parked: db::maybe_text(row, "parked")?,
    })
}

fn read_dead_letter(row: &AnyRow) -> Result<DeadLetter, Error> {
    Ok(DeadLetter {
        id: db::number(row, "id")?.to_string(),
        recorder: db::text(row, "recorder")?,
        seq: db::number(row, "seq")?,
        product: db::text(row, "product")?,
        body: db::text(row, "body")?,
        why: db::text(row, "why")?,
        created_at: Millis(db::number(row, "created_at")?),
    })
}
