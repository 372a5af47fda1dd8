//! The ledger's frozen forms: what was hashed and signed must hash and verify for ever.

use shared::money::Currency;
use shared::payments::account::{Kind, Limits};
use shared::payments::chain::{Head, SignedHead, leaf, leaf_of, place, signing_key};
use shared::payments::transfer::{Entry, Purpose, Stamp, Status, Transfer};
use shared::payments::tree::to_hex;
use shared::payments::wire::{account_id, entry_id, parse};
use shared::time::Millis;

fn transfer() -> Transfer {
    Transfer {
        id: 3,
        debit: 1,
        credit: 2,
        amount: 1_250,
        currency: Currency::EUR,
        purpose: Purpose::Fee,
        reference: Some("order \"17\"".into()),
        status: Status::Posted,
        expires_at: None,
        made: Stamp { at: Millis(7), by: "service:k".into(), request: "req_1".into() },
        settled: None,
        posted: Some(1_250),
    }
}

fn entry() -> Entry {
    Entry {
        id: place(5, 9),
        account: 1,
        n: 4,
        transfer: 3,
        amount: -1_250,
        balance: -2_000,
        at: Millis(1_790_000_000_000),
        leaf: [0; 32],
    }
}

#[test]
fn a_leaf_is_frozen() {
    assert_eq!(
        leaf(&entry(), &transfer()),
        "[\"v1\",\"ent_006rDCGRQUN\",\"acc_00000000001\",4,\"trf_00000000003\",-1250,-2000,\
         \"EUR\",\"fee\",\"order \\\"17\\\"\",1790000000000,\"service:k\",\"req_1\"]"
    );
    assert_eq!(
        to_hex(&[leaf_of(&entry(), &transfer())]),
        "93ce127eab314976dfd7ffa1a0b01420fce99a0d88f7d01247540c0781e40526"
    );
}

#[test]
fn a_head_and_its_signature_are_frozen() {
    let mut head = Head { shard: 5, ..Head::default() };
    for _ in 0..3 {
        head.append(leaf_of(&entry(), &transfer()), |_, _| {});
    }
    let key = signing_key(&[7; 32]);
    let signed = SignedHead::sign(&head, Millis(1_790_000_000_000), &key);
    assert!(signed.is_signed_by(&key.verifying_key()));
    crate::frozen(
        &signed,
        "{\"shard\":5,\"size\":3,\
         \"root\":\"d27ea2637e884ee82582af947185d10440c5cfd3e1497794e19ad7fd4e586b50\",\
         \"chain\":\"34d8162d63c5062f06e4df0f22ac617c4a8a577c6a408203d919cc7df59f94dc\",\
         \"at\":\"2026-09-21T14:13:20.000Z\",\
         \"key\":\"15f459b159aa9a4d468882b4382f47f9fecf52e6bbf39f409cd193d34b383f75\",\
         \"signature\":\"e9b98ed1b984beeaa5c529c6c3915ed7735b9691332ca5fd43540f1488d0ce6a\
         1954cab4457b329685bd084c8ae56e3ff43326bde486de16a09fe0d7da00d406\"}",
    );
    let other = SignedHead { size: 4, ..signed };
    assert!(!other.is_signed_by(&key.verifying_key()));
}

#[test]
fn stored_numbers_are_frozen() {
    let kinds: Vec<_> = Kind::ALL.iter().map(|kind| (kind.number(), format!("{kind:?}"))).collect();
    let wanted = ["Asset", "Liability", "Equity", "Income", "Expense"];
    assert!(kinds.iter().zip(0..).all(|((found, _), n)| *found == n));
    assert!(kinds.iter().zip(wanted).all(|((_, found), name)| found == name));
    let statuses = Status::ALL.map(|status| (status.number(), status.as_str()));
    assert_eq!(statuses, [(0, "posted"), (1, "pending"), (2, "voided"), (3, "expired")]);
    let purposes = Purpose::ALL.map(|one| serde_json::to_string(&one).unwrap()).join(",");
    let wanted = r#""payment","refund","fee","payout","exchange","dispute","adjustment""#;
    assert_eq!(purposes, wanted);
    for (number, limits) in [(1, (true, false)), (2, (false, true)), (3, (true, true))] {
        let found = Limits::of_number(number);
        assert_eq!((found.no_debit_beyond_credit, found.no_credit_beyond_debit), limits);
        assert_eq!(u64::from(found.number()), number);
    }
    assert_eq!(place(5, 9), 5 << 48 | 9);
    assert_eq!(parse("ent", &entry_id(place(1_023, 1 << 40))), Some(place(1_023, 1 << 40)));
    assert_eq!(parse("acc", &account_id(u64::MAX)), None);
}
