//! What happened in this isolate, gathered and handed over to a recorder.
//!
//! Invariant: plain data in a static, never borrowed across an await. A batch keeps its name
//! (isolate, n) and its recorder however often it is tried, so it is counted once. Lost is only
//! what a dying isolate had not handed over, and what overflows a bound, which is logged.

use crate::log;
use crate::objects::Address;
use crate::platform::{Thrown, clock, entropy};
use crate::settings::Settings;
use shared::machine::backoff_ms;
use shared::roads::{Batch, Event, Events, HANDOVER_MAX, recorder_name};
use shared::time::Millis;
use std::cell::RefCell;
use std::collections::VecDeque;
use worker::{Context, Env};

const FULL: u64 = HANDOVER_MAX as u64;
/// Tries of one hand-over end here: `wait_until` has 30 s, of which the last call takes some.
const PATIENCE_MS: u64 = 20_000;
/// First wait after a failed try; doubles.
const BACKOFF_MS: u64 = 100;
/// Longest wait after a failed try.
const BACKOFF_MAX_MS: u64 = 4_000;
/// Batches that wait for another hand-over: 64 × 64 events × 1 KiB = 4 MiB, 16 MiB at the worst.
const PENDING_MAX: usize = 64;
/// Hand-overs that retry at once: 16 × 64 events as above; those behind them wait untried.
const TRYING_MAX: usize = 16;

/// What is gathered.
#[derive(Default)]
struct Gathered {
    /// Drawn at the first event: the isolate's name and its recorder's.
    names: Option<(String, String)>,
    /// The last batch's number.
    n: u64,
    /// Written down when they happen, and read by nobody before the origin.
    open: Events,
    opened_at: Millis,
    /// Batches that were tried in vain.
    pending: VecDeque<Batch>,
    trying: usize,
    dropped: u64,
}

/// What an event's request has to do.
#[derive(Debug, PartialEq, Eq)]
enum Then {
    /// Another request does it.
    Nothing,
    /// Hand this over.
    Now(Batch),
    /// Hand the open batch with this number over when its time has come.
    Later(u64),
}

thread_local! {
    static GATHERED: RefCell<Gathered> = RefCell::new(Gathered::default());
}

impl Gathered {
    fn push(&mut self, event: &Event, now: Millis, handover_ms: u64) -> Result<Then, Thrown> {
        let is_first = self.open.count() == 0;
        // Whoever should have closed the batch by now is gone with its request.
        let late = !is_first && now.since(self.opened_at) > handover_ms;
        self.open.push(event)?;
        if late || self.open.count() >= FULL {
            return Ok(self.close(self.n).map_or(Then::Nothing, Then::Now));
        }
        if !is_first {
            return Ok(Then::Nothing);
        }
        self.opened_at = now;
        Ok(Then::Later(self.n))
    }

    /// Closes the open batch, if it is still the one after `n`.
    fn close(&mut self, n: u64) -> Option<Batch> {
        if self.n != n || self.open.count() == 0 {
            return None;
        }
        self.n = n.saturating_add(1);
        let isolate = self.names.as_ref().map(|(isolate, _)| isolate.clone())?;
        Some(Batch { isolate, n: self.n, events: std::mem::take(&mut self.open) })
    }

    /// Closes the open batch with one more event; its recorder.
    fn close_with(&mut self, event: &Event, now: Millis) -> Result<(Batch, String), Thrown> {
        if self.open.count() == 0 {
            self.opened_at = now;
        }
        self.open.push(event)?;
        let recorder = self.names.as_ref().map(|(_, recorder)| recorder.clone());
        let nameless = || Thrown("the isolate has no name".into());
        let batch = self.close(self.n).ok_or_else(nameless)?;
        Ok((batch, recorder.ok_or_else(nameless)?))
    }

    /// Keeps a batch for the next hand-over; how many events were dropped for it.
    fn put_off(&mut self, batch: Batch) -> u64 {
        self.pending.push_back(batch);
        let mut dropped = 0;
        while self.pending.len() > PENDING_MAX {
            dropped += self.pending.pop_front().map_or(0, |batch| batch.events.count());
        }
        self.dropped = self.dropped.saturating_add(dropped);
        dropped
    }
}

