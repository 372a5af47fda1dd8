//! A request for a route of the table that would succeed, but for who asks.

use crate::client::{App, Ask, Stack, alias};
use serde_json::{Value, json};
use shared::route::{Op, Route, Side};

/// The shortest captions.
const CAPTIONS: &[u8; 38] = b"WEBVTT\n\n00:01.000 --> 00:02.000\nHello\n";

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
            Op::PasswordTry => {
                return Some(json!({"domain": 0, "code": alias(), "password": "open sesame"}));
            }
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
    let mut body = documents.body(route)?;
    if route.op == Op::TransferCreate {
        body["debit_account"] = json!(app.account("EUR").await);
        body["credit_account"] = json!(app.account("EUR").await);
    }
    Some(body)
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
    if route.product == "limits" && path.contains("{name}") {
        let name = alias();
        let policy = json!({"limit": 9, "window_ms": 1_000});
        let put = app.ask("PUT", &format!("/api/v1/limits/policies/{name}"));
        put.json(&policy).send().await.is(201);
        path = path.replace("{name}", &name);
    }
    if route.product == "limits" && route.side == Side::Edge {
        let put = app.ask("PUT", "/api/v1/limits/policies/checkout");
        put.json(&json!({"limit": 9, "window_ms": 1_000})).send().await;
        path = path.replace("{policy}", "checkout").replace("{key}", "ann");
    }
    if route.op == Op::LimitPeek {
        path += "?policy=checkout&key=ann";
    }
    path = path.replace("{policy}", "api");
    if route.product == "payments" && path.contains("{id}") {
        let id = match path.contains("/transfers/") {
            true => app.hold(10_000).await,
            false => app.account("EUR").await,
        };
        path = path.replace("{id}", &id);
    }
    if route.product == "video" && path.contains("{id}") {
        let made = app.ask("POST", "/api/v1/videos").json(&json!({"size": 3})).send().await.is(201);
        path = path.replace("{id}", made["id"].as_str().unwrap()).replace("{language}", "en");
        if route.op == Op::CaptionDelete {
            let put = app.ask("PUT", &path).header("content-type", "text/vtt");
            put.body(*CAPTIONS).send().await.is(204);
        }
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
        _ => path,
    }
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
    let ask = match route.op {
        Op::UploadCreate | Op::UploadHead => ask.header("tus-resumable", "1.0.0"),
        Op::UploadPart => ask
            .header("tus-resumable", "1.0.0")
            .header("upload-offset", "0")
            .header("content-type", "application/offset+octet-stream"),
        Op::CaptionPut => ask.header("content-type", "text/vtt"),
        _ => ask,
    };
    match (body, route.op) {
        (Some(body), _) => ask.json(body),
        (None, Op::CaptionPut) => ask.body(*CAPTIONS),
        (None, Op::UploadPart | Op::UploadFile) => ask.body(*b"abc"),
        (None, Op::UploadCreate) => ask.header("upload-length", "3"),
        (None, _) => ask,
    }
}
