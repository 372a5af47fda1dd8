//! Reconciliations as an application has them: of its own accounts, through the edge.
//!
//! Invariant: another's account is none, and another's reconciliation is none. The same file is
//! the same reconciliation, so that a request whose answer was lost does nothing twice, whether
//! or not the answer had been stored under its key.

use super::{hold, shown};
use crate::app::App;
use crate::respond::{Call, Failure};
use crate::shell;
use shared::envelope::Envelope;
use shared::idempotency;
use shared::payments::card;
use std::sync::Arc;

/// The list; one stands below it.
pub(super) const PATH: &str = "/api/v1/reconciliations";

/// `POST /api/v1/reconciliations`: as `POST /admin/reconciliations` answers.
pub async fn create(app: &Arc<App>, call: &Call) -> Result<Envelope, Failure> {
    let key = call.required_key()?;
    if let Some(answer) = shell::replayed(app, &key).await? {
        return Ok(answer?);
    }
    let answer = match hold(app, call, Some(&call.context.app)).await {
        Ok(answer) => answer,
        Err(Failure::Problem(problem)) if idempotency::is_stored(problem.status()) => {
            Envelope::problem(&problem, &app.config.public_url, &call.context.request_id)
        }
        Err(failure) => return Err(failure),
    };
    // A refusal repeats what it could not read.
    if card::holds(answer.body.as_bytes()) {
        return Ok(answer);
    }
    Ok(shell::once(app, Some(key), || answer).await??)
}

/// `GET /api/v1/reconciliations`
pub async fn list(app: &App, call: &Call) -> Result<Envelope, Failure> {
    shown::list_of(app, call, Some(&call.context.app)).await
}

/// `GET /api/v1/reconciliations/{id}`
pub async fn get(app: &App, call: &Call) -> Result<Envelope, Failure> {
    shown::get_of(app, call, Some(&call.context.app)).await
}

/// `GET /api/v1/reconciliations/{id}/findings`
pub async fn findings(app: &App, call: &Call) -> Result<Envelope, Failure> {
    shown::findings_of(app, call, Some(&call.context.app)).await
}
