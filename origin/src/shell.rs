//! The origin's driver of machines: one transaction for 1…n inputs, which is the group commit.
//!
//! Invariant: load → decide → apply → commit once → answer. An idempotency record is written in
//! the transaction of its effect. A transaction that meets a row which another replica wrote
//! meanwhile is thrown away whole and begun again from the load.

mod answers;
mod lane;

pub(crate) use answers::{load_records, store_records};
pub use answers::{once, replayed, sweep};
pub use lane::Lane;

use crate::app::App;
use crate::db::{self, Error, Tx};
use crate::outbox;
use answers::known;
use lane::Job;
use shared::envelope::Envelope;
use shared::idempotency::{self, Key, Record};
use shared::machine::{At, Machine, turn};
use shared::problem::Problem;
use shared::roads::Register;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

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
        app: &App,
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

/// Keys with the texts of their answers.
type Stored<'a> = Vec<(&'a Key, String)>;
type Results<S> = Vec<Result<Done<ReplyOf<S>>, Problem>>;

async fn attempt<S: Store>(store: &S, app: &App, jobs: &[Job<S>]) -> Result<Results<S>, Error>
where
    InputOf<S>: Clone,
{
    for _ in 0..TRIES_MAX {
        let mut tx = app.db.begin_waiting(idempotency::WAIT_MS).await?;
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
    let (mut writes, mut posts) = (Vec::new(), Vec::new());
    let mut fresh: BTreeMap<(&str, &str), Record> = BTreeMap::new();
    let mut decided = Vec::with_capacity(jobs.len());
    let copied = copied(jobs);
    for job in jobs {
        if let Some(key) = &job.key
            && let Some(record) =
                fresh.get(&(&*key.scope, &*key.key)).or_else(|| known(&records, key))
        {
            decided.push(Decided::Replayed(idempotency::replay(key, record)));
            continue;
        }
        let at = At { now, draw: rand::random() };
        let mut step = turn(machine, &mut view, at, [job.input.clone()]);
        writes.append(&mut step.writes);
        posts.append(&mut step.posts);
        let Some(reply) = step.replies.pop() else { continue };
        if let Some(key) = &job.key
            && copied.contains(&(&*key.scope, &*key.key))
            && let Some(answer) = (job.answer)(&reply)
            && idempotency::is_stored(answer.status)
        {
            let record = Record { fingerprint: key.fingerprint.clone(), answer };
            fresh.insert((&key.scope, &key.key), record);
        }
        decided.push(Decided::Now(reply));
    }
    // While the database writes, the answers are made.
    let (written, answered) =
        tokio::join!(store.commit(app, tx, &view, &writes), async { answered(jobs, decided) });
    let (results, stored) = answered?;
    let free = written? && store_records(tx, stored, now).await?;
    // The edge applies the answer's projections itself; the relay is for when it could not.
    let due = now.plus(app.config.durations.relay_grace_ms);
    outbox::append(tx, app, &posts, due).await?;
    Ok(free.then_some(results))
}

/// What one input led to.
enum Decided<R> {
    Replayed(Result<Envelope, Problem>),
    Now(R),
}

/// The answers, and what is stored of them.
fn answered<S: Store>(
    jobs: &[Job<S>],
    decided: Vec<Decided<ReplyOf<S>>>,
) -> Result<(Results<S>, Stored<'_>), Error> {
    let (mut results, mut stored) = (Vec::with_capacity(jobs.len()), Vec::new());
    for (job, decided) in jobs.iter().zip(decided) {
        let reply = match decided {
            Decided::Replayed(answer) => {
                results.push(answer.map(Done::Answered));
                continue;
            }
            Decided::Now(reply) => reply,
        };
        let Some(answer) = (job.answer)(&reply) else {
            results.push(Ok(Done::Reply(reply)));
            continue;
        };
        if let Some(key) = &job.key
            && idempotency::is_stored(answer.status)
        {
            stored.push((key, serde_json::to_string(&answer)?));
        }
        results.push(Ok(Done::Answered(answer)));
    }
    Ok((results, stored))
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
