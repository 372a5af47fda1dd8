//! L1: where a link may lead, as given and as normalised.

use crate::client::Stack;
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use shared::links::error::INVALID;
use std::path::Path;

const BYTES_MAX: usize = 8_192;
/// Says of itself that it is Punycode and is not: the newest standard lets it pass, no name server
/// has such a name.
const NO_PUNYCODE: &str = "xn--pokxncvks";

/// The pointers of a 422.
async fn refused(app: &crate::client::App<'_>, long_url: &str) -> Vec<String> {
    let problem = app.shorten(&json!({"long_url": long_url})).await.is_problem(&INVALID);
    let errors = problem["errors"].as_array().unwrap();
    errors.iter().map(|error| error["pointer"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn l1_targets_are_normalised_and_led_to_exactly() {
    let stack = Stack::here();
    let app = stack.app().await;
    for (given, wanted) in [
        ("https://en.wikipedia.org/wiki/Selvage?x=1#Weaving", ""),
        ("HTTP://EXAMPLE.com:80/a/../b", "http://example.com/b"),
        ("https://müller.example/ä?ö#ü", "https://xn--mller-kva.example/%C3%A4?%C3%B6#%C3%BC"),
        ("https://pаypal.example/", "https://xn--pypal-4ve.example/"),
        ("https://example.com", "https://example.com/"),
        ("  https://example.com/  ", "https://example.com/"),
        ("https://ann:secret@example.com:8443/?q=%0d%0a#", ""),
        ("http://[2001:DB8::1]/", "http://[2001:db8::1]/"),
        ("http://0x7f.1/", "http://127.0.0.1/"),
    ] {
        let wanted = if wanted.is_empty() { given } else { wanted };
        let link = app.shorten(&json!({"long_url": given})).await.is(201);
        assert_eq!(link["long_url"], wanted);
        let code = link["short_code"].as_str().unwrap();
        assert_eq!(link["short_url"], format!("{}/{code}", stack.public));
        assert_eq!(stack.follow(code).await.leads(302), wanted);
    }
}

#[tokio::test]
async fn l1_what_is_no_web_page_is_422_with_a_pointer() {
    let stack = Stack::here();
    let app = stack.app().await;
    let port = stack.public.rsplit(':').next().unwrap();
    let own = [
        format!("{}/x", stack.public),
        format!("https://127.0.0.1:{port}/"),
        format!("http://127.1:{port}/abc#x"),
        format!("http://0x7f000001:{port}"),
        format!("http://ann@127.0.0.1:{port}/"),
    ];
    let others = [
        "",
        "example.com",
        "//example.com/",
        "/x",
        "ftp://example.com/",
        "mailto:a@example.com",
        "https://",
        "http://a..b/",
        "http://999.1.1.1/",
        "http://exa mple.com/",
        "http://[::1",
        "https://example.com:99999/",
        "file:///etc/passwd",
        "ws://example.com/",
        "about:blank",
    ];
    for given in own.iter().map(String::as_str).chain(others) {
        assert_eq!(refused(&app, given).await, ["/long_url"], "{given:?}");
    }
}

#[tokio::test]
async fn l1_a_target_has_at_most_8192_bytes_given_and_normalised() {
    let stack = Stack::here();
    let app = stack.app().await;
    let fill = |bytes: usize| format!("https://example.com/{}", "a".repeat(bytes - 20));
    let longest = fill(BYTES_MAX);
    let code = app.code(&json!({"long_url": longest})).await;
    assert_eq!(stack.follow(&code).await.leads(302), longest);
    assert_eq!(refused(&app, &fill(BYTES_MAX + 1)).await, ["/long_url"]);
    let grows = format!("https://example.com/{}", "ä".repeat(1_400));
    assert_eq!(refused(&app, &grows).await, ["/long_url"]);
}

/// What others say of a case: the normal form, or that it is no target of a link.
fn expected(case: &Value) -> Option<&str> {
    let text = |name: &str| case[name].as_str().unwrap_or_default();
    let input = text("input");
    let is_web = matches!(text("protocol"), "http:" | "https:");
    let is_plain = !input.chars().any(char::is_control) && input.len() <= BYTES_MAX;
    let host = text("hostname");
    let name = host.strip_suffix('.').unwrap_or(host);
    let labels_fit = name.split('.').all(|label| (1..=63).contains(&label.len()));
    let is_name = labels_fit && name.len() <= 253 && !name.ends_with(NO_PUNYCODE);
    let is_host = host.starts_with('[') || is_name;
    (is_web && is_plain && is_host).then_some(text("href"))
}

#[tokio::test]
async fn l1_the_cases_of_others_are_normalised_as_the_standard_says_or_refused() {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/links/url");
    let read = |name: &str| std::fs::read_to_string(place.join(name));
    let (Ok(tests), Ok(more)) = (read("urltestdata.json"), read("ada_extra_urltestdata.json"))
    else {
        eprintln!("skipped: the cases of others are not in {}", place.display());
        return;
    };
    let parse = |text: &str| serde_json::from_str::<Vec<Value>>(text).unwrap();
    let mut cases = parse(&tests);
    cases.extend(parse(&more));
    cases.retain(|case| case["base"].is_null() || case["base"] == "about:blank");
    let stack = Stack::here();
    let app = stack.app().await;
    let answers = stream::iter(&cases).map(|case| {
        let input = json!({"long_url": case["input"]});
        let app = &app;
        async move { (case, app.shorten(&input).await) }
    });
    let answers: Vec<_> = answers.buffer_unordered(16).collect().await;
    let (mut wrong, mut taken) = (Vec::new(), 0);
    for (case, answer) in answers {
        let wanted = expected(case);
        let status = if wanted.is_some() { 201 } else { 422 };
        let found = answer.value();
        if answer.status != status || wanted.is_some_and(|wanted| found["long_url"] != wanted) {
            wrong.push(format!("{} -> {} {found}, not {wanted:?}", case["input"], answer.status));
            continue;
        }
        if let Some(wanted) = wanted {
            let code = found["short_code"].as_str().unwrap();
            assert_eq!(stack.follow(code).await.leads(302), wanted);
            taken += 1;
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert!(taken > 50 && cases.len() - taken > 100, "{taken} of {}", cases.len());
    assert_eq!(stack.edge("GET", "/healthz").send().await.status, 200);
}
