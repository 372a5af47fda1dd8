//! P16, P24: who did what, and what is left of a person once it was erased.

use super::Bank;
use super::proof::{bytes, prove, verifies};
use crate::support::{body, call, status};
use axum::body::to_bytes;
use ed25519_dalek::VerifyingKey;
use origin::audit::{self, Who, export};
use origin::payments::accounts;
use origin::privacy::{self, job};
use origin::respond::Call;
use origin::{db, subjects, values};
use serde_json::{Value, json};

const CANARY: &str = "zoe-canary-7f3a";
const ADDRESS: &str = "192.0.2.77";

fn by(mut call: Call, sub: &str) -> Call {
    call.context.principal = format!("user:{sub}");
    call.context.ip = ADDRESS.into();
    call.context.country = "JP".into();
    call.context.colo = "NRT".into();
    call
}

async fn lines(bank: &Bank, query: &str) -> Vec<Value> {
    let mut asked = call("", "GET", &format!("/admin/audit/export?{query}"), "");
    asked.context.principal = "operator".into();
    let answer = export::answer(&bank.app, &asked).await.unwrap();
    let bytes = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn of<'a>(lines: &'a [Value], kind: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["kind"] == kind).collect()
}

/// Every step, and what comes a while after the others.
async fn run(bank: &Bank) {
    for later_ms in [0, 60_000] {
        while job::step(&bank.app, db::now().plus(later_ms)).await.unwrap() {}
    }
}

/// Every text of the tables that money and its audit are in.
async fn dump(bank: &Bank) -> String {
    let mut all = String::new();
    for (table, columns) in [
        ("account", "name || created_by || created_request || coalesce(closed_by, '')"),
        ("transfer", "coalesce(reference, '') || made_by || made_request"),
        ("audit", "who || action || object || place || data"),
        ("subject", "pseudonym || coalesce(lookup, '') || coalesce(key, '')"),
        ("subject_field", "subject || name || sealed"),
        ("idempotency", "scope || key || answer"),
        ("privacy_item", "body"),
    ] {
        let sql = format!("select {columns} as text from {table}");
        for row in bank.app.db.read(&sql, vec![]).await.unwrap() {
            all.push_str(&db::text(&row, "text").unwrap());
            all.push('\n');
        }
    }
    all
}

/// An account that the user opened, with a transfer by it, and a change that is in the audit.
async fn live(bank: &Bank, sub: &str) -> (String, String) {
    let text = json!({"name": format!("{sub}'s wallet"), "currency": "EUR", "kind": "asset"});
    let asked = by(bank.call("POST", "/api/v1/accounts", &text), sub);
    let wallet = body(&accounts::open(&bank.app, &asked).await);
    let wallet = wallet["id"].as_str().unwrap().to_owned();
    let (cash, _) = bank.pair().await;
    let order = json!({
        "debit_account": wallet, "credit_account": cash, "amount": 5, "currency": "EUR",
    });
    let asked = by(bank.call("POST", "/api/v1/transfers", &order), sub);
    let made = origin::payments::transfers::create(&bank.app, &asked).await;
    assert_eq!(status(&made), 201, "{made:?}");
    let made_by = body(&made)["created_by"].as_str().unwrap().to_owned();
    let who = Who::of(&bank.app, &asked.context).await.unwrap();
    let mut tx = bank.app.db.begin().await.unwrap();
    let done = ("thing.changed", "thing_1");
    audit::record(&mut tx, &bank.app, &who, done, &json!({"x": 1})).await.unwrap();
    tx.commit().await.unwrap();
    (wallet, made_by)
}

