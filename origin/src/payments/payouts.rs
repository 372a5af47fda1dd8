//! Payouts: made with their hold and their saga in one commit, and the saga's three steps.
//!
//! Invariant: a payout, what it reserves and its saga exist together or not at all. Each step is
//! safe to do again: the bank knows the payout's own name as the key, and a hold ends once. Where
//! the money goes is personal data and lies in a table of its own; no log shows it.

use super::columns::{self, TRANSFER};
use super::gateway::Trouble;
use super::{actor, books, store};
use crate::app::App;
use crate::db::{self, Error};
use crate::respond::{Call, Failure};
use crate::shell::{Done, load_records, store_records};
use crate::{sagas, values};
use shared::envelope::Envelope;
use shared::idempotency::{self, Key as Once};
use shared::machine::{At, Machine, turn};
use shared::money::Currency;
use shared::page::{self, Page};
use shared::payments::error::{NOT_PENDING, OF_A_PAYOUT};
use shared::payments::gateway::{Action, Happened, Order as Sent, Report};
use shared::payments::ledger::{Actor, Ending, Input, Ledger, Reply};
use shared::payments::payment::Books;
use shared::payments::payout::{
    Bank, PLAN, PayoutOrder, PayoutStatus, PayoutView, RELEASE, RESERVE, SEND, SETTLE, no_gateway,
    no_payout, order, parse, payout_id,
};
use shared::payments::request::Order;
use shared::payments::transfer::{Purpose, Status};
use shared::payments::wire::{account_id, transfer_id};
use shared::problem::{FieldError, Problem};
use shared::saga::{Outcome, Run, Saga};
use shared::time::Millis;
use sqlx::any::AnyRow;
use std::collections::BTreeSet;
use std::sync::Arc;

/// How often a transaction is begun again for another replica's sake.
const TRIES_MAX: u32 = 5;

const PAYOUT: &str = "p.id, p.account, p.amount, p.currency, p.gateway, p.subject, p.transfer, \
                      p.saga, p.status, p.failure, p.created_at, p.ended_at, p.app, b.last4, \
                      b.details";
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
    for _ in 0..TRIES_MAX {
        if let Some(answer) = attempt(app, call, &key, &asked, books, drawn).await? {
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
    let input = Input::Transfer(actor(call), drawn.transfer, hold);
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
            write(&mut tx, call, asked, drawn, now).await?;
            let view = fresh(asked, drawn, now);
            let location = format!("/api/v1/payouts/{}", view.id);
            Envelope::json(201, &view).with("location", location)
        }
    };
    if !store::commit(&mut tx, &view, &turn.writes).await? {
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
    tx: &mut db::Tx<'_>,
    call: &Call,
    asked: &PayoutOrder,
    drawn: Drawn,
    now: Millis,
) -> Result<(), Error> {
    let Drawn { payout, transfer, saga } = drawn;
    let sql = "insert into payout (id, app, account, amount, currency, gateway, transfer, saga, \
               status, created_at, created_by, created_request) \
               values ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, $10, $11)";
    let context = &call.context;
    let owner = context.app.as_str();
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
        context.principal.as_str(),
        context.request_id.as_str(),
    ];
    tx.write(sql, row).await?;
    let details = serde_json::to_string(&asked.bank)?;
    let sql = "insert into payout_bank (payout, last4, details) values ($1, $2, $3)";
    tx.write(sql, values![payout, last4(&asked.bank), details]).await?;
    // The hold is made by this very commit: the first step has happened.
    sagas::begin(tx, &Saga::begun(saga, &PLAN, 1, now), owner, payout, &[RESERVE], now).await
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
        created_at: now,
        ended_at: None,
    }
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
    let rows = app.db.read("select id from payout where transfer = $1", values![transfer]).await?;
    let Some(row) = rows.first() else { return Ok(()) };
    let detail = format!("{} ends it when the bank has decided", payout_id(db::number(row, "id")?));
    Err(Problem::new(&OF_A_PAYOUT, detail).into())
}

/// What a step needs of its payout.
struct Payout {
    id: u64,
    owner: String,
    gateway: String,
    transfer: u64,
    order: Sent,
}

async fn of_saga(app: &App, saga: u64) -> Result<Payout, Error> {
    let sql = format!("select {PAYOUT} from {FROM} where p.saga = $1");
    let rows = app.db.read(&sql, values![saga]).await?;
    let row = rows.first().ok_or_else(|| Error::Stored("the saga's payout vanished".into()))?;
    let id = db::number(row, "id")?;
    let details = db::maybe_text(row, "details")?.unwrap_or_default();
    let bank: Option<Bank> = serde_json::from_str(&details).ok();
    // A gateway is given its own token; the bank's file needs all that is known of the account.
    let token = bank.and_then(|bank| bank.token).unwrap_or(details);
    Ok(Payout {
        id,
        owner: db::text(row, "app")?,
        gateway: db::text(row, "gateway")?,
        transfer: db::number(row, "transfer")?,
        order: Sent {
            key: payout_id(id),
            action: Action::Payout,
            amount: db::signed(row, "amount")?,
            currency: currency(row)?,
            token,
            reference: payout_id(id),
            subject: db::maybe_text(row, "subject")?,
        },
    })
}

