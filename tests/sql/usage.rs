//! Usage of limits: tallies that come twice and late, sums, the busiest keys, and how long they
//! are kept.

use crate::support::{Place, application, body, call, deliver, status};
use origin::app::App;
use origin::limits::{policies, retention, usage};
use origin::{admin, db, telemetry};
use serde_json::{Value, json};
use shared::limits::guard;
use shared::limits::usage::{COUNT_MAX, Counts, KEYS_MAX, KeyCounts, Tally};
use shared::limits::wire::key_hash;
use shared::roads::Event;
use shared::time::{DAY_MS, HOUR_MS, Millis, SECOND_MS};

/// 2026-11-20T05:00:00Z: an hour begins.
const T0: u64 = 1_795_150_800_000;

fn event(app: &str, at: u64, counts: Counts, keys: &[(&str, u64, u64)]) -> Event {
    let keys = keys.iter().map(|(key, allowed, refused)| KeyCounts {
        key_hash: key_hash(key),
        allowed: *allowed,
        refused: *refused,
    });
    let tally = Tally { app: app.into(), policy: "p".into(), counts, keys: keys.collect() };
    let body = serde_json::to_string(&tally).unwrap();
    Event { product: "limits".into(), at: Millis(at), body }
}

fn counts(allowed: u64, refused: u64) -> Counts {
    Counts { allowed, refused, ..Counts::default() }
}

async fn publish(app: &App, name: &str) -> String {
    let owner = application(app, name).await;
    let text = json!({"limit": 1, "window_ms": 1_000}).to_string();
    policies::put(app, &call(&owner, "PUT", "/api/v1/limits/policies/p", &text)).await.unwrap();
    owner
}

fn asked(from: u64, to: u64) -> String {
    format!("?from={}&to={}", Millis(from).to_rfc3339(), Millis(to).to_rfc3339())
}

