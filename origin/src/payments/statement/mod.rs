//! Statements of banks and gateways, read whole or refused with the line and the reason.
//!
//! Invariant: what a file is, its first bytes say, not its name or its media type.

pub mod camt;
pub mod pain002;
pub mod xml;

use shared::money::Currency;
use shared::payments::reconcile::csv;
use shared::payments::reconcile::statement::{Refusal, Statement};

/// A file's bytes: a million lines of CSV have some 80 MB.
pub const STATEMENT_BYTES_MAX: u64 = 128 << 20;
/// A file's lines; twice the million that is promised.
pub const LINES_MAX: usize = 2_000_000;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// camt.052, camt.053 or camt.054.
    Camt,
    /// Comma-separated, whatever the comma is.
    Csv,
}

impl Format {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Camt => "camt",
            Self::Csv => "csv",
        }
    }
}

/// Reads a file; `currency` is that of amounts which do not say their own.
///
/// # Errors
/// The first line that cannot be read, and why.
pub fn read(bytes: &[u8], currency: Currency) -> Result<(Format, Vec<Statement>), Refusal> {
    let text = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let begin = text.iter().position(|b| !b.is_ascii_whitespace()).unwrap_or(text.len());
    let start = text.get(begin..).unwrap_or_default();
    let (format, statements) = match start {
        [] => return Err(Refusal::at(1, "the file is empty")),
        [b'<', ..] => (Format::Camt, camt::read(text)?),
        [b'{' | b'[', ..] => return Err(Refusal::at(1, "is JSON; camt or CSV are read")),
        [b':', ..] => return Err(Refusal::at(1, "is MT940; camt or CSV are read")),
        _ if start.starts_with(b"OFXHEADER") => {
            return Err(Refusal::at(1, "is OFX; camt or CSV are read"));
        }
        _ => (Format::Csv, vec![csv::read(bytes, currency)?]),
    };
    if statements.iter().map(|statement| statement.lines.len()).sum::<usize>() > LINES_MAX {
        return Err(Refusal::at(1, format!("has more than {LINES_MAX} lines")));
    }
    Ok((format, statements))
}

/// The lines of one account: of `wanted`, or of the only one that the file tells of.
///
/// # Errors
/// The file tells of several accounts, or of none that is `wanted`.
pub fn of_account(all: Vec<Statement>, wanted: Option<&str>) -> Result<Statement, Refusal> {
    let is_wanted = |one: &Statement| match wanted {
        Some(wanted) => one.accounts.is_empty() || one.accounts.iter().any(|name| name == wanted),
        None => true,
    };
    let mut kept = all.into_iter().filter(is_wanted);
    let Some(mut whole) = kept.next() else {
        let why = format!("tells nothing of the account {}", wanted.unwrap_or_default());
        return Err(Refusal::at(1, why));
    };
    for next in kept {
        if wanted.is_none() && next.accounts != whole.accounts {
            let why = "tells of several accounts, and none of them is known as the account's";
            return Err(Refusal::at(1, why));
        }
        whole.lines.extend(next.lines);
        whole.unbooked += next.unbooked;
        whole.is_whole &= next.is_whole;
        whole.made = whole.made.max(next.made);
    }
    Ok(whole)
}

#[cfg(test)]
mod tests;
