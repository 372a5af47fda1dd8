//! Answers of both protocols, read just far enough to know their end and what they decide.

/// Which protocol.
#[derive(Clone, Copy, Debug)]
pub enum Sort {
    /// HTTP/1.1 with a length, or in chunks.
    Http,
    /// Redis: an array of two integers, the first is 1 when admitted.
    Resp,
}

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    /// It says so.
    pub admitted: bool,
    /// Not what was asked for.
    pub failed: bool,
    /// Who decided; of an answer that decides nothing, its status.
    pub by: String,
}

impl Answer {
    /// None while a part of it is missing.
    pub fn read(sort: Sort, bytes: &[u8]) -> Option<Self> {
        match sort {
            Sort::Http => http(bytes),
            Sort::Resp => resp(bytes),
        }
    }
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

fn http(bytes: &[u8]) -> Option<Answer> {
    let end = find(bytes, b"\r\n\r\n")? + 4;
    let (head, body) = bytes.split_at(end);
    let head = std::str::from_utf8(head).unwrap_or_default();
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?;
    let length = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let whole = match length {
        Some(length) => body.len() >= length,
        None => body.ends_with(b"0\r\n\r\n") || matches!(status, "204" | "304"),
    };
    whole.then(|| {
        let said = find(body, b"\"served_by\":\"").map(|at| &body[at + 13..]);
        let by = said.and_then(|said| said.split(|byte| *byte == b'"').next());
        Answer {
            admitted: find(body, b"\"allowed\":true").is_some(),
            failed: status.starts_with('5') || matches!(status, "401" | "403" | "404" | "429"),
            by: by.map_or(status.into(), |by| String::from_utf8_lossy(by).into_owned()),
        }
    })
}

fn resp(bytes: &[u8]) -> Option<Answer> {
    let failed = bytes.first() == Some(&b'-');
    let lines = bytes.windows(2).filter(|window| *window == b"\r\n").count();
    let admitted = bytes.get(4..6) == Some(b":1");
    (lines >= if failed { 1 } else { 3 }).then(|| Answer { admitted, failed, by: "redis".into() })
}
