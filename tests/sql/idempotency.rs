//! One key, one effect, one answer; the record stands beside the effect.

use crate::support::{Place, application, body, call, status, with};
use futures::future::join_all;
use origin::audit::Who;
use origin::{admin, links, shell, values};
use std::collections::BTreeSet;

const URL: &str = r#"{"long_url":"https://example.com/"}"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_copies_of_one_request_make_one_link_and_get_one_answer() {
    let place = Place::new().await;
    let (one, two) = (place.replica().await, place.replica().await);
    let owner = application(&one, "a").await;
    let request = with(call(&owner, "POST", "/api/v1/shorten", URL), "idempotency-key", "k-1");
    let all = (0..100).map(|n| links::shorten(if n % 2 == 0 { &one } else { &two }, &request));
    let results = join_all(all).await;
    let mut answers = BTreeSet::new();
    let mut replayed = 0;
    for result in &results {
        assert_eq!(status(result), 201);
        let envelope = result.as_ref().unwrap();
        answers.insert(envelope.body.clone());
        replayed += usize::from(envelope.replayed);
        assert_eq!(envelope.projections.len(), 1, "a replayed answer carries its projections");
    }
    assert_eq!((answers.len(), replayed), (1, 99));
    let rows = one.db.read("select id from link", vec![]).await.unwrap();
    assert_eq!(rows.len(), 1);
}

#[tokio::test]
async fn another_request_under_the_key_is_422_and_a_refusal_is_replayed() {
    let place = Place::new().await;
    let app = place.replica().await;
    let (ann, bob) = (application(&app, "ann").await, application(&app, "bob").await);
    let keyed = |owner: &str, text: &str| {
        with(call(owner, "POST", "/api/v1/shorten", text), "idempotency-key", "k")
    };
    let alias = r#"{"long_url":"https://example.com/","custom_alias":"abc"}"#;
    assert_eq!(status(&links::shorten(&app, &keyed(&ann, alias)).await), 201);
    assert_eq!(status(&links::shorten(&app, &keyed(&ann, URL)).await), 422);
    // The key belongs to its principal: another's is another key.
    let taken = links::shorten(&app, &keyed(&bob, alias)).await;
    assert_eq!(status(&taken), 409);
    let path = "/api/v1/links/abc";
    assert_eq!(status(&links::delete(&app, &call(&ann, "DELETE", path, "")).await), 204);
    let again = links::shorten(&app, &keyed(&bob, alias)).await.unwrap();
    assert!(again.replayed && again.status == 409);
    assert_eq!(again.body, taken.unwrap().body);
}

#[tokio::test]
async fn an_answer_is_forgotten_after_its_time() {
    let place = Place::new().await;
    let app = place.replica().await;
    let owner = application(&app, "a").await;
    let request = with(call(&owner, "POST", "/api/v1/shorten", URL), "idempotency-key", "k");
    let first = body(&links::shorten(&app, &request).await);
    let mut tx = app.db.begin().await.unwrap();
    tx.write("update idempotency set expires_at = 1", values![]).await.unwrap();
    tx.commit().await.unwrap();
    let second = links::shorten(&app, &request).await;
    assert_eq!(status(&second), 201);
    assert_ne!(body(&second)["id"], first["id"]);
    assert_eq!(shell::sweep(&app).await.unwrap(), 0, "the record was written anew");
    let mut tx = app.db.begin().await.unwrap();
    tx.write("update idempotency set expires_at = 1", values![]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(shell::sweep(&app).await.unwrap(), 1);
}

#[tokio::test]
async fn a_token_is_minted_once_per_key_and_within_the_scopes_that_the_truth_knows() {
    let place = Place::new().await;
    let app = place.replica().await;
    let owner = application(&app, "a").await;
    let scopes = ["links:read".to_owned()];
    let new = origin::keys::NewKey { application: &owner, name: "k", scopes: &scopes };
    let (_, kid) = origin::keys::create_key(&app, &Who::operator(), new).await.unwrap();
    let mint = |text: &str| {
        let mut call = call(&owner, "POST", "/api/v1/tokens", text);
        call.context.principal = format!("service:{kid}");
        with(call, "idempotency-key", text.get(..20).unwrap())
    };
    let asked = r#"{"sub":"ann","scope":"links:read","ttl_s":60}"#;
    let first = admin::tokens::mint(&app, &mint(asked)).await;
    let again = admin::tokens::mint(&app, &mint(asked)).await;
    assert_eq!(status(&first), 201);
    assert_eq!(body(&first), body(&again));
    assert!(again.unwrap().replayed);
    let more = r#"{"scope":"links:write","sub":"ann"}"#;
    assert_eq!(status(&admin::tokens::mint(&app, &mint(more)).await), 403);
    assert!(origin::keys::revoke_key(&app, &Who::operator(), &kid).await.unwrap());
    let revoked = r#"{"ttl_s":60,"sub":"ann"}      "#;
    assert_eq!(status(&admin::tokens::mint(&app, &mint(revoked)).await), 403);
}
