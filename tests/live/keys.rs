//! Service keys at the edge: recognised without asking, revoked within seconds.

use crate::client::Stack;
use shared::problem::{FORBIDDEN, UNAUTHENTICATED};
use shared::token::ServiceKey;
use std::time::{Duration, Instant};

const LIST: &str = "/api/v1/links";
/// What an isolate trusts its memory of a key for (10 s), and a moment for the road.
const REVOKED_WITHIN: Duration = Duration::from_secs(12);

#[tokio::test]
async fn a_new_key_works_at_once_and_a_revoked_one_within_twelve_seconds_no_more() {
    let stack = Stack::here();
    let app = stack.app().await;
    let (key, kid) = stack.key(&app.id, &["links:read"]).await;
    let list = || stack.edge("GET", LIST).key(&key).send();
    list().await.is(200);
    stack.edge("POST", "/api/v1/shorten").key(&key).send().await.is_problem(&FORBIDDEN);
    stack.admin("DELETE", &format!("/admin/keys/{kid}")).send().await.is(204);
    let began = Instant::now();
    while list().await.status == 200 {
        assert!(began.elapsed() < REVOKED_WITHIN, "still accepted");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for _ in 0..10 {
        let problem = list().await.is_problem(&UNAUTHENTICATED);
        assert_eq!(problem["detail"], "the key was revoked");
    }
    // Another key of the application is not touched; revoking again changes nothing.
    app.get(LIST).await.is(200);
    stack.admin("DELETE", &format!("/admin/keys/{kid}")).send().await.is(204);
    list().await.is_problem(&UNAUTHENTICATED);
}

#[tokio::test]
async fn a_key_without_its_mac_costs_the_origin_nothing_and_an_unknown_one_a_question() {
    let stack = Stack::alone();
    let app = stack.app().await;
    app.get(LIST).await.is(200);
    let registers = "route=\"/internal/registers/{product}\"";
    let before = stack.count("requests_total", registers).await;
    let (body, mac) = app.key.rsplit_once('_').unwrap();
    let flipped = if mac.starts_with('0') { '1' } else { '0' };
    let mut wrong = vec![format!("{body}_{flipped}{}", &mac[1..]), format!("{body}_"), body.into()];
    for n in 0..20 {
        let kid = format!("unknown{n}{}", hex::encode(rand::random::<[u8; 4]>()));
        wrong.push(ServiceKey::mint(&[7; 32], &kid, rand::random()).1);
    }
    for key in &wrong {
        stack.edge("GET", LIST).key(key).send().await.is_problem(&UNAUTHENTICATED);
    }
    assert_eq!(stack.count("requests_total", registers).await, before);
    // Made with the secret, and yet never registered: asked for once, then its home knows.
    let secret = stack.secret_bytes("KEY_MAC_SECRET");
    let kid = hex::encode(rand::random::<[u8; 8]>());
    let (_, unknown) = ServiceKey::mint(&secret, &kid, rand::random());
    for _ in 0..20 {
        stack.edge("GET", LIST).key(&unknown).send().await.is_problem(&UNAUTHENTICATED);
    }
    assert_eq!(stack.count("requests_total", registers).await, before + 1);
    // The right name and MAC with another secret is another key.
    let (_, other) = ServiceKey::mint(&secret, &app.kid, rand::random());
    stack.edge("GET", LIST).key(&other).send().await.is_problem(&UNAUTHENTICATED);
}
