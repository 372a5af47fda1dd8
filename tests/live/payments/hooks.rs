//! P10: gateways' webhooks at the edge: who is believed, what is refused.

use crate::client::{Answer, Stack, alias};
use serde_json::json;
use shared::payments::error::{CARD_NUMBER, HOOK_SIGNATURE, HOOK_STALE, NO_GATEWAY};
use shared::problem::{MALFORMED, METHOD_NOT_ALLOWED, TOO_LARGE};
use shared::time::Millis;
use shared::webhook::Secret;
use shared::webhook::standard;

fn now() -> Millis {
    origin::db::now()
}

async fn send(stack: &Stack, at: Millis, id: &str, body: &str, signed: &str) -> Answer {
    let text = stack.secret("GATEWAY_SIMULATOR_WEBHOOK_SECRET");
    let secret = [Secret::standard(&text).unwrap()];
    let timestamp = standard::timestamp(at);
    let signature = standard::sign(&secret, id, &timestamp, signed.as_bytes());
    let ask = stack.edge("POST", "/hooks/gateway/simulator").header("webhook-id", id);
    let ask = ask.header("webhook-timestamp", &timestamp).header("webhook-signature", &signature);
    ask.body(body).send().await
}

#[tokio::test]
async fn p10_a_gateway_is_believed_by_its_signature_and_its_clock() {
    let stack = Stack::here();
    let body = json!({"type": "authorized", "data": {"n": 1}}).to_string();
    let id = alias();
    let good = send(&stack, now(), &id, &body, &body).await;
    assert_eq!((good.status, good.text()), (200, ""));
    send(&stack, now(), &id, &body, &body).await.is(200);
    send(&stack, Millis(now().0 - 290_000), &alias(), &body, &body).await.is(200);
    for off in [Millis(now().0 - 302_000), now().plus(302_000)] {
        send(&stack, off, &alias(), &body, &body).await.is_problem(&HOOK_STALE);
    }
    send(&stack, now(), &alias(), &body, "{}").await.is_problem(&HOOK_SIGNATURE);
    let bare = stack.edge("POST", "/hooks/gateway/simulator").body(body.as_str()).send().await;
    bare.is_problem(&HOOK_SIGNATURE);
    let nobody = stack.edge("POST", "/hooks/gateway/nobody").body("{}").send().await;
    nobody.is_problem(&NO_GATEWAY);
    let long = format!("{{\"x\":\"{}\"}}", "x".repeat(256 * 1024));
    send(&stack, now(), &alias(), &long, &long).await.is_problem(&TOO_LARGE);
    let fits = format!("{{\"x\":\"{}\"}}", "\\\"".repeat(120 * 1024));
    send(&stack, now(), &alias(), &fits, &fits).await.is(200);
    let get = stack.edge("GET", "/hooks/gateway/simulator").send().await;
    get.is_problem(&METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn p14_a_hook_with_a_card_number_is_kept_nowhere() {
    let stack = Stack::here();
    let body = json!({"type": "authorized", "number": "5105105105105100"}).to_string();
    send(&stack, now(), &alias(), &body, &body).await.is_problem(&CARD_NUMBER);
    send(&stack, now(), "5105105105105100", "{}", "{}").await.is_problem(&CARD_NUMBER);
    let app = stack.app().await;
    let account = json!({"name": "a", "currency": "EUR", "kind": "asset"});
    let ask = app.ask("POST", "/api/v1/accounts").header("idempotency-key", "5105-1051-0510-5100");
    ask.json(&account).send().await.is_problem(&CARD_NUMBER);
    let none = app.ask("POST", "/api/v1/accounts").json(&account).send().await;
    none.is_problem(&MALFORMED);
}

#[tokio::test]
async fn p10_who_guesses_at_signatures_is_slowed_down() {
    let stack = Stack::here();
    let address = format!("2001:db8:{:x}:{:x}::1", rand::random::<u16>(), rand::random::<u16>());
    let mut limited = 0;
    for _ in 0..60 {
        let ask = stack.edge("POST", "/hooks/gateway/simulator").body("{}");
        let answer = ask.header("cf-connecting-ip", &address).send().await;
        match answer.status {
            429 => limited += 1,
            _ => drop(answer.is_problem(&HOOK_SIGNATURE)),
        }
    }
    assert!(limited >= 29, "{limited} of 60 were refused");
    // Nobody else is.
    let body = json!({"type": "authorized"}).to_string();
    send(&stack, now(), &alias(), &body, &body).await.is(200);
}
