//! Objects for the edge: streamed, with their length, under the name that the presentation gives.
//!
//! Invariant: what a name and a generation served once is what they serve for ever, or nothing.

use super::{pictures, row};
use crate::app::App;
use crate::objects;
use axum::body::Body;
use axum::http::{HeaderValue, Response, header};
use shared::problem::{NOT_FOUND, Problem, UNAVAILABLE};
use shared::video::wire;

/// `GET /internal/objects/{key}/{generation}`
///
/// # Errors
/// 404, 503.
pub async fn object(app: &App, key: &str, generation: &str) -> Result<Response<Body>, Problem> {
    let absent = || Problem::new(&NOT_FOUND, "no such object");
    let key = decoded(key).ok_or_else(absent)?;
    let (owner, rest) = key.split_once('/').ok_or_else(absent)?;
    let (video, path) = rest.split_once('/').ok_or_else(absent)?;
    let id = wire::parse(video).ok_or_else(absent)?;
    let row = row::any(&app.db, id).await.map_err(|error| error.problem())?;
    let row = row.filter(|row| {
        row.app == owner
            && row.deleted_at.is_none()
            && row.generation.to_string() == generation
            && !path.starts_with("source/")
    });
    let found = pictures::find(app, &row.ok_or_else(absent)?, path).await;
    let found = found.map_err(|error| match error {
        objects::Error::Absent => absent(),
        other => {
            tracing::error!(error = %other, "an object cannot be read");
            Problem::new(&UNAVAILABLE, "the store of objects does not answer").retry_after(1)
        }
    })?;
    served(app, id, path, found.bytes);
    let mut response = Response::new(Body::from_stream(found.parts));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(found.bytes));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type(path)));
    Ok(response)
}

/// Counts and logs what leaves: an object once in all the world, unless the bucket lost it.
fn served(app: &App, video: u64, path: &str, bytes: u64) {
    app.metrics.objects_served.inc();
    app.metrics.object_bytes.inc_by(bytes);
    tracing::info!(video = wire::video_id(video), path, bytes, "object");
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("mp4" | "m4s") if path.starts_with('a') => "audio/mp4",
        Some("mp4" | "m4s") => "video/mp4",
        Some("jpg") => "image/jpeg",
        Some("vtt") => "text/vtt; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// Undoes `%2F`.
fn decoded(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        let (high, low) = (digit(bytes.next())?, digit(bytes.next())?);
        out.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_the_edge_writes_them() {
        let path = shared::video::presentation::object_path("app_1/vid_2/v720-avc/7.m4s", 3);
        let segment = path.split('/').nth(3).unwrap();
        assert_eq!(decoded(segment).as_deref(), Some("app_1/vid_2/v720-avc/7.m4s"));
        assert_eq!(decoded("a%2"), None);
        assert_eq!(decoded("a%zz"), None);
        assert_eq!(media_type("a0-aac/init.mp4"), "audio/mp4");
        assert_eq!(media_type("v720-avc/0.m4s"), "video/mp4");
    }
}
