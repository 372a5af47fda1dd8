//! L13: where a link leads for whom.

use crate::client::{App, Ask, Stack};
use serde_json::{Value, json};
use shared::links::error::INVALID;
use shared::time::Millis;
use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

const URL: &str = "https://own.example/";
const TO: &str = "https://to.example/";

const IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 \
                      (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1";
const GALAXY_TAB: &str = "Mozilla/5.0 (Linux; Android 13; SM-X700) AppleWebKit/537.36 (KHTML, \
                          like Gecko) SamsungBrowser/25.0 Chrome/121.0.0.0 Safari/537.36";
const EDGE: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like \
                    Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0";
const TV: &str =
    "Mozilla/5.0 (SMART-TV; Linux; Tizen 7.0) AppleWebKit/537.36 Chrome/94.0 TV Safari";
const CRAWLER: &str = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";

/// What the platform says of where a request comes from.
fn place(country: &str, region: &str) -> String {
    let place = json!({"country": country, "regionCode": region, "colo": "NRT",
        "clientAcceptEncoding": ""});
    place.to_string()
}

fn ask<'a>(stack: &'a Stack, code: &str, headers: &[(&str, &str)]) -> Ask<'a> {
    let ask = stack.edge("GET", &format!("/{code}"));
    headers.iter().fold(ask, |ask, (name, value)| ask.header(name, value))
}

async fn with_rules(app: &App<'_>, rules: Value) -> String {
    app.code(&json!({"long_url": URL, "rules": rules})).await
}

fn now() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

fn moment(ms: u64) -> String {
    Millis(ms).to_rfc3339()
}

#[tokio::test]
async fn l13_every_condition_admits_and_refuses() {
    let stack = Stack::here();
    let app = stack.app().await;
    let (jp, de) = (place("JP", "13"), place("DE", "BY"));
    let from = |text| ("mf-cf-blob", text);
    let by = |text| ("user-agent", text);
    let speaks = |text| ("accept-language", text);
    for (condition, yes, no) in [
        (json!({"country": ["CH", "JP"]}), from(jp.as_str()), from(de.as_str())),
        (json!({"region": ["BY"]}), from(de.as_str()), from(jp.as_str())),
        (json!({"language": ["de"]}), speaks("de-CH, fr;q=0.9"), speaks("fr, de;q=0.9")),
        (json!({"language": ["de-CH", "ja"]}), speaks("en;q=0.5, ja;q=0.95"), speaks("de-AT")),
        (json!({"device": ["mobile"]}), by(IPHONE), by(EDGE)),
        (json!({"device": ["tablet"]}), by(GALAXY_TAB), by(IPHONE)),
        (json!({"device": ["tv", "bot"]}), by(TV), by(GALAXY_TAB)),
        (json!({"device": ["bot"]}), by(CRAWLER), by(TV)),
        (json!({"device": ["desktop"]}), by(EDGE), by(CRAWLER)),
        (json!({"os": ["ios"]}), by(IPHONE), by(GALAXY_TAB)),
        (json!({"os": ["windows", "linux"]}), by(EDGE), by(IPHONE)),
        (json!({"browser": ["edge"]}), by(EDGE), by(GALAXY_TAB)),
        (json!({"browser": ["samsung", "safari"]}), by(GALAXY_TAB), by(EDGE)),
    ] {
        let mut rule = condition.clone();
        rule["to"] = json!(TO);
        let code = with_rules(&app, json!([rule])).await;
        for (header, wanted) in [(yes, TO), (no, URL)] {
            let answer = ask(&stack, &code, &[header]).send().await;
            assert_eq!(answer.leads(302), wanted, "{condition} {header:?}");
            let head = stack.edge("HEAD", &format!("/{code}")).header(header.0, header.1);
            assert_eq!(head.send().await.leads(302), wanted, "{condition} {header:?}");
        }
    }
}

