//! Objects: the colo's cache, then the bucket, then the video's home, which pulls once.
//!
//! Invariant: an object's URL has its generation, so it is kept for ever and its tag is known
//! before anything is read. The origin is asked for nothing that the register does not name. A
//! body passes from stream to stream (`platform/bucket.rs`).

use super::manifest::{captions, cmcd, first, no_file, playlist, tagged};
use super::{Admitted, admit, report, reread, served, want};
use crate::call::Call;
use crate::log;
use crate::objects::{Address, Pull};
use crate::platform::bucket::{self, Found, Wanted};
use crate::platform::http;
use crate::respond::{self, Answer};
use lru::LruCache;
use shared::envelope::Envelope;
use shared::problem::{Problem, RANGE_NOT_SATISFIABLE};
use shared::range::Range;
use shared::roads::Register;
use shared::video::manifest::{File, file};
use shared::video::picture;
use shared::video::presentation::{Caption, PRODUCT, Presentation, bucket_key};
use shared::video::select::Choice;
use std::cell::RefCell;
use std::num::NonZeroUsize;

/// The longest that a client keeps anything, in seconds: a year.
const FOR_EVER: &str = "max-age=31536000, immutable";
/// Pictures and captions have no generation in their URLs.
const FOR_A_WHILE: &str = "max-age=300";
/// The media type of texts.
const VTT: &str = "text/vtt; charset=utf-8";
/// What an isolate remembers to have warmed: 4,096 × 100 bytes.
const WARMED_MAX: NonZeroUsize = match NonZeroUsize::new(4_096) {
    Some(max) => max,
    None => NonZeroUsize::MIN,
};

thread_local! {
    static WARMED: RefCell<LruCache<String, ()>> = RefCell::new(LruCache::new(WARMED_MAX));
}

/// One object and how it is answered.
struct Object<'a> {
    path: &'a str,
    generation: u32,
    media_type: &'a str,
    age: &'a str,
}

/// `GET /v/{id}/{rendition}/{file}`.
///
/// # Errors
/// 403, 404, 503.
pub(crate) async fn serve(call: &Call, at: &[&str]) -> Result<Answer, Problem> {
    let mut admitted = admit(call, at).await?;
    let (folder, name) =
        (at.get(1).copied().unwrap_or_default(), at.get(2).copied().unwrap_or_default());
    let wanted = file(folder, name).ok_or_else(no_file)?;
    if !knows(&admitted.video, &wanted) {
        admitted.video = reread(call, admitted.video).await?;
        if !knows(&admitted.video, &wanted) {
            return Err(no_file());
        }
    }
    match wanted {
        File::Playlist(rendition) => playlist(&admitted, rendition, false),
        File::KeyFrames(rendition) => playlist(&admitted, rendition, true),
        File::CaptionPlaylist(language) => captions(&admitted, language),
        File::Caption(language) => {
            let known = admitted.video.captions.iter().find(|one| one.language == language);
            let path = known.map(Caption::path).ok_or_else(no_file)?;
            let generation = admitted.video.generation;
            let object = Object { path: &path, generation, media_type: VTT, age: FOR_A_WHILE };
            answer(call, &admitted, object).await
        }
        File::Object { generation, path, media_type } => {
            told(call, &admitted.video, &path);
            if let Some((rendition, _)) = path.split_once('/') {
                want::tell(call, &admitted.video, rendition);
            }
            answer(call, &admitted, Object { path: &path, generation, media_type, age: FOR_EVER })
                .await
        }
    }
}

/// `GET /v/{id}/thumbnail.jpg?t&width`.
///
/// # Errors
/// 403, 404, 503.
pub(crate) async fn thumbnail(call: &Call, at: &[&str]) -> Result<Answer, Problem> {
    let admitted = admit(call, at).await?;
    let get = |name: &str| admitted.query.get(name).map(String::as_str);
    let moment: f64 = get("t").and_then(|text| text.parse().ok()).unwrap_or_default();
    let width = get("width").and_then(|text| text.parse().ok());
    let (generation, length) = (admitted.video.generation, admitted.video.duration_ms);
    // What is no number, or before the beginning, is the beginning.
    let path = picture::thumbnail((moment * 1_000.0) as u64, width, length);
    let object = Object { path: &path, generation, media_type: "image/jpeg", age: FOR_A_WHILE };
    answer(call, &admitted, object).await
}

