//! Links as CSV: read part by part for an import, written line by line for an export.
//!
//! Invariant: what an export writes, an import reads back to the same links; a bad line spoils no
//! other. The header row names the fields of `POST /api/v1/shorten`; `tags` are separated by `|`
//! or are JSON, `rules` are JSON, `expiry` may be `never`. What an export adds for people is passed
//! over.
//! Source: RFC 4180.

use super::error::INVALID;
use super::wire::Link;
use crate::problem::{FieldError, MALFORMED, Problem};
use alloc::{format, string::String, string::ToString, vec, vec::Vec};
use csv_core::{ReadRecordResult, Reader};
use serde_json::{Map, Value, json};

/// The columns of an export.
pub const COLUMNS: [&str; 13] = [
    "custom_alias",
    "long_url",
    "redirect",
    "expiry",
    "title",
    "tags",
    "rules",
    "max_clicks",
    "fallback_url",
    "external_id",
    "has_password",
    "short_url",
    "created_at",
];
/// Columns that an import passes over.
const FOR_PEOPLE: [&str; 3] = ["short_url", "created_at", "id"];
/// What an import alone may have: no export tells a password.
const IMPORTED: &str = "password";
/// What an export says of a link with a password. Such a row is not imported without one: it would
/// become a link that everybody may follow.
const PROTECTED: &str = "has_password";
/// A record is at most this long: the longest URL with rules and all, as a JSON body.
const RECORD_BYTES_MAX: usize = 64 * 1024;

/// What some programs begin a file with.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// One line of an import: the body of a `POST /api/v1/shorten`.
#[derive(Debug, PartialEq)]
pub struct Item {
    /// The line of its first character, from 1.
    pub line: u64,
    /// What to create, or why it cannot be read.
    pub body: Result<Value, Problem>,
}

/// Reads records as their bytes come.
pub struct Rows {
    reader: Reader,
    /// The first bytes, while they may still become the mark.
    head: Option<Vec<u8>>,
    header: Option<Vec<String>>,
    line: u64,
    begun: bool,
    text: Vec<u8>,
    used: usize,
    ends: Vec<usize>,
    fields: usize,
    /// What the next part is answered with: the items before it come first.
    failed: Option<Problem>,
}

impl core::fmt::Debug for Rows {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Rows")
    }
}

impl Default for Rows {
    fn default() -> Self {
        let text = vec![0; RECORD_BYTES_MAX];
        let ends = vec![0; 64];
        let mut reader = Reader::new();
        // The reader looks for the mark in the first part alone; from now on it looks no more.
        let _ = reader.read_record(b"\n", &mut [0; 1], &mut [0; 1]);
        reader.set_line(1);
        Self {
            reader,
            head: Some(Vec::new()),
            header: None,
            line: 1,
            begun: false,
            text,
            used: 0,
            ends,
            fields: 0,
            failed: None,
        }
    }
}

impl Rows {
    /// Reads a part; an empty one is the end.
    ///
    /// # Errors
    /// 400 or 422 when nothing of the rest can be read: a header that names no field, a record
    /// that never ends, bytes that are no UTF-8.
    pub fn feed(&mut self, part: &[u8]) -> Result<Vec<Item>, Problem> {
        if let Some(problem) = self.failed.take() {
            return Err(problem);
        }
        let mut items = Vec::new();
        match self.read(part, &mut items) {
            Err(problem) if items.is_empty() => Err(problem),
            read => {
                self.failed = read.err();
                Ok(items)
            }
        }
    }

    fn read(&mut self, part: &[u8], items: &mut Vec<Item>) -> Result<(), Problem> {
        let Some(mut head) = self.head.take() else { return self.records(part, items) };
        head.extend_from_slice(part);
        let undecided = head.len() < BYTE_ORDER_MARK.len() && BYTE_ORDER_MARK.starts_with(&head);
        if undecided && !part.is_empty() {
            self.head = Some(head);
            return Ok(());
        }
        let rest = head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&head);
        if !rest.is_empty() {
            self.records(rest, items)?;
        }
        if part.is_empty() { self.records(part, items) } else { Ok(()) }
    }

    fn records(&mut self, mut part: &[u8], items: &mut Vec<Item>) -> Result<(), Problem> {
        let at_end = part.is_empty();
        loop {
            if !self.begun {
                part = self.begin(part);
            }
            // To the reader, nothing is the end.
            if part.is_empty() && !at_end {
                return Ok(());
            }
            let text = self.text.get_mut(self.used..).unwrap_or_default();
            let ends = self.ends.get_mut(self.fields..).unwrap_or_default();
            let (result, read, written, ended) = self.reader.read_record(part, text, ends);
            part = part.get(read..).unwrap_or_default();
            self.used = self.used.saturating_add(written);
            self.fields = self.fields.saturating_add(ended);
            match result {
                ReadRecordResult::Record => {
                    items.extend(self.record()?);
                    (self.used, self.fields, self.begun) = (0, 0, false);
                }
                ReadRecordResult::InputEmpty | ReadRecordResult::End => return Ok(()),
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                    let line = self.line;
                    let detail =
                        format!("line {line}: more than {RECORD_BYTES_MAX} bytes or 64 fields");
                    return Err(Problem::new(&MALFORMED, detail));
                }
            }
        }
    }

    /// Passes over the breaks before a record, so that its line is that of its first character.
    fn begin<'a>(&mut self, part: &'a [u8]) -> &'a [u8] {
        let is_break = |byte: &u8| matches!(byte, b'\r' | b'\n');
        let rest = part.iter().position(|byte| !is_break(byte)).unwrap_or(part.len());
        let (breaks, rest) = part.split_at_checked(rest).unwrap_or((part, &[]));
        let lines =
            breaks.iter().filter(|byte| **byte == b'\n').fold(0u64, |n, _| n.wrapping_add(1));
        self.line = self.reader.line().wrapping_add(lines);
        self.reader.set_line(self.line);
        self.begun = !rest.is_empty();
        rest
    }

    fn record(&mut self) -> Result<Option<Item>, Problem> {
        let mut fields = Vec::new();
        let mut start = 0;
        for end in self.ends.iter().take(self.fields) {
            let bytes = self.text.get(start..*end).unwrap_or_default();
            let text = core::str::from_utf8(bytes).map_err(|_| {
                Problem::new(&MALFORMED, format!("line {}: not valid UTF-8", self.line))
            })?;
            fields.push(text.to_string());
            start = *end;
        }
        let Some(header) = &self.header else {
            self.header = Some(read_header(fields)?);
            return Ok(None);
        };
        if fields.len() == 1 && fields.iter().all(String::is_empty) {
            return Ok(None);
        }
        let body = item(header, fields);
        Ok(Some(Item { line: self.line, body }))
    }
}

