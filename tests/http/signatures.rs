//! Every route between the two sides, unsigned and badly signed.

use crate::client::{Answer, App, Ask, Stack, alias};
use crate::visit::{self, Documents};
use origin::db;
use serde_json::{Value, json};
use shared::problem::UNAUTHENTICATED;
use shared::route::{Access, Op, ROUTES, Route, Side};
use shared::sign::{self, CONTEXT_HEADER, Context, Keys, SIGNATURE_HEADER};
use shared::time::Millis;

/// A request as its sender would sign it.
#[derive(Clone)]
struct Sealed {
    method: &'static str,
    path: String,
    body: String,
    context: String,
    /// Whether the body streams, so that its length stands for it.
    streamed: bool,
}

impl Sealed {
    fn signature(&self, keys: &Keys, at: Millis) -> String {
        let content = match self.streamed {
            true => sign::stream(self.body.len() as u64),
            false => sign::content(self.body.as_bytes()),
        };
        let request = sign::Request {
            method: self.method,
            path_and_query: &self.path,
            content: &content,
            context: &self.context,
        };
        keys.sign(request, at, rand::random())
    }
}

fn keys(stack: &Stack) -> Keys {
    Keys::parse(&stack.secret("SIGNING_KEYS")).unwrap()
}

fn context(app: &App<'_>) -> Context {
    Context {
        principal: format!("service:{}", app.kid),
        app: app.id.clone(),
        tier: "free".into(),
        request_id: "req_test".into(),
        ..Context::default()
    }
}

/// The routes that one side serves to the other: what is signed, and what the edge passes on.
fn signed() -> impl Iterator<Item = &'static Route> {
    ROUTES.iter().filter(|route| route.access == Access::Signed || route.side == Side::Through)
}

fn ask<'a>(stack: &'a Stack, route: &Route, sealed: &Sealed) -> Ask<'a> {
    let ask = match route.side {
        Side::Edge => stack.edge(route.method, &sealed.path),
        _ => stack.origin(route.method, &sealed.path),
    };
    let ask = ask.header(CONTEXT_HEADER, &sealed.context);
    let ask = if route.requires_key() { ask.header("idempotency-key", &alias()) } else { ask };
    let ask = visit::with_headers(route.op, ask);
    if sealed.body.is_empty() || visit::raw(route.op).is_some() {
        return ask.body(sealed.body.as_str());
    }
    ask.header("content-type", "application/json").body(sealed.body.as_str())
}

async fn seal(route: &Route, app: &App<'_>, documents: &Documents) -> Sealed {
    let path = visit::path(route, app).await;
    let inner = if route.side == Side::Through { "/internal" } else { "" };
    let body = visit::body(route, app, documents).await;
    let body = match body {
        Some(Value::String(text)) => text,
        Some(body) => body.to_string(),
        None => visit::raw(route.op).unwrap_or_default().into(),
    };
    let context = context(app).encode();
    let (method, path, streamed) = (route.method, format!("{inner}{path}"), route.is_streamed());
    Sealed { method, path, body, context, streamed }
}

/// The same request with one thing changed after it was signed.
fn changes(sealed: &Sealed) -> Vec<(&'static str, Sealed)> {
    let and = if sealed.path.contains('?') { '&' } else { '?' };
    let forged = Context { app: "app_other".into(), ..Context::default() }.encode();
    let mut all = vec![
        ("another query", Sealed { path: format!("{}{and}x=1", sealed.path), ..sealed.clone() }),
        ("another context", Sealed { context: forged, ..sealed.clone() }),
        ("another body", Sealed { body: format!("{} ", sealed.body), ..sealed.clone() }),
    ];
    let method = if sealed.method == "GET" { "POST" } else { "GET" };
    all.push(("another method", Sealed { method, ..sealed.clone() }));
    all
}

fn is_refused(what: &str, route: &Route, answer: &Answer) {
    assert_eq!(answer.status, 401, "{:?}, {what}: {}", route.op, answer.text());
    answer.is_problem(&UNAUTHENTICATED);
}

