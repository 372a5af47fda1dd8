//! One or many transfers over a view that does not change: each sees what those before it moved.
//!
//! Invariant: a transfer that is refused leaves nothing on the board (B4).

use super::account::{Account, Change, Funds, Side};
use super::chain;
use super::error::{ACCOUNT_CLOSED, CURRENCY_MISMATCH, UNKNOWN_ACCOUNT};
use super::ledger::{Actor, View, Write};
use super::request::Order;
use super::transfer::{Entry, Status, Transfer};
use crate::problem::{FieldError, Kind, Problem};
use crate::time::Millis;
use alloc::{collections::BTreeMap, format, vec, vec::Vec};

/// A view, and what was decided on top of it.
#[derive(Debug)]
pub(super) struct Board<'a> {
    view: &'a View,
    now: Millis,
    moved: BTreeMap<u64, Funds>,
    writes: Vec<Write>,
    next_entry: u64,
}

fn refuse(kind: &'static Kind, pointer: &str, detail: alloc::string::String) -> Problem {
    Problem::fields(kind, vec![FieldError { pointer: pointer.into(), detail }])
}

impl<'a> Board<'a> {
    pub(super) fn over(view: &'a View, now: Millis) -> Self {
        let next_entry = view.head.next();
        Self { view, now, moved: BTreeMap::new(), writes: Vec::new(), next_entry }
    }

    /// What is to be written: the accounts' last funds, once each.
    pub(super) fn writes(self) -> Vec<Write> {
        let Self { moved, mut writes, .. } = self;
        writes.extend(moved.into_iter().map(|(id, funds)| Write::Moved(id, funds)));
        writes
    }

    pub(super) fn push(&mut self, write: Write) {
        self.writes.push(write);
    }

    fn funds(&self, account: &Account) -> Funds {
        self.moved.get(&account.id).copied().unwrap_or(account.funds)
    }

    /// One side of an order: an account of the caller's that takes it.
    fn side(
        &self,
        actor: &Actor,
        id: u64,
        order: &Order,
        at: &str,
    ) -> Result<&'a Account, Problem> {
        let account = self.view.accounts.get(&id).filter(|account| account.app == actor.app);
        let account = account.ok_or_else(|| {
            refuse(&UNKNOWN_ACCOUNT, at, "no account of yours has this id".into())
        })?;
        if account.currency != order.currency {
            let detail = format!("the account is in {}", account.currency);
            return Err(refuse(&CURRENCY_MISMATCH, at, detail));
        }
        if account.closed_at.is_some() {
            return Err(refuse(&ACCOUNT_CLOSED, at, "the account is closed".into()));
        }
        Ok(account)
    }

    /// Makes a transfer.
    pub(super) fn transfer(
        &mut self,
        actor: &Actor,
        id: u64,
        order: &Order,
    ) -> Result<Transfer, Problem> {
        let debit = self.side(actor, order.debit, order, "/debit_account")?;
        let credit = self.side(actor, order.credit, order, "/credit_account")?;
        let pending = order.hold.is_some();
        let change = if pending { Change::Hold(order.amount) } else { Change::Post(order.amount) };
        debit.admits(Side::Debit, self.funds(debit).after(Side::Debit, change))?;
        credit.admits(Side::Credit, self.funds(credit).after(Side::Credit, change))?;
        self.shift(debit, Side::Debit, change);
        self.shift(credit, Side::Credit, change);
        let transfer = Transfer {
            id,
            debit: order.debit,
            credit: order.credit,
            amount: order.amount,
            currency: order.currency,
            purpose: order.purpose,
            reference: order.reference.clone(),
            status: if pending { Status::Pending } else { Status::Posted },
            expires_at: order.hold.flatten().map(|ms| self.now.plus(ms)),
            made: actor.stamp(self.now),
            settled: None,
            posted: (!pending).then_some(order.amount),
        };
        if !pending {
            self.enter(&transfer, order.amount);
        }
        self.push(Write::Made(transfer.clone()));
        Ok(transfer)
    }

    /// Ends a hold: `settled` is the transfer as it will be, with what is posted of it.
    pub(super) fn settle(&mut self, settled: &Transfer, (debit, credit): (&Account, &Account)) {
        let posted = settled.posted.unwrap_or(0);
        let change = Change::Settle { held: settled.amount, posted };
        self.shift(debit, Side::Debit, change);
        self.shift(credit, Side::Credit, change);
        if settled.status == Status::Posted {
            self.enter(settled, posted);
        }
        self.push(Write::Settled(settled.clone()));
    }

    /// Moves an account's funds, whatever its limits.
    fn shift(&mut self, account: &Account, side: Side, change: Change) {
        let funds = self.funds(account).after(side, change);
        self.moved.insert(account.id, funds);
    }

    /// Writes both entries of a transfer whose amount has been moved.
    fn enter(&mut self, transfer: &Transfer, posted: i64) {
        for (id, amount) in [(transfer.debit, posted), (transfer.credit, posted.saturating_neg())] {
            let Some(funds) = self.moved.get_mut(&id) else { continue };
            funds.entries = funds.entries.saturating_add(1);
            funds.entry_at = funds.entry_at.max(self.now);
            let mut entry = Entry {
                id: self.next_entry,
                account: id,
                n: funds.entries,
                transfer: transfer.id,
                amount,
                balance: funds.posted,
                at: funds.entry_at,
                leaf: [0; 32],
            };
            entry.leaf = chain::leaf_of(&entry, transfer);
            self.next_entry = self.next_entry.saturating_add(1);
            self.writes.push(Write::Entered(entry));
        }
    }
}
