//! The lane before a machine: its queue, and who commits what waits there.
//!
//! Invariant: inputs that name a key in common are committed in the order of their coming. Commits
//! that are under way at once name no key in common, so that none waits for another's locks; what
//! one loads beyond the keys that it names is locked by the database, as between replicas.

use super::{Answer, Done, InputOf, ReplyOf, Store, attempt};
use crate::app::App;
use crate::db::Error;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use shared::idempotency::{self, Key};
use shared::machine::Machine;
use shared::problem::{Problem, UNAVAILABLE};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Weak};
use tokio::sync::{mpsc, oneshot};

/// Weight of one commit at which no further input joins it.
const WEIGHT_MAX: usize = 4_096;
/// Inputs that wait; above it the lane says 503 at once.
const WAITING_MAX: usize = 8_192;
/// Inputs that are looked at for the next commit, of which the others may hold some up.
const LOOKED_AT_MAX: usize = 2_048;

pub(super) struct Job<S: Store> {
    pub(super) key: Option<Key>,
    pub(super) input: InputOf<S>,
    pub(super) answer: Answer<ReplyOf<S>>,
    done: oneshot::Sender<Result<Done<ReplyOf<S>>, Problem>>,
}

/// A lane.
pub struct Lane<S: Store>(mpsc::Sender<Job<S>>);

impl<S: Store> std::fmt::Debug for Lane<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Lane")
    }
}

type KeyOf<S> = <<S as Store>::Machine as Machine>::Key;

impl<S: Store> Lane<S>
where
    InputOf<S>: Clone + Send + Sync,
    ReplyOf<S>: Send,
    KeyOf<S>: Send + Sync,
    <S::Machine as Machine>::View: Send + Sync,
    <S::Machine as Machine>::Write: Send + Sync,
{
    /// Starts the lane's task, with as many commits at once as there are stores; it ends with the
    /// last handle.
    #[must_use]
    pub fn start(stores: Vec<S>, app: Weak<App>) -> Self {
        let (send, receive) = mpsc::channel(WAITING_MAX);
        tokio::spawn(run(Queue::new(stores), receive, app));
        Self(send)
    }

    /// Puts one input in and waits for its answer.
    ///
    /// # Errors
    /// 503 when the lane is full or the database is down, 422 for a key used otherwise.
    pub async fn submit(
        &self,
        key: Option<Key>,
        input: InputOf<S>,
        answer: Answer<ReplyOf<S>>,
    ) -> Result<Done<ReplyOf<S>>, Problem> {
        let (done, wait) = oneshot::channel();
        let full = || Problem::new(&UNAVAILABLE, "too many writes are waiting").retry_after(1);
        self.0.try_send(Job { key, input, answer, done }).map_err(|_| full())?;
        wait.await.map_err(|_| full())?
    }
}

async fn run<S: Store>(mut queue: Queue<S>, mut receive: mpsc::Receiver<Job<S>>, app: Weak<App>)
where
    InputOf<S>: Clone + Send + Sync,
    ReplyOf<S>: Send,
    KeyOf<S>: Send + Sync,
    <S::Machine as Machine>::View: Send + Sync,
    <S::Machine as Machine>::Write: Send + Sync,
{
    let (mut under_way, mut come) = (FuturesUnordered::new(), Vec::new());
    loop {
        let room = LOOKED_AT_MAX.saturating_sub(queue.waiting.len());
        tokio::select! {
            count = receive.recv_many(&mut come, room), if room > 0 => {
                if count == 0 {
                    return;
                }
                queue.waiting.extend(come.drain(..));
            }
            Some((n, ended)) = under_way.next() => {
                if let Err(error) = ended {
                    tracing::error!(%error, "a commit ended without an answer");
                }
                queue.ended(n);
            }
            // Whatever fills the queue has a commit under way.
            else => return,
        }
        // Not before something has come: the lane is a part of what is upgraded to.
        let Some(app) = app.upgrade() else { return };
        while let Some((n, store, jobs)) = queue.next() {
            app.metrics.lane_inputs.observe(jobs.len() as f64);
            let app = Arc::clone(&app);
            let work = tokio::spawn(async move { commit_all(&*store, &app, jobs).await });
            under_way.push(async move { (n, work.await) });
        }
    }
}

/// What waits, who may commit, and the keys of what is under way.
struct Queue<S: Store> {
    stores: Vec<Arc<S>>,
    idle: BTreeSet<usize>,
    waiting: VecDeque<Job<S>>,
    under_way: BTreeMap<usize, BTreeSet<KeyOf<S>>>,
}

impl<S: Store> Queue<S> {
    fn new(stores: Vec<S>) -> Self {
        Self {
            idle: (0..stores.len()).collect(),
            stores: stores.into_iter().map(Arc::new).collect(),
            waiting: VecDeque::new(),
            under_way: BTreeMap::new(),
        }
    }

    /// The next commit: the number of its store, the store, and what it commits.
    fn next(&mut self) -> Option<(usize, Arc<S>, Vec<Job<S>>)> {
        let n = *self.idle.first()?;
        let store = Arc::clone(self.stores.get(n)?);
        let (jobs, keys) = self.take(store.machine());
        if jobs.is_empty() {
            return None;
        }
        self.idle.remove(&n);
        self.under_way.insert(n, keys);
        Some((n, store, jobs))
    }

    fn ended(&mut self, n: usize) {
        self.under_way.remove(&n);
        self.idle.insert(n);
    }

