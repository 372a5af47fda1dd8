//! The door and the table of contents: who may come in, and which handler answers.
//!
//! Invariant: a route of [`shared::route::ROUTES`] that this side serves has an arm here, or it
//! does not build; nothing is read of a request before its signature or key was checked, but its
//! bounded body.

use crate::app::App;
use crate::respond::{Call, Failure, HEADERS, direct, enveloped};
use crate::{admin, db, events, links, payments, telemetry};
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::Response;
use sha2::{Digest, Sha256};
use shared::envelope::Envelope;
use shared::problem::{
    METHOD_NOT_ALLOWED, NOT_FOUND, Problem, TOO_LARGE, UNAUTHENTICATED, UNAVAILABLE,
};
use shared::route::{self, Access, Found, Op, Route, Side};
use shared::sign::{self, Context};
use std::sync::Arc;
use std::time::{Duration, Instant};
use subtle::ConstantTimeEq;

/// The longest body: a recorder's delivery of 1 MiB of events, escaped twice at the worst, or
/// a bulk call.
const BODY_BYTES_MAX: usize = 4 << 20;
/// Longer than any call waits for the database and its locks.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// What stands before the path of an operation that the edge passes on.
const THROUGH: &str = "/internal";

/// The whole service.
pub fn router(app: Arc<App>) -> axum::Router {
    axum::Router::new().fallback(door).with_state(app)
}

async fn handle(op: Op, app: &Arc<App>, call: &Call) -> Result<Envelope, Failure> {
    match op {
        Op::Shorten => links::shorten(app, call).await,
        Op::LinkList => links::list(app, call).await,
        Op::LinkGet => links::get(app, call).await,
        Op::LinkPatch => links::patch(app, call).await,
        Op::LinkDelete => links::delete(app, call).await,
        Op::LinkStats => links::stats(app, call).await,
        Op::LinkBulk => links::bulk::bulk(app, call).await,
        Op::BlockPut => links::blocked::put(app, call).await,
        Op::BlockDelete => links::blocked::delete(app, call).await,
        Op::BlockList => links::blocked::list(app, call).await,

        Op::AccountOpen => payments::accounts::open(app, call).await,
        Op::AccountGet => payments::accounts::get(app, call).await,
        Op::AccountEntries => payments::accounts::entries(app, call).await,
        Op::AccountBalance => payments::accounts::balance(app, call).await,
        Op::AccountClose => payments::accounts::close(app, call).await,
        Op::TransferCreate => payments::transfers::create(app, call).await,
        Op::TransferGet => payments::transfers::get(app, call).await,
        Op::TransferPost => payments::transfers::post(app, call).await,
        Op::TransferVoid => payments::transfers::void(app, call).await,
        Op::LedgerCheck => payments::check::check(app, call).await,
        Op::LedgerProof => payments::proof::proof(app, call).await,

        Op::TokenMint => admin::tokens::mint(app, call).await,
        Op::Events => events::take(app, call).await,
        Op::RegisterAsk => admin::registers::ask(app, call).await,

        Op::AppCreate => admin::apps::create(app, call).await,
        Op::AppList => admin::apps::list(app, call).await,
        Op::KeyCreate => admin::apps::create_key(app, call).await,
        Op::KeyRevoke => admin::apps::revoke_key(app, call).await,
        Op::OutboxList => admin::roads::outbox(app, call).await,
        Op::OutboxRetry => admin::roads::retry(app, call).await,
        Op::DeadLetterList => admin::roads::dead_letters(app, call).await,

        Op::OriginHealth => Ok(telemetry::health()),
        Op::OriginReady => telemetry::ready(app).await,
        Op::OriginMetrics => telemetry::metrics(app).await,
        Op::OriginOpenapi => Ok(telemetry::openapi()),

        Op::Redirect
        | Op::LinkImport
        | Op::LinkExport
        | Op::LinkQr
        | Op::EdgeHealth
        | Op::EdgeOpenapi
        | Op::ProblemType
        | Op::Projections => Err(Problem::new(&NOT_FOUND, "the edge serves this").into()),
    }
}

