//! Whether what a player says is what CTA-5004 lets it say: for tests of players and for logs.
//!
//! Invariant: a manifest never depends on this; it depends on what could be read.

use super::{Cmcd, LISTS, Value, read};
use alloc::string::String;

/// The longest name of a session, and of a content.
pub const SESSION_BYTES_MAX: usize = 64;
/// The versions that there are.
const VERSIONS: [i64; 2] = [1, 2];
/// Rates of encoding, in whole kbit/s; a fraction is a player's rounding, not a mistake.
const RATES: [&str; 6] = ["ab", "br", "lab", "lb", "tab", "tb"];
const FLAGS: [&str; 4] = ["bg", "bs", "nr", "su"];
const WHOLE: [&str; 17] = [
    "bsa", "bsd", "bsda", "d", "dfa", "dl", "ltc", "mtp", "pb", "pt", "rc", "rtp", "sn", "tbl",
    "tpb", "ts", "ttfb",
];
const TEXTS: [&str; 6] = ["cdn", "cid", "cs", "nor", "nrr", "sid"];
/// Keys that are rounded to the nearest hundred.
const HUNDREDS: [&str; 5] = ["bl", "dl", "mtp", "rtp", "tbl"];

/// What is wrong with one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// The key.
    pub key: String,
    /// Whether the key may not say this at all; otherwise it should have been rounded.
    pub is_error: bool,
}

/// Whether `key` may be an application's own: it has a hyphen, and a letter before it.
#[must_use]
pub fn is_custom_key(key: &str) -> bool {
    let starts_well = key.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    starts_well && key.contains('-') && !key.contains(['*', '_']) && read::is_key(key)
}

impl Cmcd {
    /// Everything that is wrong, by key.
    pub fn issues(&self) -> impl Iterator<Item = Issue> + use<'_> {
        let version = self.0.get("v").and_then(Value::number).unwrap_or(1);
        self.0.iter().filter_map(move |(key, value)| {
            let is_error = judge(key, value, version)?;
            Some(Issue { key: key.clone(), is_error })
        })
    }
}

/// `None`: nothing is wrong.
fn judge(key: &str, value: &Value, version: i64) -> Option<bool> {
    if key == "v" {
        let known = value.number().is_some_and(|number| VERSIONS.contains(&number));
        return (!known).then_some(true);
    }
    let listed = version >= 2 && LISTS.contains(&key);
    let each = match value {
        Value::List(all) if listed => all.as_slice(),
        Value::List(_) => return Some(true),
        _ if listed => return Some(true),
        one => core::slice::from_ref(one),
    };
    each.iter().filter_map(|one| judge_one(key, one)).max()
}

fn judge_one(key: &str, value: &Value) -> Option<bool> {
    let is_whole = matches!(value, Value::Integer(0..));
    let error = |wrong: bool| wrong.then_some(true);
    match key {
        _ if FLAGS.contains(&key) => error(!matches!(value, Value::Flag(_))),
        _ if RATES.contains(&key) => match value {
            Value::Decimal(_) => Some(false),
            _ => error(!is_whole),
        },
        _ if HUNDREDS.contains(&key) && is_whole => {
            let rounded = value.number().is_some_and(|number| number % 100 == 0);
            (!rounded).then_some(false)
        }
        "bl" => error(!is_whole),
        _ if WHOLE.contains(&key) => error(!is_whole),
        "sid" | "cid" => {
            let fits = |text: &String| text.len() <= SESSION_BYTES_MAX;
            error(!matches!(value, Value::Text(text) if fits(text)))
        }
        _ if TEXTS.contains(&key) => error(!matches!(value, Value::Text(_))),
        _ => None,
    }
}
