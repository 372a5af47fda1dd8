//! A statement of a million lines against a ledger of as many: read, and matched.
//!
//! Invariant: one line of a hundred is at fault, in every way that there is, and the run fails when
//! one is not found or one is invented. Nothing but the work itself is timed. Prints one line of
//! JSON. Argument: how many lines.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use origin::payments::statement::{camt, read};
use shared::money::Currency;
use shared::payments::reconcile::line::Kind;
use shared::payments::reconcile::statement::written;
use shared::payments::reconcile::{Line, reconcile};
use std::fmt::Write;
use std::time::Instant;

const WINDOW_DAYS: u32 = 3;
const FIRST_DAY: u32 = 20_000;

struct Own {
    reference: String,
    amount: i64,
    day: u32,
}

fn line(own: &Own) -> Line<'_> {
    let Own { reference, amount, day } = own;
    Line { reference, batch: "", id: "", amount: *amount, currency: Currency::EUR, day: *day }
}

/// Both sides, and how many faults of each kind are between them. A tenth has no reference, and
/// amounts are few, so that most lines have twins.
fn books(count: u64) -> (Vec<Own>, Vec<Own>, [u64; 7]) {
    let (mut ours, mut theirs, mut faults) = (Vec::new(), Vec::new(), [0; 7]);
    for n in 0..count {
        let draw = shared::machine::mix(n);
        let named = !draw.is_multiple_of(10);
        let reference = if named { format!("ORDER-{:016X}", draw) } else { String::new() };
        let day = FIRST_DAY + (n * 30 / count) as u32;
        let own = Own { reference, amount: ((draw >> 8) % 5_000) as i64 - 2_500, day };
        let delay = (draw >> 32) as u32 % (WINDOW_DAYS + 1);
        let their = |amount: i64, delay: u32| Own {
            reference: own.reference.clone(),
            amount: own.amount + amount,
            day: own.day + delay,
        };
        let fault = if named && n % 100 == 7 { draw / 10 % 5 } else { 9 };
        let kind = match fault {
            0 => Kind::MissingThere,
            1 => Kind::AmountDiffers,
            2 => Kind::Late,
            3 => Kind::Duplicate,
            4 => Kind::MissingHere,
            _ => Kind::Matched,
        };
        faults[kind.number() as usize] += 1;
        match kind {
            Kind::MissingThere => {}
            Kind::AmountDiffers => theirs.push(their(1, delay)),
            Kind::Late => theirs.push(their(0, WINDOW_DAYS + 1)),
            Kind::Duplicate => {
                faults[Kind::Matched.number() as usize] += 1;
                theirs.extend([their(0, delay), their(0, delay)]);
            }
            _ => theirs.push(their(0, delay)),
        }
        if kind != Kind::MissingHere {
            ours.push(own);
        }
    }
    (ours, theirs, faults)
}

fn main() {
    let count = std::env::args().nth(1).map_or(1_000_000, |text| text.parse().unwrap());
    let (ours, theirs, wanted) = books(count);
    let our_lines: Vec<Line<'_>> = ours.iter().map(line).collect();
    let their_lines: Vec<Line<'_>> = theirs.iter().map(line).collect();
    let began = Instant::now();
    let findings = reconcile(&our_lines, &their_lines, WINDOW_DAYS);
    let matched = began.elapsed();
    let mut found = [0; 7];
    for finding in &findings {
        found[finding.kind.number() as usize] += 1;
    }
    assert_eq!(found, wanted, "a fault was not found, or one was invented");
    drop(findings);

    let mut csv = String::from("Date;Amount;Currency;Reference\n");
    let mut xml = String::from("<Document><BkToCstmrStmt><Stmt>\n");
    for own in &theirs {
        let Own { reference, amount, day } = own;
        let (size, sign) = (amount.unsigned_abs(), if *amount < 0 { "-" } else { "" });
        let (day, side) = (written(*day), if *amount < 0 { "DBIT" } else { "CRDT" });
        let money = format!("{}.{:02}", size / 100, size % 100);
        let comma = money.replace('.', ",");
        writeln!(csv, "{day};{sign}{comma};EUR;{reference}").unwrap();
        writeln!(
            xml,
            "<Ntry><Amt Ccy=\"EUR\">{money}</Amt><CdtDbtInd>{side}</CdtDbtInd><Sts>BOOK</Sts>\
             <BookgDt><Dt>{day}</Dt></BookgDt><NtryDtls><TxDtls><Refs>\
             <EndToEndId>{reference}</EndToEndId></Refs></TxDtls></NtryDtls></Ntry>"
        )
        .unwrap();
    }
    xml.push_str("</Stmt></BkToCstmrStmt></Document>");
    let began = Instant::now();
    let (_, statements) = read(csv.as_bytes(), Currency::EUR).unwrap();
    let csv_took = began.elapsed();
    assert_eq!(statements[0].lines.len(), theirs.len());
    drop(statements);
    let began = Instant::now();
    let statements = camt::read(xml.as_bytes()).unwrap();
    let camt_took = began.elapsed();
    assert_eq!(statements[0].lines.len(), theirs.len());
    println!(
        "{{\"lines\":{},\"faults\":{},\"matchMs\":{},\"csvMs\":{},\"camtMs\":{}}}",
        theirs.len(),
        wanted.iter().sum::<u64>() - wanted[Kind::Matched.number() as usize],
        matched.as_millis(),
        csv_took.as_millis(),
        camt_took.as_millis(),
    );
}
