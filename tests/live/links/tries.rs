//! L14: guessing a password is dear: for one address, and for all of them together.

use crate::client::{Answer, App, PAGE, Stack};
use serde_json::{Value, json};
use shared::limits::error::EXCEEDED;
use shared::limits::guard::{PASSWORD, PASSWORD_ADDRESS};

const FORM: &str = "application/x-www-form-urlencoded";

async fn locked(app: &App<'_>) -> String {
    app.code(&json!({"long_url": "https://example.com/", "password": "x"})).await
}

/// A try from an address; without one, from this machine.
async fn attempt(stack: &Stack, code: &str, from: &str, password: &str) -> Answer {
    let mut ask = stack.edge("POST", &format!("/{code}")).header("content-type", FORM);
    if !from.is_empty() {
        ask = ask.header("cf-connecting-ip", from);
    }
    ask.body(format!("password={password}")).send().await
}

/// Another one for every test and every run.
fn address() -> String {
    format!("2001:db8:{:x}:{:x}::1", rand::random::<u16>(), rand::random::<u16>())
}

fn is_refused(answer: &Answer) {
    assert_eq!(answer.status, 429, "{}", answer.text());
    assert_eq!((answer.header("content-type"), answer.header("set-cookie")), (PAGE, ""));
    let again_s: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=3_600).contains(&again_s), "{again_s}");
    assert!(answer.text().contains(&format!("in {again_s} s")), "{}", answer.text());
}

#[tokio::test]
async fn l14_an_address_has_few_tries_at_one_link() {
    let stack = Stack::here();
    let app = stack.app().await;
    let (one, other) = (locked(&app).await, locked(&app).await);
    let (ann, bob) = (address(), address());
    for n in 0..PASSWORD_ADDRESS.limit {
        attempt(&stack, &one, &ann, &format!("y{n}")).await.is(401);
    }
    is_refused(&attempt(&stack, &one, &ann, "y").await);
    is_refused(&attempt(&stack, &one, &ann, "x").await);
    // The same line: IPv6 counts by /64.
    is_refused(&attempt(&stack, &one, &ann.replace("::1", ":1::7"), "x").await);
    let json = stack.edge("POST", &format!("/{one}")).header("content-type", FORM);
    let json = json.header("cf-connecting-ip", &ann).header("accept", "application/json");
    let problem: Value = json.body("password=x").send().await.is_problem(&EXCEEDED);
    assert!(problem["detail"].as_str().unwrap().contains(PASSWORD_ADDRESS.name), "{problem}");
    attempt(&stack, &other, &ann, "y").await.is(401);
    attempt(&stack, &other, &ann, "x").await.is(303);
    attempt(&stack, &one, &bob, "x").await.is(303);
}

#[tokio::test]
async fn l14_all_addresses_together_have_few_tries_at_one_link() {
    let stack = Stack::here();
    let app = stack.app().await;
    let (one, other) = (locked(&app).await, locked(&app).await);
    let cookie = attempt(&stack, &one, "", "x").await.header("set-cookie").to_owned();
    for n in 0..PASSWORD.limit {
        // Every second one is this machine's own, which counts as any other does.
        let from = if n % 2 == 0 { address() } else { String::new() };
        attempt(&stack, &one, &from, "y").await.is(401);
    }
    is_refused(&attempt(&stack, &one, &address(), "x").await);
    is_refused(&attempt(&stack, &one, "", "x").await);
    attempt(&stack, &other, "", "x").await.is(303);
    // Who gave it before follows the link whoever is guessing.
    let follow = stack.edge("GET", &format!("/{one}"));
    let follow = follow.header("cookie", cookie.split(';').next().unwrap());
    assert_eq!(follow.send().await.leads(302), "https://example.com/");
}

#[tokio::test]
async fn l14_a_link_with_many_readers_stays_open_to_them() {
    let stack = Stack::here();
    let app = stack.app().await;
    let code = locked(&app).await;
    for _ in 0..PASSWORD.limit + 10 {
        attempt(&stack, &code, "", "x").await.is(303);
    }
    let ann = address();
    for _ in 0..PASSWORD_ADDRESS.limit * 2 {
        attempt(&stack, &code, &ann, "x").await.is(303);
    }
}
