//! Decisions a second on one core: the algorithms of `shared` beside the crates governor and
//! throttlecrab, on the same moments by the same limit.
//!
//! Invariant: every contestant decides the same (their admitted are printed), keeps its state in
//! memory between two decisions, and is measured by the thread's own time, so that what else the
//! machine does is in none. Rounds are interleaved, every other one backwards.

use governor::clock::{Clock, Reference};
use governor::nanos::Nanos;
use governor::{Quota, RateLimiter};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Map, Value, json};
use shared::limits::algorithm::{Bucket, Gcra, State};
use shared::limits::rule::{Algorithm, Rule};
use shared::machine::mix;
use shared::time::Millis;
use std::cell::Cell;
use std::collections::HashMap;
use std::hint::black_box;
use std::num::NonZeroU32;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

const LIMIT: u32 = 100;
const WINDOW_MS: u64 = 1_000;
const T0_MS: u64 = 1_790_000_000_000;
/// 0 to 9 ms between two, so that somewhat less than half of them fit.
const GAP_MS_MAX: u64 = 9;
const SCHEDULE: usize = 1 << 16;
const KEY: &str = "application-1/user-42";

/// Runs the schedule so many times; how many were admitted.
type Run = Box<dyn FnMut(&[u8], u64) -> u64>;

struct Contestant {
    name: &'static str,
    run: Run,
    rounds_ns: Vec<f64>,
    admitted: u64,
}

/// A contestant of `decide`: whether one unit is admitted at that millisecond.
fn contestant(name: &'static str, mut decide: impl FnMut(u64) -> bool + 'static) -> Contestant {
    let mut now_ms = T0_MS;
    let run = move |schedule: &[u8], times: u64| {
        let mut admitted = 0;
        for _ in 0..times {
            for gap_ms in schedule {
                now_ms += u64::from(*gap_ms);
                admitted += u64::from(black_box(decide(black_box(now_ms))));
            }
        }
        admitted
    };
    Contestant { name, run: Box::new(run), rounds_ns: Vec::new(), admitted: 0 }
}

fn rule(algorithm: Algorithm) -> Rule {
    let limit = u64::from(LIMIT);
    Rule { algorithm, limit, window_ms: WINDOW_MS, burst: limit }
}

/// Spending nothing where nothing fits leaves no branch to be guessed wrong.
macro_rules! decide {
    ($state:expr, $rule:expr, $now:expr) => {{
        $state.advance($rule, $now);
        let fits = $state.fits($rule, 1);
        $state.spend($rule, u64::from(fits));
        fits
    }};
}

/// As the meter decides: it spends only what fits.
fn spend_if_fits(state: &mut State, rule: &Rule, now: Millis) -> bool {
    state.advance(rule, now);
    let fits = state.fits(rule, 1);
    if fits {
        state.spend(rule, 1);
    }
    fits
}

/// The states themselves; `black_box` sees them each time, so that they stay in memory.
fn ours() -> Vec<Contestant> {
    let of_state = |name, algorithm| {
        let (mut state, rule) = (State::fresh(&rule(algorithm), Millis(T0_MS)), rule(algorithm));
        contestant(name, move |now| decide!(black_box(&mut state), black_box(&rule), Millis(now)))
    };
    let by_branch = |name, algorithm| {
        let (mut state, rule) = (State::fresh(&rule(algorithm), Millis(T0_MS)), rule(algorithm));
        contestant(name, move |now| {
            spend_if_fits(black_box(&mut state), black_box(&rule), Millis(now))
        })
    };
    let (mut bucket, mut gcra) = (Bucket::default(), Gcra::default());
    let (of_bucket, of_gcra) = (rule(Algorithm::TokenBucket), rule(Algorithm::Gcra));
    let mut map: HashMap<String, State> = HashMap::new();
    vec![
        of_state("ours, token bucket (State)", Algorithm::TokenBucket),
        of_state("ours, GCRA (State)", Algorithm::Gcra),
        by_branch("ours, token bucket (State), branching", Algorithm::TokenBucket),
        by_branch("ours, GCRA (State), branching", Algorithm::Gcra),
        contestant("ours, token bucket", move |now| {
            decide!(black_box(&mut bucket), black_box(&of_bucket), now)
        }),
        contestant("ours, GCRA", move |now| {
            decide!(black_box(&mut gcra), black_box(&of_gcra), now)
        }),
        contestant("ours, GCRA, keyed (std's HashMap)", move |now| {
            let (key, now) = (black_box(KEY), Millis(now));
            if !map.contains_key(key) {
                map.insert(key.into(), State::fresh(&of_gcra, now));
            }
            map.get_mut(key).is_some_and(|state| decide!(state, black_box(&of_gcra), now))
        }),
    ]
}

