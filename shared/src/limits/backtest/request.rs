//! The body of a backtest: read once, without a tree of values in between, its keys borrowed.
//!
//! Invariant: a row is `[at, key]`, `[at, key, cost]` or `{at, key, cost?}`; what else it is, is
//! refused with its place (`/log/123/1`). At 40 bytes a row, a million rows are 40 MB.

use super::super::error::INVALID;
use super::super::policy::{Policy, is_name};
use super::super::publish::not_found;
use super::super::request::{KEY_BYTES_MAX, is_key};
use super::super::rule::{LIMIT_MAX, Rule};
use crate::body;
use crate::problem::{FieldError, Problem};
use crate::roads::Stamp;
use crate::time::{LAST, Millis};
use alloc::borrow::{Cow, ToOwned};
use alloc::boxed::Box;
use alloc::{format, string::String, vec, vec::Vec};
use core::fmt;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize as Derived, Serialize};

/// The body: 64 bytes a row.
pub const BYTES_MAX: u64 = 64 << 20;
/// Rows of a log (M13).
pub const ROWS_MAX: usize = 1_000_000;

/// `POST /api/v1/limits/backtest`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Derived)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct BacktestRequest<'a> {
    /// The name of one of the application's policies, or a whole policy.
    pub policy: Tested,
    /// One of the policy's tiers; its own numbers when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    /// Up to 1,000,000 rows, in any order; they are decided in order of time.
    #[serde(borrow)]
    pub log: Log<'a>,
}

/// The policy that is tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Tested {
    /// A published one.
    Named(String),
    /// Any other.
    Whole(Box<Policy>),
}

/// Requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Log<'a>(pub Vec<Row<'a>>);

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// When.
    pub at: Millis,
    /// Whose.
    pub key: Cow<'a, str>,
    /// Units, 0 to 100,000,000; 1 when missing.
    pub cost: u64,
}

/// Reads and checks a body.
///
/// # Errors
/// 400, 422 with a pointer.
pub fn read(bytes: &[u8]) -> Result<BacktestRequest<'_>, Problem> {
    let request: BacktestRequest<'_> = body::read_object(bytes)?;
    match &request.policy {
        Tested::Named(name) if !is_name(name) => {
            Err(refuse("/policy", "is no name of [a-z0-9-]{1,64}"))
        }
        Tested::Named(_) => Ok(request),
        Tested::Whole(policy) => {
            let at = |error: FieldError| FieldError {
                pointer: format!("/policy{}", error.pointer),
                ..error
            };
            policy.check().map_err(|problem| {
                Problem::fields(&INVALID, problem.errors.into_iter().map(at).collect())
            })?;
            Ok(request)
        }
    }
}

impl BacktestRequest<'_> {
    /// The rules to be tried; `published`: the policy that the request names, if it names one.
    ///
    /// # Errors
    /// 404 when it names one that there is not, 422 for a tier that the policy has not.
    pub fn rules(&self, published: Option<&Policy>) -> Result<Vec<Rule>, Problem> {
        let policy = match &self.policy {
            Tested::Named(_) => published.ok_or_else(not_found)?,
            Tested::Whole(policy) => policy,
        };
        let tier = self.tier.as_deref();
        if tier.is_some_and(|tier| !policy.tiers.contains_key(tier)) {
            return Err(refuse("/tier", "the policy has no such tier"));
        }
        Ok(policy.plan(Stamp { epoch: 0, version: 0 }, tier.unwrap_or_default()).rules)
    }
}

fn refuse(pointer: &str, detail: &str) -> Problem {
    let error = FieldError { pointer: pointer.into(), detail: detail.into() };
    Problem::fields(&INVALID, vec![error])
}

