//! The gateway `bank`: ordered by files, believed by what the bank puts into a directory.

use super::Bank;
use super::payouts::{bank_with, calm, to};
use origin::payments::reconciliations::daily;
use origin::{db, sagas};
use serde_json::json;
use std::path::Path;
use std::time::Duration;

/// A bank of two directories.
pub(super) async fn with(out: &Path, inbox: &Path) -> Bank {
    bank_with(&[
        ("GATEWAY_BANK_OUT_DIR", out.to_str().unwrap()),
        ("GATEWAY_BANK_IN_DIR", inbox.to_str().unwrap()),
        ("GATEWAY_BANK_IBAN", "NL91ABNA0417164300"),
        ("GATEWAY_BANK_NAME", "Selvedge & Sons"),
    ])
    .await
}

fn files(dir: &Path) -> Vec<String> {
    let all = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let all = all.filter(|path| path.extension().is_some_and(|of| of == "xml"));
    all.map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

/// What the bank says of a payout that it has booked.
pub(super) fn statement(id: &str, amount: &str, side: &str) -> String {
    let id = id.replace('_', "-");
    format!(
        "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.054.001.08\">\
         <BkToCstmrDbtCdtNtfctn><Ntfctn><Acct><Id><IBAN>NL91ABNA0417164300</IBAN></Id></Acct><Ntry>\
         <Amt Ccy=\"EUR\">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>\
         <BookgDt><Dt>2026-11-20</Dt></BookgDt><NtryDtls><TxDtls><Refs><EndToEndId>{id}\
         </EndToEndId></Refs></TxDtls></NtryDtls></Ntry></Ntfctn></BkToCstmrDbtCdtNtfctn>\
         </Document>"
    )
}

/// The bank will not execute a payout.
pub(super) fn rejection(id: &str) -> String {
    format!(
        "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.002.001.10\"><CstmrPmtStsRpt>\
         <OrgnlGrpInfAndSts><OrgnlMsgId>{0}</OrgnlMsgId></OrgnlGrpInfAndSts><OrgnlPmtInfAndSts>\
         <TxInfAndSts><OrgnlEndToEndId>{0}</OrgnlEndToEndId><TxSts>RJCT</TxSts><StsRsnInf><Rsn>\
         <Cd>AC01</Cd></Rsn></StsRsnInf></TxInfAndSts></OrgnlPmtInfAndSts></CstmrPmtStsRpt>\
         </Document>",
        id.replace('_', "-")
    )
}

#[tokio::test]
async fn p8_the_bank_is_ordered_by_one_file_and_believed_by_its_statement() {
    let (out, inbox) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let bank = with(out.path(), inbox.path()).await;
    let wallet = bank.wallet(100_000).await;
    let account = json!({"iban": "DE89 3704 0044 0532 0130 00", "name": "Ann <Onym>"});
    let made = bank.paid_out(&to(&wallet, &account, 12_345)).await;
    assert_eq!(made["bank_last4"], "3000");
    let id = made["id"].as_str().unwrap();
    for _ in 0..6 {
        sagas::round(&bank.app).await.unwrap();
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    let all = files(out.path());
    assert_eq!(all.len(), 1, "the bank was asked again and ordered once");
    for part in [
        "<CtrlSum>123.45</CtrlSum>",
        "<InstdAmt Ccy=\"EUR\">123.45</InstdAmt>",
        "<IBAN>DE89370400440532013000</IBAN>",
        "<Nm>Ann &lt;Onym&gt;</Nm>",
        "<Nm>Selvedge &amp; Sons</Nm>",
        &format!("<EndToEndId>{}</EndToEndId>", id.replace('_', "-")),
    ] {
        assert!(all[0].contains(part), "{part}: {}", all[0]);
    }
    assert_eq!(bank.payout(id).await["status"], "processing");
    // The bank takes the file away, and speaks of other amounts and sides first.
    std::fs::remove_file(out.path().join(format!("{}.xml", id.replace('_', "-")))).unwrap();
    for (n, (amount, side)) in
        [("123.44", "DBIT"), ("123.46", "CRDT"), ("123.45", "DBIT")].into_iter().enumerate()
    {
        assert_eq!(bank.payout(id).await["status"], "processing");
        std::fs::write(inbox.path().join(format!("{n}.xml")), statement(id, amount, side)).unwrap();
        tokio::time::sleep(Duration::from_millis(600)).await;
        daily::look(&bank.app, db::now()).await.unwrap();
        sagas::round(&bank.app).await.unwrap();
    }
    calm(&[&bank.app]).await;
    assert_eq!(bank.payout(id).await["status"], "paid");
    assert_eq!(bank.balance(&wallet).await, [87_655, 0, 87_655]);
    assert!(files(out.path()).is_empty(), "no second order");
    bank.adds_up().await;
}

#[tokio::test]
async fn p8_what_the_bank_rejects_is_given_back() {
    let (out, inbox) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let bank = with(out.path(), inbox.path()).await;
    let wallet = bank.wallet(100).await;
    let account = json!({"iban": "DE89370400440532013000", "name": "Ann"});
    let made = bank.paid_out(&to(&wallet, &account, 60)).await;
    let id = made["id"].as_str().unwrap();
    sagas::round(&bank.app).await.unwrap();
    std::fs::write(inbox.path().join("1.xml"), rejection(id)).unwrap();
    tokio::time::sleep(Duration::from_millis(600)).await;
    daily::look(&bank.app, db::now()).await.unwrap();
    calm(&[&bank.app]).await;
    let ended = bank.payout(id).await;
    assert_eq!(ended["status"], "failed");
    assert!(ended["failure"].as_str().unwrap().contains("AC01"), "{ended}");
    assert_eq!(bank.balance(&wallet).await, [100, 0, 100]);
    bank.adds_up().await;
}
