//! Many links in one call: each for itself, all in few commits.
//!
//! Invariant: a bad item spoils no other. With an `Idempotency-Key` every item has a key of its
//! own (`{key}#{index}`), so that a repeated call makes nothing twice, however far the first came.

use super::blocked::Blocked;
use super::reserved::Reserved;
use super::{create, password, prepare};
use crate::app::App;
use crate::db;
use crate::respond::{Call, Failure};
use futures::future::join_all;
use shared::envelope::Envelope;
use shared::idempotency::Key;
use shared::links::machine::Input;
use shared::links::request::{self, Draft};
use shared::links::wire::{BulkAnswer, BulkResult};
use shared::problem::Problem;
use shared::roads::Register;

/// `POST /api/v1/links/bulk`
pub async fn bulk(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let drafts = request::bulk(&call.body, &app.config.domains.bases(), db::now())?;
    let key = call.idempotency_key()?;
    // What could not be read may have one too.
    let may_have = |draft: &Result<Draft, Problem>| {
        draft.as_ref().map_or(true, |draft| draft.password.is_some())
    };
    let has_password = drafts.iter().any(may_have);
    let key = if has_password { password::guarded(app, key) } else { key };
    let targets = drafts.iter().flatten().flat_map(Draft::targets);
    let blocked = Blocked::among(app, targets).await?;
    let aliases = drafts.iter().flatten().filter_map(|draft| draft.alias.as_deref());
    let reserved = Reserved::among(app, aliases).await?;
    let free = |draft: &Draft| {
        blocked.check(draft.targets())?;
        reserved.check(draft.alias.as_deref())
    };
    // Everything is drawn before the first is submitted: the lane then takes them in order, so
    // that of two items with one alias the first gets it.
    let mut inputs = Vec::with_capacity(drafts.len());
    for draft in drafts {
        inputs.push(match draft.and_then(|draft| free(&draft).map(|()| draft)) {
            Ok(draft) => Ok(prepare(app, call, draft).await?),
            Err(problem) => Err(problem),
        });
    }
    let items = inputs.into_iter().enumerate().map(|(index, input)| {
        let key =
            key.as_ref().map(|key| Key { key: format!("{}#{index}", key.key), ..key.clone() });
        item(app, call, input, key)
    });
    let mut results = Vec::new();
    let mut projections = Vec::new();
    for (result, registers) in join_all(items).await {
        results.push(result);
        projections.extend(registers);
    }
    Ok(Envelope { projections, ..Envelope::json(200, &BulkAnswer { results }) })
}

async fn item(
    app: &App,
    call: &Call,
    input: Result<Input, Problem>,
    key: Option<Key>,
) -> (BulkResult, Vec<Register>) {
    let answer = match input {
        Ok(input) => create(app, call, input, key).await,
        Err(problem) => Err(problem.into()),
    };
    let envelope = answer.unwrap_or_else(|failure| {
        let id = &call.context.request_id;
        Envelope::problem(&failure.problem(), &app.config.public_url, id)
    });
    let body = serde_json::from_str(&envelope.body).ok();
    let (link, problem) = if envelope.status < 300 { (body, None) } else { (None, body) };
    (BulkResult { status: envelope.status, link, problem }, envelope.projections)
}
