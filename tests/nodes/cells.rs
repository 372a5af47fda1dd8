//! The matrix: isolates × load × window × algorithm, and one cell of it played.
//!
//! Invariant: requests are offered at moments that are fixed before, evenly, over the isolates in
//! turn; a request that is late is sent late, not left out.

use crate::judge::{self, Admitted};
use crate::node::{Nodes, Seen, now_ms, policy, statuses};
use shared::limits::meter::held::LIFE_MS_MAX;
use shared::limits::rule::{Algorithm, Rule};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

const ALGORITHMS: [Algorithm; 4] = [
    Algorithm::TokenBucket,
    Algorithm::FixedWindow,
    Algorithm::SlidingWindowLog,
    Algorithm::SlidingWindowCounter,
];
const ISOLATES: [usize; 3] = [1, 3, 9];
/// In tenths of the limit.
const LOADS: [u64; 4] = [5, 10, TWICE, 100];
const TWICE: u64 = 20;
/// The window, its limit, and how long it is loaded, in milliseconds: some windows to their end, or
/// of the longest the load of a whole one within ten seconds.
const WINDOWS: [(u64, u64, u64); 4] =
    [(1_000, 40, 4_000), (2_000, 80, 4_000), (10_000, 200, 17_000), (600_000, 200, 10_000)];
/// Requests of one cell under way at once.
const AT_ONCE_MAX: usize = 32;
/// A request is in time when it was sent and answered so much after its moment at most: a tenth of
/// the window, but for the longest.
const LATE_MS_MAX: u64 = 500;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell {
    pub(crate) rule: Rule,
    pub(crate) isolates: usize,
    pub(crate) load: u64,
    run_ms: u64,
}

/// Every cell, unless few are enough: all at twice the limit; of the other loads a third, of the
/// highest a sixth, so that each algorithm and each number of isolates meets it in some window.
pub(crate) fn cells(all: bool) -> Vec<Cell> {
    let mut cells = Vec::new();
    for (w, (window_ms, limit, run_ms)) in WINDOWS.into_iter().enumerate() {
        for load in LOADS {
            for (a, algorithm) in ALGORITHMS.into_iter().enumerate() {
                for (i, isolates) in ISOLATES.into_iter().enumerate() {
                    let rule = Rule { algorithm, limit, window_ms, burst: limit };
                    let is_third = (w + a) % ISOLATES.len() == i;
                    let is_few = is_third && (load < TWICE || (w + a).is_multiple_of(2));
                    if all || load == TWICE || is_few {
                        cells.push(Cell { rule, isolates, load, run_ms });
                    }
                }
            }
        }
    }
    cells
}

impl Cell {
    pub(crate) fn window_ms(&self) -> u64 {
        self.rule.window_ms
    }

    fn offered(&self) -> u64 {
        let loaded_ms =
            if self.rule.window_ms > self.run_ms { self.run_ms } else { self.rule.window_ms };
        self.rule.limit * self.load * self.run_ms / 10 / loaded_ms
    }

    /// Requests in a second.
    pub(crate) fn rate(&self) -> u64 {
        self.offered() * 1_000 / self.run_ms
    }

    fn name(&self) -> String {
        let algorithm = serde_json::to_value(self.rule.algorithm).unwrap();
        format!("{}-{}", algorithm.as_str().unwrap().replace('_', "-"), self.rule.window_ms)
    }

    pub(crate) async fn publish(&self, nodes: &Nodes) {
        nodes.publish(&self.name(), &policy(&self.rule)).await;
    }

