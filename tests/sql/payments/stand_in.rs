//! A stand-in for Stripe's API: a server that keeps state, asks for what Stripe asks for, and
//! answers Stripe's own example objects with that state in them.
//!
//! Refuses, as Stripe does: a call without our key, a POST without `Idempotency-Key`, a body that
//! is no form, a field that it does not know.

use super::{Bank, steps::payment};
use crate::support::{Place, application};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::Json;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// Not a card: Stripe's own names of its test cards.
pub(super) const VISA: &str = "pm_card_visa";
pub(super) const DECLINED: &str = "pm_card_chargeDeclined";
pub(super) const KEY: &str = "a_key_of_ours";
const FIELDS: [&str; 14] = [
    "amount",
    "amount_to_capture",
    "automatic_payment_methods[allow_redirects]",
    "automatic_payment_methods[enabled]",
    "capture_method",
    "confirm",
    "currency",
    "error_on_requires_action",
    "expand[]",
    "metadata[key]",
    "metadata[reference]",
    "payment_intent",
    "payment_method",
    "query",
];

#[derive(Default)]
pub(super) struct Stripe {
    pub(super) intents: BTreeMap<String, Value>,
    pub(super) refunds: Vec<Value>,
    /// Balance transactions, the oldest first.
    pub(super) lines: Vec<Value>,
    /// How many lines a page has; 0: all.
    pub(super) page: usize,
    /// What was answered under a key.
    answered: BTreeMap<String, (u16, Value)>,
    /// POSTs whose answer is lost: they happen.
    pub(super) lose: u32,
    pub(super) calls: u32,
}

pub(super) type Shared = Arc<Mutex<Stripe>>;

fn example(name: &str) -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/payments/");
    let text = std::fs::read_to_string(format!("{path}stripe_fixtures.json")).unwrap();
    let all: Value = serde_json::from_str(&text).unwrap();
    all[name].clone()
}

pub(super) fn overlaid(name: &str, with: Value) -> Value {
    let mut object = example(name);
    for (name, value) in with.as_object().unwrap() {
        object[name] = value.clone();
    }
    object
}

fn form(text: &str) -> BTreeMap<String, String> {
    let url = reqwest::Url::parse(&format!("http://x/?{text}")).unwrap();
    url.query_pairs().into_owned().collect()
}

fn error(status: u16, kind: &str, code: &str) -> (u16, Value) {
    (status, json!({"error": {"type": kind, "code": code, "message": "no"}}))
}

impl Stripe {
    fn create(&mut self, form: &BTreeMap<String, String>) -> (u16, Value) {
        let id = format!("pi_{}", self.intents.len() + 1);
        let amount: i64 = form["amount"].parse().unwrap();
        let manual = form["capture_method"] == "manual";
        assert_eq!((form["confirm"].as_str(), form["currency"].as_str()), ("true", "eur"));
        let metadata = json!({"key": form["metadata[key]"],
            "reference": form["metadata[reference]"]});
        let mut intent = overlaid(
            "payment_intent",
            json!({"id": id, "amount": amount, "currency": "eur", "metadata": metadata,
                "status": "requires_capture", "amount_capturable": amount,
                "last_payment_error": null, "payment_method": form["payment_method"]}),
        );
        if form["payment_method"] == DECLINED {
            let why = json!({"type": "card_error", "code": "card_declined",
                "decline_code": "generic_decline", "message": "no"});
            intent["status"] = json!("requires_payment_method");
            intent["last_payment_error"] = why.clone();
            self.intents.insert(id, intent.clone());
            let mut error = why;
            error["payment_intent"] = intent;
            return (402, json!({"error": error}));
        }
        self.intents.insert(id.clone(), intent.clone());
        if manual { (200, intent) } else { self.capture(&id, amount) }
    }

