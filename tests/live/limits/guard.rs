//! The guard of the API: every answer tells of its limits, and who asks too much is refused.

use crate::client::{Stack, alias};
use serde_json::json;
use shared::limits::error::EXCEEDED;
use std::time::Duration;

/// An address of its own for a test: TEST-NET-2 and 3 are nobody's.
fn address() -> String {
    let byte = || rand::random::<u8>();
    format!("2001:db8:{:x}{:02x}:{:x}::1", byte(), byte(), byte())
}

#[tokio::test]
async fn m8_every_answer_of_the_api_tells_of_its_limits() {
    let stack = Stack::here();
    let app = stack.app_of("free").await;
    let answer = app.get("/api/v1/links").await;
    answer.is(200);
    let policy = answer.header("ratelimit-policy");
    assert_eq!(policy, r#""api-ip";q=600;w=60, "api";q=100;w=60"#);
    assert!(answer.header("ratelimit").contains(r#""api";r=99;t="#));
    let stranger = stack.edge("GET", "/api/v1/links").send().await;
    assert_eq!(
        (stranger.status, stranger.header("ratelimit-policy")),
        (401, r#""api-ip";q=600;w=60"#)
    );
}

/// M6, M10: the tier `free` has a hundred calls a minute, whoever of its keys calls.
#[tokio::test]
async fn m10_an_application_has_what_its_tier_allows() {
    let stack = Stack::here();
    let app = stack.app_of("free").await;
    let (key, _) = stack.key(&app.id, &["*"]).await;
    let mut admitted = 0;
    for n in 0..110 {
        let own = stack.edge("GET", "/api/v1/links?limit=1");
        let answer = own.key(if n % 2 == 0 { &app.key } else { &key }).send().await;
        if answer.status == 429 {
            answer.is_problem(&EXCEEDED);
            let wait: u64 = answer.header("retry-after").parse().unwrap();
            assert!((1..=60).contains(&wait));
            assert!(answer.header("ratelimit").contains(r#""api";r=0;t="#));
        } else {
            answer.is(200);
            admitted += 1;
        }
    }
    // A hundred, and what flowed in meanwhile: one for every 600 ms.
    assert!((100..110).contains(&admitted), "{admitted}");
    // A user of the application has a limit of its own, as has another application.
    stack.app_of("free").await.get("/api/v1/links").await.is(200);
}

/// M10: an address, by IPv6 network.
#[tokio::test]
async fn m10_an_address_is_limited_whatever_its_key() {
    let stack = Stack::here();
    let network = address();
    let mut refused = None;
    for n in 0..1_000 {
        let ip = network.replace("::1", &format!(":{:x}::{n:x}", 0));
        let ask = stack.edge("GET", "/api/v1/links").header("cf-connecting-ip", &ip);
        let answer = ask.send().await;
        if answer.status == 429 {
            refused = Some((n, answer));
            break;
        }
        answer.is(401);
    }
    let (n, answer) = refused.expect("an address asked a thousand times");
    assert!(n >= 600, "{n}");
    answer.is_problem(&EXCEEDED);
    let else_ = stack.edge("GET", "/api/v1/links").header("cf-connecting-ip", &address());
    else_.send().await.is(401);
}

/// L24: codes that lead nowhere are dearer than redirects.
#[tokio::test]
async fn l24_guessing_is_dear() {
    let stack = Stack::here();
    let app = stack.app().await;
    let code = app.code(&json!({"long_url": "https://example.com/"})).await;
    let ip = address();
    let get = async |code: &str| {
        stack.edge("GET", &format!("/{code}")).header("cf-connecting-ip", &ip).send().await
    };
    let mut misses = 0;
    let refused = loop {
        let answer = get(&alias()).await;
        if answer.status == 429 {
            break answer;
        }
        answer.is(404);
        misses += 1;
        assert!(misses < 60, "guessed {misses} times");
    };
    assert!(misses >= 30, "{misses}");
    refused.is_problem(&EXCEEDED);
    // What exists is refused to who guesses, for a moment.
    get(&code).await.is(429);
    let other = stack.edge("GET", &format!("/{code}")).header("cf-connecting-ip", &address());
    other.send().await.leads(302);
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    get(&code).await.leads(302);
}
