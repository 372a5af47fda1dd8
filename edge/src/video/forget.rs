//! The origin has the bucket forget a video that was deleted, or a rendition that it lost.
//!
//! Invariant: only the other side's signature does so; what the video's home still knows stays, so
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

/// Three names.
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
    let Forget { app, video, rendition } = body::read(&bytes)?;
    let lives = || Problem::new(&CONFLICT, "it was not deleted");
    let rendition = rendition.unwrap_or_default();
    if app.is_empty() || !is_video(&video) || rendition.contains('/') {
        return Err(lives());
    }
    match renew(call, &video).await {
        Ok(known) if rendition.is_empty() || known.rendition(&rendition).is_some() => {
            return Err(lives());
        }
        Ok(_) => {}
        Err(problem) if problem.status() == 404 => {}
        Err(problem) => return Err(problem),
    }
    let prefix = match rendition.as_str() {
        "" => object_key(&app, &video, ""),
        one => object_key(&app, &video, &format!("{one}/")),
    };
    let gone = bucket::forget(&call.env, &prefix).await;
    let (objects, more) = gone.map_err(|why| call.unavailable("bucket", why))?;
    Ok(Envelope::json(200, &Forgotten { objects, more }))
}
