//! L15: reuse, and the caller's own names, across replicas.

use crate::support::{Place, application, body, call, shorten, status, write};
use futures::future::join_all;
use origin::{links, values};
use serde_json::{Value, json};
use shared::links::error::EXTERNAL_ID_TAKEN;

const URL: &str = "https://example.com/";

fn with(more: &Value) -> Value {
    let mut link = json!({"long_url": URL, "reuse": true});
    link.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    link
}

#[tokio::test]
async fn l15_a_live_link_of_the_same_application_target_and_settings_is_reused() {
    let place = Place::new().await;
    let (one, two) = (place.replica().await, place.replica().await);
    let (ann, bob) = (application(&one, "ann").await, application(&one, "bob").await);
    let same = json!({
        "redirect": 307,
        "max_clicks": 9,
        "fallback_url": "https://over.example/",
        "rules": [{"country": ["JP"], "to": "https://jp.example/"}],
    });
    let made = shorten(&one, &ann, &with(&same)).await;
    assert_eq!(status(&made), 201);
    // At the other replica, with another title and tags, which are no settings.
    let mut again = with(&same);
    again["title"] = json!("another");
    again["long_url"] = json!("https://EXAMPLE.com");
    let reused = shorten(&two, &ann, &again).await;
    assert_eq!(status(&reused), 200);
    assert_eq!(body(&reused), body(&made));
    assert_eq!(reused.unwrap().projections.len(), 1, "what is answered must redirect");
    // Without `reuse`, by another application, with any other setting: new.
    let mut plain = with(&same);
    plain["reuse"] = json!(false);
    assert_eq!(status(&shorten(&one, &ann, &plain).await), 201);
    assert_eq!(status(&shorten(&one, &bob, &with(&same)).await), 201);
    for (field, value) in [
        ("redirect", json!(302)),
        ("max_clicks", json!(10)),
        ("fallback_url", Value::Null),
        ("rules", json!([])),
        ("rules", json!([{"country": ["DE"], "to": "https://jp.example/"}])),
        ("long_url", json!("https://example.com/#x")),
        ("expiry", json!("2040-01-01")),
        ("custom_alias", json!("an-alias")),
        ("external_id", json!("e-1")),
    ] {
        let mut other = with(&same);
        other[field] = value;
        let first = shorten(&one, &ann, &other).await;
        assert_eq!(status(&first), 201, "{field}");
        let second = shorten(&two, &ann, &other).await;
        assert_eq!(status(&second), 200, "{field}");
        assert_eq!(body(&first), body(&second), "{field}");
    }
}

#[tokio::test]
async fn l15_what_is_deleted_expired_or_changed_is_not_reused() {
    let place = Place::new().await;
    let app = place.replica().await;
    let ann = application(&app, "ann").await;
    let code = async |wanted: u16, link: &Value| {
        let answer = shorten(&app, &ann, link).await;
        assert_eq!(status(&answer), wanted, "{link}");
        body(&answer)["short_code"].as_str().unwrap().to_owned()
    };
    let link = with(&json!({}));
    let first = code(201, &link).await;
    assert_eq!(code(200, &link).await, first);
    let path = format!("/api/v1/links/{first}");
    let patch = call(&ann, "PATCH", &path, r#"{"redirect":301}"#);
    assert_eq!(status(&links::patch(&app, &patch).await), 200);
    let second = code(201, &link).await;
    // The patched one serves those who ask for what it is now.
    assert_eq!(code(200, &with(&json!({"redirect": 301}))).await, first);
    let delete = call(&ann, "DELETE", &format!("/api/v1/links/{second}"), "");
    assert_eq!(status(&links::delete(&app, &delete).await), 204);
    let third = code(201, &link).await;
    assert_ne!(third, second);
    write(&app, "update link set expires_at = 1 where code = $1", values![third.as_str()]).await;
    let fourth = code(201, &link).await;
    assert_eq!(code(200, &link).await, fourth);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l15_of_200_concurrent_creations_of_one_external_id_on_two_replicas_one_wins() {
    let place = Place::new().await;
    let (one, two) = (place.replica().await, place.replica().await);
    let (ann, bob) = (application(&one, "ann").await, application(&one, "bob").await);
    let link = json!({"long_url": URL, "external_id": "order/17"});
    let all = (0..200).map(|n| shorten(if n % 2 == 0 { &one } else { &two }, &ann, &link));
    let results = join_all(all).await;
    let made: Vec<_> = results.iter().filter(|result| status(result) == 201).collect();
    assert_eq!(made.len(), 1);
    for refused in results.iter().filter(|result| status(result) != 201) {
        let problem = refused.as_ref().unwrap();
        assert_eq!((problem.status, EXTERNAL_ID_TAKEN.slug), (409, "external-id-taken"));
        assert!(problem.body.contains("links/external-id-taken"), "{}", problem.body);
    }
    assert_eq!(status(&shorten(&two, &bob, &link).await), 201, "another's ids are another's");
    let first = body(made[0]);
    assert_eq!(first["external_id"], "order/17");
    let path = format!("/api/v1/links/{}", first["short_code"].as_str().unwrap());
    assert_eq!(status(&links::delete(&one, &call(&ann, "DELETE", &path, "")).await), 204);
    assert_eq!(status(&shorten(&two, &ann, &link).await), 201, "free after the deletion");
    assert_eq!(status(&shorten(&one, &ann, &link).await), 409);
}
