//! ISO 20022's camt.052, camt.053 and camt.054, every version so far: what was booked.
//!
//! Invariant: an entry is one movement of the account's money, and its amount is what counts; its
//! transactions become lines of their own only where they say amounts of the entry's currency that
//! sum to it. What is not booked (`PDNG`, `INFO`) is counted and passed over.
//! Source: iso20022.org, Bank-to-Customer Cash Management.

use super::xml::{Node, walk};
use quick_xml::events::BytesStart;
use shared::money::Currency;
use shared::payments::reconcile::amount::exact;
use shared::payments::reconcile::statement::{
    Refusal, Statement, StatementLine, begins, day, reference,
};

macro_rules! tags {
    ($($name:ident),*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(clippy::upper_case_acronyms, reason = "ISO 20022's own names")]
        enum Tag { $($name,)* Other }
        fn tag(name: &str) -> Tag {
            match name {
                $(stringify!($name) => Tag::$name,)*
                // Version 1 calls its messages …V01.
                _ if name.starts_with("BkToCstmr") => Tag::BkToCstmr,
                _ => Tag::Other,
            }
        }
    };
}

tags! {
    Document, BkToCstmr, Stmt, Rpt, Ntfctn, CreDtTm, Acct, Id, IBAN, Othr, PrtryAcct, Ntry, Amt,
    CdtDbtInd, Sts, Cd, BookgDt, ValDt, Dt, DtTm, AcctSvcrRef, NtryDtls, Btch, PmtInfId, MsgId,
    TxDtls, Refs, EndToEndId, InstrId, TxId, UETR, AmtDtls, TxAmt, RmtInf, Strd, CdtrRefInf, Ref,
    Ustrd, RtrInf, Rsn
}

/// An amount as it is written.
#[derive(Clone, Debug, Default)]
struct Amount {
    text: String,
    currency: String,
}

impl Amount {
    fn read(&self) -> Result<(i64, Currency), String> {
        let code = self.currency.as_str();
        let currency = Currency::of(code).ok_or_else(|| format!("{code:?} is no currency"))?;
        let amount = exact(&self.text, currency)?;
        if amount < 0 || self.text.starts_with('+') {
            return Err(format!("{:?} has a sign; CdtDbtInd says the side", self.text));
        }
        Ok((amount, currency))
    }
}

#[derive(Clone, Debug, Default)]
struct Transaction {
    amount: Amount,
    booked: Amount,
    references: Vec<String>,
    texts: Vec<String>,
    batch: String,
    returned: String,
}

#[derive(Debug, Default)]
struct Entry {
    line: u64,
    amount: Amount,
    side: String,
    status: String,
    booked: Option<u32>,
    valued: Option<u32>,
    id: String,
    batch: String,
    transactions: Vec<Transaction>,
}

#[derive(Debug, Default)]
struct Walk {
    records: Vec<Statement>,
    made: Option<u32>,
    entry: Option<Entry>,
    attribute: String,
}

/// Reads a message: one statement for each account and page that it has.
///
/// # Errors
/// The first line that cannot be read, and why.
pub fn read(bytes: &[u8]) -> Result<Vec<Statement>, Refusal> {
    let mut at = Walk::default();
    let mut last = 1;
    walk(bytes, tag, |path, line, node| {
        last = line;
        match node {
            Node::Begin(start) => at.begin(path, line, start),
            Node::End(text) => at.end(path, text),
        }
    })?;
    if at.records.is_empty() {
        return Err(Refusal::at(last, "the message holds no statement, report or notification"));
    }
    Ok(at.records)
}