/// What an event's request lends.
pub(crate) struct Source<'a> {
    /// The bindings.
    pub(crate) env: &'a Env,
    /// Outlives the answer by `wait_until`.
    pub(crate) context: &'a Context,
    /// The isolate's settings.
    pub(crate) settings: &'a Settings,
    /// The colo that answers, or empty.
    pub(crate) colo: &'a str,
}

/// Takes an event up; returns at once.
///
/// # Errors
/// The platform draws no bits for the isolate's name.
pub(crate) fn push(source: &Source<'_>, now: Millis, event: &Event) -> Result<(), Thrown> {
    let handover_ms = source.settings.durations.handover_ms;
    let then = GATHERED.with_borrow_mut(|gathered| {
        if gathered.names.is_none() {
            gathered.names = Some(names(source.colo)?);
        }
        gathered.push(event, now, handover_ms)
    })?;
    if then == Then::Nothing {
        return Ok(());
    }
    let timeout_ms = source.settings.durations.object_timeout_ms;
    let work = Work { env: source.env.clone(), timeout_ms };
    match then {
        Then::Nothing => {}
        Then::Now(batch) => source.context.wait_until(work.hand_over(batch)),
        Then::Later(n) => source.context.wait_until(async move {
            clock::sleep(handover_ms).await;
            if let Some(batch) = GATHERED.with_borrow_mut(|gathered| gathered.close(n)) {
                work.hand_over(batch).await;
            }
        }),
    }
    Ok(())
}

/// Takes an event up and hands it over, with what else is open, before it returns.
///
/// # Errors
/// No recorder took it now; it is tried again behind the answer, for as long as the isolate lives.
pub(crate) async fn keep(source: &Source<'_>, now: Millis, event: &Event) -> Result<(), Thrown> {
    let (batch, recorder) = GATHERED.with_borrow_mut(|gathered| {
        if gathered.names.is_none() {
            gathered.names = Some(names(source.colo)?);
        }
        gathered.close_with(event, now)
    })?;
    let timeout_ms = source.settings.durations.object_timeout_ms;
    let kept = Address::recorder(&recorder).keep(source.env, &batch.encode(), timeout_ms).await;
    if kept.is_err() {
        put_off(batch);
    }
    kept
}

fn names(colo: &str) -> Result<(String, String), Thrown> {
    let isolate = hex::encode(entropy::bits128()?);
    let is_colo = (1..=8).contains(&colo.len()) && colo.bytes().all(|b| b.is_ascii_alphanumeric());
    let recorder = recorder_name(if is_colo { colo } else { "local" }, &isolate);
    Ok((isolate, recorder))
}

/// What a hand-over needs after its request is answered.
struct Work {
    env: Env,
    timeout_ms: u64,
}

impl Work {
    async fn hand_over(self, batch: Batch) {
        let until = clock::now().plus(PATIENCE_MS);
        let mut next = Some(batch);
        while let Some(batch) = next {
            if !self.try_until(&batch, until).await {
                put_off(batch);
                return;
            }
            next = GATHERED.with_borrow_mut(|gathered| gathered.pending.pop_front());
        }
    }

    async fn try_until(&self, batch: &Batch, until: Millis) -> bool {
        let names = GATHERED.with_borrow(|gathered| gathered.names.clone());
        let Some((_, recorder)) = names else { return false };
        let text = batch.encode();
        let address = Address::recorder(&recorder);
        let Err(mut why) = address.keep(&self.env, &text, self.timeout_ms).await else {
            return true;
        };
        let Some(_trying) = Trying::begin() else { return false };
        for attempts in 0.. {
            let wait = backoff_ms(attempts, BACKOFF_MS, BACKOFF_MAX_MS, entropy::bits64());
            if clock::now().plus(wait) >= until {
                break;
            }
            clock::sleep(wait).await;
            match address.keep(&self.env, &text, self.timeout_ms).await {
                Ok(()) => return true,
                Err(again) => why = again,
            }
        }
        log::fault(&recorder, "hand-over", why);
        false
    }
}

