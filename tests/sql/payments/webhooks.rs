//! P11: webhooks out, on a database and to endpoints that fail as endpoints do.

use crate::support::{Place, application, body, call, status, with, write};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use origin::app::App;
use origin::respond::Call;
use origin::webhooks::{self, News, deliveries, endpoints, relay};
use origin::{db, values};
use serde_json::{Value, json};
use shared::time::{DAY_MS, Millis};
use shared::webhook::Secret;
use shared::webhook::standard::{self, Headers};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const ENDPOINTS: &str = "/api/v1/webhook_endpoints";
const FAST: [(&str, &str); 4] = [
    ("WEBHOOKS_ALLOW_PRIVATE", "1"),
    ("SELVEDGE_WEBHOOK_BACKOFF_MS", "20"),
    ("SELVEDGE_WEBHOOK_BACKOFF_MAX_MS", "100"),
    ("SELVEDGE_WEBHOOK_TIMEOUT_MS", "1000"),
];

/// An endpoint that answers as it is told, and keeps what it was sent.
#[derive(Clone, Default)]
struct Receiver {
    /// The next answers; 200 when there is none.
    answers: Arc<Mutex<Vec<u16>>>,
    got: Arc<Mutex<Vec<(HeaderMap, String)>>>,
    /// What it says.
    text: Arc<Mutex<String>>,
}

