//! The door and the table of contents: who may come in, and which handler answers.
//!
//! Invariant: a route of [`shared::route::ROUTES`] that this side serves has an arm here, or it
//! does not build; nothing is read of a request before its signature or key was checked, but its
//! bounded body.

use crate::app::App;
use crate::respond::{Call, Failure, Stream, direct, enveloped};
use crate::{
    admin, audit, db, events, limits, links, payments, privacy, sagas, telemetry, video, webhooks,
};
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::Response;
use sha2::{Digest, Sha256};
use shared::body;
use shared::envelope::Envelope;
use shared::problem::{
    MALFORMED, METHOD_NOT_ALLOWED, NOT_FOUND, Problem, TOO_LARGE, UNAUTHENTICATED, UNAVAILABLE,
};
use shared::route::{self, Access, Found, HELD_BYTES_MAX, Op, Route, Side};
use shared::sign::{self, Context};
use std::sync::Arc;
use std::time::{Duration, Instant};
use subtle::ConstantTimeEq;
use tokio::sync::OwnedSemaphorePermit;

/// The longest body that is hashed: a recorder's delivery of 1 MiB of events, escaped twice at the
/// worst, or a bulk call.
const BODY_BYTES_MAX: usize = HELD_BYTES_MAX as usize;
/// Longer than any call waits for the database and its locks.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// An operator may ask about everything: at 50,000 entries a second on a busy machine the ledger's
/// check of 10 million takes 200 s.
const OPERATOR_TIMEOUT: Duration = Duration::from_secs(900);
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
        Op::PasswordTry => links::password::attempt(app, call).await,
        Op::BlockPut => links::blocked::put(app, call).await,
        Op::BlockDelete => links::blocked::delete(app, call).await,
        Op::BlockList => links::blocked::list(app, call).await,
        Op::ReservePut => links::reserved::put(app, call).await,
        Op::ReserveDelete => links::reserved::delete(app, call).await,
        Op::ReserveList => links::reserved::list(app, call).await,

        Op::LimitPolicyPut => limits::policies::put(app, call).await,
        Op::LimitPolicyGet => limits::policies::get(app, call).await,
        Op::LimitPolicyDelete => limits::policies::delete(app, call).await,
        Op::LimitPolicyList => limits::policies::list(app, call).await,
        Op::LimitUsage => limits::usage::get(app, call).await,
        Op::LimitBacktest => limits::backtest::run(app, call).await,
        Op::LimitOwnUsage => limits::usage::own(app, call).await,

        Op::TokenMint => admin::tokens::mint(app, call).await,
        Op::PrivacyExport => privacy::export(app, call).await,
        Op::PrivacyExportGet => privacy::get_export(app, call).await,
        Op::PrivacyExportItems => privacy::items(app, call).await,
        Op::PrivacyErase => privacy::erase(app, call).await,
        Op::PrivacyErasureGet => privacy::get_erasure(app, call).await,
        Op::Events => events::take(app, call).await,
        Op::RegisterAsk => admin::registers::ask(app, call).await,

        Op::AppCreate => admin::apps::create(app, call).await,
        Op::AppList => admin::apps::list(app, call).await,
        Op::KeyCreate => admin::apps::create_key(app, call).await,
        Op::KeyRevoke => admin::apps::revoke_key(app, call).await,
        Op::PublicKeyCreate => admin::public_keys::create(app, call).await,
        Op::PublicKeyList => admin::public_keys::list(app, call).await,
        Op::PublicKeyRevoke => admin::public_keys::revoke(app, call).await,
        Op::OutboxList => admin::roads::outbox(app, call).await,
        Op::OutboxRetry => admin::roads::retry(app, call).await,
        Op::DeadLetterList => admin::roads::dead_letters(app, call).await,

        Op::OriginHealth => Ok(telemetry::health()),
        Op::OriginReady => telemetry::ready(app).await,
        Op::OriginMetrics => telemetry::metrics(app).await,
        Op::OriginOpenapi => Ok(telemetry::openapi()),

        _ => of_payments(op, app, call).await,
    }
}

