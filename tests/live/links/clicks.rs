//! L12: counted = served.

use crate::client::{App, Stack, alias};
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const URL: &str = "https://example.com/";
const JAPAN: &str = r#"{"country":"JP","colo":"NRT","clientAcceptEncoding":""}"#;
const PHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 \
                     (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1";
const CRAWLER: &str = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";
const COUNTED_WITHIN: Duration = Duration::from_secs(10);

/// The stats as soon as `clicks` and `bots` are counted, and a moment later: never more.
async fn counted(app: &App<'_>, code: &str, clicks: u64, bots: u64) -> Value {
    let path = format!("/api/v1/stats/{code}");
    let began = Instant::now();
    loop {
        let stats = app.get(&path).await.is(200);
        if stats["clicks"] == clicks && stats["bots"] == bots {
            break;
        }
        let few = stats["clicks"].as_u64().unwrap() <= clicks;
        let in_time = began.elapsed() < COUNTED_WITHIN;
        assert!(few && in_time, "{clicks} and {bots} were served: {stats}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let stats = app.get(&path).await.is(200);
    assert_eq!((&stats["clicks"], &stats["bots"]), (&json!(clicks), &json!(bots)));
    stats
}

#[tokio::test]
async fn l12_every_get_of_500_is_counted_heads_are_not_and_bots_are_apart() {
    let stack = Stack::here();
    let app = stack.app().await;
    let code = app.code(&json!({"long_url": URL})).await;
    let path = format!("/{code}");
    // 500 people, 100 HEADs, 80 bots, mixed.
    let asks = stream::iter(0..680).map(|n| match n % 34 {
        0..25 => stack.edge("GET", &path),
        25..30 => stack.edge("HEAD", &path),
        30..32 => stack.edge("GET", &path).header("user-agent", "curl/8.5.0"),
        _ => stack.edge("GET", &path).header("user-agent", CRAWLER),
    });
    let answers = asks.map(|ask| ask.send()).buffer_unordered(32);
    answers.for_each(|answer| async move { drop(answer.is(302)) }).await;
    let stats = counted(&app, &code, 500, 80).await;
    let series: u64 =
        stats["series"].as_array().unwrap().iter().map(|s| s["clicks"].as_u64().unwrap()).sum();
    assert_eq!(series, 500);
    assert_eq!(stats["by_browser"], json!({"Firefox": 500}));
    assert_eq!(stats["long_url"], URL);
    assert_eq!(stats["short_url"], format!("{}/{code}", stack.public));
}

#[tokio::test]
async fn l12_a_click_has_a_country_a_referrer_a_device_and_what_is_gone_has_none() {
    let stack = Stack::here();
    let app = stack.app().await;
    let code = app.code(&json!({"long_url": URL})).await;
    let get = || stack.edge("GET", &format!("/{code}"));
    for _ in 0..3 {
        get().header("mf-cf-blob", JAPAN).send().await.is(302);
    }
    get().header("referer", "https://ann:x@News.example:8443/a?secret=1").send().await.is(302);
    get().header("user-agent", PHONE).header("sec-gpc", "1").send().await.is(302);
    stack.follow(&alias()).await.is(404);
    let stats = counted(&app, &code, 5, 0).await;
    assert_eq!(stats["by_country"], json!({"JP": 3, "??": 2}));
    assert_eq!(stats["by_referrer"], json!({"direct": 4, "news.example": 1}));
    assert_eq!(stats["by_device"], json!({"desktop": 4, "mobile": 1}));
    let day = app.get(&format!("/api/v1/stats/{code}?interval=day")).await.is(200);
    assert_eq!(day["series"].as_array().unwrap().len(), 1);
    let past = format!("/api/v1/stats/{code}?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z");
    assert_eq!(app.get(&past).await.is(200)["clicks"], 0);
    app.ask("DELETE", &format!("/api/v1/links/{code}")).send().await.is(204);
    stack.follow(&code).await.is(410);
    app.get(&format!("/api/v1/stats/{code}")).await.is(410);
}

#[tokio::test]
async fn l12_visitors_count_once_and_those_who_ask_not_to_be_seen_are_clicks_only() {
    let stack = Stack::here();
    let app = stack.app().await;
    let code = app.code(&json!({"long_url": URL})).await;
    let get = |ip: &str| stack.edge("GET", &format!("/{code}")).header("cf-connecting-ip", ip);
    for _ in 0..3 {
        for n in 0..20 {
            get(&format!("192.0.2.{n}")).send().await.is(302);
        }
        get("2001:db8::1").send().await.is(302);
    }
    // Another browser at one address is another visitor.
    for n in 0..10 {
        let browser = format!("{PHONE} Version/{n}");
        get("192.0.2.1").header("user-agent", &browser).send().await.is(302);
    }
    for n in 100..110 {
        get(&format!("192.0.2.{n}")).header("sec-gpc", "1").send().await.is(302);
    }
    get("192.0.2.200").header("user-agent", CRAWLER).send().await.is(302);
    let stats = counted(&app, &code, 83, 1).await;
    // 31; of their 465 pairs each shares one of 4,096 registers: four or more do once in 150,000
    // runs.
    let count = stats["unique_visitors"].as_u64().unwrap();
    assert!((28..=31).contains(&count), "{count} visitors");
    let never = app.code(&json!({"long_url": URL})).await;
    let stats = app.get(&format!("/api/v1/stats/{never}")).await.is(200);
    assert_eq!(stats["unique_visitors"], 0);
}

#[tokio::test]
async fn stats_refuse_what_is_no_window() {
    let stack = Stack::here();
    let app = stack.app().await;
    let code = app.code(&json!({"long_url": URL})).await;
    for (query, pointer) in [
        ("from=yesterday", "?from"),
        ("to=%00", "?to"),
        ("from=2026-01-02&to=2026-01-01", "?from"),
        ("from=2020-01-01&to=2026-01-01", "?from"),
        ("interval=week", "?interval"),
        ("offset=1", "?offset"),
    ] {
        let problem = app.get(&format!("/api/v1/stats/{code}?{query}")).await.is(422);
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{query}");
    }
}
