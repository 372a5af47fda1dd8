//! The origin's driver of machines: one transaction for 1…n inputs, which is the group commit.
//!
//! Invariant: load → decide → apply → commit once → answer. An idempotency record is written in
//! the transaction of its effect. A transaction that meets a row which another replica wrote
//! meanwhile is thrown away whole and begun again from the load.

use crate::app::App;
use crate::db::{self, Error, Tx, Value};
use crate::rows::{Rows, Type};
use crate::{outbox, values};
use shared::envelope::Envelope;
use shared::idempotency::{self, Key, Record};
use shared::machine::{At, Machine, turn};
use shared::problem::{Problem, UNAVAILABLE};
use shared::roads::Register;
use shared::time::Millis;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Weak};
use tokio::sync::{mpsc, oneshot};

mod recall;
pub use recall::{recall, remember};

/// Weight of one commit at which no further input joins it.
const WEIGHT_MAX: usize = 4_096;
/// Inputs that wait; above it the lane says 503 at once.
const WAITING_MAX: usize = 8_192;
/// How often a transaction is begun again for another replica's sake.
const TRIES_MAX: u32 = 5;

/// Where a machine's rows are.
pub trait Store: Send + Sync + 'static {
    type Machine: Machine<Post = Register> + Send + Sync;
    /// Inputs of one commit: at 1 ms per fsync, 256,000 a second are more than decide takes.
    const INPUTS_MAX: usize = 256;
    fn machine(&self) -> &Self::Machine;
    /// How many plain inputs this one is worth.
    fn weight(_: &<Self::Machine as Machine>::Input) -> usize {
        1
    }
    /// Loads and locks the rows of `keys`, in key order.
    fn load(
        &self,
        tx: &mut Tx<'_>,
        keys: &BTreeSet<<Self::Machine as Machine>::Key>,
    ) -> impl Future<Output = Result<<Self::Machine as Machine>::View, Error>> + Send;
    /// Writes, given the view after them; `false`: another replica was faster, nothing may be
    /// committed.
    fn commit(
        &self,
        tx: &mut Tx<'_>,
        view: &<Self::Machine as Machine>::View,
        writes: &[<Self::Machine as Machine>::Write],
    ) -> impl Future<Output = Result<bool, Error>> + Send;
}

type InputOf<S> = <<S as Store>::Machine as Machine>::Input;
type ReplyOf<S> = <<S as Store>::Machine as Machine>::Reply;
/// Makes the answer of a reply; `None`: the handler goes on itself, nothing is stored.
pub type Answer<R> = Arc<dyn Fn(&R) -> Option<Envelope> + Send + Sync>;

/// What a job ends with.
#[derive(Debug)]
pub enum Done<R> {
    /// The answer, new or replayed.
    Answered(Envelope),
    /// The reply for which `Answer` made no envelope.
    Reply(R),
}

struct Job<S: Store> {
    key: Option<Key>,
    input: InputOf<S>,
    answer: Answer<ReplyOf<S>>,
    done: oneshot::Sender<Result<Done<ReplyOf<S>>, Problem>>,
}

/// A lane: the queue before one machine.
pub struct Lane<S: Store>(mpsc::Sender<Job<S>>);

impl<S: Store> std::fmt::Debug for Lane<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Lane")
    }
}

