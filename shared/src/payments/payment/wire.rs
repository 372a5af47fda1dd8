//! Payments as their owner sees them.
//!
//! Invariant: a gateway's accounts and keys are not shown; its token is, as it was given.

use super::request::{CaptureMethod, FeeRequest, GatewayParty, PartyRequest};
use super::review::ReviewView;
use super::{Event, Party, Payment, Refund, RefundOrigin, RefundStatus, Status};
use crate::id::format_id;
use crate::money::Currency;
use crate::payments::wire::{account_id, payment_id};
use crate::time::{self, Millis};
use alloc::{collections::BTreeMap, format, string::String};
use serde::{Deserialize, Serialize};

/// `ref_…`
#[must_use]
pub fn refund_id(number: u64) -> String {
    format_id("ref", number)
}

fn party(party: &Party) -> PartyRequest {
    match party {
        Party::Account(id) => PartyRequest::Account(account_id(*id)),
        Party::Gateway { gateway, token } => {
            PartyRequest::Gateway(GatewayParty { gateway: gateway.clone(), token: token.clone() })
        }
    }
}

/// A payment. (The name in the document is `Payment`.)
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PaymentView {
    /// `pay_…`; every transfer of it has this as its reference.
    pub id: String,
    /// Where it stands.
    pub status: Status,
    /// Minor units, as asked.
    pub amount: i64,
    /// What of it was captured.
    pub amount_captured: i64,
    /// What of that went back.
    pub amount_refunded: i64,
    /// ISO 4217.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub currency: Currency,
    /// Where it comes from.
    pub source: PartyRequest,
    /// Where it goes.
    pub destination: PartyRequest,
    /// When the amount is taken.
    pub capture_method: CaptureMethod,
    /// For people.
    pub description: Option<String>,
    /// The caller's own.
    pub metadata: BTreeMap<String, String>,
    /// What the application keeps.
    pub fee: Option<FeeRequest>,
    /// What the gateway kept, once it said so.
    pub gateway_fee: Option<i64>,
    /// The gateway's name for it, once it said so.
    pub gateway_reference: Option<String>,
    /// Why it failed.
    pub failure: Option<String>,
    /// Of the means of payment, as it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// What a fraud rule asks for; missing when none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<ReviewView>,
    /// When it was created.
    #[serde(with = "time::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub created_at: Millis,
}

impl PaymentView {
    /// Of a row.
    #[must_use]
    pub fn of(payment: &Payment) -> Self {
        let fee =
            |fee: super::Fee| FeeRequest { amount: fee.amount, account: account_id(fee.account) };
        let manual = payment.manual && !payment.is_held_for_review();
        Self {
            id: payment_id(payment.id),
            status: payment.status,
            amount: payment.amount,
            amount_captured: payment.captured,
            amount_refunded: payment.refunded(false),
            currency: payment.currency,
            source: party(&payment.source),
            destination: party(&payment.destination),
            capture_method: if manual { CaptureMethod::Manual } else { CaptureMethod::Automatic },
            description: payment.description.clone(),
            metadata: payment.metadata.clone(),
            fee: payment.fee.map(fee),
            gateway_fee: payment.gateway_fee,
            gateway_reference: payment.subject.clone(),
            failure: payment.failure.clone(),
            country: payment.country.clone(),
            review: payment.review.as_ref().map(ReviewView::of),
            created_at: payment.created_at,
        }
    }
}

/// A refund. (The name in the document is `Refund`.)
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RefundView {
    /// `ref_…`
    pub id: String,
    /// `pay_…`
    pub payment: String,
    /// Where it stands.
    pub status: RefundStatus,
    /// Minor units.
    pub amount: i64,
    /// The caller's reason, or the gateway's.
    pub reason: Option<String>,
    /// Who began it.
    pub origin: RefundOrigin,
    /// When it was asked for.
    #[serde(with = "time::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub created_at: Millis,
}

impl RefundView {
    /// Of a payment's.
    #[must_use]
    pub fn of(payment: &Payment, refund: &Refund) -> Self {
        Self {
            id: refund_id(refund.id),
            payment: payment_id(payment.id),
            status: refund.status,
            amount: refund.amount,
            reason: refund.reason.clone(),
            origin: refund.origin,
            created_at: refund.at,
        }
    }
}

/// What happened to a payment. (The name in the document is `PaymentEvent`.)
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EventView {
    /// `{pay_…}.{n}`
    pub id: String,
    /// What happened: `payment.captured`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Where the payment stood after it.
    pub status: Status,
    /// Minor units that it is about.
    pub amount: i64,
    /// Why, or which.
    pub detail: Option<String>,
    /// When.
    #[serde(with = "time::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub at: Millis,
    /// `service:{kid}`, `user:{sub}` or `gateway:{name}`.
    pub by: String,
    /// In which request.
    pub request_id: String,
}

impl EventView {
    /// Of a row.
    #[must_use]
    pub fn of(event: &Event) -> Self {
        Self {
            id: format!("{}.{}", payment_id(event.payment), event.n),
            kind: event.kind.clone(),
            status: event.status,
            amount: event.amount,
            detail: event.detail.clone(),
            at: event.at,
            by: event.by.clone(),
            request_id: event.request.clone(),
        }
    }
}

/// An order to a gateway, as the operator sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GatewayOrderRow {
    /// The idempotency key at the gateway.
    pub key: String,
    /// `pay_…`
    pub payment: String,
    /// The gateway.
    pub gateway: String,
    /// What it is to do.
    pub action: String,
    /// Minor units.
    pub amount: i64,
    /// ISO 4217.
    pub currency: String,
    /// Tries so far.
    pub attempts: u64,
    /// When it was made.
    #[serde(with = "time::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub created_at: Millis,
    /// When the gateway answered for good.
    #[serde(with = "time::rfc3339::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub settled_at: Option<Millis>,
    /// Why it waits for an operator.
    pub parked: Option<String>,
}
