//! The reader of registers: the isolate's memory, then the copy in KV, then the home.
//!
//! Invariant: what was once read here never goes back to an older stamp: a copy older than the
//! memory is passed over. Refused: to remember an absence; only a home may.

use crate::call::Call;
use crate::log;
use crate::memory::{Entry, Memory};
use crate::objects::{Address, Apply, Ask, Spend};
use crate::platform::{Thrown, clock, workers_kv};
use crate::settings::Settings;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde::de::DeserializeOwned;
use shared::config::Durations;
use shared::limits::policy::Policy;
use shared::limits::wire as limits;
use shared::links::wire::{self as links, Target};
use shared::machine::mix;
use shared::payments::fraud::publish::EdgeRules;
use shared::payments::fraud::wire as fraud;
use shared::roads::{Answer, Outcome, Register, Stamp, copy_key, decode_copy, fnv1a};
use shared::time::Millis;
use shared::token::{self, KeyRecord};
use shared::video::presentation::{self as video, Presentation};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::thread::LocalKey;
use worker::{Context, Env};

/// An eighth of an isolate's 128 MiB: 16 MiB ÷ (256 + 200 bytes a link) = 36,000 links.
const LINKS_BYTES_MAX: usize = 16 << 20;
/// 1 MiB ÷ (256 + 300 bytes a key) = 1,900 keys.
const KEYS_BYTES_MAX: usize = 1 << 20;
/// 1 MiB ÷ (256 + 500 bytes a policy) = 1,400 policies.
const POLICIES_BYTES_MAX: usize = 1 << 20;
/// 2 MiB: 16 applications with the most rules, thousands with a few.
const FRAUD_BYTES_MAX: usize = 2 << 20;
/// 8 MiB ÷ (256 + 10 KB a film of an hour) = 800 videos.
const VIDEOS_BYTES_MAX: usize = 8 << 20;
/// Objects that one request asks at once: the platform's bound on connections.
/// Source: developers.cloudflare.com/workers/platform/limits (simultaneous connections).
const AT_ONCE_MAX: usize = 6;

/// What a read finds.
pub(crate) enum Read<T> {
    /// The newest value that is known here; `None` is a tombstone.
    Found(Option<Rc<T>>),
    /// The key's home says that it never existed.
    Absent,
    /// Nobody who knows answers.
    Unavailable,
}

/// A product's value that isolates keep.
pub(crate) trait Kept: DeserializeOwned + 'static {
    /// The registers' product.
    const PRODUCT: &'static str;
    /// How old a copy in KV may be, in seconds.
    const WINDOW_S: u32;
    /// Whether an aged value is better than none when neither KV nor the home answers.
    const AGED_SERVES: bool;
    /// How long memory is served without asking again.
    fn fresh_ms(durations: &Durations) -> u64;
    /// The isolate's memory.
    fn memory() -> &'static LocalKey<RefCell<Memory<Self>>>;
}

thread_local! {
    static VIDEOS: RefCell<Memory<Presentation>> = RefCell::new(Memory::new(VIDEOS_BYTES_MAX));
    static LINKS: RefCell<Memory<Target>> = RefCell::new(Memory::new(LINKS_BYTES_MAX));
    static FRAUD: RefCell<Memory<EdgeRules>> = RefCell::new(Memory::new(FRAUD_BYTES_MAX));
    static POLICIES: RefCell<Memory<Policy>> = RefCell::new(Memory::new(POLICIES_BYTES_MAX));
    static KEYS: RefCell<Memory<KeyRecord>> = RefCell::new(Memory::new(KEYS_BYTES_MAX));
}

impl Kept for Target {
    const PRODUCT: &'static str = links::PRODUCT;
    const WINDOW_S: u32 = 60;
    const AGED_SERVES: bool = true;
    fn fresh_ms(durations: &Durations) -> u64 {
        durations.link_fresh_ms
    }
    fn memory() -> &'static LocalKey<RefCell<Memory<Self>>> {
        &LINKS
    }
}

