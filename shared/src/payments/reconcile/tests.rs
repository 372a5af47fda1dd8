//! What is found, by example and by injected faults over random books.

use super::*;
use crate::money::Currency;
use alloc::{collections::BTreeMap, format, string::String};
use proptest::prelude::*;

const WINDOW: u32 = 3;

fn line<'a>(reference: &'a str, amount: i64, day: u32) -> Line<'a> {
    Line { reference, batch: "", id: "", amount, currency: Currency::EUR, day }
}

fn found(ours: &[Line<'_>], theirs: &[Line<'_>]) -> Vec<(Kind, Vec<u32>, Vec<u32>)> {
    let mut all: Vec<_> = reconcile(ours, theirs, WINDOW)
        .into_iter()
        .map(|Finding { kind, ours, theirs }| (kind, ours, theirs))
        .collect();
    all.sort();
    all
}

#[test]
fn p12_one_reference_and_one_amount_match_within_the_window() {
    let wanted = |kind| vec![(kind, vec![0], vec![0])];
    assert_eq!(found(&[line("a", 5, 9)], &[line("a", 5, 12)]), wanted(Kind::Matched));
    assert_eq!(found(&[line("a", 5, 9)], &[line("a", 5, 13)]), wanted(Kind::Late));
    assert_eq!(found(&[line("a", 5, 9)], &[line("a", 6, 9)]), wanted(Kind::AmountDiffers));
    let dollars = Line { currency: Currency::of("USD").unwrap(), ..line("a", 5, 9) };
    assert_eq!(found(&[line("a", 5, 9)], &[dollars]), wanted(Kind::CurrencyDiffers));
}

#[test]
fn p12_references_that_differ_are_never_the_same_money() {
    let all = found(&[line("a", 5, 9)], &[line("b", 5, 9)]);
    assert_eq!(all, [(Kind::MissingHere, vec![], vec![0]), (Kind::MissingThere, vec![0], vec![])]);
}

#[test]
fn p12_without_a_reference_amount_and_date_decide() {
    let all = found(&[line("a", 5, 9), line("", -7, 9)], &[line("", 5, 11), line("b", -7, 8)]);
    assert_eq!(all, [(Kind::Matched, vec![0], vec![0]), (Kind::Matched, vec![1], vec![1])]);
    let far = found(&[line("", 5, 9)], &[line("", 5, 13)]);
    assert_eq!(far.len(), 2, "{far:?}");
}

#[test]
fn p12_one_line_of_theirs_may_be_the_sum_of_ours_and_the_reverse() {
    let (parts, whole) = ([line("a", 60, 1), line("a", 40, 2)], [line("a", 100, 3)]);
    assert_eq!(found(&parts, &whole), [(Kind::Matched, vec![0, 1], vec![0])]);
    assert_eq!(found(&whole, &parts), [(Kind::Matched, vec![0], vec![0, 1])]);
    let sent = |reference, amount| Line { batch: "out-7", ..line(reference, amount, 1) };
    let parts = [sent("x", -60), sent("y", -40)];
    assert_eq!(found(&parts, &[line("out-7", -100, 2)]), [(Kind::Matched, vec![0, 1], vec![0])]);
    assert_eq!(found(&[line("out-7", -100, 2)], &parts), [(Kind::Matched, vec![0], vec![0, 1])]);
    let short = found(&parts, &[line("out-7", -90, 2)]);
    assert_eq!(short, [(Kind::AmountDiffers, vec![0, 1], vec![0])]);
}

#[test]
fn p12_what_a_side_has_once_too_often_is_a_duplicate() {
    let (once, twice) = ([line("a", 5, 9)], [line("a", 5, 9), line("a", 5, 9)]);
    let two = (Kind::Matched, vec![0], vec![0]);
    assert_eq!(found(&once, &twice), [two.clone(), (Kind::Duplicate, vec![], vec![1])]);
    assert_eq!(found(&twice, &once), [two, (Kind::Duplicate, vec![1], vec![])]);
    assert_eq!(found(&twice, &twice).len(), 2, "doubles of one day that both sides have");
    let numbered = |n| Line { id: n, ..line("", 5, 9) };
    let sent_twice = found(&[line("", 5, 9), line("", 5, 9)], &[numbered("1"), numbered("1")]);
    assert_eq!(
        sent_twice.iter().map(|found| found.0).collect::<Vec<_>>(),
        [Kind::Matched, Kind::MissingThere, Kind::Duplicate]
    );
}

/// What is done to one pair of lines.
#[derive(Clone, Copy, Debug)]
enum Fault {
    None,
    MissingHere,
    MissingThere,
    Amount,
    Currency,
    Twice,
    Late,
    /// Theirs has it in so many lines.
    Split(u8),
    /// Ours is so many payments of a batch, theirs one line.
    Batch(u8),
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        8 => Just(Fault::None),
        1 => Just(Fault::MissingHere),
        1 => Just(Fault::MissingThere),
        1 => Just(Fault::Amount),
        1 => Just(Fault::Currency),
        1 => Just(Fault::Twice),
        1 => Just(Fault::Late),
        1 => (2..5u8).prop_map(Fault::Split),
        1 => (2..5u8).prop_map(Fault::Batch),
    ]
}

#[derive(Clone, Debug)]
struct Owned {
    reference: String,
    batch: String,
    amount: i64,
    currency: Currency,
    day: u32,
}

impl Owned {
    fn line(&self) -> Line<'_> {
        let Self { reference, batch, amount, currency, day } = self;
        Line { reference, batch, id: "", amount: *amount, currency: *currency, day: *day }
    }
}

