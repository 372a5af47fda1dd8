//! A request for a route of the table that would succeed, but for who asks.

use crate::client::{App, Ask, Stack, alias};
use serde_json::{Value, json};
use shared::route::{Op, Route, Side};
use shared::webhook::Secret;
use shared::webhook::standard;

/// The shortest captions.
const CAPTIONS: &str = "WEBVTT\n\n00:01.000 --> 00:02.000\nHello\n";

/// The two documents, the edge's and the origin's.
pub(crate) struct Documents([Value; 2]);

impl Documents {
    pub(crate) async fn of(stack: &Stack) -> Self {
        let edge = stack.edge("GET", "/api/openapi.json").send().await.is(200);
        Self([edge, stack.origin("GET", "/admin/openapi.json").send().await.is(200)])
    }

    /// An operation's body: its example.
    pub(crate) fn body(&self, route: &Route) -> Option<Value> {
        match route.op {
            Op::Projections => return Some(json!([])),
            Op::Events => {
                return Some(json!({"recorder": alias(), "first_seq": 1, "events": []}));
            }
            Op::VideoForget => return Some(json!({"app": alias(), "video": "vid_00000000001"})),
            Op::PasswordTry => {
                return Some(json!({"domain": 0, "code": alias(), "password": "open sesame"}));
            }
            Op::GatewayHook => return Some(json!({"type": "visited"})),
            _ => route.request?,
        };
        let method = route.method.to_ascii_lowercase();
        let [mut edge, origin] = self.0.each_ref();
        if route.side == Side::Origin {
            edge = origin;
        }
        let body = &edge["paths"][route.path][method]["requestBody"];
        let mut body = body["content"]["application/json"]["example"].clone();
        assert!(body.is_object(), "{:?} has no example", route.op);
        // An alias, a name: what can be used once only.
        for (name, value) in body.as_object_mut().unwrap() {
            if matches!(name.as_str(), "custom_alias" | "name") {
                *value = json!(alias());
            }
        }
        Some(body)
    }
}

/// An operation's body that `app` may send: the example, about accounts of its own.
pub(crate) async fn body(route: &Route, app: &App<'_>, documents: &Documents) -> Option<Value> {
    if route.op == Op::OwnReconciliationCreate {
        return Some(Value::String(statement()));
    }
    let mut body = documents.body(route)?;
    if route.op == Op::PaymentCreate {
        body["source"] = json!(app.account("EUR").await);
        body["destination"] = json!(app.account("EUR").await);
    }
    if route.op == Op::PayoutCreate {
        body["account"] = json!(app.account("EUR").await);
        body["bank"] = json!({"gateway": "simulator", "token": "tok_ok"});
    }
    if route.op == Op::TransferCreate {
        body["debit_account"] = json!(app.account("EUR").await);
        body["credit_account"] = json!(app.account("EUR").await);
    }
    Some(body)
}

/// A statement of one line.
fn statement() -> String {
    format!("date,amount,currency,reference\n2026-11-20,10.00,EUR,{}\n", alias())
}

/// The path, with something of `app`'s behind every name.
pub(crate) async fn path(route: &Route, app: &App<'_>) -> String {
    let mut path = route.path.to_owned();
    if path.contains("{code}") {
        let mut link = json!({"long_url": "https://example.com/"});
        if route.op == Op::LinkUnlock {
            link["password"] = json!("open sesame");
        }
        let code = app.code(&link).await;
        path = path.replace("{code}", &code);
    }
    if path.contains("{kid}") {
        path = path.replace("{kid}", &app.stack.key(&app.id, &["links:read"]).await.1);
    }
    if path.contains("{request}") {
        path = path.replace("{request}", &request(route, app).await);
    }
    if route.product == "limits" {
        path = policy(route, path, app).await;
    }
    if path.starts_with("/api/v1/fraud/rules/") {
        let name = alias();
        let when = json!({"amount": {"at_least": (1i64 << 53) - 1, "currency": "EUR"}});
        let put = app.ask("PUT", &format!("/api/v1/fraud/rules/{name}"));
        put.json(&json!({"when": when, "then": "block"})).send().await.is(201);
        path = path.replace("{name}", &name);
    }
    path =
        path.replace("{policy}", "api").replace("{gateway}", "simulator").replace("{key}", "none");
    if path.contains("/webhook_endpoints/{id}") {
        path = endpoint(&path, app).await;
    }
    path = path.replace("{delivery}", "whd_00000000000");
    if route.product == "payments" && path.contains("{id}") {
        let id = match path.split('/').nth(3) {
            Some("payments") => app.payment(route.op).await,
            Some("transfers") => app.hold(10_000).await,
            Some("reconciliations") => app.reconciliation(&statement()).await,
            Some("payouts") => app.payout(&app.account("EUR").await, "tok_ok", 5).await,
            _ => app.account("EUR").await,
        };
        path = path.replace("{id}", &id);
    }
    if route.product == "video" && path.contains("{id}") {
        path = video(&path, route.op, app).await;
    }
    path = path.replace("{key}", "app_1%2Fvid_1%2Fx").replace("{generation}", "1");
    let product = if route.op == Op::ProblemType { "http" } else { "links" };
    let path = path.replace("{product}", product).replace("{slug}", "not-found");
    // A domain of its own: what is blocked is blocked for every test.
    let path = path.replace("{alias}", &alias());
    let path = path.replace("{id}", "1").replace("{name}", &format!("{}.test", alias()));
    assert!(!path.contains('{'), "{path}: nothing is known to stand for this name");
    match route.op {
        Op::RegisterAsk => format!("{path}?key=0/abc"),
        Op::LedgerProof => format!("{path}?entry=ent_00000000000"),
        Op::OwnReconciliationCreate => {
            format!("{path}?account={}", app.account("EUR").await)
        }
        _ => path,
    }
}