impl Kept for KeyRecord {
    const PRODUCT: &'static str = token::PRODUCT;
    // With the ten seconds of memory, a revocation acts within a minute.
    const WINDOW_S: u32 = workers_kv::WINDOW_S_MIN;
    const AGED_SERVES: bool = false;
    fn fresh_ms(durations: &Durations) -> u64 {
        durations.key_fresh_ms
    }
    fn memory() -> &'static LocalKey<RefCell<Memory<Self>>> {
        &KEYS
    }
}

impl Kept for Presentation {
    const PRODUCT: &'static str = video::PRODUCT;
    // What grows is read at its home (`video::find`).
    const WINDOW_S: u32 = workers_kv::WINDOW_S_MIN;
    const AGED_SERVES: bool = true;
    fn fresh_ms(durations: &Durations) -> u64 {
        durations.video_fresh_ms
    }
    fn memory() -> &'static LocalKey<RefCell<Memory<Self>>> {
        &VIDEOS
    }
}

impl Kept for Policy {
    const PRODUCT: &'static str = limits::PRODUCT;
    const WINDOW_S: u32 = workers_kv::WINDOW_S_MIN;
    const AGED_SERVES: bool = true;
    fn fresh_ms(durations: &Durations) -> u64 {
        durations.policy_fresh_ms
    }
    fn memory() -> &'static LocalKey<RefCell<Memory<Self>>> {
        &POLICIES
    }
}

impl Kept for EdgeRules {
    const PRODUCT: &'static str = fraud::PRODUCT;
    const WINDOW_S: u32 = workers_kv::WINDOW_S_MIN;
    // The origin holds every payment against every rule anyway.
    const AGED_SERVES: bool = false;
    fn fresh_ms(durations: &Durations) -> u64 {
        durations.policy_fresh_ms
    }
    fn memory() -> &'static LocalKey<RefCell<Memory<Self>>> {
        &FRAUD
    }
}

/// What a question needs of its request, so that it may outlive it.
#[derive(Clone)]
pub(crate) struct Source {
    /// The bindings.
    pub(crate) env: Env,
    /// The isolate's settings.
    pub(crate) settings: Rc<Settings>,
    /// The request's id.
    pub(crate) id: String,
    /// A key that KV has no copy of.
    pub(crate) no_copy: Option<String>,
}

/// Reads a register.
pub(crate) async fn read<T: Kept>(call: &Call, key: &str) -> Read<T> {
    let (env, settings) = (call.env.clone(), Rc::clone(&call.settings));
    let source = Source { env, settings, id: call.id.clone(), no_copy: call.no_copy.clone() };
    let known = match at_hand(&call.settings.durations, key, call.began) {
        AtHand::Fresh(value, None) => return Read::Found(value),
        AtHand::Fresh(value, Some(floor)) => {
            ask_ahead::<T>(&call.context, source, key.into(), floor);
            return Read::Found(value);
        }
        AtHand::Unknown(known) => known,
    };
    let floor = known.as_ref().map(|entry| entry.stamp);
    match (ask(&source, key, floor).await, known) {
        (Read::Unavailable, Some(Entry { value, .. })) if T::AGED_SERVES => Read::Found(value),
        (read, _) => read,
    }
}

/// Asks for a key again, and lets nobody wait for it.
pub(crate) fn ask_ahead<T: Kept>(context: &Context, source: Source, key: String, floor: Stamp) {
    context.wait_until(async move {
        ask::<T>(&source, &key, Some(floor)).await;
    });
}

/// Reads a register at its home, past memory and copy: somebody has seen a newer one.
pub(crate) async fn renew<T: Kept>(call: &Call, key: &str) -> Read<T> {
    let (env, settings) = (call.env.clone(), Rc::clone(&call.settings));
    let source = Source { env, settings, id: call.id.clone(), no_copy: None };
    from_home(&source, key).await.unwrap_or_else(|why| {
        log::fault(&source.id, "home", why);
        Read::Unavailable
    })
}