/// `GET /v/{id}/{file}`: the poster, the storyboard.
///
/// # Errors
/// 403, 404, 503.
pub(crate) async fn picture(call: &Call, at: &[&str]) -> Result<Answer, Problem> {
    let admitted = admit(call, at).await?;
    let name = at.get(1).copied().unwrap_or_default();
    let (generation, length) = (admitted.video.generation, admitted.video.duration_ms);
    let board = admitted.video.storyboard;
    let path = match (name, board) {
        ("poster.jpg", _) => picture::poster(length),
        ("storyboard.vtt", Some(board)) => {
            let text = board.index(length, &admitted.suffix());
            let control = format!("{}, {FOR_A_WHILE}", admitted.scope());
            return Ok(tagged(text, VTT).with("cache-control", control).into());
        }
        (sheet, Some(board)) if picture::is_sheet(sheet, board.sheets()) => sheet.into(),
        _ => return Err(no_file()),
    };
    let object = Object { path: &path, generation, media_type: "image/jpeg", age: FOR_A_WHILE };
    answer(call, &admitted, object).await
}

async fn answer(call: &Call, admitted: &Admitted, object: Object<'_>) -> Result<Answer, Problem> {
    let Object { path, generation, media_type, age } = object;
    let tag = format!("\"{generation}-{path}\"");
    let envelope = Envelope::empty(200)
        .with("content-type", media_type)
        .with("etag", tag.as_str())
        .with("cache-control", format!("{}, {age}", admitted.scope()));
    let header = |name| http::header_of(&call.request, name).unwrap_or_default();
    if respond::is_among(&tag, &header("if-none-match")) {
        return Ok(Envelope { status: 304, ..envelope }.into());
    }
    // A part of another version is no part of this one (RFC 9110, section 13.1.5).
    let if_range = header("if-range");
    let fits = if_range.is_empty() || if_range.trim() == tag;
    let range = Range::read(&header("range")).filter(|_| fits);
    let key = bucket_key(&admitted.video.object_key(path), generation);
    let url = format!("{}/v/{key}", call.settings.public_url);
    let head = call.facts.method == "HEAD";
    let headers = respond::headers(call, &envelope);
    for is_second in [false, true] {
        let range = range.map(|range| serde_json::to_string(&range).unwrap_or_default());
        let wanted = Wanted { key: &key, url: &url, head, range, headers: &headers };
        let found = bucket::find(&call.env, wanted).await;
        match found.map_err(|why| call.unavailable("bucket", why))? {
            Found::Answer(response) => {
                if !head {
                    served::count(call, &admitted.video, path, &response);
                }
                let copy = Clone::clone(&response);
                call.context.wait_until(async move { bucket::kept(&copy).await });
                return Ok(Answer::Streamed(response));
            }
            Found::Beyond(size) => {
                let detail = format!("the object has {size} bytes");
                let problem = Problem::new(&RANGE_NOT_SATISFIABLE, detail);
                return Err(problem.with("content-range", format!("bytes */{size}")));
            }
            Found::Nowhere => {}
        }
        let there = !is_second && pull(call, &admitted.video.object_key(path), generation).await?;
        if !there {
            break;
        }
    }
    Err(no_file())
}

/// Has the object's home pull it; `false`: the origin has no such thing.
async fn pull(call: &Call, key: &str, generation: u32) -> Result<bool, Problem> {
    let message = Pull { key: key.into(), generation, request_id: call.id.clone() };
    let timeout_ms = call.settings.durations.stream_timeout_ms;
    let asked = Address::home(PRODUCT, key).send(&call.env, &message, timeout_ms).await;
    asked.map_err(|why| call.unavailable("home", why))
}

/// Whether the register names what is asked for.
fn knows(video: &Presentation, wanted: &File<'_>) -> bool {
    match wanted {
        File::Playlist(name) | File::KeyFrames(name) => {
            video.rendition(name).is_some_and(|head| head.segments > 0)
        }
        File::CaptionPlaylist(language) | File::Caption(language) => {
            video.captions.iter().any(|one| one.language == *language)
        }
        File::Object { generation, path, .. } => names(video, *generation, path),
    }
}

/// Whether the register names this object.
fn names(video: &Presentation, generation: u32, path: &str) -> bool {
    let Some((rendition, name)) = path.split_once('/') else { return false };
    let Some(head) = video.rendition(rendition) else { return false };
    let n = name.strip_suffix(".m4s").and_then(|n| n.parse().ok());
    generation == video.generation && n.map_or(head.segments > 0, |n: u32| n < head.segments)
}

