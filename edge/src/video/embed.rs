//! The page with a player: a file of the assets, the same for every video.
//!
//! Invariant: the page reads the video's id from its own address, so nothing of a request stands in
//! it; its headers stand in `edge/console/static/_headers`.

use crate::call::Call;
use crate::platform::http;
use crate::respond::Answer;
use crate::system;
use shared::problem::Problem;
use shared::video::playback::is_video;

/// Where the assets have it.
const PAGE: &str = "/embed/player";

/// `GET /embed/{id}`.
///
/// # Errors
/// 404, 503.
pub(crate) async fn page(call: &Call, at: &[&str]) -> Result<Answer, Problem> {
    if !at.first().is_some_and(|id| is_video(id)) {
        return Err(super::not_found());
    }
    match http::asset_at(&call.env, &call.request, PAGE, &call.id).await {
        Ok(Some(response)) => Ok(Answer::Streamed(response)),
        Ok(None) => Err(system::not_found()),
        Err(why) => Err(call.unavailable("assets", why)),
    }
}
