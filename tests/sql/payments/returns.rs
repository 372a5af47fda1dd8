//! Payouts that come back: told by a statement, a rejection or an event, in any order, booked once,
//! and what webhooks are told of payouts.

use super::payouts::{bank_with, calm, to};
use super::{Bank, bank as at_bank};
use crate::support::{body, call, status, with as headed, write};
use origin::payments::accounts as at_accounts;
use origin::payments::reconciliations::daily;
use origin::webhooks::endpoints;
use origin::{db, sagas, values};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

fn token(name: &str) -> Value {
    json!({"gateway": "simulator", "token": name})
}

fn ann() -> Value {
    json!({"iban": "DE89370400440532013000", "name": "Ann"})
}

/// EUR 60 of a wallet's 100, ordered of the bank to be paid to Ann.
struct Ordered {
    /// What the bank is given, and what it gives.
    _out: TempDir,
    inbox: TempDir,
    bank: Bank,
    wallet: String,
    id: String,
}

impl Ordered {
    async fn new() -> Self {
        let (out, inbox) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let bank = at_bank::with(out.path(), inbox.path()).await;
        let wallet = bank.wallet(10_000).await;
        let made = bank.paid_out(&to(&wallet, &ann(), 6_000)).await;
        let id = made["id"].as_str().unwrap().into();
        sagas::round(&bank.app).await.unwrap();
        Self { _out: out, inbox, bank, wallet, id }
    }
}

