//! Accounts: opened, closed, read, with their entries and their balance at any moment.

use super::columns::{self, ACCOUNT, ENTRY, TRANSFER};
use super::{actor, books, submit};
use crate::app::App;
use crate::db::{self, Error};
use crate::respond::{Call, Failure};
use crate::values;
use shared::envelope::Envelope;
use shared::page::{self, Page};
use shared::payments::account::Account;
use shared::payments::error::NOT_EMPTY;
use shared::payments::ledger::{Input, Opening, no_account};
use shared::payments::request;
use shared::payments::wire::{AccountView, BalanceAt, EntryView, TransferView, account_id, parse};
use shared::problem::Problem;
use shared::time::Millis;
use sqlx::any::AnyRow;

/// `POST /api/v1/accounts`
pub async fn open(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let key = call.required_key()?;
    let (asked, currency) = request::account(&call.body)?;
    let opening = Opening {
        id: app.ids.next().await?,
        name: asked.name,
        currency,
        kind: asked.kind,
        limits: asked.limits.unwrap_or_default(),
    };
    submit(app, call, key, Input::Open(actor(app, call).await?, opening)).await
}

/// `POST /api/v1/accounts/{id}/close`
pub async fn close(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let key = call.required_key()?;
    let id = number(call)?;
    if books::hold(app, &call.context.app, id).await? {
        let detail = "what a gateway reports is booked there, at any time";
        return Err(Problem::new(&NOT_EMPTY, detail).into());
    }
    submit(app, call, key, Input::Close(actor(app, call).await?, id)).await
}

/// `GET /api/v1/accounts`: newest first.
pub async fn list(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let ask = request::accounts(&call.query)?;
    let before =
        ask.page.after.as_deref().and_then(|id| id.parse().ok()).unwrap_or(i64::MAX as u64);
    let mut values = values![call.context.app.as_str(), before, ask.page.rows()];
    let only = match &ask.name {
        None => "",
        Some(name) => {
            // SQLite knows the cases of ASCII only: what is written as it stands is found too.
            values.push(format!("{}%", db::like(name)).into());
            values.push(format!("{}%", db::like(&name.to_lowercase())).into());
            "and (a.name like $4 escape '!' or lower(a.name) like $5 escape '!')"
        }
    };
    let sql = format!(
        "select {ACCOUNT} from account a where a.app = $1 and a.id < $2 {only} \
         order by a.id desc limit $3"
    );
    let rows = app.db.read(&sql, values).await?;
    let rows = rows.iter().map(columns::account).collect::<Result<Vec<_>, Error>>()?;
    let page = ask.page.page(rows, |last| last.id.to_string());
    let items = page.items.iter().map(AccountView::of).collect();
    Ok(Envelope::json(200, &Page::<AccountView> { items, next_cursor: page.next_cursor }))
}

/// `GET /api/v1/accounts/{id}`
pub async fn get(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let account = owned(app, call).await?;
    Ok(Envelope::json(200, &AccountView::of(&account)))
}

/// `GET /api/v1/accounts/{id}/entries`: newest first.
pub async fn entries(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let asked = page::query(&call.query);
    let get = |name: &str| asked.get(name).map(String::as_str);
    let ask = page::ask(get("limit"), get("cursor"))?;
    let account = owned(app, call).await?;
    // The key of a row is its time and its number, as the index has them.
    let after = ask.after.as_deref().and_then(|after| after.split_once('.'));
    let after = after.and_then(|(at, n)| Some((at.parse().ok()?, n.parse().ok()?)));
    let (at, n): (u64, u64) = after.unwrap_or((i64::MAX as u64, i64::MAX as u64));
    let sql = format!(
        "select {ENTRY}, {TRANSFER} from entry e join transfer t on t.id = e.transfer \
         where e.account = $1 and (e.at, e.n) < ($2, $3) order by e.at desc, e.n desc limit $4"
    );
    let rows = app.db.read(&sql, values![account.id, at, n, ask.rows()]).await?;
    let rows = rows.iter().map(|row| Ok((columns::entry(row)?, columns::transfer(row)?)));
    let rows = rows.collect::<Result<Vec<_>, Error>>()?;
    let page = ask.page(rows, |(entry, _)| format!("{}.{}", entry.at.0, entry.n));
    let view = |(entry, transfer)| EntryView::of(&entry, &transfer, &account);
    let items = page.items.into_iter().map(view).collect();
    Ok(Envelope::json(200, &Page { items, next_cursor: page.next_cursor }))
}

