//! The object `home/{product}/{n}`: a home of registers.
//!
//! Stored: the table `register`, a row per register that changed lately; the table `spent`, a count
//! per key whose clicks are bounded, for ever (`tables.rs`).
//! Ordering: a register's stamp never goes back; the copy in KV follows it and is written by this
//! object alone (`shared::roads::home`, H1–H4).
//! Messages: `Apply` (registers, from the edge or the origin), `Ask` (what is known of a key),
//! `Spend` (one bounded click, one statement, durable before it is answered), `Pull` (an object
//! that the bucket lacks, `home/pull.rs`), the alarm (copies
//! that are due, rows to forget).
//! Atomic because: load, turn and commit are one synchronous call of [`Shell::turn`]; whatever was
//! read from KV or the origin before is held against the rows inside that call. Only this object
//! may say "absent", because every creation passes through it before it is acknowledged.

mod pull;
mod tables;

use crate::log;
use crate::objects::{self, Apply, Ask, Letter, Message, Pull, Spend};
use crate::origin;
use crate::platform::storage::Storage;
use crate::platform::{Thrown, workers_kv};
use crate::settings::Settings;
use crate::shell::{Done, Shell};
use futures_channel::oneshot;
use futures_util::future::join_all;
use shared::machine::Machine;
use shared::roads::home::{self, Copy, Input};
use shared::roads::{
    Answer, Outcome, Register, Stamp, copy_key, copy_ttl_s, decode_copy, encode_copy,
};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use tables::Name;
use worker::{DurableObject, Env, Request, Response, State, durable_object};

/// Absences in memory: 512 × ~150 bytes × 256 homes in one isolate stay below 20 MiB.
const ABSENT_MAX: usize = 512;
/// After an alarm whose turn failed.
const AGAIN_MS: u64 = 1_000;

/// Waits for an answer.
type Asker = oneshot::Sender<Result<Answer, Thrown>>;

/// A home.
#[durable_object(alarm)]
pub struct Home {
    inner: Rc<Inner>,
}

struct Inner {
    state: State,
    env: Env,
    opened: Result<(Rc<Settings>, Shell<home::Home>), Thrown>,
    /// Keys of which the origin knew nothing, until one is applied.
    absent: RefCell<BTreeSet<Name>>,
    /// Who waits for what is being found out. All of them are requests of this very object, which
    /// is one I/O context; in a static this would poll one request from another.
    asking: RefCell<BTreeMap<Name, Vec<Asker>>>,
    /// Who waits for an object that is on its way into the bucket; as above.
    pulling: RefCell<pull::Pulling>,
}

impl DurableObject for Home {
    fn new(state: State, env: Env) -> Self {
        let opened = Settings::of(&env).and_then(|settings| {
            let machine = home::Home { durations: settings.durations.clone() };
            Ok((settings, Shell::open(machine, Storage::of(&state))?))
        });
        let (absent, asking, pulling) = Default::default();
        Self { inner: Rc::new(Inner { state, env, opened, absent, asking, pulling }) }
    }

    async fn fetch(&self, request: Request) -> worker::Result<Response> {
        let reply = match Letter::open(request).await {
            Ok(letter) => match letter.path() {
                Apply::PATH => letter.handle(async |message| self.inner.apply(message).await).await,
                Ask::PATH => letter.handle(async |message| self.inner.ask(message).await).await,
                Spend::PATH => letter.handle(async |message| self.inner.spend(&message)).await,
                Pull::PATH => letter.handle(async |message| self.inner.pull(message).await).await,
                path => Err(Thrown(format!("a home has no method {path}"))),
            },
            Err(why) => Err(why),
        };
        objects::response(&self.inner.name(), reply)
    }

    async fn alarm(&self) -> worker::Result<Response> {
        if let Err(why) = self.inner.wake().await {
            log::fault(&self.inner.name(), "alarm", &why);
            if let Err(why) = self.inner.shell().and_then(|shell| shell.ring_again(AGAIN_MS)) {
                return Err(worker::Error::RustError(why.0));
            }
        }
        Response::empty()
    }
}

impl Inner {
    fn name(&self) -> String {
        self.state.id().name().unwrap_or_default()
    }

    fn shell(&self) -> Result<&Shell<home::Home>, Thrown> {
        self.opened.as_ref().map(|(_, shell)| shell).map_err(Clone::clone)
    }

    async fn apply(self: &Rc<Self>, Apply(registers): Apply) -> Result<Vec<Outcome>, Thrown> {
        let copies = self.copies(&registers).await?;
        let names: Vec<Name> =
            registers.iter().map(|one| (one.product.clone(), one.key.clone())).collect();
        let inputs = registers.into_iter().map(|register| {
            let copy = copies.get(&copy_key(&register.product, &register.key)).copied();
            Input::Apply { register, copy }
        });
        let Done { tells, replies } = self.shell()?.turn(inputs.collect())?;
        for name in &names {
            self.absent.borrow_mut().remove(name);
        }
        self.copy_soon(tells);
        Ok(replies.into_iter().flatten().collect())
    }

