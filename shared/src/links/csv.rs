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
pub const COLUMNS: [&str; 12] = [
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
    "short_url",
    "created_at",
];
/// Columns that an import passes over.
const FOR_PEOPLE: [&str; 3] = ["short_url", "created_at", "id"];
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
    let known = |name: &str| COLUMNS.contains(&name) || FOR_PEOPLE.contains(&name);
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
    for (name, text) in header.iter().zip(fields) {
        if text.is_empty() || FOR_PEOPLE.contains(&name.as_str()) {
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
mod tests {
    use super::*;
    use crate::time::Millis;

    fn read(text: &[u8], chunk: usize) -> Result<Vec<Item>, Problem> {
        let mut rows = Rows::default();
        let mut items = Vec::new();
        for part in text.chunks(chunk) {
            items.extend(rows.feed(part)?);
        }
        items.extend(rows.feed(&[])?);
        Ok(items)
    }

    #[test]
    fn lines_are_read_however_their_bytes_are_cut() {
        let text = b"\xef\xbb\xbflong_url,title,tags,redirect,expiry\r\n\
            https://a.example/,\"say \"\"hi\"\", you\",x|y,301,never\r\n\
            \r\n\
            https://b.example/,\"two\r\nlines\",,abc,\r\n\
            too,few\r\n\
            https://c.example/,,,,";
        let whole = read(text, 4_096).unwrap();
        for chunk in [1, 2, 3, 7, 50] {
            assert_eq!(read(text, chunk).unwrap(), whole, "{chunk}");
        }
        let bodies: Vec<&Result<Value, Problem>> = whole.iter().map(|item| &item.body).collect();
        assert_eq!(
            bodies[0].as_ref().unwrap(),
            &json!({"long_url": "https://a.example/", "title": "say \"hi\", you",
                "tags": ["x", "y"], "redirect": 301, "expiry": null})
        );
        assert_eq!(bodies[1].as_ref().unwrap()["redirect"], "abc");
        assert_eq!(bodies[2].as_ref().unwrap_err().status(), 422);
        assert_eq!(bodies[3].as_ref().unwrap(), &json!({"long_url": "https://c.example/"}));
        assert_eq!(whole.len(), 4);
    }

    #[test]
    fn an_items_line_is_where_it_begins() {
        for end in ["\n", "\r\n"] {
            let lines = ["", "long_url,title", "a,", "b,\"x", "y\"", "", "", "c,", "d", "", "e,"];
            let text = lines.join(end);
            for chunk in [1, 2, 3, 100] {
                let items = read(text.as_bytes(), chunk).unwrap();
                let found: Vec<u64> = items.iter().map(|item| item.line).collect();
                assert_eq!(found, [3, 4, 8, 9, 11], "{end:?} {chunk}");
            }
        }
    }

    #[test]
    fn what_no_line_can_be_read_from_is_refused_whole() {
        for text in [
            &b"url,title\r\nx,y"[..],
            b"title\r\nx",
            b"long_url,long_url\r\nx,y",
            b"long_url\r\n\xff\xfe\r\n",
        ] {
            assert!(matches!(read(text, 100).unwrap_err().status(), 400 | 422), "{text:?}");
        }
        let mut rows = Rows::default();
        let before = rows.feed(b"long_url\nhttps://a.example/\n\xff\n").unwrap();
        assert_eq!(before.len(), 1, "what was read before is not lost");
        assert_eq!(rows.feed(&[]).unwrap_err().status(), 400);
        let endless = [b"long_url\r\n\"".as_slice(), &vec![b'a'; RECORD_BYTES_MAX + 1]].concat();
        assert_eq!(read(&endless, 4_096).unwrap_err().status(), 400);
    }

    #[test]
    fn an_export_reads_back() {
        let link = Link {
            id: "lnk_1".into(),
            short_code: "a-b".into(),
            short_url: "https://s.example/a-b".into(),
            long_url: "https://example.com/?a=1,2".into(),
            redirect: 307,
            rules: vec![super::super::rules::Rule {
                country: vec!["JP".into()],
                to: "https://jp.example/".into(),
                ..Default::default()
            }],
            max_clicks: Some(7),
            fallback_url: None,
            external_id: Some("x,\"1\"".into()),
            title: Some(" two\nlines ".into()),
            tags: vec!["a".into(), "b c".into()],
            created_at: Millis(1),
            expires_at: None,
        };
        let pipes = Link { tags: vec!["a|b".into(), "[c]".into()], ..link.clone() };
        let read_back = read((header() + &row(&pipes)).as_bytes(), 7).unwrap();
        assert_eq!(read_back[0].body.as_ref().unwrap()["tags"], json!(["a|b", "[c]"]));
        let items = read((header() + &row(&link)).as_bytes(), 5).unwrap();
        assert_eq!(
            items[0].body.as_ref().unwrap(),
            &json!({
                "custom_alias": "a-b", "long_url": "https://example.com/?a=1,2", "redirect": 307,
                "rules": [{"country": ["JP"], "to": "https://jp.example/"}], "max_clicks": 7,
                "external_id": "x,\"1\"", "title": " two\nlines ", "tags": ["a", "b c"],
                "expiry": null,
            })
        );
    }
}
