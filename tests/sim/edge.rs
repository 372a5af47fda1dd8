//! Requests and readers at the edge.
//!
//! Invariant: an answer's projections are applied through their homes before it is passed on; a
//! reader asks the copy, then the home, then (the home does) the origin.

use crate::broken::Broken;
use crate::check::Violation;
use crate::homes::{Name, Return, home_of};
use crate::world::{Event, World};
use shared::links::machine::{self as links, Change, Reply};
use shared::links::request::{Draft, Patch};
use shared::links::wire;
use shared::roads::{Answer, KEY_BYTES_MAX, Register, Stamp, copy_key, decode_copy};

/// What a client wants.
#[derive(Clone, Debug)]
pub(crate) enum Operation {
    Create { alias: Option<String>, app: String, url: String },
    Change { name: links::Name, app: String, if_match: Option<String>, change: Change },
}

/// A request under way; its number is its idempotency key.
pub(crate) struct Request {
    pub(crate) operation: Operation,
    attempt: u32,
    /// After so many a client gives up.
    attempts_max: u32,
    reply: Option<Reply>,
    acknowledged: bool,
}

/// A reader under way.
pub(crate) struct Read {
    pub(crate) name: Name,
    began: u64,
    pub(crate) answer: Option<Answer>,
    last: bool,
}

pub(crate) fn sim_draft(alias: Option<String>, long_url: String) -> Draft {
    Draft {
        long_url,
        alias,
        expires_at: None,
        redirect: 302,
        title: None,
        tags: Vec::new(),
        rules: Vec::new(),
        max_clicks: None,
        fallback_url: None,
        external_id: None,
        password: None,
        reuse: false,
    }
}

/// The register's name of a code.
pub(crate) fn register_name(code: &str) -> Name {
    (wire::PRODUCT.into(), wire::register_key(wire::DEFAULT_DOMAIN, code))
}

impl World {
    /// Clients come until the storm is over.
    pub(crate) fn operate(&mut self) {
        if !self.stormy {
            return;
        }
        match self.rng.below(20) {
            0 => self.junk(),
            1..10 => {
                let code = self.code();
                self.begin_read(&code, false);
            }
            _ => self.begin_request(),
        }
        let wait = self.rng.range(1, 25);
        self.after(wait, Event::Operate);
    }

    /// Aliases that clients fight for; some stand where a code will be drawn.
    fn code(&mut self) -> String {
        let n = self.rng.below(12);
        if self.rng.chance(400) { format!("c{n:03}") } else { format!("alias-{n}") }
    }

    fn begin_request(&mut self) {
        let number = self.number();
        let app = format!("app_{}", self.rng.below(2));
        let url = format!("https://example.com/{number}");
        let code = self.code();
        let name = links::Name { domain: wire::DEFAULT_DOMAIN, code: code.clone() };
        let version = self.rng.range(1, 3);
        let if_match = self.rng.chance(300).then(|| format!("\"{version}\""));
        let operation = match self.rng.below(10) {
            0..3 => Operation::Create { alias: None, app, url },
            3..6 => Operation::Create { alias: Some(code), app, url },
            6..9 => {
                let patch = Patch { long_url: Some(url), ..Patch::default() };
                Operation::Change { name, app, if_match, change: Change::Patch(patch) }
            }
            _ => Operation::Change { name, app, if_match, change: Change::Delete },
        };
        let attempts_max = if self.rng.chance(200) { 1 } else { 30 };
        let request =
            Request { operation, attempt: 0, attempts_max, reply: None, acknowledged: false };
        self.requests.insert(number, request);
        self.attempt(number);
    }

    fn attempt(&mut self, number: u64) {
        let Some(request) = self.requests.get_mut(&number) else { return };
        request.attempt += 1;
        let attempt = request.attempt;
        let late = self.durations.origin_timeout_ms;
        self.after(late, Event::RequestLate { request: number, attempt });
        self.send(Event::Asked { request: number, attempt });
    }

