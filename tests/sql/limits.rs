//! limits at the origin: policies with their registers and their record, and long bodies at the
//! door. What was decided by them is in `usage.rs`.

use crate::support::{Place, application, body, call, status, with, write};
use origin::app::{App, STREAMS_MAX};
use origin::limits::{backtest, policies, store};
use origin::respond::Failure;
use origin::{admin, db, outbox, router, values};
use serde_json::{Value, json};
use shared::envelope::Envelope;
use shared::limits::publish::POLICIES_MAX;
use shared::roads::{Answer, Register};
use shared::sign::{self, CONTEXT_HEADER, SIGNATURE_HEADER};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

type Answered = Result<Envelope, Failure>;

fn path(name: &str) -> String {
    format!("/api/v1/limits/policies/{name}")
}

fn policy(limit: u64) -> Value {
    json!({"limit": limit, "window_ms": 60_000})
}

async fn put(app: &App, owner: &str, name: &str, policy: &Value) -> Answered {
    policies::put(app, &call(owner, "PUT", &path(name), &policy.to_string())).await
}

async fn get(app: &App, owner: &str, name: &str) -> Answered {
    policies::get(app, &call(owner, "GET", &path(name), "")).await
}

async fn delete(app: &App, owner: &str, name: &str) -> Answered {
    policies::delete(app, &call(owner, "DELETE", &path(name), "")).await
}

/// The registers of limits that wait in the outbox, oldest first.
async fn waiting(app: &App) -> Vec<(String, u64, Option<Value>)> {
    let sql = "select key, version, value from outbox where product = 'limits' order by id";
    let rows = app.db.read(sql, vec![]).await.unwrap();
    let read = |row| {
        let value = db::maybe_text(row, "value").unwrap();
        let value = value.map(|text| serde_json::from_str(&text).unwrap());
        (db::text(row, "key").unwrap(), db::number(row, "version").unwrap(), value)
    };
    rows.iter().map(read).collect()
}

/// The record of changes: version, action, who, for which request, what it was before.
async fn changes(app: &App) -> Vec<(u64, String, String, String, Option<Value>)> {
    let sql = "select version, action, principal, request_id, before from limit_policy_change \
               order by id";
    let rows = app.db.read(sql, vec![]).await.unwrap();
    let read = |row| {
        let text = |name: &str| db::text(row, name).unwrap();
        let before = db::maybe_text(row, "before").unwrap();
        let before = before.map(|text| serde_json::from_str(&text).unwrap());
        let version = db::number(row, "version").unwrap();
        (version, text("action"), text("principal"), text("request_id"), before)
    };
    rows.iter().map(read).collect()
}

fn projection(answer: &Answered) -> Register {
    let projections = &answer.as_ref().unwrap().projections;
    assert_eq!(projections.len(), 1);
    projections[0].clone()
}

#[tokio::test]
async fn a_policy_is_published_changed_deleted_and_its_version_only_rises() {
    let place = Place::new().await;
    let app = place.replica().await;
    let owner = application(&app, "a").await;
    let made = put(&app, &owner, "checkout", &policy(1)).await;
    assert_eq!(status(&made), 201);
    assert_eq!(made.as_ref().unwrap().header("etag"), Some("\"1\""));
    let shown = body(&made);
    assert_eq!((&shown["name"], &shown["version"]), (&json!("checkout"), &json!(1)));
    assert_eq!((&shown["limit"], &shown["created_at"]), (&json!(1), &shown["updated_at"]));
    let register = projection(&made);
    assert_eq!((&*register.product, register.stamp.version), ("limits", 1));
    assert_eq!(register.key, format!("{owner}/checkout"));

    // The same again is no change; another one is.
    assert_eq!(status(&put(&app, &owner, "checkout", &policy(1)).await), 200);
    let changed = put(&app, &owner, "checkout", &policy(2)).await;
    assert_eq!((status(&changed), &body(&changed)["version"]), (200, &json!(2)));
    assert_eq!(body(&changed)["created_at"], shown["created_at"]);
    assert_eq!(body(&get(&app, &owner, "checkout").await), body(&changed));

    let gone = delete(&app, &owner, "checkout").await;
    assert_eq!((status(&gone), projection(&gone).value), (204, None));
    assert_eq!(status(&get(&app, &owner, "checkout").await), 404);
    assert_eq!(status(&delete(&app, &owner, "checkout").await), 404);
    let again = put(&app, &owner, "checkout", &policy(3)).await;
    assert_eq!((status(&again), &body(&again)["version"]), (201, &json!(4)));

    let key = format!("{owner}/checkout");
    let rest = json!({"window_ms": 60_000, "on_failure": "open", "shadow": false});
    let value = |limit: u64| {
        let mut value = rest.clone();
        value["limit"] = json!(limit);
        value
    };
    let wanted = [Some(value(1)), Some(value(2)), None, Some(value(3))];
    let wanted: Vec<_> =
        (1u64..).zip(wanted).map(|(version, value)| (key.clone(), version, value)).collect();
    assert_eq!(waiting(&app).await, wanted);
    let seen = changes(&app).await;
    let actions: Vec<&str> = seen.iter().map(|change| change.1.as_str()).collect();
    assert_eq!(actions, ["created", "replaced", "deleted", "created"]);
    assert!(seen.iter().all(|(_, _, who, why, _)| who == "service:k" && why == "req_test"));
    let befores: Vec<_> = seen.into_iter().map(|change| change.4).collect();
    assert_eq!(befores, [None, Some(value(1)), Some(value(2)), None]);

    // A home that lost it asks; an edge that lost everything is rebuilt.
    let Answer::Register(told) = store::ask(&app, &key).await.unwrap() else { panic!("absent") };
    assert_eq!(told, projection(&again));
    let asked = call("", "GET", &format!("/internal/registers/limits?key={key}"), "");
    assert_eq!(body(&admin::registers::ask(&app, &asked).await)["version"], 4);
    assert_eq!(store::ask(&app, "none/checkout").await.unwrap(), Answer::Absent);
    put(&app, &owner, "other", &policy(1)).await.unwrap();
    delete(&app, &owner, "other").await.unwrap();
    write(&app, "delete from outbox", vec![]).await;
    outbox::replay(&app, false).await.unwrap();
    let rebuilt: Vec<_> = waiting(&app).await.into_iter().map(|(key, v, _)| (key, v)).collect();
    assert_eq!(rebuilt, [(key, 4), (format!("{owner}/other"), 2)]);
}

