//! When a delivery that failed is tried again.
//!
//! Invariant: the wait doubles from `base_ms` up to `max_ms`, drawn from its upper half; the last
//! attempt is at the end of the message's life, not before, and none is after it.

use crate::machine::backoff_ms;
use crate::time::{DAY_MS, HOUR_MS, Millis, SECOND_MS};

/// First wait: 5 s.
pub const BASE_MS: u64 = 5 * SECOND_MS;
/// Longest wait: 5 s × 2^12 = 5.7 h is the last below it. With that, 12 waits of 5.1 h in all, then
/// 67 h in waits of 4.5 h on average: some 28 attempts.
pub const MAX_MS: u64 = 6 * HOUR_MS;
/// A message is tried for so long: three days.
pub const LIFE_MS: u64 = 3 * DAY_MS;

/// How long to wait, how long to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// First wait.
    pub base_ms: u64,
    /// Longest wait.
    pub max_ms: u64,
    /// From the message's making to its last attempt.
    pub life_ms: u64,
}

impl Schedule {
    /// When to try again after so many attempts failed, the last one `now`; `None`: never.
    #[must_use]
    pub fn next(&self, made: Millis, now: Millis, attempts: u32, draw: u64) -> Option<Millis> {
        let end = made.plus(self.life_ms);
        if now >= end {
            return None;
        }
        let n = attempts.saturating_sub(1);
        Some(now.plus(backoff_ms(n, self.base_ms, self.max_ms, draw)).min(end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::mix;
    use alloc::vec::Vec;

    const MADE: Millis = Millis(1_790_000_000_000);
    const SCHEDULE: Schedule = Schedule { base_ms: BASE_MS, max_ms: MAX_MS, life_ms: LIFE_MS };

    fn attempts(mut draw: u64) -> Vec<u64> {
        let (mut now, mut all) = (MADE, Vec::new());
        loop {
            all.push(now.since(MADE));
            draw = mix(draw);
            let count = u32::try_from(all.len()).unwrap();
            match SCHEDULE.next(MADE, now, count, draw) {
                // What is sent takes a while to fail.
                Some(next) => now = next.plus(if next == MADE.plus(LIFE_MS) { 0 } else { 15_000 }),
                None => return all,
            }
        }
    }

    #[test]
    fn p11_a_message_is_tried_for_three_days_and_not_longer() {
        for seed in 0..500 {
            let all = attempts(seed);
            assert_eq!(*all.last().unwrap(), LIFE_MS, "{seed}: {all:?}");
            assert!((22..=40).contains(&all.len()), "{seed}: {}", all.len());
            assert!(all[1] < 5_000 + 15_000 && all[1] >= 2_500, "{seed}");
            assert!(all.windows(2).all(|two| two[0] < two[1]), "{seed}: {all:?}");
            let longest = all.windows(2).map(|two| two[1] - two[0]).max().unwrap();
            assert!(longest <= MAX_MS + 15_000, "{seed}");
        }
        assert_ne!(attempts(1), attempts(2), "jitter");
    }
}
