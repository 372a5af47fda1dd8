//! Applications' public keys, for operators.

use super::apps;
use crate::app::App;
use crate::audit::Who;
use crate::keys::public::{self, NewPublicKey};
use crate::respond::{Call, Failure};
use shared::admin::PublicKeyRequest;
use shared::envelope::Envelope;
use shared::problem::{NOT_FOUND, Problem};
use shared::{body, page};

/// `POST /admin/public-keys`
pub async fn create(app: &App, call: &Call) -> Result<Envelope, Failure> {
    body::check_media_type(call.header("content-type").as_deref())?;
    let request: PublicKeyRequest = body::parse(&call.body)?;
    let (alg, public) = request.check()?;
    let application = apps::known(app, &request.app).await?;
    let name = request.name.as_deref().unwrap_or_default();
    let scopes = &request.scopes;
    let new = NewPublicKey { application: &application.id, name, scopes, alg, public: &public };
    let who = Who::of(app, &call.context).await?;
    let key = public::create(app, &who, new).await?;
    tracing::info!(key.kid, key.app, "an operator registers a public key");
    Ok(Envelope::json(201, &key))
}

/// `GET /admin/public-keys`
pub async fn list(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let ask = super::roads::ask(call, &["app"])?;
    let owner = page::query(&call.query).remove("app");
    let keys = public::list(app, owner.as_deref(), &ask).await?;
    Ok(Envelope::json(200, &ask.page(keys, |last| last.kid.clone())))
}

/// `DELETE /admin/public-keys/{kid}`
pub async fn revoke(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let kid = call.segment(0);
    let who = Who::of(app, &call.context).await?;
    let revoked = public::revoke(app, &who, kid).await?;
    tracing::info!(kid, revoked, "an operator revokes a public key");
    if revoked {
        return Ok(Envelope::empty(204));
    }
    Err(Problem::new(&NOT_FOUND, "no public key has this id").into())
}
