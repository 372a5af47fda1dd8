//! The ledger's rows in memory, and what must always hold of them.
//!
//! Numbered invariants: B1 zero sum per currency, A1 the kept balance is the sum of the entries,
//! A2 no overspending with all holds counted, T2 two entries per posting, H1 and H2 the head is
//! that of the entries.

use shared::machine::Machine;
use shared::money::{AMOUNT_MAX, Currency};
use shared::payments::account::Account;
use shared::payments::chain::{Head, place};
use shared::payments::gateway::Order;
use shared::payments::ledger::{Input, Key, Ledger, View, Write};
use shared::payments::payment::{self, Event, Payment};
use shared::payments::transfer::{Entry, Status, Transfer};
use std::collections::{BTreeMap, BTreeSet};

fn payment_of(key: &Key) -> Option<u64> {
    if let Key::Payment(id) = key { Some(*id) } else { None }
}

/// What the database holds.
#[derive(Default)]
pub(crate) struct Stored {
    pub(crate) accounts: BTreeMap<u64, Account>,
    pub(crate) transfers: BTreeMap<u64, Transfer>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) payments: BTreeMap<u64, Payment>,
    pub(crate) events: Vec<Event>,
    /// The orders that gateways have not answered for good.
    pub(crate) orders: BTreeMap<String, (u64, Order)>,
    head: Head,
}

impl Stored {
    pub(crate) fn load(&self, inputs: &[Input]) -> View {
        let mut keys = BTreeSet::new();
        inputs.iter().for_each(|input| Ledger.reads(input, &mut keys));
        let mut view = View { head: self.head.clone(), ..View::default() };
        let asked: Vec<u64> = keys.iter().filter_map(payment_of).collect();
        for payment in asked.iter().filter_map(|id| self.payments.get(id)) {
            payment.reads(&mut keys);
            view.payments.insert(payment.id, payment.clone());
        }
        for payment in self.payments.values() {
            view.kept.extend(payment.holds().map(|hold| (hold, payment.id)));
        }
        for key in keys {
            let mut ids = vec![];
            match key {
                Key::Payment(_) | Key::Flow(..) => {}
                Key::Account(id) => ids.push(id),
                Key::Transfer(id) => {
                    let Some(transfer) = self.transfers.get(&id) else { continue };
                    ids.extend([transfer.debit, transfer.credit]);
                    view.transfers.insert(id, transfer.clone());
                }
            }
            let known = ids.iter().filter_map(|id| self.accounts.get(id));
            view.accounts.extend(known.map(|account| (account.id, account.clone())));
        }
        view
    }

    pub(crate) fn commit(&mut self, writes: &[Write], head: Head) {
        for write in writes {
            match write {
                Write::Opened(account, _) | Write::Closed(account, _) => {
                    self.accounts.insert(account.id, account.clone());
                }
                Write::Moved(id, funds) => self.accounts.get_mut(id).unwrap().funds = *funds,
                Write::Made(transfer) | Write::Settled(transfer) => {
                    self.transfers.insert(transfer.id, transfer.clone());
                }
                Write::Entered(entry) => self.entries.push(*entry),
                Write::Paid(write) => self.pay(write),
                Write::Screened(_) => {}
            }
        }
        self.head = head;
    }

    fn pay(&mut self, write: &payment::Write) {
        match write {
            payment::Write::Made(one) | payment::Write::Changed(one) => {
                self.payments.insert(one.id, Payment::clone(one));
            }
            payment::Write::Happened(event) => self.events.push(event.clone()),
            payment::Write::Ordered { payment, order, .. } => {
                let before = self.orders.insert(order.key.clone(), (*payment, order.clone()));
                assert!(before.is_none(), "Y3: {} was ordered twice", order.key);
            }
            payment::Write::Settled(key) => drop(self.orders.remove(key)),
        }
    }

    /// Everything that must always hold, from nothing but the rows.
    pub(crate) fn check(&self) -> Result<(), String> {
        let mut sums: BTreeMap<Currency, i128> = BTreeMap::new();
        let mut head = Head { shard: self.head.shard, ..Head::default() };
        let mut of: BTreeMap<u64, Vec<&Entry>> = BTreeMap::new();
        let mut posted: BTreeMap<u64, Vec<i64>> = BTreeMap::new();
        for entry in &self.entries {
            same("H1", entry.id, place(head.shard, head.tree.size()))?;
            head.append(entry.leaf, |_, _| {});
            of.entry(entry.account).or_default().push(entry);
            posted.entry(entry.transfer).or_default().push(entry.amount);
        }
        same("H2", &head, &self.head)?;
        for account in self.accounts.values() {
            *sums.entry(account.currency).or_default() += i128::from(account.funds.posted);
            let mut sum = 0;
            for (n, entry) in of.remove(&account.id).unwrap_or_default().into_iter().enumerate() {
                sum += entry.amount;
                same("A1", (entry.n, entry.balance), (n as u64 + 1, sum))?;
            }
            same("A1", account.funds.posted, sum)?;
            self.check_holds(account)?;
        }
        for (currency, sum) in sums {
            same("B1", (currency, sum), (currency, 0))?;
        }
        for transfer in self.transfers.values() {
            let wanted = transfer.posted.map(|posted| vec![posted, -posted]);
            same("T2", posted.remove(&transfer.id), wanted)?;
        }
        same("T2", posted.len(), 0)
    }

    fn check_holds(&self, account: &Account) -> Result<(), String> {
        let pending = || self.transfers.values().filter(|one| one.status == Status::Pending);
        let debits = pending().filter(|one| one.debit == account.id).map(|one| one.amount).sum();
        let credits = pending().filter(|one| one.credit == account.id).map(|one| one.amount).sum();
        let funds = account.funds;
        same("A2", (funds.debits_held, funds.credits_held), (debits, credits))?;
        let (low, high) = (funds.posted - funds.credits_held, funds.posted + funds.debits_held);
        let limits = account.limits;
        let over =
            limits.no_debit_beyond_credit && high > 0 || limits.no_credit_beyond_debit && low < 0;
        let fits = !over && high <= AMOUNT_MAX && low >= -AMOUNT_MAX;
        if fits { Ok(()) } else { Err(format!("A2: {funds:?} of {account:?}")) }
    }
}

pub(crate) fn same<T: PartialEq + std::fmt::Debug>(
    what: &str,
    found: T,
    wanted: T,
) -> Result<(), String> {
    if found == wanted { Ok(()) } else { Err(format!("{what}: {found:?}, not {wanted:?}")) }
}
