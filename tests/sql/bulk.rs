//! L17: bulk calls, each item for itself, and never twice.

use crate::support::{Place, application, body, call, status, with, write};
use origin::app::App;
use origin::{links, values};
use serde_json::{Value, json};

async fn bulk(app: &App, owner: &str, items: &[Value], key: Option<&str>) -> Value {
    let text = json!({"links": items}).to_string();
    let call = call(owner, "POST", "/api/v1/links/bulk", &text);
    let call = match key {
        Some(key) => with(call, "idempotency-key", key),
        None => call,
    };
    let answer = links::bulk::bulk(app, &call).await;
    assert_eq!(status(&answer), 200);
    body(&answer)["results"].clone()
}

async fn rows(app: &App, owner: &str) -> usize {
    let sql = "select id from link where app = $1";
    app.db.read(sql, values![owner]).await.unwrap().len()
}

fn codes(results: &Value) -> Vec<&str> {
    let results = results.as_array().unwrap().iter();
    results.map(|one| one["link"]["short_code"].as_str().unwrap_or("-")).collect()
}

#[tokio::test]
async fn l17_results_stand_in_order_and_a_bad_item_spoils_no_other() {
    let place = Place::new().await;
    let app = place.replica().await;
    let ann = application(&app, "ann").await;
    let items: Vec<Value> = (0..1_000)
        .map(|n| match n % 10 {
            3 => json!({"long_url": "ftp://example.com/"}),
            4 => json!(["no", "object"]),
            5 => json!({"long_url": "https://e.example/", "custom_alias": "one-alias"}),
            _ => json!({"long_url": format!("https://e.example/{n}")}),
        })
        .collect();
    let results = bulk(&app, &ann, &items, None).await;
    let results = results.as_array().unwrap();
    assert_eq!(results.len(), 1_000);
    for (n, result) in results.iter().enumerate() {
        let status = result["status"].as_u64().unwrap();
        match n % 10 {
            3 | 4 => assert_eq!(status, 422, "{n}: {result}"),
            5 => assert_eq!(status, if n == 5 { 201 } else { 409 }, "{n}: {result}"),
            _ => assert_eq!(result["link"]["long_url"], format!("https://e.example/{n}")),
        }
        assert_eq!(result["problem"].is_object(), status != 201, "{n}");
    }
    assert_eq!(results[3]["problem"]["errors"][0]["pointer"], "/long_url");
    assert_eq!(rows(&app, &ann).await, 701);
    let more = json!({"links": vec![json!({"long_url": "https://e.example/"}); 1_001]});
    let call = call(&ann, "POST", "/api/v1/links/bulk", &more.to_string());
    assert_eq!(status(&links::bulk::bulk(&app, &call).await), 422);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l17_a_repeated_call_makes_nothing_twice_however_far_the_first_came() {
    let place = Place::new().await;
    let (one, two) = (place.replica().await, place.replica().await);
    let ann = application(&one, "ann").await;
    let items: Vec<Value> = (0..600)
        .map(|n| match n {
            77 => json!({"long_url": "nonsense"}),
            _ => json!({"long_url": format!("https://e.example/{n}")}),
        })
        .collect();
    let first = bulk(&one, &ann, &items, Some("k")).await;
    assert_eq!(bulk(&two, &ann, &items, Some("k")).await, first);
    assert_eq!(rows(&one, &ann).await, 599);
    // As if the replica had died after 256 items, the first commit.
    for (n, code) in codes(&first).into_iter().enumerate().skip(256) {
        write(&one, "delete from link where code = $1", values![code]).await;
        write(&one, "delete from idempotency where key = $1", values![format!("k#{n}")]).await;
    }
    assert_eq!(rows(&one, &ann).await, 255);
    let again = bulk(&two, &ann, &items, Some("k")).await;
    assert_eq!(codes(&again)[..256], codes(&first)[..256]);
    assert_eq!(rows(&one, &ann).await, 599);
    for (n, result) in again.as_array().unwrap().iter().enumerate().filter(|(n, _)| *n != 77) {
        assert_eq!(result["link"]["long_url"], format!("https://e.example/{n}"));
    }
    assert_eq!(bulk(&one, &ann, &items, Some("k")).await, again);
    // Another call under the key is refused item by item, and makes nothing.
    let others = bulk(&one, &ann, &items[..10], Some("k")).await;
    assert!(others.as_array().unwrap().iter().all(|result| result["status"] == 422), "{others}");
    assert_eq!(rows(&one, &ann).await, 599);
}
