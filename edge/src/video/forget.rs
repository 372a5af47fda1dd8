//! The origin has the bucket forget a video that was deleted.
//!
//! Invariant: only the other side's signature does so; a video that its home still knows stays, so
//! that nothing goes which somebody may play. Cached copies are refused by the register.

use super::renew;
use crate::call::Call;
use crate::platform::bucket;
use crate::system;
use shared::body;
use shared::envelope::Envelope;
use shared::problem::{CONFLICT, Problem, TOO_LARGE};
use shared::video::playback::is_video;
use shared::video::presentation::{Forget, Forgotten, object_key};

/// Two names.
const BYTES_MAX: u64 = 1_024;

/// `POST /_edge/video/forget`.
///
/// # Errors
/// 400, 401, 409, 413, 422, 503.
pub(crate) async fn take(call: &Call) -> Result<Envelope, Problem> {
    let Some(bytes) = call.body(BYTES_MAX).await? else {
        return Err(Problem::new(&TOO_LARGE, format!("the body has more than {BYTES_MAX} bytes")));
    };
    system::verify(call, &bytes)?;
    let Forget { app, video } = body::read(&bytes)?;
    let lives = || Problem::new(&CONFLICT, "the video was not deleted");
    if app.is_empty() || !is_video(&video) {
        return Err(lives());
    }
    match renew(call, &video).await {
        Ok(_) => return Err(lives()),
        Err(problem) if problem.status() == 404 => {}
        Err(problem) => return Err(problem),
    }
    let prefix = object_key(&app, &video, "");
    let gone = bucket::forget(&call.env, &prefix).await;
    let (objects, more) = gone.map_err(|why| call.unavailable("bucket", why))?;
    Ok(Envelope::json(200, &Forgotten { objects, more }))
}
