//! Payments against a gateway that loses, doubles, delays and reorders what it says, by seed.
//!
//! The gateway is a model of its own: effects by key, each once. Every point between a step's
//! commit, the call, its answer and the answer's commit may be the one where the process dies.
//! Numbered invariants, beside those of `rows.rs`: Y1 only payments in flight hold anything. Y2
//! captured ≤ authorized, refunds ≤ captured. Y3 a key has one order and one effect. Y4 in the
//! calm a gateway keeps of each payment exactly what the payment says, and owes nobody. Y5 what
//! comes late or twice changes nothing. Y6 a payment's events are numbered without a gap, each
//! follows from the last, and the last says what the payment is. Y7 of what a fraud rule holds
//! against, nothing is made that is blocked, and nothing is captured before it is approved. Y8 what
//! a gateway gives back or takes again unasked is booked once: a refund that comes back after it
//! had succeeded, one made at the gateway itself, a payout that returns. Y9 what is settled lies in
//! the account of what is at our disposal, less what went back.

mod checks;

use crate::gateway::{BACK, Model};
use crate::number;
use crate::rng::Rng;
use crate::rows::{Stored, same};
use shared::machine::{At, Machine, turn};
use shared::money::Currency;
use shared::payments::account::{Kind, Limits};
use shared::payments::chain::Head;
use shared::payments::fraud::publish::{self, Named};
use shared::payments::fraud::{Facts, Screen};
use shared::payments::gateway::{Happened, Report};
use shared::payments::ledger::{Actor, Input, Ledger, Opening, Reply, View};
use shared::payments::payment::{self, Ask, Books, Fee, Party, Payment};
use shared::payments::wire::{account_id, parse, payment_id};
use shared::time::Millis;
use std::collections::BTreeSet;
use std::sync::Arc;

const BOOKS: Books = Books { receivable: 1, settled: 2, fees: 3, owed: 4 };
/// Wallets, which may not be overdrawn, and cash, which may.
const WALLETS: std::ops::Range<u64> = 5..9;
const CASH: u64 = 9;

struct World {
    rng: Rng,
    stored: Stored,
    gateway: Model,
    now: u64,
    next: u64,
    commits: u64,
    /// Payments that were held against rules.
    screened: BTreeSet<u64>,
}

/// From here a screened payment is reviewed …
const REVIEWED: i64 = 400;
/// … and from here blocked.
const BLOCKED: i64 = 900;

