//! One step of a payment: the transfers, the event and the order that it consists of.
//!
//! Invariant: what a step writes is complete when it ends, or it is thrown away whole. Every
//! event of a payment is made by [`Desk::happened`].

use super::{Books, Event, IDS, Input, Payment, RefundStatus, Status, Taken, Write};
use crate::money::Currency;
use crate::payments::batch::Board;
use crate::payments::error::{NO_PAYMENT, STATE};
use crate::payments::gateway::{Action, Order};
use crate::payments::ledger::{self, Actor, View};
use crate::payments::request;
use crate::payments::transfer::{self, Purpose, Transfer};
use crate::payments::wire::payment_id;
use crate::problem::{INTERNAL, Problem};
use crate::time::Millis;
use alloc::{boxed::Box, format, string::String, string::ToString, vec::Vec};

/// The 404 of a payment.
#[must_use]
pub fn no_payment() -> Problem {
    Problem::new(&NO_PAYMENT, "no payment of yours has this id")
}

/// A payment that is being worked on.
pub(super) struct Desk<'a> {
    view: &'a View,
    board: Board<'a>,
    actor: Actor,
    pub(super) now: Millis,
    ids: core::array::IntoIter<u64, IDS>,
    pub(super) payment: Payment,
    before: Option<Payment>,
    writes: Vec<Write>,
}

impl<'a> Desk<'a> {
    /// A new payment, or (`known`) one that was loaded.
    pub(super) fn on(
        view: &'a View,
        now: Millis,
        actor: &Actor,
        input: &Input,
        payment: Payment,
        known: bool,
    ) -> Self {
        Self {
            view,
            board: Board::over(view, now),
            actor: Actor { app: payment.app.clone(), ..actor.clone() },
            now,
            ids: input.ids.into_iter(),
            before: known.then(|| payment.clone()),
            payment,
            writes: Vec::new(),
        }
    }

    /// What the step writes, and the payment after it.
    pub(super) fn close(self) -> (Vec<ledger::Write>, Payment) {
        let Self { board, payment, before, writes, .. } = self;
        let mut all = board.writes();
        match before {
            None => all.push(ledger::Write::Paid(Write::Made(Box::new(payment.clone())))),
            Some(before) if before != payment => {
                all.push(ledger::Write::Paid(Write::Changed(Box::new(payment.clone()))));
            }
            Some(_) => {}
        }
        all.extend(writes.into_iter().map(ledger::Write::Paid));
        (all, payment)
    }

    /// The 409 of what the state does not allow.
    pub(super) fn refuse(&self, what: &str) -> Problem {
        let detail = format!("the payment is {}: {what}", self.payment.status.as_str());
        Problem::new(&STATE, detail)
    }

    /// The gateway's accounts.
    pub(super) fn books(&self) -> Result<Books, Problem> {
        self.payment.books.ok_or_else(|| self.refuse("no gateway takes part in it"))
    }

    /// The account in which the gateway's money of this payment lies (Y7).
    pub(super) fn at_gateway(&self) -> Result<u64, Problem> {
        let Books { receivable, settled, .. } = self.books()?;
        Ok(if self.payment.settled { settled } else { receivable })
    }

    /// The next of the snowflakes that were drawn.
    pub(super) fn id(&mut self) -> Result<u64, Problem> {
        self.ids.next().ok_or_else(|| Problem::new(&INTERNAL, "too few ids were drawn"))
    }

    /// Makes a transfer of the payment's; its number.
    pub(super) fn transfer(
        &mut self,
        (debit, credit): (u64, u64),
        amount: i64,
        purpose: Purpose,
        held: bool,
    ) -> Result<u64, Problem> {
        let id = self.id()?;
        let order = request::Order {
            debit,
            credit,
            amount,
            currency: self.payment.currency,
            purpose,
            reference: Some(payment_id(self.payment.id)),
            hold: held.then_some(None),
        };
        Ok(self.board.transfer(&self.actor, id, &order)?.id)
    }

    /// Ends a hold that was loaded, posting so much of it.
    pub(super) fn end(&mut self, id: u64, posted: Option<i64>) -> Result<(), Problem> {
        let lost = || Problem::new(&INTERNAL, "the payment's hold is not there");
        let held = self.view.transfers.get(&id).ok_or_else(lost)?;
        let of = |id| self.view.accounts.get(&id).ok_or_else(lost);
        let sides = (of(held.debit)?, of(held.credit)?);
        let is_posted = posted.is_some();
        let status = if is_posted { transfer::Status::Posted } else { transfer::Status::Voided };
        let settled = self.actor.stamp(self.now);
        let settled = Transfer { status, posted, settled: Some(settled), ..held.clone() };
        self.board.settle(&settled, sides);
        Ok(())
    }

