//! The limiter's objects taken away under every route: what signs in or makes a token is refused,
//! everything else is admitted, and both are counted (M9, M19).

use crate::client;
use crate::live::App;
use crate::node::{Nodes, client_of, policy};
use crate::stack::Stack;
use crate::visit::{self, Documents};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use shared::limits::guard::Guard;
use shared::limits::policy::OnFailure;
use shared::limits::rule::{Algorithm, Rule};
use shared::route::{Access, Op, ROUTES, Route, Side};
use std::time::Duration;

/// Somebody who is not this machine (RFC 5737).
const ADDRESS: &str = "192.0.2.7";
/// A loose limit gives 300 away at most, and a minute may end meanwhile.
const SPARED_MAX: usize = 900;
const COUNTED_MAX: Duration = Duration::from_secs(15);
const COUNTED: &str = "limits_decisions_total";

async fn send(app: &App<'_>, route: &Route, path: &str, body: Option<&Value>) -> Response {
    let method = Method::from_bytes(route.method.as_bytes()).unwrap();
    let mut ask = app.stack.http.request(method, format!("{}{path}", app.stack.edge));
    ask = ask.header("cf-connecting-ip", ADDRESS);
    if route.access != Access::Public {
        ask = ask.bearer_auth(&app.key);
    }
    if let Some(body) = body {
        ask = ask.header("content-type", "application/json").body(body.to_string());
    }
    ask.send().await.unwrap()
}

/// What the edge tells of this limit: nothing, once its object was asked and did not answer.
fn tells(answer: &Response, limit: &str) -> bool {
    let field = answer.headers().get("ratelimit").and_then(|value| value.to_str().ok());
    field.unwrap_or_default().contains(limit)
}

/// Uses up what the isolate gives away of a loose limit without asking.
async fn spare(app: &App<'_>, op: Op, limit: &str) {
    let route = ROUTES.iter().find(|route| route.op == op).unwrap();
    let path = visit::path(route, app).await;
    for _ in 0..SPARED_MAX {
        if !tells(&send(app, route, &path, None).await, limit) {
            return;
        }
    }
    panic!("{limit}: after {SPARED_MAX} requests its object was not asked");
}

/// The request; of what asks a key's object itself, one that is refused after its guard.
async fn request(route: &Route, app: &App<'_>, documents: &Documents) -> (String, Option<Value>) {
    // Money is refused before anybody looks whose it is, so nothing can be there to be named.
    let path = match route.product {
        "payments" => route.path.replace("{id}", "acc_00000000000"),
        _ => visit::path(route, app).await,
    };
    let path = match route.op {
        Op::LimitPeek | Op::LimitExcept | Op::LimitUnexcept => path.replace("checkout", "none"),
        _ => path,
    };
    (path, documents.body(route))
}

async fn counted(stack: &client::Stack, outcome: &str) -> u64 {
    stack.count(COUNTED, &format!("\"{outcome}\"")).await
}

async fn until_counted(tag: &str, stack: &client::Stack, outcome: &str, least: u64) {
    let until = tokio::time::Instant::now() + COUNTED_MAX;
    loop {
        let count = counted(stack, outcome).await;
        if count >= least {
            println!("{tag} {outcome}: {count}, at least {least}");
            return;
        }
        let late = tokio::time::Instant::now() > until;
        assert!(!late, "{tag}: {outcome} is {count} and not {least} after {COUNTED_MAX:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_objects_every_route_does_what_the_table_says() {
    let with = [("EDGE_WITHOUT", "LIMITER"), ("LIMITS_LOOPBACK", "")];
    let stack = Stack::start_with("alone", &with).await;
    let (tag, told) = (stack.tag.clone(), client_of(&stack, 0));
    let app = told.app_of("free").await;
    let documents = Documents::of(&told).await;
    let (mut open, mut closed, mut wrong) = (0, 0, Vec::new());
    let (open_before, closed_before) =
        (counted(&told, "failed_open").await, counted(&told, "failed_closed").await);
    for route in ROUTES.iter().filter(|route| route.side != Side::Origin) {
        let (path, body) = request(route, &app, &documents).await;
        match route.guard {
            Guard::Free => continue,
            Guard::Public => spare(&app, Op::ProblemType, "public-ip").await,
            Guard::Api(_) => spare(&app, Op::LimitPeek, "api-ip").await,
        }
        let answer = send(&app, route, &path, body.as_ref()).await;
        let (status, says) = (answer.status().as_u16(), tells(&answer, "ip"));
        let text = answer.text().await.unwrap();
        let is_closed = route.guard == Guard::Api(OnFailure::Closed);
        *(if is_closed { &mut closed } else { &mut open }) += 1;
        let right = if is_closed { status == 503 } else { ![401, 403, 429, 503].contains(&status) };
        println!(
            "{tag} {:?}: {status}{}",
            route.op,
            if says { ", from what is spared" } else { "" }
        );
        if !right {
            wrong.push(format!("{:?} ({:?}): {status} {text}", route.op, route.guard));
        }
    }
    println!("{tag} {open} routes admit, {closed} refuse");
    assert!(wrong.is_empty(), "{tag}:\n{}", wrong.join("\n"));
    assert!(open > 20 && closed > 0, "{tag}: {open} {closed}");
    until_counted(&tag, &told, "failed_open", open_before + open).await;
    until_counted(&tag, &told, "failed_closed", closed_before + closed).await;
    policies_fail_as_they_say(&tag, &stack, &told).await;
}

async fn policies_fail_as_they_say(tag: &str, stack: &Stack, told: &client::Stack) {
    let nodes = Nodes::of(stack);
    let algorithm = Algorithm::TokenBucket;
    let mut rule = policy(&Rule { algorithm, limit: 9, window_ms: 1_000, burst: 9 });
    for (name, on_failure) in [("opens", "open"), ("closes", "closed")] {
        rule["on_failure"] = json!(on_failure);
        let put = told.edge("PUT", &format!("/api/v1/limits/policies/{name}"));
        put.key(&told.service_key).json(&rule).send().await.is(201);
    }
    let before = (counted(told, "failed_open").await, counted(told, "failed_closed").await);
    for _ in 0..20 {
        let opens = nodes.check(0, "opens", "k").await;
        let by = opens.said.as_ref().map(|said| said.served_by.clone()).unwrap_or_default();
        assert!(opens.is_allowed() && by == "failure", "{tag}: {}", opens.body);
        let closes = nodes.check(0, "closes", "k").await;
        assert!(closes.status == 503 && closes.retry_after_s.is_some(), "{tag}: {closes:?}");
    }
    let also = json!([{"policy": "closes", "key": "k"}]);
    let both = nodes.ask(0, "", &json!({"policy": "opens", "key": "k", "also": also})).await;
    assert_eq!(both.status, 503, "{tag}: {}", both.body);
    until_counted(tag, told, "failed_open", before.0 + 20).await;
    until_counted(tag, told, "failed_closed", before.1 + 20).await;
}
