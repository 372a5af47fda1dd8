//! Every statement of outsiders is read to what its own reader made of it, or refused with a line.

use super::*;
use serde_json::Value;
use shared::payments::reconcile::statement::written;
use std::path::PathBuf;

fn dir(name: &str) -> PathBuf {
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/payments");
    std::env::var("TEST_DATA").map_or_else(|_| data.into(), PathBuf::from).join(name)
}

/// Whether the outsiders' data is beside the tree.
fn is_there() -> bool {
    let there = dir("camt").is_dir();
    if !there {
        eprintln!("skipped: there is no {}", dir("camt").display());
    }
    there
}

fn files(name: &str, extension: &str) -> Vec<(String, Vec<u8>)> {
    let found = std::fs::read_dir(dir(name)).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> =
        found.filter(|path| path.extension().is_some_and(|of| of == extension)).collect();
    found.sort();
    let named = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    found.iter().map(|path| (named(path), std::fs::read(path).unwrap())).collect()
}

/// Amount, currency, day and account of what another reader found booked.
fn wanted(json: &Value) -> Vec<(i64, String, String)> {
    let entries = json["getEntries"].as_array().unwrap();
    let booked = entries.iter().filter(|entry| entry["getStatus"] != "PDNG");
    let mut all: Vec<_> = booked
        .map(|entry| {
            let amount = entry["getAmount"]["getAmount"].as_str().unwrap().parse().unwrap();
            let currency = entry["getAmount"]["getCurrency"]["getCode"].as_str().unwrap();
            let date = entry["getBookingDate"]["0"].as_str().unwrap_or_default();
            (amount, currency.to_owned(), date.chars().take(10).collect())
        })
        .collect();
    all.sort();
    all
}

/// The same of what we read: the parts of an entry are one again.
fn sums(statements: &[Statement]) -> Vec<(i64, String, String)> {
    let lines: Vec<_> = statements.iter().flat_map(|one| one.lines.clone()).collect();
    let parts = lines.chunk_by(|a, b| a.line == b.line);
    let mut all: Vec<_> = parts
        .map(|parts| {
            let amount = parts.iter().map(|line| line.amount).sum();
            (amount, parts[0].currency.code().to_owned(), written(parts[0].day))
        })
        .collect();
    all.sort();
    all
}

#[test]
fn p12_every_camt_of_outsiders_is_read_as_their_reader_read_it() {
    if !is_there() {
        return;
    }
    let all = files("camt", "xml");
    assert_eq!(all.len(), 16);
    for (name, bytes) in all {
        let read = camt::read(&bytes);
        if name == "camt053.v2.wrong.xml" {
            let refusal = read.unwrap_err();
            assert_eq!(refusal.line, 9, "{refusal:?}");
            assert!(refusal.why.contains("no statement"), "{refusal:?}");
            continue;
        }
        assert!(read.is_ok(), "{name}: {:?}", read.err());
        let statement = read.unwrap();
        let json = std::fs::read(dir("camt").join(name.replace(".xml", ".json"))).unwrap();
        let json: Value = serde_json::from_slice(&json).unwrap();
        let mut wanted = wanted(&json);
        let found = sums(&statement);
        // An entry without a date has the statement's.
        for (wanted, found) in wanted.iter_mut().zip(&found) {
            if wanted.2.is_empty() {
                wanted.2.clone_from(&found.2);
            }
        }
        assert_eq!(found, wanted, "{name}");
        let account =
            json["getEntries"][0]["getRecord"]["getAccount"]["getIdentification"].as_str();
        if let Some(account) = account {
            assert!(
                statement.iter().flat_map(|one| &one.accounts).any(|known| known == account),
                "{name}"
            );
        }
        for entry in json["getEntries"].as_array().unwrap() {
            let refs = &entry["getTransactionDetail"]["getReference"];
            let Some(id) = refs["getEndToEndId"].as_str() else { continue };
            if entry["getStatus"] == "PDNG" || id == "NOTPROVIDED" {
                continue;
            }
            let mut all =
                statement.iter().flat_map(|one| &one.lines).flat_map(|line| &line.references);
            assert!(all.any(|known| known == id), "{name}: {id}");
        }
    }
}

