//! What a bank gives back of a payout that it had paid: a saga of its own, begun by whatever says
//! so first (a statement's credit, a rejection after the debit, a gateway's event), in any order.
//!
//! Invariant: a payout comes back once, and at most as much as was paid; the entries of the payout
//! stay, and what came back is a transfer of its own: against the account, and where that is closed
//! or full, against what is owed. It is booked once the payout is posted as paid, whichever is told
//! first. Refused, and told in the log: a payout that had failed, another currency, more than paid.

use super::super::{books, store};
use super::{FROM, PAYOUT, currency, steps, tell_of};
use crate::app::App;
use crate::db::{self, Error, Tx};
use crate::{sagas, values};
use shared::machine::{At, Machine, turn};
use shared::money::Currency;
use shared::payments::card;
use shared::payments::ledger::{Ending, Input, Ledger, Reply};
use shared::payments::payout::{AWAIT, BOOK, CREDIT, PayoutStatus, RETURN, payout_id};
use shared::payments::request::Order;
use shared::payments::transfer::{Purpose, Status};
use shared::saga::{Outcome, Run, Saga};
use sqlx::any::AnyRow;
use std::collections::BTreeSet;

/// A reason's characters: an external code has four, a bank's own text up to 35.
const WHY_CHARS_MAX: usize = 100;

/// What came back.
#[derive(Clone, Debug)]
pub struct Back {
    pub amount: i64,
    pub currency: Currency,
    /// The bank's reason; empty when it gives none.
    pub why: String,
}

/// Begins the saga of a return; `false`: it is none of ours, cannot be, or is known.
///
/// # Errors
/// The database is down.
pub async fn begin(app: &App, gateway: &str, id: u64, back: Back) -> Result<bool, Error> {
    let saga = app.ids.next().await?;
    let (mut tx, now) = (app.db.begin().await?, db::now());
    // Another gateway does not speak of it.
    let sql = format!(
        "select app, amount, currency, status, return_saga from payout \
         where id = $1 and gateway = $2{}",
        tx.for_update()
    );
    let rows = tx.read(&sql, values![id, gateway]).await?;
    let Some(row) = rows.first() else { return Ok(false) };
    if db::maybe_number(row, "return_saga")?.is_some() {
        return Ok(false);
    }
    let paid = db::signed(row, "amount")?;
    let is_failed = status(row)? == PayoutStatus::Failed;
    let fits = (1..=paid).contains(&back.amount) && currency(row)? == back.currency;
    if is_failed || !fits {
        tracing::error!(
            code = "payout-return",
            payout = payout_id(id),
            amount = back.amount,
            paid,
            is_failed,
            "what came back cannot be this payout"
        );
        return Ok(false);
    }
    tracing::warn!(code = "payout-returned", payout = payout_id(id), "a payout comes back");
    let why: String = back.why.chars().take(WHY_CHARS_MAX).collect();
    let why = if card::holds(why.as_bytes()) { String::new() } else { why };
    let sql = "update payout set return_amount = $1, return_why = $2, return_saga = $3 \
               where id = $4";
    tx.write(sql, values![back.amount, why, saga, id]).await?;
    let owner = db::text(row, "app")?;
    sagas::begin(&mut tx, &Saga::begun(saga, &RETURN, 0, now), &owner, id, &[], now).await?;
    tx.commit().await?;
    app.saga_news.notify_one();
    Ok(true)
}

fn status(row: &AnyRow) -> Result<PayoutStatus, Error> {
    let status = PayoutStatus::of_number(db::number(row, "status")?);
    status.ok_or_else(|| Error::Stored("a payout's status".into()))
}

/// Runs a step of a return.
///
/// # Errors
/// The database is down.
pub async fn execute(app: &App, run: &Run) -> Result<Outcome, Error> {
    match run.name {
        AWAIT => ready(app, run.id).await,
        BOOK => book(app, run.id).await,
        CREDIT => credit(app, run.id).await,
        other => Ok(Outcome::Again(format!("no step {other:?} is known here"))),
    }
}

async fn of_saga(tx: &mut Tx<'_>, saga: u64, lock: &str) -> Result<AnyRow, Error> {
    // The lock is the payout's: an outer join has rows that cannot be locked.
    let sql = format!("select id from payout where return_saga = $1{lock}");
    let vanished = || Error::Stored("the return's payout vanished".into());
    let locked = tx.read(&sql, values![saga]).await?;
    let id = db::number(locked.first().ok_or_else(vanished)?, "id")?;
    let rows =
        tx.read(&format!("select {PAYOUT} from {FROM} where p.id = $1"), values![id]).await?;
    rows.into_iter().next().ok_or_else(vanished)
}

