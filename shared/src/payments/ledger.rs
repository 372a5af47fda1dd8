//! The ledger, as a machine that the origin commits: accounts, transfers, holds, entries.
//!
//! Stored: a row per account, transfer and entry, and the head of the replica's shard.
//! Invariants: A1, A2 (`account.rs`), T1, T2 (`transfer.rs`), H1–H3 (`chain.rs`). B1 the balances
//! of a currency sum to zero. B2 of a linked batch all happens or nothing. B3 what another
//! application owns is unknown. B4 what is refused writes nothing.

use super::account::{Account, Funds, Kind, Limits};
use super::batch::Board;
use super::chain::Head;
use super::error::{
    ALREADY_CLOSED, EXCEEDS_HOLD, KEPT, NO_ACCOUNT, NO_TRANSFER, NOT_EMPTY, NOT_PENDING,
};
use super::fraud::{Attempt, judge::Flows};
use super::payment::{self, Payment};
use super::request::Order;
use super::transfer::{Entry, Stamp, Status, Transfer};
use super::tree::{Hash, Node};
use super::wire::{account_id, payment_id};
use crate::machine::{At, Deadline, Machine, Step};
use crate::money::Currency;
use crate::problem::{FieldError, Problem};
use crate::roads::Register;
use crate::time::Millis;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::{boxed::Box, format, string::String, sync::Arc, vec, vec::Vec};

/// What must be loaded; a payment brings its transfers and accounts with it, a transfer its two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// What passed of a party within so many seconds (`fraud`).
    Flow(u64, u64),
    /// A payment and what it reads.
    Payment(u64),
    /// A transfer and its accounts.
    Transfer(u64),
    /// An account.
    Account(u64),
}

/// What was loaded.
#[derive(Debug, Default)]
pub struct View {
    /// What was asked for and is not here does not exist.
    pub accounts: BTreeMap<u64, Account>,
    /// Pending ones, and those that were asked for.
    pub transfers: BTreeMap<u64, Transfer>,
    /// Those that were asked for.
    pub payments: BTreeMap<u64, Payment>,
    /// What passed of parties, as far as fraud rules ask for it.
    pub flows: Flows,
    /// Of the transfers, those that only their payment may end, and that payment.
    pub kept: BTreeMap<u64, u64>,
    /// The shard's end; moves with every entry.
    pub head: Head,
    /// Complete subtrees since the load.
    pub nodes: Vec<(Node, Hash)>,
}

/// On whose behalf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The application.
    pub app: String,
    /// See [`Stamp::by`].
    pub by: String,
    /// The request's id.
    pub request: String,
}

impl Actor {
    pub(super) fn stamp(&self, at: Millis) -> Stamp {
        Stamp { at, by: self.by.clone(), request: self.request.clone() }
    }
}

/// A new account.
#[derive(Clone, Debug)]
pub struct Opening {
    /// A snowflake that was drawn for it.
    pub id: u64,
    /// For people.
    pub name: String,
    /// Of every entry.
    pub currency: Currency,
    /// Decides the normal side.
    pub kind: Kind,
    /// What it refuses.
    pub limits: Limits,
}

/// How a hold ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Posted: this much of it, or all.
    Post(Option<i64>),
    /// Voided.
    Void,
    /// Its time is over.
    Expire,
}

/// Many transfers.
#[derive(Debug)]
pub struct Batch {
    /// Snowflakes that were drawn for them, with what was asked.
    pub orders: Vec<(u64, Result<Order, Problem>)>,
    /// All or nothing.
    pub linked: bool,
}

/// What is asked.
#[derive(Clone, Debug)]
pub enum Input {
    /// A new account.
    Open(Actor, Opening),
    /// An account that takes no more transfers.
    Close(Actor, u64),
    /// One transfer, under the snowflake that was drawn for it.
    Transfer(Actor, u64, Order),
    /// Many.
    Batch(Actor, Arc<Batch>),
    /// The end of a hold; without an application it is time's doing.
    Settle(Actor, u64, Ending),
    /// About a payment.
    Pay(Actor, payment::Input),
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The account was opened.
    Opened(Account),
    /// The account was closed.
    Closed(Account),
    /// The transfer was made.
    Made(Transfer),
    /// The batch was decided; one per order, in order.
    Batch(Vec<Result<u64, Problem>>),
    /// The hold has ended.
    Settled(Transfer),
    /// The payment after it, and whether something was created.
    Payment(Box<Payment>, bool),
    /// No.
    Refused(Problem),
}

