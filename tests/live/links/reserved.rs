//! L4 at the edge: an alias that the operator reserves is refused there at once.

use crate::client::{Stack, alias};
use serde_json::json;
use shared::links::error::INVALID;

#[tokio::test]
async fn l4_an_alias_that_the_operator_reserved_is_422_until_it_is_free_again() {
    let stack = Stack::here();
    let app = stack.app().await;
    let word = alias();
    let link = json!({"long_url": "https://example.com/", "custom_alias": word.to_uppercase()});
    let path = format!("/admin/reserved-aliases/{word}");
    stack.admin("PUT", &path).json(&json!({"reason": "ours"})).send().await.is(204);
    let problem = app.shorten(&link).await.is_problem(&INVALID);
    assert_eq!(problem["errors"][0]["pointer"], "/custom_alias");
    let many = app.ask("POST", "/api/v1/links/bulk").json(&json!({"links": [link]}));
    assert_eq!(many.send().await.is(200)["results"][0]["status"], 422);
    let list = stack.admin("GET", "/admin/reserved-aliases?limit=200").send().await.is(200);
    assert!(list["items"].is_array());
    stack.admin("DELETE", &path).send().await.is(204);
    app.shorten(&link).await.is(201);
    stack.follow(&word.to_uppercase()).await.is(302);
}
