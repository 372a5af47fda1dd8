//! L14: passwords at the edge's URL: the page, the form, the cookie.

use crate::client::{Answer, App, PAGE, Stack, alias};
use serde_json::{Value, json};
use shared::links::error::{GONE, INVALID, NOT_FOUND, PASSWORD_REQUIRED, USED_UP};
use shared::links::password::{PASS_LIFE_MS, cookie_name, seal};
use shared::problem::{TOO_LARGE, UNSUPPORTED_MEDIA_TYPE};
use shared::time::Millis;
use std::time::Duration;

const URL: &str = "https://example.com/kept/from/strangers?a=b#c";
const FORM: &str = "application/x-www-form-urlencoded";

async fn locked(app: &App<'_>, password: &str, more: &Value) -> String {
    let mut link = json!({"long_url": URL, "password": password});
    link.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let made = app.shorten(&link).await.is(201);
    assert_eq!((&made["has_password"], &made["password"]), (&json!(true), &Value::Null));
    made["short_code"].as_str().unwrap().to_owned()
}

async fn give(stack: &Stack, code: &str, form: &str) -> Answer {
    let ask = stack.edge("POST", &format!("/{code}")).header("content-type", FORM);
    ask.body(form).send().await
}

/// The cookie `name=value` of who gives the right password.
async fn pass(stack: &Stack, code: &str, password: &str) -> String {
    let given = give(stack, code, &format!("password={password}")).await;
    assert_eq!(given.leads(303), format!("/{code}"));
    assert_eq!(given.header("cache-control"), "private, no-store");
    let cookie = given.header("set-cookie");
    let (cookie, attributes) = cookie.split_once("; ").unwrap();
    assert_eq!(attributes, "Path=/; Max-Age=43200; HttpOnly; SameSite=Lax");
    cookie.to_owned()
}

async fn with(stack: &Stack, method: &str, code: &str, cookie: &str) -> Answer {
    stack.edge(method, &format!("/{code}")).header("cookie", cookie).send().await
}

