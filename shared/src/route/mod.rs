//! The route table: every path that is served, as data.
//!
//! It feeds both routers, authorisation and its test, the guard, the OpenAPI document and the
//! README's table. Invariant: what is not here is not served; the compiler holds every [`Op`] to a
//! handler; a route says who may call it, or it does not build.

use crate::limits::{self, guard::Guard};
use crate::payments::error::CARD_NUMBER;
use crate::problem::{self, Kind};
use alloc::{string::String, vec::Vec};

mod op;
mod table;

pub use op::Op;
pub use table::{ROUTES, Table};

/// A body up to here is held whole by whoever reads it; a route with longer ones has them streamed
/// through the edge, whose isolates have 128 MiB for everything.
pub const HELD_BYTES_MAX: u64 = 4 << 20;

/// Which side answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The Worker alone.
    Edge,
    /// The Worker asks the origin under `/internal` + the same path.
    Through,
    /// The origin alone.
    Origin,
}

/// Who may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everyone.
    Public,
    /// A service or a user with this scope.
    Scope(&'static str),
    /// A service, whatever its scopes.
    Service,
    /// The operator's key.
    Operator,
    /// The other side's signature.
    Signed,
}

/// One route.
#[derive(Debug)]
pub struct Route {
    /// Names the operation.
    pub op: Op,
    /// Upper case; `GET` includes `HEAD`.
    pub method: &'static str,
    /// `{name}` stands for one segment.
    pub path: &'static str,
    /// Whose it is; `http` is no product's.
    pub product: &'static str,
    /// Who answers.
    pub side: Side,
    /// Who may call.
    pub access: Access,
    /// What limits it.
    pub guard: Guard,
    /// One line for the documents.
    pub summary: &'static str,
    /// The schema of the JSON body.
    pub request: Option<&'static str>,
    /// Status and schema of the answer to a success; an empty name is no body of JSON.
    pub response: (u16, &'static str),
    /// The longest body, in bytes.
    pub bytes_max: u64,
    /// The query's parameters.
    pub query: &'static [&'static str],
    /// The product's own problems; what [`Route::problems`] adds is common.
    pub problems: &'static [&'static Kind],
}

impl Route {
    /// Every problem that the route may answer with.
    #[must_use]
    pub fn problems(&self) -> Vec<&'static Kind> {
        let mut all: Vec<&'static Kind> = self.problems.to_vec();
        match self.access {
            Access::Public => {}
            Access::Scope(_) | Access::Service | Access::Operator => {
                all.extend([&problem::UNAUTHENTICATED, &problem::FORBIDDEN]);
            }
            Access::Signed => all.push(&problem::UNAUTHENTICATED),
        }
        // No JSON in a body, and what is not ASCII in a header that the edge would pass on.
        if self.request.is_some() || self.side == Side::Through {
            all.push(&problem::MALFORMED);
        }
        if self.request.is_some() {
            all.extend([
                &problem::TOO_LARGE,
                &problem::UNSUPPORTED_MEDIA_TYPE,
                &problem::UNACCEPTABLE,
            ]);
        }
        if self.is_streamed() {
            all.push(&problem::LENGTH_REQUIRED);
        }
        if self.guard != Guard::Free {
            all.push(&limits::error::EXCEEDED);
        }
        if self.is_idempotent() {
            all.extend([&problem::IN_PROGRESS, &problem::IDEMPOTENCY_MISMATCH]);
        }
        // A key is kept with its answer, so it holds no card number either (P14).
        if self.requires_key() && !all.contains(&&CARD_NUMBER) {
            all.push(&CARD_NUMBER);
        }
        if !self.query.is_empty() && self.request.is_none() {
            all.push(&problem::UNACCEPTABLE);
        }
        all.extend([&problem::INTERNAL, &problem::UNAVAILABLE]);
        all
    }

    /// Whether the route accepts `Idempotency-Key`: every POST that creates.
    #[must_use]
    pub fn is_idempotent(&self) -> bool {
        let creates = match self.side {
            // An upload's length is said once, however often.
            Side::Through => {
                !matches!(self.op, Op::LimitBacktest | Op::FraudBacktest | Op::UploadCreate)
            }
            Side::Edge => self.op == Op::LinkImport,
            Side::Origin => false,
        };
        self.method == "POST" && creates
    }

    /// Whether the edge passes the body on as it comes, signed by its length (DESIGN: signing).
    #[must_use]
    pub fn is_streamed(&self) -> bool {
        self.bytes_max > HELD_BYTES_MAX || self.is_raw()
    }

    /// Whether the body is bytes that only the handler reads, whatever their media type.
    #[must_use]
    pub fn is_raw(&self) -> bool {
        matches!(self.op, Op::UploadPart | Op::UploadFile | Op::CaptionPut)
    }

    /// Whether the route does nothing without one: whatever moves money.
    #[must_use]
    pub fn requires_key(&self) -> bool {
        self.is_idempotent() && self.product == "payments"
    }

    /// Whether `If-Match` is honoured.
    #[must_use]
    pub fn is_conditional(&self) -> bool {
        matches!(self.method, "PATCH" | "PUT" | "DELETE") && self.side == Side::Through
    }

    fn takes(&self, method: &str) -> bool {
        self.method == method || (self.method == "GET" && method == "HEAD")
    }
}

