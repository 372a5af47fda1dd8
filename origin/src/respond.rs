//! A request as handlers see it, and how what they decide becomes an answer.
//!
//! Invariant: an operation of the edge is answered 200 with an envelope whatever it decided; what
//! a caller cannot act on is logged once and answered opaquely.

use crate::db::Error;
use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, Response, StatusCode};
use futures::StreamExt;
use shared::envelope::Envelope;
use shared::idempotency::{self, Key};
use shared::payments::card;
use shared::problem::Problem;
use shared::sign::Context;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// A body that only its handler reads, as it comes.
#[derive(Clone, Debug, Default)]
pub struct Stream {
    length: u64,
    body: Arc<Mutex<Option<Body>>>,
}

impl Stream {
    /// A body of so many bytes, as it was signed.
    #[must_use]
    pub fn new(length: u64, body: Body) -> Self {
        Self { length, body: Arc::new(Mutex::new(Some(body))) }
    }

    /// Its bytes, as they were declared.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Reads what nobody took: who is still sending does not hear an answer.
    pub async fn drain(&self) {
        let Some(body) = self.take() else { return };
        let mut parts = body.into_data_stream();
        while let Some(Ok(_)) = parts.next().await {}
    }

    /// The body itself, once.
    #[must_use]
    pub fn take(&self) -> Option<Body> {
        self.body.lock().ok()?.take()
    }
}

/// A request that passed the door.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: String,
    /// As the client sees it, without `/internal`.
    pub path: String,
    pub query: String,
    /// What stands for the path's `{names}`.
    pub segments: Vec<String>,
    pub headers: BTreeMap<&'static str, String>,
    pub body: Bytes,
    /// Of a route whose body is raw; `body` is empty then.
    pub stream: Stream,
    pub context: Context,
}

impl Call {
    /// The nth segment; empty when there is none.
    #[must_use]
    pub fn segment(&self, n: usize) -> &str {
        self.segments.get(n).map_or("", String::as_str)
    }

    /// One of [`shared::sign::FORWARDED`].
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        self.headers.get(name).cloned()
    }

    /// The idempotency key, when the client sent one.
    ///
    /// # Errors
    /// 400 when it has not the form of a key.
    pub fn idempotency_key(&self) -> Result<Option<Key>, Problem> {
        let Some(key) = self.header("idempotency-key") else { return Ok(None) };
        idempotency::check_key(&key)?;
        let media_type = self.header("content-type").unwrap_or_default();
        let mut target = self.path.clone();
        if !self.query.is_empty() {
            target = format!("{target}?{}", self.query);
        }
        let fingerprint = idempotency::fingerprint(&self.method, &target, &media_type, &self.body);
        Ok(Some(Key { scope: self.context.idempotency_scope(), key, fingerprint }))
    }
}

impl Call {
    /// The idempotency key of an operation that moves money.
    ///
    /// # Errors
    /// 400 when there is none, or none with the form of a key; 422 for a card number.
    pub fn required_key(&self) -> Result<Key, Problem> {
        let key = self.idempotency_key()?.ok_or_else(idempotency::missing)?;
        card::refuse_key(&key.key)?;
        Ok(key)
    }
}

/// Why a handler has no answer of its own.
#[derive(Debug)]
pub enum Failure {
    /// The caller can act on it.
    Problem(Problem),
    /// The caller cannot.
    Internal(Error),
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Internal(error)
    }
}

impl Failure {
    /// The problem that the caller sees; logs what it does not.
    #[must_use]
    pub fn problem(&self) -> Problem {
        match self {
            Self::Problem(problem) => problem.clone(),
            Self::Internal(error) => error.problem(),
        }
    }
}

/// The answer to the edge: the envelope itself, as JSON.
#[must_use]
pub fn enveloped(envelope: &Envelope) -> Response<Body> {
    direct(&Envelope::json(200, envelope))
}

/// The answer to an operator or to a recorder.
#[must_use]
pub fn direct(envelope: &Envelope) -> Response<Body> {
    let mut response = Response::new(Body::from(envelope.body.clone()));
    *response.status_mut() =
        StatusCode::from_u16(envelope.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in &envelope.headers {
        let name = axum::http::HeaderName::try_from(name.as_str());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value.as_str())) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
