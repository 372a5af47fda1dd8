//! User tokens: minted here, where the signing key is; checked at the edge.

use crate::app::App;
use crate::keys;
use crate::respond::{Call, Failure};
use crate::{db, shell};
use shared::body;
use shared::envelope::Envelope;
use shared::problem::{FORBIDDEN, Problem};
use shared::roads::Register;
use shared::time::{Millis, SECOND_MS};
use shared::token::{
    Caller, Claims, KeyRecord, TTL_DEFAULT_S, TokenAnswer, TokenRequest, sign_token,
};

/// `POST /api/v1/tokens`
pub async fn mint(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let request: TokenRequest = body::parse(&call.body)?;
    request.check()?;
    let minter = minter(app, call).await?;
    let scope = request.scope_within(&minter)?;
    let now = db::now();
    let iat = now.0 / SECOND_MS;
    let claims = Claims {
        iss: app.config.public_url.clone(),
        app: minter.app,
        tier: minter.tier,
        sub: request.sub,
        scope,
        iat,
        exp: iat + request.ttl_s.unwrap_or(TTL_DEFAULT_S),
    };
    let seed = &app.config.token_seed.0;
    let make = || {
        let token = sign_token(seed, &keys::platform_kid(seed), &claims);
        let expires_at = Millis(claims.exp * SECOND_MS).to_rfc3339();
        Envelope::json(201, &TokenAnswer { token, expires_at })
    };
    Ok(shell::once(app, call.idempotency_key()?, make).await??)
}

/// The key that asks, as the truth knows it now.
async fn minter(app: &App, call: &Call) -> Result<Caller, Failure> {
    let refused = || Problem::new(&FORBIDDEN, "tokens are minted with a service key");
    let principal = call.context.principal.as_str();
    let kid = principal.strip_prefix("service:").ok_or_else(refused)?;
    let Some(Register { value: Some(value), .. }) = keys::register(app, kid).await? else {
        return Err(refused().into());
    };
    let record = serde_json::from_str(&value).map_err(db::Error::from)?;
    let KeyRecord::Service { app, tier, scopes, revoked: false, .. } = record else {
        return Err(refused().into());
    };
    Ok(Caller { principal: principal.into(), app, tier, scopes })
}