impl<S: Store> Lane<S>
where
    InputOf<S>: Clone + Send + Sync,
    ReplyOf<S>: Send,
    <S::Machine as Machine>::Key: Send + Sync,
    <S::Machine as Machine>::View: Send + Sync,
    <S::Machine as Machine>::Write: Send + Sync,
{
    /// Starts the lane's task; it ends with the last handle.
    #[must_use]
    pub fn start(store: S, app: Weak<App>) -> Self {
        let (send, mut receive) = mpsc::channel::<Job<S>>(WAITING_MAX);
        tokio::spawn(async move {
            let mut jobs = Vec::with_capacity(S::INPUTS_MAX);
            while receive.recv_many(&mut jobs, S::INPUTS_MAX).await > 0 {
                let Some(app) = app.upgrade() else { return };
                while !jobs.is_empty() {
                    let rest = jobs.split_off(together::<S>(&jobs));
                    app.metrics.lane_inputs.observe(jobs.len() as f64);
                    commit_all(&store, &app, std::mem::replace(&mut jobs, rest)).await;
                }
            }
        });
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

/// How many of the jobs make one commit: at least one.
fn together<S: Store>(jobs: &[Job<S>]) -> usize {
    let mut weight = 0;
    let heavy = jobs.iter().position(|job| {
        weight += S::weight(&job.input);
        weight >= WEIGHT_MAX
    });
    heavy.map_or(jobs.len(), |last| last + 1)
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

type Results<S> = Vec<Result<Done<ReplyOf<S>>, Problem>>;

async fn attempt<S: Store>(store: &S, app: &App, jobs: &[Job<S>]) -> Result<Results<S>, Error>
where
    InputOf<S>: Clone,
{
    for _ in 0..TRIES_MAX {
        let mut tx = app.db.begin().await?;
        tx.lock_timeout(idempotency::WAIT_MS).await?;
        if let Some(results) = transact(store, app, jobs, &mut tx).await? {
            tx.commit().await?;
            app.outbox_news.notify_one();
            return Ok(results);
        }
    }
    Err(Error::Stored(format!("another replica was faster {TRIES_MAX} times")))
}

/// One transaction up to its commit; `None`: another replica was faster.
async fn transact<S: Store>(
    store: &S,
    app: &App,
    jobs: &[Job<S>],
    tx: &mut Tx<'_>,
) -> Result<Option<Results<S>>, Error>
where
    InputOf<S>: Clone,
{
    let machine = store.machine();
    let now = db::now();
    let records = load_records(tx, jobs.iter().filter_map(|job| job.key.as_ref()), now).await?;
    let mut keys = BTreeSet::new();
    for job in jobs {
        machine.reads(&job.input, &mut keys);
    }
    let mut view = store.load(tx, &keys).await?;
    let (mut writes, mut posts, mut stored) = (Vec::new(), Vec::new(), Vec::new());
    let mut fresh: BTreeMap<(&str, &str), Record> = BTreeMap::new();
    let mut results = Vec::with_capacity(jobs.len());
    let copied = copied(jobs);
    for job in jobs {
        if let Some(key) = &job.key
            && let Some(record) =
                fresh.get(&(&*key.scope, &*key.key)).or_else(|| known(&records, key))
        {
            results.push(idempotency::replay(key, record).map(Done::Answered));
            continue;
        }
        let at = At { now, draw: rand::random() };
        let mut step = turn(machine, &mut view, at, [job.input.clone()]);
        writes.append(&mut step.writes);
        posts.append(&mut step.posts);
        let Some(reply) = step.replies.pop() else { continue };
        let Some(answer) = (job.answer)(&reply) else {
            results.push(Ok(Done::Reply(reply)));
            continue;
        };
        if let Some(key) = &job.key
            && idempotency::is_stored(answer.status)
        {
            stored.push((key, serde_json::to_string(&answer)?));
            if copied.contains(&(&*key.scope, &*key.key)) {
                let fingerprint = key.fingerprint.clone();
                let record = Record { fingerprint, answer: answer.clone() };
                fresh.insert((&key.scope, &key.key), record);
            }
        }
        results.push(Ok(Done::Answered(answer)));
    }
    let free = store.commit(tx, &view, &writes).await? && store_records(tx, stored, now).await?;
    // The edge applies the answer's projections itself; the relay is for when it could not.
    let due = now.plus(app.config.durations.relay_grace_ms);
    outbox::append(tx, app, &posts, due).await?;
    Ok(free.then_some(results))
}

/// The keys that stand more than once among the jobs: of these the answer is kept at hand.
fn copied<S: Store>(jobs: &[Job<S>]) -> BTreeSet<(&str, &str)> {
    let mut keys: Vec<(&str, &str)> = jobs
        .iter()
        .filter_map(|job| job.key.as_ref())
        .map(|key| (&*key.scope, &*key.key))
        .collect();
    keys.sort_unstable();
    keys.windows(2).filter(|two| two.first() == two.last()).flatten().copied().collect()
}

/// Most commits find no record, and then copy no key.
fn known<'a>(records: &'a Records, key: &Key) -> Option<&'a Record> {
    if records.is_empty() {
        return None;
    }
    records.get(&(key.scope.clone(), key.key.clone()))
}

type Records = BTreeMap<(String, String), Record>;

async fn load_records(
    tx: &mut Tx<'_>,
    keys: impl Iterator<Item = &Key>,
    now: Millis,
) -> Result<Records, Error> {
    let keys: BTreeSet<(&str, &str)> = keys.map(|key| (&*key.scope, &*key.key)).collect();
    let values = keys.into_iter().flat_map(|(scope, key)| values![scope, key]).collect();
    let asked = Rows { types: &[Type::Text; 2], values };
    let rows = tx
        .read_rows(asked, |rows| {
            // One look-up per key, whatever the table's size was when the plan was made.
            format!(
                "select scope, key, found from (select column1 as scope, column2 as key, \
                 (select expires_at || '|' || fingerprint || '|' || answer from idempotency \
                 where scope = column1 and key = column2) as found \
                 from {rows} where column1 is not null) as each where found is not null"
            )
        })
        .await?;
    let mut records = BTreeMap::new();
    for row in rows {
        let found = db::text(&row, "found")?;
        let mut parts = found.splitn(3, '|');
        let mut part = || parts.next().ok_or_else(|| Error::Stored("an answer".into()));
        let (expires_at, fingerprint, answer) = (part()?, part()?, part()?);
        if expires_at.parse().unwrap_or(0) <= now.0 {
            continue;
        }
        let answer = serde_json::from_str(answer)?;
        let record = Record { fingerprint: fingerprint.into(), answer };
        records.insert((db::text(&row, "scope")?, db::text(&row, "key")?), record);
    }
    Ok(records)
}

/// Writes the records; `false`: a copy of one of the requests was answered elsewhere meanwhile.
async fn store_records(
    tx: &mut Tx<'_>,
    records: Vec<(&Key, String)>,
    now: Millis,
) -> Result<bool, Error> {
    let (count, mut values) = (records.len(), Vec::with_capacity(records.len() * 5));
    let expires_at = now.plus(idempotency::KEEP_MS);
    for (key, answer) in records {
        values.extend(values![&*key.scope, &*key.key, &*key.fingerprint, answer, expires_at]);
    }
    const TYPES: &[Type] = &[Type::Text, Type::Text, Type::Text, Type::Text, Type::Int];
    let written = tx
        .write_rows(Rows { types: TYPES, values }, |rows| {
            format!(
                "insert into idempotency (scope, key, fingerprint, answer, expires_at) \
                 select * from {rows} where column1 is not null \
                 on conflict (scope, key) do update set fingerprint = excluded.fingerprint, \
                 answer = excluded.answer, expires_at = excluded.expires_at \
                 where idempotency.expires_at <= excluded.expires_at - {}",
                idempotency::KEEP_MS
            )
        })
        .await?;
    Ok(written == count as u64)
}

/// An answer without a machine: made once per key, stored beside nothing else.
///
/// # Errors
/// The database is down.
pub async fn once(
    app: &App,
    key: Option<Key>,
    make: impl FnOnce() -> Envelope,
) -> Result<Result<Envelope, Problem>, Error> {
    let Some(key) = key else { return Ok(Ok(make())) };
    let mut tx = app.db.begin().await?;
    let now = db::now();
    let records = load_records(&mut tx, std::iter::once(&key), now).await?;
    if let Some(record) = records.get(&(key.scope.clone(), key.key.clone())) {
        return Ok(idempotency::replay(&key, record));
    }
    let answer = make();
    let text = serde_json::to_string(&answer)?;
    if !store_records(&mut tx, vec![(&key, text)], now).await? {
        return Ok(Err(idempotency::in_progress()));
    }
    tx.commit().await?;
    Ok(Ok(answer))
}

/// An answer whose effect is a few statements: both are written in one transaction, or the
/// stored answer is given again and nothing is written.
///
/// # Errors
/// The database is down.
pub async fn once_with(
    app: &App,
    key: Option<Key>,
    writes: Vec<(&str, Vec<Value>)>,
    answer: Envelope,
) -> Result<Result<Envelope, Problem>, Error> {
    let mut tx = app.db.begin().await?;
    let now = db::now();
    if let Some(key) = key {
        let records = load_records(&mut tx, std::iter::once(&key), now).await?;
        if let Some(record) = records.get(&(key.scope.clone(), key.key.clone())) {
            return Ok(idempotency::replay(&key, record));
        }
        let text = serde_json::to_string(&answer)?;
        if !store_records(&mut tx, vec![(&key, text)], now).await? {
            return Ok(Err(idempotency::in_progress()));
        }
    }
    for (sql, values) in writes {
        tx.write(sql, values).await?;
    }
    tx.commit().await?;
    Ok(Ok(answer))
}

/// Forgets the answers whose time is over.
///
/// # Errors
/// The database is down.
pub async fn sweep(app: &App) -> Result<u64, Error> {
    let mut tx = app.db.begin().await?;
    let gone =
        tx.write("delete from idempotency where expires_at <= $1", values![db::now()]).await?;
    tx.commit().await?;
    Ok(gone)
}
