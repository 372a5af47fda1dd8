//! A database, replicas on it, and calls as the edge passes them on.

use origin::app::App;
use origin::config::Config;
use origin::db::{Db, Value};
use origin::respond::{Call, Failure, Stream};
use origin::{events, keys};
use shared::envelope::Envelope;
use shared::roads::{Delivery, Event};
use shared::sign::Context;
use sqlx::{AssertSqlSafe, Connection, Executor};
use std::collections::BTreeMap;
use std::sync::Arc;

pub const PUBLIC_URL: &str = "https://sho.rt";

/// A migrated database that is empty.
pub struct Place {
    url: String,
    _dir: tempfile::TempDir,
}

impl Place {
    pub async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let url = match std::env::var("TEST_DATABASE").as_deref() {
            Ok("postgres") => postgres().await,
            _ => format!("sqlite://{}/origin.sqlite?mode=rwc", dir.path().display()),
        };
        Db::open(&url).await.unwrap().migrate().await.unwrap();
        Self { url, _dir: dir }
    }

    /// One replica; `edge_url` is where its relay would send.
    pub async fn replica_with(&self, edge_url: &str, more: &[(&str, &str)]) -> Arc<App> {
        let read = |name: &str| {
            if let Some((_, value)) = more.iter().find(|(known, _)| *known == name) {
                return Some((*value).to_owned());
            }
            Some(match name {
                "DATABASE_URL" => self.url.clone(),
                "EDGE_URL" => edge_url.into(),
                "PUBLIC_URL" => PUBLIC_URL.into(),
                "SIGNING_KEYS" => format!("k1:{}", "ab".repeat(32)),
                "KEY_MAC_SECRET" | "CODE_KEY" | "TOKEN_KEY" | "DATA_KEY" => "cd".repeat(32),
                "ADMIN_KEY" => "x".repeat(32),
                _ => return None,
            })
        };
        App::start(Config::read(read).unwrap()).await.unwrap()
    }

    pub async fn replica(&self) -> Arc<App> {
        self.replica_with("http://127.0.0.1:9", &[]).await
    }
}

async fn postgres() -> String {
    sqlx::any::install_default_drivers();
    let base = std::env::var("DATABASE_URL").expect("DATABASE_URL of a PostgreSQL server");
    let name = format!("t_{}", hex::encode(rand::random::<[u8; 8]>()));
    let mut server = sqlx::AnyConnection::connect(&base).await.unwrap();
    server.execute(AssertSqlSafe(format!("create database {name}"))).await.unwrap();
    let (server, _) = base.rsplit_once('/').unwrap();
    format!("{server}/{name}")
}

/// An application that may call.
pub async fn application(app: &App, name: &str) -> String {
    keys::create_application(app, name, "free").await.unwrap().unwrap().id
}

/// A call on behalf of `app`.
pub fn call(app: &str, method: &str, path: &str, body: &str) -> Call {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let last = path.rsplit('/').next().unwrap_or_default();
    Call {
        method: method.into(),
        path: path.into(),
        query: query.into(),
        segments: vec![last.into()],
        headers: BTreeMap::from([("content-type", "application/json".into())]),
        body: body.to_owned().into(),
        stream: Stream::default(),
        context: Context {
            principal: "service:k".into(),
            app: app.into(),
            request_id: "req_test".into(),
            ..Context::default()
        },
    }
}

pub fn with(mut call: Call, name: &'static str, value: &str) -> Call {
    call.headers.insert(name, value.into());
    call
}

/// The status that the client sees.
pub fn status(result: &Result<Envelope, Failure>) -> u16 {
    match result {
        Ok(envelope) => envelope.status,
        Err(failure) => failure.problem().status(),
    }
}

pub fn body(result: &Result<Envelope, Failure>) -> serde_json::Value {
    serde_json::from_str(&result.as_ref().unwrap().body).unwrap()
}

/// A creation.
pub async fn shorten(
    app: &App,
    owner: &str,
    link: &serde_json::Value,
) -> Result<Envelope, Failure> {
    origin::links::shorten(app, &call(owner, "POST", "/api/v1/shorten", &link.to_string())).await
}

/// What the edge delivers; the highest number that is applied.
pub async fn deliver(app: &App, recorder: &str, first_seq: u64, events: Vec<Event>) -> u64 {
    let delivery = Delivery { recorder: recorder.into(), first_seq, events };
    let text = serde_json::to_string(&delivery).unwrap();
    let receipt = events::take(app, &call("", "POST", "/internal/events", &text)).await;
    body(&receipt)["applied_seq"].as_u64().unwrap()
}

/// Changes rows behind the origin's back.
pub async fn write(app: &App, sql: &str, values: Vec<Value>) {
    let mut tx = app.db.begin().await.unwrap();
    tx.write(sql, values).await.unwrap();
    tx.commit().await.unwrap();
}
