//! What must hold of payments at every moment, and what when everything is said and done; the
//! numbers are those of `payments.rs`.

use super::{BACK, BLOCKED, BOOKS, REVIEWED, World};
use crate::rows::same;
use shared::payments::gateway::Happened;
use shared::payments::payment::review::{Review, State};
use shared::payments::payment::{self, RefundStatus, Status};
use shared::payments::wire::parse;
use std::collections::BTreeMap;

fn follows(from: Option<Status>, to: Status) -> bool {
    use Status as S;
    let Some(from) = from else {
        return matches!(to, S::Processing | S::Authorized | S::Captured);
    };
    let over = [S::Captured, S::Settled, S::PartiallyRefunded, S::Refunded, S::Disputed];
    match from {
        S::Processing => to != S::Settled && to != S::Refunded,
        S::Authorized => {
            // A review's decision is an event of its own.
            let on = [S::Authorized, S::Processing, S::Captured, S::Canceled, S::Failed];
            on.contains(&to)
        }
        S::Failed | S::Canceled => to == from,
        _ => over.contains(&to),
    }
}

impl World {
    pub(super) fn check_each(&self) -> Result<(), String> {
        for one in self.stored.payments.values() {
            let fits = one.captured <= one.amount && one.refunded(true) <= one.captured;
            same(&format!("Y2 {one:?}"), fits, true)?;
            let held = matches!(one.status, Status::Processing | Status::Authorized);
            same(&format!("Y1 {one:?}"), one.hold.is_some(), held)?;
            let is_screened = self.screened.contains(&one.id);
            let wanted = is_screened && one.amount >= REVIEWED;
            same(&format!("Y7 {one:?}"), one.review.is_some(), wanted)?;
            same("Y7", is_screened && one.amount >= BLOCKED, false)?;
            let waits = |review: &Review| review.status != State::Approved;
            let is_taken = one.captured > 0 || one.capturing.is_some();
            let is_early = one.review.as_ref().is_some_and(waits) && is_taken;
            same(&format!("Y7 {one:?}"), is_early, false)?;
        }
        Ok(())
    }

    pub(super) fn check_events(&self) -> Result<(), String> {
        let mut last: BTreeMap<u64, (u64, Status)> = BTreeMap::new();
        for event in &self.stored.events {
            let before = last.get(&event.payment).copied();
            same("Y6", event.n, before.map_or(1, |(n, _)| n + 1))?;
            let fits = follows(before.map(|(_, status)| status), event.status);
            same(&format!("Y6 {before:?} {event:?}"), fits, true)?;
            last.insert(event.payment, (event.n, event.status));
        }
        for one in self.stored.payments.values() {
            same("Y6", last.get(&one.id), Some(&(one.events, one.status)))?;
        }
        Ok(())
    }

    /// Everything is said and done: what the gateway has is what the payments say.
    pub(super) fn check_calm(&self) -> Result<(), String> {
        same("Y3", self.stored.orders.len(), 0)?;
        let mut net: BTreeMap<u64, i64> = BTreeMap::new();
        for effect in self.gateway.effects.values() {
            let sign = match effect.happened {
                Happened::Captured | Happened::Returned(_) => 1,
                Happened::Refunded | Happened::PaidOut => -1,
                Happened::RefundFailed(_) if effect.part.as_deref() == Some(BACK) => 1,
                _ => continue,
            };
            *net.entry(parse("pay", &effect.reference).unwrap()).or_default() +=
                sign * effect.amount;
        }
        let (mut all, mut owed, mut lost, mut settled) = (0, 0, 0, 0);
        for one in self.stored.payments.values() {
            same(&format!("Y4 {one:?}"), one.status == Status::Processing, false)?;
            if one.books.is_none() {
                continue;
            }
            let kept = one.captured - one.refunded(false);
            let stuck = |taken: &&payment::Taken| taken.status == RefundStatus::Failed;
            let stuck: i64 = one.taken.iter().filter(stuck).map(|taken| taken.amount).sum();
            let wanted = if one.is_payout() { -kept } else { kept + stuck };
            let found = net.remove(&one.id).unwrap_or(0);
            same(&format!("Y4 {one:?} {:?}", self.gateway.effects), found, wanted)?;
            all += found;
            owed += stuck;
            let borne = |refund: &&payment::Refund| {
                refund.status == RefundStatus::Succeeded && refund.borne_by == Some(BOOKS.fees)
            };
            lost += one.refunds.iter().filter(borne).map(|refund| refund.amount).sum::<i64>();
            if one.settled {
                settled += kept - one.disputed - one.gateway_fee.unwrap_or(0);
            }
        }
        let posted = |id| self.stored.accounts[&id].funds.posted;
        let books = [BOOKS.receivable, BOOKS.settled, BOOKS.fees].map(posted);
        // What an account could not bear is the application's loss, and stands among its fees.
        same("Y8 books", books.iter().sum::<i64>(), all + lost)?;
        same("Y9", posted(BOOKS.settled), settled)?;
        same("Y4 owed", -posted(BOOKS.owed), owed)
    }
}
