//! What an operation answers: its success, and every problem by its status.
//!
//! Invariant: the problems are those of `route.problems()`, rendered as they are served.

use super::schemas;
use crate::problem::{self, Kind, MEDIA_TYPE, Problem};
use crate::route::{Op, Route, Side};
use crate::video::manifest::{dash, hls};
use alloc::collections::BTreeMap;
use alloc::{format, string::String, string::ToString, vec, vec::Vec};
use serde_json::{Map, Value, json};

/// Stands for `PUBLIC_URL` in examples.
const PUBLIC_URL: &str = "https://s.example";
const REQUEST_ID: &str = "req_00112233445566778899aabbccddeeff";

/// The `responses` of one operation.
pub(super) fn of(route: &Route) -> Value {
    let mut out = Map::new();
    for (status, answer) in successes(route) {
        out.insert(status.to_string(), answer);
    }
    let mut by_status: BTreeMap<u16, Vec<&'static Kind>> = BTreeMap::new();
    for kind in route.problems() {
        let kinds = by_status.entry(kind.class.status()).or_default();
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    for (status, kinds) in by_status {
        let mut answer = problems(route.side, status, &kinds);
        if let Some(Value::Object(content)) = answer.get_mut("content")
            && is_page(route, status)
        {
            content.insert("text/html".into(), json!({"schema": {"type": "string"}}));
        }
        out.insert(status.to_string(), answer);
    }
    Value::Object(out)
}

/// What people get as a page, when a link asks for its password.
fn is_page(route: &Route, status: u16) -> bool {
    match route.op {
        Op::Redirect => status == 401,
        Op::LinkUnlock => matches!(status, 401 | 429),
        _ => false,
    }
}

/// What a path answers to a method that it does not know, and a path that is none.
pub(super) fn common(side: Side) -> Value {
    json!({
        "MethodNotAllowed": problems(side, 405, &[&problem::METHOD_NOT_ALLOWED]),
        "NotFound": problems(side, 404, &[&problem::NOT_FOUND]),
    })
}

fn successes(route: &Route) -> Vec<(u16, Value)> {
    let (status, name) = route.response;
    let mut names = every_answer(route.side);
    let mut statuses = vec![status];
    match route.op {
        Op::Redirect => {
            statuses.extend([301, 307, 308]);
            names.extend(["Cache-Control", "Location"]);
        }
        Op::LinkUnlock => names.extend(["Location", "Set-Cookie"]),
        Op::VideoHls | Op::VideoDash => names.push("ETag"),
        Op::VideoFile => {
            statuses.push(206);
            names.push("ETag");
        }
        Op::Shorten | Op::VideoCreate => names.extend(["ETag", "Location"]),
        Op::VideoGet | Op::VideoPatch => names.push("ETag"),
        Op::UploadCreate => names.extend(["Location", "Tus-Resumable"]),
        Op::UploadHead | Op::UploadPart | Op::UploadFile => {
            names.extend(["Tus-Resumable", "Upload-Offset"]);
        }
        Op::AccountOpen | Op::TransferCreate | Op::PaymentCreate | Op::PaymentRefund => {
            names.push("Location");
        }
        Op::PrivacyExport | Op::PrivacyErase => names.push("Location"),
        Op::WebhookCreate => names.extend(["ETag", "Location"]),
        Op::WebhookTest | Op::WebhookRedeliver => names.push("Location"),
        Op::LinkGet | Op::LinkPatch | Op::LimitPolicyGet => names.push("ETag"),
        Op::WebhookGet | Op::WebhookPatch | Op::WebhookRotate => names.push("ETag"),
        Op::FraudRuleGet => names.push("ETag"),
        Op::LimitPolicyPut | Op::FraudRulePut => {
            statuses.push(200);
            names.push("ETag");
        }
        _ => {}
    }
    if route.is_idempotent() {
        names.push("Idempotent-Replayed");
    }
    let mut answer = Map::new();
    answer.insert("headers".into(), header_references(&names));
    if let Some(content) = content(route, name) {
        answer.insert("content".into(), content);
    }
    let described = |status: u16| {
        let mut answer = answer.clone();
        answer.insert("description".into(), describe(status).into());
        (status, Value::Object(answer))
    };
    let mut answers: Vec<(u16, Value)> = statuses.into_iter().map(described).collect();
    if matches!(
        route.op,
        Op::LinkGet
            | Op::LimitPolicyGet
            | Op::FraudRuleGet
            | Op::VideoHls
            | Op::VideoDash
            | Op::VideoFile
    ) {
        let headers = header_references(&["ETag", "X-Request-Id"]);
        answers.push((304, json!({"description": describe(304), "headers": headers})));
    }
    answers
}

/// The origin names requests in its problems and logs only; the edge in every answer.
fn every_answer(side: Side) -> Vec<&'static str> {
    if side == Side::Origin { Vec::new() } else { vec!["X-Request-Id"] }
}