async fn of_payments(op: Op, app: &Arc<App>, call: &Call) -> Result<Envelope, Failure> {
    match op {
        Op::AccountOpen => payments::accounts::open(app, call).await,
        Op::AccountList => payments::accounts::list(app, call).await,
        Op::AccountGet => payments::accounts::get(app, call).await,
        Op::AccountEntries => payments::accounts::entries(app, call).await,
        Op::AccountHolds => payments::accounts::holds(app, call).await,
        Op::AccountBalance => payments::accounts::balance(app, call).await,
        Op::AccountClose => payments::accounts::close(app, call).await,
        Op::TransferCreate => payments::transfers::create(app, call).await,
        Op::TransferGet => payments::transfers::get(app, call).await,
        Op::TransferPost => payments::transfers::post(app, call).await,
        Op::TransferVoid => payments::transfers::void(app, call).await,
        Op::PaymentCreate => payments::payment::create(app, call).await,
        Op::PaymentList => payments::payment::list(app, call).await,
        Op::PaymentGet => payments::payment::get(app, call).await,
        Op::PaymentCapture => payments::payment::capture(app, call).await,
        Op::PaymentCancel => payments::payment::cancel(app, call).await,
        Op::PaymentRefund => payments::payment::refund(app, call).await,
        Op::PaymentRefundList => payments::payment::refunds(app, call).await,
        Op::PaymentEvents => payments::payment::events(app, call).await,
        Op::GatewayOrderList => payments::orders::list(app, call).await,
        Op::GatewayOrderRetry => payments::orders::retry(app, call).await,
        Op::LedgerCheck => payments::check::check(app, call).await,
        Op::OwnLedgerCheck => payments::check::own::check(app, call).await,
        Op::LedgerProof => payments::proof::proof(app, call).await,

        _ => of_payouts(op, app, call).await,
    }
}

async fn of_payouts(op: Op, app: &Arc<App>, call: &Call) -> Result<Envelope, Failure> {
    match op {
        Op::PayoutCreate => payments::payouts::create(app, call).await,
        Op::PayoutGet => payments::payouts::get(app, call).await,
        Op::PayoutList => payments::payouts::list(app, call).await,
        Op::SagaList => sagas::list(app, call).await,
        Op::SagaGet => sagas::get(app, call).await,
        Op::SagaRetry => sagas::retry(app, call).await,
        Op::ReconciliationCreate => payments::reconciliations::create(app, call).await,
        Op::ReconciliationGet => payments::reconciliations::shown::get(app, call).await,
        Op::ReconciliationList => payments::reconciliations::shown::list(app, call).await,
        Op::ReconciliationFindings => payments::reconciliations::shown::findings(app, call).await,
        Op::OwnReconciliationCreate => payments::reconciliations::own::create(app, call).await,
        Op::OwnReconciliationList => payments::reconciliations::own::list(app, call).await,
        Op::OwnReconciliationGet => payments::reconciliations::own::get(app, call).await,
        Op::OwnReconciliationFindings => payments::reconciliations::own::findings(app, call).await,
        Op::StatementAccountPut => payments::reconciliations::daily::put(app, call).await,
        Op::DailyCloseList => payments::reconciliations::daily::list(app, call).await,

        _ => of_fraud(op, app, call).await,
    }
}

async fn of_fraud(op: Op, app: &Arc<App>, call: &Call) -> Result<Envelope, Failure> {
    match op {
        Op::PaymentReview => payments::fraud::review::decide(app, call).await,
        Op::FraudRulePut => payments::fraud::rules::put(app, call).await,
        Op::FraudRuleGet => payments::fraud::rules::get(app, call).await,
        Op::FraudRuleDelete => payments::fraud::rules::delete(app, call).await,
        Op::FraudRuleList => payments::fraud::rules::list(app, call).await,
        Op::FraudRuleVersions => payments::fraud::rules::versions(app, call).await,
        Op::FraudDecisionList => payments::fraud::attempts::list(app, call).await,
        Op::FraudBacktest => payments::fraud::backtest::run(app, call).await,

        _ => of_webhooks(op, app, call).await,
    }
}

