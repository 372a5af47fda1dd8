//! What may be said of a limiter from outside, without ever accusing one that keeps its limit.
//!
//! A request was decided between its sending and the arrival of its answer. So k admitted requests
//! that lie between a first sending s and a last arrival r were admitted within r − s:
//! - a bucket admits at most burst + limit × (r − s) ÷ window between any such two;
//! - a log admits m × limit + 1 only if r − s is m whole windows or more;
//! - a fixed window is named by `reset_at`, its end: at most limit in each, exactly;
//! - a counter's `reset_at` is a window later; in each window, the k admitted by r and what of the
//!   window before still overlaps at r are at most the limit.
//!
//! A lease is decided when it is granted and used later; both ends of the bounds hold for it too
//! (`shared::limits::meter::held`). Of a window, an answer that took longer than half of one is
//! left out, since its `reset_at` may name the next: that only accuses less.

use shared::limits::algorithm::State;
use shared::limits::rule::{Algorithm, Rule};
use shared::time::Millis;
use std::collections::BTreeMap;

/// workerd may read its clock a little before it decides.
const CLOCK_MS: u64 = 5;
/// Beginnings that are tried.
const STARTS: usize = 300;

/// A request that was admitted, one unit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Admitted {
    pub(crate) sent_ms: u64,
    pub(crate) received_ms: u64,
    pub(crate) reset_at: u64,
}

/// Whether more was admitted than the algorithm ever may.
pub(crate) fn over(rule: &Rule, admitted: &[Admitted]) -> Result<(), String> {
    match rule.algorithm {
        Algorithm::FixedWindow | Algorithm::SlidingWindowCounter => windows(rule, admitted),
        _ => stretches(rule, admitted),
    }
}

fn stretches(rule: &Rule, admitted: &[Admitted]) -> Result<(), String> {
    let mut sorted = admitted.to_vec();
    sorted.sort_by_key(|one| one.sent_ms);
    for start in (0..sorted.len()).step_by(sorted.len().div_ceil(STARTS).max(1)) {
        let since = sorted[start].sent_ms;
        let mut until: Vec<u64> = sorted[start..].iter().map(|one| one.received_ms).collect();
        until.sort_unstable();
        for (count, until) in (1..).zip(until) {
            let past_ms = until.saturating_sub(since) + CLOCK_MS;
            let most = if rule.is_bucket() {
                rule.burst + rule.limit * past_ms / rule.window_ms
            } else {
                rule.limit * (past_ms / rule.window_ms + 1)
            };
            if count > most {
                return Err(format!("{count} within {past_ms} ms, at most {most}"));
            }
        }
    }
    Ok(())
}

fn windows(rule: &Rule, admitted: &[Admitted]) -> Result<(), String> {
    let window_ms = rule.window_ms;
    // The windows between the one that admits and the moment of `reset_at`.
    let ahead = if rule.algorithm == Algorithm::FixedWindow { 1 } else { 2 };
    let mut by_window: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for one in admitted.iter().filter(|one| one.received_ms - one.sent_ms < window_ms / 2) {
        let window = one.reset_at / window_ms - ahead;
        let (begin, end) = (window * window_ms, (window + 1) * window_ms);
        if one.received_ms < begin || one.sent_ms > end + CLOCK_MS {
            return Err(format!("{one:?} was not admitted in the window of its reset_at"));
        }
        by_window.entry(window).or_default().push(one.received_ms);
    }
    for (window, received) in &mut by_window.clone() {
        received.sort_unstable();
        let before = if ahead == 2 { window.checked_sub(1) } else { None };
        let before = before.and_then(|before| by_window.get(&before)).map_or(0, Vec::len) as u64;
        for (count, at) in (1..).zip(received.iter()) {
            let left_ms = ((window + 1) * window_ms).saturating_sub(*at).min(window_ms);
            if count * window_ms + before * left_ms > rule.limit * window_ms {
                return Err(format!(
                    "{count} in a window, {before} in the one before, {left_ms} ms before its end"
                ));
            }
        }
    }
    Ok(())
}

/// What one counter would have admitted of requests at these moments.
pub(crate) fn alone(rule: &Rule, mut at: Vec<u64>) -> u64 {
    at.sort_unstable();
    let Some(first) = at.first() else { return 0 };
    let mut state = State::fresh(rule, Millis(*first));
    let mut admitted = 0;
    for now in at {
        state.advance(rule, Millis(now));
        if state.fits(rule, 1) {
            state.spend(rule, 1);
            admitted += 1;
        }
    }
    admitted
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const COUNTED: [Algorithm; 4] = [
        Algorithm::TokenBucket,
        Algorithm::FixedWindow,
        Algorithm::SlidingWindowLog,
        Algorithm::SlidingWindowCounter,
    ];

    /// A limiter of `admits` units, loaded evenly, whose answers take `answer_ms`.
    fn run(rule: &Rule, admits: u64, load: u64, answer_ms: u64) -> Vec<Admitted> {
        let rule = Rule { limit: admits, burst: admits, ..*rule };
        let begin = 1_000_000_123;
        let mut state = State::fresh(&rule, Millis(begin));
        let offered = rule.limit * load / 10 * 3;
        let mut admitted = Vec::new();
        let moments = (0..offered).map(|n| {
            let sent_ms = begin + n * rule.window_ms * 3 / offered;
            (sent_ms + answer_ms * (n % 3) / 2, sent_ms)
        });
        for (decided, sent_ms) in moments.collect::<BTreeSet<_>>() {
            state.advance(&rule, Millis(decided));
            if state.fits(&rule, 1) {
                state.spend(&rule, 1);
                let reset_at = decided + state.fresh_ms(&rule) + answer_ms / 2;
                admitted.push(Admitted { sent_ms, received_ms: sent_ms + answer_ms, reset_at });
            }
        }
        admitted
    }

    #[test]
    fn a_limiter_that_keeps_its_limit_is_not_accused() {
        for algorithm in COUNTED {
            for (load, answer_ms) in [(5, 2), (10, 7), (20, 2), (20, 60), (100, 20)] {
                let rule = Rule { algorithm, limit: 200, window_ms: 2_000, burst: 200 };
                let run = run(&rule, 200, load, answer_ms);
                assert_eq!(over(&rule, &run), Ok(()), "{algorithm:?} {load} {answer_ms}");
            }
        }
    }

    #[test]
    fn a_twentieth_too_much_is_found() {
        for algorithm in COUNTED {
            for (load, answer_ms) in [(20, 2), (20, 20), (100, 10)] {
                let rule = Rule { algorithm, limit: 200, window_ms: 2_000, burst: 200 };
                let run = run(&rule, 210, load, answer_ms);
                assert!(over(&rule, &run).is_err(), "{algorithm:?} {load} {answer_ms}");
            }
        }
    }

    #[test]
    fn one_counter_admits_its_limit() {
        let rule =
            Rule { algorithm: Algorithm::FixedWindow, limit: 10, window_ms: 1_000, burst: 10 };
        assert_eq!(alone(&rule, (5_000..7_000).step_by(20).collect()), 20);
        assert_eq!(alone(&rule, vec![]), 0);
    }
}