async fn used(app: &App, owner: &str, from: u64, to: u64) -> Value {
    let mut call = call(owner, "GET", &format!("/x{}", asked(from, to)), "");
    call.segments = vec!["p".into()];
    body(&usage::get(app, &call).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tally_counts_once_however_often_it_is_delivered() {
    let place = Place::new().await;
    let (one, two) = (place.replica().await, place.replica().await);
    let owner = publish(&one, "a").await;
    let events = vec![
        event(&owner, T0 + 3_000, counts(5, 2), &[("ann", 4, 1), ("bob", 1, 1)]),
        event(&owner, T0 + 9_999, counts(1, 1), &[("ann", 1, 0)]),
        event(
            &owner,
            T0 + 10_000,
            Counts { shadowed: 7, failed_open: 8, failed_closed: 9, ..counts(0, 0) },
            &[],
        ),
    ];
    assert_eq!(deliver(&one, "r/1", 1, events.clone()).await, 3);
    let copies = (0..10).map(|n| {
        let (app, events) = (if n % 2 == 0 { &one } else { &two }, events.clone());
        deliver(app, "r/1", 1, events)
    });
    assert!(futures::future::join_all(copies).await.iter().all(|seq| *seq == 3));
    // Late from another recorder, and overlapping.
    deliver(&two, "r/2", 1, vec![event(&owner, T0 + 1, counts(10, 0), &[("cyd", 9, 0)])]).await;
    let mut more = vec![events[2].clone()];
    more.push(event(&owner, T0 + HOUR_MS, counts(1, 0), &[("bob", 1, 0)]));
    assert_eq!(deliver(&one, "r/1", 3, more).await, 4);

    let seen = used(&two, &owner, T0, T0 + HOUR_MS).await;
    assert_eq!(seen["policy"], "p");
    let all = ["allowed", "refused", "shadowed", "failed_open", "failed_closed"];
    assert_eq!(all.map(|name| seen[name].as_u64().unwrap()), [16, 3, 7, 8, 9]);
    let series = seen["series"].as_array().unwrap();
    assert_eq!(series.len(), 2);
    assert_eq!(
        (&series[0]["at"], &series[0]["allowed"]),
        (&json!("2026-11-20T05:00:00.000Z"), &json!(16))
    );
    assert_eq!(
        (&series[1]["at"], &series[1]["shadowed"]),
        (&json!("2026-11-20T05:00:10.000Z"), &json!(7))
    );
    let hottest: Vec<_> = seen["hottest"].as_array().unwrap().iter().collect();
    let key = |key: &str, allowed: u64, refused: u64| {
        let counts = (allowed, refused);
        json!({"key_hash": key_hash(key), "allowed": counts.0, "refused": counts.1})
    };
    assert_eq!(hottest, [&key("cyd", 9, 0), &key("ann", 5, 1), &key("bob", 1, 1)]);
    // A window takes whole slots; the next hour is another.
    assert_eq!(used(&one, &owner, T0 + 15_000, T0 + HOUR_MS).await["shadowed"], 7);
    assert_eq!(used(&one, &owner, T0 + 20_000, T0 + HOUR_MS).await["shadowed"], 0);
    let day = used(&one, &owner, T0, T0 + DAY_MS).await;
    assert_eq!((&day["allowed"], &day["hottest"][2]["allowed"]), (&json!(17), &json!(2)));
    // Each is counted where it was applied, once.
    let counted = async |app: &App, outcome: &str| {
        let text = telemetry::metrics(app).await.unwrap().body;
        let name = format!("limits_decisions_total{{outcome=\"{outcome}\"}} ");
        let line = text.lines().find_map(|line| line.strip_prefix(&name)).unwrap();
        line.parse::<u64>().unwrap()
    };
    let sum = async |outcome| counted(&one, outcome).await + counted(&two, outcome).await;
    assert_eq!((sum("allowed").await, sum("failed_closed").await), (17, 9));
}

#[tokio::test]
async fn usage_is_the_owners_and_a_window_is_a_day_at_most() {
    let place = Place::new().await;
    let app = place.replica().await;
    let (owner, other) = (publish(&app, "a").await, application(&app, "b").await);
    let ask = async |owner: &str, name: &str, query: &str| {
        let mut call = call(owner, "GET", &format!("/x{query}"), "");
        call.segments = vec![name.into()];
        status(&usage::get(&app, &call).await)
    };
    assert_eq!(ask(&owner, "p", "").await, 200);
    assert_eq!(ask(&owner, "p", &asked(T0, T0 + DAY_MS)).await, 200);
    assert_eq!(ask(&owner, "p", &asked(T0, T0 + DAY_MS + 1)).await, 422);
    assert_eq!(ask(&owner, "p", "?to=soon").await, 422);
    assert_eq!(ask(&other, "p", "").await, 404);
    assert_eq!(ask(&owner, "none", "").await, 404);
    let now = db::now().0;
    deliver(&app, "r/1", 1, vec![event(&owner, now, counts(3, 0), &[])]).await;
    deliver(&app, "r/2", 1, vec![event(&owner, now - 61 * 60 * SECOND_MS, counts(5, 0), &[])])
        .await;
    let mut lately = call(&owner, "GET", "/x", "");
    lately.segments = vec!["p".into()];
    assert_eq!(body(&usage::get(&app, &lately).await)["allowed"], 3, "the last hour");
}

#[tokio::test]
async fn operators_see_what_the_services_own_policies_decided() {
    let place = Place::new().await;
    let app = place.replica().await;
    let own = |policy: &str| {
        let tally = Tally {
            app: guard::APP.into(),
            policy: policy.into(),
            counts: counts(4, 1),
            keys: vec![],
        };
        let body = serde_json::to_string(&tally).unwrap();
        Event { product: "limits".into(), at: Millis(T0), body }
    };
    deliver(&app, "r/1", 1, vec![own("api"), own("public-ip")]).await;
    let ask = async |name: &str| {
        let query = asked(T0, T0 + HOUR_MS);
        let mut call = call("", "GET", &format!("/admin/limits/usage/{name}{query}"), "");
        call.segments = vec![name.into()];
        usage::own(&app, &call).await
    };
    for name in ["api", "public-ip"] {
        assert_eq!(
            (&body(&ask(name).await)["allowed"], status(&ask(name).await)),
            (&json!(4), 200)
        );
    }
    assert_eq!(body(&ask("password").await)["series"], json!([]));
    assert_eq!(status(&ask("none").await), 404);
}

#[tokio::test]
async fn a_tally_that_cannot_be_stored_is_a_dead_letter_and_blocks_nobody() {
    let place = Place::new().await;
    let app = place.replica().await;
    let owner = publish(&app, "a").await;
    let good = event(&owner, T0, counts(1, 0), &[]);
    let keys: Vec<(String, u64, u64)> = (0..=KEYS_MAX).map(|n| (n.to_string(), 1, 0)).collect();
    let keys: Vec<(&str, u64, u64)> = keys.iter().map(|(key, a, r)| (&**key, *a, *r)).collect();
    let raw = |body: &str| Event { body: body.into(), ..good.clone() };
    let events = vec![
        raw("{}"),
        raw("no JSON"),
        raw(r#"{"app":"a","policy":"No Name","allowed":1}"#),
        raw(r#"{"app":"","policy":"p","allowed":1}"#),
        raw(r#"{"app":"a","policy":"p","allowed":-1}"#),
        raw(r#"{"app":"a","policy":"p","keys":[{"key_hash":"ann","allowed":1,"refused":1}]}"#),
        event(&owner, T0, counts(COUNT_MAX + 1, 0), &[]),
        event(&owner, T0, counts(1, 0), &keys),
        good.clone(),
        event(&owner, T0, counts(COUNT_MAX, 0), &keys[1..]),
    ];
    assert_eq!(deliver(&app, "r/1", 1, events).await, 10);
    let dead = admin::roads::dead_letters(&app, &call("", "GET", "/admin/dead-letters", "")).await;
    assert_eq!(body(&dead)["items"].as_array().unwrap().len(), 8);
    assert_eq!(used(&app, &owner, T0, T0 + 1).await["allowed"], COUNT_MAX + 1);
}

#[tokio::test]
async fn slots_go_after_48_hours_and_keys_after_7_days() {
    let place = Place::new().await;
    let app = place.replica().await;
    let owner = publish(&app, "a").await;
    // More than one batch of slots at the old end, and one row at each side of each bound.
    let now = T0 + 30 * DAY_MS;
    let slot = 10 * SECOND_MS;
    let mut next = 1;
    let ages = (0..2_500).map(|n| 10 * DAY_MS + n * slot);
    let ages: Vec<u64> = ages.chain([48 * HOUR_MS + slot, 48 * HOUR_MS, 7 * DAY_MS, 0]).collect();
    for ages in ages.chunks(500) {
        let events =
            ages.iter().map(|age| event(&owner, now - age, counts(1, 0), &[("ann", 1, 0)]));
        next = deliver(&app, "r/1", next, events.collect()).await + 1;
    }
    let rows = async |table: &str| {
        let sql = format!("select count(*) as n from {table}");
        db::number(&app.db.read(&sql, vec![]).await.unwrap()[0], "n").unwrap()
    };
    assert_eq!(rows("limit_usage").await, 2_504);
    let hours = rows("limit_usage_key").await;
    assert!(hours > 6, "{hours}");
    let gone = retention::forget(&app, Millis(now)).await.unwrap();
    assert_eq!(rows("limit_usage").await, 2, "of 48 hours ago, and of now");
    let kept = "of 7 days ago, of two hours of 2 days ago, of now";
    assert_eq!(rows("limit_usage_key").await, 4, "{kept}");
    assert_eq!(gone, 2_502 + hours - 4);
    assert_eq!(retention::forget(&app, Millis(now)).await.unwrap(), 0, "twice changes nothing");
    assert_eq!(used(&app, &owner, now - HOUR_MS, now + 1).await["allowed"], 1);
}
