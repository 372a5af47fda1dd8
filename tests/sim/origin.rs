//! The origin: requests in one transaction each turn, questions of homes, and the relay.
//!
//! Invariant: the effect, its outbox rows and its answer under the idempotency key are in one
//! commit; a relay keeps nothing but its calls in memory, and loses them without harm.

use crate::broken::Broken;
use crate::check::Violation;
use crate::driver::{Clock, drive};
use crate::edge::{Operation, sim_draft};
use crate::homes::{Name, Return, home_of};
use crate::world::{Event, World};
use shared::links::machine::{self as links, Reply};
use shared::links::wire;
use shared::roads::{Answer, Outcome, Register, relay};
use std::collections::{BTreeMap, BTreeSet};

/// How often a relay looks when nothing wakes it.
const POLL_MS: u64 = 40;

/// One replica's relay.
pub(crate) struct Replica {
    pub(crate) clock: Clock,
    incarnation: u64,
    token: u64,
    calls: BTreeMap<u64, BTreeSet<i64>>,
}

impl Replica {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, incarnation: 1, token: 0, calls: BTreeMap::new() }
    }
}

impl World {
    /// A request arrives; the next turn takes all that have.
    pub(crate) fn asked(&mut self, request: u64, attempt: u32) {
        self.inbox.push((request, attempt));
        if self.inbox.len() == 1 {
            let wait = self.rng.below(4);
            self.after(wait, Event::OriginTurn);
        }
    }

    pub(crate) fn origin_turn(&mut self) {
        let mut asked: Vec<(u64, u32)> = Vec::new();
        let mut inputs = Vec::new();
        let (mut keys, mut again) = (Vec::new(), Vec::new());
        for (request, attempt) in std::mem::take(&mut self.inbox) {
            let record = self.database.records.get(&request).cloned();
            match record.filter(|_| self.broken != Broken::OriginForgetsKeys) {
                Some(reply) => {
                    self.send(Event::Answered { request, attempt, reply: Box::new(reply) });
                }
                // Another copy of it holds the key's lock in this very transaction.
                None if keys.contains(&request) => again.push((request, attempt)),
                None => {
                    inputs.push(self.input(request));
                    keys.push(request);
                    asked.push((request, attempt));
                }
            }
        }
        if !inputs.is_empty() {
            again.extend(self.origin_commit(asked, keys, inputs));
        }
        again.into_iter().for_each(|(request, attempt)| self.asked(request, attempt));
    }

    /// One transaction; returns those for whom another code must be drawn.
    fn origin_commit(
        &mut self,
        asked: Vec<(u64, u32)>,
        keys: Vec<u64>,
        inputs: Vec<links::Input>,
    ) -> Vec<(u64, u32)> {
        let (fault, at) = (self.fault(), self.at(self.replicas[0].clock));
        self.database.keys.clone_from(&keys);
        let done = drive(&self.links, &mut self.database, at, inputs.clone(), fault);
        let committed = std::mem::take(&mut self.database.committed);
        for ((input, reply), key) in inputs.iter().zip(&committed).zip(keys) {
            self.check.committed(key, input, reply);
        }
        let mut again = Vec::new();
        for ((request, attempt), reply) in asked.into_iter().zip(done.replies.unwrap_or_default()) {
            if reply == Reply::CodeInTheWay {
                again.push((request, attempt));
            } else {
                self.send(Event::Answered { request, attempt, reply: Box::new(reply) });
            }
        }
        again
    }

    fn input(&mut self, request: u64) -> links::Input {
        let id = self.number();
        let operation = self.requests.get(&request).map(|request| request.operation.clone());
        match operation {
            Some(Operation::Create { alias, app, url }) => {
                let code = alias.clone().unwrap_or_else(|| {
                    self.database.next_code += 1;
                    format!("c{:03}", self.database.next_code)
                });
                let name = links::Name { domain: wire::DEFAULT_DOMAIN, code };
                let draft = sim_draft(alias, url);
                links::Input::Create { id, name, app, creator: None, draft }
            }
            Some(Operation::Change { name, app, if_match, change }) => {
                links::Input::Change { name, app, if_match, change }
            }
            None => unreachable!("a request was asked that nobody made"),
        }
    }

    /// A home asks what the truth knows of a register.
    pub(crate) fn origin_asked(&mut self, home: usize, incarnation: u64, name: Name) {
        let row = self.database.links.values().find(|row| {
            let register = row.register(self.database.epoch);
            register.product == name.0 && register.key == name.1
        });
        let answer = match row {
            Some(row) => Answer::Register(row.register(self.database.epoch)),
            None => Answer::Absent,
        };
        self.send(Event::OriginTold { home, incarnation, name, answer });
    }

