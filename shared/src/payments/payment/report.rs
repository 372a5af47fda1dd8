//! What a gateway reports, applied to its payment: late, doubled, in any order (Y5).
//!
//! Invariant: what is known already changes nothing; what is taken and is not what was asked for
//! (too late, another amount, a second time, unasked) is given back (Y4). Refused, and parked by
//! the driver: what cannot be about this payment.

use super::step::Desk;
use super::{Books, RefundStatus, Status, review};
use crate::payments::error::{CURRENCY_MISMATCH, INVALID};
use crate::payments::gateway::{Happened, Report};
use crate::payments::transfer::Purpose;
use crate::problem::Problem;
use alloc::format;
use alloc::string::String;

/// Applies one report.
pub(super) fn report(desk: &mut Desk<'_>, said: &Report) -> Result<(), Problem> {
    if said.currency != desk.payment.currency {
        let detail = format!("the gateway speaks of {}", said.currency);
        return Err(Problem::new(&CURRENCY_MISMATCH, detail));
    }
    desk.books()?;
    if let Some(key) = said.key.as_deref().filter(|_| said.happened != Happened::Pending) {
        desk.settle_order(key);
    }
    match &said.happened {
        Happened::Pending => {
            learn(desk, said);
            Ok(())
        }
        Happened::Authorized => authorized(desk, said),
        Happened::Captured => captured(desk, said),
        Happened::Canceled => canceled(desk, said),
        Happened::Failed(why) => failed(desk, said, why),
        Happened::Refunded => refunded(desk, said),
        Happened::RefundFailed(why) => refund_failed(desk, said, why),
        Happened::PaidOut => paid_out(desk, said),
        Happened::Settled => settled(desk, said),
        Happened::Disputed => disputed(desk, said),
        Happened::DisputeWon => dispute_ended(desk, said, true),
        Happened::DisputeLost => dispute_ended(desk, said, false),
    }
}

/// Remembers the gateway's name for the payment; `false`: it has another one already.
fn learn(desk: &mut Desk<'_>, said: &Report) -> bool {
    if said.subject.is_empty() {
        return true;
    }
    desk.payment.subject.get_or_insert_with(|| said.subject.clone()) == &said.subject
}

/// Whether the gateway still owes the answer to the first order.
fn is_begun(desk: &Desk<'_>) -> bool {
    desk.payment.status == Status::Processing && desk.payment.capturing.is_none()
}

fn authorized(desk: &mut Desk<'_>, said: &Report) -> Result<(), Problem> {
    if !learn(desk, said) {
        // A second reservation.
        desk.release(&said.subject);
        return Ok(());
    }
    if matches!(desk.payment.status, Status::Canceled | Status::Failed) {
        desk.release(&said.subject);
        return Ok(());
    }
    if !is_begun(desk) || desk.payment.is_payout() || !desk.payment.manual {
        return Ok(());
    }
    if said.amount != desk.payment.amount {
        desk.fail("the gateway reserved another amount")?;
        desk.release(&said.subject);
        return Ok(());
    }
    desk.payment.status = Status::Authorized;
    desk.happened("payment.authorized", said.amount, None);
    review::go_on(desk)
}

fn captured(desk: &mut Desk<'_>, said: &Report) -> Result<(), Problem> {
    if !learn(desk, said) {
        return desk.give_back(&said.subject, said.amount, "taken a second time");
    }
    let wanted = match (desk.payment.capturing, desk.payment.manual) {
        (Some(amount), _) => Some(amount),
        (None, true) => None,
        (None, false) => Some(desk.payment.amount),
    };
    match desk.payment.status {
        Status::Processing if wanted == Some(said.amount) => {
            desk.capture(said.amount)?;
            fee_if_it_can(desk);
            gateway_fee(desk, said)
        }
        Status::Processing | Status::Authorized => {
            let why = if wanted.is_some() { "another amount was taken" } else { "taken unasked" };
            desk.fail(why)?;
            desk.give_back(&said.subject, said.amount, why)
        }
        Status::Canceled => {
            desk.give_back(&said.subject, said.amount, "taken after it was canceled")
        }
        Status::Failed => desk.give_back(&said.subject, said.amount, "taken after it had failed"),
        _ => gateway_fee(desk, said),
    }
}

