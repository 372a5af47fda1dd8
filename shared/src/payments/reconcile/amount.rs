//! Amounts as statements write them, read exactly.
//!
//! Invariant: no digit is lost: decimals beyond the currency's exponent must be zeros. Never a
//! float. What a sign, a separator or a bracket could mean in two ways is refused.

use crate::money::{AMOUNT_MAX, Currency};
use alloc::{format, string::String, vec::Vec};

/// Reads an XML decimal (`-12.50`) into minor units.
///
/// # Errors
/// What is wrong with it, for people.
pub fn exact(text: &str, currency: Currency) -> Result<i64, String> {
    let refused = |why: &str| Err(format!("{text:?} {why}"));
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() && decimals.is_empty() || !all_digits(whole) || !all_digits(decimals) {
        return refused("is no amount");
    }
    let exponent = usize::try_from(currency.exponent()).unwrap_or(0);
    let (kept, lost) = decimals.split_at_checked(exponent).unwrap_or((decimals, ""));
    if lost.bytes().any(|b| b != b'0') {
        return Err(format!("{text:?} has more decimals than {currency}, which has {exponent}"));
    }
    let padded = format!("{whole}{kept:0<exponent$}");
    let padded = padded.trim_start_matches('0');
    // 2^53 − 1 has 16 digits.
    let minor: i64 = match padded {
        "" => 0,
        digits if digits.len() <= 16 => digits.parse().unwrap_or(i64::MAX),
        _ => i64::MAX,
    };
    if minor > AMOUNT_MAX {
        return Err(format!("{text:?} is beyond {AMOUNT_MAX} minor units"));
    }
    Ok(if negative { -minor } else { minor })
}

/// Which character begins the decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decimal {
    /// `1,234.56`
    Dot,
    /// `1.234,56`
    Comma,
}

/// A cell as written: blanks, apostrophes and currency letters or signs dropped, a sign behind or a
/// bracket around it moved to the front.
#[must_use]
pub fn tidy(cell: &str) -> String {
    let is_kept = |c: &char| c.is_ascii_digit() || matches!(c, '.' | ',' | '-' | '+');
    let cell: String = cell.replace('\u{2212}', "-");
    let cell = cell.trim();
    let inner = cell.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    let is_noise = |c: char| c.is_whitespace() || c.is_alphabetic() || "'’€$£¥".contains(c);
    let text = inner.unwrap_or(cell);
    // A letter within the digits stays, so that it is refused.
    let text = text.trim_matches(|c: char| is_noise(c));
    let mut out: String =
        text.chars().filter(|c| is_kept(c) || !c.is_whitespace() && !"'’".contains(*c)).collect();
    if let Some(rest) = out.strip_suffix('-') {
        out = format!("-{rest}");
    }
    if inner.is_some() { format!("-{out}") } else { out }
}

/// What the cells of one statement say about its decimals; `None`: nothing, or both.
#[must_use]
pub fn decimal_of<'a>(cells: impl Iterator<Item = &'a str>, currency: Currency) -> Option<Decimal> {
    let exponent = usize::try_from(currency.exponent()).unwrap_or(0);
    let (mut dot, mut comma, mut open) = (false, false, false);
    for cell in cells {
        match (cell.rfind('.'), cell.rfind(',')) {
            (None, None) => {}
            (Some(d), Some(c)) if d > c => dot = true,
            (Some(_), Some(_)) => comma = true,
            (last, _) => {
                let mark = if last.is_some() { '.' } else { ',' };
                let parts: Vec<&str> = cell.split(mark).collect();
                let tail = parts.last().map_or(0, |part| part.len());
                let head = parts.first().map_or("", |part| part.trim_start_matches(['-', '+']));
                // Thousands are grouped by three, and no number begins with a zero of them.
                let is_group = tail == 3 && matches!(head.len(), 1..=3) && !head.starts_with('0');
                // A currency without decimals has no mark of them; twice the same mark is
                // thousands; once, before three digits, it may be either; else it begins decimals.
                let is_thousands = parts.len() > 2 || is_group && exponent == 0;
                let is_open = parts.len() == 2 && is_group && exponent > 0;
                open |= is_open;
                let marks_decimals = !is_thousands && !is_open;
                dot |= (mark == '.') == marks_decimals && !is_open;
                comma |= (mark == ',') == marks_decimals && !is_open;
            }
        }
    }
    match (dot, comma) {
        (true, false) => Some(Decimal::Dot),
        (false, true) => Some(Decimal::Comma),
        (false, false) if !open => Some(Decimal::Dot),
        _ => None,
    }
}

