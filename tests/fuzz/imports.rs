//! Imports: CSV, lines of JSON, arrays; whole, and cut anywhere.
//!
//! Invariant: where the parts of a body end changes no item and no refusal.
#![no_main]

mod check;

use check::{NOW, OWN, refused, select};
use libfuzzer_sys::fuzz_target;
use shared::links::csv::Item;
use shared::links::import::Form;
use shared::links::request;

const PARSERS: &[fn(&[u8])] = &[
    |data| import("text/csv", data),
    |data| import("application/x-ndjson", data),
    |data| import("application/json", data),
];

/// All items, and the status of what ended them early.
fn read(media_type: &str, data: &[u8], step: usize) -> (Vec<Item>, Option<u16>) {
    let mut form = Form::of(media_type).expect("a known type");
    let mut items = Vec::new();
    // What one part failed with is said at the next; an empty part is the end.
    for part in data.chunks(step.max(1)).chain([&[][..], &[][..]]) {
        match form.feed(part) {
            Ok(more) => items.extend(more),
            Err(problem) => {
                refused(&problem);
                return (items, Some(problem.status()));
            }
        }
    }
    (items, None)
}

fn import(media_type: &str, data: &[u8]) {
    let Some((step, data)) = data.split_first() else { return };
    if data.is_empty() {
        return;
    }
    let (items, failed) = read(media_type, data, data.len());
    let (cut, cut_failed) = read(media_type, data, usize::from(*step));
    assert_eq!((&items, failed), (&cut, cut_failed), "cut every {step} bytes");
    for item in &items {
        assert!(item.line >= 1);
        match &item.body {
            Ok(body) => {
                if let Err(problem) = request::shorten(body.to_string().as_bytes(), &OWN, NOW) {
                    refused(&problem);
                }
            }
            Err(problem) => refused(problem),
        }
    }
}

fuzz_target!(|data: &[u8]| select(PARSERS, data));
