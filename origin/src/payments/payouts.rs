//! Payouts: made with their hold and their saga in one commit, and the saga's three steps.
//!
//! Invariant: a payout, what it reserves and its saga exist together or not at all. Each step is
//! safe to do again: the bank knows the payout's own name as the key, and a hold ends once. Where
//! the money goes is personal data and lies in a table of its own; no log shows it. What an
//! application's webhooks are told stands in the commit of what it tells of.

pub mod returns;
pub mod steps;

use super::{actor, books, store};
use crate::app::App;
use crate::config::Secret;
use crate::db::{self, Error};
use crate::respond::{Call, Failure};
use crate::shell::{load_records, store_records};
use crate::webhooks::{self, News};
use crate::{sagas, seal, values};
use serde_json::json;
use shared::envelope::Envelope;
use shared::idempotency::{self, Key as Once};
use shared::machine::{At, Machine, turn};
use shared::money::Currency;
use shared::page::{self, Page};
use shared::payments::error::OF_A_PAYOUT;
use shared::payments::ledger::{Actor, Input, Ledger, Reply};
use shared::payments::payment::Books;
use shared::payments::payout::{
    Bank, PLAN, PayoutOrder, PayoutStatus, PayoutView, RESERVE, ReturnView, no_gateway, no_payout,
    order, parse, payout_id,
};
use shared::payments::request::Order;
use shared::payments::transfer::Purpose;
use shared::payments::wire::{account_id, transfer_id};
use shared::problem::{FieldError, Problem};
use shared::saga::Saga;
use shared::time::Millis;
use sqlx::any::AnyRow;
use std::collections::BTreeSet;

/// How often a transaction is begun again for another replica's sake.
const TRIES_MAX: u32 = 5;

const PAYOUT: &str = "p.id, p.account, p.amount, p.currency, p.gateway, p.subject, p.transfer, \
                      p.saga, p.status, p.failure, p.created_at, p.ended_at, p.app, \
                      p.return_amount, p.return_why, p.return_saga, p.return_transfer, \
                      p.returned_at, b.last4, b.details";
const FROM: &str = "payout p left join payout_bank b on b.payout = p.id";

/// Ids that were drawn for one payout.
#[derive(Clone, Copy)]
struct Drawn {
    payout: u64,
    transfer: u64,
    saga: u64,
}

/// `POST /api/v1/payouts`
pub async fn create(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let key = call.required_key()?;
    let asked = order(&call.body)?;
    let known = app.gateways.get(&asked.gateway).filter(|gateway| gateway.pays_out());
    known.ok_or_else(|| no_gateway(&asked.gateway))?;
    let books = books::of(app, &call.context.app, &asked.gateway, asked.currency).await?;
    let ids = app.ids.next_many(3).await?;
    let ids = <[u64; 3]>::try_from(ids).map_err(|_| Error::Stored("three ids".into()))?;
    let [payout, transfer, saga] = ids;
    let drawn = Drawn { payout, transfer, saga };
    let actor = actor(app, call).await?;
    for _ in 0..TRIES_MAX {
        if let Some(answer) = attempt(app, call, &actor, &key, &asked, books, drawn).await? {
            app.saga_news.notify_one();
            return Ok(answer?);
        }
    }
    Err(Error::Stored(format!("another replica was faster {TRIES_MAX} times")).into())
}

/// One transaction; `None`: another replica was faster.
async fn attempt(
    app: &App,
    call: &Call,
    actor: &Actor,
    key: &Once,
    asked: &PayoutOrder,
    books: Books,
    drawn: Drawn,
) -> Result<Option<Result<Envelope, Problem>>, Error> {
    let now = db::now();
    let mut tx = app.db.begin_waiting(idempotency::WAIT_MS).await?;
    let records = load_records(&mut tx, std::iter::once(key), now).await?;
    if let Some(record) = records.get(&(key.scope.clone(), key.key.clone())) {
        return Ok(Some(idempotency::replay(key, record)));
    }
    let hold = Order {
        debit: asked.account,
        credit: books.settled,
        amount: asked.amount,
        currency: asked.currency,
        purpose: Purpose::Payout,
        reference: Some(payout_id(drawn.payout)),
        hold: Some(None),
    };
    let input = Input::Transfer(actor.clone(), drawn.transfer, hold);
    let mut keys = BTreeSet::new();
    Ledger.reads(&input, &mut keys);
    // A hold makes no entry: whichever log is loaded stays as it is.
    let shard = app.ids.nodes().await.first().copied().map_or(0, u64::from);
    let mut view = store::load(&mut tx, &keys, shard).await?;
    let at = At { now, draw: rand::random() };
    let mut turn = turn(&Ledger, &mut view, at, [input]);
    let answer = match turn.replies.pop() {
        Some(Reply::Refused(problem)) => {
            let (base, request) = (&app.config.public_url, &call.context.request_id);
            Envelope::problem(&here(problem), base, request)
        }
        _ => {
            write(app, &mut tx, actor, asked, drawn, now).await?;
            let view = fresh(asked, drawn, now);
            let location = format!("/api/v1/payouts/{}", view.id);
            Envelope::json(201, &view).with("location", location)
        }
    };
    if !store::commit(app, &mut tx, &view, &turn.writes).await? {
        return Ok(None);
    }
    let text = serde_json::to_string(&answer)?;
    if !store_records(&mut tx, vec![(key, text)], now).await? {
        return Ok(None);
    }
    tx.commit().await?;
    Ok(Some(Ok(answer)))
}

