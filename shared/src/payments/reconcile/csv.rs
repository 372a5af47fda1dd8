//! Statements as CSV: the delimiter, the head and the decimals are found in the file itself.
//!
//! Invariant: a row is read whole or the file is refused with its line: half a statement would
//! reconcile to the wrong result. What two readings of the file would tell apart (a decimal mark, a
//! day before or behind the month) is refused, never guessed.
//! Source: RFC 4180.

use super::amount::{Decimal, decimal_of, localized, tidy};
use super::statement::{Refusal, Statement, StatementLine, day, reference};
use crate::money::Currency;
use alloc::{format, string::String, vec, vec::Vec};
use csv_core::{ReadRecordResult, ReaderBuilder};

mod head;

use head::{Column, Dates};

/// A row's bytes.
const RECORD_BYTES_MAX: usize = 64 * 1024;
/// A row's cells.
const CELLS_MAX: usize = 64;

/// Every row with the line it begins at.
fn rows(text: &str, delimiter: u8) -> Result<Vec<(u64, Vec<String>)>, Refusal> {
    let mut reader = ReaderBuilder::new().delimiter(delimiter).build();
    let (mut bytes, mut ends) = (vec![0; RECORD_BYTES_MAX], vec![0; CELLS_MAX]);
    let mut rest = text.as_bytes();
    let mut rows = Vec::new();
    loop {
        let line = reader.line();
        let (result, read, written, cells) = reader.read_record(rest, &mut bytes, &mut ends);
        let before = rest.get(..read).unwrap_or_default();
        rest = rest.get(read..).unwrap_or_default();
        match result {
            ReadRecordResult::End => return Ok(rows),
            ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                return Err(Refusal::at(line, "the row is too long"));
            }
            ReadRecordResult::InputEmpty => {
                // To the reader, nothing is the end; it goes on where it stopped.
                let (more_bytes, more_ends) = (bytes.get_mut(written..), ends.get_mut(cells..));
                let (Some(more_bytes), Some(more_ends)) = (more_bytes, more_ends) else {
                    return Err(Refusal::at(line, "the row is too long"));
                };
                let (result, _, more, last) = reader.read_record(&[], more_bytes, more_ends);
                if result == ReadRecordResult::Record {
                    let all = bytes.get(..written.saturating_add(more)).unwrap_or_default();
                    let ends = ends.get(..cells.saturating_add(last)).unwrap_or_default();
                    rows.push((line, cut(all, ends, line)?));
                }
                return Ok(rows);
            }
            ReadRecordResult::Record => {
                let blank = before.iter().take_while(|b| matches!(b, b'\n' | b'\r'));
                let skipped = blank.filter(|b| **b == b'\n').count();
                let line = line.saturating_add(u64::try_from(skipped).unwrap_or(0));
                let all = bytes.get(..written).unwrap_or_default();
                rows.push((line, cut(all, ends.get(..cells).unwrap_or_default(), line)?));
            }
        }
    }
}

fn cut(bytes: &[u8], ends: &[usize], line: u64) -> Result<Vec<String>, Refusal> {
    let mut begin = 0;
    let cells = ends.iter().map(|end| {
        let cell = bytes.get(begin..*end).unwrap_or_default();
        begin = *end;
        let text = core::str::from_utf8(cell).map_err(|_| Refusal::at(line, "is no UTF-8"))?;
        Ok(String::from(text.trim()))
    });
    cells.collect()
}

