//! Bytes that this isolate served, counted by rendition, and sent up the road about once a second.
//!
//! Invariant: plain data in a static, never borrowed across an await. What a viewer broke off
//! counts whole. Lost is what a dying isolate had not sent; nothing is counted twice.

use crate::call::Call;
use crate::events;
use crate::log;
use crate::platform::clock;
use shared::time::SECOND_MS;
use shared::video::presentation::Presentation;
use shared::video::served::{BYTES_MAX, Served};
use std::cell::RefCell;
use web_sys::Response;

/// Videos that are counted between two events, 16 × 60 bytes each; further ones send these first.
const VIDEOS_MAX: usize = 128;

thread_local! {
    static OPEN: RefCell<Vec<Served>> = const { RefCell::new(Vec::new()) };
}

/// Counts an object of a video, if it is a rendition's; the first one sees to it that all are sent.
pub(super) fn count(call: &Call, video: &Presentation, path: &str, response: &Response) {
    let Some((rendition, _)) = path.split_once('/') else { return };
    if !matches!(response.status(), 200 | 206) || video.rendition(rendition).is_none() {
        return;
    }
    let length = response.headers().get("content-length").ok().flatten();
    let bytes = length.and_then(|text| text.parse::<u64>().ok()).unwrap_or_default();
    let is_full = OPEN.with_borrow(|open| {
        open.len() >= VIDEOS_MAX && !open.iter().any(|served| served.video == video.id)
    });
    if is_full {
        send(call);
    }
    let is_first = OPEN.with_borrow_mut(|open| {
        let is_first = open.is_empty();
        match open.iter_mut().find(|served| served.video == video.id) {
            Some(served) => served.add(rendition, bytes),
            None => open.push(Served {
                video: video.id.clone(),
                app: video.app.clone(),
                bytes: vec![(rendition.into(), bytes.min(BYTES_MAX))],
            }),
        }
        is_first
    });
    if is_first {
        let later = call.clone();
        call.context.wait_until(async move {
            clock::sleep(SECOND_MS).await;
            send(&later);
        });
    }
}

fn send(call: &Call) {
    let now = clock::now();
    for served in OPEN.take() {
        let event = match served.event(now) {
            Ok(event) => event,
            Err(why) => return log::fault(&call.id, "served", why),
        };
        if let Err(why) = events::push(&call.event_source(), now, &event) {
            log::fault(&call.id, "served", why);
        }
    }
}
