//! The OpenAPI 3.1 documents of both sides, written from [`crate::route::ROUTES`].
//!
//! Invariant: a route stands in exactly one document; what a document says of a route comes from
//! the table, the wire types and the problem lists, so it cannot differ from what is served; the
//! same build writes the same text. Run by build scripts (feature `schema`), never by a server.
//! Source: OpenAPI 3.1.1; examples are wire types that were serialised, so they are valid.

mod answers;
mod fraud;
mod limits;
mod links;
mod parameters;
mod payment;
mod payments;
mod payouts;
mod schemas;
mod video;
mod videos;
mod webhooks;

use crate::links::password::{CHARS_MAX, FIELD};
use crate::route::{Access, Op, ROUTES, Route, Side};
use crate::sign::{CONTEXT_HEADER, SIGNATURE_HEADER};
use crate::video::upload::PART_TYPE;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::{format, string::String, vec, vec::Vec};
use serde_json::{Map, Value, json};

/// The document of the edge: what the Worker answers alone or through the origin.
#[must_use]
pub fn edge_document() -> String {
    let about = "Short links and the rest of Selvedge's products, at the edge. A `GET` is also \
                 answered as `HEAD`. The `type` of a problem is an absolute URL that resolves.";
    document("Selvedge", about, |side| side != Side::Origin)
}

/// The document of the origin: what operators call, and what only the edge calls.
#[must_use]
pub fn origin_document() -> String {
    let about = "The operator's API of a Selvedge origin. Operations marked `x-internal` are \
                 called by the edge alone.";
    document("Selvedge origin", about, |side| side == Side::Origin)
}

fn document(title: &str, about: &str, serves: fn(Side) -> bool) -> String {
    let side = if serves(Side::Edge) { Side::Edge } else { Side::Origin };
    let routes: Vec<&Route> = ROUTES.iter().filter(|route| serves(route.side)).collect();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for route in &routes {
        let path = paths.entry(route.path).or_default();
        path.insert(route.method.to_ascii_lowercase(), operation(route));
    }
    let products: BTreeSet<&str> = routes.iter().map(|route| route.product).collect();
    let tags: Vec<Value> = products.iter().map(|product| tag(product)).collect();
    let document = json!({
        "openapi": "3.1.1",
        "info": {
            "title": title,
            "version": env!("CARGO_PKG_VERSION"),
            "description": about,
            "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": schemas::all(&routes),
            "examples": answers::examples(&routes),
            "headers": answers::headers(),
            "responses": answers::common(side),
            "securitySchemes": security_schemes(&routes),
        },
    });
    format!("{document}\n")
}

fn tag(product: &str) -> Value {
    let about = match product {
        "http" => "What belongs to no product.",
        "limits" => "How often something may be done.",
        "links" => "Short URLs.",
        "payments" => {
            "The ledger: accounts, transfers, holds; payments on it; webhooks in and out."
        }
        "video" => "Upload, transcoding, adaptive streaming.",
        _ => "",
    };
    json!({"name": product, "description": about})
}

fn operation(route: &Route) -> Value {
    let mut out = Map::new();
    out.insert("operationId".into(), operation_id(route.op).into());
    out.insert("summary".into(), route.summary.into());
    out.insert("tags".into(), json!([route.product]));
    let needs = match route.access {
        Access::Public => String::new(),
        Access::Scope(scope) => format!("Needs the scope `{scope}`."),
        Access::Service => "Needs a service key; a user token will not do.".into(),
        Access::Operator => "Needs the operator's key.".into(),
        Access::Signed => format!(
            "Internal: called by the other side, which signs in the header `{SIGNATURE_HEADER}`; \
             what it says of the client stands in `{CONTEXT_HEADER}`."
        ),
    };
    if !needs.is_empty() {
        out.insert("description".into(), needs.into());
    }
    out.insert("security".into(), security(route.access));
    if route.access == Access::Signed {
        out.insert("x-internal".into(), true.into());
    }
    let parameters = parameters::of(route);
    if !parameters.is_empty() {
        out.insert("parameters".into(), parameters.into());
    }
    if let Some(body) = request_body(route) {
        out.insert("requestBody".into(), body);
    }
    out.insert("responses".into(), answers::of(route));
    Value::Object(out)
}