impl Receiver {
    async fn start(answers: &[u16]) -> (Self, String) {
        let receiver = Self::default();
        receiver.say(answers);
        let app = axum::Router::new().fallback(take).with_state(receiver.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        (receiver, url)
    }

    fn say(&self, answers: &[u16]) {
        *self.answers.lock().unwrap() = answers.iter().rev().copied().collect();
    }

    fn count(&self) -> usize {
        self.got.lock().unwrap().len()
    }

    fn last(&self) -> (HeaderMap, String) {
        self.got.lock().unwrap().last().unwrap().clone()
    }
}

async fn take(
    State(receiver): State<Receiver>,
    headers: HeaderMap,
    body: String,
) -> (StatusCode, String) {
    receiver.got.lock().unwrap().push((headers, body));
    let status = receiver.answers.lock().unwrap().pop().unwrap_or(200);
    let text = receiver.text.lock().unwrap().clone();
    (StatusCode::from_u16(status).unwrap(), text)
}

fn keyed(call: Call) -> Call {
    with(call, "idempotency-key", &hex::encode(rand::random::<[u8; 8]>()))
}

fn at(owner: &str, method: &str, segments: &[&str], tail: &str) -> Call {
    let path = format!("{ENDPOINTS}/{}{tail}", segments.join("/"));
    let mut call = call(owner, method, &path, "");
    call.segments = segments.iter().map(|one| (*one).to_owned()).collect();
    keyed(call)
}

async fn make(app: &App, owner: &str, url: &str, events: &[&str]) -> Value {
    let asked = json!({"url": url, "events": events}).to_string();
    let made = endpoints::create(app, &keyed(call(owner, "POST", ENDPOINTS, &asked))).await;
    assert_eq!(status(&made), 201, "{made:?}");
    body(&made)
}

fn news(kind: &str, data: Value) -> News {
    News { kind: kind.into(), at: db::now(), data }
}

async fn tell(app: &App, owner: &str, kind: &str) -> u64 {
    let mut tx = app.db.begin().await.unwrap();
    let data = json!({"payment": "pay_1", "amount": 5});
    let told = webhooks::publish(&mut tx, app, owner, &[news(kind, data)]).await.unwrap();
    tx.commit().await.unwrap();
    told
}

fn id(made: &Value) -> &str {
    made["id"].as_str().unwrap()
}

async fn sent(app: &App, owner: &str, endpoint: &str) -> Vec<Value> {
    let listed = deliveries::list(app, &at(owner, "GET", &[endpoint], "/deliveries")).await;
    body(&listed)["items"].as_array().unwrap().clone()
}

async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !done().await {
        assert!(began.elapsed() < Duration::from_secs(20), "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn verify(secrets: &[&str], (headers, body): &(HeaderMap, String)) -> bool {
    let get = |name: &str| headers[name].to_str().unwrap().to_owned();
    let (id, timestamp) = (get("webhook-id"), get("webhook-timestamp"));
    let signature = get("webhook-signature");
    let secrets: Vec<Secret> = secrets.iter().map(|one| Secret::standard(one).unwrap()).collect();
    let headers = Headers { id: &id, timestamp: &timestamp, signature: &signature };
    standard::verify(&secrets, headers, body.as_bytes(), db::now()).is_ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p11_what_happened_is_told_signed_until_it_is_taken() {
    let place = Place::new().await;
    let app = place.replica_with("http://127.0.0.1:9", &FAST).await;
    let (ann, eve) = (application(&app, "ann").await, application(&app, "eve").await);
    let (receiver, url) = Receiver::start(&[500, 302, 404]).await;
    let made = make(&app, &ann, &url, &["payment.*"]).await;
    let secret = made["secret"].as_str().unwrap();
    make(&app, &eve, &url, &["*"]).await;
    assert_eq!(tell(&app, &ann, "payout.settled").await, 0, "nobody wants to know");
    assert_eq!(tell(&app, &ann, "payment.captured").await, 1);
    assert_eq!(receiver.count(), 0, "nothing is sent before the relay runs");
    let relay = tokio::spawn(relay::run(Arc::clone(&app)));
    until("taken", async || sent(&app, &ann, id(&made)).await[0]["status"] == "delivered").await;
    relay.abort();
    let got = receiver.got.lock().unwrap().clone();
    assert_eq!(got.len(), 4, "three times in vain; a redirect is not followed");
    assert!(got.iter().all(|one| verify(&[secret], one)));
    assert!(got.windows(2).all(|two| two[0].0["webhook-id"] == two[1].0["webhook-id"]));
    let told: Value = serde_json::from_str(&got[3].1).unwrap();
    assert_eq!((&told["type"], &told["data"]["amount"]), (&json!("payment.captured"), &json!(5)));
    assert_eq!(told["id"], got[3].0["webhook-id"].to_str().unwrap());
    let delivery = &sent(&app, &ann, id(&made)).await[0];
    assert_eq!((&delivery["attempts"], &delivery["response_status"]), (&json!(4), &json!(200)));
    assert_eq!(delivery["message"], told["id"]);
    assert!(delivery["next_attempt_at"].is_null());
    // What was not committed was not told.
    let mut tx = app.db.begin().await.unwrap();
    let data = json!({});
    let count = webhooks::publish(&mut tx, &app, &ann, &[news("payment.failed", data)]).await;
    assert_eq!(count.unwrap(), 1);
    drop(tx);
    assert_eq!(sent(&app, &ann, id(&made)).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p11_after_three_days_it_is_a_dead_letter_that_can_be_replayed() {
    let place = Place::new().await;
    let app = place.replica_with("http://127.0.0.1:9", &FAST).await;
    let ann = application(&app, "ann").await;
    let (receiver, url) = Receiver::start(&[503; 400]).await;
    let made = make(&app, &ann, &url, &["*"]).await;
    let name = id(&made);
    tell(&app, &ann, "payment.captured").await;
    let relay = tokio::spawn(relay::run(Arc::clone(&app)));
    until("tried", async || receiver.count() >= 3).await;
    // Three days pass.
    let old = Millis(db::now().0 - 3 * DAY_MS);
    write(&app, "update webhook_delivery set life_from = $1", values![old]).await;
    until("dead", async || sent(&app, &ann, name).await[0]["status"] == "dead").await;
    let found = body(&endpoints::get(&app, &at(&ann, "GET", &[name], "")).await);
    assert_eq!(found["enabled"], false, "nothing reached it for three days");
    assert_eq!(found["disabled_reason"], "nothing reached it for three days");
    assert_eq!(tell(&app, &ann, "payment.captured").await, 0, "a disabled endpoint is not told");
    let count = receiver.count();
    let dead = body(&deliveries::dead(&app, &call("", "GET", "/admin/webhooks/dead", "")).await);
    let delivery = dead["items"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(dead["items"][0]["response_status"], 503);
    let again = at(&ann, "POST", &[name, &delivery], "/redeliver");
    assert_eq!(status(&deliveries::redeliver(&app, &again).await), 409, "it is disabled");
    receiver.say(&[]);
    let mut replay = call("", "POST", &format!("/admin/webhooks/{delivery}/replay"), "");
    replay.segments = vec![delivery.clone()];
    assert_eq!(status(&deliveries::replay(&app, &replay).await), 204);
    until("replayed", async || sent(&app, &ann, name).await[0]["status"] == "delivered").await;
    assert_eq!(receiver.count(), count + 1);
    assert_eq!(status(&deliveries::replay(&app, &replay).await), 404, "it is dead no longer");
    // The owner sends it again, though it was taken: once per key.
    let again = at(&ann, "POST", &[name, &delivery], "/redeliver");
    let first = deliveries::redeliver(&app, &again).await;
    assert_eq!(status(&first), 202, "{first:?}");
    assert_eq!(body(&deliveries::redeliver(&app, &again).await), body(&first));
    until("again", async || receiver.count() == count + 2).await;
    relay.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p11_an_endpoint_that_is_gone_is_disabled_and_a_slow_one_holds_up_nobody() {
    let place = Place::new().await;
    let app = place.replica_with("http://127.0.0.1:9", &FAST).await;
    let ann = application(&app, "ann").await;
    let (gone, gone_url) = Receiver::start(&[410; 9]).await;
    let (good, good_url) = Receiver::start(&[]).await;
    // It accepts connections and says nothing.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent_url = format!("http://{}/", silent.local_addr().unwrap());
    let made = make(&app, &ann, &gone_url, &["a"]).await;
    make(&app, &ann, &silent_url, &["b"]).await;
    make(&app, &ann, &good_url, &["c"]).await;
    for kind in ["a", "b", "b", "b", "b", "b", "b", "b", "b"].iter().cycle().take(180) {
        tell(&app, &ann, kind).await;
    }
    for _ in 0..20 {
        tell(&app, &ann, "c").await;
    }
    let began = Instant::now();
    let relays = [tokio::spawn(relay::run(Arc::clone(&app)))];
    until("the good one", async || good.count() == 20).await;
    assert!(began.elapsed() < Duration::from_secs(8), "{:.1?}", began.elapsed());
    let disabled = async || {
        body(&endpoints::get(&app, &at(&ann, "GET", &[id(&made)], "")).await)["enabled"] == false
    };
    until("disabled", disabled).await;
    assert!(gone.count() <= 4, "{}", gone.count());
    relays.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p11_p18_two_replicas_send_each_message_once() {
    let place = Place::new().await;
    let one = place.replica_with("http://127.0.0.1:9", &FAST).await;
    let two = place.replica_with("http://127.0.0.1:9", &FAST).await;
    let ann = application(&one, "ann").await;
    let (receiver, url) = Receiver::start(&[]).await;
    let made = make(&one, &ann, &url, &["*"]).await;
    for _ in 0..60 {
        tell(&one, &ann, "payment.captured").await;
    }
    let relays = [&one, &two].map(|app| tokio::spawn(relay::run(Arc::clone(app))));
    let waiting = async || {
        let sql = "select id from webhook_delivery where status = 0";
        one.db.read(sql, vec![]).await.unwrap().is_empty()
    };
    until("all", waiting).await;
    relays.iter().for_each(tokio::task::JoinHandle::abort);
    assert_eq!(receiver.count(), 60);
    assert_eq!(sent(&one, &ann, id(&made)).await.len(), 50);
    // A second secret: both sign for a day, then the new one alone.
    let rotate = at(&ann, "POST", &[id(&made)], "/secret");
    let turned = body(&endpoints::rotate(&one, &rotate).await);
    let (old, new) = (made["secret"].as_str().unwrap(), turned["secret"].as_str().unwrap());
    assert_ne!(old, new);
    assert!(turned["previous_secret_until"].is_string());
    let relay = tokio::spawn(relay::run(Arc::clone(&two)));
    tell(&one, &ann, "payment.captured").await;
    until("both", async || receiver.count() == 61).await;
    assert!(verify(&[old], &receiver.last()) && verify(&[new], &receiver.last()));
    write(&one, "update webhook_endpoint set previous_until = 1", vec![]).await;
    tell(&one, &ann, "payment.captured").await;
    until("one", async || receiver.count() == 62).await;
    assert!(!verify(&[old], &receiver.last()) && verify(&[new], &receiver.last()));
    relay.abort();
}

#[tokio::test]
async fn p11_nothing_inside_is_an_endpoint_nor_called_later() {
    let place = Place::new().await;
    let open = place.replica_with("http://127.0.0.1:9", &FAST).await;
    let (receiver, url) = Receiver::start(&[]).await;
    let ann = application(&open, "ann").await;
    let guarded = place.replica_with("http://127.0.0.1:9", &FAST[1..]).await;
    for inside in
        [url.as_str(), "https://127.0.0.1/", "https://[::ffff:10.0.0.1]/", "https://0x7f.1/"]
    {
        let asked = json!({"url": inside, "events": ["*"]}).to_string();
        let made = endpoints::create(&guarded, &keyed(call(&ann, "POST", ENDPOINTS, &asked))).await;
        assert_eq!(status(&made), 422, "{inside}");
    }
    // One that came in another way, or whose name leads elsewhere by now.
    let made = make(&open, &ann, &url, &["*"]).await;
    let named = make(&open, &ann, "https://localhost/", &["*"]).await;
    tell(&guarded, &ann, "payment.captured").await;
    let relay = tokio::spawn(relay::run(Arc::clone(&guarded)));
    for endpoint in [id(&made), id(&named)] {
        until("tried", async || sent(&guarded, &ann, endpoint).await[0]["error"].is_string()).await;
        let delivery = sent(&guarded, &ann, endpoint).await.remove(0);
        assert!(delivery["error"].as_str().unwrap().starts_with("the URL must"), "{delivery}");
    }
    relay.abort();
    assert_eq!(receiver.count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p14_an_endpoints_answer_with_a_card_number_is_not_kept() {
    let place = Place::new().await;
    let app = place.replica_with("http://127.0.0.1:9", &FAST).await;
    let ann = application(&app, "ann").await;
    let (receiver, url) = Receiver::start(&[]).await;
    let made = make(&app, &ann, &url, &["*"]).await;
    let relay = tokio::spawn(relay::run(Arc::clone(&app)));
    for (text, kept) in [
        ("fine".to_owned(), json!("fine")),
        ("card 5105 1051 0510 5100".to_owned(), Value::Null),
        ("x".repeat(100_000), json!("x".repeat(256))),
    ] {
        *receiver.text.lock().unwrap() = text;
        tell(&app, &ann, "payment.captured").await;
        let taken = async || sent(&app, &ann, id(&made)).await[0]["status"] == "delivered";
        until("taken", taken).await;
        assert_eq!(sent(&app, &ann, id(&made)).await[0]["response_body"], kept);
    }
    relay.abort();
}

#[tokio::test]
async fn p11_endpoints_are_their_applications_own_and_changed_under_a_version() {
    let place = Place::new().await;
    let app = place.replica_with("http://127.0.0.1:9", &FAST).await;
    let (ann, eve) = (application(&app, "ann").await, application(&app, "eve").await);
    let asked = json!({"url": "https://e.org/", "events": ["*"]}).to_string();
    let first = keyed(call(&ann, "POST", ENDPOINTS, &asked));
    let made = endpoints::create(&app, &first).await;
    assert_eq!(body(&endpoints::create(&app, &first).await), body(&made), "a copy");
    let made = body(&made);
    let name = id(&made);
    assert_eq!(status(&endpoints::get(&app, &at(&eve, "GET", &[name], "")).await), 404);
    let shown = endpoints::get(&app, &at(&ann, "GET", &[name], "")).await.unwrap();
    assert_eq!(shown.header("etag"), Some("\"1\""));
    assert!(!shown.body.contains("whsec_"), "a secret is shown once");
    let patch = |version: &str| {
        let mut call = at(&ann, "PATCH", &[name], "");
        call.body = json!({"events": ["payment.*"], "enabled": false}).to_string().into();
        with(call, "if-match", version)
    };
    assert_eq!(status(&endpoints::patch(&app, &patch("\"9\"")).await), 412);
    let changed = endpoints::patch(&app, &patch("\"1\"")).await;
    assert_eq!(body(&changed)["enabled"], false);
    assert_eq!(status(&deliveries::test(&app, &at(&ann, "POST", &[name], "/test")).await), 409);
    let card = json!({"url": "https://e.org/?4242424242424242", "events": ["*"]}).to_string();
    let refused = endpoints::create(&app, &keyed(call(&ann, "POST", ENDPOINTS, &card))).await;
    assert_eq!(status(&refused), 422);
    for _ in 1..20 {
        make(&app, &ann, "https://e.org/", &["*"]).await;
    }
    let one_more = endpoints::create(&app, &keyed(call(&ann, "POST", ENDPOINTS, &asked))).await;
    assert_eq!(status(&one_more), 409);
    assert_eq!(status(&endpoints::delete(&app, &at(&ann, "DELETE", &[name], "")).await), 204);
    assert_eq!(status(&endpoints::get(&app, &at(&ann, "GET", &[name], "")).await), 404);
    make(&app, &ann, "https://e.org/", &["*"]).await;
    let listed = body(&endpoints::list(&app, &call(&ann, "GET", ENDPOINTS, "")).await);
    assert_eq!(listed["items"].as_array().unwrap().len(), 20);
    // Every change is in the audit, and no secret is.
    let rows = app.db.read("select action, data from audit order by n", vec![]).await.unwrap();
    let told: Vec<String> = rows.iter().map(|row| db::text(row, "action").unwrap()).collect();
    assert_eq!(told.iter().filter(|one| *one == "webhook_endpoint.created").count(), 21);
    assert!(told.iter().any(|one| one == "webhook_endpoint.changed"));
    assert!(told.iter().any(|one| one == "webhook_endpoint.deleted"));
    assert!(rows.iter().all(|row| !db::text(row, "data").unwrap().contains("whsec_")));
    let report = body(&origin::audit::check(&app, &call("", "GET", "/", "")).await);
    assert_eq!((&report["ok"], &report["records"]), (&json!(true), &json!(23)), "{report}");
}
