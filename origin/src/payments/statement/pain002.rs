//! ISO 20022's pain.002: which orders the bank will not execute, and why.
//!
//! Invariant: only a final rejection (`RJCT`) is told; what is accepted, pending or partly so says
//! nothing about money. A rejection of a whole message or batch names it, and one message is one
//! payout.
//! Source: iso20022.org, Customer Payment Status Report.

use super::xml::{Node, walk};
use shared::payments::reconcile::statement::Refusal;

/// An order that was rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Our name of the transaction, of its batch, or of the message.
    pub reference: String,
    /// The bank's code, `AC01`.
    pub why: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tag {
    Report,
    Group,
    Batch,
    Transaction,
    Name,
    Status,
    Reasons,
    Reason,
    Code,
    Other,
}

fn tag(name: &str) -> Tag {
    match name {
        "CstmrPmtStsRpt" => Tag::Report,
        "OrgnlGrpInfAndSts" => Tag::Group,
        "OrgnlPmtInfAndSts" => Tag::Batch,
        "TxInfAndSts" => Tag::Transaction,
        "OrgnlMsgId" | "OrgnlPmtInfId" | "OrgnlEndToEndId" => Tag::Name,
        "GrpSts" | "PmtInfSts" | "TxSts" => Tag::Status,
        "StsRsnInf" => Tag::Reasons,
        "Rsn" => Tag::Reason,
        "Cd" | "Prtry" => Tag::Code,
        _ => Tag::Other,
    }
}

/// What is known of the level that is being read.
#[derive(Debug, Default)]
struct Level {
    reference: String,
    status: String,
    why: String,
}

/// Whether a file is such a report, by its first bytes.
#[must_use]
pub fn is_one(bytes: &[u8]) -> bool {
    let head = bytes.get(..bytes.len().min(1_024)).unwrap_or_default();
    head.windows(8).any(|part| part == b"pain.002")
}

/// Reads a report.
///
/// # Errors
/// The first line that cannot be read, and why.
pub fn read(bytes: &[u8]) -> Result<Vec<Rejection>, Refusal> {
    let mut levels = [Level::default(), Level::default(), Level::default()];
    let (mut found, mut is_report) = (Vec::new(), false);
    walk(bytes, tag, |path, _, node| {
        is_report |= path.get(1) == Some(&Tag::Report);
        let inside = path.get(2..).unwrap_or_default();
        let depth = match inside {
            [Tag::Batch, Tag::Transaction, ..] => 2,
            [Tag::Batch, ..] => 1,
            [Tag::Group, ..] => 0,
            _ => return Ok(()),
        };
        let own = match depth {
            2 => inside.get(2..),
            _ => inside.get(1..),
        };
        let Some(level) = levels.get_mut(depth) else { return Ok(()) };
        match (node, own.unwrap_or_default()) {
            (Node::Begin(_), []) => *level = Level::default(),
            (Node::End(text), [Tag::Name]) => level.reference = text.into(),
            (Node::End(text), [Tag::Status]) => level.status = text.into(),
            (Node::End(text), [Tag::Reasons, Tag::Reason, Tag::Code]) => level.why = text.into(),
            (Node::End(_), []) if level.status == "RJCT" => {
                let Level { reference, why, .. } = std::mem::take(level);
                found.push(Rejection { reference, why });
            }
            _ => {}
        }
        Ok(())
    })?;
    if !is_report {
        return Err(Refusal::at(1, "holds no CstmrPmtStsRpt"));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p8_only_what_is_rejected_for_good_is_told() {
        let text = "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.002.001.10\">\
             <CstmrPmtStsRpt><GrpHdr><MsgId>x</MsgId></GrpHdr><OrgnlGrpInfAndSts>\
             <OrgnlMsgId>pot-1</OrgnlMsgId><GrpSts>PART</GrpSts></OrgnlGrpInfAndSts>\
             <OrgnlPmtInfAndSts><OrgnlPmtInfId>pot-1</OrgnlPmtInfId><TxInfAndSts>\
             <OrgnlEndToEndId>pot-2</OrgnlEndToEndId><TxSts>RJCT</TxSts><StsRsnInf><Rsn>\
             <Cd>AC01</Cd></Rsn></StsRsnInf></TxInfAndSts><TxInfAndSts>\
             <OrgnlEndToEndId>pot-3</OrgnlEndToEndId><TxSts>ACSP</TxSts></TxInfAndSts>\
             </OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>";
        assert!(is_one(text.as_bytes()));
        let rejected =
            |reference: &str, why: &str| Rejection { reference: reference.into(), why: why.into() };
        assert_eq!(read(text.as_bytes()), Ok(vec![rejected("pot-2", "AC01")]));
        let whole = text.replace("PART", "RJCT").replace(">RJCT</TxSts>", ">PDNG</TxSts>");
        assert_eq!(read(whole.as_bytes()), Ok(vec![rejected("pot-1", "")]));
        let none = text.replace("CstmrPmtStsRpt", "Else");
        assert!(read(none.as_bytes()).is_err());
    }
}
