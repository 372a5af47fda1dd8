//! P15: a proof verifies with nothing but the platform's public key.

use super::Bank;
use crate::support::{body, call, status};
use ed25519_dalek::{Signature, VerifyingKey};
use origin::payments::{check, proof};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

fn sha(parts: &[&[u8]]) -> [u8; 32] {
    parts.iter().fold(Sha256::new(), |hash, part| hash.chain_update(part)).finalize().into()
}

pub(super) fn bytes<const N: usize>(text: &Value) -> [u8; N] {
    hex::decode(text.as_str().unwrap()).unwrap().try_into().unwrap()
}

/// RFC 9162, section 2.1.3.2, written again from its text, and RFC 8032's signature.
pub(super) fn verifies(proof: &Value, key: &VerifyingKey) -> bool {
    let head = &proof["head"];
    let (mut f, size) = (proof["index"].as_u64().unwrap(), head["size"].as_u64().unwrap());
    if f >= size {
        return false;
    }
    let mut s = size - 1;
    let mut r = sha(&[&[0], proof["leaf"].as_str().unwrap().as_bytes()]);
    for p in proof["path"].as_array().unwrap() {
        let p: [u8; 32] = bytes(p);
        if s == 0 {
            return false;
        }
        if f % 2 == 1 || f == s {
            r = sha(&[&[1], &p, &r]);
            while f % 2 == 0 && f != 0 {
                (f, s) = (f / 2, s / 2);
            }
        } else {
            r = sha(&[&[1], &r, &p]);
        }
        (f, s) = (f / 2, s / 2);
    }
    let text = ["shard", "size", "root", "chain", "at"].map(|name| match &head[name] {
        Value::String(text) => text.clone(),
        number => number.to_string(),
    });
    let text = format!("selvedge-ledger-head-v1\n{}", text.join("\n"));
    let signature = Signature::from_bytes(&bytes(&head["signature"]));
    s == 0 && r == bytes(&head["root"]) && key.verify_strict(text.as_bytes(), &signature).is_ok()
}

pub(super) async fn prove(bank: &Bank, entry: &str) -> Value {
    let path = format!("/admin/ledger/proof?entry={entry}");
    let answered = proof::proof(&bank.app, &call("", "GET", &path, "")).await;
    assert_eq!(status(&answered), 200, "{answered:?}");
    body(&answered)
}

#[tokio::test]
async fn p15_an_entry_is_proven_offline_and_a_changed_one_is_not() {
    let bank = Bank::new().await;
    let (cash, wallet) = bank.pair().await;
    // Sizes on both sides of a whole tile, and of two.
    let mut sizes = vec![];
    for count in [1, 2, 125, 1, 130, 200] {
        let items = vec![super::order(&cash, &wallet, 1); count];
        assert_eq!(status(&bank.send(&json!({"transfers": items})).await), 201);
        let rows = bank.app.db.read("select id from entry order by id", vec![]).await.unwrap();
        let ids: Vec<u64> = rows.iter().map(|row| origin::db::number(row, "id").unwrap()).collect();
        sizes.push(ids.len());
        for at in [0, 1, ids.len() / 2, 255, 256, 511, ids.len() - 1] {
            let Some(id) = ids.get(at) else { continue };
            let mut proof = prove(&bank, &shared::payments::wire::entry_id(*id)).await;
            let key = VerifyingKey::from_bytes(&bytes(&proof["head"]["key"])).unwrap();
            assert!(verifies(&proof, &key), "{at} of {}: {proof}", ids.len());
            let leaf = proof["leaf"].as_str().unwrap().to_owned();
            proof["leaf"] = json!(leaf.replace("\"EUR\"", "\"USD\""));
            assert!(!verifies(&proof, &key));
            proof["leaf"] = json!(leaf);
            proof["head"]["size"] = json!(ids.len() + 1);
            assert!(!verifies(&proof, &key));
        }
    }
    assert_eq!(sizes, [2, 6, 256, 258, 518, 918]);
    bank.adds_up().await;
    for none in ["ent_00000000zzz", "ent_1", "", "acc_00000000000"] {
        let path = format!("/admin/ledger/proof?entry={none}");
        let answered = proof::proof(&bank.app, &call("", "GET", &path, "")).await;
        assert_eq!(status(&answered), 404, "{none}");
    }
}

#[tokio::test]
async fn p15_a_log_that_was_written_anew_does_not_lead_to_the_heads_that_were_signed() {
    let bank = Bank::new().await;
    let (cash, wallet) = bank.pair().await;
    assert_eq!(status(&bank.transfer(&cash, &wallet, 5).await), 201);
    let first = shared::payments::wire::entry_id(0);
    prove(&bank, &first).await;
    bank.adds_up().await;
    // A forger with the database's own rights and without the key: the signed head stays behind.
    let postgres = std::env::var("TEST_DATABASE").as_deref() == Ok("postgres");
    let unfreeze = if postgres {
        "alter table signed_head disable trigger all"
    } else {
        "drop trigger signed_head_no_update"
    };
    crate::support::write(&bank.app, unfreeze, vec![]).await;
    let forge = format!("update signed_head set root = '{}'", "00".repeat(32));
    crate::support::write(&bank.app, &forge, vec![]).await;
    let report = check::whole(&bank.app).await.unwrap();
    assert!(report.faults.iter().any(|fault| fault.contains("forged")), "{report:?}");
    assert!(report.faults.iter().any(|fault| fault.contains("has changed")), "{report:?}");
}
