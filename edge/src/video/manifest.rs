//! Manifests: what is chosen for this request, and the playlists of a rendition.
//!
//! Invariant: a master playlist depends on the video, the class of the request and the token alone;
//! it is never kept for somebody else, since it says no `Vary`. What its player will ask for first
//! is on its way to the bucket before it asks.

use super::{Admitted, admit, object, want};
use crate::call::Call;
use crate::platform::http;
use crate::respond::Answer;
use shared::envelope::Envelope;
use shared::problem::Problem;
use shared::roads::fnv1a;
use shared::video::cmcd::{Cmcd, HEADERS};
use shared::video::error::{NO_FILE, NOT_PLAYABLE};
use shared::video::explain::explain;
use shared::video::manifest::{dash, hls};
use shared::video::presentation::{Head, Presentation, Status};
use shared::video::select::{Choice, select, short_side};
use shared::video::signals::{Classified, Line, Signals};
use std::collections::BTreeMap;

/// Headers that say something of a player or its line.
const HINTS: [&str; 9] = [
    "save-data",
    "ect",
    "downlink",
    "rtt",
    "viewport-width",
    "sec-ch-viewport-width",
    "dpr",
    "sec-ch-dpr",
    "user-agent",
];
/// A playlist that grows is asked for again after a segment's time; half of the shortest.
const LIVE_MAX_AGE_S: u64 = 1;
/// One that is closed changes only with a new encoding.
const CLOSED_MAX_AGE_S: u64 = 60;

/// Which manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// HLS.
    Hls,
    /// DASH.
    Dash,
}

/// `GET /v/{id}/master.m3u8` and `GET /v/{id}/manifest.mpd`.
///
/// # Errors
/// 403, 404, 409, 503.
pub(crate) async fn master(call: &Call, at: &[&str], form: Form) -> Result<Answer, Problem> {
    let admitted = admit(call, at).await?;
    let video = &admitted.video;
    let classified = signals(call, &admitted).classify();
    let choices = select(&video.renditions, classified.class);
    if !choices.iter().any(|one| one.reason.keeps() && short_side(one.head).is_some()) {
        return Err(nothing(video));
    }
    if admitted.query.get("explain").is_some_and(|value| value == "1") {
        return Ok(explained(&classified, &choices));
    }
    object::warm_start(call, video, &choices);
    want::of_manifest(call, video, classified.class);
    let (text, media_type) = match form {
        Form::Hls => (hls::master(video, &choices, &admitted.suffix()), hls::MEDIA_TYPE),
        Form::Dash => {
            (dash::mpd(video, &choices, &admitted.suffix(), call.began), dash::MEDIA_TYPE)
        }
    };
    Ok(tagged(text, media_type).with("cache-control", "private, no-cache").into())
}

/// `GET /v/{id}/{rendition}/media.m3u8`, and `iframes.m3u8`.
///
/// # Errors
/// 404.
pub(crate) fn playlist(
    admitted: &Admitted,
    rendition: &str,
    is_key_frames: bool,
) -> Result<Answer, Problem> {
    let video = &admitted.video;
    let head = video.rendition(rendition).filter(|head| head.segments > 0);
    let head = head.ok_or_else(no_file)?;
    let suffix = admitted.suffix();
    let text = match is_key_frames {
        true => hls::key_frames(video, head, &suffix).ok_or_else(no_file)?,
        false => hls::media(video, head, &suffix),
    };
    Ok(kept(admitted, text, head.complete))
}

/// `GET /v/{id}/captions/{language}.m3u8`.
///
/// # Errors
/// 404.
pub(crate) fn captions(admitted: &Admitted, language: &str) -> Result<Answer, Problem> {
    let video = &admitted.video;
    if !video.captions.iter().any(|one| one.language == language) {
        return Err(no_file());
    }
    Ok(kept(admitted, hls::captions(video, language, &admitted.suffix()), true))
}

fn kept(admitted: &Admitted, text: String, is_closed: bool) -> Answer {
    let age_s = if is_closed { CLOSED_MAX_AGE_S } else { LIVE_MAX_AGE_S };
    let control = format!("{}, max-age={age_s}", admitted.scope());
    tagged(text, hls::MEDIA_TYPE).with("cache-control", control).into()
}

pub(super) fn tagged(text: String, media_type: &str) -> Envelope {
    let tag = format!("\"{:016x}\"", fnv1a(text.as_bytes()));
    let envelope = Envelope::empty(200).with("content-type", media_type).with("etag", tag);
    Envelope { body: text, ..envelope }
}

fn explained(classified: &Classified, choices: &[Choice<'_>]) -> Answer {
    Envelope::json(200, &explain(classified, choices)).with("cache-control", "no-store").into()
}

fn nothing(video: &Presentation) -> Problem {
    let problem = |detail: &str| Problem::new(&NOT_PLAYABLE, detail);
    match video.status {
        Status::Failed => problem("the video could not be transcoded"),
        Status::Ready => problem("the video has no picture"),
        Status::Uploading => problem("the video is still being uploaded").retry_after(5),
        Status::Queued | Status::Transcoding => {
            problem("the video's first segments are still being made").retry_after(1)
        }
    }
}

/// 404 for what a video does not have.
pub(super) fn no_file() -> Problem {
    Problem::new(&NO_FILE, "the video has no such file")
}

/// What the player says of itself, in its headers or its query.
pub(super) fn cmcd(call: &Call) -> Cmcd {
    let in_query = Cmcd::of_query(&call.facts.query);
    if !in_query.0.is_empty() {
        return in_query;
    }
    let said = HEADERS.map(|name| http::header_of(&call.request, name).unwrap_or_default());
    Cmcd::of_headers(said.iter().map(String::as_str))
}

fn signals(call: &Call, admitted: &Admitted) -> Signals {
    let hints: BTreeMap<&str, String> = HINTS
        .into_iter()
        .filter_map(|name| Some((name, http::header_of(&call.request, name)?)))
        .collect();
    let header = |name: &str| hints.get(name).map_or("", String::as_str);
    let max_height = admitted.query.get("max_height").and_then(|text| text.parse().ok());
    let line = Line {
        tcp_rtt_ms: call.facts.tcp_rtt_ms.parse().ok(),
        asn: call.facts.asn.parse().ok(),
        country: &call.facts.country,
    };
    let claims = admitted.claims.as_ref();
    let plan = claims.and_then(|claims| claims.plan.as_deref());
    let cap = claims.and_then(|claims| claims.max_height);
    let policy = &admitted.video.policy;
    Signals::read(header, max_height, line, &cmcd(call), (plan, cap), policy)
}

/// The first choice's rendition and the first sound's.
pub(super) fn first<'a>(choices: &[Choice<'a>]) -> impl Iterator<Item = &'a Head> {
    let kept = || choices.iter().filter(|one| one.reason.keeps()).map(|one| one.head);
    let picture = kept().find(|head| short_side(head).is_some());
    let sound = kept().find(|head| short_side(head).is_none());
    picture.into_iter().chain(sound)
}
