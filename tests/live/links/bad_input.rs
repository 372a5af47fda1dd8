//! L20: every piece of bad input gets a clear 4xx, and the Worker serves on.

use crate::client::{App, Stack};
use crate::raw;
use serde_json::{Value, json};
use shared::links::error::{INVALID, NOT_FOUND};
use shared::problem::{
    MALFORMED, TOO_LARGE, UNACCEPTABLE, UNAUTHENTICATED, UNSUPPORTED_MEDIA_TYPE,
};

const PATH: &str = "/api/v1/shorten";

async fn post(app: &App<'_>, body: impl Into<Vec<u8>>) -> crate::client::Answer {
    app.ask("POST", PATH).header("content-type", "application/json").body(body).send().await
}

/// The same isolate still answers, and creates.
async fn serves_on(app: &App<'_>) {
    assert_eq!(app.stack.edge("GET", "/healthz").send().await.status, 200);
    let code = app.code(&json!({"long_url": "https://example.com/"})).await;
    app.stack.follow(&code).await.is(302);
}

#[tokio::test]
async fn l20_a_body_that_is_no_json_is_400() {
    let stack = Stack::here();
    let app = stack.app().await;
    let deep = format!("{{\"long_url\":{}", "[".repeat(30_000));
    for body in [
        &b""[..],
        b"{",
        b"nonsense",
        b"{\"long_url\":\"https://a.example/\"}x",
        b"\x00",
        b"{\"long_url\":\"https://a.example/\",}",
        b"{\"long_url\":\"\xff\xfe\"}",
        b"{\"long_url\":\"\xed\xa0\x80\"}",
        b"{\"long_url\":\"\\ud800\"}",
        b"{\"long_url\":\"a\nb\"}",
        b"\xef\xbb\xbf{}",
        b"{'long_url':1}",
        b"NaN",
        b"{\"long_url\":\"https://a.example/\",\"redirect\":1e400}",
        deep.as_bytes(),
    ] {
        post(&app, body).await.is_problem(&MALFORMED);
    }
    serves_on(&app).await;
}