#[tokio::test]
async fn l13_all_conditions_of_a_rule_must_hold_and_the_first_rule_wins() {
    let stack = Stack::here();
    let app = stack.app().await;
    let rules = json!([
        {"country": ["JP"], "device": ["mobile"], "to": "https://both.example/"},
        {"country": ["JP"], "to": "https://jp.example/"},
        {"device": ["mobile"], "to": "https://mobile.example/"},
        {"language": ["fr"], "to": "https://fr.example/"},
    ]);
    let code = with_rules(&app, rules.clone()).await;
    let made = app.get(&format!("/api/v1/links/{code}")).await.is(200);
    assert_eq!(
        made["rules"],
        json!([
            {"country": ["JP"], "device": ["mobile"], "to": "https://both.example/"},
            {"country": ["JP"], "to": "https://jp.example/"},
            {"device": ["mobile"], "to": "https://mobile.example/"},
            {"language": ["fr"], "to": "https://fr.example/"},
        ])
    );
    let (jp, us) = (place("JP", "13"), place("US", "CA"));
    for (country, agent, language, wanted) in [
        (&jp, IPHONE, "fr", "https://both.example/"),
        (&jp, EDGE, "fr", "https://jp.example/"),
        (&us, IPHONE, "fr", "https://mobile.example/"),
        (&us, EDGE, "fr", "https://fr.example/"),
        (&us, EDGE, "en", URL),
    ] {
        let headers = [
            ("mf-cf-blob", country.as_str()),
            ("user-agent", agent),
            ("accept-language", language),
        ];
        assert_eq!(ask(&stack, &code, &headers).send().await.leads(302), wanted);
    }
    // Without any header: nobody's language, no known country, a crawler.
    let bare = stack.edge("GET", &format!("/{code}")).header("user-agent", "");
    assert_eq!(bare.send().await.leads(302), URL);
}

#[tokio::test]
async fn l13_time_windows_open_and_close_on_time() {
    let stack = Stack::here();
    let app = stack.app().await;
    let now = now();
    let (past, soon) = (moment(now - 60_000), moment(now + 2_000));
    let opens = with_rules(&app, json!([{"after": soon, "to": TO}])).await;
    let closes = with_rules(&app, json!([{"after": past, "before": soon, "to": TO}])).await;
    let over = with_rules(&app, json!([{"before": past, "to": TO}])).await;
    assert_eq!(stack.follow(&opens).await.leads(302), URL);
    assert_eq!(stack.follow(&closes).await.leads(302), TO);
    assert_eq!(stack.follow(&over).await.leads(302), URL);
    tokio::time::sleep(std::time::Duration::from_millis(2_300)).await;
    assert_eq!(stack.follow(&opens).await.leads(302), TO);
    assert_eq!(stack.follow(&closes).await.leads(302), URL);
}

#[tokio::test]
async fn l13_weights_split_visitors_who_stay_where_they_fell() {
    let stack = Stack::here();
    let app = stack.app().await;
    let rules = json!([
        {"country": ["JP"], "weight": 100, "to": "https://jp.example/"},
        {"weight": 20, "to": "https://a.example/"},
        {"weight": 30, "to": "https://b.example/"},
    ]);
    let code = with_rules(&app, rules).await;
    let mut found: BTreeMap<String, u32> = BTreeMap::new();
    for n in 0..600 {
        let ip = format!("198.51.{}.{}", n / 256, n % 256);
        let first = ask(&stack, &code, &[("cf-connecting-ip", &ip)]).send().await;
        *found.entry(first.leads(302).to_owned()).or_default() += 1;
        if n % 20 == 0 {
            for _ in 0..5 {
                let again = ask(&stack, &code, &[("cf-connecting-ip", &ip)]).send().await;
                assert_eq!(again.header("location"), first.header("location"), "{ip}");
            }
        }
    }
    // 120, 180 and 300 of 600; five standard deviations are 49, 56 and 61.
    for (to, wanted, off) in
        [("https://a.example/", 120, 49), ("https://b.example/", 180, 56), (URL, 300, 61)]
    {
        let count = found.get(to).copied().unwrap_or_default();
        assert!(count.abs_diff(wanted) <= off, "{to}: {count} of {found:?}");
    }
    // Another link is another split: not everybody falls to the same side of both.
    let half = json!([{"weight": 50, "to": TO}]);
    let (one, two) = (with_rules(&app, half.clone()).await, with_rules(&app, half).await);
    let mut apart = 0;
    for n in 0..100 {
        let ip = format!("203.0.113.{n}");
        let at = |code| ask(&stack, code, &[("cf-connecting-ip", &ip)]).send();
        let (one, two) = (at(&one).await, at(&two).await);
        apart += usize::from(one.header("location") != two.header("location"));
    }
    assert!((25..=75).contains(&apart), "{apart}");
}

