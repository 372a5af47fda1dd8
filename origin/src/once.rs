//! A transaction for what one request does, once per idempotency key.
//!
//! Invariant: the answer is stored in the transaction of its effect; a copy of the request is given
//! that answer and changes nothing.

use crate::app::App;
use crate::db::{self, Error, Tx};
use crate::respond::Failure;
use crate::shell::{load_records, store_records};
use shared::envelope::Envelope;
use shared::idempotency::{self, Key};
use shared::time::Millis;

/// What a request that may be a copy begins with.
#[derive(Debug)]
pub enum Begun<'a> {
    /// It was answered before.
    Answered(Envelope),
    /// It is new.
    New(Once<'a>),
}

/// An open transaction, and the key under which its answer will be stored.
#[derive(Debug)]
pub struct Once<'a> {
    pub tx: Tx<'a>,
    pub now: Millis,
    key: Option<Key>,
}

/// Begins.
///
/// # Errors
/// 422 for a key that was used otherwise; the database is down.
pub async fn begin(app: &App, key: Option<Key>) -> Result<Begun<'_>, Failure> {
    let mut tx = app.db.begin_waiting(idempotency::WAIT_MS).await?;
    let now = db::now();
    if let Some(key) = &key {
        let records = load_records(&mut tx, std::iter::once(key), now).await?;
        if let Some(record) = records.get(&(key.scope.clone(), key.key.clone())) {
            return Ok(Begun::Answered(idempotency::replay(key, record)?));
        }
    }
    Ok(Begun::New(Once { tx, now, key }))
}

impl Once<'_> {
    /// Stores the answer and commits.
    ///
    /// # Errors
    /// 409 while a copy is being answered elsewhere; the database is down.
    pub async fn commit(mut self, answer: Envelope) -> Result<Envelope, Failure> {
        if let Some(key) = &self.key
            && idempotency::is_stored(answer.status)
        {
            let text = serde_json::to_string(&answer).map_err(Error::from)?;
            let stored = store_records(&mut self.tx, vec![(key, text)], self.now).await;
            match stored {
                Ok(true) => {}
                Ok(false) => return Err(idempotency::in_progress().into()),
                Err(error) if error.is_lock() => return Err(idempotency::in_progress().into()),
                Err(error) => return Err(error.into()),
            }
        }
        self.tx.commit().await?;
        Ok(answer)
    }
}
