//! Reconciliations on a real database: what is found, what stays open, what is closed.

use super::payouts::bank_with;
use super::steps::payment;
use super::{Bank, slug};
use crate::support::{body, call, status, write};
use origin::payments::reconciliations::{self, daily, shown};
use origin::payments::{orders, said};
use origin::{db, values};
use serde_json::{Value, json};
use shared::payments::reconcile::statement::written;
use std::time::Duration;

fn today() -> u32 {
    u32::try_from(db::now().day()).unwrap()
}

impl Bank {
    /// Money that comes into the account of the bank, under a reference.
    async fn comes(&self, cash: &str, from: &str, amount: i64, reference: &str) -> Value {
        let mut text = super::order(cash, from, amount);
        text["reference"] = json!(reference);
        let made = self.send(&text).await;
        assert_eq!(status(&made), 201, "{made:?}");
        body(&made)
    }

    async fn reconcile(&self, query: &str, text: &str) -> super::Answered {
        let mut call = call("", "POST", &format!("/admin/reconciliations?{query}"), text);
        call.headers.insert("content-type", "text/csv".into());
        reconciliations::create(&self.app, &call).await
    }

    async fn findings(&self, id: &str, query: &str) -> Vec<Value> {
        let path = format!("/admin/reconciliations/{id}/findings?{query}");
        let mut call = call("", "GET", &path, "");
        call.segments = vec![id.into()];
        let page = body(&shown::findings(&self.app, &call).await);
        page["items"].as_array().unwrap().clone()
    }
}

fn csv(rows: &[(&str, &str)]) -> String {
    let day = written(today());
    let rows = rows.iter().map(|(amount, reference)| format!("{day};{amount};EUR;{reference}\n"));
    format!("Date;Amount;Currency;Reference\n{}", rows.collect::<String>())
}

