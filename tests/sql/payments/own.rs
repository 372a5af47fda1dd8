//! What an application sees of its own ledger: its accounts, its check, its reconciliations.

use super::{Bank, keyed, slug};
use crate::support::{application, body, call, status, with, write};
use origin::payments::check::own;
use origin::payments::reconciliations::own as own_reconciliations;
use origin::payments::{accounts, transfers};
use serde_json::{Value, json};

async fn named(bank: &Bank, name: &str) -> String {
    let text = json!({"name": name, "currency": "EUR", "kind": "asset"});
    let opened = accounts::open(&bank.app, &bank.call("POST", "/api/v1/accounts", &text)).await;
    assert_eq!(status(&opened), 201, "{opened:?}");
    body(&opened)["id"].as_str().unwrap().to_owned()
}

async fn list(bank: &Bank, owner: &str, query: &str) -> Value {
    let call = call(owner, "GET", &format!("/api/v1/accounts?{query}"), "");
    let page = accounts::list(&bank.app, &call).await;
    assert_eq!(status(&page), 200, "{page:?}");
    body(&page)
}

fn ids(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect()
}

async fn checked(bank: &Bank, owner: &str) -> Value {
    let answer = own::check(&bank.app, &call(owner, "GET", "/api/v1/ledger/check", "")).await;
    assert_eq!(status(&answer), 200, "{answer:?}");
    body(&answer)
}

#[tokio::test]
async fn p19_accounts_are_listed_newest_first_and_found_by_the_beginning_of_their_name() {
    let bank = Bank::new().await;
    let other = application(&bank.app, "other").await;
    let mut made = vec![];
    for name in ["Cash", "cash 2", "Ünder 100%", "under_score", "petty cash"] {
        made.push(named(&bank, name).await);
    }
    made.reverse();
    let (mut seen, mut cursor) = (vec![], String::new());
    loop {
        let page = list(&bank, &bank.owner, &format!("limit=2{cursor}")).await;
        seen.extend(ids(&page).into_iter().map(str::to_owned));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, made);
    let [petty, score, percent, second, first] = [0, 1, 2, 3, 4].map(|n| made[n].as_str());
    for (name, wanted) in [
        ("cash", vec![second, first]),
        ("CASH%202", vec![second]),
        ("%C3%9Cnder", vec![percent]),
        ("Under", vec![score]),
        ("under_", vec![score]),
        ("%25", vec![]),
        ("_nder", vec![]),
        ("", vec![petty, score, percent, second, first]),
    ] {
        let page = list(&bank, &bank.owner, &format!("name={name}")).await;
        assert_eq!(ids(&page), wanted, "{name}");
    }
    let shown = &list(&bank, &bank.owner, "limit=1").await["items"][0];
    assert_eq!(shown["balance"], json!({"posted": 0, "pending": 0, "available": 0}));
    assert_eq!(list(&bank, &other, "").await["items"], json!([]));
    for bad in ["limit=0", "kind=asset", &format!("name={}", "x".repeat(201))] {
        let call = call(&bank.owner, "GET", &format!("/api/v1/accounts?{bad}"), "");
        assert_eq!(status(&accounts::list(&bank.app, &call).await), 422, "{bad}");
    }
}

#[tokio::test]
async fn p4_p19_the_holds_of_an_account_are_listed_on_both_sides_until_they_end() {
    let bank = Bank::new().await;
    let (cash, wallet) = bank.pair().await;
    let other = bank.open("EUR", "asset", json!({})).await;
    assert_eq!(status(&bank.transfer(&cash, &wallet, 100).await), 201);
    let mut held = vec![
        bank.hold(&wallet, &cash, 1).await,
        bank.hold(&cash, &wallet, 2).await,
        bank.hold(&wallet, &other, 3).await,
    ];
    held.reverse();
    let holds = async |account: &str, query: &str| {
        let path = format!("/api/v1/accounts/{account}/holds?{query}");
        let mut call = call(&bank.owner, "GET", &path, "");
        call.segments = vec![account.into()];
        let page = accounts::holds(&bank.app, &call).await;
        assert_eq!(status(&page), 200, "{page:?}");
        body(&page)
    };
    assert_eq!(ids(&holds(&wallet, "").await), held);
    assert_eq!(ids(&holds(&other, "").await), held[..1]);
    let first = holds(&wallet, "limit=2").await;
    let cursor = first["next_cursor"].as_str().unwrap();
    assert_eq!(ids(&holds(&wallet, &format!("limit=2&cursor={cursor}")).await), held[2..]);
    assert_eq!(status(&bank.end(&held[2], "post", &json!({})).await), 200);
    assert_eq!(status(&bank.end(&held[0], "void", &json!({})).await), 200);
    assert_eq!(ids(&holds(&wallet, "").await), held[1..2]);
    let strange = application(&bank.app, "other").await;
    let mut call = call(&strange, "GET", &format!("/api/v1/accounts/{wallet}/holds"), "");
    call.segments = vec![wallet.clone()];
    let strangers = accounts::holds(&bank.app, &call).await;
    assert_eq!(slug(&strangers), "payments/no-such-account");
}