/// Reads a tidied cell into minor units.
///
/// # Errors
/// What is wrong with it, for people.
pub fn localized(cell: &str, decimal: Decimal, currency: Currency) -> Result<i64, String> {
    let (mark, thousands) = match decimal {
        Decimal::Dot => ('.', ','),
        Decimal::Comma => (',', '.'),
    };
    let refused = || format!("{cell:?} is no amount");
    let (whole, decimals) = cell.split_once(mark).map_or((cell, None), |(a, b)| (a, Some(b)));
    let unsigned = whole.trim_start_matches(['-', '+']);
    let mut groups = unsigned.split(thousands);
    let first = groups.next().unwrap_or_default().len();
    let is_grouped = unsigned.contains(thousands);
    if is_grouped && (!(1..=3).contains(&first) || groups.any(|group| group.len() != 3)) {
        return Err(refused());
    }
    if decimals.is_some_and(|decimals| decimals.is_empty() || decimals.contains(thousands)) {
        return Err(refused());
    }
    let whole: String = whole.chars().filter(|c| *c != thousands).collect();
    let text = match decimals {
        Some(decimals) => format!("{whole}.{decimals}"),
        None => whole,
    };
    exact(&text, currency).map_err(|_| match exact(&text, currency) {
        Err(why) if why.contains("decimals") || why.contains("beyond") => why,
        _ => refused(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: &str) -> Currency {
        Currency::of(code).unwrap()
    }

    #[test]
    fn amounts_are_exact_by_the_currencys_exponent() {
        for (text, code, wanted) in [
            ("18.150", "EUR", 1_815),
            ("5442.09000", "RON", 544_209),
            ("200000", "SEK", 20_000_000),
            ("3.1", "CHF", 310),
            ("-0.01", "EUR", -1),
            ("1.234", "KWD", 1_234),
            ("12", "JPY", 12),
            ("12.000", "JPY", 12),
            (".5", "EUR", 50),
            ("90071992547409.91", "EUR", AMOUNT_MAX),
        ] {
            assert_eq!(exact(text, of(code)), Ok(wanted), "{text} {code}");
        }
        for (text, code) in [
            ("18.151", "EUR"),
            ("1.5", "JPY"),
            ("12..34", "EUR"),
            ("1,5", "EUR"),
            ("", "EUR"),
            (".", "EUR"),
            ("1e3", "EUR"),
            ("--1", "EUR"),
            ("90071992547409.92", "EUR"),
            ("99999999999999999999999", "EUR"),
        ] {
            assert!(exact(text, of(code)).is_err(), "{text} {code}");
        }
    }

    #[test]
    fn a_file_says_by_its_cells_what_its_marks_mean() {
        let said = |cells: &[&str], code: &str| decimal_of(cells.iter().copied(), of(code));
        assert_eq!(said(&["1.234,56", "3.500"], "EUR"), Some(Decimal::Comma));
        assert_eq!(said(&["1,234.56", "3,500"], "EUR"), Some(Decimal::Dot));
        assert_eq!(said(&["1234,5"], "EUR"), Some(Decimal::Comma));
        for both in ["1,234", "1.234", "10,001", "-999.500", "100,000"] {
            assert_eq!(said(&[both], "EUR"), None, "{both}");
            assert_eq!(said(&[both], "KWD"), None, "{both}");
        }
        assert_eq!(said(&["10,001", "4.50"], "EUR"), Some(Decimal::Dot));
        assert_eq!(said(&["10,001", "4,50"], "EUR"), Some(Decimal::Comma));
        assert_eq!(said(&["10,001", "1,234,567"], "EUR"), Some(Decimal::Dot));
        assert_eq!(said(&["0,500"], "EUR"), Some(Decimal::Comma));
        assert_eq!(said(&["1234,567"], "EUR"), Some(Decimal::Comma));
        assert_eq!(said(&["10,001"], "JPY"), Some(Decimal::Dot));
        assert_eq!(said(&["10.001"], "JPY"), Some(Decimal::Comma));
        assert_eq!(said(&["1,5", "1.5"], "EUR"), None);
        assert_eq!(said(&["100"], "EUR"), Some(Decimal::Dot));
    }

    #[test]
    fn cells_are_read_as_written_abroad() {
        for (cell, decimal, wanted) in [
            ("1.234,56", Decimal::Comma, 123_456),
            ("-1 234,56 €", Decimal::Comma, -123_456),
            ("1'234.50", Decimal::Dot, 123_450),
            ("(12.00)", Decimal::Dot, -1_200),
            ("12.00-", Decimal::Dot, -1_200),
            ("EUR 3,500.00", Decimal::Dot, 350_000),
            ("\u{2212}4,50", Decimal::Comma, -450),
        ] {
            assert_eq!(localized(&tidy(cell), decimal, of("EUR")), Ok(wanted), "{cell}");
        }
        for cell in ["12..34", "1,23,4.00", "1.234,56.7", "12.3x4", "", "12.", "1-2"] {
            assert!(localized(&tidy(cell), Decimal::Dot, of("EUR")).is_err(), "{cell}");
        }
    }
}