    pub(crate) fn request_late(&mut self, number: u64, attempt: u32) {
        let Some(request) = self.requests.get(&number) else { return };
        let waits = !request.acknowledged && request.attempt == attempt;
        if waits && request.attempt < request.attempts_max {
            self.attempt(number);
        }
    }

    /// The origin's envelope: its projections first, then the answer.
    pub(crate) fn answered(&mut self, number: u64, attempt: u32, reply: &Reply) {
        let Some(request) = self.requests.get_mut(&number) else { return };
        if request.attempt != attempt {
            return;
        }
        request.reply = Some(reply.clone());
        let (Reply::Created(_, register) | Reply::Changed(_, register) | Reply::Deleted(register)) =
            reply
        else {
            request.acknowledged = true;
            return;
        };
        let back = Return::Request { request: number, attempt };
        let (home, registers) = (home_of(&register.key), vec![register.clone()]);
        self.send(Event::HomeCall { home, registers, back });
        if self.broken == Broken::EdgeAcknowledgesEarly {
            self.acknowledge(number, attempt);
        }
    }

    /// The client has its answer.
    pub(crate) fn acknowledge(&mut self, number: u64, attempt: u32) {
        let Some(request) = self.requests.get_mut(&number) else { return };
        if request.attempt != attempt || request.acknowledged {
            return;
        }
        request.acknowledged = true;
        if let Some(reply) = &request.reply {
            self.check.acknowledged(self.now, reply);
        }
    }

    /// A row that no home will ever take.
    fn junk(&mut self) {
        let number = self.number();
        let stamp = Stamp { epoch: self.database.epoch, version: 1 };
        let (product, key) = match self.rng.below(3) {
            0 => ("Links".into(), format!("0/junk-{number}")),
            1 => ("links".into(), String::new()),
            _ => ("links".into(), "x".repeat(KEY_BYTES_MAX + 1)),
        };
        let now = self.replicas[0].clock.read(self.now);
        self.database.post(Register { product, key, stamp, value: None }, now);
        self.check.junk += 1;
    }

    /// A reader somewhere: the copy, as old as it may look there, else the home.
    fn begin_read(&mut self, code: &str, last: bool) {
        let name = register_name(code);
        let number = self.number();
        let read = Read { name: name.clone(), began: self.now, answer: None, last };
        self.reads.insert(number, read);
        let copy = self.kv.read(self.now, &copy_key(&name.0, &name.1), &mut self.rng);
        let fails = self.rng.chance(self.rates.put / 4);
        match copy.and_then(decode_copy).filter(|_| !fails) {
            Some((stamp, value)) => {
                let value = value.map(Into::into);
                let register =
                    Register { product: name.0.clone(), key: name.1.clone(), stamp, value };
                self.read_told(number, &Answer::Register(register));
            }
            None => {
                let home = home_of(&name.1);
                self.send(Event::HomeAsked { home, read: number });
            }
        }
    }

    pub(crate) fn read_told(&mut self, number: u64, answer: &Answer) {
        let Some(read) = self.reads.get_mut(&number) else { return };
        read.answer = Some(answer.clone());
        self.check.read(&read.name, read.began, answer);
        if !read.last {
            self.reads.remove(&number);
        }
    }

    /// Once the world is at rest: every code that there is, and some that there are not.
    pub(crate) fn read_everything(&mut self) {
        self.reads.clear();
        let mut codes: Vec<String> =
            self.database.links.keys().map(|name| name.code.clone()).collect();
        codes.push("never-made".into());
        for code in codes {
            self.begin_read(&code, true);
        }
    }

    /// What [`World::read_everything`] saw is what the database holds.
    pub(crate) fn check_served(&mut self, label: &'static str) -> Result<(), Violation> {
        for read in std::mem::take(&mut self.reads).into_values() {
            let truth = self.database.links.values().map(|row| row.register(self.database.epoch));
            let truth = truth.into_iter().find(|register| register.key == read.name.1);
            let wanted = Some(truth.map_or(Answer::Absent, Answer::Register));
            if read.answer != wanted {
                let what = format!("served {:?}, the database holds {wanted:?}", read.answer);
                return Err(Violation::new(label, what));
            }
        }
        Ok(())
    }
}
