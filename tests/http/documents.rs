//! The documents against what is served.

use crate::client::Stack;
use serde_json::Value;
use shared::problem::{self, NOT_FOUND};
use shared::route::{ROUTES, Side};

/// Asks for each operation of a document; a path that is none answers 404 with `http/not-found`.
async fn every_operation_is_served(stack: &Stack, document: &Value, at_edge: bool) -> usize {
    let mut count = 0;
    for (template, operations) in document["paths"].as_object().unwrap() {
        let path = template.replace("{product}/{slug}", "links/gone").replace(['{', '}'], "");
        for method in operations.as_object().unwrap().keys() {
            let method = method.to_uppercase();
            let ask =
                if at_edge { stack.edge(&method, &path) } else { stack.origin(&method, &path) };
            let answer = ask.send().await;
            let unknown = problem::type_url(&NOT_FOUND, &stack.public);
            let is_unknown = answer.status == 404 && answer.value()["type"] == unknown;
            assert!(!is_unknown && answer.status != 405, "{method} {path}: {}", answer.text());
            let documented = &operations[method.to_lowercase()]["responses"];
            let status = answer.status.to_string();
            assert!(documented[&status].is_object(), "{method} {path}: {status} is not documented");
            count += 1;
        }
    }
    count
}

#[tokio::test]
async fn both_documents_are_served_and_everything_in_them_too() {
    let stack = Stack::here();
    for (at_edge, path) in [(true, "/api/openapi.json"), (false, "/admin/openapi.json")] {
        let ask = if at_edge { stack.edge("GET", path) } else { stack.origin("GET", path) };
        let answer = ask.send().await;
        assert_eq!(answer.header("content-type"), "application/json");
        let document = answer.is(200);
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
        let served = every_operation_is_served(&stack, &document, at_edge).await;
        let wanted = ROUTES.iter().filter(|route| (route.side != Side::Origin) == at_edge);
        assert_eq!(served, wanted.count(), "{path}");
    }
}

#[tokio::test]
async fn every_problem_type_resolves_for_programs_and_for_people() {
    let stack = Stack::here();
    let mut count = 0;
    for kind in problem::all() {
        let url = problem::type_url(kind, &stack.public);
        let response = stack.http.get(&url).send().await.unwrap();
        assert_eq!(response.status(), 200, "{url}");
        let about: Value = response.json().await.unwrap();
        assert_eq!(about["type"], url);
        assert_eq!(about["title"], kind.title);
        assert_eq!(about["status"], kind.class.status());
        let page = stack.http.get(&url).header("accept", "text/html,*/*;q=0.8").send().await;
        let page = page.unwrap();
        assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
        assert!(page.text().await.unwrap().contains(kind.title), "{url}");
        count += 1;
    }
    assert!(count >= 19, "{count}");
    for unknown in ["/problems/links/none", "/problems/none/gone", "/problems/links/a/b"] {
        stack.edge("GET", unknown).send().await.is_problem(&NOT_FOUND);
    }
}
