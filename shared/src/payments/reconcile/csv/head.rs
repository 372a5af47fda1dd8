//! What a statement's head may say, in the words that banks use, and how its days are written.
//!
//! Refused: a head without a date or an amount, and one that names a column twice.

use crate::time::Millis;
use alloc::{format, string::String, vec::Vec};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    Booked,
    Valued,
    Amount,
    Debit,
    Credit,
    Side,
    Currency,
    Reference,
    Text,
    Batch,
    Id,
    Account,
    /// Which is not read, but may tell how amounts are written.
    Balance,
}

/// Heads, letters and digits alone, without accents, in lower case.
const WORDS: &[(Column, &[&str])] = &[
    (
        Column::Booked,
        &[
            "date",
            "bookingdate",
            "bookeddate",
            "transactiondate",
            "postingdate",
            "buchungstag",
            "buchungsdatum",
            "datum",
            "dateoperation",
            "datecomptable",
            "fecha",
            "fechaoperacion",
            "data",
            "dataoperazione",
            "boekdatum",
            "day",
        ],
    ),
    (
        Column::Valued,
        &[
            "valuedate",
            "valutadatum",
            "wertstellung",
            "valuta",
            "datevaleur",
            "datedevaleur",
            "fechavalor",
            "datavaluta",
            "rentedatum",
        ],
    ),
    (
        Column::Amount,
        &["amount", "betrag", "umsatz", "montant", "importe", "importo", "bedrag", "net"],
    ),
    (Column::Debit, &["debit", "soll", "cargo", "dare", "addebito", "af", "moneyout", "paidout"]),
    (
        Column::Credit,
        &["credit", "haben", "abono", "avere", "accredito", "bij", "moneyin", "paidin"],
    ),
    (
        Column::Side,
        &["creditdebit", "debitcredit", "sollhaben", "afbij", "drcr", "crdr", "direction", "side"],
    ),
    (
        Column::Currency,
        &[
            "currency",
            "ccy",
            "waehrung",
            "wahrung",
            "devise",
            "divisa",
            "valute",
            "munteenheid",
            "moneda",
            "currencycode",
        ],
    ),
    (
        Column::Reference,
        &[
            "reference",
            "ref",
            "referenz",
            "kundenreferenz",
            "endtoendid",
            "endtoendreferenz",
            "referencia",
            "riferimento",
            "kenmerk",
            "paymentreference",
            "customerreference",
        ],
    ),
    (
        Column::Text,
        &[
            "description",
            "details",
            "libelle",
            "verwendungszweck",
            "concepto",
            "descrizione",
            "omschrijving",
            "memo",
            "text",
        ],
    ),
    (
        Column::Batch,
        &[
            "batch",
            "batchid",
            "batchreference",
            "sammlerreferenz",
            "payout",
            "payoutid",
            "pmtinfid",
        ],
    ),
    (
        Column::Id,
        &[
            "id",
            "transactionid",
            "bankreference",
            "bankreferenz",
            "fitid",
            "entryid",
            "balancetransactionid",
        ],
    ),
    (
        Column::Account,
        &[
            "account",
            "iban",
            "konto",
            "kontonummer",
            "compte",
            "cuenta",
            "conto",
            "rekening",
            "accountnumber",
        ],
    ),
    (
        Column::Balance,
        &["balance", "runningbalance", "closingbalance", "saldo", "solde", "kontostand"],
    ),
];

/// Letters and digits of a head's cell: accents dropped, `ä` as `a`, lower case.
fn plain(cell: &str) -> String {
    let fold = |c: char| match c {
        'à' | 'á' | 'â' | 'ä' | 'ã' => 'a',
        'è' | 'é' | 'ê' | 'ë' => 'e',
        'ì' | 'í' | 'î' | 'ï' => 'i',
        'ò' | 'ó' | 'ô' | 'ö' => 'o',
        'ù' | 'ú' | 'û' | 'ü' => 'u',
        'ç' => 'c',
        'ñ' => 'n',
        other => other,
    };
    let lower = cell.chars().flat_map(char::to_lowercase);
    lower.map(fold).filter(|c| c.is_ascii_alphanumeric()).collect()
}

/// What each column of a head holds; `None`: nothing that is read.
pub fn columns(head: &[String]) -> Result<Vec<Option<Column>>, String> {
    let known = |cell: &String| {
        let plain = plain(cell);
        let found = WORDS.iter().find(|(_, words)| words.contains(&plain.as_str()));
        found.map(|(column, _)| *column)
    };
    let columns: Vec<Option<Column>> = head.iter().map(known).collect();
    let has = |wanted| columns.contains(&Some(wanted));
    for (n, column) in columns.iter().enumerate() {
        let is_one = column.is_some() && *column != Some(Column::Balance);
        if is_one && columns.iter().take(n).any(|earlier| earlier == column) {
            let name = head.get(n).map_or("", String::as_str);
            return Err(format!("the head names a column like {name:?} twice"));
        }
    }
    let both = has(Column::Debit) && has(Column::Credit);
    if !has(Column::Amount) && !both {
        return Err("the head names no amount, nor debit and credit".into());
    }
    if !has(Column::Booked) && !has(Column::Valued) {
        return Err("the head names no date".into());
    }
    Ok(columns)
}

/// An amount with the side that a column of its own says.
pub fn signed(amount: i64, side: &str) -> Result<i64, String> {
    let size = amount.saturating_abs();
    match plain(side).as_str() {
        "credit" | "crdt" | "cr" | "c" | "haben" | "h" | "bij" | "in" => Ok(size),
        "debit" | "dbit" | "dr" | "d" | "soll" | "s" | "af" | "out" => Ok(size.saturating_neg()),
        _ => Err(format!("{side:?} is neither credit nor debit")),
    }
}

/// How the days of one file are written: ISO, or three numbers of which the last is the year.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dates {
    day_first: bool,
    month_first: bool,
    numbers: bool,
}

fn numbers(text: &str) -> Option<(u32, u32, u32)> {
    let mut parts = text.split(['.', '/', '-']).map(str::parse::<u32>);
    let (a, b, c) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    if parts.next().is_some() {
        return None;
    }
    let year = if c < 100 { c.saturating_add(2_000) } else { c };
    Some((a, b, year))
}

impl Dates {
    /// Learns from one cell.
    pub fn see(&mut self, text: &str) {
        if super::iso(text).is_some() {
            return;
        }
        if let Some((a, b, _)) = numbers(text) {
            self.numbers = true;
            // A dot is written between day and month only where the day stands first.
            self.day_first |= a > 12 || text.contains('.');
            self.month_first |= b > 12;
        }
    }

    /// Whether no reading fits all cells.
    pub fn is_torn(self) -> bool {
        self.day_first && self.month_first
    }

    /// Whether two readings fit all cells.
    pub fn is_open(self) -> bool {
        self.numbers && !self.day_first && !self.month_first
    }

    /// Reads a cell.
    pub fn day(self, text: &str) -> Option<u32> {
        if let Some(day) = super::iso(text) {
            return Some(day);
        }
        let compact = text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit());
        if compact {
            let (year, rest) = text.split_at_checked(4)?;
            let (month, day) = rest.split_at_checked(2)?;
            return super::iso(&format!("{year}-{month}-{day}"));
        }
        let (a, b, year) = numbers(text)?;
        let (day, month) = if self.month_first { (b, a) } else { (a, b) };
        let date = Millis::parse(&format!("{year:04}-{month:02}-{day:02}"))?;
        u32::try_from(date.day()).ok()
    }
}