type Told = BTreeMap<(Kind, &'static str, i64), u32>;

struct Books {
    ours: Vec<Owned>,
    theirs: Vec<Owned>,
    wanted: Told,
}

impl Books {
    /// One of ours in several of theirs.
    fn split(&mut self, ours: Owned, theirs: &Owned, parts: u8) {
        for part in 1..parts {
            self.theirs.push(Owned { amount: i64::from(part), ..theirs.clone() });
        }
        let before: i64 = (1..parts).map(i64::from).sum();
        self.theirs.push(Owned { amount: ours.amount - before, ..theirs.clone() });
        self.ours.push(ours);
    }

    /// Several of ours in one of theirs, which names their batch.
    fn batch(&mut self, ours: &Owned, theirs: Owned, batch: String, parts: u8) {
        let mut rest = ours.amount;
        for part in 0..parts {
            let last = part + 1 == parts;
            let amount = if last { rest } else { i64::from(part) + 1 };
            rest -= amount;
            let reference = format!("{batch}-{part}");
            self.ours.push(Owned { reference, batch: batch.clone(), amount, ..ours.clone() });
        }
        self.theirs.push(Owned { reference: batch, ..theirs });
    }
}

/// Books with faults: amounts of few sizes and days of few, so that most lines have many twins.
fn books(faults: &[(Fault, bool, u8, u8, u8)], side: Option<bool>) -> Books {
    let (eur, usd) = (Currency::EUR, Currency::of("USD").unwrap());
    let mut books = Books { ours: Vec::new(), theirs: Vec::new(), wanted: Told::new() };
    for (n, (fault, named, size, day, shift)) in faults.iter().enumerate() {
        let reference = if *named { format!("ref-{n}") } else { String::new() };
        let (amount, day) = (i64::from(*size) * 100 - 250, u32::from(*day) + 100);
        let ours = Owned { reference, batch: String::new(), amount, currency: eur, day };
        let theirs = Owned { day: day + u32::from(*shift), ..ours.clone() };
        // A line without a reference that is missing on one side, and any that is missing on the
        // other, may be the same money: nobody can tell. So either every missing line is missing
        // on one side, or lines without a reference are not missing.
        let fault = match (fault, side) {
            (Fault::MissingHere | Fault::MissingThere, Some(true)) => Fault::MissingHere,
            (Fault::MissingHere | Fault::MissingThere, Some(false)) => Fault::MissingThere,
            (fault, _) if *named => *fault,
            _ => Fault::None,
        };
        let mut want = |kind, amount| *books.wanted.entry((kind, "EUR", amount)).or_default() += 1;
        match fault {
            Fault::None => want(Kind::Matched, amount),
            Fault::MissingHere => {
                want(Kind::MissingHere, amount);
                books.theirs.push(theirs);
                continue;
            }
            Fault::MissingThere => {
                want(Kind::MissingThere, amount);
                books.ours.push(ours);
                continue;
            }
            Fault::Amount => {
                want(Kind::AmountDiffers, amount);
                books.theirs.push(Owned { amount: amount + 1, ..theirs });
                books.ours.push(ours);
                continue;
            }
            Fault::Currency => {
                want(Kind::CurrencyDiffers, amount);
                books.theirs.push(Owned { currency: usd, ..theirs });
                books.ours.push(ours);
                continue;
            }
            Fault::Twice => {
                want(Kind::Matched, amount);
                want(Kind::Duplicate, amount);
                books.theirs.push(theirs.clone());
            }
            Fault::Late => {
                want(Kind::Late, amount);
                books.theirs.push(Owned { day: day + WINDOW + 1, ..theirs });
                books.ours.push(ours);
                continue;
            }
            Fault::Split(parts) => {
                want(Kind::Matched, amount);
                books.split(ours, &theirs, parts);
                continue;
            }
            Fault::Batch(parts) => {
                want(Kind::Matched, amount);
                books.batch(&ours, theirs, format!("batch-{n}"), parts);
                continue;
            }
        }
        books.ours.push(ours);
        books.theirs.push(theirs);
    }
    books
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
    #[test]
    fn p12_injected_faults_are_all_found_and_none_is_invented(
        faults in proptest::collection::vec(
            (fault(), any::<bool>(), 0..6u8, 0..6u8, 0..4u8), 0..120),
        side in any::<Option<bool>>(),
        turn in any::<u16>(),
    ) {
        let mut books = books(&faults, side);
        // The order of a statement's lines says nothing.
        let turn = usize::from(turn) % books.theirs.len().max(1);
        books.theirs.rotate_left(turn);
        let ours: Vec<Line<'_>> = books.ours.iter().map(Owned::line).collect();
        let theirs: Vec<Line<'_>> = books.theirs.iter().map(Owned::line).collect();
        let findings = reconcile(&ours, &theirs, WINDOW);
        let mut told = Told::new();
        let (mut seen_ours, mut seen_theirs) = (vec![0; ours.len()], vec![0; theirs.len()]);
        for Finding { kind, ours: a, theirs: b } in &findings {
            for n in a { seen_ours[*n as usize] += 1; }
            for n in b { seen_theirs[*n as usize] += 1; }
            let side = if a.is_empty() { (b, &theirs) } else { (a, &ours) };
            let amount = side.0.iter().map(|n| side.1[*n as usize].amount).sum();
            *told.entry((*kind, "EUR", amount)).or_default() += 1;
        }
        prop_assert_eq!(told, books.wanted);
        prop_assert!(seen_ours.iter().chain(&seen_theirs).all(|count| *count == 1));
        prop_assert_eq!(&findings, &reconcile(&ours, &theirs, WINDOW));
    }
}
