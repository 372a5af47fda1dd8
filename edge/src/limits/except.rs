//! What is different for one key: its own limit, a ban, an exemption.
//!
//! Invariant: it lives in the key's object and nowhere else, so it acts within the second that
//! isolates remember a lease or a denial (M6).

use super::Limit;
use super::find::{From, Question};
use crate::auth;
use crate::call::Call;
use crate::objects::{Address, Except};
use percent_encoding::percent_decode_str;
use shared::body;
use shared::envelope::Envelope;
use shared::limits::error::INVALID;
use shared::limits::request::{CheckRequest, Override, is_key};
use shared::limits::wire::Exception;
use shared::problem::Problem;
use shared::route::Route;

/// `PUT /api/v1/limits/overrides/{policy}/{key}`.
///
/// # Errors
/// 401, 403, 404, 422, 503.
pub(crate) async fn put(call: &Call, route: &Route, at: &[&str]) -> Result<Envelope, Problem> {
    let caller = auth::caller(call, route).await?;
    let exception: Exception = body::parse(&call.json(route.bytes_max).await?)?;
    let question = Question::find(call, &caller.app, named(at)?, From::Anywhere).await?;
    let limit = question.limit(0)?;
    exception.check(limit.policy)?;
    change(call, &limit, exception).await?;
    let CheckRequest { policy, key, .. } = question.request.clone();
    Ok(Envelope::json(200, &Override { policy, key, exception }))
}

/// `DELETE /api/v1/limits/overrides/{policy}/{key}`.
///
/// # Errors
/// 401, 403, 404, 422, 503.
pub(crate) async fn delete(call: &Call, route: &Route, at: &[&str]) -> Result<Envelope, Problem> {
    let caller = auth::caller(call, route).await?;
    let question = Question::find(call, &caller.app, named(at)?, From::Anywhere).await?;
    change(call, &question.limit(0)?, Exception::default()).await?;
    Ok(Envelope::empty(204))
}

async fn change(call: &Call, limit: &Limit<'_>, exception: Exception) -> Result<(), Problem> {
    let timeout_ms = call.settings.durations.object_timeout_ms;
    let object = Address::limiter(&limit.object);
    let sent = object.send(&call.env, &Except(exception), timeout_ms).await;
    limit.forget();
    sent.map_err(|why| call.unavailable("limiter", why))
}

/// The limit that a path names.
fn named(at: &[&str]) -> Result<CheckRequest, Problem> {
    let wrong = || {
        let detail = "the key in the path must be 1 to 256 bytes of percent-encoded UTF-8";
        Problem::new(&INVALID, detail)
    };
    let [policy, key] = at else { return Err(wrong()) };
    let key = percent_decode_str(key).decode_utf8().ok().filter(|key| is_key(key));
    Ok(CheckRequest::look(policy, &key.ok_or_else(wrong)?, None))
}
