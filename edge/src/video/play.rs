//! Playback tokens, minted at the edge for the application whose video it is.
//!
//! Invariant: a token is of a video of the caller's application; nothing is stored, so it ends by
//! its time alone.

use super::{find, not_found};
use crate::auth;
use crate::call::Call;
use shared::body;
use shared::envelope::Envelope;
use shared::problem::Problem;
use shared::route::Route;
use shared::time::Millis;
use shared::video::playback::{PlaybackAnswer, PlaybackRequest, Token};

/// `POST /api/v1/videos/{id}/playback`.
///
/// # Errors
/// 400, 401, 403, 404, 422, 503.
pub(crate) async fn mint(call: &Call, route: &Route, at: &[&str]) -> Result<Envelope, Problem> {
    let caller = auth::caller(call, route).await?;
    let request: PlaybackRequest = body::parse(&call.json(route.bytes_max).await?)?;
    let id = at.first().copied().unwrap_or_default();
    let claims = request.claims(id, call.began)?;
    let video = find(call, id).await?;
    if video.app != caller.app {
        return Err(not_found());
    }
    let expires_at = Millis(claims.expires_s.saturating_mul(1_000));
    let Token(token) = claims.seal(&call.settings.key_mac);
    let answer = PlaybackAnswer::of(&call.settings.public_url, id, token, expires_at);
    Ok(Envelope::json(201, &answer))
}