/// The money is there whatever becomes of the application's fee.
fn fee_if_it_can(desk: &mut Desk<'_>) {
    if let (Err(problem), Some(fee)) = (desk.take_fee(), desk.payment.fee) {
        desk.happened("payment.fee_failed", fee.amount, Some(&problem.detail));
    }
}

/// Books what the gateway keeps, once.
fn gateway_fee(desk: &mut Desk<'_>, said: &Report) -> Result<(), Problem> {
    let Some(fee) = said.fee.filter(|_| desk.payment.gateway_fee.is_none()) else { return Ok(()) };
    desk.payment.gateway_fee = Some(fee);
    if fee > 0 {
        let Books { receivable, fees, .. } = desk.books()?;
        desk.transfer((fees, receivable), fee, Purpose::Fee, false)?;
    }
    Ok(())
}

fn canceled(desk: &mut Desk<'_>, said: &Report) -> Result<(), Problem> {
    let ours = learn(desk, said);
    let released = |one: &&mut super::Taken| one.subject == said.subject && one.amount == 0;
    if let Some(one) = desk.payment.taken.iter_mut().find(released) {
        one.status = RefundStatus::Succeeded;
    }
    let is_open = matches!(desk.payment.status, Status::Processing | Status::Authorized);
    if !ours || !is_open || desk.payment.is_payout() {
        return Ok(());
    }
    desk.release_hold()?;
    desk.payment.capturing = None;
    desk.payment.status = Status::Canceled;
    desk.happened("payment.canceled", desk.payment.amount, Some("by the gateway"));
    Ok(())
}

fn failed(desk: &mut Desk<'_>, said: &Report, why: &str) -> Result<(), Problem> {
    let released = |one: &&mut super::Taken| said.key.as_ref() == Some(&one.key);
    if let Some(one) = desk.payment.taken.iter_mut().find(released) {
        // Nothing is reserved any more, or it was taken, which is reported by itself.
        one.status = RefundStatus::Failed;
        return Ok(());
    }
    if !learn(desk, said) || desk.payment.status != Status::Processing {
        return Ok(());
    }
    let was_capturing = desk.payment.capturing.is_some();
    desk.fail(why)?;
    if was_capturing && !desk.payment.is_payout() {
        desk.release(&said.subject);
    }
    Ok(())
}

fn refunded(desk: &mut Desk<'_>, said: &Report) -> Result<(), Problem> {
    if let Some(at) = desk.payment.taken.iter().position(|one| said.key.as_ref() == Some(&one.key))
    {
        return returned(desk, at);
    }
    let at = pending_refund(desk, said)?;
    let Some(refund) = at.and_then(|at| desk.payment.refunds.get_mut(at)) else { return Ok(()) };
    refund.status = RefundStatus::Succeeded;
    let (transfer, amount, why) = (refund.transfer, refund.amount, refund.reason.clone());
    desk.end(transfer, Some(amount))?;
    desk.restate();
    desk.happened("payment.refunded", amount, why.as_deref());
    Ok(())
}

/// What we could not keep is back with the payer.
fn returned(desk: &mut Desk<'_>, at: usize) -> Result<(), Problem> {
    let Some(one) = desk.payment.taken.get_mut(at) else { return Ok(()) };
    if one.status == RefundStatus::Succeeded {
        return Ok(());
    }
    one.status = RefundStatus::Succeeded;
    let (amount, subject) = (one.amount, one.subject.clone());
    let Books { receivable, owed, .. } = desk.books()?;
    desk.transfer((owed, receivable), amount, Purpose::Refund, false)?;
    desk.happened("payment.returned", amount, Some(&subject));
    Ok(())
}

/// The refund that the report is about; `None`: it is over already.
fn pending_refund(desk: &Desk<'_>, said: &Report) -> Result<Option<usize>, Problem> {
    let unknown = || Problem::new(&INVALID, "the report is about no refund of ours");
    let key = said.key.as_ref().ok_or_else(unknown)?;
    let mut all = desk.payment.refunds.iter();
    let at = all.position(|refund| refund.key.as_ref() == Some(key)).ok_or_else(unknown)?;
    let refund = desk.payment.refunds.get(at).ok_or_else(unknown)?;
    if refund.amount != said.amount {
        let detail = format!("{} was refunded, not {}", said.amount, refund.amount);
        return Err(Problem::new(&INVALID, detail));
    }
    Ok((refund.status == RefundStatus::Pending).then_some(at))
}