/// A change of the stored rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// A new row, and who made it.
    Opened(Account, Stamp),
    /// An account takes no more transfers, and who said so.
    Closed(Account, Stamp),
    /// An account's funds are these.
    Moved(u64, Funds),
    /// A new transfer.
    Made(Transfer),
    /// A pending transfer is pending no more.
    Settled(Transfer),
    /// A new entry.
    Entered(Entry),
    /// Something about a payment.
    Paid(payment::Write),
    /// A payment was held against fraud rules.
    Screened(Box<Attempt>),
}

/// The machine.
#[derive(Clone, Copy, Debug)]
pub struct Ledger;

/// The 404 of an account.
#[must_use]
pub fn no_account() -> Problem {
    Problem::new(&NO_ACCOUNT, "no account of yours has this id")
}

/// The 404 of a transfer.
#[must_use]
pub fn no_transfer() -> Problem {
    Problem::new(&NO_TRANSFER, "no transfer of yours has this id")
}

impl Ledger {
    fn open(now: Millis, actor: &Actor, opening: Opening) -> Step<Self> {
        let Opening { id, name, currency, kind, limits } = opening;
        let account = Account {
            id,
            app: actor.app.clone(),
            name,
            currency,
            kind,
            limits,
            created_at: now,
            closed_at: None,
            funds: Funds::default(),
        };
        let writes = vec![Write::Opened(account.clone(), actor.stamp(now))];
        Step { writes, ..Step::reply(Reply::Opened(account)) }
    }

    fn close(view: &View, now: Millis, actor: &Actor, id: u64) -> Result<Step<Self>, Problem> {
        let account = view.accounts.get(&id).filter(|account| account.app == actor.app);
        let account = account.ok_or_else(no_account)?;
        if account.closed_at.is_some() {
            return Err(Problem::new(&ALREADY_CLOSED, "the account is closed already"));
        }
        let Funds { posted, debits_held, credits_held, .. } = account.funds;
        if (posted, debits_held, credits_held) != (0, 0, 0) {
            let detail = format!("{} has a balance or holds", account_id(id));
            return Err(Problem::new(&NOT_EMPTY, detail));
        }
        let account = Account { closed_at: Some(now), ..account.clone() };
        let writes = vec![Write::Closed(account.clone(), actor.stamp(now))];
        Ok(Step { writes, ..Step::reply(Reply::Closed(account)) })
    }

    fn transfer(
        view: &View,
        now: Millis,
        actor: &Actor,
        (id, order): (u64, Order),
    ) -> Result<Step<Self>, Problem> {
        let mut board = Board::over(view, now);
        let transfer = board.transfer(actor, id, &order)?;
        Ok(Step { writes: board.writes(), ..Step::reply(Reply::Made(transfer)) })
    }

    fn batch(
        view: &View,
        now: Millis,
        actor: &Actor,
        batch: &Batch,
    ) -> Result<Step<Self>, Problem> {
        let mut board = Board::over(view, now);
        let mut results = Vec::with_capacity(batch.orders.len());
        for (n, (id, order)) in batch.orders.iter().enumerate() {
            let made = match order {
                Ok(order) => board.transfer(actor, *id, order).map(|made| made.id),
                Err(problem) => Err(problem.clone()),
            };
            match made {
                Err(problem) if batch.linked => return Err(within(problem, n)),
                made => results.push(made),
            }
        }
        Ok(Step { writes: board.writes(), ..Step::reply(Reply::Batch(results)) })
    }

    fn settle(
        view: &View,
        now: Millis,
        actor: &Actor,
        (id, ending): (u64, Ending),
    ) -> Result<Step<Self>, Problem> {
        let transfer = view.transfers.get(&id).ok_or_else(no_transfer)?;
        let (Some(debit), Some(credit)) =
            (view.accounts.get(&transfer.debit), view.accounts.get(&transfer.credit))
        else {
            return Err(no_transfer());
        };
        if ending != Ending::Expire && debit.app != actor.app {
            return Err(no_transfer());
        }
        if let Some(payment) = view.kept.get(&id) {
            let detail = format!("{} holds it: capture or cancel that", payment_id(*payment));
            return Err(Problem::new(&KEPT, detail));
        }
        let is_over = transfer.status_at(now) == Status::Expired;
        let status = transfer.status_at(now);
        let due = ending == Ending::Expire && is_over && transfer.status == Status::Pending;
        if !due && (status != Status::Pending || ending == Ending::Expire) {
            let detail = format!("the transfer is {}", status.as_str());
            return Err(Problem::new(&NOT_PENDING, detail));
        }
        let (status, posted) = match ending {
            Ending::Post(amount) => (Status::Posted, amount.unwrap_or(transfer.amount)),
            Ending::Void => (Status::Voided, 0),
            Ending::Expire => (Status::Expired, 0),
        };
        if posted > transfer.amount {
            let detail = format!("the transfer holds {}", transfer.amount);
            let error = FieldError { pointer: "/amount".into(), detail };
            return Err(Problem::fields(&EXCEEDS_HOLD, vec![error]));
        }
        let settled = Transfer {
            status,
            settled: Some(actor.stamp(now)),
            posted: (status == Status::Posted).then_some(posted),
            ..transfer.clone()
        };
        let mut board = Board::over(view, now);
        board.settle(&settled, (debit, credit));
        Ok(Step { writes: board.writes(), ..Step::reply(Reply::Settled(settled)) })
    }
}