    /// Offers the load to a fresh key.
    pub(crate) async fn play(self, nodes: Nodes, round: u64) -> Played {
        let nodes = nodes.first(self.isolates);
        let (name, offered) = (self.name(), self.offered());
        let key = format!("{}-{}-{round}", self.isolates, self.load);
        let late_ms_max = (self.rule.window_ms / 10).min(LATE_MS_MAX);
        let at_once = Arc::new(Semaphore::new(AT_ONCE_MAX));
        let begin_ms = now_ms();
        let mut under_way = JoinSet::new();
        for n in 0..offered {
            let due_ms = begin_ms + n * self.run_ms / offered;
            let wait_ms = due_ms.saturating_sub(now_ms());
            if wait_ms > 0 {
                tokio::time::sleep(Duration::from_millis(wait_ms)).await;
            }
            let permit = Arc::clone(&at_once).acquire_owned().await.unwrap();
            let (nodes, name, key) = (nodes.clone(), name.clone(), key.clone());
            under_way.spawn(async move {
                let seen = nodes.check(n as usize % nodes.count(), &name, &key).await;
                drop(permit);
                (seen.received_ms.saturating_sub(due_ms) <= late_ms_max, seen)
            });
        }
        let answers = under_way.join_all().await;
        let in_time = answers.iter().filter(|(in_time, _)| *in_time).count();
        Played { cell: self, in_time, seen: answers.into_iter().map(|(_, seen)| seen).collect() }
    }
}

/// What is said of a cell.
pub(crate) struct Judged {
    pub(crate) line: String,
    pub(crate) wrong: Vec<String>,
    /// Nothing was late.
    pub(crate) in_time: bool,
    /// It has to be played again to be judged.
    pub(crate) again: bool,
}

/// What came of a cell.
pub(crate) struct Played {
    pub(crate) cell: Cell,
    in_time: usize,
    seen: Vec<Seen>,
}

impl Played {
    /// One line, and what is wrong with it.
    pub(crate) fn judge(&self) -> Judged {
        let Cell { rule, isolates, load, .. } = self.cell;
        let admitted: Vec<Admitted> = self.seen.iter().filter_map(admitted).collect();
        let decided = self.seen.iter().filter(|seen| seen.is_decided()).count();
        let several = admitted.len() as u64;
        // Decisions fall between sending and arrival: whichever is worse for one counter.
        let sent = judge::alone(&rule, self.seen.iter().map(|seen| seen.sent_ms).collect());
        let received = judge::alone(&rule, self.seen.iter().map(|seen| seen.received_ms).collect());
        let alone = sent.min(received);
        let (offered, in_time) = (self.seen.len(), self.in_time);
        let leased = self.by("lease");
        let slowest = self.seen.iter().map(|seen| seen.received_ms - seen.sent_ms).max();
        let mut line = format!(
            "{:?} {isolates} isolates, {} in {} ms, load {}: offered {offered} ({in_time} in \
             time, the slowest {} ms), admitted {several} ({leased} leased), one counter {alone}",
            rule.algorithm,
            rule.limit,
            rule.window_ms,
            load as f64 / 10.0,
            slowest.unwrap_or_default(),
        );
        let mut wrong = Vec::new();
        if let Err(why) = judge::over(&rule, &admitted) {
            wrong.push(format!("over-admitted: {why}: {line}"));
        }
        let is_in_time = in_time * 100 >= offered * 95;
        let is_judged = is_in_time && decided == offered;
        if !is_judged {
            let statuses = statuses(&self.seen);
            line += &format!("; NOT JUDGED for under-admission: late, or unanswered: {statuses:?}");
        } else if several < self.least(alone, leased > 0) {
            wrong.push(format!("under-admitted: {line}"));
        }
        Judged { line, wrong, in_time: is_in_time, again: !is_judged && load == TWICE }
    }

    /// What several isolates must admit of what one counter would: a hundredth less at twice the
    /// limit (M5); else as `tests/sim/limits`. Leased units begin to come back when the lease is
    /// closed, so that once in a run the units of a lease's life are late.
    fn least(&self, alone: u64, is_leased: bool) -> u64 {
        let Cell { rule, load, .. } = self.cell;
        let life_ms = LIFE_MS_MAX.min(rule.window_ms / 10);
        let late = if is_leased { rule.limit * life_ms / rule.window_ms } else { 0 };
        (alone * if load == TWICE { 99 } else { 95 } / 100).saturating_sub(late)
    }

    fn by(&self, whom: &str) -> usize {
        let said = self.seen.iter().filter_map(|seen| seen.said.as_ref());
        said.filter(|said| said.allowed && said.served_by == whom).count()
    }
}

fn admitted(seen: &Seen) -> Option<Admitted> {
    let said = seen.said.as_ref().filter(|said| said.allowed)?;
    let Seen { sent_ms, received_ms, .. } = *seen;
    Some(Admitted { sent_ms, received_ms, reset_at: said.reset_at.0 })
}
