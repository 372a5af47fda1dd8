//! L2, L4, L5, L21: codes that are drawn, and codes that are chosen.

use crate::client::{Stack, alias};
use futures::future::join_all;
use serde_json::json;
use shared::links::code::CODES;
use shared::links::error::{ALIAS_TAKEN, INVALID};
use shared::route::ROUTES;
use std::collections::BTreeSet;

const URL: &str = "https://example.com/";
const DIGITS: &str = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

fn number(code: &str) -> u64 {
    let digit = |c: char| u64::try_from(DIGITS.find(c).unwrap()).unwrap();
    code.chars().fold(0, |sum, c| sum * 62 + digit(c))
}

#[tokio::test]
async fn l2_l21_codes_are_7_digits_of_base62_and_neighbours_are_far_apart() {
    let stack = Stack::here();
    let app = stack.app().await;
    let mut codes = Vec::new();
    for _ in 0..200 {
        codes.push(app.code(&json!({"long_url": URL})).await);
    }
    assert!(codes.iter().all(|code| code.len() == 7), "{codes:?}");
    let numbers: Vec<u64> = codes.iter().map(|code| number(code)).collect();
    assert_eq!(numbers.iter().collect::<BTreeSet<_>>().len(), 200);
    // By chance 199 × 2 ⁄ 100 = 4 of 199 neighbours lie within a hundredth of all codes.
    let near = numbers.windows(2).filter(|two| two[0].abs_diff(two[1]) < CODES / 100).count();
    let rising = numbers.windows(2).filter(|two| two[0] < two[1]).count();
    assert!(near < 20, "{near} of 199 neighbours are near");
    assert!((60..140).contains(&rising), "{rising} of 199 steps go up");
}

#[tokio::test]
async fn l4_an_alias_is_case_sensitive_and_a_taken_one_is_409() {
    let stack = Stack::here();
    let (ann, bob) = (stack.app().await, stack.app().await);
    let (lower, upper) = (alias(), alias().to_uppercase());
    let body = |alias: &str, n: u8| json!({"long_url": format!("{URL}{n}"), "custom_alias": alias});
    for (given, n) in [(&lower, 1), (&upper, 2), (&lower.to_uppercase(), 3), (&"x_".repeat(32), 4)]
    {
        let made = ann.shorten(&body(given, n)).await;
        if n == 4 && made.status == 409 {
            // The longest alias of an earlier run on this database.
            continue;
        }
        let link = made.is(201);
        assert_eq!(link["short_code"], **given);
        assert_eq!(made.header("location"), format!("/api/v1/links/{given}"));
        assert_eq!(stack.follow(given).await.leads(302), format!("{URL}{n}"));
    }
    ann.shorten(&body(&lower, 5)).await.is_problem(&ALIAS_TAKEN);
    bob.shorten(&body(&lower, 5)).await.is_problem(&ALIAS_TAKEN);
    assert_eq!(stack.follow(&lower).await.leads(302), format!("{URL}1"));
}

#[tokio::test]
async fn l4_an_alias_that_is_no_code_or_a_route_is_422_with_a_pointer() {
    let stack = Stack::here();
    let app = stack.app().await;
    let routes = ROUTES.iter().filter_map(|route| route.path.split('/').nth(1));
    let routes = routes.filter(|name| !name.contains('{')).map(str::to_owned);
    let mut wrong: Vec<String> = routes.collect();
    for name in ["console", "favicon", "robots", "metrics", "login", "static", "CONSOLE", "Api"] {
        wrong.push(name.into());
    }
    for form in ["", "ab", "a b", "a/b", "a.b", "abc+", "%61bc", "абв", "abc\n", "ａｂｃ", "..."]
    {
        wrong.push(form.into());
    }
    wrong.push("x".repeat(65));
    assert!(wrong.iter().any(|name| name == "api"));
    for alias in wrong {
        let body = json!({"long_url": URL, "custom_alias": alias});
        let problem = app.shorten(&body).await.is_problem(&INVALID);
        assert_eq!(problem["errors"][0]["pointer"], "/custom_alias", "{alias:?}");
    }
}

#[tokio::test]
async fn l5_of_500_concurrent_creations_of_one_alias_one_is_201() {
    let stack = Stack::here();
    let app = stack.app().await;
    let alias = alias();
    let bodies: Vec<_> =
        (0..500).map(|n| json!({"long_url": format!("{URL}{n}"), "custom_alias": alias})).collect();
    let answers = join_all(bodies.iter().map(|body| app.shorten(body))).await;
    let (made, taken): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 201);
    assert_eq!((made.len(), taken.len()), (1, 499));
    taken.iter().for_each(|answer| drop(answer.is_problem(&ALIAS_TAKEN)));
    let wanted = made[0].value();
    assert_eq!(stack.follow(&alias).await.leads(302), wanted["long_url"].as_str().unwrap());
}
