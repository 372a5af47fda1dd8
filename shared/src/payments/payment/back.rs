//! What goes back: refunds that were asked for, and what a gateway gives back or takes again by
//! itself.
//!
//! Invariant: refunded and being refunded stays ≤ captured, and what a gateway names is booked once
//! per name, in whatever order it is told; that a refund has failed is final, for it may come
//! after it had succeeded, and then the money is ours again. No entry changes: the way back is a
//! transfer of its own (Y6). Refused, and parked by the driver: more than is left.

use super::report::learn;
use super::step::Desk;
use super::{Books, REFUNDS_MAX, Refund, RefundOrigin, RefundStatus, Status, Taken};
use crate::payments::error::INVALID;
use crate::payments::gateway::{Happened, Report};
use crate::payments::transfer::Purpose;
use crate::problem::Problem;
use alloc::format;

/// A gateway has given something back: what we had ordered, or what somebody did there.
pub(super) fn refunded(desk: &mut Desk<'_>, said: &Report) -> Result<(), Problem> {
    if let Some(at) = taken(desk, said) {
        return returned(desk, at, said);
    }
    let Some(at) = known(desk, said)? else {
        return outside(desk, said, RefundOrigin::Gateway, "made at the gateway", false);
    };
    let Some(refund) = desk.payment.refunds.get_mut(at) else { return Ok(()) };
    refund.part = refund.part.take().or_else(|| said.part.clone());
    if refund.status != RefundStatus::Pending {
        return Ok(());
    }
    refund.status = RefundStatus::Succeeded;
    let (transfer, amount, why) = (refund.transfer, refund.amount, refund.reason.clone());
    desk.end(transfer, Some(amount))?;
    if desk.payment.settled {
        // The hold was made against what was to come (Y7).
        let Books { receivable, settled, .. } = desk.books()?;
        desk.transfer((receivable, settled), amount, Purpose::Adjustment, false)?;
    }
    desk.restate();
    desk.happened("payment.refunded", amount, why.as_deref());
    Ok(())
}

/// What we could not keep that a report is about: by the order's name, by the gateway's, or, for
/// what succeeded and has a new name, because an operator gave just that back by hand.
fn taken(desk: &Desk<'_>, said: &Report) -> Option<usize> {
    let is_done = said.happened == Happened::Refunded;
    let is_new = !desk.payment.refunds.iter().any(|one| one.part == said.part);
    let by_hand = |one: &Taken| {
        let same = (&one.subject, one.amount) == (&said.subject, said.amount);
        is_done && is_new && same && one.amount > 0 && one.status != RefundStatus::Succeeded
    };
    let mut all = desk.payment.taken.iter();
    all.position(|one| match (&said.key, &said.part) {
        (Some(key), _) => *key == one.key,
        (None, Some(part)) => one.part.as_ref() == Some(part) || by_hand(one),
        (None, None) => false,
    })
}

/// What we could not keep is back with the payer.
fn returned(desk: &mut Desk<'_>, at: usize, said: &Report) -> Result<(), Problem> {
    let Some(one) = desk.payment.taken.get_mut(at) else { return Ok(()) };
    // That it has failed is final, but for what an operator does by hand.
    let by_hand = said.key.is_none() && one.part != said.part;
    let is_over = match one.status {
        RefundStatus::Pending => false,
        RefundStatus::Succeeded => true,
        RefundStatus::Failed => !by_hand,
    };
    if is_over {
        return Ok(());
    }
    one.status = RefundStatus::Succeeded;
    one.part = said.part.clone().or_else(|| one.part.take());
    let (amount, subject) = (one.amount, one.subject.clone());
    let Books { receivable, owed, .. } = desk.books()?;
    desk.transfer((owed, receivable), amount, Purpose::Refund, false)?;
    desk.happened("payment.returned", amount, Some(&subject));
    Ok(())
}

/// The refund that a report is about; `None`: the gateway has a name for it that we do not know.
fn known(desk: &Desk<'_>, said: &Report) -> Result<Option<usize>, Problem> {
    let unknown = || Problem::new(&INVALID, "the report is about no refund of ours");
    let mut all = desk.payment.refunds.iter();
    let at = match (&said.key, &said.part) {
        (Some(key), _) => {
            Some(all.position(|one| one.key.as_ref() == Some(key)).ok_or_else(unknown)?)
        }
        (None, Some(part)) => all.position(|one| one.part.as_ref() == Some(part)),
        // Nothing would tell its copies from it.
        (None, None) => return Err(unknown()),
    };
    match at.and_then(|at| desk.payment.refunds.get(at)) {
        Some(refund) if refund.amount != said.amount => {
            let detail = format!("{} was refunded, not {}", said.amount, refund.amount);
            Err(Problem::new(&INVALID, detail))
        }
        _ => Ok(at),
    }
}

