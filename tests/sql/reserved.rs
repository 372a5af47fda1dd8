//! L4: aliases that the operator has reserved.

use crate::support::{Place, application, body, call, shorten, status};
use origin::app::App;
use origin::links::{self, reserved};
use serde_json::{Value, json};

async fn reserve(app: &App, alias: &str) -> u16 {
    let path = format!("/admin/reserved-aliases/{alias}");
    status(&reserved::put(app, &call("", "PUT", &path, r#"{"reason":"ours"}"#)).await)
}

fn link(alias: &str) -> Value {
    json!({"long_url": "https://example.com/", "custom_alias": alias})
}

#[tokio::test]
async fn l4_a_reserved_alias_is_422_in_whatever_case_and_on_every_replica_at_once() {
    let place = Place::new().await;
    let (one, two) = (place.replica().await, place.replica().await);
    let ann = application(&one, "ann").await;
    assert_eq!(status(&shorten(&one, &ann, &link("Careers")).await), 201);
    for alias in ["Press", "careers", "a_b-9"] {
        assert_eq!(reserve(&one, alias).await, 204, "{alias}");
    }
    for (alias, wanted) in [
        ("press", 422),
        ("PRESS", 422),
        ("pReSs", 422),
        ("CAREERS", 422),
        ("A_B-9", 422),
        ("press1", 201),
        ("pres", 201),
    ] {
        let made = shorten(&two, &ann, &link(alias)).await;
        assert_eq!(status(&made), wanted, "{alias}");
        if wanted == 422 {
            let problem = made.unwrap_err().problem();
            assert_eq!(problem.errors[0].pointer, "/custom_alias", "{alias}");
        }
    }
    // The link that was there first stays as it is.
    let path = "/api/v1/links/Careers";
    assert_eq!(status(&links::get(&one, &call(&ann, "GET", path, "")).await), 200);
    let patch = call(&ann, "PATCH", path, r#"{"title":"kept"}"#);
    assert_eq!(status(&links::patch(&one, &patch).await), 200);
    // What the service draws asks for nothing.
    let drawn = shorten(&one, &ann, &json!({"long_url": "https://example.com/"})).await;
    assert_eq!(status(&drawn), 201);
    let items = json!({"links": [link("press"), link("press2"), {"long_url": "https://e.org/"}]});
    let many = call(&ann, "POST", "/api/v1/links/bulk", &items.to_string());
    let results = body(&links::bulk::bulk(&one, &many).await)["results"].clone();
    let statuses: Vec<&Value> = (0..3).map(|n| &results[n]["status"]).collect();
    assert_eq!(statuses, [&json!(422), &json!(201), &json!(201)]);
    assert_eq!(results[0]["problem"]["errors"][0]["pointer"], "/custom_alias");
}

#[tokio::test]
async fn l4_the_list_of_reserved_aliases_is_kept_by_name_and_freeing_acts_at_once() {
    let place = Place::new().await;
    let app = place.replica().await;
    let ann = application(&app, "ann").await;
    for alias in ["ccc", "AAA", "bbb", "aaa"] {
        assert_eq!(reserve(&app, alias).await, 204);
    }
    let list = async |query: &str| {
        let path = format!("/admin/reserved-aliases?{query}");
        body(&reserved::list(&app, &call("", "GET", &path, "")).await)
    };
    let names = |page: &Value| -> Vec<String> {
        let items = page["items"].as_array().unwrap().iter();
        items.map(|item| item["name"].as_str().unwrap().to_owned()).collect()
    };
    let first = list("limit=2").await;
    assert_eq!(names(&first), ["aaa", "bbb"]);
    let next = first["next_cursor"].as_str().unwrap();
    assert_eq!(names(&list(&format!("limit=2&cursor={next}")).await), ["ccc"]);
    assert_eq!(status(&shorten(&app, &ann, &link("aaa")).await), 422);
    let gone = call("", "DELETE", "/admin/reserved-aliases/AaA", "");
    assert_eq!(status(&reserved::delete(&app, &gone).await), 204);
    assert_eq!(status(&reserved::delete(&app, &gone).await), 404);
    assert_eq!(status(&shorten(&app, &ann, &link("aaa")).await), 201);
    for wrong in ["ab", "a.b", "%20x", "", &"x".repeat(65)] {
        assert_eq!(reserve(&app, wrong).await, 422, "{wrong:?}");
    }
}