/// The bank puts files into its directory, and the origin looks.
async fn says(bank: &Bank, inbox: &Path, files: &[(&str, String)]) {
    for (name, text) in files {
        std::fs::write(inbox.join(format!("{name}.xml")), text).unwrap();
    }
    tokio::time::sleep(Duration::from_millis(600)).await;
    daily::look(&bank.app, db::now()).await.unwrap();
    for _ in 0..6 {
        sagas::round(&bank.app).await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The same statement's credit, with the reason of a return.
fn returned(id: &str, amount: &str, why: &str) -> String {
    let refs = "</Refs></TxDtls>";
    let with = format!("</Refs><RtrInf><Rsn><Cd>{why}</Cd></Rsn></RtrInf></TxDtls>");
    at_bank::statement(id, amount, "CRDT").replace(refs, &with)
}

/// The kinds that an application's webhooks were told, in order, with the payouts' statuses.
async fn told(bank: &Bank) -> Vec<(String, String)> {
    let sql = "select kind, body from webhook_message order by id";
    let rows = bank.app.db.read(sql, vec![]).await.unwrap();
    let of = |row| {
        let message: Value = serde_json::from_str(&db::text(row, "body").unwrap()).unwrap();
        let status = message["data"]["payout"]["status"].as_str().unwrap().to_owned();
        (db::text(row, "kind").unwrap(), status)
    };
    rows.iter().map(of).collect()
}

async fn listens(bank: &Bank) {
    let asked = json!({"url": "https://shop.example/hooks", "events": ["payout.*"]}).to_string();
    let call = call(&bank.owner, "POST", "/api/v1/webhook_endpoints", &asked);
    let made = endpoints::create(&bank.app, &headed(call, "idempotency-key", "k")).await;
    assert_eq!(status(&made), 201, "{made:?}");
}

#[tokio::test]
async fn p9_a_payout_that_the_bank_returns_is_credited_once_whoever_tells_it() {
    let Ordered { inbox, bank, wallet, id, .. } = &Ordered::new().await;
    says(bank, inbox.path(), &[("1", at_bank::statement(id, "60.00", "DBIT"))]).await;
    calm(&[&bank.app]).await;
    assert_eq!(bank.payout(id).await["status"], "paid");
    assert_eq!(bank.balance(wallet).await, [4_000, 0, 4_000]);
    let entries = bank.rows().await[1];
    // More than was paid is none of it; then the bank on the way has kept 0.50; then twice more.
    says(bank, inbox.path(), &[("2", returned(id, "60.01", "AC04"))]).await;
    assert_eq!(bank.payout(id).await["status"], "paid");
    says(bank, inbox.path(), &[("3", returned(id, "59.50", "AC04"))]).await;
    calm(&[&bank.app]).await;
    let again = returned(id, "59.50", "AC04").replace("054", "053");
    says(bank, inbox.path(), &[("4", again), ("5", at_bank::rejection(id))]).await;
    calm(&[&bank.app]).await;
    let shown = bank.payout(id).await;
    assert_eq!(shown["status"], "returned", "{shown}");
    let back = &shown["returned"];
    assert_eq!((&back["amount"], &back["reason"]), (&json!(5_950), &json!("AC04")), "{shown}");
    assert_eq!(bank.balance(wallet).await, [9_950, 0, 9_950]);
    assert_eq!(bank.rows().await[1], entries + 2, "one transfer, and no entry changed");
    let path = "/admin/sagas";
    let page = body(&sagas::list(&bank.app, &call("", "GET", path, "")).await);
    let kinds: Vec<_> =
        page["items"].as_array().unwrap().iter().map(|saga| &saga["kind"]).collect();
    assert_eq!(kinds, [&json!("payout_return"), &json!("payout")]);
    bank.adds_up().await;
}

#[tokio::test]
async fn p9_a_rejection_after_the_debit_gives_all_of_it_back() {
    let Ordered { inbox, bank, wallet, id, .. } = &Ordered::new().await;
    says(bank, inbox.path(), &[("1", at_bank::statement(id, "60.00", "DBIT"))]).await;
    says(bank, inbox.path(), &[("2", at_bank::rejection(id))]).await;
    // The credit that follows says the same.
    says(bank, inbox.path(), &[("3", returned(id, "60.00", "AC01"))]).await;
    calm(&[&bank.app]).await;
    let shown = bank.payout(id).await;
    assert_eq!((&shown["status"], &shown["failure"]), (&json!("returned"), &Value::Null));
    assert_eq!(shown["returned"]["amount"], 6_000);
    assert_eq!(bank.balance(wallet).await, [10_000, 0, 10_000]);
    bank.adds_up().await;
}

#[tokio::test]
async fn p9_a_return_that_is_told_before_the_debit_waits_for_it() {
    let Ordered { inbox, bank, wallet, id, .. } = &Ordered::new().await;
    says(bank, inbox.path(), &[("1", returned(id, "60.00", "AC04"))]).await;
    assert_eq!(bank.payout(id).await["status"], "processing");
    assert_eq!(bank.balance(wallet).await, [10_000, 6_000, 4_000]);
    says(bank, inbox.path(), &[("2", at_bank::statement(id, "60.00", "DBIT"))]).await;
    calm(&[&bank.app]).await;
    assert_eq!(bank.payout(id).await["status"], "returned");
    assert_eq!(bank.balance(wallet).await, [10_000, 0, 10_000]);
    // A stranger who writes its name into the text of his transfer returns nothing.
    let other = bank.paid_out(&to(wallet, &ann(), 1_000)).await;
    let other = other["id"].as_str().unwrap();
    sagas::round(&bank.app).await.unwrap();
    says(bank, inbox.path(), &[("3", at_bank::statement(other, "10.00", "DBIT"))]).await;
    calm(&[&bank.app]).await;
    let text = at_bank::statement("NOTPROVIDED", "10.00", "CRDT").replace(
        "</Refs>",
        &format!("</Refs><RmtInf><Ustrd>{}</Ustrd></RmtInf>", other.replace('_', "-")),
    );
    says(bank, inbox.path(), &[("4", text)]).await;
    assert_eq!(bank.payout(other).await["status"], "paid");
    bank.adds_up().await;
}

#[tokio::test]
async fn p9_what_comes_back_to_a_closed_account_is_owed_and_a_failed_payout_has_nothing() {
    let bank = bank_with(&[]).await;
    let wallet = bank.wallet(100).await;
    let made = bank.paid_out(&to(&wallet, &token("tok_comes_back"), 100)).await;
    // It is paid, and the event of its return is held back until the account is closed.
    sagas::round(&bank.app).await.unwrap();
    write(&bank.app, "update gateway_event set received_at = received_at + 1000000", vec![]).await;
    calm(&[&bank.app]).await;
    let mut close = bank.call("POST", &format!("/api/v1/accounts/{wallet}/close"), &json!({}));
    close.segments = vec![wallet.clone()];
    assert_eq!(status(&at_accounts::close(&bank.app, &close).await), 200);
    write(&bank.app, "update gateway_event set received_at = 0", vec![]).await;
    for _ in 0..3 {
        origin::payments::said::look(&bank.app, false).await.unwrap();
        calm(&[&bank.app]).await;
    }
    assert_eq!(bank.payout(made["id"].as_str().unwrap()).await["status"], "returned");
    let sql = "select owed from gateway_books";
    let owed = db::number(&bank.app.db.read(sql, vec![]).await.unwrap()[0], "owed").unwrap();
    let owed = shared::payments::wire::account_id(owed);
    assert_eq!(bank.balance(&owed).await, [100, 0, 100]);
    // Nobody but its saga ends what came back, and what had failed does not come back.
    let wallet = bank.wallet(100).await;
    let failed = bank.paid_out(&to(&wallet, &token("tok_decline"), 60)).await;
    calm(&[&bank.app]).await;
    let said = json!({"reference": failed["id"], "subject": "x", "happened": {"returned": "AC04"},
        "amount": 60, "currency": "EUR"});
    let sql = "insert into gateway_event (gateway, event, received_at, body) \
               values ('simulator', 'evt_x', 1, $1)";
    write(&bank.app, sql, values![said.to_string()]).await;
    origin::payments::said::look(&bank.app, false).await.unwrap();
    calm(&[&bank.app]).await;
    assert_eq!(bank.payout(failed["id"].as_str().unwrap()).await["status"], "failed");
    assert_eq!(bank.balance(&wallet).await, [100, 0, 100]);
    bank.adds_up().await;
}

#[tokio::test]
async fn p11_webhooks_are_told_of_payouts_in_the_commit_that_makes_them_so() {
    let bank = bank_with(&[]).await;
    listens(&bank).await;
    let wallet = bank.wallet(1_000).await;
    let refused = bank.pay_out(&to(&wallet, &token("tok_ok"), 1_001)).await;
    assert_eq!(status(&refused), 409);
    assert_eq!(told(&bank).await, [], "what was not made is not told");
    let pair = |kind: &str, status: &str| (kind.to_owned(), status.to_owned());
    let mut wanted = vec![];
    for (name, ending) in [
        ("tok_ok", vec![("payout.paid", "paid")]),
        ("tok_decline", vec![("payout.failed", "failed")]),
        ("tok_comes_back", vec![("payout.paid", "paid"), ("payout.returned", "returned")]),
    ] {
        let call = bank.call("POST", "/api/v1/payouts", &to(&wallet, &token(name), 10));
        for _ in 0..2 {
            // A copy is answered, and tells nothing.
            let made = origin::payments::payouts::create(&bank.app, &call).await;
            assert_eq!(status(&made), 201);
        }
        wanted.push(pair("payout.created", "processing"));
        assert_eq!(told(&bank).await, wanted);
        calm(&[&bank.app]).await;
        tokio::time::sleep(Duration::from_millis(80)).await;
        origin::payments::said::look(&bank.app, false).await.unwrap();
        calm(&[&bank.app]).await;
        wanted.extend(ending.into_iter().map(|(kind, status)| pair(kind, status)));
        assert_eq!(told(&bank).await, wanted, "{name}");
    }
    let sql = "select 1 as one from webhook_delivery";
    assert_eq!(bank.app.db.read(sql, vec![]).await.unwrap().len(), wanted.len());
    bank.adds_up().await;
}
