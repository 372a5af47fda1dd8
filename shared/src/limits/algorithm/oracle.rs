//! A brute-force oracle: each algorithm against a list of the moments at which it admitted (M1).
//!
//! Invariant: nothing here shares a line of thought with the algorithms; it looks at the whole
//! list for every question. Times are random and at times go back.

use super::*;
use crate::machine::mix;
use alloc::vec::Vec;

/// Of each algorithm.
const SCHEDULES: u64 = 1_000_000;
const QUESTIONS: u64 = 12;

const ALL: [Algorithm; 6] = [
    Algorithm::TokenBucket,
    Algorithm::Gcra,
    Algorithm::LeakyBucket,
    Algorithm::FixedWindow,
    Algorithm::SlidingWindowLog,
    Algorithm::SlidingWindowCounter,
];

struct Draws(u64);

impl Draws {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = mix(self.0);
        self.0 % bound
    }
}

/// Admitted units with their moments, in order.
struct List<'a>(&'a Rule, Vec<(u64, u64)>);

impl List<'_> {
    fn units(&self, holds: impl Fn(u64) -> bool) -> u64 {
        self.1.iter().filter(|(at, _)| holds(*at)).map(|(_, units)| units).sum()
    }

    fn admits(&self, now: u64, cost: u64) -> bool {
        let Self(rule, list) = self;
        let (limit, window) = (rule.limit, rule.window_ms);
        match rule.algorithm {
            Algorithm::SlidingWindowLog => self.units(|at| now - at < window) + cost <= limit,
            Algorithm::FixedWindow => self.units(|at| at / window == now / window) + cost <= limit,
            Algorithm::SlidingWindowCounter => {
                let present = self.units(|at| at / window == now / window) + cost;
                let before = self.units(|at| at / window + 1 == now / window);
                before * (window - now % window) + present * window <= limit * window
            }
            // Since any unit, no more than the burst and what flowed in.
            _ => (0..=list.len()).all(|from| {
                let since = list.get(from).map_or(now, |(at, _)| *at);
                let units: u64 = list[from..].iter().map(|(_, units)| units).sum();
                (units + cost) * window <= rule.burst * window + limit * (now - since)
            }),
        }
    }

    /// When a queue that drains evenly is through with all that it took, in parts of 1/limit ms.
    fn through(&self) -> u64 {
        self.1
            .iter()
            .fold(0, |free, (at, units)| free.max(at * self.0.limit) + units * self.0.window_ms)
    }
}

fn rule(algorithm: Algorithm, draws: &mut Draws) -> Rule {
    let limit = 1 + draws.below(9);
    let window_ms = 1 + draws.below(40);
    Rule { algorithm, limit, window_ms, burst: 1 + draws.below(9) }
}

/// One schedule; the seed says which.
fn schedule(algorithm: Algorithm, seed: u64) {
    let mut draws = Draws(seed);
    let rule = rule(algorithm, &mut draws);
    let mut now = draws.below(100);
    let mut state = State::fresh(&rule, Millis(now));
    let mut list = List(&rule, Vec::new());
    for _ in 0..QUESTIONS {
        let step = draws.below(rule.window_ms * 2);
        // A clock that goes back stands still.
        let seen = if draws.below(16) == 0 {
            now.saturating_sub(step)
        } else {
            now + step * draws.below(2)
        };
        now = now.max(seen);
        let cost = 1 + draws.below(rule.capacity());
        state.advance(&rule, Millis(seen));
        let fits = state.fits(&rule, cost);
        assert_eq!(fits, list.admits(now, cost), "{rule:?} seed {seed} at {now}: {cost}");
        let room = state.room(&rule);
        assert!(room == 0 || list.admits(now, room), "seed {seed}: {room} left");
        assert!(!list.admits(now, room + 1), "seed {seed}: {room} left, and one more");
        if fits {
            if algorithm == Algorithm::LeakyBucket {
                let delay = list.through().saturating_sub(now * rule.limit).div_ceil(rule.limit);
                assert_eq!(state.fresh_ms(&rule), delay, "seed {seed}");
            }
            state.spend(&rule, cost);
            list.1.push((now, cost));
        } else {
            let wait = state.wait_ms(&rule, cost).unwrap();
            assert!(wait > 0 && !list.admits(now + wait - 1, cost), "seed {seed}: {wait}");
            assert!(list.admits(now + wait, cost), "seed {seed}: {wait} is too short");
        }
        let mut later = state.clone();
        later.advance(&rule, Millis(now + state.fresh_ms(&rule)));
        assert_eq!(later.spent(&rule), 0, "seed {seed}");
    }
    for (at, _) in &list.1 {
        let window = list.units(|other| other >= *at && other - at < rule.window_ms);
        assert!(window <= rule.worst(), "{rule:?} seed {seed}: {window} in a window (M17)");
    }
}

