//! Every route without and with the wrong credentials.

use crate::client::{App, Stack};
use crate::visit::{self, Documents};
use serde_json::json;
use shared::problem::{FORBIDDEN, Kind, NOT_FOUND, UNAUTHENTICATED};
use shared::route::{Access, ROUTES, Route, Side, scopes};
use shared::token::ServiceKey;
use std::time::Duration;

/// A wrong credential: what it is, the header `Authorization`, and what it gets.
type Wrong = (&'static str, Option<String>, &'static Kind);

fn bearer(credential: impl AsRef<str>) -> Option<String> {
    Some(format!("Bearer {}", credential.as_ref()))
}

/// The last character another one.
fn changed(credential: &str) -> String {
    let (rest, last) = credential.split_at(credential.len() - 1);
    format!("{rest}{}", if last == "0" { "1" } else { "0" })
}

async fn token(app: &App<'_>, scope: &str) -> String {
    let ask = app.ask("POST", "/api/v1/tokens").json(&json!({"sub": "ann", "scope": scope}));
    ask.send().await.is(201)["token"].as_str().unwrap().to_owned()
}

async fn revoked(app: &App<'_>) -> String {
    let (key, kid) = app.stack.key(&app.id, &["*"]).await;
    app.stack.admin("DELETE", &format!("/admin/keys/{kid}")).send().await.is(204);
    for _ in 0..200 {
        let asked = app.stack.edge("GET", "/api/v1/links").key(&key).send().await;
        if asked.status == 401 {
            return key;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("a revoked key is still accepted after ten seconds");
}

/// What is refused wherever a credential is asked for.
async fn strangers(app: &App<'_>) -> Vec<Wrong> {
    let forged = ServiceKey::mint(&[7; 32], &app.kid, [7; 32]).1;
    let token = token(app, "*").await;
    vec![
        ("nothing", None, &UNAUTHENTICATED),
        ("an empty header", Some(String::new()), &UNAUTHENTICATED),
        ("garbage", bearer("garbage"), &UNAUTHENTICATED),
        ("garbage like a key", bearer("sk_a_b_c"), &UNAUTHENTICATED),
        ("garbage like a token", bearer("e30.e30.e30"), &UNAUTHENTICATED),
        ("another scheme", Some(format!("Basic {}", app.key)), &UNAUTHENTICATED),
        ("the key without its scheme", Some(app.key.clone()), &UNAUTHENTICATED),
        ("a key with a wrong MAC", bearer(changed(&app.key)), &UNAUTHENTICATED),
        ("a key made without the secret", bearer(forged), &UNAUTHENTICATED),
        ("a revoked key", bearer(revoked(app).await), &UNAUTHENTICATED),
        ("a token with another signature", bearer(changed(&token)), &UNAUTHENTICATED),
    ]
}

/// What is refused on this route beside strangers.
async fn insufficient(app: &App<'_>, access: Access) -> Vec<Wrong> {
    let stack = app.stack;
    match access {
        Access::Public | Access::Signed => vec![],
        Access::Scope(scope) => {
            let others: Vec<&str> = scopes().filter(|other| *other != scope).collect();
            let (key, _) = stack.key(&app.id, &others).await;
            let token = token(app, &others.join(" ")).await;
            vec![
                ("the operator's key", bearer(&stack.admin_key), &UNAUTHENTICATED),
                ("a key without the scope", bearer(key), &FORBIDDEN),
                ("a token without the scope", bearer(token), &FORBIDDEN),
            ]
        }
        Access::Service => vec![
            ("the operator's key", bearer(&stack.admin_key), &UNAUTHENTICATED),
            ("a token with every scope", bearer(token(app, "*").await), &FORBIDDEN),
        ],
        Access::Operator => vec![
            ("a key with every scope", bearer(&app.key), &UNAUTHENTICATED),
            ("a token with every scope", bearer(token(app, "*").await), &UNAUTHENTICATED),
            ("nearly the operator's key", bearer(changed(&stack.admin_key)), &UNAUTHENTICATED),
            ("its beginning", bearer(&stack.admin_key[..20]), &UNAUTHENTICATED),
        ],
    }
}

/// The credential that may.
fn right(app: &App<'_>, access: Access) -> Option<String> {
    match access {
        Access::Public | Access::Signed => None,
        Access::Scope(_) | Access::Service => bearer(&app.key),
        Access::Operator => bearer(&app.stack.admin_key),
    }
}

#[tokio::test]
async fn every_route_refuses_the_wrong_credential_and_takes_the_right_one() {
    let stack = Stack::here();
    let app = stack.app().await;
    let documents = Documents::of(&stack).await;
    let strangers = strangers(&app).await;
    let mut visited = 0;
    for route in ROUTES.iter().filter(|route| route.access != Access::Signed) {
        let path = visit::path(route, &app).await;
        let body = visit::body(route, &app, &documents).await;
        let ask = |credential: &Option<String>| {
            let ask = visit::ask(&stack, route, &path, body.as_ref());
            match credential {
                Some(credential) => ask.header("authorization", credential),
                None => ask,
            }
        };
        let mut wrong = insufficient(&app, route.access).await;
        if route.access != Access::Public {
            wrong.extend(strangers.clone());
        }
        for (what, credential, kind) in &wrong {
            let answer = ask(credential).send().await;
            let place = format!("{:?} with {what}", route.op);
            assert_eq!(answer.status, kind.class.status(), "{place}: {}", answer.text());
            answer.is_problem(kind);
            assert_eq!(answer.header("www-authenticate").is_empty(), answer.status == 403);
            visited += 1;
        }
        let answer = ask(&right(&app, route.access)).send().await;
        let refused = [401, 403, 405].contains(&answer.status);
        assert!(!refused, "{:?}: {} {}", route.op, answer.status, answer.text());
        let missing = answer.status == 404 && answer.value()["detail"] == "nothing is served here";
        assert!(!missing, "{:?}", route.op);
    }
    assert!(visited > ROUTES.iter().count() * 7, "{visited}");
}

/// Whether a route is about one thing that an application owns; what a PUT makes is the caller's.
fn is_owned(route: &Route) -> bool {
    let is_named = route.path.contains('{') && route.method != "PUT";
    matches!(route.access, Access::Scope(_)) && is_named
}

#[tokio::test]
async fn what_belongs_to_another_application_is_404() {
    let stack = Stack::here();
    let (app, other) = (stack.app().await, stack.app().await);
    let documents = Documents::of(&stack).await;
    for route in ROUTES.iter().filter(|route| is_owned(route)) {
        let path = visit::path(route, &app).await;
        let body = visit::body(route, &app, &documents).await;
        let ask = |key: &str| visit::ask(&stack, route, &path, body.as_ref()).key(key).send();
        ask(&other.key).await.is(404);
        ask(&token(&other, "*").await).await.is(404);
        let own = ask(&app.key).await;
        assert!((200..300).contains(&own.status), "{:?}: {}", route.op, own.text());
    }
    let list = other.get("/api/v1/links").await.is(200);
    assert_eq!(list["items"], json!([]));
}

#[tokio::test]
async fn what_only_the_origin_serves_is_404_at_the_edge() {
    let stack = Stack::here();
    let app = stack.app().await;
    for route in ROUTES.iter().filter(|route| route.side != Side::Edge) {
        let path = visit::path(route, &app).await;
        let mut paths = vec![format!("/internal{path}")];
        if route.side == Side::Origin && path != "/healthz" {
            paths.push(path);
        }
        for path in paths {
            for key in [&stack.admin_key, &app.key] {
                let answer = stack.edge(route.method, &path).key(key).send().await;
                // A path of one segment is a code, and codes are only read.
                let is_code = path.matches('/').count() == 1;
                let status = if is_code && route.method != "GET" { 405 } else { 404 };
                assert_eq!(answer.status, status, "{path}");
                assert!(is_code || answer.value()["title"] == NOT_FOUND.title, "{path}");
            }
        }
    }
    for route in ROUTES.iter().filter(|route| route.side == Side::Edge) {
        let path = visit::path(route, &app).await;
        let answer = stack.admin(route.method, &path).send().await;
        assert!(path == "/healthz" || answer.status == 404, "{path}: {}", answer.status);
    }
}
