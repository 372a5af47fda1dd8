//! Publishing: a policy's row, and what becomes of it.
//!
//! Invariant: every change raises the row's version by one, and a deleted policy's row keeps it, so
//! that of two policies of one name the later always has the higher version (M6). What is put a
//! second time the same changes nothing.

use super::error::{INVALID, NOT_FOUND};
use super::policy::{Policy, is_name};
use super::wire::{PRODUCT, register_key};
use crate::problem::{FieldError, PRECONDITION_FAILED, Problem};
use crate::roads::{Register, Stamp};
use crate::time::{self, Millis};
use crate::{body, etag};
use alloc::{format, string::String, vec};
use serde::{Deserialize, Serialize};

/// Policies of an application: at 200 bytes each, 200 kB of registers.
pub const POLICIES_MAX: u64 = 1_000;

/// A policy as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PublishedPolicy {
    /// Its name among the application's, `[a-z0-9-]{1,64}`.
    pub name: String,
    /// What was published.
    #[serde(flatten)]
    pub policy: Policy,
    /// Rises with every change, and goes on rising after a deletion; its entity tag.
    pub version: u64,
    /// RFC 3339.
    #[serde(with = "time::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub created_at: Millis,
    /// RFC 3339.
    #[serde(with = "time::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub updated_at: Millis,
}

/// A policy's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Whose.
    pub app: String,
    /// Its name.
    pub name: String,
    /// `None`: a tombstone.
    pub policy: Option<Policy>,
    /// 1, 2, 3 …
    pub version: u64,
    /// Of a policy that came again, when it did.
    pub created_at: Millis,
    /// The last change.
    pub updated_at: Millis,
}

impl Row {
    /// What the edge reads of it.
    #[must_use]
    pub fn register(&self, epoch: u32) -> Register {
        Register {
            product: PRODUCT.into(),
            key: register_key(&self.app, &self.name),
            stamp: Stamp { epoch, version: self.version },
            value: self.policy.as_ref().and_then(|policy| serde_json::to_string(policy).ok()),
        }
    }

    /// What its owner sees.
    ///
    /// # Errors
    /// 404 for a tombstone.
    pub fn published(&self) -> Result<PublishedPolicy, Problem> {
        let policy = self.policy.clone().ok_or_else(not_found)?;
        let Self { name, version, created_at, updated_at, .. } = self.clone();
        Ok(PublishedPolicy { name, policy, version, created_at, updated_at })
    }

    /// The entity tag of this version.
    #[must_use]
    pub fn etag(&self) -> String {
        etag::of(self.version)
    }
}

/// What is to become of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// This one.
    Put(Policy),
    /// None.
    Delete,
}

/// What a change was, for the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each name says it")]
pub enum Action {
    Created,
    Replaced,
    Deleted,
}

impl Action {
    /// As it is stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Replaced => "replaced",
            Self::Deleted => "deleted",
        }
    }
}

/// What is stored and answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The row from now on.
    pub row: Row,
    /// What was done; `None`: it is the same as before.
    pub action: Option<Action>,
}

/// What a change is made to.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Whose.
    pub app: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Its row, tombstone or not.
    pub row: Option<&'a Row>,
    /// How many policies the application has.
    pub live: u64,
}

/// Decides a change; `if_match`: only of this entity tag.
///
/// # Errors
/// 404, 412, and 422 for a policy too many.
pub fn decide(
    place: Place<'_>,
    now: Millis,
    if_match: Option<&str>,
    change: Change,
) -> Result<Decision, Problem> {
    let Place { app, name, row, live } = place;
    let present = row.filter(|row| row.policy.is_some());
    if present.is_none() && change == Change::Delete {
        return Err(not_found());
    }
    if let Some(wanted) = if_match
        && !present.is_some_and(|row| etag::is_named(wanted, &row.etag()))
    {
        let detail = match present {
            Some(row) => format!("the policy's entity tag is {}", row.etag()),
            None => "there is no such policy yet".into(),
        };
        return Err(Problem::new(&PRECONDITION_FAILED, detail));
    }
    let (policy, action) = match (change, present) {
        (Change::Put(policy), Some(row)) if row.policy.as_ref() == Some(&policy) => {
            return Ok(Decision { row: row.clone(), action: None });
        }
        (Change::Put(policy), Some(_)) => (Some(policy), Action::Replaced),
        (Change::Put(_), None) if live >= POLICIES_MAX => {
            let detail = format!("an application has at most {POLICIES_MAX} policies");
            return Err(Problem::new(&INVALID, detail));
        }
        (Change::Put(policy), None) => (Some(policy), Action::Created),
        (Change::Delete, _) => (None, Action::Deleted),
    };
    let row = Row {
        app: app.into(),
        name: name.into(),
        policy,
        version: row.map_or(0, |row| row.version).saturating_add(1),
        created_at: present.map_or(now, |row| row.created_at),
        updated_at: now,
    };
    Ok(Decision { row, action: Some(action) })
}