/// What the player says with a segment: how it goes, and what it wants next.
fn told(call: &Call, video: &Presentation, path: &str) {
    let said = cmcd(call);
    if said.0.is_empty() || call.facts.method != "GET" {
        return;
    }
    if let Some((folder, name)) = path.split_once('/') {
        if let Some(n) = name.strip_suffix(".m4s").and_then(|n| n.parse().ok()) {
            report::of_segment(call, video, &said, n);
        }
        if let Some(path) = said.next().and_then(|next| next_path(folder, next))
            && names(video, video.generation, &path)
        {
            warm(call, video, path);
        }
    }
}

/// The object that `next` (CMCD's `nor`) names, relative to another of its `folder`.
fn next_path(folder: &str, next: &str) -> Option<String> {
    let next = next.split(['?', '#']).next().unwrap_or_default();
    let next = next.strip_prefix("./").unwrap_or(next);
    let (folder, name) = match next.strip_prefix("../") {
        Some(beside) => beside.split_once('/')?,
        None => (folder, next),
    };
    match file(folder, name)? {
        File::Object { path, .. } => Some(path),
        _ => None,
    }
}

/// What a player asks for first after its manifest: the init and first segments.
pub(super) fn warm_start(call: &Call, video: &Presentation, choices: &[Choice<'_>]) {
    for head in first(choices) {
        warm(call, video, format!("{}/init.mp4", head.name));
        warm(call, video, format!("{}/0.m4s", head.name));
    }
}

/// What a video's first viewers will ask for, as soon as its register names it: whoever comes when
/// it became ready finds it in the bucket.
pub(crate) fn warm_ready(call: &Call, register: &Register) {
    let read = |text: &String| serde_json::from_str::<Presentation>(text).ok();
    let Some(video) = register.value.as_ref().and_then(read) else { return };
    for head in video.renditions.iter().filter(|head| head.segments > 0) {
        warm(call, &video, format!("{}/init.mp4", head.name));
        warm(call, &video, format!("{}/0.m4s", head.name));
    }
}

/// Pulls an object that the bucket lacks, after the answer; an isolate does so once.
fn warm(call: &Call, video: &Presentation, path: String) {
    let (key, generation) = (video.object_key(&path), video.generation);
    let lies_at = bucket_key(&key, generation);
    if WARMED.with_borrow_mut(|warmed| warmed.put(lies_at.clone(), ())).is_some() {
        return;
    }
    let call = call.clone();
    call.context.clone().wait_until(async move {
        match bucket::has(&call.env, &lies_at).await {
            Ok(true) => {}
            // Whoever asks for it will hear of it.
            Ok(false) => drop(pull(&call, &key, generation).await),
            Err(why) => log::fault(&call.id, "bucket", why),
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::video::rendition::{Media, Rendition, Segment};

    #[test]
    fn v9_the_object_that_a_player_wants_next_is_found_beside_the_one_at_hand() {
        for (next, path) in [
            ("3-8.m4s", Some("v720-avc/8.m4s")),
            ("./3-8.m4s?token=t", Some("v720-avc/8.m4s")),
            ("../v480-avc/3-8.m4s", Some("v480-avc/8.m4s")),
            ("3-init.mp4", Some("v720-avc/init.mp4")),
            ("../../x/3-8.m4s", None),
            ("https://example.com/3-8.m4s", None),
            ("media.m3u8", None),
            ("", None),
        ] {
            assert_eq!(next_path("v720-avc", next).as_deref(), path, "{next}");
        }
    }

    #[test]
    fn v9_the_origin_is_asked_for_nothing_that_the_register_does_not_name() {
        let segment = Segment { duration: 4, bytes: 9, key_bytes: 2 };
        let rendition = |name: &str, segments| Rendition {
            name: name.into(),
            media: Media::Video { width: 2, height: 2, frame_rate: (1, 1) },
            codec: "avc1".into(),
            timescale: 1,
            segments: vec![segment; segments],
            complete: false,
        };
        let video = Presentation { generation: 3, ..Presentation::default() };
        let video = video.with(&[rendition("a", 2), rendition("b", 0)]).unwrap();
        assert!(names(&video, 3, "a/1.m4s") && names(&video, 3, "a/init.mp4"));
        for (generation, path) in
            [(3, "a/2.m4s"), (2, "a/1.m4s"), (3, "b/init.mp4"), (3, "c/0.m4s"), (3, "a")]
        {
            assert!(!names(&video, generation, path), "{generation} {path}");
        }
    }
}
