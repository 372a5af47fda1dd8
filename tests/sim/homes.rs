//! Homes as the edge runs them: an inbox, rows, an alarm, absences and questions in memory.
//!
//! Invariant: an absence is forgotten before a register of its key is committed; what the origin
//! says of a key is held against the rows at the moment when it comes.

use crate::broken::Broken;
use crate::check::Violation;
use crate::driver::{Clock, Done, STEP_MS_MAX, drive};
use crate::stores::HomeStore;
use crate::world::{Event, HOMES, World};
use shared::roads::home::{Copy, Input};
use shared::roads::{Answer, Outcome, Register, Stamp, copy_key, decode_copy, encode_copy, fnv1a};
use shared::time::Millis;
use std::collections::{BTreeMap, BTreeSet};

/// (product, key).
pub(crate) type Name = (String, String);

/// To whom a home answers.
#[derive(Clone, Debug)]
pub(crate) enum Return {
    Request { request: u64, attempt: u32 },
    Relay { replica: usize, incarnation: u64, call: u64, ids: Vec<i64> },
    Learned(Register),
    Alarm,
    Put,
}

/// Registers that came to a home, and what it read of their copies.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    registers: Vec<Register>,
    /// `None`: not read.
    found: Vec<Option<Option<Stamp>>>,
    back: Return,
}

impl Call {
    pub(crate) fn new(registers: Vec<Register>, back: Return) -> Self {
        Self { found: vec![None; registers.len()], registers, back }
    }
}

/// What waits for a home's next turn.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    Call(Call),
    Input(Input, Return),
}

/// One home.
pub(crate) struct HomeNode {
    pub(crate) store: HomeStore,
    pub(crate) clock: Clock,
    incarnation: u64,
    absent: BTreeSet<Name>,
    asking: BTreeMap<Name, (u64, Vec<u64>)>,
    inbox: Vec<Entry>,
    turning: bool,
    token: u64,
    armed: Option<Millis>,
}

impl HomeNode {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            store: HomeStore::default(),
            clock,
            incarnation: 1,
            absent: BTreeSet::new(),
            asking: BTreeMap::new(),
            inbox: Vec::new(),
            turning: false,
            token: 1,
            armed: None,
        }
    }

    fn forget(&mut self) {
        self.incarnation += 1;
        self.absent.clear();
        self.asking.clear();
        self.inbox.clear();
        self.turning = false;
        self.armed = None;
    }

    fn known(&self, name: &Name) -> Option<Answer> {
        let row = self.store.rows.get(name);
        let row = row.map(|row| Answer::Register(row.register.clone()));
        row.or_else(|| self.absent.contains(name).then_some(Answer::Absent))
    }
}

pub(crate) fn home_of(key: &str) -> usize {
    usize::try_from(fnv1a(key.as_bytes()) % HOMES as u64).unwrap_or(0)
}

fn name_of(register: &Register) -> Name {
    (register.product.clone(), register.key.clone())
}

impl World {
    /// Registers arrive; the copies of those without a row are read first, which takes time.
    pub(crate) fn home_call(&mut self, home: usize, mut call: Call) {
        if self.rng.chance(self.rates.put / 4) {
            return;
        }
        for (register, found) in call.registers.iter().zip(&mut call.found) {
            if !self.homes[home].store.rows.contains_key(&name_of(register)) {
                let key = copy_key(&register.product, &register.key);
                let copy = self.kv.read(self.now, &key, &mut self.rng);
                *found = Some(copy.and_then(|text| Some(decode_copy(text)?.0)));
            }
        }
        let incarnation = self.homes[home].incarnation;
        let late = if self.rng.chance(self.rates.late) { 80 } else { 6 };
        let wait = self.rng.below(late);
        self.after(wait, Event::HomeReady { home, incarnation, call });
    }

    pub(crate) fn home_enter(&mut self, home: usize, incarnation: u64, entry: Entry) {
        if self.homes[home].incarnation != incarnation {
            return;
        }
        self.homes[home].inbox.push(entry);
        if !self.homes[home].turning {
            self.homes[home].turning = true;
            let wait = self.rng.below(4);
            self.after(wait, Event::HomeTurn { home });
        }
    }

    /// What may be decided now; a call whose row was forgotten while it read goes back to read.
    fn home_inputs(&mut self, home: usize) -> Vec<(Vec<Input>, Return)> {
        let mut groups = Vec::new();
        for entry in std::mem::take(&mut self.homes[home].inbox) {
            let call = match entry {
                Entry::Call(call) => call,
                Entry::Input(input, back) => {
                    groups.push((vec![input], back));
                    continue;
                }
            };
            let rows = &self.homes[home].store.rows;
            let mut together = call.registers.iter().zip(&call.found);
            let unread = together
                .any(|(register, found)| found.is_none() && !rows.contains_key(&name_of(register)));
            if unread && self.broken != Broken::HomeLooksOnce {
                self.home_call(home, call);
                continue;
            }
            let together = call.registers.into_iter().zip(call.found);
            let inputs = together
                .map(|(register, copy)| Input::Apply { register, copy: copy.flatten() })
                .collect();
            groups.push((inputs, call.back));
        }
        groups
    }

