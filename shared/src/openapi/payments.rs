//! Examples of the ledger's wire types.

use super::schemas::{AT, page_of};
use crate::money::Currency;
use crate::page::Page;
use crate::payments::account::{Kind, Limits};
use crate::payments::chain::SignedHead;
use crate::payments::request::{AccountRequest, TransferRequest};
use crate::payments::transfer::{Purpose, Status};
use crate::payments::wire::{
    AccountView, Balance, BalanceAt, EntryView, LedgerCheck, LedgerProof, TransferView, account_id,
    entry_id, transfer_id,
};
use alloc::{format, string::String, vec};

/// A snowflake of the examples' moment.
pub(super) const NUMBER: u64 = 116_000_000_000_000_000;
pub(super) const BY: &str = "service:0000001a2bc";
pub(super) const REQUEST: &str = "req_00112233445566778899aabbccddeeff";

pub(super) fn account_request() -> AccountRequest {
    AccountRequest {
        name: "Ann's wallet".into(),
        currency: "EUR".into(),
        kind: Kind::Liability,
        limits: Some(Limits { no_debit_beyond_credit: true, no_credit_beyond_debit: false }),
    }
}

pub(super) fn account() -> AccountView {
    AccountView {
        id: account_id(NUMBER),
        name: "Ann's wallet".into(),
        currency: Currency::EUR,
        kind: Kind::Liability,
        limits: Limits { no_debit_beyond_credit: true, no_credit_beyond_debit: false },
        balance: Balance { posted: 1_250, pending: 250, available: 1_000 },
        created_at: AT,
        closed_at: None,
    }
}

pub(super) fn accounts() -> Page<AccountView> {
    page_of(account(), &format!("{NUMBER}"))
}

pub(super) fn balance() -> BalanceAt {
    BalanceAt {
        account: account_id(NUMBER),
        currency: Currency::EUR,
        at: AT,
        posted: 1_250,
        pending: 250,
        available: 1_000,
    }
}

pub(super) fn transfer_request() -> TransferRequest {
    TransferRequest {
        debit_account: Some(account_id(NUMBER)),
        credit_account: Some(account_id(NUMBER + 1)),
        amount: Some(1_250),
        currency: Some("EUR".into()),
        reference: Some("order 17".into()),
        ..TransferRequest::default()
    }
}

pub(super) fn transfer() -> TransferView {
    TransferView {
        id: transfer_id(NUMBER + 2),
        status: Status::Posted,
        debit_account: account_id(NUMBER),
        credit_account: account_id(NUMBER + 1),
        amount: 1_250,
        posted_amount: Some(1_250),
        currency: Currency::EUR,
        purpose: Purpose::Payment,
        reference: Some("order 17".into()),
        expires_at: None,
        created_at: AT,
        created_by: BY.into(),
        request_id: REQUEST.into(),
        settled_at: None,
        settled_by: None,
    }
}

pub(super) fn transfers() -> Page<TransferView> {
    let held = TransferView { status: Status::Pending, posted_amount: None, ..transfer() };
    page_of(held, &format!("{}", NUMBER + 2))
}

pub(super) fn entries() -> Page<EntryView> {
    let entry = EntryView {
        id: entry_id(0),
        transfer: transfer_id(NUMBER + 2),
        n: 1,
        side: "credit".into(),
        amount: 1_250,
        balance: 1_250,
        purpose: Purpose::Payment,
        reference: Some("order 17".into()),
        at: AT,
        by: BY.into(),
        request_id: REQUEST.into(),
    };
    page_of(entry, &format!("{}.1", AT.0))
}

pub(super) fn check() -> LedgerCheck {
    LedgerCheck {
        ok: true,
        accounts: 2,
        entries: 2,
        by_currency: [(String::from("EUR"), 0)].into_iter().collect(),
        faults: vec![],
    }
}

pub(super) fn proof() -> LedgerProof {
    let digits = |digit: &str| digit.repeat(64);
    LedgerProof {
        entry: entry_id(0),
        leaf: r#"["v1","ent_00000000000",…]"#.into(),
        index: 0,
        path: vec![digits("a")],
        head: SignedHead {
            shard: 0,
            size: 2,
            root: digits("b"),
            chain: digits("c"),
            at: AT,
            key: digits("d"),
            signature: digits("e").repeat(2),
        },
    }
}