#[tokio::test]
async fn p16_an_account_and_a_subject_are_told_of_line_by_line() {
    let bank = Bank::new().await;
    let (wallet, made_by) = live(&bank, CANARY).await;
    let pseudonym = made_by.strip_prefix("subject:").unwrap().to_owned();
    let told = lines(&bank, &format!("account={wallet}")).await;
    assert_eq!(of(&told, "account")[0]["created_by"], made_by);
    let entries = of(&told, "entry");
    assert_eq!((entries.len(), &entries[0]["entry"]["by"]), (1, &json!(made_by)));
    // More than one look's worth, and holds in whatever state.
    let (cash, other) = bank.pair().await;
    let many: Vec<Value> = (0..1_200).map(|_| super::order(&cash, &other, 1)).collect();
    assert_eq!(status(&bank.send(&json!({"transfers": many})).await), 201);
    let mut hold = super::order(&cash, &other, 7);
    hold["pending"] = json!(true);
    assert_eq!(status(&bank.send(&hold).await), 201);
    let told = lines(&bank, &format!("account={cash}")).await;
    assert_eq!((of(&told, "entry").len(), of(&told, "hold").len()), (1_200, 1));
    let n = |line: &&Value| line["entry"]["n"].as_u64().unwrap();
    assert!(of(&told, "entry").iter().map(n).eq(1..=1_200), "each once, in order");

    for query in [format!("subject={pseudonym}"), format!("app={}&subject={CANARY}", bank.owner)] {
        let told = lines(&bank, &query).await;
        assert_eq!(of(&told, "subject")[0]["subject"], pseudonym);
        let field = |name: &str| {
            let fields = of(&told, "field");
            fields.iter().find(|one| one["name"] == name).map(|one| one["text"].clone())
        };
        assert_eq!(field("sub"), Some(json!(CANARY)));
        let record = &of(&told, "audit")[0]["record"];
        assert_eq!((&record["by"], &record["from"]), (&json!(made_by), &json!("JP NRT")));
        let address = format!("audit/{}/address", record["n"]);
        assert_eq!(field(&address), Some(json!(ADDRESS)), "aside, under the subject's key");
        assert_eq!(of(&told, "account").len(), 1);
        assert_eq!(of(&told, "transfer_made").len(), 1);
    }
    // Whoever asks is in the audit, too.
    let told = lines(&bank, &format!("account={cash}")).await;
    let records = of(&told, "audit");
    assert_eq!(records[0]["record"]["action"], "audit.exported");
    assert_eq!(records[0]["record"]["by"], "operator");
    for wrong in ["", "account=acc_x", "subject=sbj_none", "subject=ann", "account=a&subject=b"] {
        let asked = call("", "GET", &format!("/admin/audit/export?{wrong}"), "");
        let refused = export::answer(&bank.app, &asked).await.unwrap_err();
        assert!([404, 422].contains(&refused.problem().status()), "{wrong}");
    }
}

#[tokio::test]
async fn p16_the_audit_only_grows_and_a_change_behind_it_is_found() {
    let bank = Bank::new().await;
    live(&bank, CANARY).await;
    live(&bank, "bob").await;
    let check = async || body(&audit::check(&bank.app, &call("", "GET", "/", "")).await);
    assert_eq!(check().await["ok"], true);
    for sql in [
        "update audit set data = '{}' where n = 1",
        "delete from audit where n = 1",
        "insert into audit select n, at, app, who, action, object, place, request, data, hash \
         from audit where n = 1",
    ] {
        let mut tx = bank.app.db.begin().await.unwrap();
        assert!(tx.write(sql, vec![]).await.is_err(), "{sql}");
    }
    let sql = "insert into audit values (3, 1, '', 'x', 'y', 'z', '', '', '{}', 'forged')";
    crate::support::write(&bank.app, sql, vec![]).await;
    let report = check().await;
    assert_eq!(report["ok"], false, "{report}");
    assert_eq!(report["faults"].as_array().unwrap().len(), 2, "{report}");
}