fn rules() -> Vec<Named> {
    let rule = |amount: i64, then: &str| {
        let when = format!(r#"{{"amount":{{"at_least":{amount},"currency":"EUR"}}}}"#);
        let text = format!(r#"{{"when":{when},"then":"{then}"}}"#);
        let rule = publish::rule(text.as_bytes()).unwrap();
        let (created_at, updated_at) = (Millis(1), Millis(1));
        Named { name: then.into(), rule, version: 1, created_at, updated_at }
    };
    vec![rule(BLOCKED, "block"), rule(REVIEWED, "review")]
}

fn actor() -> Actor {
    Actor { app: "app_1".into(), by: "service:k".into(), request: "req_1".into() }
}

impl World {
    fn new(seed: u64) -> Self {
        let rng = Rng::new(seed);
        let stored = Stored::default();
        let (gateway, screened) = (Model::default(), BTreeSet::new());
        let mut world =
            Self { rng, stored, gateway, now: 1_000, next: 1_000, commits: 0, screened };
        for id in 1..=CASH {
            let kind = match id {
                4 => Kind::Liability,
                3 => Kind::Expense,
                _ if WALLETS.contains(&id) => Kind::Liability,
                _ => Kind::Asset,
            };
            let strict = WALLETS.contains(&id) && id != WALLETS.start;
            let limits = Limits { no_debit_beyond_credit: strict, ..Limits::default() };
            let name = account_id(id);
            let opening = Opening { id, name, currency: Currency::EUR, kind, limits };
            let at = At { now: Millis(1), draw: 0 };
            let step = Ledger.decide(&View::default(), at, Input::Open(actor(), opening));
            world.stored.commit(&step.writes, Head::default());
        }
        world
    }

    fn id(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Decides and commits; some commits are lost, and nothing of them remains.
    fn submit(&mut self, payment: u64, ask: Ask) -> Option<Reply> {
        let ids = [self.id(), self.id(), self.id(), self.id()];
        let by = Actor { by: "test".into(), ..actor() };
        let input = Input::Pay(by, payment::Input { payment, ids, ask });
        self.now += self.rng.below(20);
        let mut view = self.stored.load(std::slice::from_ref(&input));
        let at = At { now: Millis(self.now), draw: 0 };
        let mut turn = turn(&Ledger, &mut view, at, [input]);
        if self.rng.chance(50) {
            return None;
        }
        self.stored.commit(&turn.writes, view.head);
        self.commits += 1;
        turn.replies.pop()
    }

    fn create(&mut self) {
        let wallet = |rng: &mut Rng| Party::Account(rng.range(WALLETS.start, WALLETS.end - 1));
        let card = || Party::Gateway { gateway: "simulator".into(), token: "tok".into() };
        let (source, destination) = match self.rng.below(6) {
            0 => (wallet(&mut self.rng), Party::Account(CASH)),
            1 => (wallet(&mut self.rng), card()),
            2 => (Party::Account(CASH), wallet(&mut self.rng)),
            _ => (card(), wallet(&mut self.rng)),
        };
        let amount = self.rng.range(50, 1_000) as i64;
        let is_payout = matches!(destination, Party::Gateway { .. });
        let by_gateway = is_payout || matches!(source, Party::Gateway { .. });
        let takes_fee = destination != Party::Account(CASH) && !is_payout;
        let fee = (takes_fee && self.rng.chance(300)).then_some(Fee { amount: 20, account: CASH });
        let fee = fee.filter(|_| source != Party::Account(CASH));
        let text = serde_json::json!({
            "amount": amount, "currency": "EUR", "source": account_id(1),
            "destination": account_id(2),
        });
        let blank = payment::request::payment(text.to_string().as_bytes()).unwrap();
        let payment = Payment {
            id: self.id(),
            app: "app_1".into(),
            source,
            destination,
            books: by_gateway.then_some(BOOKS),
            manual: self.rng.chance(500),
            fee,
            ..blank
        };
        if self.rng.chance(700) {
            self.submit(payment.id, Ask::Create(Box::new(payment)));
            return;
        }
        let screen =
            Screen { app: "app_1".into(), rules: Arc::new(rules()), facts: Facts::of(&payment) };
        self.screened.insert(payment.id);
        self.submit(payment.id, Ask::Screened(Box::new(payment), Box::new(screen)));
    }

    fn any(&mut self) -> Option<u64> {
        let count = self.stored.payments.len() as u64;
        let n = self.rng.below(count.max(1));
        self.stored.payments.keys().nth(n as usize).copied()
    }

    fn amount(&mut self) -> Option<i64> {
        self.rng.chance(600).then(|| self.rng.range(1, 700) as i64)
    }

    /// The relay takes an order up, and dies somewhere on the way, or does not.
    fn carry(&mut self, calm: bool) {
        let count = self.stored.orders.len() as u64;
        let n = self.rng.below(count.max(1));
        let Some((_, order)) = self.stored.orders.values().nth(n as usize).cloned() else {
            return;
        };
        // 0: before the call. 1: the call is made, its answer is lost. 2: the answer's commit is.
        let point = if calm { 9 } else { self.rng.below(5) };
        if point == 0 {
            return;
        }
        let report = self.gateway.send(&mut self.rng, &order);
        if point == 1 {
            return;
        }
        self.hear(report.clone());
        if point == 2 {
            // It was committed, and the process died before it knew.
            self.hear(report);
        }
    }

    /// Whether it was committed. What was done unasked may have to wait for what was asked before:
    /// it is parked, and said again.
    fn hear(&mut self, report: Report) -> bool {
        let id = parse("pay", &report.reference).unwrap();
        let is_unasked = report.key.is_none() && report.happened == Happened::Refunded;
        match self.submit(id, Ask::Report(report)) {
            None => false,
            Some(Reply::Refused(_)) => !is_unasked,
            Some(_) => true,
        }
    }

    /// Somebody gives money back at the gateway itself.
    fn outside(&mut self) {
        let Some(one) = self.any().and_then(|id| self.stored.payments.get(&id)) else { return };
        let (Some(subject), Some(_)) = (&one.subject, one.books) else { return };
        if one.captured == 0 || one.is_payout() {
            return;
        }
        let of = Report {
            reference: payment_id(one.id),
            key: None,
            subject: subject.clone(),
            part: None,
            happened: Happened::Pending,
            amount: 0,
            currency: Currency::EUR,
            fee: None,
        };
        self.gateway.outside(&mut self.rng, &of);
    }

    /// The gateway says something of what it has to say; some of it stays and is said again.
    fn listen(&mut self, calm: bool) {
        if self.gateway.says.is_empty() {
            return;
        }
        let n = self.rng.below(self.gateway.says.len() as u64) as usize;
        let report = self.gateway.says[n].clone();
        // It says it until it is told that it was heard.
        if self.hear(report) && (calm || self.rng.chance(700)) {
            self.gateway.says.swap_remove(n);
        }
    }

    fn step(&mut self) {
        match self.rng.below(12) {
            0 | 1 => self.create(),
            2 => {
                let (id, amount) = (self.any(), self.amount());
                id.map(|id| self.submit(id, Ask::Capture(amount)));
            }
            3 => {
                if self.rng.chance(400) {
                    self.any().map(|id| self.submit(id, Ask::Cancel));
                }
            }
            4 => {
                let (id, amount) = (self.any(), self.amount());
                id.map(|id| self.submit(id, Ask::Refund(amount, None)));
            }
            5 => {
                let (id, approved) = (self.any(), self.rng.chance(600));
                id.map(|id| self.submit(id, Ask::Review(approved, None)));
            }
            6..=8 => self.carry(false),
            9 => {
                if self.rng.chance(300) {
                    self.outside();
                }
            }
            _ => self.listen(false),
        }
    }
}

/// One life; how many commits it had.
fn run(seed: u64, steps: u64) -> Result<u64, String> {
    let mut world = World::new(seed);
    for n in 0..steps {
        world.step();
        if n % 16 == 0 {
            world.check_each()?;
        }
    }
    for _ in 0..200_000 {
        if world.stored.orders.is_empty() && world.gateway.says.is_empty() {
            break;
        }
        world.carry(true);
        world.listen(true);
    }
    // Y5: all of it once more.
    let before = (world.stored.payments.clone(), world.stored.entries.len());
    let told = |report: &Report| report.part.as_deref() != Some(BACK);
    for report in world.gateway.effects.clone().into_values().filter(told) {
        world.hear(report);
    }
    for (now, then) in world.stored.payments.values().zip(before.0.values()) {
        same("Y5", now, then)?;
    }
    same("Y5", world.stored.entries.len(), before.1)?;
    world.check_each()?;
    world.check_events()?;
    world.check_calm()?;
    world.stored.check()?;
    Ok(world.commits)
}

fn seeds(count: u64, steps: u64) {
    let count = number("SIM_SEEDS").unwrap_or(count);
    let seeds = number("SIM_SEED").map_or(0..count, |seed| seed..seed + 1);
    let mut commits = 0;
    for seed in seeds {
        commits += run(seed, steps).unwrap_or_else(|what| panic!("SIM_SEED={seed}: {what}"));
    }
    println!("{commits} commits");
}

#[test]
fn p5_p7_p23_payments_agree_with_the_gateway_whatever_is_lost_doubled_or_late() {
    seeds(1_500, 250);
}

/// Millions of commits: `cargo test -p shared --test sim millions_of_payments -- --ignored`.
#[test]
#[ignore = "takes minutes; SIM_SEEDS scales it"]
fn millions_of_payments() {
    seeds(20_000, 300);
}
