//! Captions that somebody uploads: WebVTT, and nothing that only looks like it.
//!
//! Invariant: what passes has the signature and at least one cue, and its cues have moments in
//! order. Source: W3C WebVTT, section 4.1.

use super::error::INVALID;
use super::presentation::{CAPTIONS_MAX, Caption};
use crate::problem::{FieldError, Problem};
use alloc::{format, string::String, vec};

/// Bytes of one file: 4 h of dense speech are 300 KB.
pub const BYTES_MAX: u64 = 2 << 20;
/// A label's characters.
const LABEL_CHARS_MAX: usize = 100;

fn refuse(pointer: &str, detail: impl Into<String>) -> Problem {
    Problem::fields(&INVALID, vec![FieldError { pointer: pointer.into(), detail: detail.into() }])
}

/// Reads a language of the path.
///
/// # Errors
/// 422 unless it has the form of a BCP 47 tag.
pub fn language(text: &str) -> Result<String, Problem> {
    let text = text.to_ascii_lowercase();
    let mut parts = text.split('-');
    let is_primary = parts.next().is_some_and(|first| {
        (2..=3).contains(&first.len()) && first.bytes().all(|b| b.is_ascii_lowercase())
    });
    let is_part = |part: &str| {
        (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    if is_primary && text.len() <= 35 && parts.all(is_part) {
        return Ok(text);
    }
    Err(refuse("", "the language must be a BCP 47 tag such as `en` or `pt-br`"))
}

/// The label for people; the language when none is given.
///
/// # Errors
/// 422 for one that is too long or has control characters.
pub fn label(given: Option<&str>, language: &str) -> Result<String, Problem> {
    let label = given.unwrap_or(language);
    let is_fine = (1..=LABEL_CHARS_MAX).contains(&label.chars().count());
    if is_fine && !label.chars().any(char::is_control) {
        return Ok(label.into());
    }
    Err(refuse("?label", format!("must be 1 to {LABEL_CHARS_MAX} characters, none of control")))
}

/// Whether one more language fits.
///
/// # Errors
/// 422 beyond [`CAPTIONS_MAX`].
pub fn room(known: &[Caption], language: &str) -> Result<(), Problem> {
    if known.len() < CAPTIONS_MAX || known.iter().any(|one| one.language == language) {
        return Ok(());
    }
    Err(refuse("", format!("a video has captions in at most {CAPTIONS_MAX} languages")))
}

/// Checks a file; its text, with lines ended by `\n` alone.
///
/// # Errors
/// 422 and the line that is wrong.
pub fn check(bytes: &[u8]) -> Result<String, Problem> {
    let text = core::str::from_utf8(bytes).map_err(|_| refuse("", "the file is not UTF-8"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let signature = text.strip_prefix("WEBVTT").map(|rest| rest.chars().next());
    if !matches!(signature, Some(None | Some(' ' | '\t' | '\n'))) || text.contains('\0') {
        return Err(refuse("", "line 1: a WebVTT file begins with `WEBVTT`"));
    }
    let (mut cues, mut last) = (0u32, 0);
    for (n, line) in (1u32..).zip(text.lines()) {
        let Some((from, rest)) = line.split_once("-->") else { continue };
        let to = rest.split_whitespace().next().unwrap_or_default();
        let (Some(from), Some(to)) = (moment(from.trim()), moment(to)) else {
            return Err(refuse(
                "",
                format!("line {n}: a cue has two moments: 00:01.000 --> 00:02.000"),
            ));
        };
        if to <= from || from < last {
            return Err(refuse("", format!("line {n}: the cue ends or begins before it may")));
        }
        (cues, last) = (cues.saturating_add(1), from);
    }
    if cues == 0 {
        return Err(refuse("", "there is no cue in it"));
    }
    Ok(text)
}

/// `hh:mm:ss.ttt` or `mm:ss.ttt`, in milliseconds.
fn moment(text: &str) -> Option<u64> {
    let (clock, milli) = text.split_once('.')?;
    let number = |text: &str, digits: usize| {
        let is_number = text.len() == digits && text.bytes().all(|b| b.is_ascii_digit());
        is_number.then(|| text.parse::<u64>().ok()).flatten()
    };
    let mut parts = clock.rsplit(':');
    let (seconds, minutes) = (number(parts.next()?, 2)?, number(parts.next()?, 2)?);
    let hours = match parts.next() {
        None => 0,
        Some(hours) if (2..=5).contains(&hours.len()) => number(hours, hours.len())?,
        Some(_) => return None,
    };
    let is_clock = parts.next().is_none() && seconds < 60 && minutes < 60;
    let ms = ((hours * 60 + minutes) * 60 + seconds) * 1_000 + number(milli, 3)?;
    is_clock.then_some(ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn webvtt_passes_and_its_lines_are_ended_alike() {
        let text = "\u{feff}WEBVTT - a film\r\n\r\n1\r\n00:01.000 --> 00:02.500 align:start\r\n\
                    Hello\r\n\r\n\
                    00:00:01.500 --> 100:00:00.000\nthere";
        let checked = check(text.as_bytes()).unwrap();
        assert!(checked.starts_with("WEBVTT - a film\n\n1\n00:01.000"));
        assert!(!checked.contains('\r'));
    }

    #[test]
    fn what_is_none_says_where() {
        let detail = |text: &str| check(text.as_bytes()).unwrap_err().errors[0].detail.clone();
        assert!(detail("1\n00:00:01,000 --> 00:00:02,000\nSubRip").starts_with("line 1"));
        assert!(detail("WEBVTTX\n\n00:01.000 --> 00:02.000\nx").starts_with("line 1"));
        assert!(detail("WEBVTT\n\n00:00:01,000 --> 00:00:02,000\nx").starts_with("line 3"));
        assert!(detail("WEBVTT\n\n00:02.000 --> 00:01.000\nx").starts_with("line 3"));
        assert!(detail("WEBVTT\n\n00:61.000 --> 00:62.000\nx").starts_with("line 3"));
        assert_eq!(detail("WEBVTT\n\nNOTE nothing"), "there is no cue in it");
        assert_eq!(check(b"WEBVTT\n\xff").unwrap_err().status(), 422);
    }

    #[test]
    fn languages_are_tags() {
        assert_eq!(language("pt-BR").unwrap(), "pt-br");
        for wrong in ["", "e", "english", "en-", "en_us", "../x", "en-aaaaaaaaa"] {
            assert!(language(wrong).is_err(), "{wrong}");
        }
        assert_eq!(label(None, "en").unwrap(), "en");
        assert!(label(Some("\u{7}"), "en").is_err());
    }
}
