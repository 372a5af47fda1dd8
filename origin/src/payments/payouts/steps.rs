//! The steps of a payout's saga, and what its gateway says of it.
//!
//! Invariant: each step is safe to do again: the gateway knows the payout's own name as the key,
//! and a hold ends once. A failure counts only when the gateway says so.

use super::super::columns::{self, TRANSFER};
use super::super::gateway::Trouble;
use super::super::statement::pain002::Rejection;
use super::returns::{self, Back};
use super::{FROM, PAYOUT, currency, sealing};
use crate::app::App;
use crate::db::{self, Error};
use crate::shell::Done;
use crate::{sagas, seal, values};
use shared::payments::error::NOT_PENDING;
use shared::payments::gateway::{Action, Happened, Order as Sent, Report};
use shared::payments::ledger::{Actor, Ending, Input, Reply};
use shared::payments::payout::{
    Bank, PayoutStatus, RELEASE, SEND, SETTLE, of_bank_reference, parse, payout_id,
};
use shared::payments::transfer::Status;
use shared::saga::{Outcome, Run};
use std::sync::Arc;

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
    // None is left once the payout is over and whoever made it was erased.
    let sealed = db::maybe_text(row, "details")?.unwrap_or_default();
    let details = seal::open(&sealing(app), &payout_id(id), &sealed);
    let details = details.and_then(|text| String::from_utf8(text).ok()).unwrap_or_default();
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

async fn end(app: &App, payout: &Payout, ending: Ending, wanted: Status) -> Result<Outcome, Error> {
    let Payout { id, owner, transfer, .. } = payout;
    end_hold(app, (*id, owner), *transfer, ending, wanted).await
}

/// The system, at work for a payout.
pub(super) fn system(owner: &str, id: u64) -> Actor {
    Actor { app: owner.into(), by: "system".into(), request: payout_id(id) }
}

/// Ends a hold; that it has ended so before is as good.
pub(super) async fn end_hold(
    app: &App,
    (id, owner): (u64, &str),
    transfer: u64,
    ending: Ending,
    wanted: Status,
) -> Result<Outcome, Error> {
    let input = Input::Settle(system(owner, id), transfer, ending);
    match app.ledger.submit(None, input, Arc::new(|_| None)).await {
        Ok(Done::Reply(Reply::Settled(_))) => Ok(Outcome::Done),
        Ok(Done::Reply(Reply::Refused(problem))) if problem.kind == &NOT_PENDING => {
            let sql = format!("select {TRANSFER} from transfer t where t.id = $1");
            let rows = app.db.read(&sql, values![transfer]).await?;
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

/// What a payout has become, with what its application is told of it.
async fn mark(
    app: &App,
    payout: &Payout,
    status: PayoutStatus,
    failure: Option<String>,
) -> Result<(), Error> {
    let (mut tx, now) = (app.db.begin().await?, db::now());
    let sql = "update payout set status = $1, failure = $2, ended_at = $3 \
               where id = $4 and status = 0";
    if tx.write(sql, values![status.number(), failure, now, payout.id]).await? == 1 {
        let kind = match status {
            PayoutStatus::Failed => "payout.failed",
            _ => "payout.paid",
        };
        super::tell_of(app, &mut tx, kind, payout.id, now).await?;
    }
    tx.commit().await
}

/// Tells a payout what its gateway says of it; `false`: it is none of ours, or knows already.
///
/// # Errors
/// The database is down.
pub async fn told(app: &App, gateway: &str, report: Report) -> Result<bool, Error> {
    let Some(id) = parse(&report.reference) else { return Ok(false) };
    if let Happened::Returned(why) = report.happened {
        let back = Back { amount: report.amount, currency: report.currency, why };
        return returns::begin(app, gateway, id, back).await;
    }
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

/// Tells a payout that its bank will not execute it.
///
/// # Errors
/// The database is down.
pub async fn rejected(app: &App, gateway: &str, rejection: &Rejection) -> Result<bool, Error> {
    let Some(reference) = of_bank_reference(&rejection.reference) else { return Ok(false) };
    let id = parse(&reference).unwrap_or(0);
    let sql = "select saga, amount, currency from payout where id = $1 and gateway = $2";
    let rows = app.db.read(sql, values![id, gateway]).await?;
    let Some(row) = rows.first() else { return Ok(false) };
    let why = match rejection.why.as_str() {
        "" => "the bank has rejected it".into(),
        code => format!("the bank has rejected it: {code}"),
    };
    if sagas::news(app, db::number(row, "saga")?, SEND, Outcome::Failed(why)).await? {
        return Ok(true);
    }
    // It had said before that it has paid: then all of it comes back.
    let (amount, currency) = (db::signed(row, "amount")?, currency(row)?);
    let back = Back { amount, currency, why: rejection.why.clone() };
    returns::begin(app, gateway, id, back).await
}
