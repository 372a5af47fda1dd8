//! Backtests: a log through a policy, on a thread where nobody waits for it.
//!
//! Invariant: nothing of the log is kept. How many run at once is bounded at the door
//! ([`crate::router`]), where their long bodies come in.

use super::store;
use crate::app::App;
use crate::db::Error;
use crate::respond::{Call, Failure};
use axum::body::Bytes;
use shared::body;
use shared::envelope::Envelope;
use shared::limits::backtest::{BacktestAnswer, Tested, backtest, read};
use std::sync::Arc;
use tokio::runtime::Handle;

/// `POST /api/v1/limits/backtest`
pub async fn run(app: &Arc<App>, call: &Call) -> Result<Envelope, Failure> {
    body::check_media_type(call.header("content-type").as_deref())?;
    let (app, owner, bytes) = (Arc::clone(app), call.context.app.clone(), call.body.clone());
    let runtime = Handle::current();
    let work = move || try_on(&runtime, &app, &owner, &bytes);
    let ended = |_| Error::Stored("a backtest ended without an answer".into());
    let answer = tokio::task::spawn_blocking(work).await.map_err(ended)??;
    Ok(Envelope::json(200, &answer))
}

/// The rows borrow their keys from the body: so all of it is one function.
fn try_on(
    runtime: &Handle,
    app: &App,
    owner: &str,
    bytes: &Bytes,
) -> Result<BacktestAnswer, Failure> {
    let request = read(bytes)?;
    let published = match &request.policy {
        Tested::Named(name) => runtime.block_on(store::find(&app.db, owner, name))?,
        Tested::Whole(_) => None,
    };
    let rules = request.rules(published.and_then(|row| row.policy).as_ref())?;
    Ok(backtest(&rules, &request.log.0))
}