#[tokio::test]
async fn every_route_between_the_sides_refuses_what_the_other_did_not_sign() {
    let stack = Stack::here();
    let app = stack.app().await;
    let documents = Documents::of(&stack).await;
    let own = keys(&stack);
    let strange = Keys::parse(&format!("k1:{}", "ab".repeat(32))).unwrap();
    let unknown = Keys::parse(&format!("k9:{}", "ab".repeat(32))).unwrap();
    for route in signed() {
        let sealed = seal(route, &app, &documents).await;
        let now = db::now();
        let send = |signature: String| {
            ask(&stack, route, &sealed).header(SIGNATURE_HEADER, &signature).send()
        };
        is_refused("unsigned", route, &ask(&stack, route, &sealed).send().await);
        for key in [&app.key, &stack.admin_key] {
            let answer = ask(&stack, route, &sealed).key(key).send().await;
            is_refused("with a key instead", route, &answer);
        }
        let right = sealed.signature(&own, now);
        for (what, signature) in [
            ("no signature", String::new()),
            ("garbage", "v1 k1 1 2 3".into()),
            ("a stranger's key", sealed.signature(&strange, now)),
            ("an unknown key", sealed.signature(&unknown, now)),
            ("too old", sealed.signature(&own, Millis(now.0 - 65_000))),
            ("from the future", sealed.signature(&own, now.plus(65_000))),
            ("cut off", right[..right.len() - 2].into()),
            ("another version", right.replacen("v1", "v2", 1)),
        ] {
            is_refused(what, route, &send(signature).await);
        }
        for (what, signed) in changes(&sealed) {
            is_refused(what, route, &send(signed.signature(&own, now)).await);
        }
        // Half a minute off is two clocks that differ.
        let answer = send(sealed.signature(&own, Millis(now.0 - 30_000))).await;
        // The object has a name that nobody could have given.
        let wanted = if route.op == Op::ObjectGet { 404 } else { 200 };
        assert_eq!(answer.status, wanted, "{:?}: {}", route.op, answer.text());
        if route.side == Side::Through {
            let status = answer.value()["status"].as_u64().unwrap();
            assert!((200..300).contains(&status), "{:?}: {}", route.op, answer.text());
        }
    }
}

#[tokio::test]
async fn a_clients_own_context_and_signature_reach_nobody() {
    let stack = Stack::here();
    let (app, other) = (stack.app().await, stack.app().await);
    let body = json!({"long_url": "https://example.com/"});
    let forged = Sealed {
        method: "POST",
        path: "/internal/api/v1/shorten".into(),
        body: body.to_string(),
        context: context(&other).encode(),
        streamed: false,
    };
    let signature = forged.signature(&keys(&stack), db::now());
    let ask = app.ask("POST", "/api/v1/shorten").json(&body);
    let ask = ask.header(CONTEXT_HEADER, &forged.context).header(SIGNATURE_HEADER, &signature);
    let ask = ask.header("x-selvedge-app", &other.id);
    let made = ask.send().await.is(201);
    let link = format!("/api/v1/links/{}", made["short_code"].as_str().unwrap());
    app.get(&link).await.is(200);
    other.get(&link).await.is(404);
    let unsigned = stack.edge("POST", "/api/v1/shorten").json(&body);
    let unsigned = unsigned.header(CONTEXT_HEADER, &forged.context);
    unsigned.header(SIGNATURE_HEADER, &signature).send().await.is_problem(&UNAUTHENTICATED);
}

#[tokio::test]
async fn an_event_that_no_product_takes_is_a_dead_letter_once() {
    let stack = Stack::here();
    let app = stack.app().await;
    let recorder = crate::client::alias();
    let events = json!([{"product": "nothing", "at": db::now(), "body": "{}"}]);
    let sealed = Sealed {
        method: "POST",
        path: "/internal/events".into(),
        body: json!({"recorder": recorder, "first_seq": 1, "events": events}).to_string(),
        context: context(&app).encode(),
        streamed: false,
    };
    for _ in 0..2 {
        let ask = stack.origin("POST", &sealed.path).header(CONTEXT_HEADER, &sealed.context);
        let ask = ask.header(SIGNATURE_HEADER, &sealed.signature(&keys(&stack), db::now()));
        assert_eq!(ask.body(sealed.body.as_str()).send().await.is(200)["applied_seq"], 1);
    }
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/admin/dead-letters?limit=200{cursor}");
        let page = stack.admin("GET", &path).send().await.is(200);
        let items = page["items"].as_array().unwrap().iter();
        found.extend(items.filter(|letter| letter["recorder"] == *recorder).cloned());
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(found.len(), 1, "{found:?}");
    let letter: &Value = &found[0];
    assert_eq!((&letter["seq"], &letter["product"]), (&json!(1), &json!("nothing")));
    assert!(letter["why"].as_str().unwrap().contains("nothing"));
}