/// Two accounts with three entries each and a hold between them.
async fn moved(bank: &Bank) -> (String, String) {
    let (cash, wallet) = bank.pair().await;
    for amount in [100, 200, 300] {
        assert_eq!(status(&bank.transfer(&cash, &wallet, amount).await), 201);
    }
    bank.hold(&wallet, &cash, 50).await;
    (cash, wallet)
}

#[tokio::test]
async fn p2_p3_the_own_check_counts_the_own_accounts_and_sums_each_currency_to_zero() {
    let bank = Bank::new().await;
    let other = application(&bank.app, "other").await;
    assert_eq!(checked(&bank, &bank.owner).await["ok"], true, "nothing adds up to nothing");
    moved(&bank).await;
    bank.open("JPY", "asset", json!({})).await;
    let report = checked(&bank, &bank.owner).await;
    let wanted = json!({"ok": true, "accounts": 3, "entries": 6,
        "by_currency": {"EUR": 0, "JPY": 0}, "faults": []});
    assert_eq!(report, wanted);
    assert_eq!(checked(&bank, &other).await["accounts"], 0, "another's are not looked at");
    bank.adds_up().await;
}

#[tokio::test]
async fn p2_more_accounts_than_one_read_takes_are_all_checked() {
    let bank = Bank::new().await;
    let cash = bank.open("EUR", "asset", json!({})).await;
    let mut orders = vec![];
    for n in 0..505 {
        let wallet = bank.open("EUR", "liability", json!({})).await;
        orders.push(super::order(&cash, &wallet, n + 1));
    }
    let text = json!({"transfers": orders});
    let call = bank.call("POST", "/api/v1/transfers", &text);
    assert_eq!(status(&transfers::create(&bank.app, &call).await), 201);
    let report = checked(&bank, &bank.owner).await;
    let wanted = json!({"ok": true, "accounts": 506, "entries": 1_010,
        "by_currency": {"EUR": 0}, "faults": []});
    assert_eq!(report, wanted);
}

#[tokio::test]
async fn p2_more_entries_than_are_looked_at_while_one_waits_are_refused() {
    let bank = Bank::new().await;
    bank.pair().await;
    let sql = "update account set entries = 250000";
    write(&bank.app, sql, vec![]).await;
    assert_eq!(checked(&bank, &bank.owner).await["ok"], false, "as many as are looked at");
    write(&bank.app, "update account set entries = 250001", vec![]).await;
    let answer = own::check(&bank.app, &call(&bank.owner, "GET", "/api/v1/ledger/check", "")).await;
    assert_eq!((status(&answer), slug(&answer).as_str()), (409, "payments/ledger-too-large"));
}

#[tokio::test]
async fn p2_every_tampering_that_the_own_check_looks_for_is_found() {
    for (tampering, fault, sums) in [
        ("update account set posted = posted + 1 where posted > 0", "not the sum", 1),
        ("update account set entries = entries + 1 where posted > 0", "not the sum", 0),
        ("update account set debits_held = debits_held + 1 where posted < 0", "pending", 0),
        ("update account set credits_held = 0 where posted > 0", "pending", 0),
        ("update transfer set posted = 7 where posted = 200", "no side", 0),
        ("delete from transfer where posted = 200", "no side", 0),
        ("delete from entry where amount = 200", "not the sum", 0),
        ("update entry set balance = balance + 1 where amount = 200", "does not run", 0),
        ("update entry set n = 9 where amount = 300", "does not run", 0),
    ] {
        let bank = Bank::new().await;
        moved(&bank).await;
        super::frozen::unfreeze(&bank).await;
        write(&bank.app, tampering, vec![]).await;
        let report = checked(&bank, &bank.owner).await;
        let faults = report["faults"].to_string();
        assert_eq!(report["ok"], false, "{tampering}");
        assert!(faults.contains(fault), "{tampering}: {faults}");
        assert_eq!(report["by_currency"]["EUR"], sums, "{tampering}");
    }
}

async fn send(bank: &Bank, owner: &str, account: &str, key: &str, text: &str) -> super::Answered {
    let path = format!("/api/v1/reconciliations?account={account}");
    let call = with(call(owner, "POST", &path, text), "idempotency-key", key);
    own_reconciliations::create(&bank.app, &with(call, "content-type", "text/csv")).await
}

