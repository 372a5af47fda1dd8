//! L25 at the edge: a user's data is exported and erased; what is gone is 410 there.

use crate::client::{Answer, App, Stack, alias};
use serde_json::{Value, json};
use shared::problem::{CONFLICT, FORBIDDEN, NOT_FOUND, UNACCEPTABLE};
use std::time::{Duration, Instant};

const EXPORTS: &str = "/api/v1/privacy/exports";
const ERASURES: &str = "/api/v1/privacy/erasures";
/// An erasure looks again after 35 s for what deliveries under way still brought.
const DONE_WITHIN: Duration = Duration::from_secs(75);

async fn token(app: &App<'_>, sub: &str, scope: &str) -> String {
    let ask = app.ask("POST", "/api/v1/tokens").json(&json!({"sub": sub, "scope": scope}));
    ask.send().await.is(201)["token"].as_str().unwrap().to_owned()
}

async fn ask(app: &App<'_>, path: &str, subject: &str) -> Answer {
    app.ask("POST", path).json(&json!({"subject": subject})).send().await
}

async fn done(app: &App<'_>, location: &str) -> Value {
    let began = Instant::now();
    loop {
        let state = app.get(location).await.is(200);
        if state["done_at"].is_string() {
            return state;
        }
        assert!(began.elapsed() < DONE_WITHIN, "{state}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test]
async fn l25_what_a_user_made_is_exported_then_erased_and_410_at_the_edge() {
    let stack = Stack::here();
    let app = stack.app().await;
    let (ann, bob) = (token(&app, "ann", "links:write").await, token(&app, "bob", "*").await);
    let mut codes = Vec::new();
    for (user, n) in [(&ann, 1), (&ann, 2), (&bob, 3)] {
        let url = format!("https://example.com/{n}");
        let body = json!({"long_url": url, "title": format!("no. {n}"), "external_id": alias()});
        let made = stack.edge("POST", "/api/v1/shorten").key(user).json(&body).send().await;
        codes.push(made.is(201)["short_code"].as_str().unwrap().to_owned());
    }
    for code in &codes {
        stack.follow(code).await.is(302);
    }
    let began = Instant::now();
    while app.get(&format!("/api/v1/stats/{}", codes[1])).await.is(200)["clicks"] == 0 {
        assert!(began.elapsed() < Duration::from_secs(10), "the click was not counted");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let asked = ask(&app, EXPORTS, "ann").await;
    let request = asked.is(202);
    let location = asked.header("location").to_owned();
    assert_eq!(location, format!("{EXPORTS}/{}", request["id"].as_str().unwrap()));
    let export = done(&app, &location).await;
    assert_eq!(export["products"]["links"]["counts"]["links"], 2, "{export}");
    let items = app.get(&format!("{location}/items?limit=200")).await.is(200);
    let items = items["items"].as_array().unwrap();
    let titles = items.iter().filter(|item| item["kind"] == "link");
    let mut titles: Vec<&str> =
        titles.map(|item| item["link"]["title"].as_str().unwrap()).collect();
    titles.sort_unstable();
    assert_eq!(titles, ["no. 1", "no. 2"]);
    assert!(items.iter().any(|item| item["kind"] == "clicks"), "{items:?}");

    let asked = ask(&app, ERASURES, "ann").await;
    let receipt = done(&app, asked.header("location")).await;
    assert_eq!(receipt["products"]["links"]["state"], "done");
    assert_eq!(receipt["products"]["links"]["counts"]["links"], 2, "{receipt}");
    for code in &codes[..2] {
        stack.follow(code).await.is(410);
        app.get(&format!("/api/v1/links/{code}")).await.is(410);
        app.get(&format!("/api/v1/stats/{code}")).await.is(410);
    }
    stack.follow(&codes[2]).await.is(302);
    app.get(&location).await.is_problem(&NOT_FOUND);
    let again = json!({"long_url": "https://example.com/", "custom_alias": codes[0]});
    app.shorten(&again).await.is(409);
}

#[tokio::test]
async fn l25_a_user_names_itself_alone_and_another_application_sees_nothing() {
    let stack = Stack::here();
    let (app, other) = (stack.app().await, stack.app().await);
    let ann = token(&app, "ann", "privacy:write").await;
    let post = |key: &str, subject: &Value| {
        let ask = stack.edge("POST", EXPORTS).key(key).json(&json!({"subject": subject}));
        ask.send()
    };
    post(&ann, &json!("bob")).await.is_problem(&FORBIDDEN);
    for wrong in [json!(""), json!("a\r\nb"), json!("x".repeat(256)), json!(7)] {
        let problem = post(&app.key, &wrong).await.is_problem(&UNACCEPTABLE);
        assert_eq!(problem["errors"][0]["pointer"], "/subject", "{wrong}");
    }
    let own = post(&ann, &json!("ann")).await;
    own.is(202);
    let path = own.header("location").to_owned();
    stack.edge("GET", &path).key(&ann).send().await.is(200);
    other.get(&path).await.is_problem(&NOT_FOUND);
    let bob = token(&app, "bob", "privacy:write").await;
    stack.edge("GET", &path).key(&bob).send().await.is_problem(&NOT_FOUND);
    for none in [format!("{EXPORTS}/prv_none"), format!("{ERASURES}/prv_00000000001")] {
        app.get(&none).await.is_problem(&NOT_FOUND);
    }
    let items = app.get(&format!("{path}/items")).await;
    if items.status == 409 {
        items.is_problem(&CONFLICT);
    }
    app.get(&format!("{path}/items?x=1")).await.is_problem(&UNACCEPTABLE);
    let keyed = || {
        let ask = app.ask("POST", ERASURES).header("idempotency-key", "once");
        ask.json(&json!({"subject": "nobody"})).send()
    };
    let (first, copy) = (keyed().await, keyed().await);
    assert_eq!((copy.status, &copy.body), (202, &first.body));
    assert_eq!(copy.header("idempotent-replayed"), "true");
    assert_eq!(copy.header("location"), first.header("location"));
}
