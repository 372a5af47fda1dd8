//! What a gateway reports, applied to its payment: late, doubled, in any order (Y5).
//!
//! Invariant: what is known already changes nothing; what is taken and is not what was asked for
//! (too late, another amount, a second time, unasked) is given back (Y4). Refused, and parked by
//! the driver: what cannot be about this payment.

use super::step::Desk;
use super::{Books, Payment, RefundStatus, Status, back, review};
use crate::payments::error::{CURRENCY_MISMATCH, INVALID};
use crate::payments::gateway::{Happened, Report};
use crate::payments::transfer::Purpose;
use crate::problem::Problem;
use alloc::{format, string::String};

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
        Happened::Refunded => back::refunded(desk, said),
        Happened::RefundFailed(why) => back::refund_failed(desk, said, why),
        Happened::PaidOut => paid_out(desk, said),
        Happened::Returned(why) => back::payout_returned(desk, said, why),
        Happened::Settled => settled(desk, said),
        Happened::Disputed => disputed(desk, said),
        Happened::DisputeWon => dispute_ended(desk, said, true),
        Happened::DisputeLost => dispute_ended(desk, said, false),
    }
}

/// Remembers the gateway's name for the payment; `false`: it has another one already.
pub(super) fn learn(desk: &mut Desk<'_>, said: &Report) -> bool {
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
        let sides = (desk.books()?.fees, desk.at_gateway()?);
        desk.transfer(sides, fee, Purpose::Fee, false)?;
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

fn paid_out(desk: &mut Desk<'_>, said: &Report) -> Result<(), Problem> {
    let Payment { amount, captured, capturing, .. } = desk.payment;
    let wanted = if captured > 0 { captured } else { capturing.unwrap_or(amount) };
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
    // What was taken under another name goes back (Y4), and is not ours to settle.
    if desk.payment.settled || desk.payment.is_payout() || !learn(desk, said) {
        return Ok(());
    }
    if desk.payment.captured == 0 {
        captured(desk, said)?;
    }
    if desk.payment.captured == 0 {
        return Ok(());
    }
    if desk.payment.captured != said.amount {
        let detail = format!("{} is settled, not {}", said.amount, desk.payment.captured);
        return Err(Problem::new(&INVALID, detail));
    }
    gateway_fee(desk, said)?;
    let Books { receivable, settled, .. } = desk.books()?;
    let fee = desk.payment.gateway_fee.unwrap_or(0).max(0);
    let gone = desk.payment.refunded(false).saturating_add(desk.payment.disputed);
    let net = desk.payment.captured.saturating_sub(gone).saturating_sub(fee);
    // Of what went back meanwhile the gateway has kept its fee.
    let sides = if net > 0 { (settled, receivable) } else { (receivable, settled) };
    if net != 0 {
        desk.transfer(sides, net.saturating_abs(), Purpose::Adjustment, false)?;
    }
    desk.payment.settled = true;
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
    let sides = (desk.books()?.fees, desk.at_gateway()?);
    desk.transfer(sides, said.amount, Purpose::Dispute, false)?;
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
    let sides = (desk.at_gateway()?, desk.books()?.fees);
    let amount = core::mem::take(&mut desk.payment.disputed);
    desk.transfer(sides, amount, Purpose::Dispute, false)?;
    desk.restate();
    desk.happened("payment.dispute_won", amount, None);
    Ok(())
}
