//! A statement as it was read: which account, which days, which lines; or why it was not.
//!
//! Invariant: a line keeps the number of the file's line that it begins at, so that a finding leads
//! back to it; names, account numbers and free text of third parties are not kept.

use crate::money::Currency;
use crate::payments::card;
use crate::time::Millis;
use alloc::{string::String, vec::Vec};

/// One movement of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementLine {
    /// The file's line.
    pub line: u64,
    /// What names it, the best first.
    pub references: Vec<String>,
    /// Free text, which may say our reference; it is not kept.
    pub texts: Vec<String>,
    /// The reference of the batch it is a part of; may be empty.
    pub batch: String,
    /// The bank's own number of it; may be empty.
    pub id: String,
    /// Why it came back, when it is a return: ISO 20022's code, such as `AC04`; may be empty.
    pub returned: String,
    /// Minor units; money in is positive.
    pub amount: i64,
    /// ISO 4217.
    pub currency: Currency,
    /// Days since 1970-01-01: when it was booked, else its value's day, else the statement's.
    pub day: u32,
}

/// A statement of one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statement {
    /// The accounts that it says it is of, in the bank's words.
    pub accounts: Vec<String>,
    /// When the bank made it.
    pub made: Option<Millis>,
    /// What was booked.
    pub lines: Vec<StatementLine>,
    /// Whether it tells of days that are over (camt.053), not of a moment or of single bookings.
    pub is_whole: bool,
    /// Lines that are not booked yet (`PDNG`, `INFO`), which are passed over.
    pub unbooked: u64,
}

impl StatementLine {
    /// Drops what holds a card number, before anything of the line is kept. Nothing of ours is
    /// called so: such a reference was refused.
    pub fn forget_cards(&mut self) {
        let holds = |text: &String| card::holds(text.as_bytes());
        self.references.retain(|text| !holds(text));
        self.texts.retain(|text| !holds(text));
        for text in [&mut self.batch, &mut self.id, &mut self.returned] {
            if holds(text) {
                text.clear();
            }
        }
    }

    /// The reference that both sides know, by `is_ours`: one that names it, else one that its text
    /// says. Without any, its own first name: a name that is not ours is another's.
    #[must_use]
    pub fn reference(&self, is_ours: impl Fn(&str) -> bool) -> &str {
        let words = self.texts.iter().flat_map(|text| {
            let whole = core::iter::once(text.as_str());
            whole.chain(text.split([' ', ',', ';', '\t']))
        });
        let all = self.references.iter().map(String::as_str).chain(words);
        let mut ours = all.filter(|text| !text.is_empty() && is_ours(text));
        ours.next().or(self.references.first().map(String::as_str)).unwrap_or_default()
    }
}

/// Why a file is no statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The file's line, from 1.
    pub line: u64,
    /// For people.
    pub why: String,
}

impl Refusal {
    /// A refusal at a line.
    #[must_use]
    pub fn at(line: u64, why: impl Into<String>) -> Self {
        Self { line, why: why.into() }
    }
}

/// The longest reference that is kept, in bytes: as long as a transfer's.
pub const REFERENCE_BYTES_MAX: usize = 200;

/// A text that is a reference: what stands for none (`NOTPROVIDED`) and what is too long is not.
#[must_use]
pub fn reference(text: &str) -> Option<&str> {
    let text = text.trim();
    let is_none = text.is_empty()
        || text.len() > REFERENCE_BYTES_MAX
        || ["NOTPROVIDED", "NONREF", "NONE", "N/A", "-"]
            .iter()
            .any(|none| text.eq_ignore_ascii_case(none));
    (!is_none).then_some(text)
}

/// Reads the day of an ISO date or moment (`2026-04-12`, `2007-10-18T13:15:00+01:00`); the day is
/// the one that is written, whatever the offset: a bank's booking day is its own.
#[must_use]
pub fn day(text: &str) -> Option<u32> {
    let date = text.trim().get(..10)?;
    let rest = text.trim().get(10..)?;
    if !rest.is_empty() && !rest.starts_with(['T', ' ', 'Z', '+']) {
        return None;
    }
    u32::try_from(Millis::parse(date)?.day()).ok()
}

/// The first moment of a day.
#[must_use]
pub fn begins(day: u32) -> Millis {
    Millis(u64::from(day).saturating_mul(crate::time::DAY_MS))
}

/// `2026-04-12`
#[must_use]
pub fn written(day: u32) -> String {
    let mut text = begins(day).to_rfc3339();
    text.truncate(10);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_the_one_that_is_written() {
        assert_eq!(day("1970-01-02"), Some(1));
        assert_eq!(day("2007-10-18T00:15:00+01:00"), day("2007-10-18"));
        assert_eq!(day("2025-07-23T00:00:00.000000000"), day("2025-07-23"));
        for none in ["", "2007-13-01", "18.10.2007", "2007-10-1", "2007-10-18x", "1969-12-31"] {
            assert_eq!(day(none), None, "{none}");
        }
        assert_eq!(day("2026-04-12").map(written).as_deref(), Some("2026-04-12"));
    }

    #[test]
    fn a_line_is_linked_by_what_is_ours_wherever_it_says_so() {
        let line = StatementLine {
            line: 1,
            references: Vec::from(["theirs".into(), "own".into()]),
            texts: Vec::from(["for pot_1, thanks".into()]),
            batch: String::new(),
            id: String::new(),
            returned: String::new(),
            amount: 1,
            currency: Currency::EUR,
            day: 1,
        };
        assert_eq!(line.reference(|text| text == "own"), "own");
        assert_eq!(line.reference(|text| text == "pot_1"), "pot_1");
        assert_eq!(line.reference(|_| false), "theirs");
        let card = || String::from("card 5105-1051 0510 5100");
        let mut line = line;
        line.references.push(card());
        (line.texts, line.batch, line.id) = (Vec::from([card()]), card(), card());
        line.forget_cards();
        assert_eq!(line.references, ["theirs", "own"]);
        assert!(line.texts.is_empty() && line.batch.is_empty() && line.id.is_empty());
        let nameless = StatementLine { references: Vec::new(), ..line };
        assert_eq!(nameless.reference(|_| false), "");
    }

    #[test]
    fn what_stands_for_no_reference_is_none() {
        for none in ["", "  ", "NOTPROVIDED", "notprovided", "NONREF", "-"] {
            assert_eq!(reference(none), None, "{none:?}");
        }
        assert_eq!(reference(" FR-001 "), Some("FR-001"));
    }
}