/// A linked batch falls by its first bad item: the pointers say which.
fn within(problem: Problem, n: usize) -> Problem {
    let moved = |error: &FieldError| FieldError {
        pointer: format!("/transfers/{n}{}", error.pointer),
        detail: error.detail.clone(),
    };
    let mut errors: Vec<FieldError> = problem.errors.iter().map(moved).collect();
    if errors.is_empty() {
        let pointer = format!("/transfers/{n}");
        errors.push(FieldError { pointer, detail: problem.detail });
    }
    Problem::fields(problem.kind, errors)
}

impl Machine for Ledger {
    type Key = Key;
    type View = View;
    type Input = Input;
    type Write = Write;
    type Post = Register;
    type Tell = core::convert::Infallible;
    type Reply = Reply;

    fn reads(&self, input: &Input, keys: &mut BTreeSet<Key>) {
        let mut both = |order: &Order| {
            keys.insert(Key::Account(order.debit));
            keys.insert(Key::Account(order.credit));
        };
        match input {
            Input::Open(..) => {}
            Input::Close(_, id) => {
                keys.insert(Key::Account(*id));
            }
            Input::Transfer(_, _, order) => both(order),
            Input::Batch(_, batch) => {
                batch.orders.iter().filter_map(|(_, order)| order.as_ref().ok()).for_each(both);
            }
            Input::Settle(_, id, _) => {
                keys.insert(Key::Transfer(*id));
            }
            Input::Pay(_, input) => match &input.ask {
                payment::Ask::Create(payment) => payment.reads(keys),
                payment::Ask::Screened(payment, screen) => {
                    payment.reads(keys);
                    screen.reads(keys);
                }
                _ => drop(keys.insert(Key::Payment(input.payment))),
            },
        }
    }

    fn decide(&self, view: &View, at: At, input: Input) -> Step<Self> {
        let now = at.now;
        let decided = match input {
            Input::Open(actor, opening) => Ok(Self::open(now, &actor, opening)),
            Input::Close(actor, id) => Self::close(view, now, &actor, id),
            Input::Transfer(actor, id, order) => Self::transfer(view, now, &actor, (id, order)),
            Input::Batch(actor, batch) => Self::batch(view, now, &actor, &batch),
            Input::Settle(actor, id, ending) => Self::settle(view, now, &actor, (id, ending)),
            Input::Pay(actor, input) => payment::decide(view, now, &actor, input),
        };
        decided.unwrap_or_else(|problem| Step::reply(Reply::Refused(problem)))
    }

    fn apply(&self, view: &mut View, write: &Write) {
        match write {
            Write::Opened(account, _) | Write::Closed(account, _) => {
                view.accounts.insert(account.id, account.clone());
            }
            Write::Moved(id, funds) => {
                if let Some(account) = view.accounts.get_mut(id) {
                    account.funds = *funds;
                }
            }
            // A posted one is final: nothing that is decided later asks for it.
            Write::Made(transfer) if transfer.status != Status::Pending => {}
            Write::Made(transfer) | Write::Settled(transfer) => {
                view.transfers.insert(transfer.id, transfer.clone());
            }
            Write::Entered(entry) => {
                let nodes = &mut view.nodes;
                view.head.append(entry.leaf, |node, hash| nodes.push((node, hash)));
            }
            Write::Paid(payment::Write::Made(payment) | payment::Write::Changed(payment)) => {
                view.payments.insert(payment.id, Payment::clone(payment));
            }
            Write::Paid(_) => {}
            Write::Screened(attempt) => view.flows.apply(attempt),
        }
    }

    fn deadline(&self, _: &View) -> Option<Deadline> {
        None
    }
}