fn asks(answer: &Answer) -> &str {
    answer.is(401);
    assert_eq!(answer.header("content-type"), PAGE);
    assert_eq!(answer.header("www-authenticate"), "Form realm=\"link\"");
    assert_eq!(answer.header("cache-control"), "private, no-store");
    assert_eq!((answer.header("location"), answer.header("set-cookie")), ("", ""));
    let policy = answer.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(!policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(!answer.text().contains("kept/from"), "{}", answer.text());
    answer.text()
}

#[tokio::test]
async fn l14_a_page_asks_and_the_right_password_is_remembered() {
    let stack = Stack::here();
    let app = stack.app().await;
    let code = locked(&app, "open sesame é", &json!({"redirect": 301})).await;
    let page = stack.follow(&code).await;
    let text = asks(&page);
    assert!(text.contains(&format!("<form method=\"post\" action=\"/{code}\">")), "{text}");
    for part in ["<label for=\"password\">", "lang=\"en\"", "initial-scale=1", "noindex"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("<script") && !text.contains("style=") && !text.contains("alert"));
    let wrong = give(&stack, &code, "password=open+sesam").await;
    assert!(asks(&wrong).contains("role=\"alert\""), "{}", wrong.text());

    let cookie = pass(&stack, &code, "open+sesame+%C3%A9").await;
    let followed = with(&stack, "GET", &code, &format!("a=b; {cookie}")).await;
    assert_eq!(followed.leads(301), URL);
    assert_eq!(followed.header("cache-control"), "private, no-store", "though it is a 301");
    asks(&stack.follow(&code).await);
    let own = app.get(&format!("/api/v1/links/{code}")).await.is(200);
    assert_eq!((&own["has_password"], &own["password"]), (&json!(true), &Value::Null));
    let qr = app.get(&format!("/api/v1/links/{code}/qr")).await;
    assert_eq!(qr.status, 200);
}

#[tokio::test]
async fn l14_a_head_has_no_body_and_programs_get_a_problem() {
    let stack = Stack::here();
    let app = stack.app().await;
    let code = locked(&app, "x", &json!({})).await;
    let path = format!("/{code}");
    let head = stack.edge("HEAD", &path).send().await;
    assert_eq!((head.status, head.body.len()), (401, 0));
    assert_eq!(head.header("www-authenticate"), "Form realm=\"link\"");
    let json = stack.edge("GET", &path).header("accept", "application/json").send().await;
    json.is_problem(&PASSWORD_REQUIRED);
    assert!(!json.text().contains("kept/from"));
    let wrong = stack.edge("POST", &path).header("accept", "application/json");
    let wrong = wrong.header("content-type", FORM).body("password=y").send().await;
    assert_eq!(wrong.is_problem(&PASSWORD_REQUIRED)["detail"], "that is not the password");
    let cookie = pass(&stack, &code, "x").await;
    let head = with(&stack, "HEAD", &code, &cookie).await;
    assert_eq!((head.leads(302), head.body.len()), (URL, 0));
}

#[tokio::test]
async fn l14_a_preview_does_not_show_where_a_link_with_a_password_leads() {
    let stack = Stack::here();
    let app = stack.app().await;
    let code = locked(&app, "x", &json!({"title": "kept/from"})).await;
    let cookie = pass(&stack, &code, "x").await;
    for cookie in ["", &cookie] {
        let page = with(&stack, "GET", &format!("{code}+"), cookie).await;
        page.is(200);
        assert!(page.text().contains("asks for a password"), "{}", page.text());
        assert!(!page.text().contains("example.com/kept"), "{}", page.text());
    }
}

#[tokio::test]
async fn l14_a_cookie_that_is_not_ours_for_this_link_and_now_is_none() {
    let stack = Stack::here();
    let app = stack.app().await;
    let (code, other) = (locked(&app, "x", &json!({})).await, locked(&app, "x", &json!({})).await);
    let (cookie, of_other) = (pass(&stack, &code, "x").await, pass(&stack, &other, "x").await);
    let (name, value) = cookie.split_once('=').unwrap();
    assert_eq!(name, cookie_name(&code, false));
    let parts: Vec<&str> = value.split('.').collect();
    let [domain, of, version, end, tag] = parts[..] else { panic!("{value}") };
    let other_tag = if tag.starts_with('0') { "1" } else { "0" };
    let forged = [
        String::new(),
        "x".into(),
        format!("{domain}.{of}.{version}.{end}"),
        format!("{domain}.{of}.{version}.{end}."),
        format!("{domain}.{of}.{version}.{end}.{other_tag}{}", &tag[1..]),
        format!("{domain}.{of}.{version}.9999999999999.{tag}"),
        format!("{domain}.{of}.1-2.{end}.{tag}"),
        format!("1.{of}.{version}.{end}.{tag}"),
        of_other.split_once('=').unwrap().1.to_owned(),
    ];
    for value in forged {
        asks(&with(&stack, "GET", &code, &format!("{name}={value}")).await);
    }
    asks(&with(&stack, "GET", &code, &of_other).await);
    asks(&with(&stack, "GET", &code, &format!("{}={value}", cookie_name(&code, true))).await);

    // With the secret at hand: what is sealed as the edge does it is good, and ends.
    let key = stack.secret_bytes("KEY_MAC_SECRET");
    let now = origin::db::now();
    let link = format!("0/{code}");
    let made = |key: &[u8], link: &str, at: Millis| seal(key, link, version, at);
    let follow = |value: String| {
        let cookie = format!("{name}={value}");
        async { with(&stack, "GET", &code, &{ cookie }).await }
    };
    assert_eq!(follow(made(&key, &link, now)).await.leads(302), URL);
    asks(&follow(made(&key, &link, Millis(now.0 - PASS_LIFE_MS))).await);
    asks(&follow(made(&key, &format!("1/{code}"), now)).await);
    asks(&follow(made(&[7; 32], &link, now)).await);
    assert_eq!(with(&stack, "GET", &code, &cookie).await.leads(302), URL);
}

#[tokio::test]
async fn l14_another_password_voids_what_visitors_hold() {
    let stack = Stack::here();
    let app = stack.app().await;
    let code = locked(&app, "one", &json!({})).await;
    let path = format!("/api/v1/links/{code}");
    let patch = async |body: Value| app.ask("PATCH", &path).json(&body).send().await.is(200);
    let first = pass(&stack, &code, "one").await;
    patch(json!({"title": "another title"})).await;
    assert_eq!(with(&stack, "GET", &code, &first).await.leads(302), URL);
    patch(json!({"password": "two"})).await;
    asks(&with(&stack, "GET", &code, &first).await);
    asks(&give(&stack, &code, "password=one").await);
    let second = pass(&stack, &code, "two").await;
    assert_eq!(with(&stack, "GET", &code, &second).await.leads(302), URL);
    assert_eq!(patch(json!({"password": null})).await["has_password"], false);
    assert_eq!(stack.follow(&code).await.leads(302), URL);
    let open = give(&stack, &code, "password=two").await;
    assert_eq!((open.leads(303), open.header("set-cookie")), (&*format!("/{code}"), ""));
    patch(json!({"password": "one"})).await;
    for cookie in [&first, &second] {
        asks(&with(&stack, "GET", &code, cookie).await);
    }
    for wrong in [json!(""), json!("x".repeat(201)), json!("a\u{7}b"), json!(7)] {
        let refused = app.ask("PATCH", &path).json(&json!({"password": wrong})).send().await;
        assert_eq!(refused.is(422)["errors"][0]["pointer"], "/password");
        let refused = app.shorten(&json!({"long_url": URL, "password": wrong})).await;
        assert_eq!(refused.is(422)["errors"][0]["pointer"], "/password");
    }
}

#[tokio::test]
async fn l14_rules_clicks_and_bounds_come_after_the_password() {
    let stack = Stack::here();
    let app = stack.app().await;
    let rules = json!([{"language": ["fr"], "to": "https://fr.example/"}]);
    let code = locked(&app, "x", &json!({"rules": rules, "max_clicks": 2})).await;
    let cookie = pass(&stack, &code, "x").await;
    for _ in 0..5 {
        asks(&stack.follow(&code).await);
    }
    let french = stack.edge("GET", &format!("/{code}")).header("accept-language", "fr");
    let french = french.header("cookie", &cookie).send().await;
    assert_eq!(french.leads(302), "https://fr.example/");
    assert_eq!(with(&stack, "GET", &code, &cookie).await.leads(302), URL);
    with(&stack, "GET", &code, &cookie).await.is_problem(&USED_UP);
    asks(&stack.follow(&code).await);
    tokio::time::sleep(Duration::from_secs(3)).await;
    let stats = app.get(&format!("/api/v1/stats/{code}")).await.is(200);
    assert_eq!((&stats["clicks"], &stats["bots"]), (&json!(2), &json!(0)));
}

#[tokio::test]
async fn l14_a_form_is_small_and_leads_nowhere_but_to_its_link() {
    let stack = Stack::here();
    let app = stack.app().await;
    let code = locked(&app, "x", &json!({})).await;
    for (media_type, form, kind) in [
        ("application/json", r#"{"password":"x"}"#, &UNSUPPORTED_MEDIA_TYPE),
        ("multipart/form-data; boundary=b", "--b--", &UNSUPPORTED_MEDIA_TYPE),
        (FORM, "", &INVALID),
        (FORM, "password=", &INVALID),
        (FORM, "password=x&next=//evil.example", &INVALID),
        (FORM, &format!("password={}", "x".repeat(201)), &INVALID),
        (FORM, &format!("password={}", "x".repeat(5_000)), &TOO_LARGE),
    ] {
        let ask = stack.edge("POST", &format!("/{code}")).header("content-type", media_type);
        ask.body(form).send().await.is_problem(kind);
    }
    let ask = stack.edge("POST", &format!("/{code}?next=//evil.example&password=y"));
    let ask = ask.header("referer", "https://evil.example/").header("content-type", FORM);
    assert_eq!(ask.body("password=x").send().await.leads(303), format!("/{code}"));
    for nowhere in [alias(), "ab".into(), format!("{code}+"), format!("{code}%2F")] {
        give(&stack, &nowhere, "password=x").await.is_problem(&NOT_FOUND);
    }
}

#[tokio::test]
async fn l14_what_is_gone_is_gone_with_and_without_a_password() {
    let stack = Stack::here();
    let app = stack.app().await;
    let code = locked(&app, "x", &json!({})).await;
    let cookie = pass(&stack, &code, "x").await;
    app.ask("DELETE", &format!("/api/v1/links/{code}")).send().await.is(204);
    stack.follow(&code).await.is_problem(&GONE);
    with(&stack, "GET", &code, &cookie).await.is_problem(&GONE);
    give(&stack, &code, "password=x").await.is_problem(&GONE);
    let soon = Millis(origin::db::now().0 + 700).to_rfc3339();
    let ends = locked(&app, "x", &json!({"expiry": soon})).await;
    let fallback = json!({"expiry": soon, "fallback_url": "https://over.example/"});
    let falls = locked(&app, "x", &fallback).await;
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    stack.follow(&ends).await.is_problem(&GONE);
    give(&stack, &ends, "password=x").await.is_problem(&GONE);
    assert_eq!(stack.follow(&falls).await.leads(302), "https://over.example/");
}

#[tokio::test]
async fn l14_an_import_has_passwords_and_an_export_has_none() {
    let stack = Stack::here();
    let app = stack.app().await;
    let (one, two) = (alias(), alias());
    let import = async |media_type: &str, text: String| {
        let ask = app.ask("POST", "/api/v1/links/import").header("content-type", media_type);
        let answer = ask.body(text).send().await;
        answer.is(200);
        let lines = answer.text().lines().map(|line| serde_json::from_str(line).unwrap());
        lines.collect::<Vec<Value>>()
    };
    let csv = format!("long_url,custom_alias,password\n{URL},{one},\"open, sesame\"\n");
    assert_eq!(import("text/csv", csv).await[0]["status"], 201);
    let line = json!({"long_url": URL, "custom_alias": two, "password": "x"});
    assert_eq!(import("application/x-ndjson", line.to_string()).await[0]["status"], 201);
    pass(&stack, &one, "open%2C+sesame").await;
    pass(&stack, &two, "x").await;
    for format in ["csv", "json"] {
        let export = app.get(&format!("/api/v1/links/export?format={format}")).await;
        let text = export.text();
        assert!(!text.contains("sesame") && !text.contains("argon2"), "{text}");
        assert_eq!(text.matches("true").count(), 2, "{text}");
        if format == "csv" {
            let again = import("text/csv", text.to_owned()).await;
            let refused = again.iter().filter(|one| one["status"] == 422).count();
            assert_eq!(refused, 2, "none becomes a link that everybody may follow: {again:?}");
        }
    }
    // More passwords than one call to the origin may have.
    let lines: Vec<String> = (0..60)
        .map(|n| json!({"long_url": format!("{URL}{n}"), "password": "x"}).to_string())
        .collect();
    let many = import("application/x-ndjson", lines.join("\n")).await;
    let made = many.iter().filter(|one| one["status"] == 201);
    assert_eq!(made.count(), 60, "{many:?}");
}