impl<'de> Deserialize<'de> for Tested {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Of;
        impl<'de> Visitor<'de> for Of {
            type Value = Tested;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a policy's name, or a policy")
            }
            fn visit_str<E: Error>(self, name: &str) -> Result<Tested, E> {
                Ok(Tested::Named(name.to_owned()))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Tested, A::Error> {
                let policy = Policy::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Tested::Whole(Box::new(policy)))
            }
        }
        input.deserialize_any(Of)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Log<'a> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Of;
        impl<'de> Visitor<'de> for Of {
            type Value = Log<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of rows")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Log<'de>, A::Error> {
                let mut rows = Vec::new();
                while rows.len() < ROWS_MAX {
                    let Some(row) = list.next_element()? else { return Ok(Log(rows)) };
                    rows.push(row);
                }
                match list.next_element::<IgnoredAny>()? {
                    None => Ok(Log(rows)),
                    Some(_) => Err(A::Error::custom(format!("has more than {ROWS_MAX} rows"))),
                }
            }
        }
        input.deserialize_seq(Of)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Row<'a> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        #[derive(Derived)]
        #[serde(deny_unknown_fields)]
        struct Fields<'a> {
            at: At,
            #[serde(borrow)]
            key: Key<'a>,
            #[serde(default)]
            cost: Cost,
        }
        struct Of;
        impl<'de> Visitor<'de> for Of {
            type Value = Row<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("[at, key, cost?] or {at, key, cost?}")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Row<'de>, A::Error> {
                let lacks = |what: &str| A::Error::custom(format!("lacks its {what}"));
                let At(at) = list.next_element()?.ok_or_else(|| lacks("moment"))?;
                let Key(key) = list.next_element()?.ok_or_else(|| lacks("key"))?;
                let Cost(cost) = list.next_element()?.unwrap_or_default();
                match list.next_element::<IgnoredAny>()? {
                    None => Ok(Row { at, key, cost }),
                    Some(_) => Err(A::Error::custom("has more than moment, key and cost")),
                }
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Row<'de>, A::Error> {
                let Fields { at: At(at), key: Key(key), cost: Cost(cost) } =
                    Fields::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Row { at, key, cost })
            }
        }
        input.deserialize_any(Of)
    }
}

/// Milliseconds since 1970, or RFC 3339.
struct At(Millis);

impl<'de> Deserialize<'de> for At {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Of;
        impl Visitor<'_> for Of {
            type Value = At;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("whole milliseconds since 1970, before the year 10000, or RFC 3339")
            }
            fn visit_u64<E: Error>(self, ms: u64) -> Result<At, E> {
                let at = Some(Millis(ms)).filter(|at| *at <= LAST);
                at.map(At).ok_or_else(|| E::invalid_value(unexpected(ms), &self))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<At, E> {
                let at = Millis::parse(text).filter(|at| *at <= LAST);
                at.map(At).ok_or_else(|| E::custom("is no moment of RFC 3339"))
            }
        }
        input.deserialize_any(Of)
    }
}

fn unexpected(number: u64) -> serde::de::Unexpected<'static> {
    serde::de::Unexpected::Unsigned(number)
}

/// Borrowed unless it has escapes.
struct Key<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Key<'a> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Of;
        impl<'de> Visitor<'de> for Of {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_borrowed_str<E: Error>(self, key: &'de str) -> Result<Key<'de>, E> {
                check_key(key)?;
                Ok(Key(Cow::Borrowed(key)))
            }
            fn visit_str<E: Error>(self, key: &str) -> Result<Key<'de>, E> {
                check_key(key)?;
                Ok(Key(Cow::Owned(key.to_owned())))
            }
        }
        input.deserialize_str(Of)
    }
}

fn check_key<E: Error>(key: &str) -> Result<(), E> {
    let wrong = || E::custom(format!("must have 1 to {KEY_BYTES_MAX} bytes"));
    if is_key(key) { Ok(()) } else { Err(wrong()) }
}

struct Cost(u64);

impl Default for Cost {
    fn default() -> Self {
        Self(1)
    }
}

impl<'de> Deserialize<'de> for Cost {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let cost = u64::deserialize(input)?;
        let wrong = || D::Error::custom(format!("must be 0 to {LIMIT_MAX}"));
        if cost <= LIMIT_MAX { Ok(Self(cost)) } else { Err(wrong()) }
    }
}

impl Serialize for Row<'_> {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        (self.at, &self.key, self.cost).serialize(out)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Row<'_> {
    fn schema_name() -> Cow<'static, str> {
        "BacktestRow".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let at = serde_json::json!({
            "description": "Milliseconds since 1970, or RFC 3339.",
            "type": ["integer", "string"],
            "minimum": 0,
        });
        let key = serde_json::json!({"type": "string", "minLength": 1});
        let cost = serde_json::json!({"type": "integer", "minimum": 0, "maximum": LIMIT_MAX});
        schemars::json_schema!({
            "description": "One request; a cost that is missing is 1.",
            "oneOf": [
                {"type": "array", "prefixItems": [at, key, cost], "minItems": 2, "maxItems": 3},
                {
                    "type": "object",
                    "properties": {"at": at, "key": key, "cost": cost},
                    "required": ["at", "key"],
                    "additionalProperties": false,
                },
            ],
        })
    }
}
