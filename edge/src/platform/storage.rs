//! An object's own SQLite and its one alarm.
//!
//! Invariant: nothing here awaits, so that what is read, decided and committed in one go sees no
//! other event; a commit is one `transactionSync`, because a statement that fails otherwise leaves
//! the earlier ones behind. Integers cross as f64: they stay below 2^53.

use super::Thrown;
use serde::de::DeserializeOwned;
use serde_json::Value;
use shared::time::Millis;
use wasm_bindgen::prelude::*;
use worker::State;

#[wasm_bindgen(inline_js = r#"
export const rows = (storage, sql, values) =>
  JSON.stringify(storage.sql.exec(sql, ...JSON.parse(values)).raw().toArray());
export function commit(storage, statements, alarm) {
  storage.transactionSync(() => {
    for (const [sql, ...values] of JSON.parse(statements)) storage.sql.exec(sql, ...values);
    if (alarm === undefined) return;
    const set = alarm === null ? storage.deleteAlarm() : storage.setAlarm(alarm);
    set.catch((error) => console.error(`alarm: ${error}`));
  });
}
"#)]
extern "C" {
    #[wasm_bindgen(catch)]
    fn rows(storage: &JsValue, sql: &str, values: &str) -> Result<String, JsValue>;
    #[wasm_bindgen(catch)]
    fn commit(storage: &JsValue, statements: &str, alarm: JsValue) -> Result<(), JsValue>;
}

/// What a commit does with the alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alarm {
    /// It stays as it is.
    Kept,
    /// Wake at this moment, or never.
    Set(Option<Millis>),
}

/// One statement with its values, as `json!([sql, value, …])`.
pub(crate) type Statement = Value;

/// The storage of the object that holds it.
pub(crate) struct Storage(JsValue);

impl Storage {
    /// The storage of `state`'s object.
    pub(crate) fn of(state: &State) -> Self {
        Self(JsValue::from(state.storage().as_raw()))
    }

    /// All rows of a query, each read from an array of its columns.
    pub(crate) fn rows<T: DeserializeOwned>(
        &self,
        sql: &str,
        values: &Value,
    ) -> Result<Vec<T>, Thrown> {
        Ok(serde_json::from_str(&rows(&self.0, sql, &values.to_string())?)?)
    }

    /// All statements and the alarm, or none of it.
    pub(crate) fn commit(&self, statements: &[Statement], alarm: Alarm) -> Result<(), Thrown> {
        let alarm = match alarm {
            Alarm::Kept => JsValue::UNDEFINED,
            Alarm::Set(None) => JsValue::NULL,
            Alarm::Set(Some(at)) => JsValue::from_f64(at.0 as f64),
        };
        Ok(commit(&self.0, &serde_json::to_string(statements)?, alarm)?)
    }
}