/// The ledger's problem in the words of the payout's body.
fn here(problem: Problem) -> Problem {
    let named = |error: FieldError| match error.pointer.as_str() {
        "/debit_account" => FieldError { pointer: "/account".into(), ..error },
        _ => error,
    };
    let errors: Vec<FieldError> = problem.errors.into_iter().map(named).collect();
    match errors.as_slice() {
        [] => Problem { errors, ..problem },
        _ => Problem::fields(problem.kind, errors),
    }
}

async fn write(
    app: &App,
    tx: &mut db::Tx<'_>,
    actor: &Actor,
    asked: &PayoutOrder,
    drawn: Drawn,
    now: Millis,
) -> Result<(), Error> {
    let Drawn { payout, transfer, saga } = drawn;
    let sql = "insert into payout (id, app, account, amount, currency, gateway, transfer, saga, \
               status, created_at, created_by, created_request) \
               values ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, $10, $11)";
    let owner = actor.app.as_str();
    let row = values![
        payout,
        owner,
        asked.account,
        asked.amount,
        asked.currency.code(),
        asked.gateway.as_str(),
        transfer,
        saga,
        now,
        actor.by.as_str(),
        actor.request.as_str(),
    ];
    tx.write(sql, row).await?;
    let details = serde_json::to_string(&asked.bank)?;
    let sealed = seal::seal(&sealing(app), &payout_id(payout), details.as_bytes());
    let sql = "insert into payout_bank (payout, last4, details) values ($1, $2, $3)";
    tx.write(sql, values![payout, last4(&asked.bank), sealed]).await?;
    // The hold is made by this very commit: the first step has happened.
    sagas::begin(tx, &Saga::begun(saga, &PLAN, 1, now), owner, payout, &[RESERVE], now).await?;
    tell(app, tx, "payout.created", owner, fresh(asked, drawn, now), now).await
}

/// Tells an application's webhooks what became of a payout, in the commit that made it so.
async fn tell(
    app: &App,
    tx: &mut db::Tx<'_>,
    kind: &str,
    owner: &str,
    payout: PayoutView,
    at: Millis,
) -> Result<(), Error> {
    let news = News { kind: kind.into(), at, data: json!({ "payout": payout }) };
    webhooks::publish(tx, app, owner, &[news]).await.map(|_| ())
}

/// The same of one that is stored.
async fn tell_of(
    app: &App,
    tx: &mut db::Tx<'_>,
    kind: &str,
    id: u64,
    at: Millis,
) -> Result<(), Error> {
    let rows =
        tx.read(&format!("select {PAYOUT} from {FROM} where p.id = $1"), values![id]).await?;
    let row = rows.first().ok_or_else(|| Error::Stored("the payout vanished".into()))?;
    tell(app, tx, kind, &db::text(row, "app")?, view(row)?, at).await
}

/// The key under which bank accounts lie (P24).
fn sealing(app: &App) -> Secret<[u8; 32]> {
    seal::key_for(&app.config.data_key, "payouts' bank accounts")
}

/// A user's payouts behind one of them, oldest first, with their numbers.
///
/// # Errors
/// The database is down.
pub async fn of_subject(
    tx: &mut db::Tx<'_>,
    by: &str,
    after: u64,
    limit: u64,
) -> Result<Vec<(u64, PayoutView)>, Error> {
    let sql = format!(
        "select {PAYOUT} from {FROM} where p.created_by = $1 \
         and substr(p.created_by, 1, 8) = 'subject:' and p.id > $2 order by p.id limit $3"
    );
    let rows = tx.read(&sql, values![by, after, limit]).await?;
    rows.iter().map(|row| Ok((db::number(row, "id")?, view(row)?))).collect()
}

