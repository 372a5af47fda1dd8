//! The problems of limits: what a caller can act on.

use crate::problem::{Class, Kind};

/// Too much was asked in too little time.
pub const EXCEEDED: Kind = Kind {
    product: "limits",
    slug: "exceeded",
    title: "The limit is exceeded",
    class: Class::Limited,
};
/// The operator or the application has shut this key out; waiting does not help.
pub const BANNED: Kind =
    Kind { product: "limits", slug: "banned", title: "The key is banned", class: Class::Forbidden };
/// A field of the question or of the policy breaks a rule.
pub const INVALID: Kind = Kind {
    product: "limits",
    slug: "invalid",
    title: "The limit is not acceptable",
    class: Class::Unacceptable,
};
/// No such policy, or another application's.
pub const NOT_FOUND: Kind =
    Kind { product: "limits", slug: "not-found", title: "No such policy", class: Class::NotFound };

/// Every problem type of limits.
pub const KINDS: &[&Kind] = &[&EXCEEDED, &BANNED, &INVALID, &NOT_FOUND];
