//! Lists: pages, filters, and what is no page.

use crate::client::{App, Stack};
use serde_json::{Value, json};
use shared::problem::UNACCEPTABLE;

fn urls(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().unwrap().iter();
    items.map(|link| link["long_url"].as_str().unwrap().to_owned()).collect()
}

async fn fill(app: &App<'_>, count: usize) {
    for n in 0..count {
        let body = json!({
            "long_url": format!("https://e.example/{n}"),
            "title": format!("100%_{n} Ä"),
            "tags": [format!("t{}", n % 2), "a\"b"],
        });
        app.shorten(&body).await.is(201);
    }
}

#[tokio::test]
async fn a_list_is_paged_newest_first_and_everything_stands_on_it_once() {
    let stack = Stack::here();
    let (app, other) = (stack.app().await, stack.app().await);
    fill(&app, 55).await;
    fill(&other, 2).await;
    let wanted: Vec<String> = (0..55).rev().map(|n| format!("https://e.example/{n}")).collect();
    let first = app.get("/api/v1/links").await.is(200);
    assert_eq!(urls(&first), wanted[..50], "50 unless asked");
    for limit in [1, 10, 54, 55, 200] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = app.get(&format!("/api/v1/links?limit={limit}{cursor}")).await.is(200);
            assert!(urls(&page).len() <= limit);
            seen.extend(urls(&page));
            let Some(next) = page["next_cursor"].as_str() else { break };
            let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
            assert!(!next.is_empty() && next.bytes().all(plain), "{next}");
            cursor = format!("&cursor={next}");
        }
        assert_eq!(seen, wanted, "{limit}");
    }
}

#[tokio::test]
async fn a_list_is_filtered_by_tag_and_text() {
    let stack = Stack::here();
    let app = stack.app().await;
    fill(&app, 6).await;
    for (query, count) in [
        ("tag=t1", 3),
        ("tag=t", 0),
        ("tag=a%22b", 6),
        ("tag=t1&limit=2", 2),
        ("q=100%25_3", 1),
        ("q=%25%25", 0),
        ("q=E.EXAMPLE%2F4", 1),
        ("q=%0d%0aX:1", 0),
        ("q=%27%20or%201=1--", 0),
        ("tag=t0&q=_4", 1),
    ] {
        let page = app.get(&format!("/api/v1/links?{query}")).await.is(200);
        assert_eq!(urls(&page).len(), count, "{query}");
    }
}

#[tokio::test]
async fn what_is_no_page_is_422_and_names_the_parameter() {
    let stack = Stack::here();
    let app = stack.app().await;
    for (query, pointer) in [
        ("limit=0", "?limit"),
        ("limit=201", "?limit"),
        ("limit=-1", "?limit"),
        ("limit=ten", "?limit"),
        ("limit=", "?limit"),
        ("cursor=a%20b", "?cursor"),
        ("cursor=%C3%A9", "?cursor"),
        ("offset=3", "?offset"),
        ("Limit=3", "?Limit"),
    ] {
        let answer = app.get(&format!("/api/v1/links?{query}")).await;
        let problem = answer.is_problem(&UNACCEPTABLE);
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{query}");
    }
    let long = format!("/api/v1/links?cursor={}", "A".repeat(500));
    app.get(&long).await.is_problem(&UNACCEPTABLE);
}
