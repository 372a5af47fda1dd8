//! Examples of what payouts, sagas and reconciliations travel as.

use super::schemas::AT;
use crate::money::Currency;
use crate::payments::payout::{
    Bank, PayoutRequest, PayoutStatus, PayoutView, SEND, SagaLine, SagaView, payout_id, saga_id,
};
use crate::payments::reconcile::line::Kind;
use crate::payments::reconcile::wire::{
    Counts, DailyClose, FindingView, OurLine, ReconciliationView, State, StatementAccount,
    reconciliation_id,
};
use crate::payments::request::TransferRequest;
use crate::payments::transfer::Purpose;
use crate::payments::wire::{account_id, entry_id, transfer_id};
use crate::saga::Status;
use alloc::{string::String, vec, vec::Vec};

/// A snowflake of the examples' moment.
const NUMBER: u64 = 116_000_000_000_000_000;
const IBAN: &str = "NL91ABNA0417164300";

pub(super) fn request() -> PayoutRequest {
    PayoutRequest {
        account: account_id(NUMBER),
        bank: Bank {
            iban: Some(IBAN.into()),
            name: Some("Ann Onym".into()),
            bic: None,
            gateway: None,
            token: None,
        },
        amount: 12_500,
        currency: "EUR".into(),
    }
}

pub(super) fn payout() -> PayoutView {
    PayoutView {
        id: payout_id(NUMBER),
        status: PayoutStatus::Processing,
        account: account_id(NUMBER),
        amount: 12_500,
        currency: Currency::EUR,
        gateway: "bank".into(),
        bank_last4: "4300".into(),
        transfer: transfer_id(NUMBER),
        failure: None,
        returned: None,
        created_at: AT,
        ended_at: None,
    }
}

pub(super) fn saga() -> SagaView {
    SagaView {
        id: saga_id(NUMBER),
        kind: "payout".into(),
        subject: payout_id(NUMBER),
        status: Status::Running,
        step: 1,
        attempts: 1,
        why: None,
        due: Some(AT),
        created_at: AT,
        log: vec![SagaLine { name: SEND.into(), what: "begun".into(), why: None, at: AT }],
    }
}

pub(super) fn reconciliation() -> ReconciliationView {
    ReconciliationView {
        id: reconciliation_id(NUMBER),
        state: State::Done,
        account: Some(account_id(NUMBER)),
        source: "upload".into(),
        format: "camt".into(),
        day: "2026-11-19".into(),
        closes: true,
        window_days: 3,
        from: AT,
        until: AT,
        ours: 3,
        theirs: 2,
        counts: Counts { matched: 2, missing_there: 1, ..Counts::default() },
        drift: [(String::from("EUR"), -1_250)].into_iter().collect(),
        alert: true,
        proposals: vec![TransferRequest {
            debit_account: Some(account_id(NUMBER + 1)),
            credit_account: Some(account_id(NUMBER)),
            amount: Some(1_250),
            currency: Some("EUR".into()),
            purpose: Some(Purpose::Adjustment),
            reference: Some(reconciliation_id(NUMBER)),
            ..TransferRequest::default()
        }],
        why: None,
        created_at: AT,
        done_at: Some(AT),
    }
}

pub(super) fn finding() -> FindingView {
    FindingView {
        n: 1,
        kind: Kind::MissingThere,
        ours: vec![OurLine {
            entry: entry_id(0),
            reference: Some("order 17".into()),
            amount: 1_250,
            day: "2026-11-19".into(),
        }],
        theirs: Vec::new(),
    }
}

pub(super) fn statement_account() -> StatementAccount {
    StatementAccount { bank_account: IBAN.into() }
}

pub(super) fn daily_close() -> DailyClose {
    DailyClose {
        account: Some(account_id(NUMBER)),
        source: "directory".into(),
        next_day: "2026-11-20".into(),
        overdue: false,
    }
}
