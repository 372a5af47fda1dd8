//! What every target holds its parser to, beside not panicking.
//!
//! Invariant: a refusal is a 4xx whose body is JSON with a pointer per field; a target that was
//! taken can stand in a header, and its normal form is normal.

#![allow(dead_code, reason = "no target uses all of it")]

use shared::links::target;
use shared::problem::Problem;
use shared::time::Millis;

pub const NOW: Millis = Millis(1_795_151_503_000);
pub const OWN: [&str; 2] = ["https://s.example", "http://short.test:8080"];

/// Runs the parser that the first byte selects, `a` being the first; the rest is its input.
pub fn select(parsers: &[fn(&[u8])], data: &[u8]) {
    let Some((first, rest)) = data.split_first() else { return };
    let index = usize::from(first.wrapping_sub(b'a')) % parsers.len();
    parsers[index](rest);
}

pub fn refused(problem: &Problem) {
    assert!((400..500).contains(&problem.status()), "{problem:?}");
    let body = problem.to_json("https://s.example", "req_1");
    let body: serde_json::Value = serde_json::from_str(&body).expect("a problem is JSON");
    assert!(body["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{body}");
    for error in &problem.errors {
        let pointer = &error.pointer;
        let fits = pointer.is_empty() || pointer.starts_with(['/', '?']);
        assert!(fits && !error.detail.is_empty(), "{error:?}");
    }
}

/// The value, unless it was refused well.
pub fn taken<T>(read: Result<T, Problem>) -> Option<T> {
    read.inspect_err(refused).ok()
}

pub fn url(url: &str) {
    assert!(url.bytes().all(|byte| byte.is_ascii_graphic()), "not for a header: {url:?}");
    assert!(url.starts_with("http://") || url.starts_with("https://"), "{url:?}");
    assert!(url.len() <= target::BYTES_MAX);
    assert_eq!(target::normalise(url, &OWN).as_deref(), Ok(url), "the normal form is not normal");
    for domain in target::domains(url) {
        assert!(!domain.is_empty() && !domain.contains('/'), "{domain:?} of {url:?}");
    }
}

pub fn text(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data).ok()
}
