//! What survives a crash: an object's rows, and the origin's one database.
//!
//! Invariant: a commit is all or nothing; loads are bounded far below production's bounds, so that
//! rows are left out of a view as they would be there.

use crate::broken::{Broken, SimHome, SimRecorder, SimRelay};
use crate::driver::Store;
use crate::links::SimLinks;
use shared::config::Durations;
use shared::links::machine::{self as links, Name, Reply};
use shared::machine::{At, Turn};
use shared::roads::recorder::Waiting;
use shared::roads::{Register, home, recorder, relay};
use shared::time::Millis;
use std::collections::{BTreeMap, BTreeSet};

/// Rows of a home that one wake-up sees.
const WAKE_ROWS: usize = 3;
/// Events that a recorder sees at once, and that fill a delivery.
pub(crate) const WAITING: u64 = 6;
/// Rows that one wake-up of a relay sees.
const DUE: usize = 4;

/// A home's SQLite.
#[derive(Clone, Debug, Default)]
pub(crate) struct HomeStore {
    pub(crate) rows: BTreeMap<(String, String), home::Row>,
    pub(crate) alarm: Option<Millis>,
}

impl Store<SimHome> for HomeStore {
    fn load(&self, keys: &BTreeSet<home::Key>) -> home::View {
        let mut view = home::View::default();
        for key in keys {
            match key {
                home::Key::Row(product, key) => {
                    let name = (product.clone(), key.clone());
                    if let Some(row) = self.rows.get(&name) {
                        view.rows.insert(name, row.clone());
                    }
                }
                home::Key::Due => {
                    let mut due: Vec<_> = self.rows.iter().collect();
                    due.sort_by_key(|(_, row)| row.due);
                    let first = due.into_iter().take(WAKE_ROWS);
                    view.rows.extend(first.map(|(name, row)| (name.clone(), row.clone())));
                }
            }
        }
        let others = self.rows.iter().filter(|(name, _)| !view.rows.contains_key(*name));
        view.others = others.map(|(_, row)| row.due).min();
        view
    }

    fn commit(&mut self, _: At, turn: &Turn<SimHome>) {
        for write in &turn.writes {
            match write {
                home::Write::Put(row) => {
                    let name = (row.register.product.clone(), row.register.key.clone());
                    self.rows.insert(name, row.clone());
                }
                home::Write::Forgotten(product, key) => {
                    self.rows.remove(&(product.clone(), key.clone()));
                }
            }
        }
        self.alarm = turn.deadline.map(|(due, _)| due);
    }
}

/// A recorder's SQLite.
#[derive(Clone, Debug)]
pub(crate) struct RecorderStore {
    pub(crate) meta: recorder::Meta,
    pub(crate) waiting: BTreeMap<u64, Waiting>,
    batches: BTreeMap<(String, u64), Millis>,
    pub(crate) alarm: Option<Millis>,
    pub(crate) broken: Broken,
}

impl RecorderStore {
    pub(crate) fn new(broken: Broken) -> Self {
        let (meta, waiting, batches) = Default::default();
        Self { meta, waiting, batches, alarm: None, broken }
    }
}

impl Store<SimRecorder> for RecorderStore {
    fn load(&self, keys: &BTreeSet<recorder::Key>) -> recorder::View {
        let mut view = recorder::View { meta: self.meta.clone(), ..recorder::View::default() };
        for key in keys {
            match key {
                recorder::Key::Batch(isolate, n) => {
                    let name = (isolate.clone(), *n);
                    if self.batches.contains_key(&name) {
                        view.taken.insert(name);
                    }
                }
                recorder::Key::Waiting(after) => {
                    let mut left = self.waiting.values().filter(|one| one.end() - 1 > *after);
                    let first = left.clone().next().map_or(0, |one| one.first_seq);
                    let loaded = left.by_ref().take_while(|one| one.end() <= first + WAITING);
                    view.waiting.extend(loaded.map(|one| (one.first_seq, one.clone())));
                }
            }
        }
        view
    }

    fn commit(&mut self, _: At, turn: &Turn<SimRecorder>) {
        for write in &turn.writes {
            match write {
                recorder::Write::Taken(isolate, n, at) => {
                    self.batches.insert((isolate.clone(), *n), *at);
                }
                recorder::Write::Numbered(waiting) => {
                    self.waiting.insert(waiting.first_seq, waiting.clone());
                }
                recorder::Write::Acknowledged(through) => {
                    let cuts = self.broken == Broken::RecorderForgetsParts;
                    let last = |one: &Waiting| if cuts { one.first_seq } else { one.end() - 1 };
                    self.waiting.retain(|_, one| last(one) > *through);
                }
                recorder::Write::BatchesForgotten(before) => {
                    self.batches.retain(|_, at| *at >= *before);
                }
                recorder::Write::Meta(meta) => self.meta = meta.clone(),
            }
        }
        self.alarm = turn.deadline.map(|(due, _)| due);
    }
}

