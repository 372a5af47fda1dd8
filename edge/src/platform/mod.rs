//! The platform's own words: everything that is JavaScript stands below here and nowhere else.
//!
//! Invariant: one call crosses the border once, with texts and numbers; what JavaScript throws
//! comes back as [`Thrown`], never as a panic. Refused: any decision.

pub(crate) mod bucket;
pub(crate) mod clock;
pub(crate) mod entropy;
pub(crate) mod http;
pub(crate) mod objects;
pub(crate) mod storage;
pub(crate) mod stream;
pub(crate) mod workers_kv;

use std::fmt;
use wasm_bindgen::{JsCast, JsValue};

/// What JavaScript threw, for our log.
#[derive(Clone, Debug)]
pub(crate) struct Thrown(pub(crate) String);

impl fmt::Display for Thrown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<JsValue> for Thrown {
    fn from(value: JsValue) -> Self {
        Self(match value.dyn_ref::<js_sys::Error>() {
            Some(error) => error.message().into(),
            None => value.as_string().unwrap_or_else(|| format!("{value:?}")),
        })
    }
}

impl From<serde_json::Error> for Thrown {
    fn from(error: serde_json::Error) -> Self {
        Self(error.to_string())
    }
}
