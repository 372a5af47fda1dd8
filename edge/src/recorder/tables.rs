//! A recorder's rows in its SQLite.
//!
//! Invariant: sequence numbers stay below 2^53, so INTEGER columns hold them.

use crate::platform::Thrown;
use crate::platform::storage::{Alarm, Statement, Storage};
use crate::shell::Tables;
use serde_json::json;
use shared::roads::Event;
use shared::roads::recorder::{DELIVERY_MAX, Key, Meta, Recorder, View, Write};
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
        "create table if not exists event (
            seq integer not null,
            product text not null,
            at integer not null,
            body text not null,
            constraint event_seq primary key (seq)
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
                Key::Waiting => view.waiting = waiting(storage)?,
            }
        }
        Ok(view)
    }

    /// The events of a batch follow each other, and go in with one statement: a fifth of the cost.
    fn statements(writes: &[Write]) -> Vec<Statement> {
        let alike = |a: &Write, b: &Write| numbered(a).is_some() && numbered(b).is_some();
        let statement = |run: &[Write]| match run {
            [first, ..] if numbered(first).is_some() => Some(insert(run)),
            run => run.first().map(Self::statement),
        };
        writes.chunk_by(alike).filter_map(statement).collect()
    }

    fn statement(write: &Write) -> Statement {
        match write {
            Write::Taken(isolate, n, at) => {
                json!(["insert into batch (isolate, n, taken_at) values (?, ?, ?)", isolate, n, at])
            }
            Write::Numbered(..) => insert(std::slice::from_ref(write)),
            Write::Acknowledged(through) => json!(["delete from event where seq <= ?", through]),
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

/// Events as they stand in one statement: an array of columns each.
fn numbered(write: &Write) -> Option<(u64, &str, u64, &str)> {
    match write {
        Write::Numbered(seq, Event { product, at, body }) => Some((*seq, product, at.0, body)),
        _ => None,
    }
}

fn insert(writes: &[Write]) -> Statement {
    let rows: Vec<_> = writes.iter().filter_map(numbered).collect();
    let sql = "insert into event (seq, product, at, body) \
               select value ->> 0, value ->> 1, value ->> 2, value ->> 3 from json_each(?)";
    json!([sql, serde_json::to_string(&rows).unwrap_or_default()])
}

fn waiting(storage: &Storage) -> Result<Vec<(u64, Event)>, Thrown> {
    let sql = "select json_group_array(json_array(seq, product, at, body)) \
               from (select seq, product, at, body from event order by seq limit ?)";
    let rows: Vec<(u64, String, u64, String)> = storage.one(sql, &json!([DELIVERY_MAX]))?;
    let event = |product, at, body| Event { product, at: Millis(at), body };
    Ok(rows.into_iter().map(|(seq, product, at, body)| (seq, event(product, at, body))).collect())
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