#[derive(Clone)]
struct Hand(Rc<Cell<u64>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct At(u64);

impl std::ops::Add<Nanos> for At {
    type Output = Self;

    fn add(self, past: Nanos) -> Self {
        Self(self.0 + past.as_u64())
    }
}

impl Reference for At {
    fn duration_since(&self, earlier: Self) -> Nanos {
        self.0.saturating_sub(earlier.0).into()
    }

    fn saturating_sub(&self, past: Nanos) -> Self {
        Self(self.0.saturating_sub(past.as_u64()))
    }
}

impl Clock for Hand {
    type Instant = At;

    fn now(&self) -> At {
        At(self.0.get())
    }
}

fn others() -> Vec<Contestant> {
    let limit = NonZeroU32::new(LIMIT).unwrap_or(NonZeroU32::MIN);
    let quota = Quota::per_second(limit).allow_burst(limit);
    let hand = || Hand(Rc::new(Cell::new(T0_MS * 1_000_000)));
    let (one, many) = (hand(), hand());
    let direct = RateLimiter::direct_with_clock(quota, one.clone());
    let keyed = RateLimiter::dashmap_with_clock(quota, many.clone());
    let mut adaptive = throttlecrab::RateLimiter::new(throttlecrab::AdaptiveStore::new());
    let mut periodic = throttlecrab::RateLimiter::new(throttlecrab::PeriodicStore::new());
    vec![
        contestant("governor, direct", move |now| {
            one.0.set(now * 1_000_000);
            black_box(&direct).check().is_ok()
        }),
        contestant("governor, keyed", move |now| {
            many.0.set(now * 1_000_000);
            black_box(&keyed).check_key(&black_box(KEY)).is_ok()
        }),
        contestant("throttlecrab, adaptive store", move |now| crab(&mut adaptive, now)),
        contestant("throttlecrab, periodic store", move |now| crab(&mut periodic, now)),
    ]
}

fn crab<S: throttlecrab::Store>(limiter: &mut throttlecrab::RateLimiter<S>, now_ms: u64) -> bool {
    let now = SystemTime::UNIX_EPOCH + Duration::from_millis(now_ms);
    let (limit, window_s) = (black_box(i64::from(LIMIT)), black_box(1));
    let said = black_box(limiter).rate_limit(black_box(KEY), limit, limit, window_s, 1, now);
    said.is_ok_and(|(admitted, _)| admitted)
}

fn thread_ns() -> f64 {
    let spent = clock_gettime(ClockId::ThreadCPUTime);
    spent.tv_sec as f64 * 1e9 + spent.tv_nsec as f64
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn main() {
    let quick = std::env::args().any(|arg| arg == "--quick");
    let (rounds, times) = if quick { (7, 8) } else { (21, 24) };
    let schedule: Vec<u8> = (0..SCHEDULE as u64)
        .map(|n| u8::try_from(mix(n) % (GAP_MS_MAX + 1)).unwrap_or_default())
        .collect();
    let decisions = (SCHEDULE as u64 * times) as f64;
    let mut all = ours();
    all.extend(others());
    for one in &mut all {
        (one.run)(&schedule, 1);
    }
    for round in 0..rounds {
        let mut measure = |one: &mut Contestant| {
            let began = thread_ns();
            one.admitted += (one.run)(&schedule, times);
            one.rounds_ns.push((thread_ns() - began) / decisions);
        };
        if round % 2 == 0 {
            all.iter_mut().for_each(&mut measure)
        } else {
            all.iter_mut().rev().for_each(&mut measure)
        }
    }
    let said: Map<String, Value> = all
        .iter_mut()
        .map(|one| {
            let share = one.admitted as f64 / (decisions * f64::from(rounds));
            (one.name.to_string(), json!({"ns": median(&mut one.rounds_ns), "admitted": share}))
        })
        .collect();
    println!("{}", Value::Object(said));
}