/// A policy, and what was asked of it.
async fn policy(route: &Route, mut path: String, app: &App<'_>) -> String {
    if path.contains("{name}") {
        let name = alias();
        let policy = json!({"limit": 9, "window_ms": 1_000});
        let put = app.ask("PUT", &format!("/api/v1/limits/policies/{name}"));
        put.json(&policy).send().await.is(201);
        path = path.replace("{name}", &name);
    }
    if route.side == Side::Edge {
        let put = app.ask("PUT", "/api/v1/limits/policies/checkout");
        put.json(&json!({"limit": 9, "window_ms": 1_000})).send().await;
        path = path.replace("{policy}", "checkout").replace("{key}", "ann");
    }
    if route.op == Op::LimitPeek {
        path += "?policy=checkout&key=ann";
    }
    path
}

/// A video of which nothing is uploaded: what is not there yet was let in all the same.
async fn video(path: &str, op: Op, app: &App<'_>) -> String {
    let made = app.ask("POST", "/api/v1/videos").json(&json!({"size": 3})).send().await.is(201);
    let path = path.replace("{id}", made["id"].as_str().unwrap()).replace("{language}", "en");
    let path = path.replace("{rendition}/{file}", "v240-avc/media.m3u8");
    if op == Op::CaptionDelete {
        let put = app.ask("PUT", &path).header("content-type", "text/vtt");
        put.body(CAPTIONS).send().await.is(204);
    }
    path.replace("{file}", "poster.jpg")
}

/// An endpoint, and a delivery that waits for it.
async fn endpoint(path: &str, app: &App<'_>) -> String {
    let all = "/api/v1/webhook_endpoints";
    let asked = json!({"url": "https://hooks.example/", "events": ["*"]});
    let made = app.pay(all, &asked).send().await.is(201);
    let id = made["id"].as_str().unwrap();
    let path = path.replace("{id}", id);
    if !path.contains("{delivery}") {
        return path;
    }
    let tested = app.pay(&format!("{all}/{id}/test"), &json!({})).send().await.is(202);
    path.replace("{delivery}", tested["id"].as_str().unwrap())
}

/// As the simulated gateway signs.
fn signed<'a>(stack: &Stack, ask: Ask<'a>, body: &Value) -> Ask<'a> {
    let secret = Secret::standard(&stack.secret("GATEWAY_SIMULATOR_WEBHOOK_SECRET")).unwrap();
    let (id, at) = (alias(), standard::timestamp(origin::db::now()));
    let signature = standard::sign(&[secret], &id, &at, body.to_string().as_bytes());
    let ask = ask.header("webhook-id", &id).header("webhook-timestamp", &at);
    ask.header("webhook-signature", &signature)
}

/// A request about nobody's data that is through as far as the route needs it.
async fn request(route: &Route, app: &App<'_>) -> String {
    let (base, _) = route.path.split_once("/{request}").unwrap();
    let asked = app.ask("POST", base).json(&json!({"subject": alias()})).send().await.is(202);
    let id = asked["id"].as_str().unwrap().to_owned();
    loop {
        let state = app.get(&format!("{base}/{id}")).await.is(200);
        if route.op != Op::PrivacyExportItems || state["done_at"].is_string() {
            return id;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// The request, without any credential.
pub(crate) fn ask<'a>(
    stack: &'a Stack,
    route: &Route,
    path: &str,
    body: Option<&Value>,
) -> Ask<'a> {
    let ask = match route.side {
        Side::Origin => stack.origin(route.method, path),
        Side::Edge | Side::Through => stack.edge(route.method, path),
    };
    let ask = if route.requires_key() { ask.header("idempotency-key", &alias()) } else { ask };
    let ask = with_headers(route.op, ask);
    match (body, route.op) {
        (Some(body), Op::GatewayHook) => signed(stack, ask, body).json(body),
        // What is no JSON is a text.
        (Some(Value::String(text)), _) => {
            ask.header("content-type", "text/csv").body(text.as_str())
        }
        (Some(body), _) => ask.json(body),
        (None, op) => match raw(op) {
            Some(text) => ask.body(text),
            None => ask,
        },
    }
}

/// What only some routes ask for beside the body.
pub(crate) fn with_headers(op: Op, ask: Ask<'_>) -> Ask<'_> {
    match op {
        Op::UploadCreate => ask.header("tus-resumable", "1.0.0").header("upload-length", "3"),
        Op::UploadHead => ask.header("tus-resumable", "1.0.0"),
        Op::UploadPart => ask
            .header("tus-resumable", "1.0.0")
            .header("upload-offset", "0")
            .header("content-type", "application/offset+octet-stream"),
        Op::CaptionPut => ask.header("content-type", "text/vtt"),
        _ => ask,
    }
}

/// A body that is no JSON.
pub(crate) fn raw(op: Op) -> Option<&'static str> {
    match op {
        Op::CaptionPut => Some(CAPTIONS),
        Op::UploadPart | Op::UploadFile => Some("abc"),
        _ => None,
    }
}