    /// Releases the payment's hold, if there is one.
    pub(super) fn release_hold(&mut self) -> Result<(), Problem> {
        match self.payment.hold.take() {
            Some(hold) => self.end(hold, None),
            None => Ok(()),
        }
    }

    /// Asks the gateway to do something; the order's key.
    pub(super) fn order(&mut self, action: Action, amount: i64, subject: Option<&str>) -> String {
        let Some((gateway, token)) = self.payment.gateway() else { return String::new() };
        let (gateway, token) = (gateway.to_string(), token.to_string());
        self.payment.orders = self.payment.orders.saturating_add(1);
        let reference = payment_id(self.payment.id);
        let key = format!("{reference}-{}", self.payment.orders);
        let currency: Currency = self.payment.currency;
        let subject = subject.map(Into::into);
        let order = Order { key: key.clone(), action, amount, currency, token, reference, subject };
        self.writes.push(Write::Ordered { payment: self.payment.id, gateway, order });
        key
    }

    /// An order was answered for good.
    pub(super) fn settle_order(&mut self, key: &str) {
        self.writes.push(Write::Settled(key.into()));
    }

    /// Notes what happened, with the status as it is now. The one place that makes an event.
    pub(super) fn happened(&mut self, kind: &'static str, amount: i64, detail: Option<&str>) {
        self.payment.events = self.payment.events.saturating_add(1);
        self.writes.push(Write::Happened(Event {
            payment: self.payment.id,
            n: self.payment.events,
            kind: kind.into(),
            status: self.payment.status,
            amount,
            detail: detail.map(Into::into),
            at: self.now,
            by: self.actor.by.clone(),
            request: self.actor.request.clone(),
        }));
    }

    /// The amount has moved: the hold is posted, the fee is taken.
    pub(super) fn capture(&mut self, amount: i64) -> Result<(), Problem> {
        if let Some(hold) = self.payment.hold.take() {
            self.end(hold, Some(amount))?;
        }
        self.payment.captured = amount;
        self.payment.capturing = None;
        self.payment.status = Status::Captured;
        self.happened("payment.captured", amount, None);
        Ok(())
    }

    /// Takes the application's fee out of what the destination has received.
    pub(super) fn take_fee(&mut self) -> Result<(), Problem> {
        let Some(fee) = self.payment.fee else { return Ok(()) };
        let (_, from) = self.payment.sides();
        self.transfer((from, fee.account), fee.amount, Purpose::Fee, false)?;
        Ok(())
    }

    /// Nothing has moved and nothing will.
    pub(super) fn fail(&mut self, why: &str) -> Result<(), Problem> {
        self.release_hold()?;
        self.payment.capturing = None;
        self.payment.status = Status::Failed;
        self.payment.failure = Some(why.into());
        self.happened("payment.failed", self.payment.amount, Some(why));
        Ok(())
    }

    /// The status that follows from what was captured, settled, given back and disputed.
    pub(super) fn restate(&mut self) {
        let refunded = self.payment.refunded(false);
        self.payment.status = match () {
            () if self.payment.disputed > 0 => Status::Disputed,
            () if refunded >= self.payment.captured => Status::Refunded,
            () if refunded > 0 => Status::PartiallyRefunded,
            () if self.payment.settled => Status::Settled,
            () => Status::Captured,
        };
    }

    /// Gives back what the gateway took and we may not keep, once per subject (Y4).
    pub(super) fn give_back(
        &mut self,
        subject: &str,
        amount: i64,
        why: &str,
    ) -> Result<(), Problem> {
        let known = |one: &Taken| one.subject == subject && one.amount > 0;
        if amount <= 0 || self.payment.taken.iter().any(known) {
            return Ok(());
        }
        let Books { receivable, owed, .. } = self.books()?;
        self.transfer((receivable, owed), amount, Purpose::Adjustment, false)?;
        let key = self.order(Action::Refund, amount, Some(subject));
        let status = RefundStatus::Pending;
        let subject = subject.into();
        self.payment.taken.push(Taken { subject, amount, status, key, part: None });
        self.happened("payment.return_pending", amount, Some(why));
        Ok(())
    }

    /// Has the gateway release what it reserved, once per subject.
    pub(super) fn release(&mut self, subject: &str) {
        if self.payment.taken.iter().any(|one| one.subject == subject) {
            return;
        }
        let key = self.order(Action::Cancel, self.payment.amount, Some(subject));
        let status = RefundStatus::Pending;
        let subject = subject.into();
        self.payment.taken.push(Taken { subject, amount: 0, status, key, part: None });
    }
}
