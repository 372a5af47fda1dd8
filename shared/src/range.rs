//! One range of bytes of a request (RFC 9110, section 14.2).
//!
//! Invariant: what is not one well-formed range of bytes is no range, and the whole is served, as
//! the RFC allows. Refused: several ranges in one answer.

use serde::Serialize;

/// Bytes that were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Range {
    /// So many from here on.
    Part {
        /// From 0.
        offset: u64,
        /// At least 1.
        length: u64,
    },
    /// From here to the end.
    From {
        /// From 0.
        offset: u64,
    },
    /// The last so many.
    Last {
        /// At least 1.
        suffix: u64,
    },
}

/// A number beyond this is no place in an object, and no number of JavaScript's.
const BYTES_MAX: u64 = (1 << 53) - 1;

impl Range {
    /// Reads the header; `None`: the whole.
    #[must_use]
    pub fn read(header: &str) -> Option<Self> {
        let (unit, range) = header.trim().split_once('=')?;
        let (first, last) = range.trim().split_once('-')?;
        if !unit.eq_ignore_ascii_case("bytes") {
            return None;
        }
        match (first, last) {
            ("", last) => Some(Self::Last { suffix: number(last)? }).filter(|_| last != "0"),
            (first, "") => Some(Self::From { offset: number(first)? }),
            (first, last) => {
                let (offset, last) = (number(first)?, number(last)?);
                let length = last.checked_sub(offset)?.checked_add(1)?;
                Some(Self::Part { offset, length })
            }
        }
    }
}

fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = is_number.then(|| text.parse().ok())??;
    (number <= BYTES_MAX).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_read_and_the_rest_is_the_whole() {
        assert_eq!(Range::read("bytes=0-0"), Some(Range::Part { offset: 0, length: 1 }));
        assert_eq!(Range::read("Bytes=10-19"), Some(Range::Part { offset: 10, length: 10 }));
        assert_eq!(Range::read("bytes=10-"), Some(Range::From { offset: 10 }));
        assert_eq!(Range::read(" bytes=-5 "), Some(Range::Last { suffix: 5 }));
        for whole in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=5-4",
            "bytes=0-1,3-4",
            "items=0-1",
            "bytes=-0",
            "bytes=a-b",
            "bytes=+1-2",
            "bytes=0-9007199254740992",
            "bytes=0-99999999999999999999",
        ] {
            assert_eq!(Range::read(whole), None, "{whole}");
        }
        let text = |range: Option<Range>| serde_json::to_string(&range).unwrap();
        assert_eq!(text(Range::read("bytes=2-5")), r#"{"offset":2,"length":4}"#);
        assert_eq!(text(Range::read("bytes=-5")), r#"{"suffix":5}"#);
    }
}
