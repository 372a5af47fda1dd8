//! L18: several domains, each with codes of its own.

use crate::client::{Ask, Stack, alias};
use serde_json::json;
use shared::links::error::ALIAS_TAKEN;

/// As `scripts/test` configures it: `SHORT_DOMAINS=1=http://short.test`.
const HOST: &str = "short.test";

fn at<'a>(host: &str, ask: Ask<'a>) -> Ask<'a> {
    if host.is_empty() { ask } else { ask.header("host", host) }
}

#[tokio::test]
async fn l18_one_alias_exists_on_two_domains_and_leads_where_each_says() {
    if !std::env::var("SHORT_DOMAINS").is_ok_and(|text| text.contains(HOST)) {
        println!("skipped: the stack was started without SHORT_DOMAINS=1=http://{HOST}");
        return;
    }
    let stack = Stack::here();
    let app = stack.app().await;
    let alias = alias();
    let make = async |host: &str, url: &str| {
        let body = json!({"long_url": url, "custom_alias": alias});
        at(host, app.ask("POST", "/api/v1/shorten")).json(&body).send().await
    };
    let here = make("", "https://here.example/").await.is(201);
    let there = make(HOST, "https://there.example/").await.is(201);
    assert_ne!(here["short_url"], there["short_url"]);
    assert_eq!(there["short_url"], format!("http://{HOST}/{alias}"));
    make(HOST, "https://again.example/").await.is_problem(&ALIAS_TAKEN);
    // A link may lead back to none of the domains.
    make("", &format!("http://{HOST}/x")).await.is(422);
    let path = format!("/{alias}");
    let follow =
        async |host: &str| at(host, stack.edge("GET", &path)).send().await.leads(302).to_owned();
    assert_eq!(follow("").await, "https://here.example/");
    assert_eq!(follow(HOST).await, "https://there.example/");
    // A Host that nobody configured is the default domain.
    assert_eq!(follow("unknown.test").await, "https://here.example/");
    at(HOST, app.ask("DELETE", &format!("/api/v1/links/{alias}"))).send().await.is(204);
    assert_eq!(follow("").await, "https://here.example/");
    at(HOST, stack.edge("GET", &path)).send().await.is(410);
}
