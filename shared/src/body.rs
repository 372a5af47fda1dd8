//! Reading a JSON body into a type, with a typed problem for everything that can be wrong.
//!
//! Invariant: syntax is 400, meaning is 422 with a pointer; nothing is ignored (wire types refuse
//! unknown fields, serde refuses doubled ones) and nothing nests deeper than serde_json's 128.

use crate::problem::{
    FieldError, LENGTH_REQUIRED, MALFORMED, Problem, TOO_LARGE, UNACCEPTABLE,
    UNSUPPORTED_MEDIA_TYPE,
};
use alloc::{format, string::String, string::ToString, vec};
use serde::de::{Deserialize, DeserializeOwned, IgnoredAny};
use serde_json::error::Category;
use serde_path_to_error::{Path, Segment};

/// A JSON body is at most this long: the longest URL (8 KiB) four times over, with all other
/// fields at their bounds, escaped as `\uXXXX`, stays below.
pub const JSON_BYTES_MAX: u64 = 64 * 1024;

/// Checks the declared media type of a JSON body.
///
/// # Errors
/// 415 unless it is `application/json` (parameters are ignored).
pub fn check_media_type(content_type: Option<&str>) -> Result<(), Problem> {
    let essence = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(Problem::new(&UNSUPPORTED_MEDIA_TYPE, "send the body as application/json"))
}

/// Checks a body's size.
///
/// # Errors
/// 413 above `bytes_max`.
pub fn check_size(bytes: u64, bytes_max: u64) -> Result<(), Problem> {
    if bytes <= bytes_max {
        return Ok(());
    }
    let detail = format!("the body has more than {bytes_max} bytes");
    Err(Problem::new(&TOO_LARGE, detail))
}

/// Checks the declared length of a body that streams.
///
/// # Errors
/// 411 when there is none, 400 for what is no length, 413 above `bytes_max`.
pub fn check_length(content_length: Option<&str>, bytes_max: u64) -> Result<u64, Problem> {
    let missing = || Problem::new(&LENGTH_REQUIRED, "send the body with its Content-Length");
    let text = content_length.ok_or_else(missing)?;
    let length =
        text.parse().map_err(|_| Problem::new(&MALFORMED, "Content-Length is no length"))?;
    check_size(length, bytes_max)?;
    Ok(length)
}

/// Reads a client's body as a JSON object of the type `T`.
///
/// # Errors
/// 400 for what is no JSON or no UTF-8, 413, 422 with a pointer for what is no `T`.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    check_size(u64::try_from(bytes.len()).unwrap_or(u64::MAX), JSON_BYTES_MAX)?;
    read_object(bytes)
}

/// Reads an object that the transport has bounded already.
///
/// # Errors
/// As [`parse`], without 413.
pub fn read_object<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Problem> {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    // serde would take a list for the fields of a structure, in their order.
    if bytes.iter().find(|byte| !is_space(byte)) == Some(&b'[') {
        read::<IgnoredAny>(bytes)?;
        let detail = "must be an object".into();
        let error = FieldError { pointer: String::new(), detail };
        return Err(Problem::fields(&UNACCEPTABLE, vec![error]));
    }
    read(bytes)
}

/// Reads a body that the transport has bounded already.
///
/// # Errors
/// As [`parse`], without 413.
pub fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Problem> {
    let text = core::str::from_utf8(bytes)
        .map_err(|_| Problem::new(&MALFORMED, "the body is not valid UTF-8"))?;
    let malformed =
        |error| Problem::new(&MALFORMED, format!("the body is not valid JSON: {error}"));
    // Syntax first, and whole: otherwise a wrong type at the front would hide a missing brace.
    serde_json::from_str::<IgnoredAny>(text).map_err(malformed)?;
    let input = &mut serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(input).map_err(|error| {
        let pointer = pointer(error.path());
        let inner = error.into_inner();
        if inner.classify() != Category::Data {
            return malformed(inner);
        }
        let detail = sentence(&inner.to_string());
        Problem::fields(&UNACCEPTABLE, vec![FieldError { pointer, detail }])
    })
}

fn pointer(path: &Path) -> String {
    let mut out = String::new();
    for segment in path {
        out.push('/');
        match segment {
            Segment::Seq { index } => out.push_str(&index.to_string()),
            Segment::Map { key } => out.push_str(&key.replace('~', "~0").replace('/', "~1")),
            Segment::Enum { variant } => out.push_str(variant),
            Segment::Unknown => out.push('?'),
        }
    }
    out
}

/// serde_json appends ` at line 1 column 9`, which says nothing beside a pointer.
fn sentence(message: &str) -> String {
    message.split(" at line ").next().unwrap_or(message).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Probe {
        #[allow(dead_code)]
        name: String,
        #[serde(default)]
        #[allow(dead_code)]
        tags: alloc::vec::Vec<String>,
    }

    fn refused(body: &[u8]) -> Problem {
        parse::<Probe>(body).unwrap_err()
    }

    #[test]
    fn syntax_is_400() {
        for body in [
            &b""[..],
            b"{",
            b"{\"name\":\"a\"} x",
            b"\xff\xfe",
            b"{\"name\":\"a\",}",
            b"{\"name\":\"\x01\"}",
        ] {
            assert_eq!(refused(body).status(), 400, "{body:?}");
        }
        let deep = alloc::format!("{{\"tags\":{}", "[".repeat(10_000));
        assert_eq!(refused(deep.as_bytes()).status(), 400);
    }

    #[test]
    fn meaning_is_422_and_says_where() {
        let at = |body: &[u8]| refused(body).errors[0].pointer.clone();
        assert_eq!(at(b"{\"name\":\"a\",\"tags\":[\"x\",3]}"), "/tags/1");
        assert_eq!(at(b"{\"name\":\"a\",\"nmae\":1}"), "/nmae");
        assert_eq!(refused(b"[]").status(), 422);
        assert_eq!(refused(b" [\"a\", []]").status(), 422);
        assert_eq!(refused(b"[\"a\"").status(), 400);
        assert_eq!(refused(b"{}").status(), 422);
        assert_eq!(refused(b"{\"name\":\"a\",\"name\":\"b\"}").status(), 422);
    }

    #[test]
    fn a_stream_says_its_length() {
        let status = |text| check_length(text, 10).map_err(|problem| problem.status());
        assert_eq!(status(Some("10")), Ok(10));
        assert_eq!(status(Some("11")), Err(413));
        assert_eq!(status(None), Err(411));
        for wrong in ["", "-1", "1.0", "0x1", "99999999999999999999"] {
            assert_eq!(status(Some(wrong)), Err(400), "{wrong}");
        }
    }

    #[test]
    fn size_and_media_type_are_checked() {
        assert_eq!(refused(&vec![b' '; 65 * 1024]).status(), 413);
        assert_eq!(check_media_type(Some("text/plain")).unwrap_err().status(), 415);
        assert_eq!(check_media_type(None).unwrap_err().status(), 415);
        assert!(check_media_type(Some("Application/JSON; charset=utf-8")).is_ok());
    }
}