    /// One turn over all that has come.
    pub(crate) fn home_turn(&mut self, home: usize) {
        self.homes[home].turning = false;
        let groups = self.home_inputs(home);
        if groups.is_empty() {
            return;
        }
        let inputs: Vec<Input> = groups.iter().flat_map(|(inputs, _)| inputs.clone()).collect();
        if self.broken != Broken::HomeKeepsAbsences {
            for input in &inputs {
                if let Input::Apply { register, .. } | Input::Learned(register) = input {
                    self.homes[home].absent.remove(&name_of(register));
                }
            }
        }
        let (fault, at) = (self.fault(), self.at(self.homes[home].clock));
        let before: Vec<Name> = self.homes[home].store.rows.keys().cloned().collect();
        let node = &mut self.homes[home];
        let done = drive(&self.home, &mut node.store, at, inputs, fault);
        self.check_home(home, &before);
        self.home_done(home, groups, done);
    }

    fn home_done(
        &mut self,
        home: usize,
        groups: Vec<(Vec<Input>, Return)>,
        done: Done<crate::broken::SimHome>,
    ) {
        for Copy(register, sent_at) in done.tells {
            self.put(home, &register, sent_at);
        }
        if done.crashed {
            return self.crash_home(home);
        }
        let alarmed = groups.iter().any(|(_, back)| matches!(back, Return::Alarm));
        match done.replies {
            Some(replies) => {
                let mut replies = replies.into_iter();
                for (inputs, back) in groups {
                    let outcomes = replies.by_ref().take(inputs.len()).flatten().collect();
                    self.home_reply(home, back, outcomes);
                }
            }
            // The platform calls an alarm again that failed.
            None if alarmed => self.after(10, Event::HomeAlarm { home, token: 0 }),
            None => {}
        }
        self.arm_home(home);
    }

    fn home_reply(&mut self, home: usize, back: Return, outcomes: Vec<Outcome>) {
        match back {
            Return::Request { .. } | Return::Relay { .. } => {
                self.send(Event::HomeReturn { back, outcomes });
            }
            Return::Learned(register) => {
                let name = name_of(&register);
                let answer = self.homes[home].known(&name).unwrap_or(Answer::Register(register));
                self.tell_readers(home, &name, &answer);
            }
            Return::Alarm | Return::Put => {}
        }
    }

    pub(crate) fn home_return(&mut self, back: Return, outcomes: Vec<Outcome>) {
        match back {
            Return::Request { request, attempt } => {
                let applied = matches!(outcomes.as_slice(), [Outcome::Applied] | [Outcome::Stale]);
                if applied {
                    self.acknowledge(request, attempt);
                }
            }
            Return::Relay { replica, incarnation, call, ids } => {
                let rows = ids.into_iter().zip(outcomes).collect();
                self.send(Event::RelayAnswered { replica, incarnation, call, rows });
            }
            _ => {}
        }
    }

    /// Begins a write of a copy: it lands or not, its answer comes or not, in time or late.
    fn put(&mut self, home: usize, register: &Register, sent_at: Millis) {
        let clock = self.homes[home].clock.read(self.now);
        let name = name_of(register);
        self.check.put(&name, clock, sent_at, &self.durations);
        let key = copy_key(&register.product, &register.key);
        let text = encode_copy(register.stamp, register.value.as_deref());
        let bad = self.rng.chance(self.rates.put);
        let kind = if bad { self.rng.below(4) } else { 4 };
        let slow = self.durations.copy_timeout_ms - 2 * STEP_MS_MAX;
        let lands = if bad { self.rng.range(1, slow) } else { self.rng.range(1, 10) };
        if kind != 0 {
            self.after(lands, Event::PutLands { key, text });
        }
        // 0: fails; 1: fails and yet persists; 2 and 3: the answer is late, perhaps too late.
        if kind >= 2 {
            let wait = if kind == 4 { self.rng.range(0, 5) } else { self.rng.range(0, 200) };
            let (incarnation, stamp) = (self.homes[home].incarnation, register.stamp);
            let answer = Event::PutAnswered { home, incarnation, name, stamp, sent_at };
            self.after(lands + wait, answer);
        }
    }