async fn of_webhooks(op: Op, app: &Arc<App>, call: &Call) -> Result<Envelope, Failure> {
    match op {
        Op::WebhookCreate => webhooks::endpoints::create(app, call).await,
        Op::WebhookList => webhooks::endpoints::list(app, call).await,
        Op::WebhookGet => webhooks::endpoints::get(app, call).await,
        Op::WebhookPatch => webhooks::endpoints::patch(app, call).await,
        Op::WebhookDelete => webhooks::endpoints::delete(app, call).await,
        Op::WebhookRotate => webhooks::endpoints::rotate(app, call).await,
        Op::WebhookTest => webhooks::deliveries::test(app, call).await,
        Op::WebhookDeliveries => webhooks::deliveries::list(app, call).await,
        Op::WebhookRedeliver => webhooks::deliveries::redeliver(app, call).await,
        Op::WebhookDeadList => webhooks::deliveries::dead(app, call).await,
        Op::WebhookReplay => webhooks::deliveries::replay(app, call).await,
        Op::AuditCheck => audit::check(app, call).await,

        _ => videos(op, app, call).await,
    }
}

async fn videos(op: Op, app: &Arc<App>, call: &Call) -> Result<Envelope, Failure> {
    match op {
        Op::VideoCreate => video::create(app, call).await,
        Op::VideoList => video::list(app, call).await,
        Op::VideoGet => video::get(app, call).await,
        Op::VideoPatch => video::patch(app, call).await,
        Op::VideoDelete | Op::UploadDelete => video::delete(app, call).await,
        Op::VideoEvents => video::events(app, call).await,
        Op::VideoQuality => video::quality::get(app, call).await,
        Op::UploadCreate => video::upload::create(app, call).await,
        Op::UploadHead => video::upload::head(app, call).await,
        Op::UploadPart => video::upload::patch(app, call).await,
        Op::UploadFile => video::upload::put(app, call).await,
        Op::CaptionPut => video::captions::put(app, call).await,
        Op::CaptionDelete => video::captions::delete(app, call).await,

        // What the edge alone serves is not found here; tests/http visits every route.
        _ => Err(Problem::new(&NOT_FOUND, "nothing is served here").into()),
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
    let (mut call, permit) = match admit(&app, route, request).await {
        Ok(admitted) => admitted,
        Err(problem) => return refuse(&app, &problem),
    };
    call.segments = segments;
    call.path = path.strip_prefix(THROUGH).filter(|_| through).unwrap_or(&path).to_owned();
    if route.op == Op::AuditExport {
        // Its answer is as long as the ledger: it leaves line by line.
        return match audit::export::answer(&app, &call).await {
            Ok(response) => response,
            Err(failure) => direct(&shown(&app, &failure.problem(), &call.context.request_id)),
        };
    }
    if route.op == Op::ObjectGet {
        let answer = video::serve::object(&app, call.segment(0), call.segment(1)).await;
        return answer.unwrap_or_else(|problem| refuse(&app, &problem));
    }
    let call = Arc::new(call);
    let work = tokio::spawn({
        // A client that goes away does not stop a write half-way.
        let (app, call) = (Arc::clone(&app), Arc::clone(&call));
        async move {
            let _until_done = permit;
            handle(route.op, &app, &call).await
        }
    });
    let is_operator = route.path.starts_with("/admin/");
    let body = Duration::from_millis(app.config.durations.stream_timeout_ms);
    let patience = match route.is_raw() {
        true => CALL_TIMEOUT + body,
        false if is_operator => OPERATOR_TIMEOUT,
        false => CALL_TIMEOUT,
    };
    let envelope = match tokio::time::timeout(patience, work).await {
        Ok(Ok(Ok(envelope))) => envelope,
        Ok(Ok(Err(failure))) => shown(&app, &failure.problem(), &call.context.request_id),
        Ok(Err(_)) | Err(_) => {
            tracing::error!(op = ?route.op, "a handler ended without an answer");
            let late = Problem::new(&UNAVAILABLE, "no answer in time").retry_after(1);
            shown(&app, &late, &call.context.request_id)
        }
    };
    // Who stops sending in the midst loses the answer, not we the time.
    let _ = tokio::time::timeout(body, call.stream.drain()).await;
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
            Err(problem.with("allow", allow))
        }
        Found::Nothing => Err(Problem::new(&NOT_FOUND, "there is nothing here")),
    }
}

