//! Both roads at the origin's end: the relay against an edge that fails, refuses and forgets, and
//! deliveries that come twice, late and broken.

use crate::support::{Place, application, body, call, deliver, status};
use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use origin::app::App;
use origin::{admin, links, outbox};
use shared::id::parse_id;
use shared::links::wire::Click;
use shared::roads::{Event, Outcome, Register};
use shared::time::Millis;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// An edge that keeps the newest register of each key, refuses some, and fails when told.
#[derive(Default)]
struct Edge {
    kept: BTreeMap<(String, String), Register>,
    calls: u32,
    failures: u32,
    refuse: Option<String>,
}

type Shared = Arc<Mutex<Edge>>;

async fn projections(
    State(edge): State<Shared>,
    Json(registers): Json<Vec<Register>>,
) -> Result<Json<Vec<Outcome>>, axum::http::StatusCode> {
    let mut edge = edge.lock().unwrap();
    edge.calls += 1;
    if edge.failures > 0 {
        edge.failures -= 1;
        return Err(axum::http::StatusCode::SERVICE_UNAVAILABLE);
    }
    let outcome = |register: Register| {
        if edge.refuse.as_ref() == Some(&register.key) {
            return Outcome::Refused { why: "a test says so".into() };
        }
        let name = (register.product.clone(), register.key.clone());
        match edge.kept.get(&name) {
            Some(kept) if kept.stamp >= register.stamp => Outcome::Stale,
            _ => {
                edge.kept.insert(name, register);
                Outcome::Applied
            }
        }
    };
    let registers: Vec<Register> = registers;
    Ok(Json(registers.into_iter().map(outcome).collect()))
}