/// The payout is posted as paid, or will be: what a bank gives back, it had.
async fn ready(app: &App, saga: u64) -> Result<Outcome, Error> {
    let row = of_saga(&mut app.db.snapshot().await?, saga, "").await?;
    Ok(match status(&row)? {
        PayoutStatus::Processing => Outcome::Waits,
        PayoutStatus::Paid | PayoutStatus::Returned => Outcome::Done,
        PayoutStatus::Failed => Outcome::Failed("the payout has failed: nothing was paid".into()),
    })
}

/// Holds what came back, in the commit that names the hold.
async fn book(app: &App, saga: u64) -> Result<Outcome, Error> {
    let row = of_saga(&mut app.db.snapshot().await?, saga, "").await?;
    let (id, owner) = (db::number(&row, "id")?, db::text(&row, "app")?);
    let (gateway, currency) = (db::text(&row, "gateway")?, currency(&row)?);
    let books = books::of(app, &owner, &gateway, currency).await?;
    let transfer = app.ids.next().await?;
    let mut refused = None;
    for credit in [db::number(&row, "account")?, books.owed] {
        let mut tx = app.db.begin().await?;
        let lock = tx.for_update();
        let row = of_saga(&mut tx, saga, lock).await?;
        if db::maybe_number(&row, "return_transfer")?.is_some() {
            return Ok(Outcome::Done);
        }
        let order = Order {
            debit: books.settled,
            credit,
            amount: db::signed(&row, "return_amount")?,
            currency,
            purpose: Purpose::Payout,
            reference: Some(payout_id(id)),
            hold: Some(None),
        };
        let input = Input::Transfer(steps::system(&owner, id), transfer, order);
        match hold(app, &mut tx, input).await? {
            Some(Reply::Refused(problem)) => refused = Some(problem.detail),
            Some(_) => {
                let sql = "update payout set return_transfer = $1 where id = $2";
                tx.write(sql, values![transfer, id]).await?;
                tx.commit().await?;
                if credit == books.owed {
                    let payout = payout_id(id);
                    tracing::error!(code = "payout-return-owed", payout, "its account is closed");
                }
                return Ok(Outcome::Done);
            }
            None => return Ok(Outcome::Again("another replica was faster".into())),
        }
    }
    Ok(Outcome::Failed(refused.unwrap_or_default()))
}

/// Decides and writes a hold; `None`: something is not as it was loaded.
async fn hold(app: &App, tx: &mut Tx<'_>, input: Input) -> Result<Option<Reply>, Error> {
    let mut keys = BTreeSet::new();
    Ledger.reads(&input, &mut keys);
    // A hold makes no entry: whichever log is loaded stays as it is.
    let shard = app.ids.nodes().await.first().copied().map_or(0, u64::from);
    let mut view = store::load(tx, &keys, shard).await?;
    let at = At { now: db::now(), draw: rand::random() };
    let mut turn = turn(&Ledger, &mut view, at, [input]);
    let reply = turn.replies.pop();
    if matches!(reply, Some(Reply::Refused(_))) {
        return Ok(reply);
    }
    let is_fresh = store::commit(app, tx, &view, &turn.writes).await?;
    Ok(reply.filter(|_| is_fresh))
}

/// Posts the hold, and the payout is returned.
async fn credit(app: &App, saga: u64) -> Result<Outcome, Error> {
    let row = of_saga(&mut app.db.snapshot().await?, saga, "").await?;
    let (id, owner) = (db::number(&row, "id")?, db::text(&row, "app")?);
    let transfer = db::number(&row, "return_transfer")?;
    let ended =
        steps::end_hold(app, (id, &owner), transfer, Ending::Post(None), Status::Posted).await?;
    if ended == Outcome::Done {
        let (mut tx, now) = (app.db.begin().await?, db::now());
        let sql = "update payout set status = $1, returned_at = $2 where id = $3 and status = $4";
        let (to, from) = (PayoutStatus::Returned.number(), PayoutStatus::Paid.number());
        if tx.write(sql, values![to, now, id, from]).await? == 1 {
            tell_of(app, &mut tx, "payout.returned", id, now).await?;
        }
        tx.commit().await?;
    }
    Ok(ended)
}