/// Checks who asks, and takes the body in; a long one under a permit, and only of who signed it.
async fn admit(
    app: &App,
    route: &Route,
    request: Request,
) -> Result<(Call, Option<OwnedSemaphorePermit>), Problem> {
    let (parts, body) = request.into_parts();
    let header = |name: &str| parts.headers.get(name)?.to_str().ok().map(str::to_owned);
    if route.access == Access::Operator && !is_operator(app, header("authorization")) {
        return Err(Problem::new(&UNAUTHENTICATED, "the operator's key is missing or wrong"));
    }
    let sealed = header(sign::CONTEXT_HEADER).unwrap_or_default();
    let is_signed = matches!(route.side, Side::Through) || route.access == Access::Signed;
    let verify = |content: String| {
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
        })
    };
    let mut stream = Stream::default();
    let (body, permit) = if route.is_raw() {
        let length = body::check_length(header("content-length").as_deref(), route.bytes_max)?;
        verify(sign::stream(length))?;
        stream = Stream::new(length, body);
        (Bytes::new(), None)
    } else if route.is_streamed() {
        let length = body::check_length(header("content-length").as_deref(), route.bytes_max)?;
        if is_signed {
            verify(sign::stream(length))?;
        }
        let (body, permit) = held(app, body, length).await?;
        (body, Some(permit))
    } else {
        let too_large =
            |_| Problem::new(&TOO_LARGE, format!("the body has more than {BODY_BYTES_MAX} bytes"));
        let body = to_bytes(body, BODY_BYTES_MAX).await.map_err(too_large)?;
        if is_signed {
            verify(sign::content(&body))?;
        }
        (body, None)
    };
    let own = Context {
        request_id: shared::id::random_id("req", rand::random()),
        principal: "operator".into(),
        ..Context::default()
    };
    let context = Context::decode(&sealed).filter(|_| is_signed).unwrap_or(own);
    let headers =
        sign::FORWARDED.into_iter().filter_map(|name| Some((name, header(name)?))).collect();
    let call = Call {
        method: parts.method.as_str().into(),
        path: String::new(),
        query: parts.uri.query().unwrap_or_default().into(),
        segments: Vec::new(),
        headers,
        body,
        stream,
        context,
    };
    Ok((call, permit))
}

/// A long body; no more of them at once than fit into memory.
async fn held(
    app: &App,
    body: Body,
    length: u64,
) -> Result<(Bytes, OwnedSemaphorePermit), Problem> {
    let full = |_| Problem::new(&UNAVAILABLE, "too many long bodies at once").retry_after(1);
    let permit = Arc::clone(&app.streams).try_acquire_owned().map_err(full)?;
    let bytes_max = usize::try_from(length).unwrap_or(usize::MAX);
    let timeout = Duration::from_millis(app.config.durations.stream_timeout_ms);
    let read = tokio::time::timeout(timeout, to_bytes(body, bytes_max)).await;
    let broken = |why| Problem::new(&MALFORMED, format!("the body {why}"));
    let bytes = read.map_err(|_| broken("took too long"))?.map_err(|_| broken("broke off"))?;
    Ok((bytes, permit))
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
