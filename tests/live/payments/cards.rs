//! P14, P25: card numbers in every field of every route of payments; then the logs, the database
//! and a copy of it are searched for them.

use crate::client::{App, Stack, alias};
use serde_json::{Value, json};
use shared::payments::error::CARD_NUMBER;
use shared::route::{ROUTES, Route, Side};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Another one than other tests use, as it is, with blanks, with dashes, and hidden from the eye.
const NUMBERS: [&str; 4] =
    ["5200828282828210", "5200 8282 8282 8210", "5200-8282-8282-8210", "5\\u0032008282 82828210"];

/// Copies of `body` with the number in each of its texts, numbers and names, one at a time.
fn infected(body: &Value, number: &str) -> Vec<String> {
    const MARK: &str = "here-is-the-number";
    let mut all = Vec::new();
    let members = body.as_object().unwrap();
    for name in members.keys() {
        let mut copy = body.clone();
        match &members[name] {
            Value::Array(items) if items.first().is_some_and(Value::is_string) => {
                copy[name] = json!([MARK]);
            }
            _ => copy[name] = json!(MARK),
        }
        all.push(copy);
    }
    let mut more = body.clone();
    more[MARK] = json!(1);
    all.push(more);
    let mut texts: Vec<String> =
        all.into_iter().map(|one| one.to_string().replace(MARK, number)).collect();
    if number.bytes().all(|b| b.is_ascii_digit()) {
        let as_numbers = texts.iter().map(|text| text.replace(&format!("\"{number}\""), number));
        let as_numbers: Vec<String> =
            as_numbers.filter(|text| serde_json::from_str::<Value>(text).is_ok()).collect();
        texts.extend(as_numbers);
    }
    texts
}

fn example(document: &Value, route: &Route) -> Option<Value> {
    route.request?;
    let method = route.method.to_ascii_lowercase();
    let body = &document["paths"][route.path][method]["requestBody"]["content"];
    let example = body["application/json"]["example"].clone();
    assert!(example.is_object(), "{:?} has no example", route.op);
    Some(example)
}

/// Everywhere but in the body: none of it may be written down.
async fn elsewhere(app: &App<'_>, route: &Route, number: &str) {
    let plain = number.replace([' ', '-'], "");
    let path = route.path.split('/').map(|part| if part.starts_with('{') { &plain } else { part });
    let path = path.collect::<Vec<_>>().join("/");
    let ask = app.ask(route.method, &format!("{path}?limit={plain}&x={plain}"));
    let ask = ask.header("x-request-id", number).header("traceparent", number);
    let ask = ask.header("user-agent", number).header("referer", &format!("https://a/{plain}"));
    let ask = ask.header("if-match", number).header("webhook-id", &plain);
    ask.header("idempotency-key", &plain).json(&json!({})).send().await;
}

/// The bytes of everything that was written: logs, the database, and a copy of it as a backup is.
fn written(stack: &Stack) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    let mut take = |path: &Path| {
        all.push((path.display().to_string(), std::fs::read(path).unwrap_or_default()));
    };
    for file in ["edge.log", "origin.log", "origin.sqlite", "origin.sqlite-wal"] {
        take(&stack.data_dir.join(file));
    }
    for entry in walk(&stack.data_dir.join("edge")) {
        take(&entry);
    }
    let url = std::env::var("DATABASE_URL").unwrap_or_default();
    if url.starts_with("postgres") {
        let find = "ls /usr/lib/postgresql/*/bin/pg_dump | sort -V | tail -n 1";
        let dump = format!("$({find}) --dbname \"$0\"");
        let out = Command::new("bash").args(["-c", &dump, &url]).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        assert!(out.stdout.len() > 10_000, "a dump of nothing");
        all.push(("pg_dump".into(), out.stdout));
    }
    all
}

fn walk(dir: &Path) -> Vec<std::path::PathBuf> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let paths = entries.flatten().map(|entry| entry.path());
    paths.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[tokio::test]
async fn p14_card_numbers_in_every_field_leave_no_trace() {
    let stack = Stack::here();
    let app = stack.app().await;
    let document = stack.edge("GET", "/api/openapi.json").send().await.is(200);
    let mut refused = 0;
    let ours = |route: &&Route| route.product == "payments" && route.side != Side::Origin;
    for route in ROUTES.iter().filter(ours) {
        for number in NUMBERS {
            if let Some(example) = example(&document, route) {
                let path = route.path.replace("{id}", "acc_00000000000").replace("{name}", "r");
                for body in infected(&example, number) {
                    let ask = app.ask(route.method, &path).header("idempotency-key", &alias());
                    let ask = ask.header("content-type", "application/json").body(body.as_str());
                    ask.send().await.is_problem(&CARD_NUMBER);
                    refused += 1;
                }
            }
            if !number.contains('\\') {
                elsewhere(&app, route, number).await;
            }
        }
    }
    assert!(refused > 50, "{refused}");
    // What was let through until now is written within this.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let written = written(&stack);
    assert!(written.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() > 100_000);
    for (place, bytes) in &written {
        for number in NUMBERS {
            let found = bytes.windows(number.len()).position(|part| part == number.as_bytes());
            let around = found.map(|at| &bytes[at.saturating_sub(120)..at + 20]);
            let around = around.map(String::from_utf8_lossy);
            assert!(found.is_none(), "{place} holds {number}: {around:?}");
        }
    }
}