fn run(algorithm: Algorithm) {
    for seed in 0..SCHEDULES {
        schedule(algorithm, seed);
    }
}

#[test]
fn m1_token_bucket() {
    run(Algorithm::TokenBucket);
}

#[test]
fn m1_gcra() {
    run(Algorithm::Gcra);
}

#[test]
fn m1_leaky_bucket() {
    run(Algorithm::LeakyBucket);
}

#[test]
fn m1_fixed_window() {
    run(Algorithm::FixedWindow);
}

#[test]
fn m1_sliding_window_log() {
    run(Algorithm::SlidingWindowLog);
}

#[test]
fn m1_m2_sliding_window_counter() {
    run(Algorithm::SlidingWindowCounter);
}

/// The estimate is off by at most the larger part of the window before (M2).
#[test]
fn m2_the_counter_is_within_its_bound() {
    for seed in 0..SCHEDULES / 10 {
        let mut draws = Draws(seed);
        let rule = rule(Algorithm::SlidingWindowCounter, &mut draws);
        let window = rule.window_ms;
        let mut state = State::fresh(&rule, Millis(0));
        let mut list = List(&rule, Vec::new());
        let mut now = 0;
        for _ in 0..4 * QUESTIONS {
            now += draws.below(window / 4 + 2);
            state.advance(&rule, Millis(now));
            if state.fits(&rule, 1) {
                state.spend(&rule, 1);
                list.1.push((now, 1));
            }
            let truth = list.units(|at| now - at < window) * window;
            let before = list.units(|at| at / window + 1 == now / window);
            let present = list.units(|at| at / window == now / window);
            let overlap = window - now % window;
            let estimate = present * window + before * overlap;
            let bound = before * overlap.max(window - overlap);
            assert!(truth.abs_diff(estimate) <= bound, "{rule:?} seed {seed} at {now}");
        }
    }
}

/// The worst case of each algorithm is reached, so its bound is no idle number (M17).
#[test]
fn m17_the_worst_is_reached() {
    for algorithm in ALL {
        let rule = Rule { algorithm, limit: 100, window_ms: 1_000, burst: 10 };
        let mut state = State::fresh(&rule, Millis(0));
        let mut list = List(&rule, Vec::new());
        let mut most = 0;
        // Silence, everything at the end of a window, then as fast as it admits.
        for now in 999..4_000 {
            state.advance(&rule, Millis(now));
            while state.fits(&rule, 1) {
                state.spend(&rule, 1);
                list.1.push((now, 1));
            }
            most = most.max(list.units(|at| now - at < rule.window_ms));
        }
        let slack = if algorithm == Algorithm::SlidingWindowCounter { 2 } else { 1 };
        assert!(most <= rule.worst() && most + slack >= rule.worst(), "{algorithm:?}: {most}");
    }
}

/// What comes back leaves no more than if it had never been spent (M7).
#[test]
fn a_refund_fills_nothing() {
    for algorithm in ALL {
        for seed in 0..SCHEDULES / 20 {
            let mut draws = Draws(seed);
            let rule = rule(algorithm, &mut draws);
            let start = Millis(draws.below(100));
            let (mut with, mut without) = (State::fresh(&rule, start), State::fresh(&rule, start));
            let mut now = start.0;
            let mut unused = None;
            for _ in 0..QUESTIONS {
                now += draws.below(rule.window_ms);
                with.advance(&rule, Millis(now));
                without.advance(&rule, Millis(now));
                let cost = 1 + draws.below(rule.capacity());
                if !with.fits(&rule, cost) {
                    continue;
                }
                with.spend(&rule, cost);
                if unused.is_none() && draws.below(3) == 0 {
                    unused = Some((Millis(now), cost));
                } else {
                    without.spend(&rule, cost);
                }
            }
            if let Some((at, cost)) = unused {
                with.give_back(&rule, at, cost);
            }
            let (with, without) = (with.room(&rule), without.room(&rule));
            assert!(with <= without, "{rule:?} seed {seed}: {with} > {without}");
        }
    }
}