    pub(crate) fn put_lands(&mut self, key: &str, text: String) {
        let landed = decode_copy(&text).map(|(stamp, _)| stamp);
        if self.kv.stamp(key) > landed {
            let what = format!("the copy of {key} went back to {landed:?}");
            self.check.fail(Violation::new("S1", what));
        }
        self.kv.land(self.now, key, text);
    }

    pub(crate) fn put_answered(
        &mut self,
        home: usize,
        incarnation: u64,
        name: Name,
        (stamp, sent_at): (Stamp, Millis),
    ) {
        self.check.put_answered(&name, sent_at);
        let input = Input::Copied { name, stamp, sent_at };
        self.home_enter(home, incarnation, Entry::Input(input, Return::Put));
    }

    /// The row, the copy, the remembered absence, else the origin; one question for all who ask.
    pub(crate) fn home_asked(&mut self, home: usize, read: u64) {
        let Some(name) = self.reads.get(&read).map(|read| read.name.clone()) else { return };
        if let Some(answer) = self.homes[home].known(&name) {
            return self.send(Event::ReadTold { read, answer });
        }
        let key = copy_key(&name.0, &name.1);
        let copy = self.kv.read(self.now, &key, &mut self.rng);
        if let Some((stamp, value)) = copy.and_then(decode_copy) {
            let (product, key) = name;
            let value = value.map(Into::into);
            let answer = Answer::Register(Register { product, key, stamp, value });
            return self.send(Event::ReadTold { read, answer });
        }
        let question = self.number();
        let incarnation = self.homes[home].incarnation;
        let asking = &mut self.homes[home].asking;
        let waiting = asking.entry(name.clone()).or_insert((question, Vec::new()));
        waiting.1.push(read);
        if waiting.0 == question {
            let late = self.durations.origin_timeout_ms;
            self.after(late, Event::AskLate { home, incarnation, name: name.clone(), question });
            self.send(Event::OriginAsked { home, incarnation, name });
        }
    }

    pub(crate) fn origin_told(&mut self, home: usize, inc: u64, name: Name, answer: Answer) {
        let node = &self.homes[home];
        if node.incarnation != inc || !node.asking.contains_key(&name) {
            return;
        }
        match (node.known(&name), answer) {
            (Some(known), _) => self.tell_readers(home, &name, &known),
            (None, Answer::Register(register)) => {
                let input = Input::Learned(register.clone());
                self.home_enter(home, inc, Entry::Input(input, Return::Learned(register)));
            }
            (None, Answer::Absent) => {
                self.homes[home].absent.insert(name.clone());
                self.tell_readers(home, &name, &Answer::Absent);
            }
        }
    }

    fn tell_readers(&mut self, home: usize, name: &Name, answer: &Answer) {
        let Some((_, readers)) = self.homes[home].asking.remove(name) else { return };
        for read in readers {
            self.send(Event::ReadTold { read, answer: answer.clone() });
        }
    }

    pub(crate) fn ask_late(&mut self, home: usize, incarnation: u64, name: &Name, question: u64) {
        let node = &mut self.homes[home];
        let same = node.asking.get(name).is_some_and(|(number, _)| *number == question);
        if node.incarnation == incarnation && same {
            node.asking.remove(name);
        }
    }

    pub(crate) fn crash_home(&mut self, home: usize) {
        self.homes[home].forget();
        self.arm_home(home);
    }

    /// The platform's alarm follows the stored one: early, late or twice.
    fn arm_home(&mut self, home: usize) {
        let node = &mut self.homes[home];
        if node.armed == node.store.alarm {
            return;
        }
        node.armed = node.store.alarm;
        node.token += 1;
        let Some(due) = node.store.alarm else { return };
        let (token, wait) = (node.token, node.clock.until(self.now, due));
        let late = if self.rng.chance(self.rates.wake) { self.rng.below(60) } else { 0 };
        self.after(wait + late, Event::HomeAlarm { home, token });
        if self.rng.chance(self.rates.wake) {
            let early = self.rng.below(wait + 1);
            self.after(early, Event::HomeAlarm { home, token: 0 });
        }
    }

    /// Token 0 is an alarm that nobody set; any other counts once.
    pub(crate) fn home_alarm(&mut self, home: usize, token: u64) {
        let node = &mut self.homes[home];
        if token == node.token {
            node.armed = None;
            node.token += 1;
        } else if token != 0 {
            return;
        }
        let incarnation = node.incarnation;
        self.home_enter(home, incarnation, Entry::Input(Input::Wake, Return::Alarm));
    }

    /// Every home's rows, every copy and all memory are gone.
    pub(crate) fn wipe_edge(&mut self) {
        for home in 0..HOMES {
            self.homes[home].store = HomeStore::default();
            self.crash_home(home);
        }
        self.kv.wipe();
        self.check.edge_wiped();
    }
}
