//! The isolates of one stack, and what a caller sees of a check.
//!
//! Invariant: moments are the machine's clock in milliseconds, which is also workerd's; sending is
//! rounded down and receiving up, so that what was decided lies between them.

use crate::client::{self, Client};
use crate::stack::Stack;
use reqwest::Method;
use serde_json::{Value, json};
use shared::limits::policy::Policy;
use shared::limits::request::CheckAnswer;
use shared::limits::rule::Rule;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

/// Longer than a policy waits for its object.
const TIMEOUT: Duration = Duration::from_secs(20);
/// workerd closes a connection that is idle for 5 s.
const IDLE_MAX: Duration = Duration::from_secs(2);

/// Who asks.
#[derive(Clone)]
pub(crate) struct Nodes {
    http: reqwest::Client,
    urls: Vec<String>,
    key: String,
}

/// A check, as its caller saw it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) sent_ms: u64,
    pub(crate) received_ms: u64,
    /// 0: it broke off, or was never sent.
    pub(crate) status: u16,
    /// Of a 200.
    pub(crate) said: Option<CheckAnswer>,
    /// Of a 429 and a 503, in seconds.
    pub(crate) retry_after_s: Option<u64>,
    pub(crate) body: Value,
}

impl Seen {
    pub(crate) fn is_allowed(&self) -> bool {
        self.said.as_ref().is_some_and(|said| said.allowed)
    }

    /// Whether somebody decided, instead of nobody having answered.
    pub(crate) fn is_decided(&self) -> bool {
        self.said.as_ref().is_some_and(|said| said.served_by != "failure")
    }
}

fn now_us() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    u64::try_from(now.as_micros()).unwrap()
}

pub(crate) fn now_ms() -> u64 {
    now_us() / 1_000
}

/// A policy of one rule that refuses when nobody answers: what it admits, somebody decided.
pub(crate) fn policy(rule: &Rule) -> Value {
    let mut policy = json!({
        "algorithm": rule.algorithm, "limit": rule.limit, "window_ms": rule.window_ms,
        "on_failure": "closed", "timeout_ms": 5_000,
    });
    if rule.is_bucket() {
        policy["burst"] = json!(rule.burst);
    }
    let read: Policy = serde_json::from_value(policy.clone()).unwrap();
    assert_eq!(read.check(), Ok(()), "{policy}");
    policy
}

fn urls(stack: &Stack) -> Vec<String> {
    let urls = stack.find("EDGE_URLS").unwrap_or_else(|| stack.value("EDGE_URL"));
    urls.split(',').map(str::to_owned).collect()
}

/// A client of all routes at one isolate.
pub(crate) fn client_of(stack: &Stack, node: usize) -> client::Stack {
    let value = |name: &str| match name {
        "DATA_DIR" => stack.dir().display().to_string(),
        "EDGE_URL" => urls(stack)[node].clone(),
        _ => stack.value(name),
    };
    client::Stack::told_by(value, |_| {})
}

impl Nodes {
    /// All isolates of a stack, asked with its service key (tier `unlimited`).
    pub(crate) fn of(stack: &Stack) -> Self {
        let http = reqwest::Client::builder().no_proxy().timeout(TIMEOUT);
        // What a connection that workerd closes at the same moment would lose was no check's fault.
        let http = http.pool_idle_timeout(IDLE_MAX).build().unwrap();
        Self { http, urls: urls(stack), key: stack.value("SERVICE_KEY") }
    }

    /// The first ones only.
    pub(crate) fn first(&self, count: usize) -> Self {
        assert!(count <= self.urls.len());
        Self { urls: self.urls[..count].to_vec(), ..self.clone() }
    }

    pub(crate) fn count(&self) -> usize {
        self.urls.len()
    }

    /// Publishes a policy and has every isolate read it.
    pub(crate) async fn publish(&self, name: &str, policy: &Value) {
        let path = format!("/api/v1/limits/policies/{name}");
        let client = Client::new(&self.urls[0], &self.key);
        let (status, said) = client.call(Method::PUT, &path, Some(policy.clone())).await;
        assert_eq!(status, 201, "{name}: {said}");
        for node in 0..self.urls.len() {
            let seen = self.ask(node, "", &json!({"policy": name, "key": "-", "cost": 0})).await;
            assert_eq!(seen.status, 200, "{name} at {node}: {}", seen.body);
        }
    }

    /// One unit of a key.
    pub(crate) async fn check(&self, node: usize, policy: &str, key: &str) -> Seen {
        self.ask(node, "", &json!({"policy": policy, "key": key})).await
    }

    /// `POST /api/v1/limits/check`, with a query, at one isolate.
    pub(crate) async fn ask(&self, node: usize, query: &str, body: &Value) -> Seen {
        let url = format!("{}/api/v1/limits/check{query}", self.urls[node % self.urls.len()]);
        let request = self.http.post(url).bearer_auth(&self.key);
        let request = request.header("content-type", "application/json").body(body.to_string());
        let sent_ms = now_ms();
        let (status, retry_after, text) = read(request).await.unwrap_or_default();
        let body: Value = serde_json::from_str(&text).unwrap_or_default();
        let said = (status == 200).then(|| {
            serde_json::from_value(body.clone())
                .unwrap_or_else(|why| panic!("no answer to a check: {why}: {text}"))
        });
        let received_ms = now_us().div_ceil(1_000);
        let retry_after_s = retry_after.and_then(|text| text.parse().ok());
        Seen { sent_ms, received_ms, status, said, retry_after_s, body }
    }
}

async fn read(request: reqwest::RequestBuilder) -> reqwest::Result<(u16, Option<String>, String)> {
    let answer = request.send().await?;
    let retry_after = answer.headers().get("retry-after").and_then(|value| value.to_str().ok());
    let (status, retry_after) = (answer.status().as_u16(), retry_after.map(str::to_owned));
    Ok((status, retry_after, answer.text().await?))
}

/// How many were answered how.
pub(crate) fn statuses(seen: &[Seen]) -> BTreeMap<u16, usize> {
    let mut counts = BTreeMap::new();
    for one in seen {
        *counts.entry(one.status).or_default() += 1;
    }
    counts
}