fn refund_failed(desk: &mut Desk<'_>, said: &Report, why: &str) -> Result<(), Problem> {
    if let Some(at) = desk.payment.taken.iter().position(|one| said.key.as_ref() == Some(&one.key))
    {
        let Some(one) = desk.payment.taken.get_mut(at) else { return Ok(()) };
        if one.status == RefundStatus::Pending {
            one.status = RefundStatus::Failed;
            let amount = one.amount;
            // It stays booked as owed: an operator gives it back by hand.
            desk.happened("payment.return_failed", amount, Some(why));
        }
        return Ok(());
    }
    let at = pending_refund(desk, said)?;
    let Some(refund) = at.and_then(|at| desk.payment.refunds.get_mut(at)) else { return Ok(()) };
    refund.status = RefundStatus::Failed;
    let (transfer, amount) = (refund.transfer, refund.amount);
    desk.end(transfer, None)?;
    desk.happened("payment.refund_failed", amount, Some(why));
    Ok(())
}

fn paid_out(desk: &mut Desk<'_>, said: &Report) -> Result<(), Problem> {
    let wanted = desk.payment.capturing.unwrap_or(desk.payment.amount);
    if !desk.payment.is_payout() || said.amount != wanted {
        return Err(Problem::new(&INVALID, "the report is about no payout of ours"));
    }
    learn(desk, said);
    if desk.payment.status != Status::Processing {
        return Ok(());
    }
    desk.capture(wanted)?;
    gateway_fee(desk, said)
}

fn settled(desk: &mut Desk<'_>, said: &Report) -> Result<(), Problem> {
    if desk.payment.settled || desk.payment.is_payout() {
        return Ok(());
    }
    if desk.payment.captured == 0 {
        captured(desk, said)?;
    }
    if desk.payment.captured == 0 {
        return Ok(());
    }
    gateway_fee(desk, said)?;
    desk.payment.settled = true;
    let Books { receivable, settled, .. } = desk.books()?;
    let fee = desk.payment.gateway_fee.unwrap_or(0);
    let net = desk.payment.captured.saturating_sub(fee.max(0));
    if net > 0 {
        desk.transfer((settled, receivable), net, Purpose::Adjustment, false)?;
    }
    desk.restate();
    desk.happened("payment.settled", net, None);
    Ok(())
}

/// The gateway's name for a dispute.
fn dispute(said: &Report) -> String {
    said.part.clone().unwrap_or_else(|| said.subject.clone())
}

fn disputed(desk: &mut Desk<'_>, said: &Report) -> Result<(), Problem> {
    if desk.payment.disputes.contains_key(&dispute(said)) {
        return Ok(());
    }
    let fits = (1..=desk.payment.captured).contains(&said.amount) && desk.payment.disputed == 0;
    if !fits {
        return Err(desk.refuse("this cannot be in dispute"));
    }
    desk.payment.disputes.insert(dispute(said), true);
    desk.payment.disputed = said.amount;
    let Books { receivable, fees, .. } = desk.books()?;
    desk.transfer((fees, receivable), said.amount, Purpose::Dispute, false)?;
    desk.restate();
    desk.happened("payment.disputed", said.amount, None);
    Ok(())
}

fn dispute_ended(desk: &mut Desk<'_>, said: &Report, won: bool) -> Result<(), Problem> {
    match desk.payment.disputes.insert(dispute(said), false) {
        Some(true) => {}
        // It ended before we heard of it, or ended already.
        None | Some(false) => return Ok(()),
    }
    if !won {
        desk.happened("payment.dispute_lost", desk.payment.disputed, None);
        return Ok(());
    }
    let Books { receivable, fees, .. } = desk.books()?;
    let amount = core::mem::take(&mut desk.payment.disputed);
    desk.transfer((receivable, fees), amount, Purpose::Dispute, false)?;
    desk.restate();
    desk.happened("payment.dispute_won", amount, None);
    Ok(())
}