#[tokio::test]
async fn p24_an_erased_subject_leaves_a_ledger_that_still_adds_up_and_nobody_in_it() {
    let bank = Bank::new().await;
    let (wallet, made_by) = live(&bank, CANARY).await;
    let (_, bobs) = live(&bank, "bob").await;
    assert_ne!(made_by, bobs);
    let before = dump(&bank).await;
    let name_is_in = before.matches(CANARY).count();
    assert!(name_is_in > 0, "the account's name, and what is kept for copies of requests");
    let rows = bank.rows().await;
    let path = format!("/api/v1/accounts/{wallet}/entries");
    let mut asked = call(&bank.owner, "GET", &path, "");
    asked.segments = vec![wallet.clone()];
    let entries = body(&accounts::entries(&bank.app, &asked).await);
    let entry = entries["items"][0]["id"].as_str().unwrap().to_owned();
    let leaf = prove(&bank, &entry).await["leaf"].clone();
    let asked = json!({"subject": CANARY}).to_string();
    let export = call(&bank.owner, "POST", "/api/v1/privacy/exports", &asked);
    let export = body(&privacy::export(&bank.app, &export).await);
    run(&bank).await;
    let shown = async |kind: &str, request: &Value| {
        let id = request["id"].as_str().unwrap();
        let mut call = call(&bank.owner, "GET", &format!("/api/v1/privacy/{kind}/{id}"), "");
        call.segments = vec![id.into()];
        match kind {
            "exports" => body(&privacy::get_export(&bank.app, &call).await),
            _ => body(&privacy::get_erasure(&bank.app, &call).await),
        }
    };
    let done = shown("exports", &export).await;
    let counts = &done["products"]["payments"]["counts"];
    assert_eq!((&counts["accounts"], &counts["transfers_made"]), (&json!(1), &json!(1)), "{done}");
    assert_eq!(counts["fields"], 2);
    let erase = call(&bank.owner, "POST", "/api/v1/privacy/erasures", &asked);
    let erasure = body(&privacy::erase(&bank.app, &erase).await);
    run(&bank).await;
    let receipt = shown("erasures", &erasure).await;
    let part = &receipt["products"]["payments"];
    assert_eq!(part["state"], "retained", "{receipt}");
    assert!(part["basis"].as_str().unwrap().contains("article 17(3)(b)"), "{part}");
    let counts = &part["counts"];
    assert_eq!((&counts["account_names"], &counts["transfers_retained"]), (&json!(1), &json!(1)));

    let after = dump(&bank).await;
    assert!(!after.contains(CANARY) && !after.contains(ADDRESS), "{after}");
    assert!(after.contains(&made_by), "the pseudonym stays where it was hashed");
    assert_eq!(bank.rows().await, rows);
    bank.adds_up().await;
    let proof = prove(&bank, &entry).await;
    let key = VerifyingKey::from_bytes(&bytes(&proof["head"]["key"])).unwrap();
    assert!(proof["leaf"] == leaf && verifies(&proof, &key), "{proof}");
    let report = body(&audit::check(&bank.app, &call("", "GET", "/", "")).await);
    assert_eq!(report["ok"], true, "{report}");
    let told = lines(&bank, &format!("subject={}", &made_by["subject:".len()..])).await;
    assert!(of(&told, "subject")[0]["erased_at"].is_string() && of(&told, "field").is_empty());
    assert_eq!(of(&told, "account")[0]["account"]["name"], "erased");
    // The key is gone: even what a backup kept of the fields would not open.
    let sql = "select key from subject where destroyed_at is not null and key is null \
               and lookup is null";
    assert_eq!(bank.app.db.read(sql, vec![]).await.unwrap().len(), 1);
    let pseudonym = &made_by["subject:".len()..];
    let mut tx = bank.app.db.begin().await.unwrap();
    subjects::keep(&mut tx, &bank.app, pseudonym, "late", "text").await.unwrap();
    tx.commit().await.unwrap();
    let sql = "select name from subject_field where subject = $1";
    assert!(bank.app.db.read(sql, values![pseudonym]).await.unwrap().is_empty());
    // Whoever comes back is somebody else; others are whom they were.
    let (_, again) = live(&bank, CANARY).await;
    assert_ne!(again, made_by);
    assert_eq!(live(&bank, "bob").await.1, bobs);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p24_a_user_has_one_pseudonym_however_many_ask_at_once() {
    let bank = Bank::new().await;
    let two = bank.place.replica().await;
    let kept = |app: &std::sync::Arc<origin::app::App>| {
        let (app, owner) = (std::sync::Arc::clone(app), bank.owner.clone());
        tokio::spawn(async move { subjects::kept(&app, &owner, "user:ann").await.unwrap() })
    };
    let mut found = std::collections::BTreeSet::new();
    let asked: Vec<_> = (0..16).map(|n| kept(if n % 2 == 0 { &bank.app } else { &two })).collect();
    for one in asked {
        found.insert(one.await.unwrap());
    }
    assert_eq!(found.len(), 1, "{found:?}");
    let other = subjects::kept(&bank.app, "app_other", "user:ann").await.unwrap();
    assert!(!found.contains(&other), "another application's user of the same name");
    let service = subjects::kept(&bank.app, &bank.owner, "service:k").await.unwrap();
    assert_eq!(service, "service:k");
}
