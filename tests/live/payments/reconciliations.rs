//! P12: a statement is sent to the origin, and its report is read.

use crate::client::{App, Stack};
use serde_json::{Value, json};
use shared::payments::error::{NO_RECONCILIATION, STATEMENT};
use shared::payments::reconcile::statement::written;
use std::time::{SystemTime, UNIX_EPOCH};

fn today() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    written(u32::try_from(since.as_secs() / 86_400).unwrap())
}

async fn comes(app: &App<'_>, cash: &str, from: &str, amount: i64, reference: &str) {
    let order = json!({"debit_account": cash, "credit_account": from, "amount": amount,
        "currency": "EUR", "reference": reference});
    app.pay("/api/v1/transfers", &order).send().await.is(201);
}

#[tokio::test]
async fn p12_a_camt_statement_is_reconciled_and_its_findings_are_listed() {
    let stack = Stack::here();
    let app = stack.app().await;
    let (cash, from) = (app.account("EUR").await, app.account("EUR").await);
    comes(&app, &cash, &from, 1_000, "a").await;
    comes(&app, &cash, &from, 2_000, "b").await;
    let day = today();
    let entry = |amount: &str, reference: &str| {
        format!(
            "<Ntry><Amt Ccy=\"EUR\">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>\
             <BookgDt><Dt>{day}</Dt></BookgDt><NtryDtls><TxDtls><Refs><EndToEndId>{reference}\
             </EndToEndId></Refs></TxDtls></NtryDtls></Ntry>\n"
        )
    };
    let text = format!(
        "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\"><BkToCstmrStmt><Stmt>\
         {}{}</Stmt></BkToCstmrStmt></Document>",
        entry("10.00", "a"),
        entry("3.00", "c")
    );
    let path = format!("/admin/reconciliations?account={cash}");
    let send = |text: &str| {
        stack.admin("POST", &path).header("content-type", "application/xml").body(text)
    };
    let view = send(&text).send().await.is(201);
    let counts = &view["counts"];
    assert_eq!(counts["matched"], 1, "{view}");
    assert_eq!((&counts["missing_here"], &counts["missing_there"]), (&json!(1), &json!(1)));
    assert_eq!((&view["alert"], &view["drift"]), (&json!(true), &json!({"EUR": 300 - 2_000})));
    assert_eq!(view["proposals"][0]["amount"], 1_700);
    let own = format!("/admin/reconciliations/{}", view["id"].as_str().unwrap());
    assert_eq!(stack.admin("GET", &own).send().await.is(200), view);
    let path = format!("{own}/findings?limit=1");
    let first = stack.admin("GET", &path).send().await.is(200);
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = stack.admin("GET", &format!("{path}&cursor={cursor}")).send().await.is(200);
    let kind = |page: &Value| page["items"][0]["kind"].clone();
    assert_ne!(kind(&first), kind(&second));
    assert_eq!(second["next_cursor"], Value::Null);
    send(&text).send().await.is(200);
    let broken = send(&text.replace(">3.00<", ">3.001<")).send().await;
    let line = broken.value()["errors"][0]["pointer"].clone();
    broken.is_problem(&STATEMENT);
    assert_eq!(line, "/line/2");
    let none = stack.admin("GET", "/admin/reconciliations/rec_00000000000").send().await;
    none.is_problem(&NO_RECONCILIATION);
}
