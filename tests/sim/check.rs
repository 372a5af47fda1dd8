//! The numbered invariants, and what must be remembered to check them.
//!
//! S1  a register's stamp never goes back, neither at its home nor in its copy
//! S2  two writes of one copy are `copy_gap_ms` apart by the home's clock, and not under way
//!     together unless the first has timed out
//! S3  after an acknowledged creation no reader gets "absent"
//! S4  a code has one owner for ever, and one idempotency key one effect
//! S5  what was acknowledged or read was committed so, and the database is what the reference is
//! S6  an event is applied at most once, and only if it happened
//! S7  what a recorder acknowledged is applied exactly once in the end
//! S8  in the end the outbox is empty, and the copy and the home are the database
//! S9  what is parked is what homes refuse, all of it, and nothing waits behind it
//! S10 the same as S8 after a wipe of the edge or a restore of the origin, and a replay
//! S11 while rows wait at an object, its alarm is set
//! S12 a home forgets a row only when the copy is the register
//!
//! Invariant: it looks at commits, acknowledgements and answers, never at a machine's thoughts.

use crate::homes::Name;
use crate::links::{Reference, Verdict};
use crate::stores::RecorderStore;
use crate::world::World;
use shared::config::Durations;
use shared::links::machine::{self as links, Input, Reply};
use shared::links::wire;
use shared::roads::{Answer, Batch, Event, Stamp, copy_key, encode_copy};
use shared::time::Millis;
use std::collections::{BTreeMap, BTreeSet};

/// An invariant that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) invariant: &'static str,
    pub(crate) what: String,
}

impl Violation {
    pub(crate) fn new(invariant: &'static str, what: String) -> Self {
        Self { invariant, what }
    }
}

/// What was seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Checker {
    violation: Option<Violation>,
    reference: Reference,
    /// What each version of each code was, when it was committed.
    log: BTreeMap<(String, u64), Verdict>,
    /// Since a restore the edge may hold what the origin has forgotten.
    restored: bool,
    /// Effects by idempotency key.
    effects: BTreeMap<u64, u32>,
    /// When the creation of a code was acknowledged, and of which link.
    created: BTreeMap<String, (u64, u64)>,
    acknowledged: Vec<(links::Name, u64, Verdict)>,
    /// The newest stamp at a home.
    stamps: BTreeMap<Name, Stamp>,
    /// The last write of each copy: when it began, whether it was answered.
    puts: BTreeMap<Name, (Millis, bool)>,
    pub(crate) junk: usize,
    happened: u64,
    recorded: BTreeSet<u64>,
    lost: usize,
}

impl Checker {
    pub(crate) fn fail(&mut self, violation: Violation) {
        self.violation.get_or_insert(violation);
    }

    pub(crate) fn take(&mut self) -> Result<(), Violation> {
        self.violation.take().map_or(Ok(()), Err)
    }

    pub(crate) fn put(&mut self, name: &Name, clock: Millis, sent_at: Millis, d: &Durations) {
        if let Some((last, answered)) = self.puts.insert(name.clone(), (sent_at, false)) {
            let apart = if answered { d.copy_gap_ms } else { d.copy_timeout_ms };
            if clock < last.plus(apart) {
                let what = format!("{name:?} written at {clock:?} after {last:?}, {answered}");
                self.fail(Violation::new("S2", what));
            }
        }
    }

    pub(crate) fn put_answered(&mut self, name: &Name, sent_at: Millis) {
        if let Some((last, answered)) = self.puts.get_mut(name)
            && *last == sent_at
        {
            *answered = true;
        }
    }

    /// A commit at the origin, in order.
    pub(crate) fn committed(&mut self, key: u64, input: &Input, reply: &Reply) {
        let (wanted, found) = (self.reference.commit(input), Verdict::of(reply));
        if wanted != found {
            let what = format!("{input:?} led to {found:?}, the reference says {wanted:?}");
            self.fail(Violation::new("S4", what));
        }
        let (Input::Create { name, .. } | Input::Change { name, .. }) = input;
        if let Verdict::Stands(_, _, version) | Verdict::Deleted(version) = found {
            let code = wire::register_key(name.domain, &name.code);
            self.log.insert((code, version), found);
            let effects = self.effects.entry(key).or_insert(0);
            *effects += 1;
            if *effects > 1 {
                let what = format!("request {key} had {effects} effects");
                self.fail(Violation::new("S4", what));
            }
        }
    }

    /// A client was answered.
    pub(crate) fn acknowledged(&mut self, now: u64, reply: &Reply) {
        let verdict = Verdict::of(reply);
        match reply {
            Reply::Created(row, register) => {
                let (id, at) = *self.created.entry(register.key.clone()).or_insert((row.id, now));
                if id != row.id {
                    let what = format!("{} was created at {at} for {id} and again", register.key);
                    self.fail(Violation::new("S4", what));
                }
                self.acknowledged.push((row.name.clone(), row.version, verdict));
            }
            Reply::Changed(row, _) => {
                self.acknowledged.push((row.name.clone(), row.version, verdict));
            }
            _ => {}
        }
    }

    pub(crate) fn read(&mut self, name: &Name, began: u64, answer: &Answer) {
        let created = self.created.get(&name.1);
        if *answer == Answer::Absent
            && let Some((id, at)) = created.filter(|(_, at)| *at < began)
        {
            let what = format!("{name:?} ({id}) created at {at} is absent for who asks at {began}");
            self.fail(Violation::new("S3", what));
        }
        if let Answer::Register(register) = answer
            && !self.restored
        {
            let committed = self.log.get(&(name.1.clone(), register.stamp.version));
            if !committed.is_some_and(|verdict| verdict.is(register)) {
                let what = format!("{register:?} was read, {committed:?} was committed");
                self.fail(Violation::new("S5", what));
            }
        }
    }