/// Runs a step or a compensation of a payout.
///
/// # Errors
/// The database is down.
pub async fn execute(app: &App, run: &Run) -> Result<Outcome, Error> {
    let payout = of_saga(app, run.id).await?;
    match run.name {
        SEND => send(app, &payout, run.attempt).await,
        SETTLE => {
            let ended = end(app, &payout, Ending::Post(None), Status::Posted).await?;
            if ended == Outcome::Done {
                mark(app, &payout, PayoutStatus::Paid, None).await?;
            }
            Ok(ended)
        }
        RELEASE => {
            let ended = end(app, &payout, Ending::Void, Status::Voided).await?;
            if ended == Outcome::Done {
                mark(app, &payout, PayoutStatus::Failed, sagas::why(app, run.id).await?).await?;
            }
            Ok(ended)
        }
        other => Ok(Outcome::Again(format!("no step {other:?} is known here"))),
    }
}

/// Orders at the gateway; of what was ordered before, asks first.
async fn send(app: &App, payout: &Payout, attempt: u32) -> Result<Outcome, Error> {
    let Some(gateway) = app.gateways.get(&payout.gateway) else {
        return Ok(Outcome::Again("the gateway is not configured here".into()));
    };
    let order = &payout.order;
    let known = if attempt > 1 { gateway.ask(order).await } else { Ok(None) };
    let said = match known {
        Ok(Some(report)) => Ok(report),
        Ok(None) => gateway.send(order).await,
        Err(trouble) => Err(trouble),
    };
    match said {
        Ok(report) => {
            remember(app, payout, &report).await?;
            Ok(outcome(report))
        }
        Err(Trouble::Refused(why)) => Ok(Outcome::Failed(why)),
        Err(trouble) => Ok(Outcome::Again(trouble.to_string())),
    }
}

/// What a report means for the step that sends.
#[must_use]
pub fn outcome(report: Report) -> Outcome {
    match report.happened {
        Happened::PaidOut => Outcome::Done,
        Happened::Pending => Outcome::Waits,
        Happened::Failed(why) => Outcome::Failed(why),
        other => Outcome::Again(format!("the gateway says {other:?} of a payout")),
    }
}

/// Keeps the gateway's own name for the payout.
async fn remember(app: &App, payout: &Payout, report: &Report) -> Result<(), Error> {
    if report.subject.is_empty() || payout.order.subject.as_ref() == Some(&report.subject) {
        return Ok(());
    }
    let mut tx = app.db.begin().await?;
    let sql = "update payout set subject = $1 where id = $2";
    tx.write(sql, values![report.subject.as_str(), payout.id]).await?;
    tx.commit().await
}

/// Ends the hold; that it has ended so before is as good.
async fn end(app: &App, payout: &Payout, ending: Ending, wanted: Status) -> Result<Outcome, Error> {
    let system = Actor {
        app: payout.owner.clone(),
        by: "system".into(),
        request: payout.order.reference.clone(),
    };
    let input = Input::Settle(system, payout.transfer, ending);
    match app.ledger.submit(None, input, Arc::new(|_| None)).await {
        Ok(Done::Reply(Reply::Settled(_))) => Ok(Outcome::Done),
        Ok(Done::Reply(Reply::Refused(problem))) if problem.kind == &NOT_PENDING => {
            let sql = format!("select {TRANSFER} from transfer t where t.id = $1");
            let rows = app.db.read(&sql, values![payout.transfer]).await?;
            let status = rows.first().map(columns::transfer).transpose()?.map(|found| found.status);
            Ok(match status {
                Some(status) if status == wanted => Outcome::Done,
                _ => Outcome::Failed(problem.detail),
            })
        }
        Ok(Done::Reply(Reply::Refused(problem))) => Ok(Outcome::Failed(problem.detail)),
        Err(problem) => Ok(Outcome::Again(problem.detail)),
        Ok(_) => Ok(Outcome::Again("the ledger gave no reply".into())),
    }
}

async fn mark(
    app: &App,
    payout: &Payout,
    status: PayoutStatus,
    failure: Option<String>,
) -> Result<(), Error> {
    let mut tx = app.db.begin().await?;
    let sql = "update payout set status = $1, failure = $2, ended_at = $3 \
               where id = $4 and status = 0";
    tx.write(sql, values![status.number(), failure, db::now(), payout.id]).await?;
    tx.commit().await
}

/// Tells a payout what its gateway says of it; `false`: it is none of ours, or knows already.
///
/// # Errors
/// The database is down.
pub async fn told(app: &App, gateway: &str, report: Report) -> Result<bool, Error> {
    let Some(id) = parse(&report.reference) else { return Ok(false) };
    // Another gateway does not speak of it.
    let sql = "select saga, amount, currency from payout where id = $1 and gateway = $2";
    let rows = app.db.read(sql, values![id, gateway]).await?;
    let Some(row) = rows.first() else { return Ok(false) };
    if (db::signed(row, "amount")?, currency(row)?) != (report.amount, report.currency) {
        tracing::error!(
            code = "payout-amount",
            payout = payout_id(id),
            "another amount was paid out than was ordered"
        );
        return Ok(false);
    }
    let saga = db::number(row, "saga")?;
    match outcome(report) {
        Outcome::Waits | Outcome::Again(_) => Ok(false),
        outcome => sagas::news(app, saga, SEND, outcome).await,
    }
}