/// How new the register in memory is; older than any when it was pushed out meanwhile.
pub(crate) fn stamp<T: Kept>(key: &str) -> Stamp {
    let known = T::memory().with_borrow_mut(|memory| memory.get(key));
    known.map_or(Stamp { epoch: 0, version: 0 }, |entry| entry.stamp)
}

/// What memory says of a key by itself.
pub(crate) enum AtHand<T> {
    /// The newest value that is known here; `None` is a tombstone. With its stamp when it will soon
    /// be too old: then it is for the caller, and for nobody else, to [`ask_ahead`].
    Fresh(Option<Rc<T>>, Option<Stamp>),
    /// Nothing, or what is too old.
    Unknown(Option<Entry<T>>),
}

/// Looks into memory.
pub(crate) fn at_hand<T: Kept>(durations: &Durations, key: &str, now: Millis) -> AtHand<T> {
    let fresh_ms = T::fresh_ms(durations);
    T::memory().with_borrow_mut(|memory| match memory.get(key) {
        Some(entry) if now.since(entry.at) < fresh_ms => {
            let ages = now.since(entry.at) >= refresh_after_ms(fresh_ms, key, entry.at);
            let ahead = ages && memory.claim(key);
            AtHand::Fresh(entry.value, ahead.then_some(entry.stamp))
        }
        known => AtHand::Unknown(known),
    })
}

/// Takes a copy's text up, unless memory knows something newer.
pub(crate) fn from_text<T: Kept>(key: &str, text: &str, now: Millis) -> Option<Option<Rc<T>>> {
    let (stamp, value) = decode_copy(text)?;
    let known = T::memory().with_borrow_mut(|memory| memory.get(key));
    if known.is_some_and(|known| known.stamp > stamp) {
        return None;
    }
    remember(key, stamp, value, now).ok()
}

/// Three quarters of the life, and up to an eighth more, drawn for this entry.
fn refresh_after_ms(fresh_ms: u64, key: &str, at: Millis) -> u64 {
    let draw = mix(fnv1a(key.as_bytes()) ^ at.0);
    let jitter = draw.checked_rem(fresh_ms / 8).unwrap_or_default();
    (fresh_ms / 4).saturating_mul(3).saturating_add(jitter)
}

async fn ask<T: Kept>(source: &Source, key: &str, floor: Option<Stamp>) -> Read<T> {
    match from_copy(source, key, floor).await {
        Ok(Some(value)) => return Read::Found(value),
        Ok(None) => {}
        Err(why) => log::fault(&source.id, "copy", why),
    }
    from_home::<T>(source, key).await.unwrap_or_else(|why| {
        log::fault(&source.id, "home", why);
        Read::Unavailable
    })
}

/// The copy's value, unless there is none or it is older than `floor`.
async fn from_copy<T: Kept>(
    source: &Source,
    key: &str,
    floor: Option<Stamp>,
) -> Result<Option<Option<Rc<T>>>, Thrown> {
    let copy = copy_key(T::PRODUCT, key);
    if source.no_copy.as_ref() == Some(&copy) {
        return Ok(None);
    }
    let text = workers_kv::read(&source.env, &copy, T::WINDOW_S).await?;
    match text.as_deref().and_then(decode_copy) {
        Some((stamp, value)) if floor.is_none_or(|floor| stamp >= floor) => {
            remember(key, stamp, value, clock::now()).map(Some)
        }
        _ => Ok(None),
    }
}

async fn from_home<T: Kept>(source: &Source, key: &str) -> Result<Read<T>, Thrown> {
    let ask = Ask { product: T::PRODUCT.into(), key: key.into(), request_id: source.id.clone() };
    let timeout_ms = source.settings.durations.object_timeout_ms;
    match Address::home(T::PRODUCT, key).send(&source.env, &ask, timeout_ms).await? {
        Answer::Absent => Ok(Read::Absent),
        Answer::Register(register) => {
            let value = register.value.as_deref();
            remember(key, register.stamp, value, clock::now()).map(Read::Found)
        }
    }
}

