//! The origin's driver of sagas: leases what is due, runs it, commits how it ended.
//!
//! Invariant: rules are [`shared::saga`]'s. What is run was logged in a commit before; a replica
//! that dies leaves a lease that ends, and whoever is next runs the step again.

use crate::admin::roads;
use crate::app::App;
use crate::db::{self, Error, Tx, Value};
use crate::payments::payouts;
use crate::respond::{Call, Failure};
use crate::values;
use shared::envelope::Envelope;
use shared::id::parse_id;
use shared::machine::{At, Machine, turn};
use shared::page::{self, Page};
use shared::payments::error::{NO_SAGA, SAGA_OVER};
use shared::payments::payout::{self, SagaLine, SagaView, payout_id, saga_id};
use shared::problem::{FieldError, Problem, UNACCEPTABLE};
use shared::saga::{Input, Key, Logged, Outcome, Plan, Run, Saga, Sagas, Status, View, Write};
use shared::time::Millis;
use sqlx::any::AnyRow;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// Every kind of saga.
const PLANS: &[Plan] = &[payout::PLAN, payout::RETURN];
/// Sagas of one lease: each may wait for a gateway.
const LEASED_MAX: u64 = 32;

fn machine(app: &App) -> Sagas {
    let durations = &app.config.durations;
    Sagas {
        plans: PLANS,
        lease_ms: durations.saga_lease_ms,
        backoff_ms: durations.gateway_backoff_ms,
        backoff_max_ms: durations.gateway_backoff_max_ms,
    }
}

/// Runs sagas until the process ends.
pub async fn run(app: Arc<App>) {
    loop {
        match round(&app).await {
            Ok(1..) => {}
            Ok(0) => {
                let wait = Duration::from_millis(app.config.durations.gateway_look_ms);
                let _ = tokio::time::timeout(wait, app.saga_news.notified()).await;
            }
            Err(error) => {
                tracing::error!(%error, "sagas wait for the database");
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        }
    }
}

/// Leases what is due and runs it; how many steps that were.
///
/// # Errors
/// The database is down.
pub async fn round(app: &App) -> Result<usize, Error> {
    let sql = "select id from saga where due is not null and due <= $1 limit 1";
    // A look without the writer's lock, so that idle sagas cost writers nothing.
    if app.db.read(sql, values![db::now()]).await?.is_empty() {
        return Ok(0);
    }
    let (runs, _) = step(app, Input::Wake).await?;
    let count = runs.len();
    for done in futures::future::join_all(runs.into_iter().map(|run| carry(app, run))).await {
        done?;
    }
    Ok(count)
}

async fn carry(app: &App, run: Run) -> Result<(), Error> {
    // Half of the lease: what is still under way then is over before another replica begins.
    let timeout = Duration::from_millis(app.config.durations.saga_lease_ms / 2);
    let done = tokio::time::timeout(timeout, execute(app, &run)).await;
    let outcome = match done {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(error)) => Outcome::Again(error.to_string()),
        Err(_) => Outcome::Again("no answer in time".into()),
    };
    match &outcome {
        Outcome::Again(why) => {
            tracing::warn!(saga = saga_id(run.id), step = run.name, why, "tried again later");
        }
        Outcome::Failed(why) => {
            tracing::warn!(saga = saga_id(run.id), step = run.name, why, "a step has failed");
        }
        _ => {}
    }
    step(app, Input::Ended { id: run.id, lease: run.lease, outcome }).await?;
    Ok(())
}

async fn execute(app: &App, run: &Run) -> Result<Outcome, Error> {
    match run.kind.as_str() {
        kind if kind == payout::PLAN.kind => payouts::steps::execute(app, run).await,
        kind if kind == payout::RETURN.kind => payouts::returns::execute(app, run).await,
        other => Ok(Outcome::Again(format!("no plan {other:?} is known here"))),
    }
}

/// Tells a saga what became of its present step, if it is this one; whether that changed anything.
///
/// # Errors
/// The database is down.
pub async fn news(app: &App, id: u64, name: &'static str, outcome: Outcome) -> Result<bool, Error> {
    let (_, changed) = step(app, Input::News { id, name, outcome }).await?;
    app.saga_news.notify_one();
    Ok(changed)
}

