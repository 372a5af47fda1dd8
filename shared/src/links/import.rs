//! How the items of an import are told apart, as its bytes come: CSV, lines of JSON, a JSON array.
//!
//! Invariant: where the parts of a body end changes no item; memory holds one line or one record,
//! or an array of up to 4 MiB. What is refused: another media type, a line without an end.

use super::csv::{Item, Rows};
use super::request::BULK_BYTES_MAX;
use crate::body;
use crate::problem::{MALFORMED, Problem, UNSUPPORTED_MEDIA_TYPE};
use alloc::{boxed::Box, format, vec::Vec};
use core::mem::take;
use serde_json::Value;

/// A line of JSON: a bulk item at its bound.
const LINE_BYTES_MAX: usize = 64 * 1024;

/// An import's form, with what was read of it.
#[derive(Debug)]
pub enum Form {
    /// `text/csv`.
    Csv(Box<Rows>),
    /// `application/x-ndjson`.
    Lines {
        /// Of the line that has not ended.
        rest: Vec<u8>,
        /// Lines that have.
        line: u64,
    },
    /// `application/json`.
    Whole(Vec<u8>),
}

impl Form {
    /// By the declared media type; its parameters are ignored.
    ///
    /// # Errors
    /// 415.
    pub fn of(media_type: &str) -> Result<Self, Problem> {
        let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "text/csv" => Ok(Self::Csv(Box::default())),
            "application/x-ndjson" => Ok(Self::Lines { rest: Vec::new(), line: 0 }),
            "application/json" => Ok(Self::Whole(Vec::new())),
            _ => {
                let detail = "send text/csv, application/x-ndjson or application/json";
                Err(Problem::new(&UNSUPPORTED_MEDIA_TYPE, detail))
            }
        }
    }

    /// The items that a part completes; an empty part is the end.
    ///
    /// # Errors
    /// 400, 413, 422 when nothing of the rest can be read.
    pub fn feed(&mut self, part: &[u8]) -> Result<Vec<Item>, Problem> {
        match self {
            Self::Csv(rows) => rows.feed(part),
            Self::Lines { rest, line } => {
                // Before more is taken: what the part before completed has had its answers.
                if rest.len() > LINE_BYTES_MAX {
                    let detail = format!("a line has more than {LINE_BYTES_MAX} bytes");
                    return Err(Problem::new(&MALFORMED, detail));
                }
                rest.extend_from_slice(part);
                let mut items = Vec::new();
                while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                    let text: Vec<u8> = rest.drain(..=end).collect();
                    *line = line.saturating_add(1);
                    items.extend(read_line(&text, *line));
                }
                if part.is_empty() {
                    *line = line.saturating_add(1);
                    items.extend(read_line(&take(rest), *line));
                }
                Ok(items)
            }
            Self::Whole(all) => {
                all.extend_from_slice(part);
                let bytes = u64::try_from(all.len()).unwrap_or(u64::MAX);
                body::check_size(bytes, BULK_BYTES_MAX)?;
                if !part.is_empty() {
                    return Ok(Vec::new());
                }
                let links: Vec<Value> = body::read(&take(all))?;
                let numbered = links.into_iter().zip(1..);
                Ok(numbered.map(|(body, line)| Item { line, body: Ok(body) }).collect())
            }
        }
    }
}

fn read_line(text: &[u8], line: u64) -> Option<Item> {
    let is_blank = text.iter().all(u8::is_ascii_whitespace);
    (!is_blank).then(|| Item { line, body: body::read(text) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Found by scripts/fuzz: the mark was only known when the first part held all of it.
    #[test]
    fn a_byte_order_mark_is_passed_over_wherever_the_first_part_ends() {
        let text = "\u{feff}\"long_url\"\nhttps://a.example/\n".as_bytes();
        for step in 1..text.len() {
            let mut form = Form::of("text/csv").unwrap();
            let parts = text.chunks(step).chain([&[][..]]);
            let items: Vec<Item> = parts.flat_map(|part| form.feed(part).unwrap()).collect();
            let body = items[0].body.as_ref().unwrap();
            assert_eq!((items.len(), items[0].line), (1, 2), "{step}");
            assert_eq!(body["long_url"], "https://a.example/", "{step}");
        }
    }

    #[test]
    fn every_form_finds_the_same_items() {
        let csv = "long_url\nhttps://a.example/\nhttps://b.example/\n";
        let lines =
            "{\"long_url\":\"https://a.example/\"}\n\n{\"long_url\":\"https://b.example/\"}";
        let whole = "[{\"long_url\":\"https://a.example/\"},{\"long_url\":\"https://b.example/\"}]";
        for (media_type, text) in [
            ("text/csv; charset=utf-8", csv),
            ("Application/X-NDJSON", lines),
            ("application/json", whole),
        ] {
            let mut form = Form::of(media_type).unwrap();
            let mut items = form.feed(text.as_bytes()).unwrap();
            items.extend(form.feed(b"").unwrap());
            let urls: Vec<&str> = items
                .iter()
                .map(|item| item.body.as_ref().unwrap()["long_url"].as_str().unwrap())
                .collect();
            assert_eq!(urls, ["https://a.example/", "https://b.example/"], "{media_type}");
        }
        assert_eq!(Form::of("text/plain").unwrap_err().status(), 415);
    }
}
