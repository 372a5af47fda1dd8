//! What callers do with a payment: create, capture, cancel, refund.
//!
//! Invariant: between accounts a step is whole when it is answered; through a gateway its hold
//! and its order are, and what becomes of them is reported (`report.rs`).

use super::report::report;
use super::step::{Desk, no_payment};
use super::{
    Ask, Input, Party, Payment, REFUNDS_MAX, Refund, RefundOrigin, RefundStatus, Status, review,
};
use crate::machine::Step;
use crate::payments::error::{AMOUNT, EXCEEDS_PAYMENT, SAME_ACCOUNT};
use crate::payments::gateway::Action;
use crate::payments::ledger::{Actor, Ledger, Reply, View};
use crate::payments::transfer::Purpose;
use crate::problem::{FieldError, Kind, Problem};
use crate::time::Millis;
use alloc::{boxed::Box, format, string::String, vec};

/// Decides one input about a payment.
pub(in crate::payments) fn decide(
    view: &View,
    now: Millis,
    actor: &Actor,
    input: Input,
) -> Result<Step<Ledger>, Problem> {
    let input = match input.ask {
        Ask::Screened(payment, screen) => {
            let input = Input { ask: Ask::Create(payment), ..input };
            return review::screened(view, now, actor, input, &screen);
        }
        _ => input,
    };
    let known = view.payments.get(&input.payment);
    let payment = match &input.ask {
        Ask::Create(payment) => Payment { created_at: now, ..Payment::clone(payment) },
        Ask::Report(_) => known.ok_or_else(no_payment)?.clone(),
        _ => known.filter(|one| one.app == actor.app).ok_or_else(no_payment)?.clone(),
    };
    let known = !matches!(input.ask, Ask::Create(_));
    let creates = matches!(input.ask, Ask::Create(_) | Ask::Refund(..));
    let mut desk = Desk::on(view, now, actor, &input, payment, known);
    match input.ask {
        Ask::Create(_) => create(&mut desk)?,
        Ask::Screened(..) => {}
        Ask::Review(approved, why) => review::review(&mut desk, approved, why.as_deref())?,
        Ask::Capture(amount) => capture(&mut desk, amount)?,
        Ask::Cancel => cancel(&mut desk)?,
        Ask::Refund(amount, reason) => refund(&mut desk, amount, reason)?,
        Ask::Report(said) => report(&mut desk, &said)?,
    }
    let (writes, payment) = desk.close();
    Ok(Step { writes, ..Step::reply(Reply::Payment(Box::new(payment), creates)) })
}

fn create(desk: &mut Desk<'_>) -> Result<(), Problem> {
    let Payment { amount, manual, .. } = desk.payment;
    let is_payout = desk.payment.is_payout();
    let by_gateway = matches!(desk.payment.source, Party::Gateway { .. });
    let sides = desk.payment.sides();
    if sides.0 == sides.1 {
        // An account of the gateway's own books.
        return Err(field(&SAME_ACCOUNT, "/destination", "is the source".into()));
    }
    let at_once = !manual && desk.payment.books.is_none();
    let made = desk.transfer(sides, amount, Purpose::Payment, !at_once).map_err(as_party)?;
    if at_once {
        desk.capture(amount)?;
        return desk.take_fee().map_err(as_fee);
    }
    desk.payment.hold = Some(made);
    if by_gateway {
        let action = if manual { Action::Authorize } else { Action::Charge };
        desk.payment.status = Status::Processing;
        desk.order(action, amount, None);
        desk.happened("payment.processing", amount, None);
    } else if is_payout && !manual {
        desk.payment.status = Status::Processing;
        desk.order(Action::Payout, amount, None);
        desk.happened("payment.processing", amount, None);
    } else {
        desk.payment.status = Status::Authorized;
        desk.happened("payment.authorized", amount, None);
    }
    review::note(desk);
    Ok(())
}