impl Walk {
    fn begin(&mut self, path: &[Tag], line: u64, start: &BytesStart<'_>) -> Result<(), String> {
        match path {
            [Tag::Document] => namespace(start)?,
            [first] => return Err(format!("{first:?} is no Document of ISO 20022")),
            [_, Tag::BkToCstmr] => {}
            [_, _] => return Err("is no statement: no camt.052, camt.053 or camt.054".into()),
            [_, _, Tag::Stmt | Tag::Rpt | Tag::Ntfctn] => {
                let is_whole = path.last() == Some(&Tag::Stmt);
                self.records.push(Statement { is_whole, ..Statement::default() });
                self.made = None;
            }
            [_, _, _, Tag::Ntry] => self.entry = Some(Entry { line, ..Entry::default() }),
            [.., Tag::TxDtls] => {
                if let Some(entry) = &mut self.entry {
                    entry.transactions.push(Transaction::default());
                }
            }
            [.., Tag::Amt] => {
                let found = start.try_get_attribute("Ccy").map_err(|error| error.to_string())?;
                self.attribute = found.map(|ccy| ccy.value.into_owned()).unwrap_or_default();
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, path: &[Tag], text: &str) -> Result<(), String> {
        let Some((_, [_, _, inside @ ..])) = path.split_first() else { return Ok(()) };
        let Some(statement) = self.records.last_mut() else { return Ok(()) };
        match inside {
            [Tag::CreDtTm] => {
                self.made = day(text);
                statement.made = self.made.map(begins);
            }
            [Tag::Acct, Tag::Id, Tag::IBAN]
            | [Tag::Acct, Tag::Id, Tag::Othr | Tag::PrtryAcct, Tag::Id] => {
                let known = statement.accounts.iter().any(|known| known == text);
                if !known && !text.is_empty() {
                    statement.accounts.push(text.into());
                }
            }
            [Tag::Ntry] => {
                if let Some(entry) = self.entry.take() {
                    let lines = entry.lines(self.made)?;
                    statement.unbooked += u64::from(lines.is_empty());
                    statement.lines.extend(lines);
                }
            }
            [Tag::Ntry, rest @ ..] => return self.of_entry(rest, text),
            _ => {}
        }
        Ok(())
    }

    fn of_entry(&mut self, path: &[Tag], text: &str) -> Result<(), String> {
        let Some(entry) = &mut self.entry else { return Ok(()) };
        let read_day = || day(text).map(Some).ok_or_else(|| format!("{text:?} is no date"));
        let amount = || Amount { text: text.into(), currency: self.attribute.clone() };
        match path {
            [Tag::Amt] => entry.amount = amount(),
            [Tag::CdtDbtInd] => entry.side = text.into(),
            // Since version 8 the status is a code within.
            [Tag::Sts] | [Tag::Sts, Tag::Cd] if !text.is_empty() => entry.status = text.into(),
            [Tag::BookgDt, Tag::Dt | Tag::DtTm] => entry.booked = read_day()?,
            [Tag::ValDt, Tag::Dt | Tag::DtTm] => entry.valued = read_day()?,
            [Tag::AcctSvcrRef] => entry.id = reference(text).unwrap_or_default().into(),
            [Tag::NtryDtls, Tag::Btch, Tag::PmtInfId] => entry.batch = text.into(),
            [Tag::NtryDtls, Tag::Btch, Tag::MsgId] if entry.batch.is_empty() => {
                entry.batch = text.into();
            }
            [Tag::NtryDtls, Tag::TxDtls, rest @ ..] | [Tag::TxDtls, rest @ ..] => {
                if let Some(transaction) = entry.transactions.last_mut() {
                    transaction.take(rest, text, amount);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl Transaction {
    fn take(&mut self, path: &[Tag], text: &str, amount: impl Fn() -> Amount) {
        match path {
            [Tag::Amt] => self.amount = amount(),
            [Tag::AmtDtls, Tag::TxAmt, Tag::Amt] => self.booked = amount(),
            [Tag::Refs, Tag::PmtInfId] => self.batch = text.into(),
            [Tag::Refs, Tag::EndToEndId] => {
                // The payer's own name for it comes first, wherever it stands.
                self.references.splice(0..0, reference(text).map(Into::into));
            }
            [Tag::Refs, Tag::InstrId | Tag::TxId | Tag::UETR]
            | [Tag::RmtInf, Tag::Strd, Tag::CdtrRefInf, Tag::Ref] => {
                self.references.extend(reference(text).map(Into::into));
            }
            [Tag::RmtInf, Tag::Ustrd] => self.texts.push(text.into()),
            [Tag::RtrInf, Tag::Rsn, Tag::Cd] => self.returned = text.into(),
            _ => {}
        }
    }

    /// Its amount, where it says one in the entry's currency.
    fn part(&self, wanted: Currency) -> Option<i64> {
        [&self.amount, &self.booked].into_iter().find_map(|amount| {
            amount.read().ok().filter(|(_, currency)| *currency == wanted).map(|(part, _)| part)
        })
    }
}

impl Entry {
    /// None when it is not booked.
    fn lines(self, made: Option<u32>) -> Result<Vec<StatementLine>, String> {
        let (whole, currency) = self.amount.read()?;
        let sign = match self.side.as_str() {
            "CRDT" => 1,
            "DBIT" => -1,
            other => return Err(format!("{other:?} is neither CRDT nor DBIT")),
        };
        match self.status.as_str() {
            "BOOK" | "" => {}
            "PDNG" | "INFO" | "FUTR" => return Ok(Vec::new()),
            other => return Err(format!("{other:?} is no status of an entry")),
        }
        let day = self.booked.or(self.valued).or(made);
        let day = day.ok_or("the entry has no date, nor has its statement")?;
        let parts: Option<Vec<i64>> =
            self.transactions.iter().map(|one| one.part(currency)).collect();
        let parts = parts.filter(|parts| {
            parts.len() > 1
                && parts.iter().map(|part| i128::from(*part)).sum::<i128>() == i128::from(whole)
        });
        let line = |amount: i64, said: Transaction, batch: &str, id: String| StatementLine {
            line: self.line,
            references: said.references,
            texts: said.texts,
            batch: reference(batch).unwrap_or_default().into(),
            id,
            returned: said.returned,
            amount: sign * amount,
            currency,
            day,
        };
        let numbered = |n: usize| match self.id.as_str() {
            "" => String::new(),
            id => format!("{id}/{n}"),
        };
        let Some(parts) = parts else {
            let mut all = Transaction::default();
            for one in &self.transactions {
                all.references.extend_from_slice(&one.references);
                all.texts.extend_from_slice(&one.texts);
                if all.returned.is_empty() {
                    all.returned.clone_from(&one.returned);
                }
            }
            // A line that stands for a whole batch is linked by the batch's reference.
            all.references.extend(reference(&self.batch).map(Into::into));
            return Ok(vec![line(whole, all, "", self.id.clone())]);
        };
        let each = parts.iter().zip(&self.transactions).enumerate().map(|(n, (part, one))| {
            let batch = if self.batch.is_empty() { &one.batch } else { &self.batch };
            line(*part, one.clone(), batch, numbered(n))
        });
        Ok(each.collect())
    }
}

/// `urn:iso:std:iso:20022:tech:xsd:camt.053.001.08`, or none at all: some banks send it so.
fn namespace(start: &BytesStart<'_>) -> Result<(), String> {
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        let is_own =
            attribute.key.as_ref() == "xmlns" || attribute.key.as_ref().starts_with("xmlns:");
        let Some(message) = attribute.value.strip_prefix("urn:iso:std:iso:20022:tech:xsd:") else {
            continue;
        };
        let known = ["camt.052.001.", "camt.053.001.", "camt.054.001."];
        if is_own && !known.iter().any(|known| message.starts_with(known)) {
            return Err(format!("is {message}: no camt.052, camt.053 or camt.054"));
        }
    }
    Ok(())
}