/// Reads the body of a publication.
///
/// # Errors
/// 400, 413, 422 with pointers.
pub fn policy(bytes: &[u8]) -> Result<Policy, Problem> {
    let policy: Policy = body::parse(bytes)?;
    policy.check()?;
    Ok(policy)
}

/// Checks the name of a policy that is to be published.
///
/// # Errors
/// 422.
pub fn name(name: &str) -> Result<(), Problem> {
    if is_name(name) {
        return Ok(());
    }
    let detail = "is no name of [a-z0-9-]{1,64}".into();
    Err(Problem::fields(&INVALID, vec![FieldError { pointer: "/name".into(), detail }]))
}

/// Checks the name of a policy that is asked for: what is no name names none.
///
/// # Errors
/// 404.
pub fn known_name(name: &str) -> Result<(), Problem> {
    if is_name(name) { Ok(()) } else { Err(not_found()) }
}

/// 404.
#[must_use]
pub fn not_found() -> Problem {
    Problem::new(&NOT_FOUND, "no policy has this name")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_790_000_000_000);

    fn policy(limit: u64) -> Policy {
        Policy { limit: Some(limit), window_ms: Some(1_000), lease: true, ..Policy::default() }
    }

    fn turn(
        row: Option<&Row>,
        now: u64,
        if_match: Option<&str>,
        change: Change,
    ) -> Result<Decision, Problem> {
        let place = Place { app: "app_1", name: "a", row, live: 0 };
        decide(place, NOW.plus(now), if_match, change)
    }

    fn put(limit: u64) -> Change {
        Change::Put(policy(limit))
    }

    #[test]
    fn m6_a_version_only_rises_through_deletions_too() {
        let made = turn(None, 0, None, put(1)).unwrap();
        assert_eq!((made.action, made.row.version), (Some(Action::Created), 1));
        let changed = turn(Some(&made.row), 5, None, put(2)).unwrap();
        assert_eq!((changed.action, changed.row.version), (Some(Action::Replaced), 2));
        assert_eq!((changed.row.created_at, changed.row.updated_at), (NOW, NOW.plus(5)));
        let gone = turn(Some(&changed.row), 6, None, Change::Delete).unwrap();
        assert_eq!((gone.action, gone.row.version), (Some(Action::Deleted), 3));
        assert_eq!(gone.row.register(2).value, None);
        assert_eq!(gone.row.published().unwrap_err().status(), 404);
        assert_eq!(turn(Some(&gone.row), 7, None, Change::Delete).unwrap_err().status(), 404);
        let again = turn(Some(&gone.row), 8, None, put(2)).unwrap();
        assert_eq!((again.action, again.row.version), (Some(Action::Created), 4));
        assert_eq!(again.row.created_at, NOW.plus(8));
        assert_eq!(again.row.register(2).stamp, Stamp { epoch: 2, version: 4 });
    }

    #[test]
    fn the_same_again_changes_nothing() {
        let made = turn(None, 0, None, put(1)).unwrap();
        let again = turn(Some(&made.row), 9, None, put(1)).unwrap();
        assert_eq!(again, Decision { row: made.row, action: None });
    }

    #[test]
    fn a_stale_condition_is_412_before_anything_else_of_a_change() {
        let made = turn(None, 0, None, put(1)).unwrap().row;
        for stale in ["\"2\"", "1", ""] {
            assert_eq!(turn(Some(&made), 1, Some(stale), put(2)).unwrap_err().status(), 412);
            let deleted = turn(Some(&made), 1, Some(stale), Change::Delete);
            assert_eq!(deleted.unwrap_err().status(), 412);
        }
        assert_eq!(turn(None, 1, Some("*"), put(2)).unwrap_err().status(), 412);
        assert_eq!(turn(None, 1, Some("*"), Change::Delete).unwrap_err().status(), 404);
        assert!(turn(Some(&made), 1, Some("\"1\""), put(2)).is_ok());
        assert!(turn(Some(&made), 1, Some("*"), Change::Delete).is_ok());
    }

    #[test]
    fn an_application_has_a_bounded_number() {
        let full = |row| Place { app: "app_1", name: "a", row, live: POLICIES_MAX };
        assert_eq!(decide(full(None), NOW, None, put(1)).unwrap_err().status(), 422);
        let made = turn(None, 0, None, put(1)).unwrap().row;
        assert!(decide(full(Some(&made)), NOW, None, put(2)).is_ok(), "a change is none more");
        let gone = turn(Some(&made), 0, None, Change::Delete).unwrap().row;
        assert_eq!(decide(full(Some(&gone)), NOW, None, put(2)).unwrap_err().status(), 422);
    }

    #[test]
    fn names_are_checked() {
        for wrong in ["", "A", "a_b", "ä", "a b", &"a".repeat(65)] {
            assert_eq!(name(wrong).unwrap_err().errors[0].pointer, "/name", "{wrong}");
            assert_eq!(known_name(wrong).unwrap_err().status(), 404, "{wrong}");
        }
        for right in ["a", "0-", &"a".repeat(64)] {
            assert!(name(right).is_ok() && known_name(right).is_ok(), "{right}");
        }
    }

    /// Pointers of what is wrong with a policy.
    fn pointers(text: &str) -> alloc::vec::Vec<String> {
        let problem = super::policy(text.as_bytes()).unwrap_err();
        assert_eq!(problem.status(), 422, "{text}");
        problem.errors.into_iter().map(|error| error.pointer).collect()
    }

    #[test]
    fn each_field_of_a_policy_that_is_wrong_is_pointed_at() {
        let many = |n: usize| vec![r#"{"limit":1,"window_ms":1}"#; n].join(",");
        let tiers: alloc::vec::Vec<String> = (0..33).map(|n| format!(r#""t{n}":{{}}"#)).collect();
        for (fields, wanted) in [
            (r#""limit":0"#, "/limit"),
            (r#""limit":100000001"#, "/limit"),
            (r#""limit":-1"#, "/limit"),
            (r#""limit":1.5"#, "/limit"),
            (r#""limit":"1""#, "/limit"),
            (r#""limit":10001,"algorithm":"sliding_window_log""#, "/limit"),
            (r#""window_ms":0"#, "/window_ms"),
            (r#""window_ms":31622400001"#, "/window_ms"),
            (r#""burst":0"#, "/burst"),
            (r#""burst":100000001"#, "/burst"),
            (r#""burst":5,"algorithm":"fixed_window""#, "/burst"),
            (r#""timeout_ms":49"#, "/timeout_ms"),
            (r#""timeout_ms":5001"#, "/timeout_ms"),
            (r#""algorithm":"magic""#, "/algorithm"),
            (r#""on_failure":"maybe""#, "/on_failure"),
            (r#""lease":1"#, "/lease"),
            (r#""shadow":"yes""#, "/shadow"),
            (r#""tiers":{"pro":{"limit":0}}"#, "/tiers/pro/limit"),
            (r#""tiers":{"pro":{"window_ms":0}}"#, "/tiers/pro/window_ms"),
            (r#""tiers":{"pro":{"burst":0}}"#, "/tiers/pro/burst"),
            (r#""tiers":{"pro":{"brust":1}}"#, "/tiers/pro/brust"),
            (r#""tiers":{"Pro/~":{}}"#, "/tiers/Pro~1~0"),
            (&format!(r#""tiers":{{{}}}"#, tiers.join(",")), "/tiers"),
            (r#""all":[{"limit":1,"window_ms":1}]"#, "/all"),
            (r#""unknown":1"#, "/unknown"),
        ] {
            let own = ["limit", "window_ms"].map(|name| {
                let stated = fields.starts_with(&format!("\"{name}\""));
                if stated { String::new() } else { format!(r#""{name}":1000,"#) }
            });
            assert_eq!(pointers(&format!("{{{}{fields}}}", own.concat())), [wanted], "{fields}");
        }
        assert_eq!(pointers("{}"), ["/limit", "/window_ms"]);
        assert_eq!(pointers("[]"), [""]);
        assert_eq!(pointers(&format!(r#"{{"all":[{}]}}"#, many(5))), ["/all"]);
        assert_eq!(
            pointers(&format!(r#"{{"all":[{}],"tiers":{{"a":{{}}}}}}"#, many(1))),
            ["/tiers"]
        );
        let two = format!(r#"{{"all":[{},{{"limit":0,"window_ms":0}}]}}"#, many(1));
        assert_eq!(pointers(&two), ["/all/1/limit", "/all/1/window_ms"]);
        assert!(super::policy(format!(r#"{{"all":[{}]}}"#, many(4)).as_bytes()).is_ok());
    }

    #[test]
    fn m18_a_log_above_its_bound_names_the_counter() {
        let text = r#"{"algorithm":"sliding_window_log","limit":10001,"window_ms":1000}"#;
        let problem = super::policy(text.as_bytes()).unwrap_err();
        assert!(problem.errors[0].detail.contains("sliding_window_counter"));
        let most = r#"{"algorithm":"sliding_window_log","limit":10000,"window_ms":1000}"#;
        assert!(super::policy(most.as_bytes()).is_ok());
    }
}
