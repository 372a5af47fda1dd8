//! Examples of the wire types of payments proper.

use super::payments::{BY, NUMBER, REQUEST};
use super::schemas::{AT, page_of};
use crate::money::Currency;
use crate::page::Page;
use crate::payments::payment::request::{
    CaptureMethod, FeeRequest, GatewayParty, PartyRequest, PaymentRequest, RefundRequest,
};
use crate::payments::payment::review::{Decision, ReviewRequest};
use crate::payments::payment::wire::{
    EventView, GatewayOrderRow, PaymentView, RefundView, refund_id,
};
use crate::payments::payment::{RefundOrigin, RefundStatus, Status};
use crate::payments::wire::{account_id, payment_id};
use alloc::{collections::BTreeMap, format};

const FEE: i64 = 50;

fn source() -> PartyRequest {
    let (gateway, token) = ("simulator".into(), "tok_ok".into());
    PartyRequest::Gateway(GatewayParty { gateway, token })
}

pub(super) fn request() -> PaymentRequest {
    PaymentRequest {
        amount: 1_250,
        currency: "EUR".into(),
        source: PartyRequest::Account(account_id(NUMBER)),
        destination: PartyRequest::Account(account_id(NUMBER + 1)),
        capture_method: CaptureMethod::Manual,
        description: Some("Order 17".into()),
        metadata: Some(BTreeMap::from([("order".into(), "17".into())])),
        fee: None,
        country: Some("DE".into()),
    }
}

pub(super) fn review_request() -> ReviewRequest {
    ReviewRequest { decision: Decision::Approve, reason: Some("a known customer".into()) }
}

pub(super) fn refund_request() -> RefundRequest {
    RefundRequest { amount: Some(250), reason: Some("one item came back".into()) }
}

pub(super) fn payment() -> PaymentView {
    PaymentView {
        id: payment_id(NUMBER),
        status: Status::PartiallyRefunded,
        amount: 1_250,
        amount_captured: 1_250,
        amount_refunded: 250,
        currency: Currency::EUR,
        source: source(),
        destination: PartyRequest::Account(account_id(NUMBER + 1)),
        capture_method: CaptureMethod::Automatic,
        description: Some("Order 17".into()),
        metadata: BTreeMap::from([("order".into(), "17".into())]),
        fee: Some(FeeRequest { amount: FEE, account: account_id(NUMBER + 2) }),
        gateway_fee: Some(36),
        gateway_reference: Some(format!("sim_{}-1", payment_id(NUMBER))),
        failure: None,
        country: None,
        review: None,
        created_at: AT,
    }
}

pub(super) fn payments() -> Page<PaymentView> {
    page_of(payment(), &format!("{NUMBER}"))
}

pub(super) fn refunds() -> Page<RefundView> {
    let refund = RefundView {
        id: refund_id(NUMBER + 3),
        payment: payment_id(NUMBER),
        status: RefundStatus::Succeeded,
        amount: 250,
        reason: Some("one item came back".into()),
        origin: RefundOrigin::Requested,
        created_at: AT,
    };
    page_of(refund, &format!("{}", NUMBER + 3))
}

pub(super) fn events() -> Page<EventView> {
    let event = EventView {
        id: format!("{}.2", payment_id(NUMBER)),
        kind: "payment.captured".into(),
        status: Status::Captured,
        amount: 1_250,
        detail: None,
        at: AT,
        by: BY.into(),
        request_id: REQUEST.into(),
    };
    page_of(event, "2")
}

pub(super) fn orders() -> Page<GatewayOrderRow> {
    let key = format!("{}-1", payment_id(NUMBER));
    let order = GatewayOrderRow {
        key: key.clone(),
        payment: payment_id(NUMBER),
        gateway: "simulator".into(),
        action: "charge".into(),
        amount: 1_250,
        currency: "EUR".into(),
        attempts: 1,
        created_at: AT,
        settled_at: Some(AT),
        parked: None,
    };
    page_of(order, &key)
}
