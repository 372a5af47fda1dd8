//! ISO 20022's pain.001, versions 3 and 9: credit transfers for a bank.
//!
//! Invariant: amounts have exactly their currency's decimals, the control sum is their exact sum,
//! and every text is escaped. Texts keep to the lengths of the schema.
//! Source: iso20022.org, Customer Credit Transfer Initiation; EPC132-08 for SEPA's choices.

use quick_xml::escape::escape;
use shared::money::Currency;
use shared::payments::reconcile::statement::written;
use shared::time::Millis;
use std::fmt::Write;

/// Which version a bank reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// pain.001.001.03
    Three,
    /// pain.001.001.09
    Nine,
}

impl Version {
    fn number(self) -> &'static str {
        match self {
            Self::Three => "03",
            Self::Nine => "09",
        }
    }
}

/// Who pays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Debtor {
    pub name: String,
    pub iban: String,
    pub bic: Option<String>,
}

/// Who is paid.
#[derive(Clone, PartialEq, Eq)]
pub struct Creditor {
    pub name: String,
    pub iban: String,
    pub bic: Option<String>,
}

impl std::fmt::Debug for Creditor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Creditor(…)")
    }
}

/// One credit transfer.
#[derive(Clone, Debug)]
pub struct Transfer {
    /// What the bank's statement repeats; at most 35 characters.
    pub end_to_end: String,
    pub amount: i64,
    pub currency: Currency,
    pub creditor: Creditor,
}

/// One file: transfers of one currency, executed the day it is made.
#[derive(Clone, Debug)]
pub struct Message {
    pub version: Version,
    /// At most 35 characters; the same id is the same file.
    pub id: String,
    pub made: Millis,
    pub debtor: Debtor,
    pub transfers: Vec<Transfer>,
}

/// Minor units with their currency's decimals.
#[must_use]
pub fn decimal(minor: i128, exponent: u32) -> String {
    let unit = 10i128.pow(exponent);
    let (whole, rest) = (minor / unit, minor % unit);
    if exponent == 0 {
        return whole.to_string();
    }
    format!("{whole}.{rest:0width$}", width = exponent as usize)
}

impl Message {
    /// The sum of all transfers: each with its own currency's decimals, added as decimals.
    #[must_use]
    pub fn control_sum(&self) -> String {
        // Four decimals are the most that a currency has.
        let scaled = |one: &Transfer| {
            i128::from(one.amount) * 10i128.pow(4 - one.currency.exponent().min(4))
        };
        let sum: i128 = self.transfers.iter().map(scaled).sum();
        let text = decimal(sum, 4);
        let kept = self.transfers.iter().map(|one| one.currency.exponent()).max().unwrap_or(0);
        let cut = text.len() - (4 - kept as usize);
        text.get(..cut).unwrap_or(&text).trim_end_matches('.').to_owned()
    }

    /// The file.
    #[must_use]
    pub fn to_xml(&self) -> String {
        let (count, sum) = (self.transfers.len(), self.control_sum());
        let mut made = self.made.to_rfc3339();
        // Whole seconds, no zone: what every bank reads.
        made.truncate(19);
        let version = self.version.number();
        let (id, debtor) = (escape(self.id.as_str()), &self.debtor);
        let day = written(u32::try_from(self.made.day()).unwrap_or(0));
        let day = match self.version {
            Version::Three => day,
            Version::Nine => format!("<Dt>{day}</Dt>"),
        };
        let is_sepa = self.transfers.iter().all(|one| one.currency == Currency::EUR);
        let (level, bearer) = match is_sepa {
            true => ("<PmtTpInf><SvcLvl><Cd>SEPA</Cd></SvcLvl></PmtTpInf>", "SLEV"),
            false => ("", "SHAR"),
        };
        let name = escape(debtor.name.as_str());
        let iban = escape(debtor.iban.as_str());
        let agent = self.agent(debtor.bic.as_deref(), "DbtrAgt", true);
        let mut out = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.001.001.{version}\">\n\
             <CstmrCdtTrfInitn>\n\
             <GrpHdr><MsgId>{id}</MsgId><CreDtTm>{made}</CreDtTm><NbOfTxs>{count}</NbOfTxs>\
             <CtrlSum>{sum}</CtrlSum><InitgPty><Nm>{name}</Nm></InitgPty></GrpHdr>\n\
             <PmtInf><PmtInfId>{id}</PmtInfId><PmtMtd>TRF</PmtMtd>\
             <BtchBookg>false</BtchBookg><NbOfTxs>{count}</NbOfTxs><CtrlSum>{sum}</CtrlSum>\
             {level}<ReqdExctnDt>{day}</ReqdExctnDt><Dbtr><Nm>{name}</Nm></Dbtr>\
             <DbtrAcct><Id><IBAN>{iban}</IBAN></Id></DbtrAcct>{agent}\
             <ChrgBr>{bearer}</ChrgBr>\n"
        );
        for transfer in &self.transfers {
            self.transfer(&mut out, transfer);
        }
        out.push_str("</PmtInf>\n</CstmrCdtTrfInitn>\n</Document>\n");
        out
    }

    fn transfer(&self, out: &mut String, transfer: &Transfer) {
        let Transfer { end_to_end, amount, currency, creditor } = transfer;
        let id = escape(end_to_end.as_str());
        let amount = decimal(i128::from(*amount), currency.exponent());
        let agent = self.agent(creditor.bic.as_deref(), "CdtrAgt", false);
        let (name, iban) = (escape(creditor.name.as_str()), escape(creditor.iban.as_str()));
        // Writing into a String cannot fail.
        let _ = writeln!(
            out,
            "<CdtTrfTxInf><PmtId><EndToEndId>{id}</EndToEndId></PmtId>\
             <Amt><InstdAmt Ccy=\"{currency}\">{amount}</InstdAmt></Amt>{agent}\
             <Cdtr><Nm>{name}</Nm></Cdtr><CdtrAcct><Id><IBAN>{iban}</IBAN></Id></CdtrAcct>\
             <RmtInf><Ustrd>{id}</Ustrd></RmtInf></CdtTrfTxInf>"
        );
    }

    /// A bank by its BIC; where it must be named and is not, the schema's way of saying so.
    fn agent(&self, bic: Option<&str>, element: &str, needed: bool) -> String {
        let tag = match self.version {
            Version::Three => "BIC",
            Version::Nine => "BICFI",
        };
        let inside = match bic {
            Some(bic) => format!("<{tag}>{}</{tag}>", escape(bic)),
            None if needed => "<Othr><Id>NOTPROVIDED</Id></Othr>".into(),
            None => return String::new(),
        };
        format!("<{element}><FinInstnId>{inside}</FinInstnId></{element}>")
    }
}

#[cfg(test)]
mod tests;
