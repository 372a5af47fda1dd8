//! A home's rows in its SQLite.
//!
//! Invariant: stamps, moments and versions stay below 2^53, so INTEGER columns hold them.

use crate::platform::Thrown;
use crate::platform::storage::{Statement, Storage};
use crate::shell::Tables;
use serde_json::json;
use shared::roads::home::{Home, Key, Row, View, WAKE_ROWS_MAX, Write};
use shared::roads::{Register, Stamp};
use shared::time::Millis;
use std::collections::{BTreeMap, BTreeSet};

/// A register's name: (product, key).
pub(super) type Name = (String, String);

const COLUMNS: &str = "product, key, epoch, version, value, copied_epoch, copied_version, \
                       sending_epoch, sending_version, sent_at, due";

/// The columns, in order.
type Columns = (
    String,
    String,
    u32,
    u64,
    Option<String>,
    Option<u32>,
    Option<u64>,
    Option<u32>,
    Option<u64>,
    u64,
    u64,
);

impl Tables for Home {
    const SCHEMA: &'static [&'static str] = &[
        "create table if not exists register (
            product text not null,
            key text not null,
            epoch integer not null,
            version integer not null,
            value text,
            copied_epoch integer,
            copied_version integer,
            sending_epoch integer,
            sending_version integer,
            sent_at integer not null,
            due integer not null,
            constraint register_name primary key (product, key)
        )",
        "create index if not exists register_due on register (due)",
        "create table if not exists spent (
            product text not null,
            key text not null,
            count integer not null,
            constraint spent_name primary key (product, key)
        )",
    ];

    fn load(&self, storage: &Storage, keys: &BTreeSet<Key>) -> Result<View, Thrown> {
        let names = keys.iter().filter_map(|key| match key {
            Key::Row(product, key) => Some((product.clone(), key.clone())),
            Key::Due => None,
        });
        let mut rows = named(storage, &names.collect::<Vec<_>>())?;
        if keys.contains(&Key::Due) {
            let sql = format!("select {COLUMNS} from register order by due limit ?");
            let due: Vec<Columns> = storage.rows(&sql, &json!([WAKE_ROWS_MAX]))?;
            rows.extend(due.into_iter().map(named_row));
        }
        let others = earliest_of_others(storage, &rows)?;
        Ok(View { rows, others })
    }

    fn statement(write: &Write) -> Statement {
        match write {
            Write::Put(row) => {
                let Row { register, copied, sending, sent_at, due } = row;
                let stamp = |stamp: &Option<Stamp>| {
                    (stamp.map(|stamp| stamp.epoch), stamp.map(|stamp| stamp.version))
                };
                let (copied_epoch, copied_version) = stamp(copied);
                let (sending_epoch, sending_version) = stamp(sending);
                json!([
                    format!(
                        "insert or replace into register ({COLUMNS}) \
                         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                    ),
                    register.product,
                    register.key,
                    register.stamp.epoch,
                    register.stamp.version,
                    register.value,
                    copied_epoch,
                    copied_version,
                    sending_epoch,
                    sending_version,
                    sent_at,
                    due,
                ])
            }
            Write::Forgotten(product, key) => {
                json!(["delete from register where product = ? and key = ?", product, key])
            }
        }
    }
}

/// The rows of these names.
pub(super) fn named(storage: &Storage, names: &[Name]) -> Result<BTreeMap<Name, Row>, Thrown> {
    if names.is_empty() {
        return Ok(BTreeMap::new());
    }
    let sql = format!(
        "select {COLUMNS} from register where (product, key) in \
         (select value ->> 0, value ->> 1 from json_each(?))"
    );
    let rows: Vec<Columns> = storage.rows(&sql, &json!([serde_json::to_string(names)?]))?;
    Ok(rows.into_iter().map(named_row).collect())
}

/// Counts one more, unless `max` were counted.
pub(super) fn spend(
    storage: &Storage,
    (product, key): (&str, &str),
    max: u64,
) -> Result<bool, Thrown> {
    let sql = "insert into spent (product, key, count) values (?, ?, 1) \
               on conflict (product, key) do update set count = count + 1 where count < ? \
               returning count";
    let counted: Vec<(u64,)> = storage.rows(sql, &json!([product, key, max]))?;
    Ok(!counted.is_empty())
}

/// Rows due first are few, so the first one that was not loaded is among one more than these.
fn earliest_of_others(
    storage: &Storage,
    loaded: &BTreeMap<Name, Row>,
) -> Result<Option<Millis>, Thrown> {
    let sql = "select product, key, due from register order by due limit ?";
    let limit = loaded.len().saturating_add(1);
    let first: Vec<(String, String, u64)> = storage.rows(sql, &json!([limit]))?;
    let mut others = first
        .into_iter()
        .filter(|(product, key, _)| !loaded.contains_key(&(product.clone(), key.clone())));
    Ok(others.next().map(|(_, _, due)| Millis(due)))
}

fn named_row(columns: Columns) -> (Name, Row) {
    let (product, key, epoch, version, value, ce, cv, se, sv, sent_at, due) = columns;
    let stamp =
        |epoch: Option<u32>, version: Option<u64>| Some(Stamp { epoch: epoch?, version: version? });
    let name = (product.clone(), key.clone());
    let register = Register { product, key, stamp: Stamp { epoch, version }, value };
    let row = Row {
        register,
        copied: stamp(ce, cv),
        sending: stamp(se, sv),
        sent_at: Millis(sent_at),
        due: Millis(due),
    };
    (name, row)
}
