//! L7, L9, L10: what a reader finds, how soon, and what it costs the origin.

use crate::client::{Answer, App, Stack, alias, var};
use futures::future::join_all;
use origin::{db, values};
use serde_json::json;
use shared::links::error::{GONE, NOT_FOUND};
use std::process::Command;
use std::time::Duration;

const URL: &str = "https://example.com/";
const STAMPEDE: usize = 2_000;
/// Longer than 2,000 requests take to arrive, shorter than an isolate waits for a home (5 s).
const HELD: Duration = Duration::from_secs(2);

#[tokio::test]
async fn l7_each_of_200_creations_is_found_at_once() {
    let stack = Stack::here();
    let app = stack.app().await;
    for n in 0..200 {
        let url = format!("{URL}{n}");
        let body = if n % 2 == 0 {
            json!({"long_url": url})
        } else {
            json!({"long_url": url, "custom_alias": alias()})
        };
        let code = app.code(&body).await;
        assert_eq!(stack.follow(&code).await.leads(302), url, "{n}");
    }
}

#[tokio::test]
async fn l7_a_code_that_was_asked_for_before_it_existed_works_when_it_does() {
    let stack = Stack::here();
    let app = stack.app().await;
    for _ in 0..20 {
        let code = alias();
        for _ in 0..3 {
            stack.follow(&code).await.is_problem(&NOT_FOUND);
        }
        app.code(&json!({"long_url": URL, "custom_alias": code})).await;
        assert_eq!(stack.follow(&code).await.leads(302), URL);
    }
}

#[tokio::test]
async fn l7_readers_who_ask_while_it_is_made_never_find_less_than_the_maker() {
    let stack = Stack::here();
    let app = stack.app().await;
    for _ in 0..20 {
        let code = alias();
        let body = json!({"long_url": URL, "custom_alias": code});
        let readers = async {
            let answers: Vec<Answer> = join_all((0..20).map(|_| stack.follow(&code))).await;
            assert!(answers.iter().all(|answer| matches!(answer.status, 302 | 404)));
        };
        let maker = async {
            app.code(&body).await;
            assert_eq!(stack.follow(&code).await.leads(302), URL);
        };
        tokio::join!(readers, maker);
        assert_eq!(stack.follow(&code).await.leads(302), URL);
    }
}

/// Holds the origin still while it lives.
struct Held(String);

impl Held {
    fn origin() -> Self {
        let held = Self(var("ORIGIN_PID"));
        held.signal("-STOP");
        held
    }

    fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([signal, &self.0]).status().unwrap();
        assert!(status.success() || std::thread::panicking(), "kill {signal} {}", self.0);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.signal("-CONT");
    }
}

/// 2,000 requests for `code`, all of them under way before the origin can answer any.
async fn stampede(stack: &Stack, code: &str) -> (Vec<Answer>, u64) {
    let reads = stack.count("link_reads_total", "").await;
    let held = Held::origin();
    let readers = join_all((0..STAMPEDE).map(|_| stack.follow(code)));
    let release = async {
        tokio::time::sleep(HELD).await;
        drop(held);
    };
    let (answers, ()) = tokio::join!(readers, release);
    (answers, stack.count("link_reads_total", "").await - reads)
}

#[tokio::test]
async fn l9_two_thousand_concurrent_requests_for_an_unknown_code_are_one_read() {
    let stack = Stack::alone();
    let code = alias();
    let (answers, reads) = stampede(&stack, &code).await;
    answers.iter().for_each(|answer| drop(answer.is_problem(&NOT_FOUND)));
    assert_eq!((answers.len(), reads), (STAMPEDE, 1));
    stack.follow(&code).await.is_problem(&NOT_FOUND);
}

/// A link that no home was ever told of.
async fn insert(app: &App<'_>, code: &str) {
    let db = db::Db::open(&var("DATABASE_URL")).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    let sql = "insert into link \
               (id, domain, code, app, long_url, redirect, tags, created_at, version) \
               values ($1, 0, $2, $3, $4, 302, '[]', $5, 1)";
    let id = rand::random::<u64>() >> 2;
    tx.write(sql, values![id, code, app.id.as_str(), URL, db::now()]).await.unwrap();
    tx.commit().await.unwrap();
}

