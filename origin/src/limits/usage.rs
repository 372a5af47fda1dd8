//! Usage: tallies from the edge, folded into slots and hours as they arrive, summed when asked.
//!
//! Invariant: the counts of a delivery are written in the transaction that raises its recorder's
//! watermark; rows are written in key order, so that replicas never wait in a circle.

use super::policies;
use crate::app::App;
use crate::db::{self, Error, Tx};
use crate::respond::{Call, Failure};
use crate::values;
use shared::envelope::Envelope;
use shared::limits::guard;
use shared::limits::publish::not_found;
use shared::limits::query::{self, UsageAsk};
use shared::limits::usage::{Counts, HOTTEST_MAX, KeyCounts, Tally, Usage, UsageSlot, slot};
use shared::roads::Event;
use shared::time::{HOUR_MS, Millis};
use sqlx::any::AnyRow;
use std::collections::BTreeMap;

/// What a delivery adds up to, in the order in which it is written.
#[derive(Debug, Default)]
pub struct Sums {
    slots: BTreeMap<(String, String, Millis), Counts>,
    keys: BTreeMap<(String, String, u64, String), (u64, u64)>,
    /// Of all policies.
    pub total: Counts,
}

fn hour(at: Millis) -> u64 {
    at.0 - at.0 % HOUR_MS
}

/// Adds one event to the sums.
///
/// # Errors
/// Why it can never be applied.
pub fn fold(sums: &mut Sums, event: &Event) -> Result<(), String> {
    let tally: Tally = serde_json::from_str(&event.body).map_err(|error| error.to_string())?;
    tally.check()?;
    let Tally { app, policy, counts, keys } = tally;
    sums.total.add(&counts);
    for KeyCounts { key_hash, allowed, refused } in keys {
        let key = (app.clone(), policy.clone(), hour(event.at), key_hash);
        let sum = sums.keys.entry(key).or_default();
        *sum = (sum.0 + allowed, sum.1 + refused);
    }
    sums.slots.entry((app, policy, slot(event.at))).or_default().add(&counts);
    Ok(())
}

/// Writes the sums.
///
/// # Errors
/// The database is down.
pub async fn write(tx: &mut Tx<'_>, sums: Sums) -> Result<(), Error> {
    let slots = sums.slots.into_iter().map(|((app, policy, slot), counts)| {
        let Counts { allowed, refused, shadowed, failed_open, failed_closed } = counts;
        values![app, policy, slot, allowed, refused, shadowed, failed_open, failed_closed]
    });
    let sql = "insert into limit_usage \
               (app, policy, slot, allowed, refused, shadowed, failed_open, failed_closed) values";
    let add = "on conflict (app, policy, slot) do update set \
               allowed = limit_usage.allowed + excluded.allowed, \
               refused = limit_usage.refused + excluded.refused, \
               shadowed = limit_usage.shadowed + excluded.shadowed, \
               failed_open = limit_usage.failed_open + excluded.failed_open, \
               failed_closed = limit_usage.failed_closed + excluded.failed_closed";
    tx.insert(sql, slots.collect(), add).await?;
    let keys = sums.keys.into_iter().map(|((app, policy, hour, key_hash), (allowed, refused))| {
        values![app, policy, hour, key_hash, allowed, refused]
    });
    let sql = "insert into limit_usage_key \
               (app, policy, hour, key_hash, allowed, refused) values";
    let add = "on conflict (app, policy, hour, key_hash) do update set \
               allowed = limit_usage_key.allowed + excluded.allowed, \
               refused = limit_usage_key.refused + excluded.refused";
    tx.insert(sql, keys.collect(), add).await?;
    Ok(())
}

/// `GET /api/v1/limits/policies/{name}/usage`
pub async fn get(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let ask = query::usage(&call.query, db::now())?;
    let row = policies::owned(app, call).await?;
    Ok(Envelope::json(200, &read(app, (&row.app, &row.name), ask).await?))
}

/// `GET /admin/limits/usage/{policy}`
pub async fn own(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let ask = query::usage(&call.query, db::now())?;
    let own = guard::OWN.iter().find(|own| own.name == call.segment(0)).ok_or_else(not_found)?;
    Ok(Envelope::json(200, &read(app, (guard::APP, own.name), ask).await?))
}

async fn read(app: &App, (owner, policy): (&str, &str), ask: UsageAsk) -> Result<Usage, Error> {
    let sql = "select slot, allowed, refused, shadowed, failed_open, failed_closed \
               from limit_usage where app = $1 and policy = $2 and slot >= $3 and slot < $4 \
               order by slot";
    let rows = app.db.read(sql, values![owner, policy, ask.from, ask.to]).await?;
    let series = rows.iter().map(read_slot).collect::<Result<Vec<_>, _>>()?;
    let mut counts = Counts::default();
    series.iter().for_each(|slot| counts.add(&slot.counts));
    // A sum of bigint is numeric in PostgreSQL, which the driver does not read.
    let sql = format!(
        "select key_hash, cast(sum(allowed) as bigint) as allowed, \
         cast(sum(refused) as bigint) as refused from limit_usage_key \
         where app = $1 and policy = $2 and hour >= $3 and hour < $4 group by key_hash \
         order by sum(allowed) + sum(refused) desc, key_hash limit {HOTTEST_MAX}"
    );
    let rows = app.db.read(&sql, values![owner, policy, hour(ask.from), ask.to]).await?;
    let hottest = rows.iter().map(read_key).collect::<Result<Vec<_>, _>>()?;
    Ok(Usage { policy: policy.into(), counts, series, hottest })
}

fn read_slot(row: &AnyRow) -> Result<UsageSlot, Error> {
    let number = |name: &str| db::number(row, name);
    let counts = Counts {
        allowed: number("allowed")?,
        refused: number("refused")?,
        shadowed: number("shadowed")?,
        failed_open: number("failed_open")?,
        failed_closed: number("failed_closed")?,
    };
    Ok(UsageSlot { at: Millis(number("slot")?), counts })
}

fn read_key(row: &AnyRow) -> Result<KeyCounts, Error> {
    Ok(KeyCounts {
        key_hash: db::text(row, "key_hash")?,
        allowed: db::number(row, "allowed")?,
        refused: db::number(row, "refused")?,
    })
}
