//! Publishing: an application's rules as one set, and what becomes of it.
//!
//! Invariant: every change raises the set's version by one, and the rule that it made has that
//! version: so of two rules of one name the later has the higher one, deletions between them or
//! not. What is put a second time the same changes nothing. A set is in the order of its names.

use super::rule::{self, Rule};
use super::wire::PRODUCT;
use crate::payments::card;
use crate::payments::error::{INVALID, NO_RULE};
use crate::problem::{FieldError, PRECONDITION_FAILED, Problem};
use crate::roads::{Register, Stamp, VALUE_BYTES_MAX};
use crate::time::{self, Millis};
use crate::{body, etag};
use alloc::{format, string::String, vec, vec::Vec};
use serde::{Deserialize, Serialize};

/// Rules of an application: each payment is held against all of them.
pub const RULES_MAX: usize = 100;
/// A rule's name.
pub const NAME_BYTES_MAX: usize = 64;
/// Rules with a velocity: each is one sum over the party's window, in every payment's commit.
pub const VELOCITIES_MAX: usize = 16;
/// A set as JSON: half of what a register carries.
pub const SET_BYTES_MAX: usize = VALUE_BYTES_MAX / 2;

/// A rule with its name. (The name in the document is `PublishedFraudRule`.)
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "PublishedFraudRule")
)]
pub struct Named {
    /// `[a-z0-9-]{1,64}`.
    pub name: String,
    /// What was published.
    #[serde(flatten)]
    pub rule: Rule,
    /// Rises with every change of any rule; its entity tag.
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

impl Named {
    /// The entity tag of this version.
    #[must_use]
    pub fn etag(&self) -> String {
        etag::of(self.version)
    }
}

/// The rules of an application.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Set {
    /// 0: no rule ever was.
    pub version: u64,
    /// In the order of their names.
    pub rules: Vec<Named>,
}

/// What the edge reads of a set: see [`Rule::is_for_edge`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EdgeRules {
    /// In the order of their names.
    pub rules: Vec<Named>,
}

impl Set {
    /// The rule of a name.
    ///
    /// # Errors
    /// 404.
    pub fn find(&self, name: &str) -> Result<&Named, Problem> {
        self.rules.iter().find(|named| named.name == name).ok_or_else(no_rule)
    }

    /// What the edge reads of it.
    #[must_use]
    pub fn register(&self, app: &str, epoch: u32) -> Register {
        let own = self.rules.iter().filter(|named| named.rule.is_for_edge());
        let rules = EdgeRules { rules: own.cloned().collect() };
        Register {
            product: PRODUCT.into(),
            key: app.into(),
            stamp: Stamp { epoch, version: self.version },
            value: serde_json::to_string(&rules).ok(),
        }
    }

    fn check(&self, pointer: &str) -> Result<(), Problem> {
        let velocities = self.rules.iter().filter(|named| named.rule.when.velocity.is_some());
        let bytes = serde_json::to_string(&self.rules).map_or(usize::MAX, |text| text.len());
        let (at, detail) = if self.rules.len() > RULES_MAX {
            ("", format!("an application has at most {RULES_MAX} rules"))
        } else if velocities.count() > VELOCITIES_MAX {
            ("/when/velocity", format!("at most {VELOCITIES_MAX} rules have one"))
        } else if bytes > SET_BYTES_MAX {
            ("/when", format!("the application's rules are more than {SET_BYTES_MAX} bytes"))
        } else {
            return Ok(());
        };
        Err(field(&format!("{pointer}{at}"), detail))
    }
}

/// What is to become of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// This one.
    Put(Rule),
    /// None.
    Delete,
}

/// What a change was, for the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "FraudChange"))]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "each name says it")]
pub enum Action {
    Created,
    Replaced,
    Deleted,
}

impl Action {
    /// As the audit calls it.
    #[must_use]
    pub fn recorded(self) -> &'static str {
        match self {
            Self::Created => "fraud_rule.created",
            Self::Replaced => "fraud_rule.replaced",
            Self::Deleted => "fraud_rule.deleted",
        }
    }
}