/// What a request's method and path lead to.
#[derive(Debug)]
pub enum Found<'a> {
    /// A route, with the segments that stand for its `{names}`, in order.
    Route(&'static Route, Vec<&'a str>),
    /// The path is known, with these methods.
    OtherMethod(String),
    /// No route.
    Nothing,
}

/// Looks `path` (without query) up among the routes that `serves` admits.
#[must_use]
pub fn find<'a>(method: &str, path: &'a str, serves: fn(Side) -> bool) -> Found<'a> {
    let mut allow: Vec<&str> = Vec::new();
    let mut is_named = false;
    for route in ROUTES.iter().filter(|route| serves(route.side)) {
        let Some(segments) = matches(route.path, path) else { continue };
        // A path that stands in the table by name is no code that has a password.
        if route.op == Op::LinkUnlock && is_named {
            continue;
        }
        is_named |= !route.path.contains('{');
        if route.takes(method) {
            return Found::Route(route, segments);
        }
        // Two templates may match one path: `/healthz` is also a `/{code}`.
        if !allow.contains(&route.method) {
            allow.push(route.method);
            if route.method == "GET" {
                allow.push("HEAD");
            }
        }
    }
    if allow.is_empty() { Found::Nothing } else { Found::OtherMethod(allow.join(", ")) }
}

/// Whether a path of the table begins with this segment, as it stands there.
#[must_use]
pub fn begins_with(segment: &str) -> bool {
    ROUTES.iter().any(|route| route.path.split('/').nth(1) == Some(segment))
}

fn matches<'a>(template: &str, path: &'a str) -> Option<Vec<&'a str>> {
    let mut found = Vec::new();
    let (mut wanted, mut given) = (template.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(found),
            (Some(name), Some(segment)) if name.starts_with('{') && !segment.is_empty() => {
                found.push(segment);
            }
            (Some(name), Some(segment)) if name == segment => {}
            _ => return None,
        }
    }
}

/// Every scope that some route asks for.
pub fn scopes() -> impl Iterator<Item = &'static str> {
    let mut seen = alloc::collections::BTreeSet::new();
    ROUTES.iter().filter_map(move |route| match route.access {
        Access::Scope(scope) if seen.insert(scope) => Some(scope),
        _ => None,
    })
}

/// Checks that a list of scopes names only known ones (or `*`).
///
/// # Errors
/// The first unknown one.
pub fn check_scopes<'a>(scopes_given: impl IntoIterator<Item = &'a str>) -> Result<(), String> {
    let unknown = |scope: &&str| {
        *scope != crate::token::EVERY_SCOPE && !scopes().any(|known| known == *scope)
    };
    scopes_given.into_iter().find(unknown).map_or(Ok(()), |scope| Err(scope.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_edge(side: Side) -> bool {
        side != Side::Origin
    }

    #[test]
    fn paths_find_their_routes() {
        let op = |method, path| match find(method, path, at_edge) {
            Found::Route(route, _) => Some(route.op),
            _ => None,
        };
        assert_eq!(op("POST", "/api/v1/shorten"), Some(Op::Shorten));
        assert_eq!(op("HEAD", "/api/v1/links/abc"), Some(Op::LinkGet));
        assert_eq!(op("GET", "/abc"), Some(Op::Redirect));
        assert_eq!(op("POST", "/abc"), Some(Op::LinkUnlock));
        assert_eq!(op("POST", "/healthz"), None);
        assert_eq!(op("GET", "/healthz"), Some(Op::EdgeHealth));
        assert_eq!(op("GET", "/"), None);
        assert_eq!(op("GET", "/admin/keys"), None);
        assert_eq!(op("GET", "/api/v1/links/"), None);
        assert!(matches!(
            find("DELETE", "/api/v1/links/a-b", at_edge),
            Found::Route(_, segments) if segments == ["a-b"]
        ));
    }

    #[test]
    fn another_method_says_which() {
        let Found::OtherMethod(allow) = find("PUT", "/api/v1/links/abc", at_edge) else {
            panic!("not found");
        };
        assert_eq!(allow, "GET, HEAD, PATCH, DELETE");
        let Found::OtherMethod(allow) = find("PUT", "/healthz", at_edge) else {
            panic!("not found");
        };
        assert_eq!(allow, "GET, HEAD");
    }

    #[test]
    fn an_operation_has_one_route() {
        let mut ops: Vec<Op> = ROUTES.iter().map(|route| route.op).collect();
        ops.sort_unstable();
        ops.dedup();
        assert_eq!(ops.len(), ROUTES.iter().count());
        assert!(check_scopes(["links:read", "*"]).is_ok());
        assert_eq!(check_scopes(["links:fly"]), Err("links:fly".into()));
    }
}
