//! An origin, called as the edge calls it: signed, without the edge in between.

use crate::stack::Stack;
use origin::db::{self, Db};
use shared::envelope::Envelope;
use shared::links::wire::Link;
use shared::sign::{self, CONTEXT_HEADER, Context, Keys, SIGNATURE_HEADER};
use std::time::Duration;

#[derive(Clone)]
pub struct Internal {
    http: reqwest::Client,
    pub url: String,
    keys: Keys,
    context: Context,
}

impl Internal {
    pub async fn new(stack: &Stack, url: &str) -> Self {
        let db = Db::open(&stack.database_url).await.unwrap();
        let rows = db.read("select id from application where name = 'dev'", vec![]).await.unwrap();
        let secrets = std::fs::read_to_string(stack.dir().join("secrets")).unwrap();
        let keys = secrets.lines().find_map(|line| line.strip_prefix("SIGNING_KEYS=")).unwrap();
        let context = Context {
            app: db::text(&rows[0], "id").unwrap(),
            principal: "service:crash".into(),
            request_id: "req_crash".into(),
            ..Context::default()
        };
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20));
        let keys = Keys::parse(keys).unwrap();
        Self { http: http.build().unwrap(), url: url.into(), keys, context }
    }

    pub async fn is_ready(&self) -> bool {
        let asked = self.http.get(format!("{}/readyz", self.url)).send().await;
        asked.is_ok_and(|answer| answer.status() == 200)
    }

    /// The status and the body, read to its end; `None`: it did not answer.
    pub async fn post(&self, path: &str, body: &str, key: Option<&str>) -> Option<(u16, String)> {
        let context = self.context.encode();
        let content = sign::content(body.as_bytes());
        let request = sign::Request {
            method: "POST",
            path_and_query: path,
            content: &content,
            context: &context,
        };
        let signature = self.keys.sign(request, db::now(), rand::random());
        let mut call = self
            .http
            .post(format!("{}{path}", self.url))
            .header("content-type", "application/json")
            .header(CONTEXT_HEADER, &context)
            .header(SIGNATURE_HEADER, signature);
        if let Some(key) = key {
            call = call.header("idempotency-key", key);
        }
        let answer = call.body(body.to_owned()).send().await.ok()?;
        Some((answer.status().as_u16(), answer.text().await.ok()?))
    }

    /// The link, and whether the answer was given before; `None`: nobody was told of any.
    pub async fn create(&self, target: &str, key: &str) -> Option<(Link, bool)> {
        let body = serde_json::json!({ "long_url": target }).to_string();
        let (status, text) = self.post("/internal/api/v1/shorten", &body, Some(key)).await?;
        if status != 200 {
            return None;
        }
        let envelope: Envelope = serde_json::from_str(&text).ok()?;
        if envelope.status != 201 {
            return None;
        }
        Some((serde_json::from_str(&envelope.body).ok()?, envelope.replayed))
    }
}