/// The origin's database. Its clone is a backup.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    pub(crate) durations: Durations,
    pub(crate) epoch: u32,
    pub(crate) links: BTreeMap<Name, links::Row>,
    pub(crate) outbox: BTreeMap<i64, relay::Row>,
    pub(crate) parked: BTreeMap<i64, (Register, String)>,
    next_outbox: i64,
    /// By idempotency key.
    pub(crate) records: BTreeMap<u64, Reply>,
    /// The keys of the inputs of the turn under way, in order.
    pub(crate) keys: Vec<u64>,
    /// What the last commit decided, for the reference.
    pub(crate) committed: Vec<Reply>,
    /// Codes drawn so far: in the database, so that a restored one draws them again.
    pub(crate) next_code: u64,
    /// By recorder.
    pub(crate) watermarks: BTreeMap<usize, u64>,
    /// How often each event was applied.
    pub(crate) applied: BTreeMap<u64, u32>,
    pub(crate) gaps: u64,
}

impl Database {
    pub(crate) fn new(durations: Durations) -> Self {
        Self {
            durations,
            epoch: 0,
            links: BTreeMap::new(),
            outbox: BTreeMap::new(),
            parked: BTreeMap::new(),
            next_outbox: 1,
            records: BTreeMap::new(),
            keys: Vec::new(),
            committed: Vec::new(),
            next_code: 0,
            watermarks: BTreeMap::new(),
            applied: BTreeMap::new(),
            gaps: 0,
        }
    }

    pub(crate) fn post(&mut self, register: Register, due: Millis) {
        let id = self.next_outbox;
        self.next_outbox += 1;
        self.outbox.insert(id, relay::Row { id, register, attempts: 0, due });
    }

    /// `origin replay`: every row's register goes down once more.
    pub(crate) fn replay(&mut self, now: Millis) {
        let registers: Vec<Register> =
            self.links.values().map(|row| row.register(self.epoch)).collect();
        for register in registers {
            self.post(register, now);
        }
    }
}

impl Store<SimLinks> for Database {
    fn load(&self, keys: &BTreeSet<links::Key>) -> links::View {
        // No request of the simulation names more than a code.
        let names = keys.iter().filter_map(|key| match key {
            links::Key::Code(name) => Some(name),
            links::Key::Like { .. } | links::Key::External { .. } => None,
        });
        let rows = names.filter_map(|name| self.links.get(name));
        let rows = rows.map(|row| (row.name.clone(), row.clone())).collect();
        links::View { rows, epoch: self.epoch }
    }

    fn commit(&mut self, at: At, turn: &Turn<SimLinks>) {
        for write in &turn.writes {
            let (links::Write::Inserted(row) | links::Write::Updated(row)) = write;
            self.links.insert(row.name.clone(), row.clone());
        }
        for register in &turn.posts {
            self.post(register.clone(), at.now.plus(self.durations.relay_grace_ms));
        }
        for (key, reply) in self.keys.clone().into_iter().zip(&turn.replies) {
            if *reply != Reply::CodeInTheWay {
                self.records.insert(key, reply.clone());
            }
        }
        self.committed.clone_from(&turn.replies);
    }
}

impl Store<SimRelay> for Database {
    fn load(&self, keys: &BTreeSet<relay::Key>) -> relay::View {
        let mut view = relay::View::default();
        for key in keys {
            match key {
                relay::Key::Row(id) => {
                    if let Some(row) = self.outbox.get(id) {
                        view.rows.insert(*id, row.clone());
                    }
                }
                relay::Key::Due => {
                    let mut due: Vec<&relay::Row> = self.outbox.values().collect();
                    due.sort_by_key(|row| row.due);
                    let first = due.into_iter().take(DUE);
                    view.rows.extend(first.map(|row| (row.id, row.clone())));
                }
            }
        }
        let others = self.outbox.values().filter(|row| !view.rows.contains_key(&row.id));
        view.others = others.map(|row| row.due).min();
        view
    }

    fn commit(&mut self, _: At, turn: &Turn<SimRelay>) {
        for write in &turn.writes {
            match write {
                relay::Write::Postponed { id, attempts, due } => {
                    if let Some(row) = self.outbox.get_mut(id) {
                        row.attempts = *attempts;
                        row.due = *due;
                    }
                }
                relay::Write::Settled(id) => {
                    self.outbox.remove(id);
                }
                relay::Write::Parked(id, why) => {
                    if let Some(row) = self.outbox.remove(id) {
                        self.parked.insert(*id, (row.register, why.clone()));
                    }
                }
            }
        }
    }
}
