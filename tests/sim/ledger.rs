//! The ledger against a plain reference, by seed: groups of inputs as the origin commits them.
//!
//! The reference is written from the specification: a list of accounts, a list of transfers, sums
//! made anew. Numbered invariants: B1 zero sum per currency, A1 the kept balance is the sum of the
//! entries, A2 no overspending with all holds counted, T2 two entries per posting, H2 the head is
//! that of the entries, B4 what is refused writes nothing, B5 the reply is the reference's.

use crate::number;
use crate::rng::Rng;
use crate::rows::{Stored, same};
use shared::machine::{At, Machine, turn};
use shared::money::{AMOUNT_MAX, Currency};
use shared::payments::account::{Kind, Limits};
use shared::payments::chain::Head;
use shared::payments::ledger::{Actor, Batch, Ending, Input, Ledger, Opening, Reply, View};
use shared::payments::request::Order;
use shared::payments::transfer::{Purpose, Status};
use shared::problem::Problem;
use shared::time::Millis;
use std::collections::BTreeMap;
use std::sync::Arc;

const ACCOUNTS: u64 = 12;

/// The same question answered in the simplest way: balances are summed over all transfers.
#[derive(Clone, Default)]
struct Plain {
    transfers: Vec<(u64, u64, u64, i64, Status, Option<u64>)>,
}

impl Plain {
    /// Debits less credits that are posted, and both sides' holds.
    fn funds(&self, account: u64) -> (i128, i128, i128) {
        let mut funds = (0, 0, 0);
        for (_, debit, credit, amount, status, _) in &self.transfers {
            let amount = i128::from(*amount);
            match (status, *debit == account, *credit == account) {
                (Status::Posted, true, _) => funds.0 += amount,
                (Status::Posted, _, true) => funds.0 -= amount,
                (Status::Pending, true, _) => funds.1 += amount,
                (Status::Pending, _, true) => funds.2 += amount,
                _ => {}
            }
        }
        funds
    }

    fn order(&mut self, book: &Book, now: u64, id: u64, order: &Order) -> u16 {
        for side in [order.debit, order.credit] {
            let Some((currency, _, owner)) = book.accounts.get(&side) else { return 422 };
            if *owner != "app_1" || *currency != order.currency {
                return 422;
            }
        }
        let amount = i128::from(order.amount);
        let max = i128::from(AMOUNT_MAX);
        for (side, is_debit) in [(order.debit, true), (order.credit, false)] {
            let (posted, debits, credits) = self.funds(side);
            let limits = book.accounts[&side].1;
            let (most, held, limit) = match is_debit {
                true => (posted + debits + amount, debits, limits.no_debit_beyond_credit),
                false => (credits - posted + amount, credits, limits.no_credit_beyond_debit),
            };
            if limit && most > 0 {
                return 409;
            }
            if most > max || (order.hold.is_some() && held + amount > max) || held > max {
                return 422;
            }
        }
        let (status, until) = match order.hold {
            None => (Status::Posted, None),
            Some(ms) => (Status::Pending, ms.map(|ms| now + ms)),
        };
        self.transfers.push((id, order.debit, order.credit, order.amount, status, until));
        201
    }

    fn settle(&mut self, now: u64, id: u64, ending: Ending) -> u16 {
        let Some(one) = self.transfers.iter_mut().find(|one| one.0 == id) else { return 404 };
        let over = one.5.is_some_and(|until| until <= now);
        if one.4 != Status::Pending || over != (ending == Ending::Expire) {
            return 409;
        }
        match ending {
            Ending::Post(Some(amount)) if amount > one.3 => return 422,
            Ending::Post(amount) => {
                one.3 = amount.unwrap_or(one.3);
                one.4 = Status::Posted;
            }
            Ending::Void => one.4 = Status::Voided,
            Ending::Expire => one.4 = Status::Expired,
        }
        200
    }

    fn decide(&mut self, book: &Book, now: u64, input: &Input) -> Vec<u16> {
        match input {
            Input::Open(..) | Input::Close(..) | Input::Pay(..) => vec![0],
            Input::Transfer(_, id, order) => vec![self.order(book, now, *id, order)],
            Input::Settle(_, id, ending) => vec![self.settle(now, *id, *ending)],
            Input::Batch(_, batch) => {
                let before = self.clone();
                let mut results = vec![];
                for (id, order) in &batch.orders {
                    let status = self.order(book, now, *id, order.as_ref().unwrap());
                    if status != 201 && batch.linked {
                        *self = before;
                        return vec![status];
                    }
                    results.push(status);
                }
                results
            }
        }
    }
}

