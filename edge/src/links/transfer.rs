//! Import and export: many links as streams, in bulk calls and pages of the origin's own API.
//!
//! Invariant: memory holds one batch or one page, however long the stream; every item has its
//! answer, in order, and a bad one spoils no other; what an answer says was created, redirects.

use crate::api;
use crate::auth;
use crate::call::Call;
use crate::platform::Thrown;
use crate::platform::http::{Body, Pipe};
use crate::respond::{Answer, headers};
use serde_json::{Value, json};
use shared::envelope::Envelope;
use shared::idempotency;
use shared::links::csv::{self, Item};
use shared::links::import::Form;
use shared::links::password::BULK_PASSWORDS_MAX;
use shared::links::query;
use shared::links::request::BULK_MAX;
use shared::links::wire::{BulkAnswer, BulkResult, Link};
use shared::page::{LIMIT_MAX, Page};
use shared::problem::{FieldError, Problem, UNACCEPTABLE};
use shared::route::Route;
use shared::token::Caller;
use std::mem::take;
use std::rc::Rc;

/// Items of one call to the origin.
const BATCH_MAX: usize = BULK_MAX / 2;
/// Bytes of one call to the origin: a quarter of its bound, since one more item may follow.
const BATCH_BYTES_MAX: usize = 1 << 20;

/// `POST /api/v1/links/import`: CSV, lines of JSON, or a JSON array of up to 4 MiB.
///
/// # Errors
/// 400, 401, 403, 415, 422.
pub(crate) async fn import(call: &Call, route: &'static Route) -> Result<Answer, Problem> {
    let caller = auth::caller(call, route).await?;
    let media_type = call.header("content-type")?.unwrap_or_default();
    let form = Form::of(&media_type)?;
    let key = call.header("idempotency-key")?;
    if let Some(key) = &key {
        idempotency::check_key(&format!("{key}/{}", u64::MAX))?;
    }
    let body = Body::of(&call.request).map_err(|why| call.fault("import", why))?;
    let pipe = open(call, "application/x-ndjson")?;
    let response = pipe.response();
    let mut work = Import {
        call: call.clone(),
        caller,
        key,
        form,
        pipe,
        batch: Vec::new(),
        bytes: 0,
        passwords: 0,
        done: 0,
        batches: 0,
    };
    call.context.wait_until(async move {
        if let Err(why) = work.run(&body).await {
            crate::log::fault(&work.call.id, "import", why);
        }
    });
    Ok(Answer::Streamed(response))
}

fn open(call: &Call, media_type: &str) -> Result<Pipe, Problem> {
    let envelope = Envelope::empty(200).with("content-type", media_type);
    Pipe::open(envelope.status, &headers(call, &envelope)).map_err(|why| call.fault("stream", why))
}

struct Import {
    call: Call,
    caller: Caller,
    key: Option<String>,
    form: Form,
    pipe: Pipe,
    batch: Vec<Item>,
    bytes: usize,
    /// Of the batch, those with a password.
    passwords: usize,
    done: u64,
    batches: u64,
}

impl Import {
    async fn run(&mut self, body: &Body) -> Result<(), Thrown> {
        loop {
            let part = body.next().await?.unwrap_or_default();
            match self.form.feed(&part) {
                Ok(items) => {
                    for item in items {
                        self.take(item).await?;
                    }
                }
                Err(problem) => {
                    self.flush().await?;
                    self.say(None, problem.status(), None, Some(self.shown(&problem))).await?;
                    break;
                }
            }
            if part.is_empty() {
                self.flush().await?;
                break;
            }
        }
        self.pipe.close().await
    }

    async fn take(&mut self, item: Item) -> Result<(), Thrown> {
        let has_password = |body: &Value| body.get("password").is_some();
        if item.body.as_ref().is_ok_and(has_password) {
            self.passwords = self.passwords.saturating_add(1);
        }
        self.bytes = self.bytes.saturating_add(match &item.body {
            Ok(body) => body.to_string().len(),
            Err(_) => 0,
        });
        self.batch.push(item);
        let is_full = self.batch.len() >= BATCH_MAX || self.bytes >= BATCH_BYTES_MAX;
        if is_full || self.passwords >= BULK_PASSWORDS_MAX {
            self.flush().await?;
        }
        Ok(())
    }