#[tokio::test]
async fn l13_a_permanent_redirect_with_rules_is_kept_by_no_browser() {
    let stack = Stack::here();
    let app = stack.app().await;
    for redirect in [301, 308] {
        let rules = json!([{"country": ["JP"], "to": TO}]);
        let link = json!({"long_url": URL, "redirect": redirect, "rules": rules});
        let code = app.code(&link).await;
        for country in ["JP", "DE"] {
            let header = place(country, "");
            let answer = ask(&stack, &code, &[("mf-cf-blob", &header)]).send().await;
            assert_eq!(answer.leads(redirect), if country == "JP" { TO } else { URL });
            assert_eq!(answer.header("cache-control"), "private, no-store");
        }
    }
}

#[tokio::test]
async fn l13_a_change_of_the_rules_is_seen_at_once() {
    let stack = Stack::here();
    let app = stack.app().await;
    let code = with_rules(&app, json!([{"to": "https://0.example/"}])).await;
    let path = format!("/api/v1/links/{code}");
    for n in 1..20 {
        assert_eq!(stack.follow(&code).await.leads(302), format!("https://{}.example/", n - 1));
        let patch = json!({"rules": [{"to": format!("https://{n}.example/")}]});
        let changed = app.ask("PATCH", &path).json(&patch).send().await.is(200);
        assert_eq!(changed["rules"], patch["rules"]);
        assert_eq!(changed["long_url"], URL);
    }
    app.ask("PATCH", &path).json(&json!({"rules": []})).send().await.is(200);
    assert_eq!(stack.follow(&code).await.leads(302), URL);
}

#[tokio::test]
async fn l13_what_is_wrong_with_a_rule_is_named() {
    let stack = Stack::here();
    let app = stack.app().await;
    let to = "https://to.example/";
    let code = app.code(&json!({"long_url": URL})).await;
    let path = format!("/api/v1/links/{code}");
    for (rules, pointer) in [
        (json!([{"to": "javascript:alert(1)"}]), "/rules/0/to"),
        (json!([{"to": to}, {"to": format!("{}/x", stack.public)}]), "/rules/1/to"),
        (json!([{"to": "https://a.example/\r\nX: y"}]), "/rules/0/to"),
        (json!([{"country": ["JP", "jp"], "to": to}]), "/rules/0/country/1"),
        (json!([{"region": ["Bavaria"], "to": to}]), "/rules/0/region/0"),
        (json!([{"language": ["d"], "to": to}]), "/rules/0/language/0"),
        (json!([{"device": ["phone"], "to": to}]), "/rules/0/device/0"),
        (json!([{"os": ["iOS"], "to": to}]), "/rules/0/os/0"),
        (json!([{"browser": ["netscape"], "to": to}]), "/rules/0/browser/0"),
        (json!([{"country": vec!["JP"; 51], "to": to}]), "/rules/0/country"),
        (json!([{"after": "tomorrow", "to": to}]), "/rules/0/after"),
        (json!([{"before": "2026-13-01", "to": to}]), "/rules/0/before"),
        (json!([{"weight": 0, "to": to}]), "/rules/0/weight"),
        (json!([{"weight": 101, "to": to}]), "/rules/0/weight"),
        (json!(vec![json!({"to": to}); 21]), "/rules"),
    ] {
        let made = app.shorten(&json!({"long_url": URL, "rules": rules})).await;
        let problem = made.is_problem(&INVALID);
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{rules}");
        let patch = app.ask("PATCH", &path).json(&json!({"rules": rules})).send().await;
        assert_eq!(patch.is_problem(&INVALID)["errors"][0]["pointer"], pointer, "{rules}");
    }
    for shape in [
        json!([{}]),
        json!([{"to": to, "city": ["Tokyo"]}]),
        json!([{"to": to, "weight": 1.5}]),
        json!([{"to": to, "weight": 300}]),
        json!([{"to": to, "country": "JP"}]),
        json!({"to": to}),
        json!([null]),
    ] {
        let problem = app.shorten(&json!({"long_url": URL, "rules": shape})).await.is(422);
        let pointer = problem["errors"][0]["pointer"].as_str().unwrap();
        assert!(pointer.starts_with("/rules"), "{shape}: {problem}");
    }
    assert_eq!(stack.follow(&code).await.leads(302), URL);
}