fn read_header(fields: Vec<String>) -> Result<Vec<String>, Problem> {
    let named: Vec<String> =
        fields.iter().map(|name| name.trim_start_matches('\u{feff}').trim().to_string()).collect();
    let known =
        |name: &str| COLUMNS.contains(&name) || FOR_PEOPLE.contains(&name) || name == IMPORTED;
    let unknown = named.iter().find(|name| !known(name));
    let twice =
        named.iter().enumerate().find(|(at, name)| named.iter().take(*at).any(|n| n == *name));
    let missing = !named.iter().any(|name| name == "long_url");
    let wrong = match unknown {
        Some(name) => format!("the header row names {name:?}, which is no field"),
        None if missing => "the header row does not name long_url".into(),
        None => match twice {
            Some((_, name)) => format!("the header row names {name:?} twice"),
            None => return Ok(named),
        },
    };
    Err(Problem::fields(&INVALID, vec![FieldError { pointer: "/0".into(), detail: wrong }]))
}

fn item(header: &[String], fields: Vec<String>) -> Result<Value, Problem> {
    if fields.len() != header.len() {
        let detail = format!("has {} fields, the header row {}", fields.len(), header.len());
        return Err(Problem::fields(&INVALID, vec![FieldError { pointer: "/".into(), detail }]));
    }
    let mut body = Map::new();
    let mut protected = false;
    for (name, text) in header.iter().zip(fields) {
        if text.is_empty() || FOR_PEOPLE.contains(&name.as_str()) {
            continue;
        }
        if name == PROTECTED {
            protected = text == "true";
            continue;
        }
        // What is no number or no JSON stays text, and is refused with its field's name.
        let value = match name.as_str() {
            "redirect" | "max_clicks" => text.parse::<u64>().map_or(json!(text), |n| json!(n)),
            "rules" => serde_json::from_str(&text).unwrap_or(json!(text)),
            "tags" if text.starts_with('[') => serde_json::from_str(&text).unwrap_or(json!(text)),
            "tags" => json!(text.split('|').collect::<Vec<_>>()),
            "expiry" if text == "never" => Value::Null,
            _ => json!(text),
        };
        body.insert(name.clone(), value);
    }
    if protected && !body.contains_key(IMPORTED) {
        let detail = "the link had one: give it one again, or empty has_password".into();
        let error = FieldError { pointer: "/password".into(), detail };
        return Err(Problem::fields(&INVALID, vec![error]));
    }
    Ok(Value::Object(body))
}

/// The header row of an export.
#[must_use]
pub fn header() -> String {
    format!("{}\r\n", COLUMNS.join(","))
}

/// One link's row of an export.
#[must_use]
pub fn row(link: &Link) -> String {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let rules = if link.rules.is_empty() {
        String::new()
    } else {
        serde_json::to_string(&link.rules).unwrap_or_default()
    };
    let ambiguous = link.tags.iter().any(|tag| tag.contains('|') || tag.starts_with('['));
    let tags = if ambiguous { json!(link.tags).to_string() } else { link.tags.join("|") };
    let fields = [
        link.short_code.clone(),
        link.long_url.clone(),
        link.redirect.to_string(),
        link.expires_at.map_or_else(|| "never".into(), crate::time::Millis::to_rfc3339),
        text(&link.title),
        tags,
        rules,
        link.max_clicks.map_or_else(String::new, |max| max.to_string()),
        text(&link.fallback_url),
        text(&link.external_id),
        if link.has_password { "true".into() } else { String::new() },
        link.short_url.clone(),
        link.created_at.to_rfc3339(),
    ];
    format!("{}\r\n", fields.map(|field| quoted(&field)).join(","))
}

fn quoted(field: &str) -> String {
    if field.contains(['"', ',', '\r', '\n']) || field.starts_with(' ') || field.ends_with(' ') {
        return format!("\"{}\"", field.replace('"', "\"\""));
    }
    field.into()
}

#[cfg(test)]
mod tests;