/// As after the 30 days that KV keeps a tombstone's copy: only the database knows of it.
#[tokio::test]
async fn l22_a_tombstone_that_the_edge_has_forgotten_is_410_all_the_same() {
    let stack = Stack::here();
    let app = stack.app().await;
    let code = alias();
    insert(&app, &code).await;
    let db = db::Db::open(&var("DATABASE_URL")).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    let sql = "update link set long_url = '', deleted_at = $1, swept_at = $1 where code = $2";
    tx.write(sql, values![db::now(), code.as_str()]).await.unwrap();
    tx.commit().await.unwrap();
    for _ in 0..3 {
        stack.follow(&code).await.is_problem(&GONE);
    }
}

#[tokio::test]
async fn l9_two_thousand_concurrent_requests_for_a_cold_link_are_one_read() {
    let stack = Stack::alone();
    let app = stack.app().await;
    let code = alias();
    insert(&app, &code).await;
    let (answers, reads) = stampede(&stack, &code).await;
    answers.iter().for_each(|answer| assert_eq!(answer.leads(302), URL));
    assert_eq!((answers.len(), reads), (STAMPEDE, 1));
}

/// An isolate keeps a link for five seconds and asks again from 3.75 s on, in the background.
#[tokio::test]
async fn l23_two_thousand_requests_at_the_instant_of_ageing_are_one_read_at_most() {
    let stack = Stack::alone();
    let app = stack.app().await;
    for wait in [3_800, 4_900, 5_100] {
        let code = app.code(&json!({"long_url": URL})).await;
        stack.follow(&code).await.is(302);
        let reads = stack.count("link_reads_total", "").await;
        tokio::time::sleep(Duration::from_millis(wait)).await;
        let answers = join_all((0..STAMPEDE).map(|_| stack.follow(&code))).await;
        answers.iter().for_each(|answer| assert_eq!(answer.leads(302), URL));
        let reads = stack.count("link_reads_total", "").await - reads;
        assert!(reads <= 1, "{reads} reads after {wait} ms");
    }
}

/// While the origin stands still and KV has no copy, who is served is served from memory.
#[tokio::test]
async fn l23_a_link_that_is_refreshed_ahead_is_served_without_waiting() {
    let stack = Stack::alone();
    let app = stack.app().await;
    let code = app.code(&json!({"long_url": URL})).await;
    stack.follow(&code).await.is(302);
    tokio::time::sleep(Duration::from_millis(4_000)).await;
    let held = Held::origin();
    let began = std::time::Instant::now();
    for answer in join_all((0..200).map(|_| stack.follow(&code))).await {
        assert_eq!(answer.leads(302), URL);
    }
    let took = began.elapsed();
    drop(held);
    assert!(took < Duration::from_millis(1_000), "{took:?}");
}

#[tokio::test]
async fn l10_edits_and_deletes_are_seen_at_once_where_they_were_made() {
    let stack = Stack::here();
    let app = stack.app().await;
    let code = app.code(&json!({"long_url": URL})).await;
    let path = format!("/api/v1/links/{code}");
    for n in 0..30 {
        // Warm in the isolate, in the home, and soon in KV.
        stack.follow(&code).await.is([302, 307][n % 2]);
        let url = format!("{URL}{n}");
        let status = [307, 302][n % 2];
        let patch = json!({"long_url": url, "redirect": status});
        app.ask("PATCH", &path).json(&patch).send().await.is(200);
        assert_eq!(stack.follow(&code).await.leads(status), url);
    }
    app.ask("DELETE", &path).send().await.is(204);
    stack.follow(&code).await.is_problem(&GONE);
    // Whatever copies of it there are, none is newer.
    tokio::time::sleep(Duration::from_secs(7)).await;
    stack.follow(&code).await.is_problem(&GONE);
}