    /// The stamps that the copies hold of the registers that have no row. A row may be forgotten
    /// while copies are read, so what has none is looked for again until every copy was read.
    async fn copies(&self, registers: &[Register]) -> Result<BTreeMap<String, Stamp>, Thrown> {
        let well_formed = registers.iter().filter(|register| register.refusal().is_none());
        let names: Vec<Name> =
            well_formed.map(|one| (one.product.clone(), one.key.clone())).collect();
        let mut copies: BTreeMap<String, Option<Stamp>> = BTreeMap::new();
        loop {
            let rows = tables::named(&self.shell()?.storage, &names)?;
            let unknown: BTreeSet<String> = names
                .iter()
                .filter(|name| !rows.contains_key(*name))
                .map(|(product, key)| copy_key(product, key))
                .filter(|key| !copies.contains_key(key))
                .collect();
            if unknown.is_empty() {
                let known = |(key, stamp): (String, Option<Stamp>)| Some((key, stamp?));
                return Ok(copies.into_iter().filter_map(known).collect());
            }
            let found = workers_kv::read_many(&self.env, &Vec::from_iter(unknown.clone())).await?;
            copies.extend(unknown.into_iter().map(|key| (key, None)));
            copies.extend(found.into_iter().map(|(key, text)| {
                let stamp = text.as_deref().and_then(decode_copy).map(|(stamp, _)| stamp);
                (key, stamp)
            }));
        }
    }

    fn spend(&self, spend: &Spend) -> Result<bool, Thrown> {
        tables::spend(&self.shell()?.storage, (&spend.product, &spend.key), spend.max)
    }

    async fn ask(self: &Rc<Self>, ask: Ask) -> Result<Answer, Thrown> {
        let name = (ask.product, ask.key);
        if let Some(answer) = self.known(&name)? {
            return Ok(answer);
        }
        let (sender, receiver) = oneshot::channel();
        let first = {
            let mut asking = self.asking.borrow_mut();
            let waiting = asking.entry(name.clone()).or_default();
            waiting.push(sender);
            waiting.len() == 1
        };
        if first {
            // Its own task: whoever asked first may go away, those behind it still wait.
            let inner = Rc::clone(self);
            self.state.wait_until(async move {
                let answer = inner.find_out(&name, &ask.request_id).await;
                let waiting = inner.asking.borrow_mut().remove(&name).unwrap_or_default();
                for one in waiting {
                    // Who does not wait any more needs no answer.
                    let _ = one.send(answer.clone());
                }
            });
        }
        receiver.await.unwrap_or_else(|_| Err(Thrown("the question was dropped".into())))
    }

    /// From the row or the remembered absence.
    fn known(&self, name: &Name) -> Result<Option<Answer>, Thrown> {
        let mut rows = tables::named(&self.shell()?.storage, std::slice::from_ref(name))?;
        if let Some(row) = rows.remove(name) {
            return Ok(Some(Answer::Register(row.register)));
        }
        Ok(self.absent.borrow().contains(name).then_some(Answer::Absent))
    }

    /// From the copy, else from the origin; a row that came meanwhile is newer than either.
    async fn find_out(self: &Rc<Self>, name: &Name, request_id: &str) -> Result<Answer, Thrown> {
        let (product, key) = (name.0.as_str(), name.1.as_str());
        let copy =
            workers_kv::read(&self.env, &copy_key(product, key), workers_kv::WINDOW_S_MIN).await;
        if let Some(answer) = self.known(name)? {
            return Ok(answer);
        }
        if let Ok(Some(text)) = &copy
            && let Some((stamp, value)) = decode_copy(text)
        {
            let value = value.map(str::to_string);
            return Ok(Answer::Register(Register {
                product: product.into(),
                key: key.into(),
                stamp,
                value,
            }));
        }
        let (settings, shell) = self.opened.as_ref().map_err(Clone::clone)?;
        let learned = match origin::register(settings, (product, key), request_id).await {
            Ok(learned) => learned,
            Err(why) => return self.known(name)?.ok_or(why),
        };
        match learned {
            Answer::Register(register) => {
                let done = shell.turn(vec![Input::Learned(register.clone())])?;
                self.copy_soon(done.tells);
                Ok(self.known(name)?.unwrap_or(Answer::Register(register)))
            }
            Answer::Absent => Ok(self.known(name)?.unwrap_or_else(|| {
                self.remember_absence(name);
                Answer::Absent
            })),
        }
    }

    fn remember_absence(&self, name: &Name) {
        let mut absent = self.absent.borrow_mut();
        while absent.len() >= ABSENT_MAX {
            absent.pop_first();
        }
        absent.insert(name.clone());
    }

    async fn wake(self: &Rc<Self>) -> Result<(), Thrown> {
        let shell = self.shell()?;
        shell.rang();
        let done = shell.turn(vec![Input::Wake])?;
        self.copy(done.tells).await
    }

    fn copy_soon(self: &Rc<Self>, tells: Vec<<home::Home as Machine>::Tell>) {
        if tells.is_empty() {
            return;
        }
        let inner = Rc::clone(self);
        self.state.wait_until(async move {
            if let Err(why) = inner.copy(tells).await {
                log::fault(&inner.name(), "copy", why);
            }
        });
    }

    /// Writes copies until none is due; what fails is mended by the alarm.
    async fn copy(&self, mut tells: Vec<Copy>) -> Result<(), Thrown> {
        while !tells.is_empty() {
            let written = join_all(tells.iter().map(|copy| self.write(copy))).await;
            let inputs: Vec<Input> = written.into_iter().flatten().collect();
            tells = self.shell()?.turn(inputs)?.tells;
        }
        Ok(())
    }

    async fn write(&self, Copy(register, sent_at): &Copy) -> Option<Input> {
        let Register { product, key, stamp, value } = register;
        let text = encode_copy(*stamp, value.as_deref());
        let ttl_s = copy_ttl_s(value.as_deref());
        match workers_kv::write(&self.env, &copy_key(product, key), &text, ttl_s).await {
            Ok(()) => {
                let name = (product.clone(), key.clone());
                Some(Input::Copied { name, stamp: *stamp, sent_at: *sent_at })
            }
            Err(why) => {
                log::fault(&self.name(), "copy", why);
                None
            }
        }
    }
}