fn last4(bank: &Bank) -> String {
    let whole = bank.iban.as_deref().or(bank.token.as_deref()).unwrap_or_default();
    let skipped = whole.chars().count().saturating_sub(4);
    whole.chars().skip(skipped).collect()
}

fn fresh(asked: &PayoutOrder, drawn: Drawn, now: Millis) -> PayoutView {
    PayoutView {
        id: payout_id(drawn.payout),
        status: PayoutStatus::Processing,
        account: account_id(asked.account),
        amount: asked.amount,
        currency: asked.currency,
        gateway: asked.gateway.clone(),
        bank_last4: last4(&asked.bank),
        transfer: transfer_id(drawn.transfer),
        failure: None,
        returned: None,
        created_at: now,
        ended_at: None,
    }
}

/// What came back, once it is booked.
fn returned(row: &AnyRow) -> Result<Option<ReturnView>, Error> {
    let Some(at) = db::maybe_number(row, "returned_at")? else { return Ok(None) };
    Ok(Some(ReturnView {
        amount: db::signed(row, "return_amount")?,
        reason: db::maybe_text(row, "return_why")?.unwrap_or_default(),
        transfer: transfer_id(db::number(row, "return_transfer")?),
        at: Millis(at),
    }))
}

fn view(row: &AnyRow) -> Result<PayoutView, Error> {
    let status = PayoutStatus::of_number(db::number(row, "status")?);
    Ok(PayoutView {
        id: payout_id(db::number(row, "id")?),
        status: status.ok_or_else(|| Error::Stored("a payout's status".into()))?,
        account: account_id(db::number(row, "account")?),
        amount: db::signed(row, "amount")?,
        currency: currency(row)?,
        gateway: db::text(row, "gateway")?,
        bank_last4: db::maybe_text(row, "last4")?.unwrap_or_default(),
        transfer: transfer_id(db::number(row, "transfer")?),
        failure: db::maybe_text(row, "failure")?,
        returned: returned(row)?,
        created_at: Millis(db::number(row, "created_at")?),
        ended_at: db::maybe_number(row, "ended_at")?.map(Millis),
    })
}

fn currency(row: &AnyRow) -> Result<Currency, Error> {
    let code = db::text(row, "currency")?;
    Currency::of(&code).ok_or_else(|| Error::Stored(format!("{code:?} is no currency")))
}

/// `GET /api/v1/payouts/{id}`
pub async fn get(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let id = parse(call.segment(0)).ok_or_else(no_payout)?;
    let sql = format!("select {PAYOUT} from {FROM} where p.id = $1 and p.app = $2");
    let rows = app.db.read(&sql, values![id, call.context.app.as_str()]).await?;
    Ok(Envelope::json(200, &view(rows.first().ok_or_else(no_payout)?)?))
}

/// `GET /api/v1/payouts`: newest first.
pub async fn list(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let asked = page::query(&call.query);
    let get = |name: &str| asked.get(name).map(String::as_str);
    let ask = page::ask(get("limit"), get("cursor"))?;
    let after = ask.after.as_deref().and_then(|after| after.parse().ok()).unwrap_or(i64::MAX);
    let sql = format!(
        "select {PAYOUT} from {FROM} where p.app = $1 and p.id < $2 order by p.id desc limit $3"
    );
    let owner = call.context.app.as_str();
    let rows = app.db.read(&sql, values![owner, after, ask.rows()]).await?;
    let items = rows.iter().map(|row| Ok((db::number(row, "id")?, view(row)?)));
    let page = ask.page(items.collect::<Result<Vec<_>, Error>>()?, |(id, _)| id.to_string());
    let items = page.items.into_iter().map(|(_, view)| view).collect();
    Ok(Envelope::json(200, &Page::<PayoutView> { items, next_cursor: page.next_cursor }))
}

/// A hold that only its payout may end.
///
/// # Errors
/// 409 when it is one.
pub async fn not_of_a_payout(app: &App, transfer: u64) -> Result<(), Failure> {
    let sql = "select id from payout where transfer = $1 \
               union all select id from payout where return_transfer = $2";
    let rows = app.db.read(sql, values![transfer, transfer]).await?;
    let Some(row) = rows.first() else { return Ok(()) };
    let detail = format!("{} ends it when the bank has decided", payout_id(db::number(row, "id")?));
    Err(Problem::new(&OF_A_PAYOUT, detail).into())
}