    /// As many as make one commit, in their order, but for those that name a key of what is under
    /// way or of what is passed over before them.
    fn take(&mut self, machine: &S::Machine) -> (Vec<Job<S>>, BTreeSet<KeyOf<S>>) {
        let is_alone = self.stores.len() == 1;
        let (mut jobs, mut keys, mut weight) = (Vec::new(), BTreeSet::new(), 0);
        let (mut rest, mut held) = (VecDeque::new(), BTreeSet::new());
        while let Some(job) = self.waiting.pop_front() {
            if jobs.len() >= S::INPUTS_MAX || weight >= WEIGHT_MAX {
                self.waiting.push_front(job);
                break;
            }
            let mut named = BTreeSet::new();
            if !is_alone {
                machine.reads(&job.input, &mut named);
            }
            let is_busy = |key| self.under_way.values().any(|keys| keys.contains(key));
            if named.iter().any(|key| held.contains(key) || is_busy(key)) {
                held.append(&mut named);
                rest.push_back(job);
                continue;
            }
            weight += S::weight(&job.input);
            keys.append(&mut named);
            jobs.push(job);
        }
        rest.append(&mut self.waiting);
        self.waiting = rest;
        (jobs, keys)
    }
}

async fn commit_all<S: Store>(store: &S, app: &App, jobs: Vec<Job<S>>)
where
    InputOf<S>: Clone,
{
    match attempt(store, app, &jobs).await {
        Ok(results) => answer(jobs, results),
        // One of them waits for a lock that another replica holds: let the others go on.
        Err(error) if error.is_lock() && jobs.len() > 1 => {
            for job in jobs {
                match attempt(store, app, std::slice::from_ref(&job)).await {
                    Ok(results) => answer(vec![job], results),
                    Err(error) => fail(vec![job], &error),
                }
            }
        }
        Err(error) => fail(jobs, &error),
    }
}

fn answer<S: Store>(jobs: Vec<Job<S>>, results: Vec<Result<Done<ReplyOf<S>>, Problem>>) {
    for (job, result) in jobs.into_iter().zip(results) {
        // A caller that went away needs no answer.
        let _ = job.done.send(result);
    }
}

fn fail<S: Store>(jobs: Vec<Job<S>>, error: &Error) {
    let problem = if error.is_lock() { idempotency::in_progress() } else { error.problem() };
    for job in jobs {
        let _ = job.done.send(Err(problem.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payments::store::LedgerStore;
    use shared::payments::ledger::{Actor, Input};
    use shared::payments::request::{self, Ask};
    use shared::payments::wire::account_id;

    const SELVES: [LedgerStore; 2] = [LedgerStore { shard: 0 }, LedgerStore { shard: 1 }];

    /// A transfer between two accounts, with the first one's number as its own.
    fn put(queue: &mut Queue<LedgerStore>, debit: u64, credit: u64) {
        let body = serde_json::json!({
            "debit_account": account_id(debit), "credit_account": account_id(credit),
            "amount": 1, "currency": "EUR",
        });
        let order = match request::transfers(body.to_string().as_bytes()).unwrap() {
            Ask::One(order) => order,
            Ask::Many { mut orders, .. } => orders.remove(0).unwrap(),
        };
        let actor = Actor { app: String::new(), by: String::new(), request: String::new() };
        let (input, answer) = (Input::Transfer(actor, debit, order), Arc::new(|_: &_| None) as _);
        let (done, _) = oneshot::channel();
        queue.waiting.push_back(Job { key: None, input, answer, done });
    }

    fn next(queue: &mut Queue<LedgerStore>) -> Option<(usize, Vec<u64>)> {
        let (n, _, jobs) = queue.next()?;
        let ids = jobs.iter().map(|job| match job.input {
            Input::Transfer(_, id, _) => id,
            _ => 0,
        });
        Some((n, ids.collect()))
    }

    #[test]
    fn commits_at_once_share_no_account_and_every_account_keeps_its_order() {
        let mut queue = Queue::new(SELVES.to_vec());
        put(&mut queue, 1, 2);
        put(&mut queue, 2, 3);
        assert_eq!(next(&mut queue), Some((0, vec![1, 2])));
        for (debit, credit) in [(11, 12), (13, 3), (14, 13), (15, 11), (16, 14)] {
            put(&mut queue, debit, credit);
        }
        // 13 waits for 3, and therefore 14 for 13, and 16 for 14.
        assert_eq!(next(&mut queue), Some((1, vec![11, 15])));
        put(&mut queue, 21, 22);
        assert_eq!(next(&mut queue), None, "nobody is idle");
        queue.ended(1);
        assert_eq!(next(&mut queue), Some((1, vec![21])));
        queue.ended(0);
        assert_eq!(next(&mut queue), Some((0, vec![13, 14, 16])));
        queue.ended(0);
        assert_eq!(next(&mut queue), None, "nothing waits");
    }

    #[test]
    fn alone_everything_goes_in_its_order() {
        let mut queue = Queue::new(SELVES[..1].to_vec());
        let count = LedgerStore::INPUTS_MAX as u64 + 1;
        (1..=count).for_each(|n| put(&mut queue, n, n + 1));
        assert_eq!(next(&mut queue), Some((0, (1..count).collect())));
        assert_eq!(next(&mut queue), None);
        queue.ended(0);
        assert_eq!(next(&mut queue), Some((0, vec![count])));
    }
}
