//! L1: domains that the operator has blocked.

use crate::support::{Place, application, body, call, shorten, status};
use origin::app::App;
use origin::links::{self, blocked};
use serde_json::json;

async fn block(app: &App, name: &str) -> u16 {
    let path = format!("/admin/blocked-domains/{name}");
    status(&blocked::put(app, &call("", "PUT", &path, r#"{"reason":"phishing"}"#)).await)
}

#[tokio::test]
async fn l1_a_blocked_domain_blocks_what_is_below_it_wherever_it_stands_in_a_link() {
    let place = Place::new().await;
    let (one, two) = (place.replica().await, place.replica().await);
    let ann = application(&one, "ann").await;
    let made = shorten(&one, &ann, &json!({"long_url": "https://bad.example/"})).await;
    assert_eq!(status(&made), 201);
    for name in ["Bad.Example.", "müller.example", "xn--mnchen-3ya.example"] {
        assert_eq!(block(&one, name).await, 204, "{name}");
    }
    for (url, wanted) in [
        ("https://bad.example/x", 422),
        ("https://BAD.example./", 422),
        ("https://a.b.bad.example:8443/", 422),
        ("https://ann:x@bad.example/", 422),
        ("https://xn--mller-kva.example/", 422),
        ("https://www.MÜLLER.example/", 422),
        ("https://münchen.example/", 422),
        ("https://notbad.example/", 201),
        ("https://example/", 201),
        ("https://bad.example.org/", 201),
        ("https://good.example/?u=https://bad.example/", 201),
        ("http://192.0.2.1/", 201),
    ] {
        // The other replica knows at once.
        let answer = shorten(&two, &ann, &json!({"long_url": url})).await;
        assert_eq!(status(&answer), wanted, "{url}");
    }
    let good = "https://good.example/";
    for field in ["fallback_url", "rules"] {
        let bad = "https://bad.example/";
        let value = if field == "rules" { json!([{"to": bad}]) } else { json!(bad) };
        let link = json!({"long_url": good, field: value});
        assert_eq!(status(&shorten(&one, &ann, &link).await), 422, "{field}");
        let path = format!("/api/v1/links/{}", body(&made)["short_code"].as_str().unwrap());
        let patch = call(&ann, "PATCH", &path, &json!({field: value}).to_string());
        assert_eq!(status(&links::patch(&one, &patch).await), 422, "{field}");
    }
    let path = format!("/api/v1/links/{}", body(&made)["short_code"].as_str().unwrap());
    let patch = |text: &str| call(&ann, "PATCH", &path, text);
    let to_bad = patch(r#"{"long_url":"https://www.bad.example/"}"#);
    assert_eq!(status(&links::patch(&one, &to_bad).await), 422);
    assert_eq!(status(&links::patch(&one, &patch(r#"{"title":"kept"}"#)).await), 200);
    let items = json!({"links": [{"long_url": good}, {"long_url": "https://bad.example/"}]});
    let many = call(&ann, "POST", "/api/v1/links/bulk", &items.to_string());
    let results = body(&links::bulk::bulk(&one, &many).await)["results"].clone();
    assert_eq!((&results[0]["status"], &results[1]["status"]), (&json!(201), &json!(422)));
    assert_eq!(results[1]["problem"]["errors"][0]["pointer"], "/long_url");
}

#[tokio::test]
async fn l1_the_list_of_blocked_domains_is_kept_by_name_and_unblocking_acts_at_once() {
    let place = Place::new().await;
    let app = place.replica().await;
    let ann = application(&app, "ann").await;
    for name in ["c.example", "a.example", "b.example", "a.example"] {
        assert_eq!(block(&app, name).await, 204);
    }
    let list = async |query: &str| {
        let path = format!("/admin/blocked-domains?{query}");
        body(&blocked::list(&app, &call("", "GET", &path, "")).await)
    };
    let names = |page: &serde_json::Value| -> Vec<String> {
        let items = page["items"].as_array().unwrap().iter();
        items.map(|item| item["name"].as_str().unwrap().to_owned()).collect()
    };
    let first = list("limit=2").await;
    assert_eq!(names(&first), ["a.example", "b.example"]);
    assert_eq!(first["items"][0]["reason"], "phishing");
    let next = first["next_cursor"].as_str().unwrap();
    let rest = list(&format!("limit=2&cursor={next}")).await;
    assert_eq!((names(&rest), rest["next_cursor"].is_null()), (vec!["c.example".into()], true));
    let link = json!({"long_url": "https://a.example/"});
    assert_eq!(status(&shorten(&app, &ann, &link).await), 422);
    let gone = call("", "DELETE", "/admin/blocked-domains/A.example", "");
    assert_eq!(status(&blocked::delete(&app, &gone).await), 204);
    assert_eq!(status(&blocked::delete(&app, &gone).await), 404);
    assert_eq!(status(&shorten(&app, &ann, &link).await), 201);
    for wrong in ["192.0.2.1", "a..b", "%20", ""] {
        assert_eq!(block(&app, wrong).await, 422, "{wrong:?}");
    }
}