async fn edge() -> (Shared, String) {
    let edge = Shared::default();
    let router =
        Router::new().route("/_edge/projections", post(projections)).with_state(edge.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (edge, url)
}

async fn make(app: &App, owner: &str, alias: &str) {
    let text = format!(r#"{{"long_url":"https://e.example/","custom_alias":"{alias}"}}"#);
    let made = links::shorten(app, &call(owner, "POST", "/api/v1/shorten", &text)).await;
    assert_eq!(status(&made), 201);
}

async fn waiting(app: &App) -> (usize, usize) {
    let rows = app.db.read("select parked from outbox", vec![]).await.unwrap();
    let parked = rows.iter().filter(|row| origin::db::maybe_text(row, "parked").unwrap().is_some());
    (rows.len(), parked.count())
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..500 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("never: {what}");
}

const FAST: &[(&str, &str)] = &[
    ("SELVEDGE_RELAY_GRACE_MS", "0"),
    ("SELVEDGE_ROAD_BACKOFF_MS", "20"),
    ("SELVEDGE_ROAD_BACKOFF_MAX_MS", "50"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_relays_bring_everything_down_through_failures_and_park_what_is_refused() {
    let place = Place::new().await;
    let (edge, url) = edge().await;
    let (one, two) = (place.replica_with(&url, FAST).await, place.replica_with(&url, FAST).await);
    let owner = application(&one, "a").await;
    {
        let mut edge = edge.lock().unwrap();
        edge.failures = 3;
        edge.refuse = Some("0/link-7".into());
    }
    for n in 0..250 {
        make(if n % 2 == 0 { &one } else { &two }, &owner, &format!("link-{n}")).await;
    }
    let relays = [&one, &two].map(|app| tokio::spawn(outbox::relay(Arc::clone(app))));
    until("all but one are settled", async || waiting(&one).await == (1, 1)).await;
    assert_eq!(edge.lock().unwrap().kept.len(), 249);

    // The operator sees it, mends the cause and sends it again.
    let list = admin::roads::outbox(&one, &call("", "GET", "/admin/outbox?parked=1", "")).await;
    let row = body(&list)["items"][0].clone();
    assert_eq!((&row["key"], &row["parked"]), (&"0/link-7".into(), &"a test says so".into()));
    edge.lock().unwrap().refuse = None;
    let mut again = call("", "POST", "/admin/outbox/x/retry", "");
    again.segments = vec![row["id"].as_str().unwrap().into()];
    assert_eq!(status(&admin::roads::retry(&one, &again).await), 204);
    until("the last one is settled", async || waiting(&one).await == (0, 0)).await;
    assert_eq!(edge.lock().unwrap().kept.len(), 250);
    assert_eq!(status(&admin::roads::retry(&one, &again).await), 404);

    // An edge that lost everything is rebuilt; with a new epoch, what it kept is beaten.
    edge.lock().unwrap().kept.clear();
    assert_eq!(outbox::replay(&one, false).await.unwrap(), 250);
    until("the edge is rebuilt", async || edge.lock().unwrap().kept.len() == 250).await;
    outbox::replay(&one, true).await.unwrap();
    let rows = one.db.read("select next from code_range", vec![]).await.unwrap();
    let next = origin::db::number(&rows[0], "next").unwrap();
    assert!(next >= 1_000_000_000, "codes issued after the backup are passed over: {next}");
    let all_new = async || edge.lock().unwrap().kept.values().all(|kept| kept.stamp.epoch == 2);
    until("the new epoch has arrived", all_new).await;
    relays.iter().for_each(tokio::task::JoinHandle::abort);
}

fn click(link: &str, agent: &str) -> Event {
    let click = Click {
        link: link.into(),
        user_agent: agent.into(),
        referrer: "news.example".into(),
        country: "JP".into(),
        visitor: "".into(),
    };
    let body = serde_json::to_string(&click).unwrap();
    Event { product: "links".into(), at: origin::db::now(), body }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l12_a_click_counts_once_however_often_it_is_delivered() {
    const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0";
    let place = Place::new().await;
    let (one, two) = (place.replica().await, place.replica().await);
    let owner = application(&one, "a").await;
    make(&one, &owner, "abc").await;
    let path = "/api/v1/links/abc";
    let link = body(&links::get(&one, &call(&owner, "GET", path, "")).await);
    let id = link["id"].as_str().unwrap();
    assert!(parse_id("lnk", id).is_some());
    let events = |n: usize| vec![click(id, FIREFOX); n];
    assert_eq!(deliver(&one, "r/1", 1, events(10)).await, 10);
    // The same again, at both replicas at once, then overlapping, then late.
    let copies =
        (0..20).map(|n| deliver(if n % 2 == 0 { &one } else { &two }, "r/1", 1, events(10)));
    assert!(futures::future::join_all(copies).await.iter().all(|seq| *seq == 10));
    assert_eq!(deliver(&two, "r/1", 6, events(10)).await, 15);
    assert_eq!(deliver(&one, "r/1", 3, events(2)).await, 15);
    // Another recorder counts for itself; a bot counts apart; what is broken blocks nobody.
    let mut mixed = events(2);
    mixed.insert(1, click(id, "curl/8.0"));
    mixed.push(Event { product: "links".into(), at: Millis(1), body: "{}".into() });
    mixed.push(Event { product: "nobody".into(), at: Millis(1), body: "x".into() });
    mixed.push(click(id, FIREFOX));
    assert_eq!(deliver(&one, "r/2", 1, mixed).await, 6);
    let asked = call(&owner, "GET", "/api/v1/stats/abc?interval=day", "");
    let stats = body(&links::stats(&one, &asked).await);
    assert_eq!((&stats["clicks"], &stats["bots"]), (&18.into(), &1.into()));
    assert_eq!(stats["by_country"], serde_json::json!({"JP": 18}));
    assert_eq!(stats["by_referrer"], serde_json::json!({"news.example": 18}));
    assert_eq!(stats["by_browser"], serde_json::json!({"Firefox": 18}));
    assert_eq!(stats["by_device"], serde_json::json!({"desktop": 18}));
    assert_eq!(stats["series"].as_array().unwrap().len(), 1);
    let dead = admin::roads::dead_letters(&one, &call("", "GET", "/admin/dead-letters", "")).await;
    assert_eq!(body(&dead)["items"].as_array().unwrap().len(), 2);
    let stranger = application(&one, "b").await;
    let asked = call(&stranger, "GET", "/api/v1/stats/abc", "");
    assert_eq!(status(&links::stats(&one, &asked).await), 404);
}

#[tokio::test]
async fn a_node_number_is_leased_to_one_and_comes_free_again() {
    let place = Place::new().await;
    let (one, two) = (place.replica().await, place.replica().await);
    let taken = async || {
        let sql = "select n from node where leased_until > $1 order by n";
        one.db.read(sql, origin::values![origin::db::now()]).await.unwrap().len()
    };
    let each = one.ids.nodes().await.len();
    assert_eq!(taken().await, 2 * each);
    two.ids.release(&two.db).await.unwrap();
    assert_eq!(taken().await, each);
    assert!(two.ids.next().await.is_err(), "without a lease no id is drawn");
    let three = place.replica().await;
    assert!(three.ids.next().await.is_ok());
    assert_eq!(taken().await, 2 * each);
}