/// Reads a statement; `currency` is what its amounts are in where no column says so.
///
/// # Errors
/// The first line that cannot be read, and why.
pub fn read(bytes: &[u8], currency: Currency) -> Result<Statement, Refusal> {
    let text = core::str::from_utf8(bytes).map_err(|error| {
        let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let breaks = good.iter().filter(|b| **b == b'\n').count();
        Refusal::at(u64::try_from(breaks).unwrap_or(0).saturating_add(1), "is no UTF-8")
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let head_line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let count = |of: u8| head_line.bytes().filter(|b| *b == of).count();
    let delimiter = [b';', b'\t', b'|', b','].into_iter().max_by_key(|of| count(*of));
    let all = rows(text, delimiter.unwrap_or(b','))?;
    let Some(((head_at, head), rows)) = all.split_first() else {
        return Err(Refusal::at(1, "the file is empty"));
    };
    let columns = head::columns(head).map_err(|why| Refusal::at(*head_at, why))?;
    let sheet = Sheet { columns, rows, currency };
    sheet.statement()
}

/// What cells say about the decimal mark, and the first of them that may mean either.
struct Marks {
    decimal: Option<Decimal>,
    open: Option<(u64, String)>,
}

struct Sheet<'a> {
    columns: Vec<Option<Column>>,
    rows: &'a [(u64, Vec<String>)],
    currency: Currency,
}

impl<'a> Sheet<'a> {
    fn cell(&self, row: &'a [String], wanted: Column) -> &'a str {
        let place = self.columns.iter().position(|column| *column == Some(wanted));
        place.and_then(|at| row.get(at)).map_or("", String::as_str)
    }

    fn currency(&self, line: u64, row: &'a [String]) -> Result<Currency, Refusal> {
        match self.cell(row, Column::Currency) {
            "" => Ok(self.currency),
            code => Currency::of(code)
                .ok_or_else(|| Refusal::at(line, format!("{code:?} is no currency"))),
        }
    }

    fn statement(&self) -> Result<Statement, Refusal> {
        let decimal = self.decimal()?;
        let dates = self.dates()?;
        let mut statement = Statement { is_whole: true, ..Statement::default() };
        for (line, row) in self.rows {
            if row.len() != self.columns.len() {
                let why = format!("has {} cells, the head has {}", row.len(), self.columns.len());
                return Err(Refusal::at(*line, why));
            }
            let account = self.cell(row, Column::Account);
            if !account.is_empty() && !statement.accounts.iter().any(|known| known == account) {
                statement.accounts.push(account.into());
            }
            statement.lines.push(self.line(*line, row, decimal, dates)?);
        }
        Ok(statement)
    }

    fn line(
        &self,
        line: u64,
        row: &'a [String],
        decimal: Decimal,
        dates: Dates,
    ) -> Result<StatementLine, Refusal> {
        let currency = self.currency(line, row)?;
        let refused = |why: String| Refusal::at(line, why);
        let part = |column| match tidy(self.cell(row, column)).as_str() {
            "" => Ok(None),
            cell => localized(cell, decimal, currency).map(Some).map_err(refused),
        };
        let amount = match (part(Column::Amount)?, part(Column::Debit)?, part(Column::Credit)?) {
            (Some(amount), None, None) => match self.cell(row, Column::Side) {
                "" => amount,
                side => head::signed(amount, side).map_err(refused)?,
            },
            // Some banks write a debit with its sign, some without.
            (None, Some(debit), None | Some(0)) => debit.saturating_abs().saturating_neg(),
            (None, None | Some(0), Some(credit)) if credit >= 0 => credit,
            (None, None, None) => return Err(refused("has no amount".into())),
            _ => return Err(refused("has more than one amount".into())),
        };
        let date = [Column::Booked, Column::Valued].map(|column| self.cell(row, column));
        let date = date.into_iter().find(|date| !date.is_empty()).unwrap_or_default();
        let day = dates.day(date).ok_or_else(|| refused(format!("{date:?} is no date")))?;
        let own = reference(self.cell(row, Column::Reference));
        Ok(StatementLine {
            line,
            references: own.into_iter().map(Into::into).collect(),
            texts: match self.cell(row, Column::Text) {
                "" => Vec::new(),
                text => vec![text.into()],
            },
            batch: reference(self.cell(row, Column::Batch)).unwrap_or_default().into(),
            id: reference(self.cell(row, Column::Id)).unwrap_or_default().into(),
            returned: String::new(),
            amount,
            currency,
            day,
        })
    }

    /// What the amounts of all rows say about the decimal mark, and if they say nothing, what the
    /// balances beside them do.
    fn decimal(&self) -> Result<Decimal, Refusal> {
        let Marks { decimal, open } =
            self.said(&[Column::Amount, Column::Debit, Column::Credit], true)?;
        if let Some(decimal) = decimal {
            return Ok(decimal);
        }
        let Some((line, cell)) = open else { return Ok(Decimal::Dot) };
        self.said(&[Column::Balance], false)?.decimal.ok_or_else(|| {
            let why = format!("{cell:?}: nothing tells the decimals from the thousands");
            Refusal::at(line, why)
        })
    }

    /// What the cells of some columns say, if they agree; and the first that may mean either.
    /// `strict`: those that do not agree are refused.
    fn said(&self, columns: &[Column], strict: bool) -> Result<Marks, Refusal> {
        let (mut said, mut open) = (None, None);
        for (line, row) in self.rows {
            let currency = self.currency(*line, row)?;
            for column in columns {
                let cell = tidy(self.cell(row, *column));
                if !cell.contains(['.', ',']) {
                    continue;
                }
                match (said, decimal_of(core::iter::once(cell.as_str()), currency)) {
                    (_, None) => open = open.or(Some((*line, cell))),
                    (None, one) => said = one,
                    (Some(said), Some(one)) if said == one => {}
                    _ if strict => {
                        let why = format!("{cell:?} is written otherwise than the amounts before");
                        return Err(Refusal::at(*line, why));
                    }
                    _ => return Ok(Marks { decimal: None, open }),
                }
            }
        }
        Ok(Marks { decimal: said, open })
    }

    fn dates(&self) -> Result<Dates, Refusal> {
        let mut dates = Dates::default();
        for (line, row) in self.rows {
            for column in [Column::Booked, Column::Valued] {
                dates.see(self.cell(row, column));
            }
            if dates.is_torn() {
                return Err(Refusal::at(*line, "the day stands before the month, and behind it"));
            }
        }
        match self.rows.first() {
            Some((line, _)) if dates.is_open() => {
                Err(Refusal::at(*line, "nothing tells the day from the month"))
            }
            _ => Ok(dates),
        }
    }
}

/// Reads an ISO date, for [`Dates`].
fn iso(text: &str) -> Option<u32> {
    day(text)
}