/// What does not move.
struct Book {
    accounts: BTreeMap<u64, (Currency, Limits, &'static str)>,
}

fn actor() -> Actor {
    Actor { app: "app_1".into(), by: "service:k".into(), request: "req_1".into() }
}

fn draw_order(rng: &mut Rng) -> Order {
    let debit = rng.range(1, ACCOUNTS + 1);
    let credit = 1 + (debit + rng.below(ACCOUNTS)) % (ACCOUNTS + 1);
    let amount = match rng.below(50) {
        0 => AMOUNT_MAX,
        1 => AMOUNT_MAX / 2,
        _ => rng.range(1, 100) as i64,
    };
    let currency = Currency::of(if rng.chance(900) { "EUR" } else { "JPY" }).unwrap();
    let hold = rng.chance(300).then(|| rng.chance(500).then(|| rng.range(1, 200)));
    Order { debit, credit, amount, currency, purpose: Purpose::Payment, reference: None, hold }
}

/// `last`: the newest transfer that a caller can have heard of.
fn draw_input(rng: &mut Rng, next: &mut u64, last: u64) -> Input {
    let mut id = || {
        *next += 1;
        *next
    };
    match rng.below(10) {
        0..=5 => Input::Transfer(actor(), id(), draw_order(rng)),
        6 => {
            let orders = (0..rng.range(1, 6)).map(|_| (id(), Ok(draw_order(rng)))).collect();
            Input::Batch(actor(), Arc::new(Batch { orders, linked: rng.chance(500) }))
        }
        _ => {
            let known = rng.range(last.saturating_sub(40).max(1_000), last);
            let ending = match rng.below(4) {
                0 => Ending::Post(None),
                1 => Ending::Post(Some(rng.range(1, 60) as i64)),
                2 => Ending::Void,
                _ => Ending::Expire,
            };
            Input::Settle(actor(), known, ending)
        }
    }
}

fn statuses(reply: &Reply) -> Vec<u16> {
    let of = |problem: &Problem| problem.status();
    match reply {
        Reply::Opened(_) | Reply::Closed(_) | Reply::Payment(..) => vec![0],
        Reply::Made(_) => vec![201],
        Reply::Settled(_) => vec![200],
        Reply::Refused(problem) => vec![of(problem)],
        Reply::Batch(results) => {
            results.iter().map(|one| one.as_ref().map_or_else(of, |_| 201)).collect()
        }
    }
}

/// Every account but the last is ours; every third has a limit; one in four is in yen.
fn open(stored: &mut Stored) -> Book {
    let mut book = Book { accounts: BTreeMap::new() };
    for id in 1..=ACCOUNTS {
        let currency = Currency::of(if id % 4 == 0 { "JPY" } else { "EUR" }).unwrap();
        let limits = Limits {
            no_debit_beyond_credit: id % 3 == 1,
            no_credit_beyond_debit: id % 3 == 2 && id > 6,
        };
        let app = if id == ACCOUNTS { "app_2" } else { "app_1" };
        let kind = Kind::ALL[id as usize % 5];
        let opening = Opening { id, name: "a".into(), currency, kind, limits };
        let input = Input::Open(Actor { app: app.into(), ..actor() }, opening);
        let step = Ledger.decide(&View::default(), At { now: Millis(1), draw: 0 }, input);
        stored.commit(&step.writes, Head::default());
        book.accounts.insert(id, (currency, limits, app));
    }
    book
}

/// One life of a ledger; how many inputs were decided.
fn run(seed: u64, groups: u64) -> Result<u64, String> {
    let mut rng = Rng::new(seed);
    let (mut stored, mut plain) = (Stored::default(), Plain::default());
    let book = open(&mut stored);
    let (mut next, mut now, mut inputs_seen) = (1_000, 1_000u64, 0);
    for _ in 0..groups {
        now += rng.below(60);
        let last = next;
        let inputs: Vec<Input> =
            (0..rng.range(1, 24)).map(|_| draw_input(&mut rng, &mut next, last)).collect();
        let mut view = stored.load(&inputs);
        let at = At { now: Millis(now), draw: 0 };
        let turn = turn(&Ledger, &mut view, at, inputs.clone());
        for (input, reply) in inputs.iter().zip(&turn.replies) {
            let wanted = plain.decide(&book, now, input);
            same(&format!("B5 {input:?}"), statuses(reply), wanted)?;
        }
        inputs_seen += inputs.len() as u64;
        // One commit in ten is lost: the view is thrown away, and the group comes again.
        if rng.chance(100) {
            let mut again = stored.load(&inputs);
            let second = shared::machine::turn(&Ledger, &mut again, at, inputs);
            same("B4", &second.writes, &turn.writes)?;
        }
        stored.commit(&turn.writes, view.head);
    }
    stored.check()?;
    Ok(inputs_seen)
}

#[test]
fn the_ledger_agrees_with_a_plain_one() {
    let count = number("SIM_SEEDS").unwrap_or(1_500);
    let seeds = number("SIM_SEED").map_or(0..count, |seed| seed..seed + 1);
    let mut inputs = 0;
    for seed in seeds {
        inputs += run(seed, 24).unwrap_or_else(|what| panic!("SIM_SEED={seed}: {what}"));
    }
    println!("{inputs} inputs");
}

/// Without the reference, whose sums are made anew each time, so that there can be millions.
#[test]
fn millions_of_inputs_leave_a_ledger_that_adds_up() {
    let mut rng = Rng::new(7);
    let mut stored = Stored::default();
    open(&mut stored);
    let (mut next, mut now, mut seen) = (1_000, 1_000u64, 0);
    while seen < 2_000_000 {
        now += rng.below(60);
        let last = next;
        let inputs: Vec<Input> = (0..512).map(|_| draw_input(&mut rng, &mut next, last)).collect();
        let mut view = stored.load(&inputs);
        let turn = turn(&Ledger, &mut view, At { now: Millis(now), draw: 0 }, inputs);
        seen += turn.replies.len();
        stored.commit(&turn.writes, view.head);
    }
    stored.check().unwrap();
    assert!(stored.entries.len() > 500_000, "{}", stored.entries.len());
}