async fn step(app: &App, input: Input) -> Result<(Vec<Run>, bool), Error> {
    let machine = machine(app);
    let mut keys = BTreeSet::new();
    machine.reads(&input, &mut keys);
    let mut tx = app.db.begin().await?;
    let mut view = load(&mut tx, &keys).await?;
    let at = At { now: db::now(), draw: rand::random() };
    let mut turn = turn(&machine, &mut view, at, [input]);
    commit(&mut tx, &turn.writes, at.now).await?;
    tx.commit().await?;
    Ok((turn.tells, turn.replies.pop().unwrap_or(false)))
}

const COLUMNS: &str = "id, kind, step, status, undoing, attempts, due, lease, why";

async fn load(tx: &mut Tx<'_>, keys: &BTreeSet<Key>) -> Result<View, Error> {
    let mut view = View::default();
    for key in keys {
        let (sql, values) = match key {
            Key::Due => {
                let sql = format!(
                    "select {COLUMNS} from saga where due is not null and due <= $1 \
                     order by due limit {LEASED_MAX}{}",
                    tx.skip_locked()
                );
                (sql, values![db::now()])
            }
            Key::Saga(id) => {
                let lock = tx.for_update();
                (format!("select {COLUMNS} from saga where id = $1{lock}"), values![*id])
            }
        };
        for row in tx.read(&sql, values).await? {
            let saga = read_row(&row)?;
            view.sagas.insert(saga.id, saga);
        }
    }
    Ok(view)
}

fn read_row(row: &AnyRow) -> Result<Saga, Error> {
    let small = |name: &str| {
        let number = db::number(row, name)?;
        u32::try_from(number).map_err(|_| Error::Stored(format!("{name} is too large")))
    };
    let status = Status::of_number(db::number(row, "status")?);
    Ok(Saga {
        id: db::number(row, "id")?,
        kind: db::text(row, "kind")?,
        step: small("step")?,
        status: status.ok_or_else(|| Error::Stored("a saga's status".into()))?,
        undoing: db::number(row, "undoing")? == 1,
        attempts: small("attempts")?,
        due: db::maybe_number(row, "due")?.map(Millis),
        lease: db::number(row, "lease")?,
        why: db::maybe_text(row, "why")?,
    })
}