/// `LinkGet` is `linkGet`.
fn operation_id(op: Op) -> String {
    let name = format!("{op:?}");
    let (first, rest) = name.split_at(1);
    format!("{}{rest}", first.to_ascii_lowercase())
}

fn request_body(route: &Route) -> Option<Value> {
    if route.op == Op::LinkImport {
        let text = json!({"schema": {"type": "string"}});
        let list =
            json!({"schema": {"type": "array", "items": schemas::reference("ShortenRequest")}});
        return Some(json!({"required": true, "content": {
            "text/csv": text, "application/x-ndjson": text, "application/json": list,
        }}));
    }
    if matches!(route.op, Op::ReconciliationCreate | Op::OwnReconciliationCreate) {
        let text = json!({"schema": {"type": "string"}});
        let content = json!({"application/xml": text, "text/csv": text});
        return Some(json!({"required": true, "content": content}));
    }
    if route.op == Op::LinkUnlock {
        let password = json!({"type": "string", "minLength": 1, "maxLength": CHARS_MAX});
        let schema = json!({"type": "object", "required": [FIELD], "properties": {FIELD: password},
            "additionalProperties": false});
        let form = json!({"application/x-www-form-urlencoded": {"schema": schema}});
        return Some(json!({"required": true, "content": form}));
    }
    if route.op == Op::GatewayHook {
        let content = json!({"application/json": {"schema": {"type": "object"}}});
        return Some(json!({"required": true, "content": content}));
    }
    if route.is_raw() {
        let media_type = match route.op {
            Op::UploadPart => PART_TYPE,
            Op::CaptionPut => "text/vtt",
            _ => "application/octet-stream",
        };
        return Some(json!({"required": true, "content": {media_type: {}}}));
    }
    let Some(name) = route.request else {
        let internal = route.access == Access::Signed && route.method == "POST";
        let content = json!({"application/json": {"schema": schemas::internal(route.op)}});
        return internal.then(|| json!({"required": true, "content": content}));
    };
    let content = json!({"application/json": {
        "schema": schemas::reference(name),
        "example": schemas::example(name),
    }});
    Some(json!({"required": true, "content": content}))
}

/// The array of a requirement names scopes, which 3.1 allows for every kind of scheme.
fn security(access: Access) -> Value {
    match access {
        Access::Public => json!([]),
        Access::Scope(scope) => json!([{"bearer": [scope]}]),
        Access::Service => json!([{"bearer": []}]),
        Access::Operator => json!([{"operator": []}]),
        Access::Signed => json!([{"signature": []}]),
    }
}

fn security_schemes(routes: &[&Route]) -> Value {
    let bearer = json!({
        "type": "http",
        "scheme": "bearer",
        "description": "A service key (`sk_…`) or a user token (JWT).",
    });
    let operator =
        json!({"type": "http", "scheme": "bearer", "description": "The operator's key."});
    let signature = json!({
        "type": "apiKey",
        "in": "header",
        "name": SIGNATURE_HEADER,
        "description": "`v1 {key_id} {unix_ms} {nonce} {hex}`: HMAC-SHA-256 over the lines v1, \
                        method, path?query, content, unix_ms, nonce, key id, context. Content is \
                        the SHA-256 of a body up to 1 MiB, else `stream:{length}`.",
    });
    let used = |scheme: &str| {
        routes.iter().any(|route| match route.access {
            Access::Public => false,
            Access::Scope(_) | Access::Service => scheme == "bearer",
            Access::Operator => scheme == "operator",
            Access::Signed => scheme == "signature",
        })
    };
    vec![("bearer", bearer), ("operator", operator), ("signature", signature)]
        .into_iter()
        .filter(|(name, _)| used(name))
        .map(|(name, scheme)| (String::from(name), scheme))
        .collect::<Map<_, _>>()
        .into()
}
