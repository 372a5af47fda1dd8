//! The problems of links: what a caller can act on.

use crate::problem::{Class, Kind};

/// The alias belongs to another link (or did: a deleted code is never issued again).
pub const ALIAS_TAKEN: Kind = Kind {
    product: "links",
    slug: "alias-taken",
    title: "The alias is taken",
    class: Class::Conflict,
};
/// A field of the link breaks a rule.
pub const INVALID: Kind = Kind {
    product: "links",
    slug: "invalid",
    title: "The link is not acceptable",
    class: Class::Unacceptable,
};
/// No such link, or another application's.
pub const NOT_FOUND: Kind =
    Kind { product: "links", slug: "not-found", title: "No such link", class: Class::NotFound };
/// The link has expired or was deleted.
pub const GONE: Kind =
    Kind { product: "links", slug: "gone", title: "The link is gone", class: Class::Gone };
/// The external id belongs to another link of the application.
pub const EXTERNAL_ID_TAKEN: Kind = Kind {
    product: "links",
    slug: "external-id-taken",
    title: "The external id is taken",
    class: Class::Conflict,
};
/// The link has been followed as often as it may be.
pub const USED_UP: Kind =
    Kind { product: "links", slug: "used-up", title: "The link is used up", class: Class::Gone };
/// The link asks for its password.
pub const PASSWORD_REQUIRED: Kind = Kind {
    product: "links",
    slug: "password-required",
    title: "The link asks for its password",
    class: Class::Unauthenticated,
};
/// Every code was issued.
pub const EXHAUSTED: Kind = Kind {
    product: "links",
    slug: "exhausted",
    title: "No code is left",
    class: Class::Unavailable,
};

/// Every problem type of links.
pub const KINDS: &[&Kind] = &[
    &ALIAS_TAKEN,
    &EXTERNAL_ID_TAKEN,
    &INVALID,
    &NOT_FOUND,
    &GONE,
    &USED_UP,
    &PASSWORD_REQUIRED,
    &EXHAUSTED,
];
