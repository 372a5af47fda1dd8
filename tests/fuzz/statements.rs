//! Statements of banks, as CSV and as XML, and what a bank says of orders.
//!
//! Invariant: a file is read whole or refused with a line of it and a reason; every amount that is
//! read is one that the ledger can count, and means the same however its lines end.
#![no_main]
// The readers are the origin's own files: a copy would not be what runs.
#![allow(dead_code, missing_docs, reason = "not all of them is used here")]

mod check;
#[path = "../../origin/src/payments/statement/mod.rs"]
mod statement;

use check::select;
use libfuzzer_sys::fuzz_target;
use shared::money::{AMOUNT_MAX, Currency};
use shared::payments::reconcile::csv;
use shared::payments::reconcile::statement::{REFERENCE_BYTES_MAX, Refusal, Statement};

const PARSERS: &[fn(&[u8])] = &[
    |data| comma(data, Currency::EUR),
    |data| comma(data, Currency::of("JPY").expect("a currency")),
    any,
    rejections,
];

fn refused(refusal: &Refusal, data: &[u8]) {
    let lines = data.iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
    assert!((1..=lines).contains(&refusal.line) && !refusal.why.is_empty(), "{refusal:?}");
}

fn lines(statement: &Statement, data: &[u8]) {
    let count = data.iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
    for line in &statement.lines {
        assert!((-AMOUNT_MAX..=AMOUNT_MAX).contains(&line.amount), "{line:?}");
        assert!((1..=count).contains(&line.line), "{line:?}");
        assert!(line.references.iter().all(|one| one.len() <= REFERENCE_BYTES_MAX), "{line:?}");
    }
}

fn comma(data: &[u8], currency: Currency) {
    match csv::read(data, currency) {
        Ok(read) => {
            lines(&read, data);
            let more = [data, b"\n"].concat();
            assert_eq!(csv::read(&more, currency).as_ref(), Ok(&read), "by its last line's end");
        }
        Err(refusal) => refused(&refusal, data),
    }
}

fn any(data: &[u8]) {
    match statement::read(data, Currency::EUR) {
        Ok((_, all)) => all.iter().for_each(|one| lines(one, data)),
        Err(refusal) => refused(&refusal, data),
    }
}

fn rejections(data: &[u8]) {
    let _ = statement::pain002::is_one(data);
    if let Err(refusal) = statement::pain002::read(data) {
        refused(&refusal, data);
    }
}

fuzz_target!(|data: &[u8]| select(PARSERS, data));