#[tokio::test]
async fn l20_json_that_is_no_link_is_422_with_a_pointer() {
    let stack = Stack::here();
    let app = stack.app().await;
    for (body, pointer) in [
        ("[]", ""),
        ("null", ""),
        ("7", ""),
        ("{}", ""),
        (r#"{"long_url":7}"#, "/long_url"),
        (r#"{"long_url":["https://a.example/"]}"#, "/long_url"),
        (r#"{"long_url":"https://a.example/","tags":["a",7]}"#, "/tags/1"),
        (r#"{"long_url":"https://a.example/","redirect":-302}"#, "/redirect"),
        (r#"{"long_url":"https://a.example/","owner":"me"}"#, "/owner"),
        (r#"{"long_url":"https://a.example/","__proto__":{}}"#, "/__proto__"),
        (r#"{"long_url":"https://a.example/","long_url":"https://b.example/"}"#, ""),
    ] {
        let problem = post(&app, body).await.is_problem(&UNACCEPTABLE);
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{body}");
    }
    let nested = format!("{{\"tags\":{}1{}}}", "[".repeat(20_000), "]".repeat(20_000));
    post(&app, nested).await.is_problem(&UNACCEPTABLE);
    serves_on(&app).await;
}

#[tokio::test]
async fn l20_control_characters_and_other_schemes_are_422_and_never_a_header() {
    let stack = Stack::here();
    let app = stack.app().await;
    let url = "https://example.com/";
    let long = |text: &str| json!({"long_url": text});
    let with = |field: &str, value: Value| json!({"long_url": url, field: value});
    let mut wrong: Vec<(Value, &str)> = Vec::new();
    for text in [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,<script>",
        "vbscript:x",
        "blob:https://example.com/1",
        "https://example.com/\r\nSet-Cookie: a=b",
        "https://example.com/\nx",
        "https://example.com/\r",
        "java\tscript:alert(1)",
        "https://exa\u{0}mple.com/",
        "https://example.com/\u{7f}",
        "https://example.com/\u{85}",
        "\u{1b}[31mhttps://example.com/",
        "https://example.com\u{0}.evil.example/",
    ] {
        wrong.push((long(text), "/long_url"));
    }
    for text in ["a\r\nSet-Cookie: b", "a\u{0}", "\u{9f}", &"x".repeat(201)] {
        wrong.push((with("title", json!(text)), "/title"));
    }
    for text in ["abc\r\nX: y", "ab\u{0}c", "a%0d%0ab"] {
        wrong.push((with("custom_alias", json!(text)), "/custom_alias"));
    }
    wrong.push((with("tags", json!(["a\r\nb"])), "/tags/0"));
    wrong.push((with("tags", json!(vec!["x"; 21])), "/tags"));
    wrong.push((with("tags", json!(["x".repeat(51)])), "/tags/0"));
    wrong.push((with("expiry", json!("2040-01-01\r\n")), "/expiry"));
    for (body, pointer) in wrong {
        let problem = app.shorten(&body).await.is_problem(&INVALID);
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{body}");
    }
    serves_on(&app).await;
}

#[tokio::test]
async fn l20_a_body_of_a_megabyte_is_413_and_another_media_type_415() {
    let stack = Stack::here();
    let app = stack.app().await;
    let large = format!("{{\"long_url\":\"https://example.com/{}\"}}", "a".repeat(1 << 20));
    post(&app, large.as_str()).await.is_problem(&TOO_LARGE);
    // Without a length that could be refused before anything is read.
    let chunks =
        large.as_bytes().chunks(4_096).map(|chunk| Ok::<_, std::io::Error>(chunk.to_vec()));
    let chunks: Vec<_> = chunks.collect();
    let streamed = stack.http.post(format!("{}{PATH}", stack.edge)).bearer_auth(&app.key);
    let streamed = streamed.header("content-type", "application/json");
    let body = reqwest::Body::wrap_stream(futures::stream::iter(chunks));
    assert_eq!(streamed.body(body).send().await.unwrap().status(), 413);
    let good = r#"{"long_url":"https://example.com/"}"#;
    for media_type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""] {
        let ask = app.ask("POST", PATH).header("content-type", media_type).body(good);
        ask.send().await.is_problem(&UNSUPPORTED_MEDIA_TYPE);
    }
    app.ask("POST", PATH).body(good).send().await.is_problem(&UNSUPPORTED_MEDIA_TYPE);
    let ask = app.ask("POST", PATH).header("content-type", "Application/JSON; charset=utf-8");
    ask.body(good).send().await.is(201);
    serves_on(&app).await;
}

#[tokio::test]
async fn l20_strange_paths_are_a_clear_404_and_nothing_of_them_becomes_a_header() {
    let stack = Stack::here();
    let app = stack.app().await;
    for path in [
        "/%00",
        "/%ff",
        "/..%2f",
        "/..%2fhealthz",
        "/a%0d%0aSet-Cookie:x",
        "/%2e%2e/abc",
        "//x",
        "/abc%",
        "/abc%zz",
        "/%",
        "/abcdefg;x",
        "/abcdefg\\x",
        "/%E2%80%AE",
        "/abc%20def",
        "/api/v1/links/%2e%2e%2f",
        "/api/v1//links",
        "/api/v1/links/",
        "/API/v1/links",
        "http://evil.example/abcdefg",
        "/.git/config",
        "/abc/../healthz",
    ] {
        for query in ["", "?a=%0d%0aX:y&b=%ff%00"] {
            let line = format!("GET {path}{query}");
            let answer = raw::head(&stack, line.as_bytes(), &[]);
            assert!(answer.is_ours(), "{line}: {}", answer.text);
            // Below /api nobody hears whether there is something before saying who asks.
            let wanted = if path == "/api/v1/links/%2e%2e%2f" { [401, 404] } else { [404, 404] };
            assert!(wanted.contains(&answer.status), "{line}: {}", answer.text);
            assert_eq!(answer.header("content-type"), Some("application/problem+json"));
            assert_eq!(answer.header("set-cookie"), None, "{line}");
            assert_eq!(answer.header("x"), None, "{line}");
        }
    }
    app.get("/api/v1/links/a.b").await.is_problem(&NOT_FOUND);
    serves_on(&app).await;
}

#[tokio::test]
async fn l20_what_is_no_http_is_a_4xx_and_the_worker_serves_on() {
    let stack = Stack::here();
    let app = stack.app().await;
    let long = |bytes: usize| "a".repeat(bytes).into_bytes();
    let huge = [b"X-Huge: ".to_vec(), long(600_000)].concat();
    for (line, header) in [
        (b"GET /\xff\xfe".to_vec(), &b"X: y"[..]),
        (b"GET /a b".to_vec(), b"X: y"),
        (b"GET *?x=y".to_vec(), b"X: y"),
        (b"GET healthz?x=y".to_vec(), b"X: y"),
        (b"GET /?\x00".to_vec(), b"X: y"),
        ([b"GET /".to_vec(), long(70_000)].concat(), b"X: y"),
        ([b"GET /".to_vec(), long(1_000_000)].concat(), b"X: y"),
        (b"GET /abcdefg".to_vec(), &huge),
        (b"GET /api/v1/links".to_vec(), b"Authorization: Bearer a\x00b"),
        (b"GET /api/v1/links".to_vec(), b"Authorization: Bearer a\r\n folded"),
        (b"POST /api/v1/shorten".to_vec(), b"Content-Length: -5"),
        (b"POST /api/v1/shorten".to_vec(), b"Content-Length: 5\r\nContent-Length: 6"),
    ] {
        let answer = raw::head(&stack, &line, &[header]);
        let text = answer.text.get(..200).unwrap_or(&answer.text);
        assert!((400..500).contains(&answer.status), "{:?}: {text}", &line[..12]);
    }
    serves_on(&app).await;
}

#[tokio::test]
async fn l20_headers_that_are_not_ascii_or_long_are_refused_where_they_are_read() {
    let stack = Stack::here();
    let app = stack.app().await;
    let code = app.code(&json!({"long_url": "https://example.com/"})).await;
    let follow = format!("GET /{code}");
    let strange: [&[u8]; 4] = [
        b"User-Agent: \xff\xc3\xa9",
        b"Referer: \xff://\xc3\xa9/",
        b"X-Request-Id: \xff",
        b"Sec-GPC: \xff",
    ];
    assert_eq!(raw::head(&stack, follow.as_bytes(), &strange).status, 302);
    let key = format!("Authorization: Bearer {}", app.key);
    for header in [&b"Idempotency-Key: \xc3\xa9"[..], b"Content-Type: \xff", b"Traceparent: \xe9"] {
        let answer = raw::head(&stack, b"POST /api/v1/shorten", &[key.as_bytes(), header]);
        assert!(answer.is_ours() && (400..500).contains(&answer.status), "{}", answer.text);
    }
    let list = b"GET /api/v1/links";
    for header in [&b"Authorization: Bearer \xff"[..], b"Authorization: \xc3\xa9"] {
        let answer = raw::head(&stack, list, &[header]);
        assert!(answer.is_ours() && matches!(answer.status, 400 | 401), "{}", answer.text);
    }
    // Much of what is read, within what the platform lets through.
    let long = "a".repeat(100_000);
    for (method, name, status) in [
        ("GET", "authorization", 401),
        ("POST", "idempotency-key", 400),
        ("POST", "content-type", 415),
        ("PATCH", "if-match", 412),
        ("GET", "if-none-match", 200),
        ("GET", "traceparent", 200),
        ("GET", "x-request-id", 200),
    ] {
        let path = if method == "POST" { PATH.into() } else { format!("/api/v1/links/{code}") };
        let ask = stack.edge(method, &path).header(name, &long).body("{}");
        let ask = if name == "authorization" { ask } else { ask.key(&app.key) };
        let is_json = matches!(name, "idempotency-key" | "if-match");
        let ask = if is_json { ask.header("content-type", "application/json") } else { ask };
        ask.send().await.is(status);
    }
    for side in ["edge.log", "origin.log"] {
        let log = std::fs::read_to_string(stack.data_dir.join(side)).unwrap();
        assert!(!log.contains(&long[..1_000]), "{side} keeps what clients send");
    }
    for wrong in ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer a b", "sk_1"] {
        let ask = stack.edge("GET", "/api/v1/links").header("authorization", wrong);
        ask.send().await.is_problem(&UNAUTHENTICATED);
    }
    serves_on(&app).await;
}
