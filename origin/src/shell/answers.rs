//! The answers that are kept under idempotency keys, and effects that need no machine.
//!
//! Invariant: a record is written in the transaction of its effect; a copy that another replica
//! answered meanwhile is found by the write, not only by the look before it.

use crate::app::App;
use crate::db::{self, Error, Tx};
use crate::rows::{Rows, Type};
use crate::values;
use shared::envelope::Envelope;
use shared::idempotency::{self, Key, Record};
use shared::problem::Problem;
use shared::time::Millis;
use std::collections::{BTreeMap, BTreeSet};

/// Most commits find no record, and then copy no key.
pub(super) fn known<'a>(records: &'a Records, key: &Key) -> Option<&'a Record> {
    if records.is_empty() {
        return None;
    }
    records.get(&(key.scope.clone(), key.key.clone()))
}

pub(crate) type Records = BTreeMap<(String, String), Record>;

/// The stored answers of these keys.
pub(crate) async fn load_records(
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
pub(crate) async fn store_records(
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

/// The answer that is stored under a key, if there is one.
///
/// # Errors
/// The database is down.
pub async fn replayed(app: &App, key: &Key) -> Result<Option<Result<Envelope, Problem>>, Error> {
    let mut tx = app.db.snapshot().await?;
    let records = load_records(&mut tx, std::iter::once(key), db::now()).await?;
    Ok(known(&records, key).map(|record| idempotency::replay(key, record)))
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