const TEXT: &str = "Date;Amount;Currency;Reference\n2026-11-20;10,00;EUR;a\n";

#[tokio::test]
async fn p12_p19_a_statement_is_held_against_an_own_account_once_per_key_and_per_file() {
    let bank = Bank::new().await;
    let other = application(&bank.app, "other").await;
    let (cash, _) = bank.pair().await;
    let first = send(&bank, &bank.owner, &cash, "k1", TEXT).await;
    assert_eq!(status(&first), 201, "{first:?}");
    let view = body(&first);
    assert_eq!((&view["account"], &view["counts"]["missing_here"]), (&json!(cash), &json!(1)));
    let id = view["id"].as_str().unwrap();
    let location = &first.as_ref().unwrap().headers;
    let own = format!("/api/v1/reconciliations/{id}");
    assert!(format!("{location:?}").contains(&own), "{location:?}");

    let replayed = send(&bank, &bank.owner, &cash, "k1", TEXT).await;
    assert_eq!((status(&replayed), body(&replayed)), (201, view.clone()));
    let same_file = send(&bank, &bank.owner, &cash, "k2", TEXT).await;
    assert_eq!((status(&same_file), body(&same_file)), (200, view.clone()));
    let other_file = send(&bank, &bank.owner, &cash, "k1", &format!("{TEXT}\n")).await;
    assert_eq!(slug(&other_file), "http/idempotency-mismatch");
    let broken = TEXT.replace("10,00", "10,0012");
    for _ in 0..2 {
        let refused = send(&bank, &bank.owner, &cash, "k3", &broken).await;
        assert_eq!(
            (status(&refused), slug(&refused).as_str()),
            (422, "payments/unreadable-statement")
        );
    }
    let keyless =
        call(&bank.owner, "POST", &format!("/api/v1/reconciliations?account={cash}"), TEXT);
    assert_eq!(status(&own_reconciliations::create(&bank.app, &keyless).await), 400);
    let foreign = send(&bank, &other, &cash, "k4", TEXT).await;
    assert_eq!(slug(&foreign), "payments/no-such-account");

    let read = async |owner: &str, path: &str| {
        let mut call = keyed(owner, "GET", path, &json!({}));
        call.segments = vec![id.into()];
        match path.rsplit('/').next().unwrap() {
            "findings" => own_reconciliations::findings(&bank.app, &call).await,
            "reconciliations" => own_reconciliations::list(&bank.app, &call).await,
            _ => own_reconciliations::get(&bank.app, &call).await,
        }
    };
    assert_eq!(body(&read(&bank.owner, &own).await), view);
    let findings = body(&read(&bank.owner, &format!("{own}/findings")).await);
    assert_eq!(findings["items"][0]["theirs"][0]["reference"], "a");
    let all = body(&read(&bank.owner, "/api/v1/reconciliations").await);
    assert_eq!(all["items"], json!([view]));
    for path in [own.clone(), format!("{own}/findings")] {
        let strangers = read(&other, &path).await;
        assert_eq!(slug(&strangers), "payments/no-such-reconciliation", "{path}");
    }
    assert_eq!(body(&read(&other, "/api/v1/reconciliations").await)["items"], json!([]));
}

#[tokio::test]
async fn p14_a_card_number_in_a_statement_is_not_kept() {
    let bank = Bank::new().await;
    let (cash, _) = bank.pair().await;
    let card = "5105105105105100";
    let text = format!("Date;Amount;Currency;Reference;Id\n2026-11-20;10,00;EUR;{card};{card}\n");
    let made = send(&bank, &bank.owner, &cash, "k1", &text).await;
    assert_eq!(status(&made), 201, "{made:?}");
    let broken = TEXT.replace("10,00", card).replace("2026-11-20", card);
    assert_eq!(status(&send(&bank, &bank.owner, &cash, "k2", &broken).await), 422);
    for (table, column) in [
        ("reconciliation_finding", "ours || theirs"),
        ("statement_line", "id"),
        ("reconciliation", "counts || coalesce(why, '')"),
        ("idempotency", "answer"),
    ] {
        let sql = format!("select {column} as kept from {table}");
        for row in bank.app.db.read(&sql, vec![]).await.unwrap() {
            let kept = origin::db::text(&row, "kept").unwrap();
            assert!(!kept.contains(card), "{table}: {kept}");
        }
    }
    let findings = bank.app.db.read("select 1 from reconciliation_finding", vec![]).await.unwrap();
    assert_eq!(findings.len(), 1, "the line itself is told");
}
