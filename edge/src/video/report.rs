//! What players tell of how it goes, onto the road up.
//!
//! Invariant: an event holds no address, no session and no agent; a segment is answered whether or
//! not its report could be taken.

use super::admit;
use crate::call::Call;
use crate::events;
use crate::log;
use shared::envelope::Envelope;
use shared::problem::Problem;
use shared::roads::Event;
use shared::route::Route;
use shared::video::cmcd::Cmcd;
use shared::video::device::device;
use shared::video::presentation::Presentation;
use shared::video::qoe::{self, Sums};

/// `POST /v/{id}/report`.
///
/// # Errors
/// 400, 403, 404, 413, 415, 422, 503.
pub(crate) async fn take(call: &Call, route: &Route, at: &[&str]) -> Result<Envelope, Problem> {
    let sums = qoe::report(&call.json(route.bytes_max).await?)?;
    let admitted = admit(call, at).await?;
    push(call, &admitted.video, sums);
    Ok(Envelope::empty(204))
}

/// A segment that a player which is no page of ours asked for.
pub(super) fn of_segment(call: &Call, video: &Presentation, said: &Cmcd, n: u32) {
    if let Some(sums) = qoe::of_segment(said, n) {
        push(call, video, sums);
    }
}

fn push(call: &Call, video: &Presentation, sums: Sums) {
    let screen = device(&call.facts.user_agent).screen;
    let of = (video.app.as_str(), video.id.as_str());
    let event = match qoe::event(of, &call.facts.country, screen, sums, call.began) {
        Ok(event) => event,
        Err(why) => return log::fault(&call.id, "report", why),
    };
    send(call, &event);
}

/// Puts an event on the road.
pub(super) fn send(call: &Call, event: &Event) {
    if let Err(why) = events::push(&call.event_source(), call.began, event) {
        log::fault(&call.id, "events", why);
    }
}
