//! L17: many links at once, in and out.

use crate::client::{Answer, App, Stack, alias};
use futures::{SinkExt, StreamExt, channel::mpsc, stream};
use serde_json::{Value, json};
use shared::links::error::INVALID;
use shared::problem::{
    FORBIDDEN, TOO_LARGE, UNACCEPTABLE, UNAUTHENTICATED, UNSUPPORTED_MEDIA_TYPE,
};
use std::collections::{BTreeMap, BTreeSet};

const BULK: &str = "/api/v1/links/bulk";
const IMPORT: &str = "/api/v1/links/import";
const CSV: &str = "text/csv";
const MADE: [&str; 4] = ["id", "created_at", "short_url", "has_password"];
const LINES: &str = "application/x-ndjson";

async fn bulk(app: &App<'_>, items: &[Value]) -> Answer {
    app.ask("POST", BULK).json(&json!({"links": items})).send().await
}

async fn import(app: &App<'_>, media_type: &str, body: &str) -> Vec<Value> {
    let ask = app.ask("POST", IMPORT).header("content-type", media_type).body(body);
    results(&ask.send().await)
}

fn results(answer: &Answer) -> Vec<Value> {
    answer.is(200);
    assert_eq!(answer.header("content-type"), LINES);
    answer.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn export(app: &App<'_>, format: &str) -> String {
    let answer = app.get(&format!("/api/v1/links/export?format={format}")).await;
    answer.is(200);
    answer.text().to_owned()
}

/// The links of an export by their codes, without what no import can bring back.
async fn exported(app: &App<'_>) -> BTreeMap<String, Value> {
    let text = export(app, "json").await;
    let links = text.lines().map(|line| {
        let mut link: Value = serde_json::from_str(line).unwrap();
        let members = link.as_object_mut().unwrap();
        members.retain(|name, _| !MADE.contains(&name.as_str()));
        (members["short_code"].as_str().unwrap().to_owned(), link)
    });
    links.collect()
}

fn statuses(results: &[Value]) -> Vec<u64> {
    results.iter().map(|one| one["status"].as_u64().unwrap()).collect()
}

async fn all_redirect(stack: &Stack, sample: Vec<(String, String)>) {
    let reads = stream::iter(sample).map(|(code, url)| async move {
        assert_eq!(stack.follow(&code).await.leads(302), url);
    });
    reads.buffer_unordered(32).for_each(|()| async {}).await;
}

#[tokio::test]
async fn l17_of_1_000_items_each_has_its_result_in_order() {
    let stack = Stack::here();
    let app = stack.app().await;
    let taken = app.code(&json!({"long_url": "https://e.example/", "custom_alias": alias()})).await;
    let items: Vec<Value> = (0..1_000)
        .map(|n| match n % 100 {
            7 => json!({"long_url": "javascript:alert(1)"}),
            8 => json!({"long_url": "https://e.example/", "custom_alias": taken}),
            9 => json!({"long_url": "https://e.example/", "unknown": 1}),
            10 => json!(null),
            _ => json!({"long_url": format!("https://e.example/{n}")}),
        })
        .collect();
    let answer = bulk(&app, &items).await.is(200);
    let results = answer["results"].as_array().unwrap();
    assert_eq!(results.len(), 1_000);
    let mut sample = Vec::new();
    for (n, result) in results.iter().enumerate() {
        match n % 100 {
            8 => assert_eq!(result["status"], 409, "{result}"),
            7 | 9 | 10 => assert_eq!(result["status"], 422, "{result}"),
            _ => {
                assert_eq!(result["status"], 201, "{result}");
                let text = |name: &str| result["link"][name].as_str().unwrap().to_owned();
                assert_eq!(text("long_url"), format!("https://e.example/{n}"));
                sample.push((text("short_code"), text("long_url")));
            }
        }
    }
    assert_eq!(results[7]["problem"]["errors"][0]["pointer"], "/long_url");
    assert_eq!(results[9]["problem"]["errors"][0]["pointer"], "/unknown");
    all_redirect(&stack, sample.into_iter().step_by(4).collect()).await;
}

#[tokio::test]
async fn l17_a_bulk_call_that_is_too_much_or_no_list_is_refused_whole() {
    let stack = Stack::here();
    let app = stack.app().await;
    let item = json!({"long_url": "https://e.example/"});
    let problem = bulk(&app, &vec![item.clone(); 1_001]).await.is_problem(&INVALID);
    assert_eq!(problem["errors"][0]["pointer"], "/links");
    let long = json!({"long_url": format!("https://e.example/{}", "a".repeat(8_000))});
    bulk(&app, &vec![long; 560]).await.is_problem(&TOO_LARGE);
    for wrong in [
        json!({"links": {}}),
        json!({}),
        json!([item]),
        json!([[item]]),
        json!({"links": [], "x": 1}),
    ] {
        app.ask("POST", BULK).json(&wrong).send().await.is_problem(&UNACCEPTABLE);
    }
    assert_eq!(bulk(&app, &[]).await.is(200), json!({"results": []}));
    let (reader, _) = stack.key(&app.id, &["links:read"]).await;
    stack.edge("POST", BULK).key(&reader).json(&json!({"links": []})).send().await.is(403);
    assert_eq!(app.get("/api/v1/links").await.is(200)["items"], json!([]));
}

#[tokio::test]
async fn l17_a_repeated_bulk_call_is_answered_with_the_same_links() {
    let stack = Stack::here();
    let app = stack.app().await;
    let items: Vec<Value> = (0..300)
        .map(|n| match n {
            17 => json!({"long_url": "nonsense"}),
            _ => json!({"long_url": format!("https://e.example/{n}")}),
        })
        .collect();
    let body = json!({"links": items});
    let call = || app.ask("POST", BULK).header("idempotency-key", "k").json(&body).send();
    let first = call().await.is(200);
    for copy in futures::future::join_all((0..5).map(|_| call())).await {
        let copy = copy.is(200);
        for (one, two) in std::iter::zip(
            first["results"].as_array().unwrap(),
            copy["results"].as_array().unwrap(),
        ) {
            assert_eq!((&one["status"], &one["link"]), (&two["status"], &two["link"]));
        }
    }
    assert_eq!(exported(&app).await.len(), 299);
}

/// 10,000 rows, every 97th wrong, sent as they are read: the answer begins before the body ends.
#[tokio::test]
async fn l17_10_000_links_import_in_one_streamed_call_and_are_exported_again() {
    const ROWS: usize = 10_000;
    let stack = Stack::here();
    let app = stack.app().await;
    let row = |n: usize| match n {
        n if n % 97 == 0 => format!("\"ftp://e.example/{n}\",\"wrong, of course\"\r\n"),
        n => format!("https://e.example/{n},\"t \"\"{n}\"\"\"\r\n"),
    };
    let text = format!("long_url,title\r\n{}", (0..ROWS).map(row).collect::<String>());
    let (mut sender, receiver) = mpsc::channel::<Result<Vec<u8>, std::io::Error>>(1);
    // The edge takes the body up as it has links made of it: on a busy machine no faster than
    // the half minute after which a client's socket would give up.
    let patient = reqwest::Client::builder().no_proxy().tcp_user_timeout(None).build().unwrap();
    let request = patient.post(format!("{}{IMPORT}", stack.edge)).bearer_auth(&app.key);
    let request = request.header("content-type", CSV).body(reqwest::Body::wrap_stream(receiver));
    let (early, late) = text.as_bytes().split_at(text.len() / 2);
    let send = async |part: &[u8], sender: &mut mpsc::Sender<_>| {
        for chunk in part.chunks(7_001) {
            sender.send(Ok(chunk.to_vec())).await.unwrap();
        }
    };
    let (response, ()) = tokio::join!(request.send(), send(early, &mut sender));
    let mut response = response.unwrap();
    assert_eq!(response.status(), 200);
    let mut answer = response.chunk().await.unwrap().unwrap().to_vec();
    assert!(!answer.is_empty(), "an answer before the whole was asked");
    let rest = async {
        while let Some(chunk) = response.chunk().await.unwrap() {
            answer.extend_from_slice(&chunk);
        }
    };
    let send_rest = async {
        send(late, &mut sender).await;
        drop(sender);
    };
    tokio::join!(rest, send_rest);
    let answer = String::from_utf8(answer).unwrap();
    let results: Vec<Value> =
        answer.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(results.len(), ROWS);
    let mut made = BTreeMap::new();
    for (n, result) in results.iter().enumerate() {
        assert_eq!((&result["index"], &result["line"]), (&json!(n), &json!(n + 2)), "{result}");
        if n % 97 == 0 {
            assert_eq!(result["status"], 422, "{result}");
            assert_eq!(result["problem"]["errors"][0]["pointer"], "/long_url");
            continue;
        }
        assert_eq!(result["status"], 201, "{result}");
        let link = &result["link"];
        assert_eq!(link["title"], format!("t \"{n}\""));
        let text = |name: &str| link[name].as_str().unwrap().to_owned();
        made.insert(text("short_code"), text("long_url"));
    }
    assert_eq!(made.len(), ROWS - ROWS.div_ceil(97));
    let step = made.len() / 300;
    all_redirect(&stack, made.clone().into_iter().step_by(step).collect()).await;
    let found = exported(&app).await;
    let found: BTreeMap<String, String> = found
        .into_iter()
        .map(|(code, link)| (code, link["long_url"].as_str().unwrap().to_owned()))
        .collect();
    assert!(found == made, "{} links were made, {} exported", made.len(), found.len());
}

#[tokio::test]
async fn l17_lines_of_json_and_a_list_are_imported_too() {
    let stack = Stack::here();
    let app = stack.app().await;
    let lines = [
        r#"{"long_url":"https://e.example/1","tags":["a"],"expiry":null}"#,
        "",
        r#"{"long_url":"https://e.example/2""#,
        r#"["https://e.example/3"]"#,
        r#"{"long_url":"https://e.example/4","max_clicks":0}"#,
        "  ",
        r#"{"long_url":"https://e.example/5","rules":[{"os":["ios"],"to":"https://jp.example"}]}"#,
    ];
    for end in ["\n", "\r\n"] {
        let found = import(&app, LINES, &lines.join(end)).await;
        assert_eq!(statuses(&found), [201, 400, 422, 422, 201], "{found:?}");
        let at: Vec<u64> = found.iter().map(|one| one["line"].as_u64().unwrap()).collect();
        assert_eq!(at, [1, 3, 4, 5, 7]);
        assert_eq!(found[3]["problem"]["errors"][0]["pointer"], "/max_clicks");
        assert_eq!(found[4]["link"]["rules"][0]["to"], "https://jp.example/");
    }
    let list: Vec<Value> = (0..1_200)
        .map(|n| match n % 400 {
            399 => json!(n),
            _ => json!({"long_url": format!("https://e.example/{n}")}),
        })
        .collect();
    let found = import(&app, "application/json", &Value::from(list).to_string()).await;
    assert_eq!(found.len(), 1_200);
    for (n, one) in found.iter().enumerate() {
        assert_eq!(one["status"], if n % 400 == 399 { 422 } else { 201 }, "{one}");
        assert_eq!(one["line"], n + 1);
    }
}

#[tokio::test]
async fn l17_what_no_import_can_be_read_from_ends_with_its_problem() {
    let stack = Stack::here();
    let app = stack.app().await;
    let endless = format!("long_url\nhttps://e.example/\n\"{}", "a".repeat(70_000));
    let wide = format!("[{}]", "1,".repeat(2_200_000));
    for (media_type, body, wanted) in [
        (CSV, "url\nhttps://e.example/", &[422][..]),
        (CSV, "title\nx", &[422]),
        (CSV, "long_url,long_url\nx,y", &[422]),
        (CSV, "", &[]),
        (CSV, "long_url\n", &[]),
        (CSV, "long_url,title\nhttps://e.example/\nhttps://e.example/,t", &[422, 201]),
        (CSV, "long_url,redirect\nhttps://e.example/,abc\nhttps://e.example/,307", &[422, 201]),
        (CSV, "long_url,rules\nhttps://e.example/,{", &[422]),
        (CSV, &endless, &[201, 400]),
        (LINES, &"x".repeat(70_000), &[400]),
        ("application/json", "{}", &[422]),
        ("application/json", "[", &[400]),
        ("application/json", &wide, &[413]),
    ] {
        let found = import(&app, media_type, body).await;
        let shown = body.get(..40).unwrap_or(body);
        assert_eq!(statuses(&found), wanted, "{media_type} {shown}: {found:?}");
        for one in found.iter().filter(|one| one["status"] != 201) {
            assert!(one["problem"]["type"].is_string(), "{one}");
        }
    }
    // Bytes that are no text.
    let ask = app.ask("POST", IMPORT).header("content-type", CSV);
    let broken = ask.body(b"long_url\nhttps://e.example/\n\xff\xfe\n".to_vec()).send().await;
    assert_eq!(statuses(&results(&broken)), [201, 400]);
}

#[tokio::test]
async fn l17_who_may_not_write_imports_nothing() {
    let stack = Stack::here();
    let app = stack.app().await;
    let body = "long_url\nhttps://e.example/\n";
    let ask = |key: &str| stack.edge("POST", IMPORT).header("content-type", CSV).key(key);
    ask("sk_x").body(body).send().await.is_problem(&UNAUTHENTICATED);
    let (reader, _) = stack.key(&app.id, &["links:read"]).await;
    ask(&reader).body(body).send().await.is_problem(&FORBIDDEN);
    let (writer, _) = stack.key(&app.id, &["links:write"]).await;
    stack.edge("GET", "/api/v1/links/export").key(&writer).send().await.is_problem(&FORBIDDEN);
    for media_type in ["text/plain", "", "application/xml"] {
        let ask = app.ask("POST", IMPORT).header("content-type", media_type).body(body);
        ask.send().await.is_problem(&UNSUPPORTED_MEDIA_TYPE);
    }
    let wrong = app.ask("POST", IMPORT).header("content-type", CSV).body(body);
    wrong.header("idempotency-key", &"k".repeat(256)).send().await.is(400);
    assert_eq!(export(&app, "json").await, "");
    for query in ["format=xml", "format=", "offset=1"] {
        let answer = app.get(&format!("/api/v1/links/export?{query}")).await;
        let problem = answer.is_problem(&UNACCEPTABLE);
        let pointer = format!("?{}", query.split('=').next().unwrap());
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{query}");
    }
}

#[tokio::test]
async fn l17_a_repeated_import_makes_nothing_twice() {
    let stack = Stack::here();
    let app = stack.app().await;
    let rows: String = (0..1_300).map(|n| format!("https://e.example/{n}\n")).collect();
    let body = format!("long_url\n{rows}");
    let call = async || {
        let ask = app.ask("POST", IMPORT).header("content-type", CSV);
        let answer = ask.header("idempotency-key", "k-1").body(body.as_str()).send().await;
        let all = results(&answer);
        assert!(all.iter().all(|one| one["status"] == 201), "{}", answer.text());
        all.iter().map(|one| one["link"]["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let first = call().await;
    assert_eq!(first.iter().collect::<BTreeSet<_>>().len(), 1_300);
    assert_eq!(call().await, first);
    assert_eq!(exported(&app).await.len(), 1_300);
}

#[tokio::test]
async fn l17_what_is_exported_imports_to_the_same_links() {
    let stack = Stack::here();
    let (ann, bob) = (stack.app().await, stack.app().await);
    let rules = json!([{"country": ["JP"], "weight": 30, "to": "https://jp.example/?a=\"1\",2"}]);
    for (n, more) in [
        json!({}),
        json!({"redirect": 308, "expiry": null}),
        json!({"title": " a, \"b\" ", "tags": ["x y", "a|b", "[z]", "ä,\"q\""]}),
        json!({"title": "=1+1", "tags": ["plain", "two"]}),
        json!({"rules": rules, "max_clicks": 9_007_199_254_740_991u64}),
        json!({"fallback_url": "https://over.example/#x", "external_id": "e,\"1\""}),
        json!({"expiry": "2041-02-03T04:05:06.789Z"}),
    ]
    .into_iter()
    .enumerate()
    {
        let mut link = json!({"long_url": format!("https://e.example/{n}?a=1,2#\u{e4}")});
        link.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        link["custom_alias"] = json!(alias());
        ann.shorten(&link).await.is(201);
    }
    let wanted = exported(&ann).await;
    assert_eq!(wanted.len(), 7);
    // A code belongs to one link for ever, so the copies get other ones.
    let renamed = |text: &str| text.replace("t-", "u-");
    let csv = export(&ann, "csv").await;
    assert_eq!(csv.matches("t-").count(), 14, "alias and short URL: {csv}");
    let found = import(&bob, CSV, &renamed(&csv)).await;
    assert_eq!(statuses(&found), [201; 7], "{found:?}");
    let copies = exported(&bob).await;
    for (code, link) in wanted {
        let mut link = link;
        link["short_code"] = json!(renamed(&code));
        assert_eq!(copies.get(&renamed(&code)), Some(&link));
    }
    assert_eq!(renamed(&csv).lines().next(), export(&bob, "csv").await.lines().next());
}
