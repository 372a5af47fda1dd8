//! Examples of the wire types of webhooks and of the audit.

use super::schemas::{AT, page_of};
use crate::audit::AuditReport;
use crate::id::format_id;
use crate::page::Page;
use crate::webhook::endpoint::{
    DELIVERY_PREFIX, DeliveryStatus, EndpointPatch, EndpointRequest, ID_PREFIX, MESSAGE_PREFIX,
    WebhookDelivery, WebhookEndpoint,
};
use alloc::{string::String, vec};

/// A snowflake of the examples' moment.
const NUMBER: u64 = 116_000_000_000_000_000;
const URL: &str = "https://shop.example/hooks";

pub(super) fn request() -> EndpointRequest {
    EndpointRequest { url: URL.into(), events: vec!["payment.*".into()] }
}

pub(super) fn patch() -> EndpointPatch {
    EndpointPatch { events: Some(vec!["payment.captured".into()]), ..EndpointPatch::default() }
}

pub(super) fn endpoint() -> WebhookEndpoint {
    WebhookEndpoint {
        id: format_id(ID_PREFIX, NUMBER),
        url: URL.into(),
        events: vec!["payment.*".into()],
        enabled: true,
        disabled_reason: None,
        created_at: AT,
        secret: Some("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD".into()),
        previous_secret_until: None,
    }
}

pub(super) fn endpoints() -> Page<WebhookEndpoint> {
    page_of(WebhookEndpoint { secret: None, ..endpoint() }, &endpoint().id)
}

pub(super) fn delivery() -> WebhookDelivery {
    WebhookDelivery {
        id: format_id(DELIVERY_PREFIX, NUMBER + 2),
        endpoint: format_id(ID_PREFIX, NUMBER),
        message: format_id(MESSAGE_PREFIX, NUMBER + 1),
        event: "payment.captured".into(),
        status: DeliveryStatus::Pending,
        attempts: 1,
        response_status: Some(503),
        response_body: Some(String::from("come back later")),
        error: None,
        created_at: AT,
        attempted_at: Some(AT.plus(20)),
        next_attempt_at: Some(AT.plus(4_020)),
    }
}

pub(super) fn deliveries() -> Page<WebhookDelivery> {
    page_of(delivery(), &delivery().id)
}

pub(super) fn report() -> AuditReport {
    AuditReport { ok: true, records: 17, head: "a".repeat(64), faults: vec![] }
}
