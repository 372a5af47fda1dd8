//! Stored answers for an effect that is written without a machine, in its own transaction.

use super::{load_records, store_records};
use crate::db::{self, Error, Tx};
use shared::envelope::Envelope;
use shared::idempotency::{self, Key};
use shared::problem::Problem;

/// The answer that was stored under a key; `None`: nothing was done under it yet.
///
/// # Errors
/// The database is down.
pub async fn recall(
    tx: &mut Tx<'_>,
    key: Option<&Key>,
) -> Result<Option<Result<Envelope, Problem>>, Error> {
    let Some(key) = key else { return Ok(None) };
    let records = load_records(tx, std::iter::once(key), db::now()).await?;
    let record = records.get(&(key.scope.clone(), key.key.clone()));
    Ok(record.map(|record| idempotency::replay(key, record)))
}

/// Stores an answer with its effect; `false`: a copy of the request was faster, nothing may be
/// committed.
///
/// # Errors
/// The database is down.
pub async fn remember(
    tx: &mut Tx<'_>,
    key: Option<&Key>,
    answer: &Envelope,
) -> Result<bool, Error> {
    let Some(key) = key else { return Ok(true) };
    let text = serde_json::to_string(answer)?;
    store_records(tx, vec![(key, text)], db::now()).await
}
