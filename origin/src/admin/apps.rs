//! Applications and their service keys, for operators.

use crate::app::App;
use crate::audit::Who;
use crate::db;
use crate::keys::{self, NewKey};
use crate::respond::{Call, Failure};
use crate::values;
use shared::admin::{App as Application, AppRequest, KeyAnswer, KeyRequest, TIER_DEFAULT};
use shared::body;
use shared::envelope::Envelope;
use shared::problem::{CONFLICT, FieldError, NOT_FOUND, Problem, UNACCEPTABLE};

/// `POST /admin/applications`
pub async fn create(app: &App, call: &Call) -> Result<Envelope, Failure> {
    body::check_media_type(call.header("content-type").as_deref())?;
    let request: AppRequest = body::parse(&call.body)?;
    request.check()?;
    let tier = request.tier.as_deref().unwrap_or(TIER_DEFAULT);
    let made = keys::create_application(app, &request.name, tier).await?;
    let taken = || Problem::new(&CONFLICT, "an application has this name");
    Ok(Envelope::json(201, &made.ok_or_else(taken)?))
}

/// `GET /admin/applications`
pub async fn list(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let ask = super::roads::ask(call, &[])?;
    let sql = "select id, name, tier, created_at from application where id > $1 \
               order by id limit $2";
    let after = ask.after.clone().unwrap_or_default();
    let rows = app.db.read(sql, values![after, ask.rows()]).await?;
    let items = rows.iter().map(keys::read_application).collect::<Result<Vec<_>, _>>()?;
    Ok(Envelope::json(200, &ask.page(items, |last| last.id.clone())))
}

/// `POST /admin/keys`
pub async fn create_key(app: &App, call: &Call) -> Result<Envelope, Failure> {
    body::check_media_type(call.header("content-type").as_deref())?;
    let request: KeyRequest = body::parse(&call.body)?;
    request.check()?;
    let application = known(app, &request.app).await?;
    let name = request.name.as_deref().unwrap_or_default();
    let new = NewKey { application: &application.id, name, scopes: &request.scopes };
    let who = Who::of(app, &call.context).await?;
    let (key, kid) = keys::create_key(app, &who, new).await?;
    let answer = KeyAnswer { kid, key, app: application.id, scopes: request.scopes };
    Ok(Envelope::json(201, &answer))
}

/// The application that a request names.
///
/// # Errors
/// 422, or the database is down.
pub async fn known(app: &App, id: &str) -> Result<Application, Failure> {
    let unknown = || {
        let detail = "no application has this id".into();
        Problem::fields(&UNACCEPTABLE, vec![FieldError { pointer: "/app".into(), detail }])
    };
    Ok(keys::application(&app.db, id).await?.ok_or_else(unknown)?)
}

/// `DELETE /admin/keys/{kid}`
pub async fn revoke_key(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let who = Who::of(app, &call.context).await?;
    let revoked = keys::revoke_key(app, &who, call.segment(0)).await?;
    let kid = call.segment(0);
    tracing::info!(kid, revoked, at = db::now().0, "an operator revokes a key");
    if revoked {
        return Ok(Envelope::empty(204));
    }
    Err(Problem::new(&NOT_FOUND, "no key has this id").into())
}