    fn capture(&mut self, id: &str, amount: i64) -> (u16, Value) {
        let Some(intent) = self.intents.get_mut(id) else {
            return error(404, "invalid_request_error", "resource_missing");
        };
        if intent["status"] != "requires_capture" {
            return error(400, "invalid_request_error", "payment_intent_unexpected_state");
        }
        let fee = amount * 29 / 1_000 + 30;
        let line = line(&format!("txn_{id}"), "charge", amount, fee);
        let charge = json!({"id": format!("ch_{id}"), "payment_intent": id,
            "metadata": intent["metadata"], "balance_transaction": line});
        intent["latest_charge"] = overlaid("charge", charge.clone());
        intent["status"] = json!("succeeded");
        (intent["amount_received"], intent["amount_capturable"]) = (json!(amount), json!(0));
        let mut line = line;
        line["source"] = overlaid("charge", charge);
        self.lines.push(line);
        (200, intent.clone())
    }

    fn cancel(&mut self, id: &str) -> (u16, Value) {
        let intent = self.intents.get_mut(id).unwrap();
        if intent["status"] != "requires_capture" {
            return error(400, "invalid_request_error", "payment_intent_unexpected_state");
        }
        intent["status"] = json!("canceled");
        (200, intent.clone())
    }

    fn refund(&mut self, form: &BTreeMap<String, String>) -> (u16, Value) {
        let amount: i64 = form["amount"].parse().unwrap();
        let of = |refund: &&Value| refund["payment_intent"] == form["payment_intent"].as_str();
        let back: i64 =
            self.refunds.iter().filter(of).map(|one| one["amount"].as_i64().unwrap()).sum();
        let taken = self.intents[&form["payment_intent"]]["amount_received"].as_i64().unwrap();
        if back + amount > taken {
            return error(400, "invalid_request_error", "charge_already_refunded");
        }
        let metadata = json!({"key": form["metadata[key]"],
            "reference": form["metadata[reference]"]});
        let refund = overlaid(
            "refund",
            json!({"id": format!("re_{}", self.refunds.len() + 1), "amount": amount,
                "currency": "eur", "payment_intent": form["payment_intent"],
                "status": "succeeded", "metadata": metadata}),
        );
        self.refunds.push(refund.clone());
        self.refund_line(&refund, "refund", -amount);
        (200, refund)
    }

    fn refund_line(&mut self, refund: &Value, kind: &str, amount: i64) {
        let id = format!("txn_{kind}_{}", refund["id"].as_str().unwrap());
        let mut line = line(&id, kind, amount, 0);
        line["source"] = refund.clone();
        self.lines.push(line);
    }

    /// Somebody refunds in the dashboard: nothing of ours stands in it.
    pub(super) fn refund_there(&mut self, intent: &str, amount: i64) -> Value {
        let refund = overlaid(
            "refund",
            json!({"id": format!("re_{}", self.refunds.len() + 1), "amount": amount,
                "currency": "eur", "payment_intent": intent, "status": "succeeded",
                "metadata": {}}),
        );
        self.refunds.push(refund.clone());
        self.refund_line(&refund, "refund", -amount);
        refund
    }

    /// A refund that had succeeded comes back.
    pub(super) fn refund_fails(&mut self, at: usize) -> Value {
        let refund = &mut self.refunds[at];
        refund["status"] = json!("failed");
        refund["failure_reason"] = json!("lost_or_stolen_card");
        let refund = refund.clone();
        self.refund_line(&refund, "refund_failure", refund["amount"].as_i64().unwrap());
        refund
    }

    fn post(&mut self, path: &str, form: &BTreeMap<String, String>) -> (u16, Value) {
        let parts: Vec<&str> = path.split('/').skip(2).collect();
        match parts.as_slice() {
            ["payment_intents"] => self.create(form),
            ["payment_intents", id, "capture"] => {
                self.capture(id, form["amount_to_capture"].parse().unwrap())
            }
            ["payment_intents", id, "cancel"] => self.cancel(id),
            ["refunds"] => self.refund(form),
            _ => panic!("{path}"),
        }
    }

