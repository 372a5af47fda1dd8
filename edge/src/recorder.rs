//! The object `recorder/{colo}/{0..3}`: keeps the events of isolates until the origin has them.
//!
//! Stored: `recorder` (one row: its name, next number, back-off), `waiting` (a row per batch with
//! events that were not acknowledged, as it came), `batch` (a row per batch that was taken)
//! (`tables.rs`).
//! Ordering: events are numbered 1, 2, 3 … without a gap and posted in that order, at most one
//! delivery at a time (`shared::roads::recorder`, R1–R4).
//! Messages: `keep` (a batch; answered after the commit), the alarm (deliver what waits).
//! Atomic because: load, turn and commit are one synchronous call of [`Shell::turn`]; a batch's
//! name and its events' numbers are in one commit.

mod tables;

use crate::log;
use crate::objects::{self, KEEP_PATH, Letter};
use crate::origin;
use crate::platform::storage::Storage;
use crate::platform::{Thrown, entropy};
use crate::settings::Settings;
use crate::shell::Shell;
use shared::roads::Delivery;
use shared::roads::recorder::{self, DELIVERY_MAX, Deliver, Input};
use std::rc::Rc;
use worker::{DurableObject, Env, Request, Response, State, durable_object};

/// After an alarm whose turn failed.
const AGAIN_MS: u64 = 1_000;

/// A recorder.
#[durable_object(alarm)]
pub struct Recorder {
    state: State,
    opened: Result<Opened, Thrown>,
}

struct Opened {
    settings: Rc<Settings>,
    shell: Shell<recorder::Recorder>,
    /// Object and incarnation: the name of the watermark at the origin.
    name: String,
}

impl Opened {
    fn of(state: &State, env: &Env) -> Result<Self, Thrown> {
        let settings = Settings::of(env)?;
        let durations = settings.durations.clone();
        let machine = recorder::Recorder { durations, delivery_max: DELIVERY_MAX as u64 };
        let shell = Shell::open(machine, Storage::of(state))?;
        let drawn = hex::encode(entropy::bits128()?);
        let name = tables::name(&shell.storage, state.id().name(), &drawn)?;
        Ok(Self { settings, shell, name })
    }
}

impl DurableObject for Recorder {
    fn new(state: State, env: Env) -> Self {
        Self { opened: Opened::of(&state, &env), state }
    }

    async fn fetch(&self, request: Request) -> worker::Result<Response> {
        let reply = match Letter::open(request).await {
            Ok(letter) if letter.path() == KEEP_PATH => self.keep(&letter),
            Ok(letter) => Err(Thrown(format!("a recorder has no method {}", letter.path()))),
            Err(why) => Err(why),
        };
        objects::response(&self.name(), reply)
    }

    async fn alarm(&self) -> worker::Result<Response> {
        if let Err(why) = self.wake().await {
            log::fault(&self.name(), "alarm", &why);
            if let Err(why) = self.opened().and_then(|opened| opened.shell.ring_again(AGAIN_MS)) {
                return Err(worker::Error::RustError(why.0));
            }
        }
        Response::empty()
    }
}

impl Recorder {
    fn name(&self) -> String {
        self.state.id().name().unwrap_or_default()
    }

    fn opened(&self) -> Result<&Opened, Thrown> {
        self.opened.as_ref().map_err(Clone::clone)
    }

    fn keep(&self, letter: &Letter) -> Result<String, Thrown> {
        self.turn(Input::Keep(letter.batch()?))?;
        Ok(String::new())
    }

    fn turn(&self, input: Input) -> Result<Vec<Deliver>, Thrown> {
        Ok(self.opened()?.shell.turn(vec![input])?.tells)
    }

    async fn wake(&self) -> Result<(), Thrown> {
        let opened = self.opened()?;
        opened.shell.rang();
        let mut tells = self.turn(Input::Wake)?;
        while let Some(Deliver { first_seq, events }) = tells.pop() {
            let delivery = Delivery::text(&opened.name, first_seq, &events)?;
            let next = match origin::deliver(&opened.settings, delivery).await {
                Ok(receipt) => Input::Delivered(receipt.applied_seq),
                Err(why) => {
                    log::fault(&opened.name, "delivery", why);
                    Input::Failed
                }
            };
            tells = self.turn(next)?;
        }
        Ok(())
    }
}