fn content(route: &Route, name: &str) -> Option<Value> {
    let object = json!({"type": "object"});
    let text = json!({"schema": {"type": "string"}});
    match (route.op, name) {
        (Op::ObjectGet, _) => Some(json!({"application/octet-stream": {}})),
        (Op::OriginMetrics, _) => Some(json!({"text/plain": text})),
        (Op::LinkImport, _) => Some(json!({"application/x-ndjson": text})),
        (Op::LinkExport, _) => Some(json!({"text/csv": text, "application/x-ndjson": text})),
        (Op::LinkQr, _) => Some(json!({"image/svg+xml": text, "image/png": {}})),
        (Op::VideoHls, _) => Some(json!({hls::MEDIA_TYPE: text, "application/json": explained()})),
        (Op::VideoDash, _) => {
            Some(json!({dash::MEDIA_TYPE: text, "application/json": explained()}))
        }
        (Op::VideoThumbnail, _) => Some(json!({"image/jpeg": {}})),
        (Op::VideoPicture, _) => Some(json!({"image/jpeg": {}, "text/vtt": text})),
        (Op::VideoFile, _) => Some(json!({
            hls::MEDIA_TYPE: text, "video/mp4": {}, "video/iso.segment": {}, "text/vtt": text,
        })),
        (Op::VideoEmbed, _) => Some(json!({"text/html": text})),
        (Op::ProblemType, _) => {
            Some(json!({"application/json": {"schema": object}, "text/html": text}))
        }
        (Op::EdgeOpenapi | Op::OriginOpenapi, _) => {
            Some(json!({"application/json": {"schema": object}}))
        }
        (
            op @ (Op::Projections
            | Op::Events
            | Op::RegisterAsk
            | Op::PasswordTry
            | Op::VideoForget),
            _,
        ) => Some(json!({"application/json": {"schema": schemas::internal(op)}})),
        (Op::AuditExport, _) => Some(json!({"application/x-ndjson": text})),
        (_, "") => None,
        (_, name) => Some(json!({"application/json": {
            "schema": schemas::reference(name),
            "example": schemas::example(name),
        }})),
    }
}

/// What `explain=1` answers.
fn explained() -> Value {
    json!({"schema": {"type": "object"}, "example": super::video::explained()})
}

fn describe(status: u16) -> &'static str {
    match status {
        200 => "Done",
        201 => "Created",
        202 => "Taken; `Location` says how far it got",
        204 => "Done; no body",
        206 => "The part that was asked for",
        301 => "Moved for good",
        304 => "It is still the version of `If-None-Match`",
        303 => "It is the one: follow the link again, with the cookie",
        302 => "Found: the default, so that every click is counted",
        307 => "Moved for now; the method stays",
        308 => "Moved for good; the method stays",
        _ => "",
    }
}

/// The problems of one status. A `type` is absolute, and the service's public URL is not known
/// here: so its end is held by a pattern, and the list stands beside it.
fn problems(side: Side, status: u16, kinds: &[&'static Kind]) -> Value {
    let titles: Vec<&str> = kinds.iter().map(|kind| kind.title).collect();
    let ends: Vec<String> = kinds.iter().map(|k| format!("{}/{}", k.product, k.slug)).collect();
    let types: Vec<String> = ends.iter().map(|end| format!("/problems/{end}")).collect();
    let reference = |kind: &&'static Kind| {
        let name = format!("#/components/examples/{}", example_name(kind));
        (example_name(kind), json!({"$ref": name}))
    };
    let examples: Map<_, _> = kinds.iter().map(reference).collect();
    let mut names = every_answer(side);
    match status {
        401 => names.push("WWW-Authenticate"),
        405 => names.push("Allow"),
        409 | 503 => names.push("Retry-After"),
        _ => {}
    }
    json!({
        "description": titles.join("; "),
        "headers": header_references(&names),
        "content": {MEDIA_TYPE: {
            "schema": {
                "allOf": [schemas::reference("Problem"), {"properties": {
                    "type": {"pattern": format!("/problems/({})$", ends.join("|"))},
                    "status": {"const": status},
                }}],
                "x-problem-types": types,
            },
            "examples": examples,
        }},
    })
}

fn example_name(kind: &Kind) -> String {
    format!("{}.{}", kind.product, kind.slug)
}

/// `components.examples`: one of every problem that the routes, or no route, may answer with.
pub(super) fn examples(routes: &[&Route]) -> Value {
    let of_routes = routes.iter().flat_map(|route| route.problems());
    let example = |kind: &'static Kind| {
        let body = Problem::new(kind, kind.title).to_json(PUBLIC_URL, REQUEST_ID);
        let value: Value = serde_json::from_str(&body).unwrap_or_default();
        (example_name(kind), json!({"summary": kind.title, "value": value}))
    };
    let common = [&problem::METHOD_NOT_ALLOWED, &problem::NOT_FOUND];
    of_routes.chain(common).map(example).collect::<Map<_, _>>().into()
}

fn header_references(names: &[&str]) -> Value {
    let reference = |name: &&str| {
        (String::from(*name), json!({"$ref": format!("#/components/headers/{name}")}))
    };
    names.iter().map(reference).collect::<Map<_, _>>().into()
}

/// `components.headers`.
pub(super) fn headers() -> Value {
    let text = |about: &str, example: &str| {
        let schema = json!({"type": "string"});
        json!({"description": about, "schema": schema, "example": example})
    };
    json!({
        "Allow": text("The methods that the path knows.", "GET, HEAD, PATCH, DELETE"),
        "Cache-Control": text("Only permanent redirects are kept.", "private, no-store"),
        "ETag": text("For `If-Match` and `If-None-Match`.", "\"1\""),
        "Idempotent-Replayed": text("This is the stored answer, given again.", "true"),
        "Location": text("Where it is, or leads.", "/api/v1/links/0004c92"),
        "Retry-After": {
            "description": "Seconds after which a new try makes sense; not on every problem.",
            "schema": {"type": "integer", "minimum": 0},
            "example": 1,
        },
        "Set-Cookie": text(
            "Good for one link and twelve hours; `__Host-` on https.",
            "__Host-link-0004c92=…; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax; Secure",
        ),
        "Tus-Resumable": text("The version of tus.", "1.0.0"),
        "Upload-Offset": text("How many bytes are there.", "67108864"),
        "WWW-Authenticate": text("How to authenticate, and why not.", "Bearer"),
        "X-Request-Id": text("Names the request in our logs.", REQUEST_ID),
    })
}