pub(super) fn capture(desk: &mut Desk<'_>, asked: Option<i64>) -> Result<(), Problem> {
    review::refuse_pending(desk)?;
    if desk.payment.status != Status::Authorized {
        return Err(desk.refuse("only what is authorized can be captured"));
    }
    let amount = asked.unwrap_or(desk.payment.amount);
    if amount > desk.payment.amount {
        let detail = format!("{} is authorized", desk.payment.amount);
        return Err(field(&EXCEEDS_PAYMENT, "/amount", detail));
    }
    if let Some(fee) = desk.payment.fee.filter(|fee| fee.amount > amount) {
        let detail = format!("is less than the fee of {}", fee.amount);
        return Err(field(&AMOUNT, "/amount", detail));
    }
    if desk.payment.books.is_none() {
        desk.capture(amount)?;
        return desk.take_fee().map_err(as_fee);
    }
    let action = if desk.payment.is_payout() { Action::Payout } else { Action::Capture };
    desk.payment.capturing = Some(amount);
    desk.payment.status = Status::Processing;
    let subject = desk.payment.subject.clone();
    desk.order(action, amount, subject.as_deref());
    desk.happened("payment.processing", amount, None);
    Ok(())
}

pub(super) fn cancel(desk: &mut Desk<'_>) -> Result<(), Problem> {
    let in_time = match desk.payment.status {
        Status::Authorized => true,
        // What the gateway does meanwhile is undone when it says so (Y4).
        Status::Processing => desk.payment.capturing.is_none() && !desk.payment.is_payout(),
        _ => false,
    };
    if !in_time {
        return Err(desk.refuse("it is too late to cancel"));
    }
    desk.release_hold()?;
    desk.payment.status = Status::Canceled;
    desk.happened("payment.canceled", desk.payment.amount, None);
    if let Some(subject) = desk.payment.subject.clone() {
        desk.release(&subject);
    }
    Ok(())
}

fn refund(desk: &mut Desk<'_>, asked: Option<i64>, reason: Option<String>) -> Result<(), Problem> {
    let is_captured = matches!(
        desk.payment.status,
        Status::Captured | Status::Settled | Status::PartiallyRefunded
    );
    if !is_captured {
        return Err(desk.refuse("only what is captured can be refunded"));
    }
    if desk.payment.is_payout() {
        return Err(desk.refuse("what a gateway paid out does not come back"));
    }
    if desk.payment.refunds.len() >= REFUNDS_MAX {
        return Err(desk.refuse("it has as many refunds as a payment may have"));
    }
    let left = desk.payment.captured.saturating_sub(desk.payment.refunded(true));
    if left == 0 {
        return Err(desk.refuse("everything is being refunded"));
    }
    let amount = asked.unwrap_or(left);
    if amount > left {
        let detail = format!("{left} is left to refund");
        return Err(field(&EXCEEDS_PAYMENT, "/amount", detail));
    }
    let id = desk.id()?;
    let (to, from) = desk.payment.sides();
    let by_gateway = desk.payment.books.is_some();
    let made = desk.transfer((from, to), amount, Purpose::Refund, by_gateway);
    let transfer = made.map_err(as_refund)?;
    let subject = desk.payment.subject.clone();
    let key = by_gateway.then(|| desk.order(Action::Refund, amount, subject.as_deref()));
    let status = if by_gateway { RefundStatus::Pending } else { RefundStatus::Succeeded };
    let why = reason.clone();
    let at = desk.now;
    desk.payment.refunds.push(Refund {
        id,
        amount,
        reason,
        status,
        transfer,
        key,
        part: None,
        origin: RefundOrigin::Requested,
        borne_by: None,
        at,
    });
    if by_gateway {
        desk.happened("payment.refund_pending", amount, why.as_deref());
        return Ok(());
    }
    desk.restate();
    desk.happened("payment.refunded", amount, why.as_deref());
    Ok(())
}

pub(super) fn field(kind: &'static Kind, pointer: &str, detail: String) -> Problem {
    Problem::fields(kind, vec![FieldError { pointer: pointer.into(), detail }])
}

/// The ledger's pointers, as a payment's body calls them.
fn as_party(problem: Problem) -> Problem {
    renamed(problem, [("/debit_account", "/source"), ("/credit_account", "/destination")])
}

fn as_refund(problem: Problem) -> Problem {
    renamed(problem, [("/debit_account", "/destination"), ("/credit_account", "/source")])
}

fn as_fee(problem: Problem) -> Problem {
    renamed(problem, [("/debit_account", "/destination"), ("/credit_account", "/fee/account")])
}

fn renamed(mut problem: Problem, names: [(&str, &str); 2]) -> Problem {
    for error in &mut problem.errors {
        if let Some((_, name)) = names.iter().find(|(old, _)| *old == error.pointer) {
            error.pointer = (*name).into();
        }
    }
    problem
}