#[test]
fn p12_every_other_statement_is_read_or_refused_with_line_and_reason() {
    if !is_there() {
        return;
    }
    let read = |name: &str| {
        let bytes = std::fs::read(dir("statements").join(name)).unwrap();
        super::read(&bytes, Currency::EUR).map(|(_, statement)| sums(&statement))
    };
    let line = |amount, currency: &str, day: &str| (amount, currency.to_owned(), day.to_owned());
    let french = vec![
        line(-123_456, "EUR", "2026-04-02"),
        line(-450, "EUR", "2026-04-09"),
        line(350_000, "EUR", "2026-04-05"),
    ];
    assert_eq!(read("csv_french_headers.csv"), Ok(french));
    let split = vec![line(-20_025, "EUR", "2026-03-21"), line(125_050, "EUR", "2026-03-20")];
    assert_eq!(read("sample_split_amounts.csv"), Ok(split));
    let plain = vec![line(-120_000, "EUR", "2026-03-21"), line(250_000, "EUR", "2026-03-20")];
    assert_eq!(read("sample_statement.csv"), Ok(plain));
    assert_eq!(read("camt053_no_namespace.xml"), Ok(vec![line(25_000, "GBP", "2026-04-12")]));
    let line = |amount| line(amount, "SEK", "2010-10-18");
    let swedish = vec![line(-20_000_000), line(3_000_000), line(10_567_850)];
    assert_eq!(read("camt.053.001.02.xml"), Ok(swedish));
    for (name, at, why) in [
        ("csv_garbled_amount.csv", 3, "12..34"),
        ("pain_file.csv", 1, "no amount"),
        ("pain.001.001.03.xml", 2, "pain.001.001.03"),
        ("sample.mt940", 1, "MT940"),
        ("sample.ofx", 1, "OFX"),
        ("european_format.json", 1, "JSON"),
        ("same_day_duplicates.json", 1, "JSON"),
        ("single_currency_checking.json", 1, "JSON"),
    ] {
        let refusal = read(name).unwrap_err();
        assert_eq!(refusal.line, at, "{name}: {refusal:?}");
        assert!(refusal.why.contains(why), "{name}: {refusal:?}");
    }
    let known = 8 + 5;
    assert_eq!(std::fs::read_dir(dir("statements")).unwrap().count(), known);
}

/// The movements of a statement that outsiders give as text, as CSV, and what their reader read.
fn as_csv(name: &str) -> (String, Vec<i64>) {
    let text = std::fs::read(dir("statements").join(name)).unwrap();
    let json: Value = serde_json::from_slice(&text).unwrap();
    let mut csv = String::from("Date;Amount\n");
    for line in json["statement_text"].as_str().unwrap().lines().filter(|l| l.starts_with("2026-"))
    {
        let (day, rest) = line.split_once(' ').unwrap();
        let amount = rest.rsplit_once(' ').unwrap().1;
        csv.push_str(&format!("{day};{amount}\n"));
    }
    let wanted = json["expected"]["transactions"].as_array().unwrap().iter();
    let cents = |one: &Value| one["amount"].as_str().unwrap().replace('.', "").parse().unwrap();
    (csv, wanted.map(cents).collect())
}

#[test]
fn p12_the_decimals_of_outsiders_statements_are_told_by_the_whole_file() {
    if !is_there() {
        return;
    }
    let files =
        ["european_format.json", "same_day_duplicates.json", "single_currency_checking.json"];
    for name in files {
        let (csv, wanted) = as_csv(name);
        let (_, read) = super::read(csv.as_bytes(), Currency::EUR).unwrap();
        let found: Vec<i64> = read[0].lines.iter().map(|line| line.amount).collect();
        assert!(wanted.len() > 2, "{name}");
        assert_eq!(found, wanted, "{name}");
    }
}

#[test]
fn p12_an_amount_that_may_mean_two_things_is_refused_with_its_line() {
    let read = |head: &str, rows: &[&str]| {
        let text = format!("{head}\n2026-04-01;7\n{}\n", rows.join("\n"));
        let read = super::read(text.as_bytes(), Currency::EUR).map(|(_, mut all)| all.remove(0));
        read.map(|one| one.lines.iter().map(|line| line.amount).collect::<Vec<_>>())
    };
    let head = "Date;Amount";
    for amount in ["10,001", "10.001", "-1,230", "(100.000)", "EUR 1,500"] {
        let refusal = read(head, &[&format!("2026-04-02;{amount}")]).unwrap_err();
        assert_eq!(refusal.line, 3, "{refusal:?}");
        assert!(refusal.why.contains("decimals from the thousands"), "{refusal:?}");
    }
    // Another amount of the file tells.
    for (other, wanted) in [("4.50", 450), ("1,234,567", 123_456_700), ("12,345.6", 1_234_560)] {
        let rows = ["2026-04-02;10,001", &format!("2026-04-03;{other}")];
        assert_eq!(read(head, &rows), Ok(vec![700, 1_000_100, wanted]), "{other}");
    }
    // By its comma it has more decimals than its currency: still no ten thousand.
    let refusal = read(head, &["2026-04-02;10,001", "2026-04-03;4,50"]).unwrap_err();
    assert_eq!((refusal.line, refusal.why.contains("more decimals")), (3, true), "{refusal:?}");
    // A balance beside it tells, unless it may mean two things itself.
    let with = "Date;Amount;Balance";
    let text = |balance: &str| format!("{with}\n2026-04-02;10,001;{balance}\n");
    let cents = |balance: &str| {
        super::read(text(balance).as_bytes(), Currency::EUR).map(|(_, all)| all[0].lines[0].amount)
    };
    assert_eq!(cents("2,250.50"), Ok(1_000_100));
    assert_eq!(cents("20,002").unwrap_err().line, 2);
    assert_eq!(cents("2.250,50").unwrap_err().line, 2, "and then it has too many decimals");
    // What is in no two ways readable is read.
    assert_eq!(read(head, &["2026-04-02;0,50"]), Ok(vec![700, 50]));
    assert_eq!(read(head, &["2026-04-02;0,500"]), Ok(vec![700, 50]));
    let yen = super::read(b"Date;Amount;Currency\n2026-04-02;10,001;JPY\n", Currency::EUR);
    assert_eq!(yen.unwrap().1[0].lines[0].amount, 10_001);
}