    /// A restore from a backup; what the edge holds must be beaten by what is replayed.
    pub(crate) fn restore(&mut self, backup: &crate::Backup) {
        let epoch = self.database.epoch + u32::from(self.broken != Broken::RestoreKeepsEpoch);
        let lost = self.database.applied.keys().copied();
        let lost = lost.filter(|event| !backup.database.applied.contains_key(event)).collect();
        self.check.restored(&backup.check, &lost);
        self.database = backup.database.clone();
        self.database.epoch = epoch;
        self.replay();
    }

    pub(crate) fn replay(&mut self) {
        let now = self.replicas[0].clock.read(self.now);
        self.database.replay(now);
    }

    pub(crate) fn wake_replica(&mut self, replica: usize, ms: u64) {
        self.replicas[replica].token += 1;
        let token = self.replicas[replica].token;
        self.after(ms, Event::RelayWake { replica, token });
    }

    /// Token 0 is a wake-up that nobody asked for; of the others the last counts.
    pub(crate) fn relay_wake(&mut self, replica: usize, token: u64) {
        if token != 0 && token != self.replicas[replica].token {
            return;
        }
        let wait = self.relay_turn(replica, relay::Input::Wake);
        if token != 0 {
            let late = if self.rng.chance(self.rates.wake) { self.rng.below(100) } else { 0 };
            self.wake_replica(replica, wait.clamp(1, POLL_MS) + late);
            if self.rng.chance(self.rates.wake) {
                self.after(1, Event::RelayWake { replica, token: 0 });
            }
        }
    }

    /// Returns when to look again.
    fn relay_turn(&mut self, replica: usize, input: relay::Input) -> u64 {
        let clock = self.replicas[replica].clock;
        let (fault, at) = (self.fault(), self.at(clock));
        let mut inputs = vec![input];
        if self.rng.chance(300) {
            inputs.push(relay::Input::Wake);
        }
        let done = drive(&self.relay, &mut self.database, at, inputs, fault);
        for relay::Send(rows) in done.tells {
            self.relay_send(replica, rows);
        }
        if done.crashed {
            self.crash_replica(replica);
        }
        match done.alarm {
            Some(Some(due)) => clock.until(self.now, due),
            _ => POLL_MS,
        }
    }

    /// One call to the edge, which hands each home its part.
    fn relay_send(&mut self, replica: usize, rows: Vec<(i64, Register)>) {
        let call = self.number();
        let incarnation = self.replicas[replica].incarnation;
        let ids = rows.iter().map(|(id, _)| *id).collect();
        self.replicas[replica].calls.insert(call, ids);
        let late = self.durations.road_timeout_ms;
        self.after(late, Event::RelayLate { replica, incarnation, call });
        let mut parts: BTreeMap<usize, (Vec<i64>, Vec<Register>)> = BTreeMap::new();
        for (id, register) in rows {
            let part = parts.entry(home_of(&register.key)).or_default();
            part.0.push(id);
            part.1.push(register);
        }
        for (home, (ids, registers)) in parts {
            let back = Return::Relay { replica, incarnation, call, ids };
            self.send(Event::HomeCall { home, registers, back });
        }
    }

    pub(crate) fn relay_answered(
        &mut self,
        replica: usize,
        incarnation: u64,
        call: u64,
        rows: Vec<(i64, Outcome)>,
    ) {
        let node = &mut self.replicas[replica];
        if node.incarnation != incarnation {
            return;
        }
        if let Some(waiting) = node.calls.get_mut(&call) {
            rows.iter().for_each(|(id, _)| {
                waiting.remove(id);
            });
        }
        for (id, outcome) in &rows {
            let junk = self.database.outbox.get(id).map(|row| row.register.refusal().is_some());
            let refused = matches!(outcome, Outcome::Refused { .. });
            if junk.is_some_and(|junk| junk != refused) {
                let what = format!("row {id} was answered {outcome:?}");
                self.check.fail(Violation::new("S9", what));
            }
        }
        self.relay_turn(replica, relay::Input::Answered(rows));
    }

    pub(crate) fn relay_late(&mut self, replica: usize, incarnation: u64, call: u64) {
        let node = &mut self.replicas[replica];
        if node.incarnation != incarnation {
            return;
        }
        let failed: Vec<i64> = node.calls.remove(&call).unwrap_or_default().into_iter().collect();
        if !failed.is_empty() {
            self.relay_turn(replica, relay::Input::Failed(failed));
        }
    }

    pub(crate) fn crash_replica(&mut self, replica: usize) {
        let node = &mut self.replicas[replica];
        node.incarnation += 1;
        node.calls.clear();
        self.wake_replica(replica, 10);
    }
}