#[tokio::test]
async fn what_is_refused_changes_and_posts_nothing() {
    let place = Place::new().await;
    let app = place.replica().await;
    let (owner, other) = (application(&app, "a").await, application(&app, "b").await);
    put(&app, &owner, "p", &policy(1)).await.unwrap();
    let with_tag =
        |method, text: &str, tag| with(call(&owner, method, &path("p"), text), "if-match", tag);
    let text = policy(2).to_string();
    for tag in ["\"2\"", "\"0\"", "1"] {
        assert_eq!(status(&policies::put(&app, &with_tag("PUT", &text, tag)).await), 412);
        assert_eq!(status(&policies::delete(&app, &with_tag("DELETE", "", tag)).await), 412);
    }
    let new = with(call(&owner, "PUT", &path("new"), &text), "if-match", "*");
    assert_eq!(status(&policies::put(&app, &new).await), 412);
    assert_eq!(status(&put(&app, &owner, "Not-A-Name", &policy(1)).await), 422);
    assert_eq!(status(&put(&app, &owner, "q", &json!({"limit": 0, "window_ms": 1})).await), 422);
    for name in ["p", "none", "Not-A-Name"] {
        assert_eq!(status(&get(&app, &other, name).await), 404);
        assert_eq!(status(&delete(&app, &other, name).await), 404);
    }
    assert_eq!((waiting(&app).await.len(), changes(&app).await.len()), (1, 1));
    let right = policies::put(&app, &with_tag("PUT", &text, "\"1\"")).await;
    assert_eq!((status(&right), &body(&right)["version"]), (200, &json!(2)));
    // Another application's policy of the same name is another policy.
    assert_eq!(status(&put(&app, &other, "p", &policy(7)).await), 201);
    assert_eq!(body(&get(&app, &owner, "p").await)["limit"], 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_of_one_policy_at_two_replicas_have_each_a_version() {
    let place = Place::new().await;
    let (one, two) = (place.replica().await, place.replica().await);
    let owner = application(&one, "a").await;
    let puts = (1..=20).map(|n| {
        let (app, owner) = (if n % 2 == 0 { &one } else { &two }, &owner);
        async move { put(app, owner, "p", &policy(n)).await }
    });
    let answers = futures::future::join_all(puts).await;
    let mut versions: Vec<u64> =
        answers.iter().map(|answer| body(answer)["version"].as_u64().unwrap()).collect();
    versions.sort_unstable();
    assert_eq!(versions, (1..=20).collect::<Vec<_>>());
    assert_eq!(answers.iter().filter(|answer| status(answer) == 201).count(), 1);
    assert_eq!(changes(&one).await.len(), 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_has_at_most_a_thousand_policies_however_many_ask_at_once() {
    let place = Place::new().await;
    let (one, two) = (place.replica().await, place.replica().await);
    let (owner, other) = (application(&one, "a").await, application(&one, "b").await);
    let sql = "insert into limit_policy (app, name, policy, version, created_at, updated_at) \
               values ($1, $2, $3, 1, 1, 1)";
    let mut tx = one.db.begin().await.unwrap();
    for n in 0..POLICIES_MAX - 3 {
        let values = values![owner.as_str(), format!("p-{n:04}"), policy(1).to_string()];
        tx.write(sql, values).await.unwrap();
    }
    tx.commit().await.unwrap();
    let puts = (0..10).map(|n| {
        let (app, owner) = (if n % 2 == 0 { &one } else { &two }, &owner);
        async move { put(app, owner, &format!("new-{n}"), &policy(1)).await }
    });
    let answers = futures::future::join_all(puts).await;
    let mut statuses: Vec<u16> = answers.iter().map(status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 201, 201, 422, 422, 422, 422, 422, 422, 422]);
    assert_eq!(status(&put(&one, &owner, "p-0001", &policy(2)).await), 200, "a change");
    assert_eq!(status(&put(&one, &other, "p-0001", &policy(2)).await), 201, "another's");
    delete(&one, &owner, "p-0002").await.unwrap();
    assert_eq!(status(&put(&one, &owner, "in-its-place", &policy(2)).await), 201);

    // All of them stand on the pages once, by name, without the deleted one.
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let asked = format!("/api/v1/limits/policies?limit=200{cursor}");
        let page = body(&policies::list(&one, &call(&owner, "GET", &asked, "")).await);
        let names = page["items"].as_array().unwrap().iter();
        seen.extend(names.map(|item| item["name"].as_str().unwrap().to_owned()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen.len() as u64, POLICIES_MAX);
    assert!(seen.is_sorted() && !seen.contains(&"p-0002".into()));
}

#[tokio::test]
async fn a_backtest_takes_a_published_policy_of_the_application() {
    let place = Place::new().await;
    let app = place.replica().await;
    let (owner, other) = (application(&app, "a").await, application(&app, "b").await);
    put(&app, &owner, "p", &json!({"algorithm": "fixed_window", "limit": 1, "window_ms": 1_000}))
        .await
        .unwrap();
    let text = json!({"policy": "p", "log": [[5_000, "k"], [5_001, "k"], [6_000, "k"]]});
    let run = async |owner: &str| {
        backtest::run(&app, &call(owner, "POST", "/api/v1/limits/backtest", &text.to_string()))
            .await
    };
    let answer = body(&run(&owner).await);
    assert_eq!((&answer["allowed"], &answer["refused"]), (&json!(2), &json!(1)));
    assert_eq!(answer["first_refused_at"], "1970-01-01T00:00:05.001Z");
    assert_eq!(status(&run(&other).await), 404);
    delete(&app, &owner, "p").await.unwrap();
    assert_eq!(status(&run(&owner).await), 404);
}

/// A signed request with a head that promises a body of `length`.
fn head(app: &App, length: &str, content: &str) -> String {
    let path_and_query = "/internal/api/v1/limits/backtest";
    let signed = sign::Request { method: "POST", path_and_query, content, context: "" };
    let signature = app.config.signing_keys.sign(signed, db::now(), rand::random());
    format!(
        "POST {path_and_query} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
         content-type: application/json\r\n{CONTEXT_HEADER}: \r\n\
         {SIGNATURE_HEADER}: {signature}\r\n{length}\r\n"
    )
}

/// Sends bytes; the socket stays open.
fn open(at: SocketAddr, bytes: &str) -> TcpStream {
    let mut socket = TcpStream::connect(at).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    socket.write_all(bytes.as_bytes()).unwrap();
    socket
}

/// The status of what comes back.
fn answered(mut socket: TcpStream) -> u16 {
    let mut bytes = Vec::new();
    socket.read_to_end(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes).split(' ').nth(1).unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_bodies_are_signed_by_their_length_bounded_and_few_at_once() {
    let place = Place::new().await;
    let app = place.replica().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, router::router(Arc::clone(&app))).into_future());
    let text = json!({"policy": policy(1), "log": [[1, "k"], [2, "k"]]}).to_string();
    let said = format!("content-length: {}\r\n", text.len());
    let whole = |content: &str| head(&app, &said, content) + &text;
    let streamed = sign::stream(text.len() as u64);
    let once = |bytes: String| tokio::task::spawn_blocking(move || answered(open(at, &bytes)));
    assert_eq!(once(whole(&streamed)).await.unwrap(), 200);
    for wrong in [sign::stream(1 + text.len() as u64), sign::content(text.as_bytes())] {
        assert_eq!(once(whole(&wrong)).await.unwrap(), 401, "{wrong}");
    }
    let long = format!("content-length: {}\r\n", (64 << 20) + 1);
    assert_eq!(once(head(&app, &long, &sign::stream((64 << 20) + 1))).await.unwrap(), 413);
    let chunked = head(&app, "transfer-encoding: chunked\r\n", &streamed) + "0\r\n\r\n";
    assert_eq!(once(chunked).await.unwrap(), 411);

    // As many as there are permits wait for their bodies; the next is told to come back.
    let slow = format!("content-length: {}\r\n", 50_000_000);
    let begun = head(&app, &slow, &sign::stream(50_000_000));
    let slow: Vec<TcpStream> = (0..STREAMS_MAX).map(|_| open(at, &begun)).collect();
    let until = async |permits: usize| {
        for _ in 0..500 {
            if app.streams.available_permits() == permits {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("never {permits} permits");
    };
    until(0).await;
    assert_eq!(once(whole(&streamed)).await.unwrap(), 503);
    drop(slow);
    until(STREAMS_MAX).await;
    assert_eq!(once(whole(&streamed)).await.unwrap(), 200);
}