fn remember<T: Kept>(
    key: &str,
    stamp: Stamp,
    text: Option<&str>,
    at: Millis,
) -> Result<Option<Rc<T>>, Thrown> {
    let value: Option<Rc<T>> = match text {
        Some(text) => Some(Rc::new(serde_json::from_str(text)?)),
        None => None,
    };
    let text_bytes = text.map_or(0, str::len);
    T::memory().with_borrow_mut(|memory| memory.put(key, stamp, value.clone(), text_bytes, at));
    Ok(value)
}

/// Applies registers through their homes; the outcomes in the same order.
pub(crate) async fn apply(call: &Call, registers: Vec<Register>) -> Result<Vec<Outcome>, Thrown> {
    let mut homes: BTreeMap<Address, Vec<(usize, Register)>> = BTreeMap::new();
    let count = registers.len();
    for (at, register) in registers.into_iter().enumerate() {
        let home = Address::home(&register.product, &register.key);
        homes.entry(home).or_default().push((at, register));
    }
    let settled: Vec<Vec<(usize, Outcome)>> = stream::iter(homes)
        .map(|(home, registers)| apply_at(call, home, registers))
        .buffer_unordered(AT_ONCE_MAX)
        .try_collect()
        .await?;
    let outcomes: BTreeMap<usize, Outcome> = settled.into_iter().flatten().collect();
    if outcomes.len() != count {
        return Err(Thrown("a home did not answer for every register".into()));
    }
    Ok(outcomes.into_values().collect())
}

async fn apply_at(
    call: &Call,
    home: Address,
    registers: Vec<(usize, Register)>,
) -> Result<Vec<(usize, Outcome)>, Thrown> {
    let (places, registers): (Vec<usize>, Vec<Register>) = registers.into_iter().unzip();
    let apply = Apply(registers);
    let timeout_ms = call.settings.durations.object_timeout_ms;
    let outcomes = home.send(&call.env, &apply, timeout_ms).await?;
    for (register, outcome) in apply.0.iter().zip(&outcomes) {
        if *outcome == Outcome::Applied {
            learn(call, register);
        }
    }
    Ok(places.into_iter().zip(outcomes).collect())
}

/// Puts what a home just applied into this isolate's memory.
fn learn(call: &Call, register: &Register) {
    let Register { product, key, stamp, value } = register;
    let now = clock::now();
    let learned = match product.as_str() {
        <Target as Kept>::PRODUCT => {
            remember::<Target>(key, *stamp, value.as_deref(), now).map(|_| ())
        }
        <Policy as Kept>::PRODUCT => {
            remember::<Policy>(key, *stamp, value.as_deref(), now).map(|_| ())
        }
        <EdgeRules as Kept>::PRODUCT => {
            remember::<EdgeRules>(key, *stamp, value.as_deref(), now).map(|_| ())
        }
        <Presentation as Kept>::PRODUCT => {
            remember::<Presentation>(key, *stamp, value.as_deref(), now).map(|_| ())
        }
        <KeyRecord as Kept>::PRODUCT => {
            remember::<KeyRecord>(key, *stamp, value.as_deref(), now).map(|_| ())
        }
        _ => Ok(()),
    };
    if let Err(why) = learned {
        log::fault(&call.id, "register", why);
    }
}

/// Spends one of a link's bounded clicks, at its home.
pub(crate) async fn spend(call: &Call, key: &str, max: u64) -> Result<bool, Thrown> {
    let spend = Spend { product: links::PRODUCT.into(), key: key.into(), max };
    let timeout_ms = call.settings.durations.object_timeout_ms;
    Address::home(links::PRODUCT, key).send(&call.env, &spend, timeout_ms).await
}
