//! Sagas of payouts, by seed: replicas that die anywhere, calls that are lost before or after they
//! have happened, leases that end while their step still runs, news from outside in any order.
//!
//! Numbered invariants: G1 what runs was logged as begun in a commit before. G3 what the
//! bank has paid is never given back, and what is given back the bank never pays. G4 once calls
//! arrive again every saga ends: paid and posted, or refused and voided. A broken driver, which
//! takes a lost call for a failure, must be found out.

use crate::number;
use crate::rng::Rng;
use shared::machine::{At, Machine, turn};
use shared::payments::payout::{PLAN, RELEASE, SEND, SETTLE};
use shared::saga::{Input, Key, Outcome, Run, Saga, Sagas, Status, View, Write};
use shared::time::Millis;
use std::collections::{BTreeMap, BTreeSet};

const SAGAS: u64 = 6;
const LEASE_MS: u64 = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hold {
    Pending,
    Posted,
    Voided,
}

/// What the bank makes of an order that it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Paid,
    Refused,
    /// It decides then, to pay or not.
    Later(Millis, bool),
}

struct World {
    rng: Rng,
    now: Millis,
    machine: Sagas,
    sagas: BTreeMap<u64, Saga>,
    begun: BTreeMap<(u64, &'static str), u64>,
    run: BTreeMap<(u64, &'static str), u64>,
    holds: BTreeMap<u64, Hold>,
    /// By the payout's own name: the bank does not do again what it knows.
    orders: BTreeMap<u64, Order>,
    /// Steps that replicas run at this moment.
    under_way: Vec<Run>,
    stormy: bool,
    /// Takes a lost call for a failure.
    broken: bool,
}

impl World {
    fn new(seed: u64, broken: bool) -> Self {
        let machine =
            Sagas { plans: &[PLAN], lease_ms: LEASE_MS, backoff_ms: 10, backoff_max_ms: 80 };
        let sagas = (1..=SAGAS).map(|id| (id, Saga::begun(id, &PLAN, 1, Millis(0)))).collect();
        Self {
            rng: Rng::new(seed),
            now: Millis(0),
            machine,
            sagas,
            begun: BTreeMap::new(),
            run: BTreeMap::new(),
            holds: (1..=SAGAS).map(|id| (id, Hold::Pending)).collect(),
            orders: BTreeMap::new(),
            under_way: vec![],
            stormy: true,
            broken,
        }
    }

    /// One transaction of some replica, which may die before its commit or right after it.
    fn commit(&mut self, input: Input) {
        let mut keys = BTreeSet::new();
        self.machine.reads(&input, &mut keys);
        let mut view = View::default();
        for (id, saga) in &self.sagas {
            let due = saga.due.is_some_and(|due| due <= self.now);
            if keys.contains(&Key::Saga(*id)) || keys.contains(&Key::Due) && due {
                view.sagas.insert(*id, saga.clone());
            }
        }
        let at = At { now: self.now, draw: self.rng.draw() };
        let turn = turn(&self.machine, &mut view, at, [input]);
        if self.stormy && self.rng.chance(80) {
            return;
        }
        for write in turn.writes {
            match write {
                Write::Saved(saga) => {
                    self.sagas.insert(saga.id, saga);
                }
                Write::Logged(line) if line.what == "begun" => {
                    *self.begun.entry((line.saga, line.name)).or_default() += 1;
                }
                Write::Logged(_) => {}
            }
        }
        if self.stormy && self.rng.chance(80) {
            return;
        }
        self.under_way.extend(turn.tells);
    }

    fn decided(&mut self, id: u64) -> Option<Order> {
        let now = self.now;
        let order = self.orders.get_mut(&id)?;
        if let Order::Later(at, pays) = *order
            && at <= now
        {
            *order = if pays { Order::Paid } else { Order::Refused };
        }
        Some(*order)
    }

    fn said(order: Order) -> Outcome {
        match order {
            Order::Paid => Outcome::Done,
            Order::Refused => Outcome::Failed("refused".into()),
            Order::Later(..) => Outcome::Waits,
        }
    }

    /// The step's effect, and what the replica hears of it.
    fn execute(&mut self, run: &Run) -> Result<Outcome, String> {
        let (id, name) = (run.id, run.name);
        let ran = self.run.entry((id, name)).or_default();
        *ran += 1;
        if *ran > self.begun.get(&(id, name)).copied().unwrap_or(0) {
            return Err(format!("G1: {name} of {id} ran before it was logged"));
        }
        let lost = |world: &mut Self| world.stormy && world.rng.chance(200);
        let again = || Outcome::Again("lost".into());
        match name {
            SEND => {
                if lost(self) {
                    return Ok(again());
                }
                if self.decided(id).is_none() {
                    let pays = self.rng.chance(600);
                    let order = match self.rng.below(3) {
                        0 => Order::Later(self.now.plus(self.rng.range(1, 400)), pays),
                        _ if pays => Order::Paid,
                        _ => Order::Refused,
                    };
                    self.orders.insert(id, order);
                }
                let order = self.decided(id).unwrap();
                Ok(if lost(self) { again() } else { Self::said(order) })
            }
            SETTLE | RELEASE => {
                if lost(self) {
                    return Ok(again());
                }
                let wanted = if name == SETTLE { Hold::Posted } else { Hold::Voided };
                let hold = self.holds.get_mut(&id).unwrap();
                if *hold == Hold::Pending {
                    *hold = wanted;
                }
                let ended = if *hold == wanted {
                    Outcome::Done
                } else {
                    Outcome::Failed(format!("the hold is {hold:?}"))
                };
                Ok(if lost(self) { again() } else { ended })
            }
            other => Err(format!("nobody knows the step {other}")),
        }
    }

    fn happens(&mut self) -> Result<(), String> {
        self.now = self.now.plus(self.rng.range(0, 30));
        match self.rng.below(10) {
            0..4 => self.commit(Input::Wake),
            4..8 if !self.under_way.is_empty() => {
                let n = self.rng.below(self.under_way.len() as u64) as usize;
                let run = self.under_way.swap_remove(n);
                let mut outcome = self.execute(&run)?;
                if let (true, Outcome::Again(why)) = (self.broken, &outcome) {
                    outcome = Outcome::Failed(why.clone());
                }
                // The replica may die with what it has heard.
                if !(self.stormy && self.rng.chance(100)) {
                    self.commit(Input::Ended { id: run.id, lease: run.lease, outcome });
                }
            }
            8 => {
                let id = self.rng.range(1, SAGAS);
                if let Some(order) = self.decided(id) {
                    let outcome = Self::said(order);
                    if outcome != Outcome::Waits {
                        self.commit(Input::News { id, name: SEND, outcome });
                    }
                }
            }
            _ if self.stormy && self.rng.chance(50) => self.under_way.clear(),
            _ => {}
        }
        self.check()
    }

    fn check(&mut self) -> Result<(), String> {
        for id in 1..=SAGAS {
            let may_pay = matches!(self.decided(id), Some(Order::Paid | Order::Later(_, true)));
            if may_pay && self.holds[&id] == Hold::Voided {
                return Err(format!("G3: {id} is paid and given back"));
            }
            if self.holds[&id] == Hold::Posted && self.decided(id) != Some(Order::Paid) {
                return Err(format!("G3: {id} is posted and was not paid"));
            }
        }
        Ok(())
    }

    fn ended(&mut self) -> Result<(), String> {
        for (id, saga) in self.sagas.clone() {
            let known = (saga.status, self.holds[&id], self.decided(id));
            match known {
                (Status::Done, Hold::Posted, Some(Order::Paid))
                | (Status::Compensated, Hold::Voided, Some(Order::Refused)) => {}
                other => return Err(format!("G4: {id} ended as {other:?}")),
            }
        }
        Ok(())
    }
}

fn run(seed: u64, broken: bool) -> Result<(), String> {
    let mut world = World::new(seed, broken);
    for _ in 0..400 {
        world.happens()?;
    }
    world.stormy = false;
    for _ in 0..4_000 {
        world.happens()?;
        if world.sagas.values().all(|saga| saga.status.is_over()) {
            break;
        }
    }
    world.ended()
}

#[test]
fn p9_money_that_is_reserved_is_paid_out_once_or_given_back_and_never_both() {
    if let Some(seed) = number("SIM_SEED") {
        run(seed, false).unwrap();
        return;
    }
    for seed in 0..number("SIM_SEEDS").unwrap_or(2_000) {
        if let Err(why) = run(seed, false) {
            panic!("{why}\nagain: SIM_SEED={seed} cargo nextest run -p shared --test sim sagas");
        }
    }
}

#[test]
fn p9_a_broken_driver_that_guesses_is_found_out() {
    let is_seen = |seed| run(seed, true).is_err_and(|why| why.starts_with("G3"));
    assert!((0..50).any(is_seen), "a guess went unseen");
}
