//! Resumable uploads: tus 1.0 with `creation`, `checksum`, `expiration`, `termination`, as rules.
//!
//! Invariant: a part is taken in at the very offset where the last ended, or not at all; what was
//! acknowledged is never asked for again. Source: tus.io/protocols/resumable-upload, 1.0.0.

use super::error::{
    CHECKSUM, CHECKSUM_ALGORITHM, INVALID, TUS_VERSION, UPLOAD_CLOSED, UPLOAD_GONE, UPLOAD_OFFSET,
    UPLOAD_TOO_LARGE,
};
use super::presentation::Status;
use crate::problem::{FieldError, MALFORMED, Problem, UNSUPPORTED_MEDIA_TYPE};
use crate::time::Millis;
use alloc::{format, string::String, vec, vec::Vec};
use base64::{Engine, prelude::BASE64_STANDARD};

/// The one version.
pub const VERSION: &str = "1.0.0";
/// What is understood beyond the core.
pub const EXTENSIONS: &str = "creation,checksum,expiration,termination";
/// The checksums of parts.
pub const CHECKSUMS: &str = "sha1,sha256";
/// The media type of a part.
pub const PART_TYPE: &str = "application/offset+octet-stream";
/// Bytes of one part, or of a whole file by PUT: the edge's platform takes bodies of 100 MB.
pub const PART_BYTES_MAX: u64 = 64 << 20;

/// An upload as far as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upload {
    /// Of the video.
    pub status: Status,
    /// How long the whole is; `None`: nobody said it.
    pub length: Option<u64>,
    /// How many bytes are there.
    pub offset: u64,
    /// Then it is given up.
    pub expires_at: Millis,
}

/// A part that may come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Where it begins.
    pub offset: u64,
    /// Its bytes.
    pub length: u64,
    /// What its bytes must give.
    pub checksum: Option<Checksum>,
}

/// A checksum that was sent with a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// 20 bytes.
    Sha1(Vec<u8>),
    /// 32 bytes.
    Sha256(Vec<u8>),
}

/// Checks `Tus-Resumable`, on everything but `PUT`.
///
/// # Errors
/// 412 for another version, or none.
pub fn version(header: Option<&str>) -> Result<(), Problem> {
    if header == Some(VERSION) {
        return Ok(());
    }
    Err(Problem::new(&TUS_VERSION, format!("Tus-Resumable must be {VERSION}")))
}

/// Reads `Upload-Length` of a creation.
///
/// # Errors
/// 400 for none or no number, 413 above `bytes_max`, 422 for nothing.
pub fn length(header: Option<&str>, bytes_max: u64) -> Result<u64, Problem> {
    let missing = || Problem::new(&MALFORMED, "Upload-Length must say how long the whole is");
    let length = header.and_then(whole).ok_or_else(missing)?;
    check_size(length, bytes_max)?;
    Ok(length)
}

/// Checks how long a whole upload is to be.
///
/// # Errors
/// 413 above `bytes_max`.
pub fn check_size(length: u64, bytes_max: u64) -> Result<(), Problem> {
    if length <= bytes_max {
        return Ok(());
    }
    Err(Problem::new(&UPLOAD_TOO_LARGE, format!("a source has at most {bytes_max} bytes")))
}

fn whole(text: &str) -> Option<u64> {
    // `u64::from_str` takes a sign.
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

impl Upload {
    /// Whether anything may still come.
    ///
    /// # Errors
    /// 410 when its time is over, 409 when it is whole.
    pub fn open(&self, now: Millis) -> Result<(), Problem> {
        if self.status != Status::Uploading {
            return Err(Problem::new(&UPLOAD_CLOSED, "every byte is there"));
        }
        if now >= self.expires_at {
            return Err(Problem::new(&UPLOAD_GONE, "its time is over; make a new video"));
        }
        Ok(())
    }

    /// The upload's length is said once; again only the same.
    ///
    /// # Errors
    /// 409 for another length, and as [`Upload::open`].
    pub fn create(&self, length: u64, now: Millis) -> Result<(), Problem> {
        self.open(now)?;
        if self.length.is_some_and(|known| known != length) {
            return Err(Problem::new(&UPLOAD_CLOSED, "the upload was created with another length"));
        }
        Ok(())
    }

    /// Decides on a `PATCH` by its headers; its bytes are not read before.
    ///
    /// # Errors
    /// 400, 409, 410, 413, 415.
    pub fn part(&self, headers: &Headers<'_>, now: Millis) -> Result<Part, Problem> {
        let media_type = headers.content_type.unwrap_or_default();
        if media_type.split(';').next().map(str::trim) != Some(PART_TYPE) {
            return Err(Problem::new(&UNSUPPORTED_MEDIA_TYPE, format!("a part is {PART_TYPE}")));
        }
        self.open(now)?;
        let total = self.length.ok_or_else(|| {
            Problem::new(&UPLOAD_OFFSET, "say the length first: POST with Upload-Length")
        })?;
        let missing = || Problem::new(&MALFORMED, "Upload-Offset must say where the part begins");
        let offset = headers.offset.and_then(whole).ok_or_else(missing)?;
        if offset != self.offset {
            let why = format!("{} bytes are there, the part begins at {offset}", self.offset);
            return Err(Problem::new(&UPLOAD_OFFSET, why));
        }
        if headers.length > total - offset.min(total) {
            let why = format!("the upload ends after {total} bytes");
            return Err(Problem::new(&UPLOAD_TOO_LARGE, why));
        }
        let checksum = headers.checksum.map(Checksum::parse).transpose()?;
        Ok(Part { offset, length: headers.length, checksum })
    }

    /// Decides on a `PUT` of a whole file.
    ///
    /// # Errors
    /// 409 when a part is there already, 410; 422 when another length was said.
    pub fn put(&self, length: u64, now: Millis) -> Result<Part, Problem> {
        self.open(now)?;
        if self.offset > 0 {
            return Err(Problem::new(&UPLOAD_OFFSET, "parts are there: go on with PATCH"));
        }
        if self.length.is_some_and(|known| known != length) {
            let detail = String::from("is not the body's length");
            let error = FieldError { pointer: "/size".into(), detail };
            return Err(Problem::fields(&INVALID, vec![error]));
        }
        Ok(Part { offset: 0, length, checksum: None })
    }
}

/// What a `PATCH` says of itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Headers<'a> {
    /// `Content-Type`.
    pub content_type: Option<&'a str>,
    /// `Upload-Offset`.
    pub offset: Option<&'a str>,
    /// `Content-Length`.
    pub length: u64,
    /// `Upload-Checksum`.
    pub checksum: Option<&'a str>,
}

