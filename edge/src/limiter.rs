//! The object of one key: `{app}/{policy}/{hash of the key}`, its meter and nothing else.
//!
//! Stored: `meter` (one row: the meter as text, with what it covers ahead).
//! Ordering: a question is decided in memory; it is written down before its answer leaves whenever
//! the last write does not cover it (`shared::limits::meter`).
//! Messages: `Check`, `Settle`, `Refund`, `Except`, the alarm (write exactly, or forget).
//! Atomic because: deciding and writing are one synchronous function; a write that fails throws the
//! memory away, and what was stored covers all that was answered.

use crate::log;
use crate::objects::{self, Check, Except, Letter, Message, Refund, Settle};
use crate::platform::storage::{Alarm, Storage};
use crate::platform::{Thrown, clock, entropy};
use serde_json::json;
use shared::limits::meter::{Meter, Rest};
use shared::machine::At;
use shared::time::Millis;
use std::cell::Cell;
use worker::{DurableObject, Env, Request, Response, State, durable_object};

/// After an alarm that failed.
const AGAIN_MS: u64 = 1_000;

/// A key.
#[durable_object(alarm)]
pub struct Limiter {
    state: State,
    storage: Storage,
    /// Read at the first message; nothing after a write that failed.
    meter: Cell<Option<Meter>>,
    /// When the alarm rings, as far as it was set since the object woke up.
    alarm: Cell<Option<Millis>>,
}

impl DurableObject for Limiter {
    fn new(state: State, _env: Env) -> Self {
        let storage = Storage::of(&state);
        Self { state, storage, meter: Cell::new(None), alarm: Cell::new(None) }
    }

    async fn fetch(&self, request: Request) -> worker::Result<Response> {
        let reply = match Letter::open(request).await {
            Ok(letter) => self.open(letter).await,
            Err(why) => Err(why),
        };
        objects::response(&self.name(), reply)
    }

    async fn alarm(&self) -> worker::Result<Response> {
        self.alarm.set(None);
        if let Err(why) = self.rest() {
            log::fault(&self.name(), "alarm", &why);
            let again = Alarm::Set(Some(clock::now().plus(AGAIN_MS)));
            self.storage.commit(&[], again).map_err(|why| worker::Error::RustError(why.0))?;
        }
        Response::empty()
    }
}

impl Limiter {
    fn name(&self) -> String {
        self.state.id().name().unwrap_or_default()
    }

    async fn open(&self, letter: Letter) -> Result<String, Thrown> {
        match letter.path() {
            Check::PATH => {
                letter.handle(async |Check(ask)| self.turn(|meter, at| meter.ask(at, &ask))).await
            }
            Settle::PATH => {
                letter
                    .handle(async |Settle(close)| self.turn(|meter, at| meter.close(at.now, close)))
                    .await
            }
            Refund::PATH => {
                letter
                    .handle(async |Refund(spent)| {
                        self.turn(|meter, at| meter.refund(at.now, spent))
                    })
                    .await
            }
            Except::PATH => {
                letter
                    .handle(async |Except(exception)| {
                        self.turn(|meter, at| meter.except(at.now, exception))
                    })
                    .await
            }
            path => Err(Thrown(format!("a limiter has no method {path}"))),
        }
    }

    /// One message: read if need be, decided, and written if the last write does not cover it.
    fn turn<T>(&self, act: impl FnOnce(&mut Meter, At) -> T) -> Result<T, Thrown> {
        let at = At { now: clock::now(), draw: entropy::bits64() };
        let mut meter = match self.meter.take() {
            Some(meter) => meter,
            None => self.read(at)?,
        };
        let said = act(&mut meter, at);
        if meter.must_store() {
            let text = meter.mark()?;
            // An alarm that rings early finds that out; one write less for each mark.
            let due = meter.deadline();
            let alarm = if self.alarm.get().is_some() { Alarm::Kept } else { Alarm::Set(due) };
            self.write(&text, alarm)?;
            self.alarm.set(self.alarm.get().or(due));
        }
        self.meter.set(Some(meter));
        Ok(said)
    }

    fn rest(&self) -> Result<(), Thrown> {
        let at = At { now: clock::now(), draw: entropy::bits64() };
        let mut meter = match self.meter.take() {
            Some(meter) => meter,
            None => self.read(at)?,
        };
        let due = match meter.rest(at.now)? {
            Rest::Wait(due) => {
                self.storage.commit(&[], Alarm::Set(Some(due)))?;
                Some(due)
            }
            Rest::Store(text, due) => {
                self.write(&text, Alarm::Set(Some(due)))?;
                Some(due)
            }
            Rest::Keep(text) => {
                self.write(&text, Alarm::Kept)?;
                None
            }
            Rest::Forget => {
                self.storage.commit(&[json!(["drop table if exists meter"])], Alarm::Kept)?;
                return Ok(());
            }
        };
        self.alarm.set(due);
        self.meter.set(Some(meter));
        Ok(())
    }

    /// A key that is asked for the first time has no table: an idle one shall cost nothing.
    fn read(&self, at: At) -> Result<Meter, Thrown> {
        let known = "select name from sqlite_master where name = 'meter'";
        if self.storage.rows::<(String,)>(known, &json!([]))?.is_empty() {
            return Ok(Meter::fresh(at.now));
        }
        let rows: Vec<(String,)> = self.storage.rows("select text from meter", &json!([]))?;
        match rows.first() {
            Some((text,)) => Ok(Meter::restore(text, at.now, at.draw)?),
            None => Ok(Meter::fresh(at.now)),
        }
    }

    fn write(&self, text: &str, alarm: Alarm) -> Result<(), Thrown> {
        let table =
            "create table if not exists meter (id integer primary key, text text not null) strict";
        let row = "insert into meter (id, text) values (1, ?) \
                   on conflict (id) do update set text = excluded.text";
        self.storage.commit(&[json!([table]), json!([row, text])], alarm)
    }
}