/// Adds a saga in the transaction of what it is about.
///
/// # Errors
/// The database is down.
pub async fn begin(
    tx: &mut Tx<'_>,
    saga: &Saga,
    owner: &str,
    subject: u64,
    done: &[&'static str],
    now: Millis,
) -> Result<(), Error> {
    let sql = "insert into saga (id, kind, app, subject, step, status, undoing, attempts, due, \
               lease, created_at) values ($1, $2, $3, $4, $5, $6, 0, 0, $7, 0, $8)";
    let status = saga.status.number();
    let kind = saga.kind.as_str();
    tx.write(sql, values![saga.id, kind, owner, subject, saga.step, status, saga.due, now]).await?;
    for name in done {
        log(tx, &Logged { saga: saga.id, name, what: "done", why: None }, now).await?;
    }
    Ok(())
}

async fn log(tx: &mut Tx<'_>, line: &Logged, now: Millis) -> Result<(), Error> {
    let sql = "insert into saga_log (saga, n, name, what, why, at) select $1, \
               coalesce(max(n), 0) + 1, $2, $3, $4, $5 from saga_log where saga = $6";
    let why = line.why.clone();
    tx.write(sql, values![line.saga, line.name, line.what, why, now, line.saga]).await?;
    Ok(())
}

async fn commit(tx: &mut Tx<'_>, writes: &[Write], now: Millis) -> Result<(), Error> {
    for write in writes {
        match write {
            Write::Saved(saga) => {
                let sql = "update saga set step = $1, status = $2, undoing = $3, attempts = $4, \
                           due = $5, lease = $6, why = $7 where id = $8";
                let (status, why) = (saga.status.number(), saga.why.clone());
                let undoing = u64::from(saga.undoing);
                let (attempts, lease) = (saga.attempts, saga.lease);
                let row =
                    values![saga.step, status, undoing, attempts, saga.due, lease, why, saga.id];
                tx.write(sql, row).await?;
                if saga.status == Status::Stuck {
                    tracing::error!(
                        code = "saga-stuck",
                        saga = saga_id(saga.id),
                        why = saga.why,
                        "a saga waits for an operator"
                    );
                }
            }
            Write::Logged(line) => log(tx, line, now).await?,
        }
    }
    Ok(())
}

/// Why a saga is being undone.
///
/// # Errors
/// The database is down.
pub async fn why(app: &App, id: u64) -> Result<Option<String>, Error> {
    // The last failure: a compensation that waits writes its own reason over the row's.
    let sql = "select why from saga_log where saga = $1 and what = 'failed' order by n limit 1";
    let rows = app.db.read(sql, values![id]).await?;
    rows.first().map_or(Ok(None), |row| db::maybe_text(row, "why"))
}

const SHOWN: &str = "id, kind, subject, step, status, undoing, attempts, due, lease, why, \
                     created_at";

fn view(row: &AnyRow, log: Vec<SagaLine>) -> Result<SagaView, Error> {
    let saga = read_row(row)?;
    Ok(SagaView {
        id: saga_id(saga.id),
        kind: saga.kind,
        subject: payout_id(db::number(row, "subject")?),
        status: saga.status,
        step: saga.step,
        attempts: saga.attempts,
        why: saga.why,
        due: saga.due,
        created_at: Millis(db::number(row, "created_at")?),
        log,
    })
}

fn no_saga() -> Problem {
    Problem::new(&NO_SAGA, "no saga has this id")
}

fn number(call: &Call) -> Result<u64, Problem> {
    let id = parse_id("sga", call.segment(0)).filter(|id| i64::try_from(*id).is_ok());
    id.ok_or_else(no_saga)
}

/// `GET /admin/sagas`: newest first; `?status=` those that stand there.
pub async fn list(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let ask = roads::ask(call, &["status"])?;
    let asked = page::query(&call.query);
    let status = asked.get("status").map(|name| {
        let quoted = serde_json::Value::String(name.clone());
        serde_json::from_value::<Status>(quoted).map_err(|_| {
            let detail = "must be running, compensating, done, compensated or stuck".into();
            let error = FieldError { pointer: "?status".into(), detail };
            Problem::fields(&UNACCEPTABLE, vec![error])
        })
    });
    let status = status.transpose()?;
    let after = ask.after.as_deref().and_then(|after| after.parse().ok()).unwrap_or(i64::MAX);
    let only = if status.is_some() { "and status = $3" } else { "" };
    let sql = format!("select {SHOWN} from saga where id < $1 {only} order by id desc limit $2");
    let mut values: Vec<Value> = values![after, ask.rows()];
    values.extend(status.map(|status| Value::from(status.number())));
    let rows = app.db.read(&sql, values).await?;
    let items = rows.iter().map(|row| Ok((db::number(row, "id")?, view(row, vec![])?)));
    let items = items.collect::<Result<Vec<_>, Error>>()?;
    let page = ask.page(items, |(id, _)| id.to_string());
    let items = page.items.into_iter().map(|(_, saga)| saga).collect();
    Ok(Envelope::json(200, &Page::<SagaView> { items, next_cursor: page.next_cursor }))
}

/// `GET /admin/sagas/{id}`: with its log.
pub async fn get(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let saga = shown(app, number(call)?).await?;
    Ok(Envelope::json(200, &saga))
}

async fn shown(app: &App, id: u64) -> Result<SagaView, Failure> {
    let sql = format!("select {SHOWN} from saga where id = $1");
    let rows = app.db.read(&sql, values![id]).await?;
    let row = rows.first().ok_or_else(no_saga)?;
    let sql = "select name, what, why, at from saga_log where saga = $1 order by n";
    let lines = app.db.read(sql, values![id]).await?;
    let lines = lines.iter().map(|row| {
        Ok(SagaLine {
            name: db::text(row, "name")?,
            what: db::text(row, "what")?,
            why: db::maybe_text(row, "why")?,
            at: Millis(db::number(row, "at")?),
        })
    });
    let lines = lines.collect::<Result<Vec<_>, Error>>()?;
    Ok(view(row, lines)?)
}

/// `POST /admin/sagas/{id}/retry`: what is stuck goes on, what waits is looked at now.
pub async fn retry(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let id = number(call)?;
    let before = shown(app, id).await?;
    let (_, changed) = step(app, Input::Retry(id)).await?;
    if !changed {
        let detail = format!("the saga is {:?} already", before.status).to_lowercase();
        return Err(Problem::new(&SAGA_OVER, detail).into());
    }
    app.saga_news.notify_one();
    Ok(Envelope::json(200, &shown(app, id).await?))
}
