//! links: creation under races, ranges, changes, lists.

use crate::support::{Place, application, body, call, status, with};
use futures::future::join_all;
use origin::app::App;
use origin::links;
use shared::envelope::Envelope;
use std::collections::BTreeSet;

const URL: &str = r#"{"long_url":"https://example.com/a?b#c"}"#;

async fn shorten(app: &App, owner: &str, body: &str) -> Result<Envelope, origin::respond::Failure> {
    links::shorten(app, &call(owner, "POST", "/api/v1/shorten", body)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l5_of_500_concurrent_creations_of_one_alias_on_two_replicas_one_wins() {
    let place = Place::new().await;
    let (one, two) = (place.replica().await, place.replica().await);
    let owner = application(&one, "a").await;
    let text = r#"{"long_url":"https://example.com/","custom_alias":"spring"}"#;
    let all = (0..500).map(|n| shorten(if n % 2 == 0 { &one } else { &two }, &owner, text));
    let statuses: Vec<u16> = join_all(all).await.iter().map(status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1);
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 499);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l3_two_replicas_draw_from_their_own_ranges_and_never_the_same() {
    let place = Place::new().await;
    let (one, two) = (place.replica().await, place.replica().await);
    let owner = application(&one, "a").await;
    let all = (0..3_000).map(|n| shorten(if n % 2 == 0 { &one } else { &two }, &owner, URL));
    let (mut codes, mut ids) = (BTreeSet::new(), BTreeSet::new());
    for result in join_all(all).await {
        assert_eq!(status(&result), 201);
        let link = body(&result);
        let code = link["short_code"].as_str().unwrap();
        assert!(code.len() == 7 && code.bytes().all(|b| b.is_ascii_alphanumeric()), "{code}");
        codes.insert(code.to_owned());
        ids.insert(link["id"].as_str().unwrap().to_owned());
    }
    assert_eq!((codes.len(), ids.len()), (3_000, 3_000));
    let rows = one.db.read("select next from code_range", vec![]).await.unwrap();
    // 1,500 draws each: two ranges used, the third drawn ahead at most.
    let taken = origin::db::number(&rows[0], "next").unwrap();
    assert!((4_000..=6_000).contains(&taken), "{taken}");
}

#[tokio::test]
async fn l4_an_alias_where_a_code_would_be_never_blocks_generation() {
    let place = Place::new().await;
    let app = place.replica().await;
    let owner = application(&app, "a").await;
    // The first three codes that would be drawn, taken as aliases before.
    let taken: Vec<String> = (0..3).map(|id| app.codes.code(id).unwrap()).collect();
    for alias in &taken {
        let text = format!(r#"{{"long_url":"https://a.example/","custom_alias":"{alias}"}}"#);
        assert_eq!(status(&shorten(&app, &owner, &text).await), 201);
    }
    let made = body(&shorten(&app, &owner, URL).await);
    assert_eq!(made["short_code"], app.codes.code(3).unwrap());
}

#[tokio::test]
async fn l16_changes_are_conditional_deletes_are_for_ever_and_others_see_nothing() {
    let place = Place::new().await;
    let app = place.replica().await;
    let (ann, bob) = (application(&app, "ann").await, application(&app, "bob").await);
    let text = r#"{"long_url":"https://a.example/","custom_alias":"mine","tags":["b","a"]}"#;
    let made = shorten(&app, &ann, text).await;
    assert_eq!(made.as_ref().unwrap().header("etag"), Some("\"1\""));
    assert_eq!(made.as_ref().unwrap().header("location"), Some("/api/v1/links/mine"));
    assert_eq!(made.as_ref().unwrap().projections.len(), 1);
    let path = "/api/v1/links/mine";
    let patch = |owner: &str, body: &str| call(owner, "PATCH", path, body);
    let change = r#"{"long_url":"https://b.example/","expiry":null}"#;
    assert_eq!(status(&links::patch(&app, &patch(&bob, change)).await), 404);
    let stale = with(patch(&ann, change), "if-match", "\"7\"");
    assert_eq!(status(&links::patch(&app, &stale).await), 412);
    let fresh = with(patch(&ann, change), "if-match", "\"1\"");
    let changed = links::patch(&app, &fresh).await;
    assert_eq!(body(&changed)["long_url"], "https://b.example/");
    assert_eq!(body(&changed)["expires_at"], serde_json::Value::Null);
    assert_eq!(body(&changed)["tags"], serde_json::json!(["a", "b"]));
    let get = |owner: &str| call(owner, "GET", path, "");
    assert_eq!(status(&links::get(&app, &get(&bob)).await), 404);
    assert_eq!(links::get(&app, &get(&ann)).await.unwrap().header("etag"), Some("\"2\""));
    assert_eq!(status(&links::delete(&app, &call(&bob, "DELETE", path, "")).await), 404);
    let deleted = links::delete(&app, &call(&ann, "DELETE", path, "")).await.unwrap();
    assert_eq!((deleted.status, &deleted.projections[0].value), (204, &None));
    assert_eq!(status(&links::get(&app, &get(&ann)).await), 410);
    assert_eq!(status(&shorten(&app, &ann, text).await), 409);
}

#[tokio::test]
async fn lists_page_through_everything_once_newest_first() {
    let place = Place::new().await;
    let app = place.replica().await;
    let (ann, bob) = (application(&app, "ann").await, application(&app, "bob").await);
    for n in 0..7 {
        let text = format!(
            r#"{{"long_url":"https://e.example/{n}","title":"100%_{n}","tags":["t{}"]}}"#,
            n % 2
        );
        assert_eq!(status(&shorten(&app, &ann, &text).await), 201);
    }
    assert_eq!(status(&shorten(&app, &bob, URL).await), 201);
    let page = async |query: &str| {
        let path = format!("/api/v1/links?{query}");
        body(&links::list(&app, &call(&ann, "GET", &path, "")).await)
    };
    let urls = |page: &serde_json::Value| -> Vec<String> {
        let items = page["items"].as_array().unwrap();
        items.iter().map(|link| link["long_url"].as_str().unwrap().to_owned()).collect()
    };
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let got = page(&format!("limit=3{cursor}")).await;
        seen.extend(urls(&got));
        match got["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let wanted: Vec<String> = (0..7).rev().map(|n| format!("https://e.example/{n}")).collect();
    assert_eq!(seen, wanted);
    assert_eq!(urls(&page("tag=t1").await).len(), 3);
    assert_eq!(urls(&page("tag=t").await).len(), 0);
    assert_eq!(urls(&page("q=100%25_3").await), ["https://e.example/3"]);
    assert_eq!(urls(&page("q=%25%25").await).len(), 0);
    let wrong = links::list(&app, &call(&ann, "GET", "/api/v1/links?limit=0", "")).await;
    assert_eq!(status(&wrong), 422);
}