    pub(crate) fn happen(&mut self) -> u64 {
        self.happened += 1;
        self.happened
    }

    pub(crate) fn happened(&self, number: u64) -> bool {
        (1..=self.happened).contains(&number)
    }

    pub(crate) fn recorded(&mut self, batch: &Batch) {
        let events: Vec<Event> = serde_json::from_str(&format!("[{}]", batch.events.text()))
            .expect("the events of a batch are JSON");
        self.recorded.extend(events.iter().filter_map(|event| event.body.parse::<u64>().ok()));
    }

    pub(crate) fn recorder(&mut self, recorder: usize, store: &RecorderStore) {
        if !store.waiting.is_empty() && store.alarm.is_none() {
            let what = format!("recorder {recorder}: {} batches wait", store.waiting.len());
            self.fail(Violation::new("S11", what));
        }
    }

    pub(crate) fn edge_wiped(&mut self) {
        self.stamps.clear();
        self.puts.clear();
    }

    /// The origin is as it was when `before` was taken; the edge and the recorders are not.
    pub(crate) fn restored(&mut self, before: &Self, lost: &BTreeSet<u64>) {
        self.reference = before.reference.clone();
        self.log.clone_from(&before.log);
        self.effects.clone_from(&before.effects);
        self.created.clone_from(&before.created);
        self.acknowledged.clone_from(&before.acknowledged);
        self.junk = before.junk;
        self.recorded.retain(|event| !lost.contains(event));
        self.lost = lost.len();
        self.restored = true;
    }
}

impl World {
    /// After a turn of a home; `before`: the rows that it had.
    pub(crate) fn check_home(&mut self, home: usize, before: &[Name]) {
        let store = &self.homes[home].store;
        for (name, row) in &store.rows {
            let newest = self.check.stamps.entry(name.clone()).or_insert(row.register.stamp);
            if row.register.stamp < *newest {
                let what = format!("{name:?} went from {newest:?} to {:?}", row.register.stamp);
                self.check.violation.get_or_insert(Violation::new("S1", what));
            }
            *newest = row.register.stamp;
        }
        if !store.rows.is_empty() && store.alarm.is_none() {
            let what = format!("home {home}: {} rows", store.rows.len());
            self.check.fail(Violation::new("S11", what));
        }
        for name in before.iter().filter(|name| !store.rows.contains_key(*name)) {
            let copy = self.kv.stamp(&copy_key(&name.0, &name.1));
            if copy != self.check.stamps.get(name).copied() {
                let what = format!("{name:?} was forgotten while the copy was {copy:?}");
                self.check.violation.get_or_insert(Violation::new("S12", what));
            }
        }
    }

    /// The world is at rest.
    pub(crate) fn check_rest(&mut self, label: &'static str) -> Result<(), Violation> {
        self.check_database()?;
        self.check_events()?;
        if self.database.parked.len() != self.check.junk {
            let what = format!("{} parked of {}", self.database.parked.len(), self.check.junk);
            return Err(Violation::new("S9", what));
        }
        for (register, why) in self.database.parked.values() {
            if register.refusal().as_ref() != Some(why) {
                return Err(Violation::new("S9", format!("parked: {register:?}")));
            }
        }
        for row in self.database.links.values() {
            let register = row.register(self.database.epoch);
            let name = (register.product.clone(), register.key.clone());
            let key = copy_key(&name.0, &name.1);
            let wanted = encode_copy(register.stamp, register.value.as_deref());
            let copy = self.kv.now(&key);
            if copy != Some(wanted.as_str()) {
                let what = format!("the copy of {key} is {copy:?}, should be {wanted:?}");
                return Err(Violation::new(label, what));
            }
            let mut rows = self.homes.iter().filter_map(|home| home.store.rows.get(&name));
            if let Some(row) = rows.find(|row| row.register != register) {
                return Err(Violation::new(label, format!("{row:?} should be {register:?}")));
            }
        }
        self.check_served(label)
    }

    fn check_database(&self) -> Result<(), Violation> {
        let rows = self.database.links.values().map(|row| {
            let (url, version) = (row.long_url.clone(), row.version);
            (row.name.clone(), (row.id, row.app.clone(), url, version, row.deleted_at.is_some()))
        });
        let plain = self.check.reference.links.iter().map(|(name, link)| {
            let (url, version) = (link.url.clone(), link.version);
            (name.clone(), (link.id, link.app.clone(), url, version, link.deleted))
        });
        if rows.collect::<Vec<_>>() != plain.collect::<Vec<_>>() {
            return Err(Violation::new("S5", "the database is not the reference".into()));
        }
        for (name, version, verdict) in &self.check.acknowledged {
            let key = wire::register_key(name.domain, &name.code);
            let committed = self.check.log.get(&(key, *version));
            if committed != Some(verdict) || !self.database.links.contains_key(name) {
                let what = format!("{name:?}: {verdict:?} was acknowledged, not {committed:?}");
                return Err(Violation::new("S5", what));
            }
        }
        Ok(())
    }

    fn check_events(&self) -> Result<(), Violation> {
        let applied = &self.database.applied;
        let missing = self.check.recorded.iter().find(|event| applied.get(event) != Some(&1));
        if let Some(event) = missing {
            return Err(Violation::new("S7", format!("event {event} was recorded, not applied")));
        }
        let gaps = self.database.gaps;
        if gaps > u64::try_from(self.check.lost).unwrap_or(0) {
            let what = format!("{gaps} numbers never came, {} were lost", self.check.lost);
            return Err(Violation::new("S7", what));
        }
        Ok(())
    }
}