/// `GET /api/v1/accounts/{id}/holds`: newest first.
pub async fn holds(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let asked = page::query(&call.query);
    let get = |name: &str| asked.get(name).map(String::as_str);
    let ask = page::ask(get("limit"), get("cursor"))?;
    let account = owned(app, call).await?;
    let before = ask.after.as_deref().and_then(|id| id.parse().ok()).unwrap_or(i64::MAX as u64);
    // An index for each side; a transfer has two accounts, and is found once.
    let side = |side: &str| {
        format!(
            "select {TRANSFER} from transfer t where t.{side} = $1 and t.status = 1 and t.id < $2"
        )
    };
    let sql =
        format!("{} union all {} order by transfer desc limit $3", side("debit"), side("credit"));
    let rows = app.db.read(&sql, values![account.id, before, ask.rows()]).await?;
    let rows = rows.iter().map(columns::transfer).collect::<Result<Vec<_>, Error>>()?;
    let page = ask.page(rows, |last| last.id.to_string());
    let now = db::now();
    let items = page.items.iter().map(|transfer| TransferView::of(transfer, now)).collect();
    Ok(Envelope::json(200, &Page::<TransferView> { items, next_cursor: page.next_cursor }))
}

/// `GET /api/v1/accounts/{id}/balance`
pub async fn balance(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let asked = page::query(&call.query);
    let at = request::at(asked.get("at").map(String::as_str), db::now())?;
    let row = at_moment(app, number(call)?, &call.context.app, at).await?.ok_or_else(no_account)?;
    let account = columns::account(&row)?;
    let posted = account.on_normal_side(db::signed(&row, "balance")?);
    let reserved = if account.kind.is_debit_normal() { "credits" } else { "debits" };
    let pending = db::signed(&row, reserved)?;
    Ok(Envelope::json(
        200,
        &BalanceAt {
            account: account_id(account.id),
            currency: account.currency,
            at,
            posted,
            pending,
            available: posted.saturating_sub(pending),
        },
    ))
}

/// The account, with debits less credits at a moment, and what holds reserved then on each side.
async fn at_moment(app: &App, id: u64, owner: &str, at: Millis) -> Result<Option<AnyRow>, Error> {
    // A sum of bigint is no bigint on PostgreSQL.
    let held = |side: &str| {
        format!(
            "cast(coalesce((select sum(amount) from transfer where held = 1 and {side} = a.id \
             and made_at <= $3 and (settled_at is null or settled_at > $3) \
             and (expires_at is null or expires_at > $3)), 0) as bigint)"
        )
    };
    let sql = format!(
        "select {ACCOUNT}, coalesce((select balance from entry where account = a.id \
         and at <= $3 order by at desc, n desc limit 1), 0) as balance, \
         {} as debits, {} as credits from account a where a.id = $1 and a.app = $2",
        held("debit"),
        held("credit"),
    );
    Ok(app.db.read(&sql, values![id, owner, at]).await?.into_iter().next())
}

fn number(call: &Call) -> Result<u64, Problem> {
    parse("acc", call.segment(0)).ok_or_else(no_account)
}

async fn owned(app: &App, call: &Call) -> Result<Account, Failure> {
    let id = number(call)?;
    let sql = format!("select {ACCOUNT} from account a where a.id = $1 and a.app = $2");
    let rows = app.db.read(&sql, values![id, call.context.app.as_str()]).await?;
    let row = rows.first().ok_or_else(no_account)?;
    Ok(columns::account(row)?)
}