async fn door(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    let began = Instant::now();
    let method = request.method().as_str().to_owned();
    let path = request.uri().path().to_owned();
    let (route, segments, through) = match find(&method, &path) {
        Ok(found) => found,
        Err(problem) => return refuse(&app, &problem),
    };
    let mut call = match admit(&app, route, request).await {
        Ok(call) => call,
        Err(problem) => return refuse(&app, &problem),
    };
    call.segments = segments;
    call.path = path.strip_prefix(THROUGH).filter(|_| through).unwrap_or(&path).to_owned();
    let call = Arc::new(call);
    let work = tokio::spawn({
        // A client that goes away does not stop a write half-way.
        let (app, call) = (Arc::clone(&app), Arc::clone(&call));
        async move { handle(route.op, &app, &call).await }
    });
    let envelope = match tokio::time::timeout(CALL_TIMEOUT, work).await {
        Ok(Ok(Ok(envelope))) => envelope,
        Ok(Ok(Err(failure))) => shown(&app, &failure.problem(), &call.context.request_id),
        Ok(Err(_)) | Err(_) => {
            tracing::error!(op = ?route.op, "a handler ended without an answer");
            let late = Problem::new(&UNAVAILABLE, "no answer in time").retry_after(1);
            shown(&app, &late, &call.context.request_id)
        }
    };
    telemetry::request(&app, route, &call, &envelope, began.elapsed());
    if through { enveloped(&envelope) } else { direct(&envelope) }
}

/// The route, what stands for its names, and whether the edge passed it on.
fn find(method: &str, path: &str) -> Result<(&'static Route, Vec<String>, bool), Problem> {
    let inner = path.strip_prefix(THROUGH).filter(|inner| inner.starts_with("/api/"));
    let found = match inner {
        Some(inner) => route::find(method, inner, |side| side == Side::Through),
        None => route::find(method, path, |side| side == Side::Origin),
    };
    match found {
        Found::Route(route, segments) => {
            let segments = segments.into_iter().map(Into::into).collect();
            Ok((route, segments, inner.is_some()))
        }
        Found::OtherMethod(allow) => {
            let problem = Problem::new(&METHOD_NOT_ALLOWED, format!("this path knows {allow}"));
            Err(Problem { allow: Some(allow), ..problem })
        }
        Found::Nothing => Err(Problem::new(&NOT_FOUND, "there is nothing here")),
    }
}

async fn admit(app: &App, route: &Route, request: Request) -> Result<Call, Problem> {
    let (parts, body) = request.into_parts();
    let header = |name: &str| parts.headers.get(name)?.to_str().ok().map(str::to_owned);
    if route.access == Access::Operator && !is_operator(app, header("authorization")) {
        return Err(Problem::new(&UNAUTHENTICATED, "the operator's key is missing or wrong"));
    }
    let too_large =
        |_| Problem::new(&TOO_LARGE, format!("the body has more than {BODY_BYTES_MAX} bytes"));
    let body = to_bytes(body, BODY_BYTES_MAX).await.map_err(too_large)?.to_vec();
    let sealed = header(sign::CONTEXT_HEADER).unwrap_or_default();
    let is_signed = matches!(route.side, Side::Through) || route.access == Access::Signed;
    if is_signed {
        let content = sign::content(&body);
        let signed = sign::Request {
            method: parts.method.as_str(),
            path_and_query: parts.uri.path_and_query().map_or("", |all| all.as_str()),
            content: &content,
            context: &sealed,
        };
        let signature = header(sign::SIGNATURE_HEADER).unwrap_or_default();
        app.config.signing_keys.verify(signed, db::now(), &signature).map_err(|refused| {
            tracing::warn!(?refused, op = ?route.op, "a signature was refused");
            Problem::new(&UNAUTHENTICATED, "the request is not signed by the edge")
        })?;
    }
    let own = Context {
        request_id: shared::id::random_id("req", rand::random()),
        principal: "operator".into(),
        ..Context::default()
    };
    let context = Context::decode(&sealed).filter(|_| is_signed).unwrap_or(own);
    let headers = HEADERS.into_iter().filter_map(|name| Some((name, header(name)?))).collect();
    Ok(Call {
        method: parts.method.as_str().into(),
        path: String::new(),
        query: parts.uri.query().unwrap_or_default().into(),
        segments: Vec::new(),
        headers,
        body,
        context,
    })
}

fn is_operator(app: &App, authorization: Option<String>) -> bool {
    let given = authorization.unwrap_or_default();
    let bearer = given.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let given = bearer.map_or("", |(_, key)| key.trim());
    let (given, wanted) =
        (Sha256::digest(given.as_bytes()), Sha256::digest(app.config.admin_key.0.as_bytes()));
    given.as_slice().ct_eq(wanted.as_slice()).into()
}

fn refuse(app: &App, problem: &Problem) -> Response<Body> {
    let id = shared::id::random_id("req", rand::random());
    tracing::info!(request_id = id, status = problem.status(), problem.detail, "refused");
    app.metrics.refused.inc();
    let mut envelope = shown(app, problem, &id);
    if problem.kind == &UNAUTHENTICATED {
        envelope = envelope.with("www-authenticate", "Bearer");
    }
    direct(&envelope)
}

fn shown(app: &App, problem: &Problem, request_id: &str) -> Envelope {
    Envelope::problem(problem, &app.config.public_url, request_id)
}
