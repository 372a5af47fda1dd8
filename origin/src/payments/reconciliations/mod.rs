//! Reconciliations: a statement held against the ledger, what was found, and what is proposed.
//!
//! Invariant: nothing here moves money. What a reconciliation has found counts from the moment
//! its row says that it is done; what a crash leaves behind counts for nothing. Drift is told in
//! the log under a code, and shown.

pub mod daily;
pub mod found;
pub mod ours;
pub mod own;
pub mod run;
pub mod shown;

use super::statement;
use crate::app::App;
use crate::db::Error;
use crate::respond::{Call, Failure};
use run::{Job, Source};
use sha2::{Digest, Sha256};
use shared::envelope::Envelope;
use shared::page;
use shared::payments::error::{RECONCILING, STATEMENT};
use shared::payments::ledger::no_account;
use shared::payments::reconcile::request::{Asked, asked};
use shared::payments::reconcile::statement::Refusal;
use shared::payments::reconcile::wire::reconciliation_id;
use shared::problem::{FieldError, Problem};
use std::sync::Arc;

/// Lines above which the answer does not wait: some seconds of work.
const AWAITED_MAX: usize = 50_000;

/// The 422 of a file that is no statement.
#[must_use]
pub fn unreadable(refusal: &Refusal) -> Problem {
    let Refusal { line, why } = refusal;
    let error =
        FieldError { pointer: format!("/line/{line}"), detail: format!("line {line}: {why}") };
    Problem::fields(&STATEMENT, vec![error])
}

/// `POST /admin/reconciliations`: 201 once it is done, 202 while a long one is under way, 200 when
/// the same file was held against the account before.
pub async fn create(app: &Arc<App>, call: &Call) -> Result<Envelope, Failure> {
    hold(app, call, None).await
}

/// Holds the body against the account that the query names: one of `owner`'s, if it is given.
async fn hold(app: &Arc<App>, call: &Call, owner: Option<&str>) -> Result<Envelope, Failure> {
    let asked: Asked = asked(&page::query(&call.query))?;
    let account = ours::account(app, asked.account).await?;
    let account = account.filter(|account| owner.is_none_or(|owner| account.app == owner));
    let account = account.ok_or_else(no_account)?;
    let mut hash = Sha256::new_with_prefix(&call.body);
    hash.update(format!("{asked:?}"));
    let digest = hex::encode(hash.finalize());
    if let Some(known) = run::known(app, account.id, &digest).await? {
        return Ok(Envelope::json(200, &shown::one(app, known, owner).await?));
    }
    let (body, currency) = (call.body.clone(), account.currency);
    let read = tokio::task::spawn_blocking(move || statement::read(&body, currency)).await;
    let read = read.map_err(|error| Error::Stored(format!("a reader ended: {error}")))?;
    let (format, statements) = read.map_err(|refusal| unreadable(&refusal))?;
    let named = daily::bank_account(app, account.id).await?;
    let statement = statement::of_account(statements, named.as_deref());
    let statement = statement.map_err(|refusal| unreadable(&refusal))?;
    let is_long = statement.lines.len() > AWAITED_MAX;
    let job = Job {
        source: Source::Account(account),
        name: "upload".into(),
        format: format.as_str(),
        digest,
        asked,
        statement,
        by: call.context.principal.clone(),
        request: call.context.request_id.clone(),
    };
    let Some(begun) = run::begin(app, job).await? else {
        let detail = "another reconciliation of the account is under way";
        return Err(Problem::new(&RECONCILING, detail).into());
    };
    let id = begun.id;
    let list = if owner.is_some() { own::PATH } else { "/admin/reconciliations" };
    let location = format!("{list}/{}", reconciliation_id(id));
    let status = if is_long {
        let app = Arc::clone(app);
        tokio::spawn(async move { run::finish(&app, begun).await });
        202
    } else {
        run::finish(app, begun).await;
        201
    };
    Ok(Envelope::json(status, &shown::one(app, id, owner).await?).with("location", location))
}