    /// Has the batch created and says what became of each item.
    async fn flush(&mut self) -> Result<(), Thrown> {
        let batch = take(&mut self.batch);
        (self.bytes, self.passwords) = (0, 0);
        let readable: Vec<&Value> =
            batch.iter().filter_map(|item| item.body.as_ref().ok()).collect();
        if batch.is_empty() {
            return Ok(());
        }
        self.batches = self.batches.saturating_add(1);
        let key = self.key.as_ref().map(|key| format!("{key}/{}", self.batches));
        let answer = api::bulk(&self.call, &self.caller, &readable, key.as_deref()).await;
        let mut results = match answer {
            Ok(BulkAnswer { results }) => results.into_iter(),
            Err(problem) => {
                let body = Some(self.shown(&problem));
                let failed = BulkResult { status: problem.status(), link: None, problem: body };
                vec![failed; readable.len()].into_iter()
            }
        };
        for item in &batch {
            let result = match &item.body {
                Ok(_) => results.next(),
                Err(problem) => Some(BulkResult {
                    status: problem.status(),
                    link: None,
                    problem: Some(self.shown(problem)),
                }),
            };
            let Some(BulkResult { status, link, problem }) = result else { continue };
            self.say(Some(item.line), status, link, problem).await?;
        }
        Ok(())
    }

    fn shown(&self, problem: &Problem) -> Value {
        let text = problem.to_json(&self.call.settings.public_url, &self.call.id);
        serde_json::from_str(&text).unwrap_or_default()
    }

    async fn say(
        &mut self,
        line: Option<u64>,
        status: u16,
        link: Option<Value>,
        problem: Option<Value>,
    ) -> Result<(), Thrown> {
        let mut said = json!({"index": self.done, "line": line, "status": status});
        if let Value::Object(members) = &mut said {
            members.extend(link.map(|link| ("link".to_string(), link)));
            members.extend(problem.map(|problem| ("problem".to_string(), problem)));
        }
        self.done = self.done.saturating_add(1);
        self.pipe.write(&format!("{said}\n")).await
    }
}

/// `GET /api/v1/links/export?format=csv|json`: everything, oldest pages last.
///
/// # Errors
/// 401, 403, 422, 503.
pub(crate) async fn export(call: &Call, route: &'static Route) -> Result<Answer, Problem> {
    let caller = auth::caller(call, route).await?;
    let query = query::known(&call.facts.query, route.query)?;
    let is_csv = match query.get("format").map(String::as_str) {
        None | Some("csv") => true,
        Some("json") => false,
        Some(_) => {
            let detail = "must be csv or json".into();
            let error = FieldError { pointer: "?format".into(), detail };
            return Err(Problem::fields(&UNACCEPTABLE, vec![error]));
        }
    };
    // The first page decides whether there is an answer at all.
    let first = api::links(call, &caller, &format!("limit={LIMIT_MAX}")).await?;
    let pipe = open(call, if is_csv { "text/csv; charset=utf-8" } else { "application/x-ndjson" })?;
    let response = pipe.response();
    let call = call.clone();
    let context = Rc::clone(&call.context);
    context.wait_until(async move {
        if let Err(why) = write(&call, &caller, &pipe, first, is_csv).await {
            // The body ends without its close: the client sees a broken transfer, not a short one.
            crate::log::fault(&call.id, "export", why);
        }
    });
    Ok(Answer::Streamed(response))
}

async fn write(
    call: &Call,
    caller: &Caller,
    pipe: &Pipe,
    first: Page<Link>,
    is_csv: bool,
) -> Result<(), Thrown> {
    if is_csv {
        pipe.write(&csv::header()).await?;
    }
    let mut page = first;
    loop {
        let mut text = String::new();
        for link in &page.items {
            if is_csv {
                text.push_str(&csv::row(link));
            } else {
                text.push_str(&serde_json::to_string(link)?);
                text.push('\n');
            }
        }
        pipe.write(&text).await?;
        let Some(cursor) = page.next_cursor else { return pipe.close().await };
        let query = format!("limit={LIMIT_MAX}&cursor={cursor}");
        page = api::links(call, caller, &query)
            .await
            .map_err(|problem| Thrown(format!("the export broke off: {}", problem.detail)))?;
    }
}
