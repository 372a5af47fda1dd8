//! What a client of the edge does: create, follow, ask; and says how it ended.
//!
//! Invariant: an answer counts once its whole body was read; what broke off before is in doubt,
//! unless no connection was made at all.

use serde_json::Value;
use std::time::Duration;

pub const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0";
pub const CURL: &str = "curl/8.5.0";

/// Longer than the edge waits for the origin.
const TIMEOUT: Duration = Duration::from_secs(20);

#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    edge: String,
    key: String,
}

/// How a creation ended.
#[derive(Debug)]
pub enum Made {
    /// 201, read to its end.
    Link { id: String, code: String, long_url: String, replayed: bool },
    /// 503, with `Retry-After`.
    Unavailable(Option<String>),
    /// 409: a copy of the request is under way.
    InProgress,
    /// Nobody listens.
    NotSent,
    /// It broke off.
    Broken(String),
    /// Anything else.
    Other(u16, String),
}

/// How a redirect ended.
#[derive(Debug)]
pub enum Followed {
    /// Any answer, read to its end: the status and where to.
    Answer(u16, String),
    /// Nobody listens.
    NotSent,
    /// It broke off.
    Broken(String),
}

impl Client {
    pub fn new(edge: &str, key: &str) -> Self {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(TIMEOUT)
            .build()
            .unwrap();
        Self { http, edge: edge.into(), key: key.into() }
    }

    /// `POST /api/v1/shorten`
    pub async fn create(&self, long_url: &str, key: &str) -> Made {
        let body = serde_json::json!({ "long_url": long_url }).to_string();
        let request = self
            .http
            .post(format!("{}/api/v1/shorten", self.edge))
            .bearer_auth(&self.key)
            .header("content-type", "application/json")
            .header("idempotency-key", key)
            .body(body);
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) if error.is_connect() => return Made::NotSent,
            Err(error) => return Made::Broken(format!("{error:?}")),
        };
        let status = answer.status().as_u16();
        let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok());
        let retry_after = header("retry-after").map(str::to_owned);
        let replayed = header("idempotent-replayed") == Some("true");
        let text = match answer.text().await {
            Ok(text) => text,
            Err(error) => return Made::Broken(format!("{error:?}")),
        };
        match status {
            201 => {
                let link: Value = serde_json::from_str(&text).unwrap();
                let field = |name: &str| link[name].as_str().unwrap().to_owned();
                let (id, code) = (field("id"), field("short_code"));
                Made::Link { id, code, long_url: field("long_url"), replayed }
            }
            503 => Made::Unavailable(retry_after),
            409 => Made::InProgress,
            _ => Made::Other(status, text),
        }
    }

    /// The code of a link that must be made, while nothing is killed.
    pub async fn must_create(&self, long_url: &str, key: &str) -> String {
        match self.create(long_url, key).await {
            Made::Link { code, .. } => code,
            other => panic!("no link for {long_url}: {other:?}"),
        }
    }

    /// `GET /{code}`, or `HEAD`.
    pub async fn follow(&self, method: reqwest::Method, code: &str, agent: &str) -> Followed {
        let url = format!("{}/{code}", self.edge);
        let answer = match self.http.request(method, url).header("user-agent", agent).send().await {
            Ok(answer) => answer,
            Err(error) if error.is_connect() => return Followed::NotSent,
            Err(error) => return Followed::Broken(format!("{error:?}")),
        };
        let status = answer.status().as_u16();
        let location = answer.headers().get("location").and_then(|value| value.to_str().ok());
        let location = location.unwrap_or_default().to_owned();
        match answer.bytes().await {
            Ok(_) => Followed::Answer(status, location),
            Err(error) => Followed::Broken(format!("{error:?}")),
        }
    }

    /// A call of the API at the edge: the status and the JSON, if it is any.
    pub async fn call(
        &self,
        method: reqwest::Method,
        path: &str,
        body: Option<Value>,
    ) -> (u16, Value) {
        let mut request =
            self.http.request(method, format!("{}{path}", self.edge)).bearer_auth(&self.key);
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or_default())
    }

    /// The clicks of a link and its bots.
    pub async fn counted(&self, code: &str) -> (u64, u64) {
        let path = format!("/api/v1/stats/{code}");
        for _ in 0..20 {
            let (status, stats) = self.call(reqwest::Method::GET, &path, None).await;
            if status == 200 {
                return (stats["clicks"].as_u64().unwrap(), stats["bots"].as_u64().unwrap());
            }
            assert_eq!(status, 503, "stats of {code}: {stats}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        panic!("no stats of {code} for four seconds");
    }
}