fn put_off(batch: Batch) {
    let (dropped, all) =
        GATHERED.with_borrow_mut(|gathered| (gathered.put_off(batch), gathered.dropped));
    if dropped > 0 {
        let why = format!("{dropped} events were dropped, {all} since the isolate began");
        log::fault("isolate", "hand-over", why);
    }
}

/// One of the hand-overs that retry; counts until it is dropped.
struct Trying;

impl Trying {
    fn begin() -> Option<Self> {
        let free = GATHERED.with_borrow_mut(|gathered| {
            let free = gathered.trying < TRYING_MAX;
            gathered.trying = gathered.trying.saturating_add(usize::from(free));
            free
        });
        // Made outside the borrow, and only when it counts: its end borrows again.
        free.then(|| Self)
    }
}

impl Drop for Trying {
    fn drop(&mut self) {
        GATHERED.with_borrow_mut(|gathered| gathered.trying = gathered.trying.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gathered() -> Gathered {
        Gathered { names: Some(("i".into(), "r".into())), ..Gathered::default() }
    }

    fn push(all: &mut Gathered, at: u64) -> Then {
        all.push(&event(), Millis(at), 500).unwrap()
    }

    fn event() -> Event {
        Event { product: "links".into(), at: Millis(0), body: "{}".into() }
    }

    #[test]
    fn the_first_event_waits_and_the_64th_goes() {
        let mut all = gathered();
        assert_eq!(push(&mut all, 10), Then::Later(0));
        for _ in 2..HANDOVER_MAX {
            assert_eq!(push(&mut all, 11), Then::Nothing);
        }
        let Then::Now(batch) = push(&mut all, 12) else { panic!("kept") };
        assert_eq!((batch.n, batch.events.count()), (1, FULL));
        assert!(all.close(0).is_none(), "the timer of a closed batch closes nothing");
        assert_eq!(push(&mut all, 13), Then::Later(1));
        assert_eq!(all.close(1).map(|batch| batch.n), Some(2));
        assert!(all.close(2).is_none(), "nothing is open");
    }

    #[test]
    fn a_batch_whose_request_died_goes_with_the_next_event() {
        let mut all = gathered();
        assert_eq!(push(&mut all, 10), Then::Later(0));
        assert_eq!(push(&mut all, 510), Then::Nothing);
        let Then::Now(batch) = push(&mut all, 511) else { panic!("kept") };
        assert_eq!(batch.events.count(), 3);
    }

    #[test]
    fn what_must_not_wait_goes_with_what_is_open() {
        let mut all = gathered();
        let (batch, recorder) = all.close_with(&event(), Millis(5)).unwrap();
        assert_eq!((batch.n, batch.events.count(), recorder.as_str()), (1, 1, "r"));
        assert_eq!(push(&mut all, 10), Then::Later(1));
        let (batch, _) = all.close_with(&event(), Millis(11)).unwrap();
        assert_eq!((batch.n, batch.events.count()), (2, 2));
        assert!(all.close(1).is_none(), "the timer of a closed batch closes nothing");
    }

    #[test]
    fn few_retry_at_once() {
        let trying: Vec<Trying> = std::iter::from_fn(Trying::begin).collect();
        assert_eq!(trying.len(), TRYING_MAX);
        assert!(Trying::begin().is_none());
        drop(trying);
        assert!(Trying::begin().is_some());
        assert_eq!(GATHERED.with_borrow(|gathered| gathered.trying), 0);
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut all = gathered();
        let mut events = Events::default();
        events.push(&event()).unwrap();
        events.push(&event()).unwrap();
        let batch = |n| Batch { isolate: "i".into(), n, events: events.clone() };
        for n in 0..64 {
            assert_eq!(all.put_off(batch(n)), 0);
        }
        assert_eq!(all.put_off(batch(64)), 2);
        assert_eq!(all.pending.front().map(|batch| batch.n), Some(1));
        assert_eq!(all.dropped, 2);
    }
}