/// Books what nobody here had asked for. `failed`: it had failed before we heard of it, so that
/// nothing moves, and nothing will.
fn outside(
    desk: &mut Desk<'_>,
    said: &Report,
    origin: RefundOrigin,
    why: &str,
    failed: bool,
) -> Result<(), Problem> {
    let (ours, amount) = (learn(desk, said), said.amount);
    let left = desk.payment.captured.saturating_sub(desk.payment.refunded(true));
    let fits = (1..=left).contains(&amount) || failed;
    if !ours || !fits || desk.payment.refunds.len() >= REFUNDS_MAX {
        return Err(desk.refuse(&format!("{left} of it is left to go back")));
    }
    let id = desk.id()?;
    let (transfer, borne_by) = if failed { (0, None) } else { give(desk, amount)? };
    let status = if failed { RefundStatus::Failed } else { RefundStatus::Succeeded };
    let (part, at) = (said.part.clone(), desk.now);
    let reason = Some(why.into());
    desk.payment.refunds.push(Refund {
        id,
        amount,
        reason,
        status,
        transfer,
        key: None,
        part,
        origin,
        borne_by,
        at,
    });
    if !failed {
        desk.restate();
    }
    let kind = match origin {
        _ if failed => "payment.refund_failed",
        RefundOrigin::Returned => "payment.payout_returned",
        _ => "payment.refunded",
    };
    desk.happened(kind, amount, Some(why));
    if borne_by.is_some() {
        desk.happened("payment.refund_unfunded", amount, Some(why));
    }
    Ok(())
}

/// The transfer by which captured money goes back, and who bore it where the payment's own account
/// did not.
fn give(desk: &mut Desk<'_>, amount: i64) -> Result<(u64, Option<u64>), Problem> {
    let (purpose, gateway) = (Purpose::Refund, desk.at_gateway()?);
    let (source, destination) = desk.payment.sides();
    if desk.payment.is_payout() {
        // It comes back to us: whoever may not have it any more is owed it.
        let owed = desk.books()?.owed;
        return match desk.transfer((gateway, source), amount, purpose, false) {
            Ok(made) => Ok((made, None)),
            Err(_) => Ok((desk.transfer((gateway, owed), amount, purpose, false)?, Some(owed))),
        };
    }
    let fees = desk.books()?.fees;
    match desk.transfer((destination, gateway), amount, purpose, false) {
        Ok(made) => Ok((made, None)),
        // It has left the gateway, whatever the account has: it is the application's loss.
        Err(_) => Ok((desk.transfer((fees, gateway), amount, purpose, false)?, Some(fees))),
    }
}

/// A gateway says that a refund will not be, or is none any more.
pub(super) fn refund_failed(desk: &mut Desk<'_>, said: &Report, why: &str) -> Result<(), Problem> {
    if let Some(at) = taken(desk, said) {
        return return_failed(desk, at, said, why);
    }
    let Some(at) = known(desk, said)? else {
        return outside(desk, said, RefundOrigin::Gateway, why, true);
    };
    let Some(refund) = desk.payment.refunds.get_mut(at) else { return Ok(()) };
    refund.part = refund.part.take().or_else(|| said.part.clone());
    let before = core::mem::replace(&mut refund.status, RefundStatus::Failed);
    let (transfer, amount, borne_by) = (refund.transfer, refund.amount, refund.borne_by);
    match before {
        RefundStatus::Failed => {}
        RefundStatus::Pending => {
            desk.end(transfer, None)?;
            desk.happened("payment.refund_failed", amount, Some(why));
        }
        RefundStatus::Succeeded => {
            let owed = take(desk, amount, borne_by)?;
            desk.restate();
            desk.happened("payment.refund_reversed", amount, Some(why));
            if owed {
                desk.happened("payment.reversal_owed", amount, Some(why));
            }
        }
    }
    Ok(())
}

/// What had gone back is ours again, and whose it was before; whether that takes nothing any more,
/// so that it is owed.
fn take(desk: &mut Desk<'_>, amount: i64, borne_by: Option<u64>) -> Result<bool, Problem> {
    let gateway = desk.at_gateway()?;
    let (_, destination) = desk.payment.sides();
    let account = borne_by.unwrap_or(destination);
    if desk.transfer((gateway, account), amount, Purpose::Refund, false).is_ok() {
        return Ok(false);
    }
    let owed = desk.books()?.owed;
    desk.transfer((gateway, owed), amount, Purpose::Refund, false)?;
    Ok(true)
}

/// It stays booked as owed, or is again: an operator gives it back by hand.
fn return_failed(desk: &mut Desk<'_>, at: usize, said: &Report, why: &str) -> Result<(), Problem> {
    let Some(one) = desk.payment.taken.get_mut(at) else { return Ok(()) };
    // It was given back by hand, and our own order is refused for that.
    if one.status == RefundStatus::Failed || one.part.is_some() && one.part != said.part {
        return Ok(());
    }
    let before = core::mem::replace(&mut one.status, RefundStatus::Failed);
    let amount = one.amount;
    if before == RefundStatus::Succeeded && amount > 0 {
        let Books { receivable, owed, .. } = desk.books()?;
        desk.transfer((receivable, owed), amount, Purpose::Refund, false)?;
    }
    desk.happened("payment.return_failed", amount, Some(why));
    Ok(())
}

/// What was sent has come back.
pub(super) fn payout_returned(
    desk: &mut Desk<'_>,
    said: &Report,
    why: &str,
) -> Result<(), Problem> {
    if !desk.payment.is_payout() {
        return Err(Problem::new(&INVALID, "the report is about no payout of ours"));
    }
    // One payout comes back once, whatever it is called.
    let part = said.part.clone().unwrap_or_else(|| format!("{}~returned", said.subject));
    let said = Report { key: None, part: Some(part), ..said.clone() };
    if known(desk, &said)?.is_some() {
        return Ok(());
    }
    if desk.payment.status == Status::Processing {
        // Who gives it back has sent it: the order is over.
        let amount = desk.payment.capturing.unwrap_or(desk.payment.amount);
        desk.capture(amount)?;
    }
    outside(desk, &said, RefundOrigin::Returned, why, false)
}