    fn get(&self, path: &str, query: &BTreeMap<String, String>) -> (u16, Value) {
        let list = |data: Vec<Value>| {
            (
                200,
                json!({"object": "list", "data": data,
            "has_more": false}),
            )
        };
        match path.split('/').skip(2).collect::<Vec<_>>().as_slice() {
            ["payment_intents", "search"] => {
                let key = query["query"].strip_prefix("metadata['key']:'").unwrap();
                let key = key.strip_suffix('\'').unwrap();
                let found = |one: &&Value| one["metadata"]["key"] == key;
                list(self.intents.values().filter(found).cloned().collect())
            }
            ["payment_intents", id] => (200, self.intents[*id].clone()),
            ["refunds"] => list(self.refunds.clone()),
            ["balance_transactions"] => self.day(query),
            _ => panic!("{path}"),
        }
    }
}

/// A balance transaction of now, which is at our disposal in two days.
fn line(id: &str, kind: &str, amount: i64, fee: i64) -> Value {
    let now = origin::db::now().0 / 1_000;
    overlaid(
        "balance_transaction",
        json!({"id": id, "amount": amount, "fee": fee, "net": amount - fee, "currency": "eur",
            "created": now, "available_on": now + 2 * 24 * 60 * 60, "status": "pending",
            "type": kind}),
    )
}

impl Stripe {
    /// One page of a span of time, the newest first.
    fn day(&self, query: &BTreeMap<String, String>) -> (u16, Value) {
        let bound = |name: &str| query[name].parse::<u64>().unwrap();
        let span = bound("created[gte]")..bound("created[lt]");
        assert_eq!(query["expand[]"], "data.source");
        let lines = self.lines.iter().rev();
        let all: Vec<&Value> =
            lines.filter(|line| span.contains(&line["created"].as_u64().unwrap())).collect();
        let after = query.get("starting_after");
        let place = |last: &String| all.iter().position(|line| line["id"] == **last).unwrap() + 1;
        let rest = &all[after.map_or(0, place)..];
        let size = if self.page == 0 { rest.len() } else { self.page.min(rest.len()) };
        let more = size < rest.len();
        (200, json!({"object": "list", "data": rest[..size], "has_more": more}))
    }
}

async fn serve(
    State(stripe): State<Shared>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, Json<Value>) {
    let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let mut stripe = stripe.lock().unwrap();
    stripe.calls += 1;
    let (status, answer) = if header("authorization") != Some(format!("Bearer {KEY}")) {
        error(401, "invalid_request_error", "")
    } else if method == Method::POST {
        assert_eq!(header("content-type").unwrap(), "application/x-www-form-urlencoded");
        let key = header("idempotency-key").unwrap();
        let form = form(std::str::from_utf8(&body).unwrap());
        assert!(form.keys().all(|name| FIELDS.contains(&name.as_str())), "{form:?}");
        let known = stripe.answered.get(&key).cloned();
        let answer = known.unwrap_or_else(|| stripe.post(uri.path(), &form));
        stripe.answered.insert(key, answer.clone());
        match stripe.lose.checked_sub(1) {
            Some(less) => {
                stripe.lose = less;
                error(500, "api_error", "")
            }
            None => answer,
        }
    } else {
        stripe.get(uri.path(), &form(uri.query().unwrap_or_default()))
    };
    (StatusCode::from_u16(status).unwrap(), Json(answer))
}

/// A bank whose payments go to a stand-in.
pub(super) async fn bank(key: &str) -> (Bank, Shared) {
    let stripe = Shared::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(serve).with_state(Arc::clone(&stripe));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let place = Place::new().await;
    let with = [
        ("GATEWAY_STRIPE_URL", url.as_str()),
        ("GATEWAY_STRIPE_KEY", key),
        ("SELVEDGE_GATEWAY_BACKOFF_MS", "10"),
        ("SELVEDGE_GATEWAY_BACKOFF_MAX_MS", "40"),
    ];
    let app = place.replica_with("http://127.0.0.1:9", &with).await;
    let owner = application(&app, "bank").await;
    (Bank { place, app, owner }, stripe)
}

pub(super) fn by_card(token: &str, wallet: &str, amount: i64, capture: &str) -> Value {
    let mut text = payment("", wallet, amount, capture);
    text["source"] = json!({"gateway": "stripe", "token": token});
    text
}