impl Checksum {
    /// Reads `Upload-Checksum`: the algorithm, a blank, base64.
    ///
    /// # Errors
    /// 400 for another algorithm or what is no checksum of it.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let unknown = || {
            let why = format!("Upload-Checksum must be one of {CHECKSUMS}, a blank and base64");
            Problem::new(&CHECKSUM_ALGORITHM, why)
        };
        let (algorithm, digest) = text.split_once(' ').ok_or_else(unknown)?;
        let digest = BASE64_STANDARD.decode(digest).map_err(|_| unknown())?;
        match (algorithm, digest.len()) {
            ("sha1", 20) => Ok(Self::Sha1(digest)),
            ("sha256", 32) => Ok(Self::Sha256(digest)),
            _ => Err(unknown()),
        }
    }

    /// Compares with what the bytes gave.
    ///
    /// # Errors
    /// 460.
    pub fn check(&self, found: &[u8]) -> Result<(), Problem> {
        let (Self::Sha1(wanted) | Self::Sha256(wanted)) = self;
        if wanted == found {
            return Ok(());
        }
        Err(Problem::new(&CHECKSUM, "nothing of the part was kept; send it again"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_000);

    fn upload(offset: u64, length: Option<u64>) -> Upload {
        Upload { status: Status::Uploading, length, offset, expires_at: Millis(2_000) }
    }

    fn patch<'a>(offset: &'a str, length: u64) -> Headers<'a> {
        Headers { content_type: Some(PART_TYPE), offset: Some(offset), length, checksum: None }
    }

    #[test]
    fn a_part_is_taken_where_the_last_ended_or_not_at_all() {
        let status = |upload: &Upload, headers: &Headers<'_>, now| {
            upload.part(headers, now).map_or_else(|problem| problem.status(), |_| 204)
        };
        let at_seven = upload(7, Some(10));
        assert_eq!(status(&at_seven, &patch("7", 3), NOW), 204);
        assert_eq!(status(&at_seven, &patch("7", 0), NOW), 204);
        assert_eq!(status(&at_seven, &patch("7", 4), NOW), 413);
        for offset in ["6", "8", "18446744073709551615"] {
            assert_eq!(status(&at_seven, &patch(offset, 3), NOW), 409, "{offset}");
        }
        for offset in ["", "-7", "+7", "7.0", "x"] {
            assert_eq!(status(&at_seven, &patch(offset, 3), NOW), 400, "{offset}");
        }
        let json = Headers { content_type: Some("application/json"), ..patch("7", 3) };
        assert_eq!(status(&at_seven, &json, NOW), 415);
        assert_eq!(status(&at_seven, &patch("7", 3), Millis(2_000)), 410);
        assert_eq!(status(&upload(0, None), &patch("0", 3), NOW), 409);
        let whole = Upload { status: Status::Ready, ..at_seven };
        assert_eq!(status(&whole, &patch("7", 3), NOW), 409);
    }

    #[test]
    fn lengths_are_said_once() {
        assert!(upload(0, None).create(5, NOW).is_ok());
        assert!(upload(3, Some(5)).create(5, NOW).is_ok());
        assert_eq!(upload(0, Some(5)).create(6, NOW).unwrap_err().status(), 409);
        let status = |text| length(text, 100).map_err(|problem| problem.status());
        assert_eq!(status(Some("100")), Ok(100));
        assert_eq!(status(Some("101")), Err(413));
        for wrong in [None, Some(""), Some("-1"), Some("1e3")] {
            assert_eq!(status(wrong), Err(400));
        }
        assert!(upload(0, None).put(9, NOW).is_ok());
        assert_eq!(upload(1, Some(9)).put(9, NOW).unwrap_err().status(), 409);
        assert_eq!(upload(0, Some(9)).put(8, NOW).unwrap_err().status(), 422);
        assert_eq!(version(Some("0.2.2")).unwrap_err().status(), 412);
        assert_eq!(version(None).unwrap_err().status(), 412);
    }

    #[test]
    fn checksums_hold() {
        let sum = Checksum::parse("sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=").unwrap();
        assert_eq!(sum.check(&[0; 20]).unwrap_err().status(), 460);
        let Checksum::Sha1(wanted) = &sum else { panic!("another algorithm") };
        assert!(sum.check(wanted).is_ok());
        for wrong in ["", "md5 AAAA", "sha1", "sha1 ?", "sha256 Kq5sNclPz7QV2+lfQIuc6R7oRu0="] {
            assert_eq!(Checksum::parse(wrong).unwrap_err().status(), 400, "{wrong}");
        }
    }
}
