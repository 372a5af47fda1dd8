//! L6: when a link ends, and who says so.

use crate::client::Stack;
use origin::db;
use serde_json::{Value, json};
use shared::links::error::{GONE, INVALID};
use shared::links::request::LIFE_DEFAULT_MS;
use shared::time::Millis;
use std::time::{Duration, Instant};

const URL: &str = "https://example.com/";

fn moment(value: &Value) -> Millis {
    Millis::parse(value.as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn l6_an_expiry_is_rfc_3339_or_a_date_or_never_and_five_years_unless_asked() {
    let stack = Stack::here();
    let app = stack.app().await;
    let made = app.shorten(&json!({"long_url": URL})).await.is(201);
    let life = moment(&made["expires_at"]).since(moment(&made["created_at"]));
    assert_eq!(life, LIFE_DEFAULT_MS);
    for (given, wanted) in [
        (json!("2040-02-29T12:00:00Z"), json!("2040-02-29T12:00:00.000Z")),
        (json!("2040-02-29T12:00:00.123456789+05:30"), json!("2040-02-29T06:30:00.123Z")),
        (json!("2040-02-29t12:00:00.5z"), json!("2040-02-29T12:00:00.500Z")),
        (json!("2040-02-29T12:00:00-00:00"), json!("2040-02-29T12:00:00.000Z")),
        (json!("2040-02-29"), json!("2040-02-29T23:59:59.999Z")),
        (Value::Null, Value::Null),
    ] {
        let made = app.shorten(&json!({"long_url": URL, "expiry": given})).await.is(201);
        assert_eq!(made["expires_at"], wanted, "{given}");
    }
    for wrong in [
        json!("soon"),
        json!(""),
        json!("2039-02-29"),
        json!("2040-02-29 12:00"),
        json!("2040-02-29T12:00:00"),
        json!("2020-01-01"),
        json!("1969-12-31T23:59:59Z"),
        json!("2040-13-01T00:00:00Z"),
        json!("99999-01-01"),
    ] {
        let body = json!({"long_url": URL, "expiry": wrong});
        let problem = app.shorten(&body).await.is_problem(&INVALID);
        assert_eq!(problem["errors"][0]["pointer"], "/expiry", "{wrong}");
    }
}

#[tokio::test]
async fn l6_an_expired_link_is_410_within_a_second_and_the_origin_is_not_asked() {
    let stack = Stack::alone();
    let app = stack.app().await;
    let ends = db::now().plus(2_500);
    let body = json!({"long_url": URL, "expiry": ends.to_rfc3339()});
    let code = app.code(&body).await;
    assert_eq!(stack.follow(&code).await.leads(302), URL);
    let reads = stack.count("link_reads_total", "").await;
    let asked = stack.count("requests_total", "links").await;
    while stack.follow(&code).await.status == 302 {
        assert!(db::now() < ends.plus(1_000), "still there a second later");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(db::now() >= ends, "gone before its end");
    for _ in 0..20 {
        stack.follow(&code).await.is_problem(&GONE);
    }
    assert_eq!(stack.count("link_reads_total", "").await, reads);
    assert_eq!(stack.count("requests_total", "links").await, asked);
    // Its owner still sees it, with the end that it had.
    let link = app.get(&format!("/api/v1/links/{code}")).await.is(200);
    assert_eq!(moment(&link["expires_at"]), ends);
}

#[tokio::test]
async fn l6_a_permanent_redirect_is_kept_no_longer_than_the_link() {
    let stack = Stack::here();
    let app = stack.app().await;
    let ends = db::now().plus(90_000);
    let body = json!({"long_url": URL, "redirect": 301, "expiry": ends.to_rfc3339()});
    let code = app.code(&body).await;
    let began = Instant::now();
    let answer = stack.follow(&code).await;
    let kept = answer.header("cache-control").strip_prefix("public, max-age=").unwrap();
    let kept: u64 = kept.parse().unwrap();
    assert!(kept <= 90 && kept + began.elapsed().as_secs() + 10 >= 90, "{kept}");
}
