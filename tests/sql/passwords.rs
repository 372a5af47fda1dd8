//! L14: passwords of links at the origin: stored hashed, verified, versioned, never told.

use crate::support::{Place, application, body, call, shorten, status, with, write};
use origin::app::App;
use origin::links::{self, password};
use origin::{db, values};
use serde_json::{Value, json};
use shared::links::password::BULK_PASSWORDS_MAX;
use shared::roads::Answer;

const URL: &str = "https://example.com/";
const PATH: &str = "/api/v1/links/locked";

fn locked(password: &str) -> Value {
    json!({"long_url": URL, "custom_alias": "locked", "password": password})
}

async fn verdict(app: &App, code: &str, password: &str) -> Value {
    let text = json!({"domain": 0, "code": code, "password": password}).to_string();
    let call = call("", "POST", "/internal/links/password", &text);
    body(&password::attempt(app, &call).await)
}

fn right(version: &str) -> Value {
    json!({"verdict": "right", "version": version})
}

async fn patch(app: &App, owner: &str, text: &str) -> Value {
    let answer = links::patch(app, &call(owner, "PATCH", PATH, text)).await;
    assert_eq!(status(&answer), 200, "{text}");
    body(&answer)
}

/// Every text that the database holds.
async fn stored(app: &App) -> String {
    let sql = "select coalesce(password_hash, '') as text from link union all \
               select value as text from outbox where value is not null union all \
               select fingerprint as text from idempotency union all \
               select answer as text from idempotency";
    let rows = app.db.read(sql, vec![]).await.unwrap();
    rows.iter().map(|row| db::text(row, "text").unwrap() + "\n").collect()
}

#[tokio::test]
async fn l14_a_password_is_stored_hashed_and_nothing_tells_it() {
    let place = Place::new().await;
    let app = place.replica().await;
    let ann = application(&app, "ann").await;
    let text = locked("open sesame").to_string();
    let call = with(call(&ann, "POST", "/api/v1/shorten", &text), "idempotency-key", "k");
    let made = links::shorten(&app, &call).await;
    assert_eq!(status(&made), 201);
    assert_eq!(body(&made)["has_password"], true);
    let envelope = serde_json::to_string(made.as_ref().unwrap()).unwrap();
    assert!(!envelope.contains("sesame") && !envelope.contains("argon2"), "{envelope}");
    let again = links::shorten(&app, &call).await.unwrap();
    assert!(again.replayed, "the key holds though the salt is another");
    let stored = stored(&app).await;
    assert!(stored.contains("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
    assert!(!stored.contains("sesame"), "{stored}");
    let quick = call.idempotency_key().unwrap().unwrap().fingerprint;
    assert!(!stored.contains(&quick), "a quick hash of what was sent would be tried first");
}

#[tokio::test]
async fn l14_a_try_is_right_or_wrong_and_a_new_password_has_a_new_version() {
    let place = Place::new().await;
    let app = place.replica().await;
    let ann = application(&app, "ann").await;
    assert_eq!(verdict(&app, "locked", "one").await, json!({"verdict": "absent"}));
    assert_eq!(status(&shorten(&app, &ann, &locked("one")).await), 201);
    let epoch = db::number(&app.db.read(EPOCH, vec![]).await.unwrap()[0], "epoch").unwrap();
    assert_eq!(verdict(&app, "locked", "one").await, right(&format!("{epoch}-1")));
    for wrong in ["One", "one ", "on", ""] {
        assert_eq!(verdict(&app, "locked", wrong).await, json!({"verdict": "wrong"}), "{wrong}");
    }
    assert_eq!(patch(&app, &ann, r#"{"title":"t"}"#).await["has_password"], true);
    assert_eq!(verdict(&app, "locked", "one").await, right(&format!("{epoch}-1")));
    patch(&app, &ann, r#"{"password":"two"}"#).await;
    assert_eq!(verdict(&app, "locked", "one").await, json!({"verdict": "wrong"}));
    assert_eq!(verdict(&app, "locked", "two").await, right(&format!("{epoch}-3")));
    assert_eq!(patch(&app, &ann, r#"{"password":null}"#).await["has_password"], false);
    assert_eq!(verdict(&app, "locked", "two").await, json!({"verdict": "open"}));
    patch(&app, &ann, r#"{"password":"two"}"#).await;
    write(&app, "update fact set value = value + 1", values![]).await;
    assert_eq!(verdict(&app, "locked", "two").await, right(&format!("{}-5", epoch + 1)));
    let Answer::Register(register) = links::store::ask(&app, "0/locked").await.unwrap() else {
        panic!("it is there")
    };
    let value = register.value.unwrap();
    assert!(value.contains(&format!("\"password\":\"{}-5\"", epoch + 1)), "{value}");
    write(&app, "update link set expires_at = 1", values![]).await;
    assert_eq!(verdict(&app, "locked", "two").await, json!({"verdict": "gone"}));
}

const EPOCH: &str = "select value as epoch from fact where name = 'epoch'";

#[tokio::test]
async fn l14_reuse_knows_no_link_with_a_password_and_asks_for_none() {
    let place = Place::new().await;
    let app = place.replica().await;
    let ann = application(&app, "ann").await;
    let link = |more: &str| {
        let mut link = json!({"long_url": URL, "reuse": true});
        if !more.is_empty() {
            link["password"] = json!(more);
        }
        link
    };
    let mut codes = std::collections::BTreeSet::new();
    for password in ["one", "one", ""] {
        let made = shorten(&app, &ann, &link(password)).await;
        assert_eq!(status(&made), 201, "{password:?}");
        codes.insert(body(&made)["short_code"].as_str().unwrap().to_owned());
    }
    assert_eq!(codes.len(), 3);
    let open = shorten(&app, &ann, &link("")).await;
    assert_eq!(status(&open), 200);
    // The open one gets a password: nobody is given it any more.
    let path = format!("/api/v1/links/{}", body(&open)["short_code"].as_str().unwrap());
    let change = call(&ann, "PATCH", &path, r#"{"password":"later"}"#);
    assert_eq!(status(&links::patch(&app, &change).await), 200);
    assert_eq!(status(&shorten(&app, &ann, &link("")).await), 201);
}

#[tokio::test]
async fn l14_bulk_items_have_passwords_and_not_too_many_of_them() {
    let place = Place::new().await;
    let app = place.replica().await;
    let ann = application(&app, "ann").await;
    let items = |count: usize| -> Vec<Value> {
        (0..count).map(|n| json!({"long_url": URL, "password": format!("p{n}")})).collect()
    };
    let bulk = async |items: Vec<Value>| {
        let text = json!({"links": items}).to_string();
        links::bulk::bulk(&app, &call(&ann, "POST", "/api/v1/links/bulk", &text)).await
    };
    assert_eq!(status(&bulk(items(BULK_PASSWORDS_MAX + 1)).await), 422);
    let mut some = items(2);
    some.push(json!({"long_url": URL, "password": ""}));
    some.push(json!({"long_url": URL, "password": "x".repeat(201)}));
    some.push(json!({"long_url": URL, "password": 7}));
    some.push(json!({"long_url": URL}));
    let results = body(&bulk(some).await)["results"].clone();
    let statuses: Vec<u64> = (0..6).map(|n| results[n]["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [201, 201, 422, 422, 422, 201]);
    for refused in 2..5 {
        assert_eq!(results[refused]["problem"]["errors"][0]["pointer"], "/password");
    }
    let code = results[1]["link"]["short_code"].as_str().unwrap();
    assert_eq!(verdict(&app, code, "p1").await["verdict"], "right");
    assert_eq!(results[5]["link"]["has_password"], false);
}