/// The set from now on, and what was done; `None`: it is the same as before.
pub type Decision = (Set, Option<Action>);

/// Decides a change; `if_match`: only of this entity tag.
///
/// # Errors
/// 404, 412, and 422 for a set that is too large.
pub fn decide(
    set: &Set,
    name: &str,
    now: Millis,
    if_match: Option<&str>,
    change: Change,
) -> Result<Decision, Problem> {
    let before = set.find(name);
    if change == Change::Delete {
        before.clone()?;
    }
    if let Some(wanted) = if_match
        && !before.as_ref().is_ok_and(|named| etag::is_named(wanted, &named.etag()))
    {
        let detail = match before {
            Ok(named) => format!("the rule's entity tag is {}", named.etag()),
            Err(_) => "there is no such rule yet".into(),
        };
        return Err(Problem::new(&PRECONDITION_FAILED, detail));
    }
    let mut rules: Vec<Named> = set.rules.clone();
    rules.retain(|named| named.name != name);
    let version = set.version.saturating_add(1);
    let action = match (change, before) {
        (Change::Put(rule), Ok(same)) if same.rule == rule => return Ok((set.clone(), None)),
        (Change::Put(rule), before) => {
            let created_at = before.as_ref().map_or(now, |before| before.created_at);
            let (name, updated_at) = (name.into(), now);
            rules.push(Named { name, rule, version, created_at, updated_at });
            if before.is_ok() { Action::Replaced } else { Action::Created }
        }
        (Change::Delete, _) => Action::Deleted,
    };
    rules.sort_by(|one, other| one.name.cmp(&other.name));
    let next = Set { version, rules };
    if action != Action::Deleted {
        next.check("")?;
    }
    Ok((next, Some(action)))
}

/// Reads the body of a publication.
///
/// # Errors
/// 400, 413, 422 with pointers.
pub fn rule(bytes: &[u8]) -> Result<Rule, Problem> {
    card::refuse(bytes)?;
    rule::checked(body::parse(bytes)?)
}

fn is_name(name: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Checks the name of a rule that is to be published.
///
/// # Errors
/// 422.
pub fn name(name: &str) -> Result<(), Problem> {
    if is_name(name) { Ok(()) } else { Err(field("/name", "is no name of [a-z0-9-]{1,64}".into())) }
}

/// Checks the name of a rule that is asked for: what is no name names none.
///
/// # Errors
/// 404.
pub fn known_name(name: &str) -> Result<(), Problem> {
    if is_name(name) { Ok(()) } else { Err(no_rule()) }
}

/// Makes a set of rules that are only tried on.
///
/// # Errors
/// 422 with pointers below `/rules`.
pub fn tried(rules: Vec<(String, Rule)>) -> Result<Set, Problem> {
    let mut errors = Vec::new();
    let mut set = Set::default();
    for (n, (name, rule)) in rules.into_iter().enumerate() {
        let at = format!("/rules/{n}");
        if !is_name(&name) {
            let detail = "is no name of [a-z0-9-]{1,64}".into();
            errors.push(FieldError { pointer: format!("{at}/name"), detail });
        }
        if set.rules.iter().any(|other| other.name == name) {
            let detail = "stands twice".into();
            errors.push(FieldError { pointer: format!("{at}/name"), detail });
        }
        rule.check(&at, &mut errors);
        let (created_at, updated_at) = (Millis(0), Millis(0));
        set.rules.push(Named { name, rule, version: 0, created_at, updated_at });
    }
    if !errors.is_empty() {
        return Err(Problem::fields(&INVALID, errors));
    }
    set.rules.sort_by(|one, other| one.name.cmp(&other.name));
    set.check("/rules")?;
    Ok(set)
}

/// 404.
#[must_use]
pub fn no_rule() -> Problem {
    Problem::new(&NO_RULE, "no rule of yours has this name")
}

pub(super) fn field(pointer: &str, detail: String) -> Problem {
    Problem::fields(&INVALID, vec![FieldError { pointer: pointer.into(), detail }])
}
