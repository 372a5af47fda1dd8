//! payments at the origin: accounts, transfers, holds, and what proves them.

pub mod accounts;
pub mod books;
pub mod check;
pub mod columns;
pub mod expiry;
pub mod gateway;
pub mod hooks;
pub mod kept;
pub mod orders;
pub mod payment;
pub mod payouts;
pub mod privacy;
pub mod proof;
pub mod reconciliations;
pub mod said;
pub mod statement;
pub mod store;
pub mod transfers;

use crate::app::App;
use crate::respond::{Call, Failure};
use crate::shell::{Answer, Done};
use crate::subjects;
use shared::envelope::Envelope;
use shared::idempotency::Key;
use shared::payments::ledger::{Actor, Input, Reply};
use shared::payments::wire::{AccountView, BatchAnswer, BatchResult, TransferView, transfer_id};
use shared::problem::Problem;
use std::sync::Arc;

/// Who acts; a user by its pseudonym, since what the ledger holds is never changed (P24).
async fn actor(app: &App, call: &Call) -> Result<Actor, Failure> {
    Ok(Actor {
        app: call.context.app.clone(),
        by: subjects::kept(app, &call.context.app, &call.context.principal).await?,
        request: call.context.request_id.clone(),
    })
}

/// Has an input decided and committed, once per key.
async fn submit(app: &App, call: &Call, key: Key, input: Input) -> Result<Envelope, Failure> {
    match app.ledger.submit(Some(key), input, answer(app, call)).await? {
        Done::Answered(envelope) => Ok(envelope),
        Done::Reply(reply) => Ok(shown(&app.config.public_url, &call.context.request_id, &reply)),
    }
}

/// How the machine's replies are answered.
fn answer(app: &App, call: &Call) -> Answer<Reply> {
    let (base, request_id) = (app.config.public_url.clone(), call.context.request_id.clone());
    Arc::new(move |reply| Some(shown(&base, &request_id, reply)))
}

fn shown(base: &str, request_id: &str, reply: &Reply) -> Envelope {
    match reply {
        Reply::Refused(problem) => Envelope::problem(problem, base, request_id),
        Reply::Opened(account) => {
            let view = AccountView::of(account);
            let location = format!("/api/v1/accounts/{}", view.id);
            Envelope::json(201, &view).with("location", location)
        }
        Reply::Closed(account) => Envelope::json(200, &AccountView::of(account)),
        Reply::Made(transfer) => {
            let view = TransferView::of(transfer, transfer.made.at);
            let location = format!("/api/v1/transfers/{}", view.id);
            Envelope::json(201, &view).with("location", location)
        }
        Reply::Payment(paid, created) => payment::shown(paid, *created),
        Reply::Settled(transfer) => {
            Envelope::json(200, &TransferView::of(transfer, transfer.posting().at))
        }
        Reply::Batch(results) => {
            let results = results.iter().map(|result| of_batch(base, request_id, result));
            Envelope::json(201, &BatchAnswer { results: results.collect() })
        }
    }
}

fn of_batch(base: &str, request_id: &str, result: &Result<u64, Problem>) -> BatchResult {
    match result {
        Ok(id) => BatchResult { status: 201, id: Some(transfer_id(*id)), problem: None },
        Err(problem) => {
            let text = problem.to_json(base, request_id);
            let problem_json = serde_json::from_str(&text).ok();
            BatchResult { status: problem.status(), id: None, problem: problem_json }
        }
    }
}
