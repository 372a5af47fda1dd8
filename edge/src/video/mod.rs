//! video: manifests chosen for a request, objects through cache and bucket, the player's page.
//!
//! Invariant: whatever is served was read in the video's register first, so what was deleted or
//! is signed is refused although its objects still lie in a cache; what may be played is decided in
//! `shared`. A register that grows is asked for at its home, a second old at most.

pub(crate) mod embed;
pub(crate) mod forget;
pub(crate) mod manifest;
pub(crate) mod object;
pub(crate) mod play;
pub(crate) mod report;
mod served;
mod want;

use crate::call::{Call, unavailable};
use crate::registers::{self, Read};
use lru::LruCache;
use shared::page;
use shared::problem::Problem;
use shared::time::Millis;
use shared::video::error::{DENIED, NO_VIDEO};
use shared::video::playback::{Claims, is_video};
use shared::video::presentation::{Presentation, Visibility};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::rc::Rc;

/// Videos that an isolate remembers to have read at their homes: 1,024 × 64 bytes.
const RENEWED_MAX: NonZeroUsize = match NonZeroUsize::new(1_024) {
    Some(max) => max,
    None => NonZeroUsize::MIN,
};

thread_local! {
    /// When a video was last read at its home for being out of date.
    static RENEWED: RefCell<LruCache<String, Millis>> = RefCell::new(LruCache::new(RENEWED_MAX));
}

/// A video that this viewer may play.
pub(crate) struct Admitted {
    /// The video.
    pub(crate) video: Rc<Presentation>,
    /// What the token says; `None`: everybody may.
    pub(crate) claims: Option<Claims>,
    /// The query.
    pub(crate) query: BTreeMap<String, String>,
}

impl Admitted {
    /// What every URL of a manifest ends with.
    pub(crate) fn suffix(&self) -> String {
        match self.query.get("token") {
            Some(token) if self.claims.is_some() => format!("?token={token}"),
            _ => String::new(),
        }
    }

    /// Who may keep an answer.
    pub(crate) fn scope(&self) -> &'static str {
        if self.claims.is_some() { "private" } else { "public" }
    }
}

/// Lets a viewer in, or not.
///
/// # Errors
/// 403, 404, 503.
pub(crate) async fn admit(call: &Call, segments: &[&str]) -> Result<Admitted, Problem> {
    let id = segments.first().copied().unwrap_or_default();
    let video = find(call, id).await?;
    let query = page::query(&call.facts.query);
    let claims = match video.visibility {
        Visibility::Public => None,
        Visibility::Signed => Some(opened(call, id, query.get("token").map(String::as_str))?),
    };
    Ok(Admitted { video, claims, query })
}

fn opened(call: &Call, id: &str, token: Option<&str>) -> Result<Claims, Problem> {
    Claims::open(&call.settings.key_mac, token, id, &call.facts.ip, call.began)
        .map_err(|why| Problem::new(&DENIED, why.detail()))
}

/// The video, a second old at most while it grows.
///
/// # Errors
/// 404, 503.
pub(crate) async fn find(call: &Call, id: &str) -> Result<Rc<Presentation>, Problem> {
    if !is_video(id) {
        return Err(not_found());
    }
    let video = of(registers::read(call, id).await)?;
    if video.grows() && is_due(id, call.began, call.settings.durations.video_live_ms) {
        return renew(call, id).await.or(Ok(video));
    }
    Ok(video)
}

/// The video as its home knows it, because somebody asks for what `known` does not name: another
/// isolate may have told of it. What no longer grows is read so once a second.
///
/// # Errors
/// 404, 503.
pub(crate) async fn reread(
    call: &Call,
    known: Rc<Presentation>,
) -> Result<Rc<Presentation>, Problem> {
    let live_ms = call.settings.durations.video_live_ms;
    if known.grows() || is_due(&known.id, call.began, live_ms) {
        return renew(call, &known.id).await;
    }
    Ok(known)
}

async fn renew(call: &Call, id: &str) -> Result<Rc<Presentation>, Problem> {
    of(registers::renew(call, id).await)
}

fn of(read: Read<Presentation>) -> Result<Rc<Presentation>, Problem> {
    match read {
        Read::Found(Some(video)) => Ok(video),
        Read::Found(None) | Read::Absent => Err(not_found()),
        Read::Unavailable => Err(unavailable()),
    }
}

/// Makes the caller the one who asks, once in so many milliseconds.
fn is_due(id: &str, now: Millis, live_ms: u64) -> bool {
    RENEWED.with_borrow_mut(|renewed| {
        let is_due = renewed.get(id).is_none_or(|at| now.since(*at) >= live_ms);
        if is_due {
            renewed.put(id.into(), now);
        }
        is_due
    })
}

fn not_found() -> Problem {
    Problem::new(&NO_VIDEO, "there is no such video")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_asks_in_a_second() {
        assert!(is_due("a", Millis(10_000), 1_000));
        assert!(!is_due("a", Millis(10_999), 1_000) && is_due("b", Millis(10_999), 1_000));
        assert!(is_due("a", Millis(11_000), 1_000));
    }
}
