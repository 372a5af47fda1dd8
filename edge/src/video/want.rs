//! Which renditions viewers want, told to the origin: what nobody wants it may drop.
//!
//! Invariant: an isolate tells of a rendition once in a while; that a segment is answered does not
//! depend on it.

use super::report;
use crate::call::Call;
use crate::log;
use lru::LruCache;
use shared::time::Millis;
use shared::video::class::Class;
use shared::video::presentation::Presentation;
use shared::video::select::wants;
use shared::video::want::Want;
use std::cell::RefCell;
use std::num::NonZeroUsize;

/// Renditions that an isolate remembers to have told of: 8,192 × 100 bytes.
const TOLD_MAX: NonZeroUsize = match NonZeroUsize::new(8_192) {
    Some(max) => max,
    None => NonZeroUsize::MIN,
};

thread_local! {
    static TOLD: RefCell<LruCache<String, Millis>> = RefCell::new(LruCache::new(TOLD_MAX));
}

/// A viewer of that class would be offered what is not there.
pub(super) fn of_manifest(call: &Call, video: &Presentation, class: Class) {
    for parked in video.parked.iter().filter(|parked| wants(parked, class)) {
        tell(call, video, &parked.name);
    }
}

/// A viewer is served some of a rendition.
pub(super) fn tell(call: &Call, video: &Presentation, rendition: &str) {
    let every_ms = call.settings.durations.video_wanted_ms;
    if !is_due(format!("{}/{rendition}", video.id), call.began, every_ms) {
        return;
    }
    let want =
        Want { app: video.app.clone(), video: video.id.clone(), rendition: rendition.into() };
    match want.event(call.began) {
        Ok(event) => report::send(call, &event),
        Err(why) => log::fault(&call.id, "want", why),
    }
}

/// Makes the caller the one who tells, once in so many milliseconds.
fn is_due(name: String, now: Millis, every_ms: u64) -> bool {
    TOLD.with_borrow_mut(|told| {
        let is_due = told.get(&name).is_none_or(|at| now.since(*at) >= every_ms);
        if is_due {
            told.put(name, now);
        }
        is_due
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v13_a_rendition_is_told_of_once_a_day() {
        let name = || String::from("vid_1/v720-avc");
        assert!(is_due(name(), Millis(1_000), 86_400_000));
        assert!(!is_due(name(), Millis(86_400_999), 86_400_000));
        assert!(is_due("vid_1/v1080-avc".into(), Millis(2_000), 86_400_000));
        assert!(is_due(name(), Millis(86_401_000), 86_400_000));
    }
}
