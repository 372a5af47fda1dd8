//! Bytes to the edge as they stand here: what no HTTP client would send.

use crate::client::Stack;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// What came back: the status, and everything as text.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) text: String,
}

impl Answer {
    /// Whether the Worker answered; what it never saw, the platform refuses in plain text.
    pub(crate) fn is_ours(&self) -> bool {
        self.header("x-request-id").is_some()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let head = self.text.split("\r\n\r\n").next()?;
        let mut lines = head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// Sends `request` and reads until the other side closes.
pub(crate) fn send(stack: &Stack, request: &[u8]) -> Answer {
    let address = stack.edge.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // Who refuses a head that is too long stops reading it.
    let _ = stream.write_all(request);
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Answer { status, text }
}

/// Sends a request line and header lines, without a body.
pub(crate) fn head(stack: &Stack, line: &[u8], headers: &[&[u8]]) -> Answer {
    let mut request = [line, b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"].concat();
    for header in headers {
        request.extend_from_slice(header);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    send(stack, &request)
}