#[tokio::test]
async fn p12_a_statement_is_held_against_the_entries_and_every_fault_is_told() {
    let bank = Bank::new().await;
    let (cash, from) = (
        bank.open("EUR", "asset", json!({})).await,
        bank.open("EUR", "liability", json!({})).await,
    );
    for (amount, reference) in
        [(1_000, "a"), (2_000, "b"), (3_000, "c"), (4_000, "d"), (500, "e"), (600, "e")]
    {
        bank.comes(&cash, &from, amount, reference).await;
    }
    let text = csv(&[
        ("10,00", "a"),
        ("20,01", "b"),
        ("30,00", "c"),
        ("30,00", "c"),
        ("11,00", "e"),
        ("7,00", "f"),
    ]);
    let made = bank.reconcile(&format!("account={cash}"), &text).await;
    assert_eq!(status(&made), 201, "{made:?}");
    let view = body(&made);
    assert_eq!(view["state"], "done");
    assert_eq!((&view["ours"], &view["theirs"]), (&json!(6), &json!(6)));
    let counts = json!({"matched": 3, "missing_here": 1, "missing_there": 1, "amount_differs": 1,
        "currency_differs": 0, "duplicate": 1, "late": 0});
    assert_eq!(view["counts"], counts);
    // b: +1, c twice: +30.00, f: +7.00, d: −40.00
    assert_eq!(view["drift"], json!({"EUR": 1 + 3_000 + 700 - 4_000}));
    assert_eq!(view["alert"], true);
    let id = view["id"].as_str().unwrap();
    let findings = bank.findings(id, "").await;
    let kinds: Vec<&str> = findings.iter().map(|one| one["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds.len(), 5, "what matches one to one is only counted: {kinds:?}");
    let missing = bank.findings(id, "kind=missing_here").await;
    assert_eq!(missing[0]["theirs"][0]["line"], 7);
    assert_eq!(missing[0]["theirs"][0]["reference"], "f");
    let sum = bank.findings(id, "kind=matched").await;
    assert_eq!(sum[0]["ours"].as_array().unwrap().len(), 2);
    // What is proposed is a body that the owner may send, and that nobody sent.
    let proposal = &view["proposals"][0];
    assert_eq!((&proposal["credit_account"], &proposal["amount"]), (&json!(cash), &json!(299)));
    assert_eq!(bank.balance(&cash).await[0], 11_100);
    assert_eq!(status(&bank.send(proposal).await), 201);
    assert_eq!(bank.balance(&cash).await[0], 11_100 - 299);
    bank.adds_up().await;
}

#[tokio::test]
async fn p12_the_same_file_is_the_same_reconciliation_and_no_entry_is_matched_twice() {
    let bank = Bank::new().await;
    let (cash, from) = bank.pair().await;
    bank.comes(&cash, &from, 1_000, "a").await;
    let (query, text) = (format!("account={cash}"), csv(&[("10.00", "a")]));
    let first = bank.reconcile(&query, &text).await;
    let again = bank.reconcile(&query, &text).await;
    assert_eq!((status(&first), status(&again)), (201, 200));
    assert_eq!(body(&first), body(&again));
    let other = bank.reconcile(&query, &format!("{text}\n")).await;
    let view = body(&other);
    assert_eq!(
        (&view["counts"]["matched"], &view["counts"]["missing_here"]),
        (&json!(0), &json!(1))
    );
}

#[tokio::test]
async fn p12_what_was_missing_there_is_open_until_a_later_statement_has_it() {
    let bank = Bank::new().await;
    let (cash, from) = bank.pair().await;
    bank.comes(&cash, &from, 1_000, "a").await;
    bank.comes(&cash, &from, 2_000, "b").await;
    let query = format!("account={cash}&close=true");
    let first = body(&bank.reconcile(&query, &csv(&[("10.00", "a")])).await);
    assert_eq!(first["counts"]["missing_there"], 1);
    assert_eq!(first["closes"], true);
    bank.comes(&cash, &from, 3_000, "c").await;
    let second = body(&bank.reconcile(&query, &csv(&[("20.00", "b"), ("30.00", "c")])).await);
    assert_eq!(second["counts"]["matched"], 2, "{second}");
    assert_eq!(second["alert"], false);
    assert_eq!(second["day"], written(today() + 1), "today is closed: it counts for the next day");
    let left = bank.app.db.read("select 1 as one from open_entry", vec![]).await.unwrap();
    assert!(left.is_empty());
}

#[tokio::test]
async fn p12_what_is_no_statement_is_refused_with_its_line() {
    let bank = Bank::new().await;
    let (cash, _) = bank.pair().await;
    let query = format!("account={cash}");
    let day = written(today());
    let garbled = format!("Date,Amount\n{day},1.00\n{day},12..34\n");
    let refused = bank.reconcile(&query, &garbled).await;
    assert_eq!((status(&refused), slug(&refused).as_str()), (422, "payments/unreadable-statement"));
    let problem = refused.unwrap_err().problem();
    assert_eq!(problem.errors[0].pointer, "/line/3");
    assert!(problem.errors[0].detail.contains("12..34"));
    for (query, text, wanted) in [
        ("account=acc_0000000000A", "Date,Amount\n", (404, "payments/no-such-account")),
        ("", "Date,Amount\n", (422, "http/unacceptable")),
    ] {
        let refused = bank.reconcile(query, text).await;
        assert_eq!((status(&refused), slug(&refused).as_str()), wanted);
    }
    let rows = bank.app.db.read("select 1 as one from reconciliation", vec![]).await.unwrap();
    assert!(rows.is_empty());
}

#[tokio::test]
async fn p12_one_reconciliation_of_an_account_at_a_time_and_a_dead_one_is_buried() {
    let bank = Bank::new().await;
    let (cash, from) = bank.pair().await;
    bank.comes(&cash, &from, 1_000, "a").await;
    let query = format!("account={cash}");
    let text = csv(&[("10.00", "a")]);
    assert_eq!(status(&bank.reconcile(&query, &text).await), 201);
    // As a process leaves it that dies in the midst.
    write(&bank.app, "update reconciliation set state = 0, done_at = null", vec![]).await;
    let other = csv(&[("10.00", "a"), ("1.00", "z")]);
    let busy = bank.reconcile(&query, &other).await;
    assert_eq!((status(&busy), slug(&busy).as_str()), (409, "payments/reconciling"));
    write(&bank.app, "update reconciliation set created_at = created_at - 1000000", vec![]).await;
    let again = bank.reconcile(&query, &other).await;
    assert_eq!(status(&again), 201);
    assert_eq!(body(&again)["counts"]["matched"], 1, "what the dead one wrote does not count");
}

/// A day's statement of one account.
fn camt(iban: &str, day: &str, entries: &[(&str, &str, &str)]) -> String {
    let entries = entries.iter().map(|(amount, side, reference)| {
        format!(
            "<Ntry><Amt Ccy=\"EUR\">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd><Sts>BOOK</Sts>\
             <BookgDt><Dt>{day}</Dt></BookgDt><AcctSvcrRef>bank-{reference}</AcctSvcrRef>\
             <NtryDtls><TxDtls><Refs><EndToEndId>{reference}</EndToEndId></Refs></TxDtls>\
             </NtryDtls></Ntry>\n"
        )
    });
    format!(
        "<?xml version=\"1.0\"?>\n\
         <Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\"><BkToCstmrStmt>\
         <Stmt><Acct><Id><IBAN>{iban}</IBAN></Id></Acct>{}</Stmt></BkToCstmrStmt></Document>",
        entries.collect::<String>()
    )
}

#[tokio::test]
async fn p22_a_statement_in_the_directory_closes_its_day_once() {
    let (out, inbox) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let iban = "NL91ABNA0417164300";
    let bank = bank_with(&[
        ("GATEWAY_BANK_OUT_DIR", out.path().to_str().unwrap()),
        ("GATEWAY_BANK_IN_DIR", inbox.path().to_str().unwrap()),
        ("GATEWAY_BANK_IBAN", iban),
        ("GATEWAY_BANK_NAME", "Selvedge"),
    ])
    .await;
    let (cash, from) = bank.pair().await;
    let mut put = call("", "PUT", &format!("/admin/statement-accounts/{cash}"), "");
    put.body = json!({"bank_account": "NL91 ABNA 0417 1643 00"}).to_string().into();
    assert_eq!(status(&daily::put(&bank.app, &put).await), 200);
    bank.comes(&cash, &from, 1_000, "a").await;
    let day = written(today());
    let text = camt(iban, &day, &[("10.00", "CRDT", "a")]);
    std::fs::write(inbox.path().join("1.xml"), &text).unwrap();
    // The same once more under another name, and one that nobody can read.
    std::fs::write(inbox.path().join("2.xml"), &text).unwrap();
    std::fs::write(inbox.path().join("3.xml"), "<Document>\n<x/></Document>").unwrap();
    tokio::time::sleep(Duration::from_millis(600)).await;
    for _ in 0..2 {
        daily::look(&bank.app, db::now()).await.unwrap();
    }
    let page = body(&shown::list(&bank.app, &call("", "GET", "/admin/reconciliations", "")).await);
    let all = page["items"].as_array().unwrap();
    assert_eq!(all.len(), 1, "{page}");
    let wanted = (&json!("directory"), &json!(true), &json!(false), &json!(1));
    let one = &all[0];
    assert_eq!((&one["source"], &one["closes"], &one["alert"], &one["counts"]["matched"]), wanted);
    let files = bank.app.db.read("select name, refused from statement_file order by name", vec![]);
    let files = files.await.unwrap();
    let refused: Vec<_> = files.iter().map(|row| db::maybe_text(row, "refused").unwrap()).collect();
    assert_eq!(refused.len(), 2);
    assert!(refused[0].is_none() && refused[1].as_ref().unwrap().contains("line 2"), "{refused:?}");
    // What comes for the closed day belongs to the next; a line that was there says nothing new.
    bank.comes(&cash, &from, 2_000, "b").await;
    let late = camt(iban, &day, &[("10.00", "CRDT", "a"), ("20.00", "CRDT", "b")]);
    std::fs::write(inbox.path().join("4.xml"), &late).unwrap();
    tokio::time::sleep(Duration::from_millis(600)).await;
    daily::look(&bank.app, db::now()).await.unwrap();
    let page = body(&shown::list(&bank.app, &call("", "GET", "/admin/reconciliations", "")).await);
    let one = &page["items"][0];
    assert_eq!((&one["theirs"], &one["counts"]["matched"]), (&json!(1), &json!(1)), "{one}");
    assert_eq!(one["day"], written(today() + 1));
    let closes = body(&daily::list(&bank.app, &call("", "GET", "/admin/daily-closes", "")).await);
    let own = closes["items"].as_array().unwrap().iter().find(|one| one["account"] == cash);
    assert!(own.unwrap()["next_day"].as_str().unwrap() > written(today() + 1).as_str());
}

#[tokio::test]
async fn p22_a_report_that_does_not_come_is_told_once_a_day() {
    let bank = bank_with(&[("SELVEDGE_REPORT_DUE_MS", "0")]).await;
    let (cash, _) = bank.pair().await;
    let mut put = call("", "PUT", &format!("/admin/statement-accounts/{cash}"), "");
    put.body = json!({"bank_account": "NL91ABNA0417164300"}).to_string().into();
    assert_eq!(status(&daily::put(&bank.app, &put).await), 200);
    // As if it had been awaited for three days.
    let sql = "update daily_close set next_day = next_day - 3, due = 0 where account > 0";
    write(&bank.app, sql, vec![]).await;
    let overdue = async || {
        let listed = daily::list(&bank.app, &call("", "GET", "/admin/daily-closes", "")).await;
        let page = body(&listed);
        page["items"].as_array().unwrap().iter().filter(|one| one["overdue"] == true).count()
    };
    assert_eq!(overdue().await, 1);
    let alerted = async || {
        let sql = "select next_day, alerted_day from daily_close where account > 0";
        let rows = bank.app.db.read(sql, vec![]).await.unwrap();
        let day = db::number(&rows[0], "next_day").unwrap();
        db::maybe_number(&rows[0], "alerted_day").unwrap() == Some(day)
    };
    assert!(!alerted().await);
    daily::look(&bank.app, db::now()).await.unwrap();
    assert!(alerted().await);
}

#[tokio::test]
async fn p21_p22_a_gateways_day_is_closed_and_its_fee_is_booked_once() {
    let bank = bank_with(&[("SELVEDGE_GATEWAY_LEASE_MS", "100")]).await;
    let (_, wallet) = bank.pair().await;
    let mut text = payment("", &wallet, 10_000, "automatic");
    text["source"] = json!({"gateway": "simulator", "token": "tok_ok"});
    let id = bank.paid(&text).await;
    while orders::round(&bank.app).await.unwrap() + said::look(&bank.app, false).await.unwrap() > 0
    {
    }
    let fees = async || {
        let sql = "select t.amount from transfer t join entry e on e.transfer = t.id \
                   where t.purpose = 2 and e.amount > 0";
        let rows = bank.app.db.read(sql, vec![]).await.unwrap();
        rows.iter().map(|row| db::signed(row, "amount").unwrap()).collect::<Vec<_>>()
    };
    for _ in 0..2 {
        daily::close_gateway(&bank.app, "simulator", today()).await.unwrap();
    }
    assert_eq!(fees().await, [290], "{id}: the simulator keeps 2.9 %");
    let page = body(&shown::list(&bank.app, &call("", "GET", "/admin/reconciliations", "")).await);
    assert_eq!(page["items"].as_array().unwrap().len(), 1, "{page}");
    let one = &page["items"][0];
    assert_eq!(one["account"], Value::Null);
    assert_eq!((&one["counts"]["matched"], &one["alert"]), (&json!(1), &json!(false)), "{one}");
    let closed = "select day from closed_day where source = $1";
    let closed = bank.app.db.read(closed, values!["simulator"]).await.unwrap();
    assert_eq!(db::number(&closed[0], "day").unwrap(), u64::from(today()));
    bank.adds_up().await;
}
