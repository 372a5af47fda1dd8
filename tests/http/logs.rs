//! The logs: lines of JSON, and no secret in any of them.

use crate::client::{Stack, alias};
use serde_json::{Value, json};
use std::time::Duration;

const FORM: &str = "application/x-www-form-urlencoded";
const SECRETS: [&str; 9] = [
    "SIGNING_KEYS",
    "KEY_MAC_SECRET",
    "CODE_KEY",
    "ADMIN_KEY",
    "TOKEN_KEY",
    "DATA_KEY",
    "VISITOR_SECRET",
    "GATEWAY_STRIPE_WEBHOOK_SECRET",
    "GATEWAY_SIMULATOR_WEBHOOK_SECRET",
];

/// What must not stand in a log: the secret part of each credential.
fn secrets(stack: &Stack, keys: &[&str]) -> Vec<String> {
    let whole = SECRETS.iter().map(|name| stack.secret(name));
    let part = |text: String| text.rsplit([':', '_']).next().unwrap().to_owned();
    let of_keys = keys.iter().flat_map(|key| key.split('_').skip(2).map(str::to_owned));
    let all: Vec<String> = whole.map(part).chain(of_keys).collect();
    assert!(all.iter().all(|secret| secret.len() >= 32), "a secret that is none");
    all
}

/// A credential wherever a client may put it by mistake.
async fn misplace(stack: &Stack, credential: &str) {
    let links = format!("/api/v1/links?q={credential}");
    stack.edge("GET", &links).key(credential).send().await;
    stack.edge("GET", &format!("/api/v1/links?key={credential}")).send().await;
    stack.edge("GET", &format!("/api/v1/links/{credential}")).key(credential).send().await;
    stack.edge("GET", &format!("/{}", &credential[..60])).send().await;
    let body = json!({"long_url": credential, "custom_alias": credential});
    stack.edge("POST", "/api/v1/shorten").key(credential).json(&body).send().await;
    let bad = stack.edge("POST", "/api/v1/shorten").key(&format!("{credential}x"));
    bad.header("idempotency-key", credential).body(credential).send().await;
    stack.origin("GET", &format!("/admin/outbox?cursor={credential}")).send().await;
    stack.admin("GET", &format!("/admin/outbox?key={credential}")).send().await;
    stack.origin("GET", "/admin/applications").key(credential).send().await;
    stack.origin("GET", &format!("/internal/registers/keys?key={credential}")).send().await;
}

#[tokio::test]
async fn no_secret_stands_in_a_log_whose_lines_are_json() {
    let stack = Stack::here();
    let app = stack.app().await;
    let ask = app.ask("POST", "/api/v1/tokens").json(&json!({"sub": "ann"}));
    let token = ask.send().await.is(201)["token"].as_str().unwrap().to_owned();
    let signature = token.rsplit('.').next().unwrap();
    for credential in [&app.key, &stack.service_key, &stack.admin_key] {
        misplace(&stack, credential).await;
    }
    stack.edge("GET", "/api/v1/links").key(&token).send().await.is(200);
    let (password, wrong) = (alias(), alias());
    let link = json!({"long_url": "https://example.com/", "password": password});
    let own = format!("/{}", app.code(&link).await);
    for given in [&password, &wrong] {
        let form = stack.edge("POST", &own).header("content-type", FORM);
        form.body(format!("password={given}")).send().await;
        stack.edge("GET", &format!("{own}?password={given}")).send().await;
        stack.edge("POST", &own).body(format!("password={given}")).send().await;
    }
    let last = alias();
    let closing = app.ask("GET", "/api/v1/links/never-was").header("x-request-id", &last);
    closing.send().await.is(404);
    let read = |side: &str| std::fs::read_to_string(stack.data_dir.join(side)).unwrap();
    for _ in 0..50 {
        if read("edge.log").contains(&last) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let mut secrets = secrets(&stack, &[&app.key, &stack.service_key]);
    secrets.extend([signature.to_owned(), password, wrong]);
    for side in ["edge.log", "origin.log"] {
        let log = read(side);
        assert!(log.len() > 1_000, "{side} is empty");
        for (n, line) in log.lines().enumerate() {
            let named = secrets.iter().find(|secret| line.contains(secret.as_str()));
            assert_eq!(named, None, "{side}:{}: {line}", n + 1);
        }
        // The tools and the platform speak plain text now and then; the last line may be half.
        let lines: Vec<&str> = log.lines().filter(|line| line.starts_with('{')).collect();
        assert!(lines.len() > 20 && lines.len() * 10 > log.lines().count() * 9, "{side}");
        for line in &lines[..lines.len() - 1] {
            assert!(serde_json::from_str::<Value>(line).is_ok(), "{side}: {line}");
        }
    }
    let edge = read("edge.log");
    assert!(edge.contains(&last));
    let panicked = edge.lines().find(|line| line.contains("panic") || line.contains("Uncaught"));
    assert_eq!(panicked, None, "the Worker ended strangers' requests");
}
