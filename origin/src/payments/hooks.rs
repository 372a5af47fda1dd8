//! Gateways' events as they come up the road: kept once, for whoever applies them to payments.
//!
//! Invariant: an event is written in the transaction that raises the recorder's watermark; a copy,
//! by whichever recorder, changes nothing. Its body is neither read nor logged here.

use crate::db::{Error, Tx};
use crate::values;
use shared::payments::wire::GatewayEvent;
use shared::roads::Event;
use shared::time::Millis;

/// The events of a delivery.
#[derive(Debug, Default)]
pub struct Sums(Vec<(Millis, GatewayEvent)>);

/// Takes one up.
///
/// # Errors
/// Why it is none; never a part of it.
pub fn fold(sums: &mut Sums, event: &Event) -> Result<(), String> {
    let read: GatewayEvent = serde_json::from_str(&event.body)
        .map_err(|_| String::from("this is no event of a gateway"))?;
    // PostgreSQL keeps no NUL, and no JSON that it could stand in has one as it is.
    if read.body.contains('\0') {
        return Err("the body holds a NUL".into());
    }
    sums.0.push((event.at, read));
    Ok(())
}

/// Writes them.
///
/// # Errors
/// The database is down.
pub async fn write(tx: &mut Tx<'_>, sums: Sums) -> Result<u64, Error> {
    let rows = sums
        .0
        .into_iter()
        .map(|(at, GatewayEvent { gateway, event, body })| values![gateway, event, at, body]);
    let sql = "insert into gateway_event (gateway, event, received_at, body) values";
    tx.insert(sql, rows.collect(), "on conflict (gateway, event) do nothing").await
}