fn with(inside: &str) -> String {
    format!(
        "<Document><BkToCstmrStmt><Stmt><CreDtTm>2026-01-02T03:04:05Z</CreDtTm>\n\
         {inside}</Stmt></BkToCstmrStmt></Document>"
    )
}

fn entry(amount: &str, rest: &str) -> String {
    with(&format!("<Ntry><Amt Ccy=\"EUR\">{amount}</Amt><CdtDbtInd>DBIT</CdtDbtInd>{rest}</Ntry>"))
}

#[test]
fn p12_an_entry_is_split_only_where_its_parts_are_it() {
    let tx = |amount: &str, id: &str| {
        format!(
            "<TxDtls><Refs><EndToEndId>{id}</EndToEndId></Refs>\
             <Amt Ccy=\"EUR\">{amount}</Amt></TxDtls>"
        )
    };
    let batch = "<Btch><PmtInfId>out-7</PmtInfId></Btch>";
    let two = |b: &str| format!("<NtryDtls>{batch}{}{}</NtryDtls>", tx("60.00", "a"), tx(b, "b"));
    let split = camt::read(entry("100", &two("40")).as_bytes()).unwrap().remove(0);
    let parts: Vec<_> = split
        .lines
        .iter()
        .map(|l| (l.amount, l.references[0].as_str(), l.batch.as_str()))
        .collect();
    assert_eq!(parts, [(-6_000, "a", "out-7"), (-4_000, "b", "out-7")]);
    let whole = camt::read(entry("100", &two("39")).as_bytes()).unwrap().remove(0);
    assert_eq!(whole.lines.len(), 1);
    assert_eq!(whole.lines[0].amount, -10_000);
    assert_eq!(whole.lines[0].references, ["a", "b", "out-7"]);
}

#[test]
fn p12_what_attacks_the_reader_is_refused_with_its_line() {
    let bomb = "<!DOCTYPE a [<!ENTITY b \"c\">]>\n<Document/>".to_owned();
    let deep = "<a>".repeat(40);
    for (text, line, why) in [
        (bomb, 1, "document type"),
        (entry("1", "<AcctSvcrRef>&b;</AcctSvcrRef>"), 2, "&b;"),
        (format!("<Document>\n<BkToCstmrStmt>{deep}"), 2, "nesting"),
        (with(&format!("\n<Id>{}</Id>", "x".repeat(5_000))), 3, "bytes"),
        (entry("1", "").replace("</Document>", ""), 2, "ends before"),
        (entry("1.001", ""), 2, "decimals"),
        (entry("-1", ""), 2, "sign"),
        (entry("1", "<BookgDt><Dt>2026-02-30</Dt></BookgDt>"), 2, "no date"),
        (entry("1", "").replace("DBIT", "X"), 2, "CRDT"),
        (entry("1", "").replace("EUR", "XXX"), 2, "currency"),
        ("<Document></Document><Document/>".into(), 1, "more than one"),
        ("<Document><BkToCstmrStmt></Document>".into(), 1, "XML"),
        ("<html/>".into(), 1, "ISO 20022"),
    ] {
        let refusal = camt::read(text.as_bytes()).unwrap_err();
        assert_eq!(refusal.line, line, "{text}: {refusal:?}");
        assert!(refusal.why.contains(why), "{text}: {refusal:?}");
    }
    let kept = entry("1", "<AcctSvcrRef>a&amp;b&#x41;<![CDATA[c]]></AcctSvcrRef>");
    assert_eq!(camt::read(kept.as_bytes()).unwrap()[0].lines[0].id, "a&bAc");
}

#[test]
fn p12_of_a_file_with_several_accounts_only_the_one_that_is_meant_is_taken() {
    let one = |account: &str| {
        format!(
            "<Stmt><Acct><Id><IBAN>{account}</IBAN></Id></Acct><Ntry><Amt Ccy=\"EUR\">1</Amt>\
                 <CdtDbtInd>CRDT</CdtDbtInd><BookgDt><Dt>2026-01-02</Dt></BookgDt></Ntry></Stmt>"
        )
    };
    let text = format!(
        "<Document><BkToCstmrStmt>{}{}{}</BkToCstmrStmt></Document>",
        one("A"),
        one("B"),
        one("A")
    );
    let read = || camt::read(text.as_bytes()).unwrap();
    assert_eq!(of_account(read(), Some("A")).unwrap().lines.len(), 2);
    assert_eq!(of_account(read(), Some("B")).unwrap().lines.len(), 1);
    assert!(of_account(read(), Some("C")).unwrap_err().why.contains("nothing"));
    assert!(of_account(read(), None).unwrap_err().why.contains("several"));
}
