//! A recorder's rows in its SQLite.
//!
//! Invariant: sequence numbers stay below 2^53, so INTEGER columns hold them.

use crate::platform::Thrown;
use crate::platform::storage::{Alarm, Statement, Storage};
use crate::shell::Tables;
use serde_json::json;
use shared::roads::recorder::{DELIVERY_BYTES_MAX, Key, Meta, Recorder, View, Waiting, Write};
use shared::roads::{Events, HANDOVER_MAX};
use shared::time::Millis;
use std::collections::BTreeSet;

impl Tables for Recorder {
    const SCHEMA: &'static [&'static str] = &[
        "create table if not exists recorder (
            one integer not null,
            name text not null,
            next_seq integer not null,
            failures integer not null,
            due integer,
            constraint recorder_one primary key (one),
            constraint recorder_is_one check (one = 1)
        )",
        "create table if not exists waiting (
            first_seq integer not null,
            count integer not null,
            events text not null,
            constraint waiting_first_seq primary key (first_seq)
        )",
        "create table if not exists batch (
            isolate text not null,
            n integer not null,
            taken_at integer not null,
            constraint batch_name primary key (isolate, n)
        ) without rowid",
        "create index if not exists batch_taken_at on batch (taken_at)",
    ];

    fn load(&self, storage: &Storage, keys: &BTreeSet<Key>) -> Result<View, Thrown> {
        let mut view = View::default();
        let meta: Vec<(u64, u32, Option<u64>)> =
            storage.rows("select next_seq, failures, due from recorder", &json!([]))?;
        if let Some((next_seq, failures, due)) = meta.into_iter().next() {
            view.meta = Meta { next_seq, failures, due: due.map(Millis) };
        }
        for key in keys {
            match key {
                Key::Batch(isolate, n) => {
                    let sql = "select n from batch where isolate = ? and n = ?";
                    let taken: Vec<(u64,)> = storage.rows(sql, &json!([isolate, n]))?;
                    view.taken.extend(taken.into_iter().map(|(n,)| (isolate.clone(), n)));
                }
                Key::Waiting(after) => {
                    view.waiting.extend(waiting(storage, *after, self.delivery_max)?)
                }
            }
        }
        Ok(view)
    }

    fn statement(write: &Write) -> Statement {
        match write {
            Write::Taken(isolate, n, at) => {
                json!(["insert into batch (isolate, n, taken_at) values (?, ?, ?)", isolate, n, at])
            }
            Write::Numbered(Waiting { first_seq, events }) => json!([
                "insert into waiting (first_seq, count, events) values (?, ?, ?)",
                first_seq,
                events.count(),
                events.text(),
            ]),
            // The first condition is for the key: a backlog is not searched.
            Write::Acknowledged(through) => json!([
                "delete from waiting where first_seq <= ?1 and first_seq + count - 1 <= ?1",
                through
            ]),
            Write::BatchesForgotten(before) => {
                json!(["delete from batch where taken_at < ?", before])
            }
            Write::Meta(Meta { next_seq, failures, due }) => json!([
                "update recorder set next_seq = ?, failures = ?, due = ?",
                next_seq,
                failures,
                due,
            ]),
        }
    }
}

/// Numbers have no gap, so what begins `max` behind the first has `max` events before it.
fn waiting(storage: &Storage, after: u64, max: u64) -> Result<Vec<(u64, Waiting)>, Thrown> {
    // At most one batch begins in front of `after` and ends behind it.
    // Of long events no more are held than a delivery takes: `bytes` is what lies before the row.
    let sql = "with first (seq) as (\
                 select min(first_seq) from waiting \
                 where first_seq > ?1 - ?2 and first_seq + count - 1 > ?1) \
               select first_seq, count, events from (\
                 select first_seq, count, events, \
                   sum(length(events)) over (order by first_seq) - length(events) as bytes \
                 from waiting where first_seq >= (select seq from first) \
                   and first_seq < (select seq from first) + ?3) \
               where bytes <= ?4 order by first_seq";
    let values = json!([after, HANDOVER_MAX, max, DELIVERY_BYTES_MAX]);
    let rows: Vec<(u64, u64, String)> = storage.rows(sql, &values)?;
    let waiting = |(first_seq, count, text)| {
        Some((first_seq, Waiting { first_seq, events: Events::kept(count, text)? }))
    };
    let rows: Option<Vec<_>> = rows.into_iter().map(waiting).collect();
    rows.ok_or_else(|| Thrown("a row of events is damaged".into()))
}

/// The name of this object's watermark at the origin: `{object}/{drawn}`, made once. A wiped object
/// gets another one. Stored whole, because an alarm need not know its object's name.
pub(super) fn name(
    storage: &Storage,
    object: Option<String>,
    drawn: &str,
) -> Result<String, Thrown> {
    let rows: Vec<(String,)> = storage.rows("select name from recorder", &json!([]))?;
    if let Some((name,)) = rows.into_iter().next() {
        return Ok(name);
    }
    let object = object.ok_or_else(|| Thrown("the object has no name".into()))?;
    let name = format!("{object}/{drawn}");
    let first = "insert into recorder (one, name, next_seq, failures) values (1, ?, 0, 0)";
    storage.commit(&[json!([first, name])], Alarm::Kept)?;
    Ok(name)
}
