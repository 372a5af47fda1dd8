//! What goes back of a payment, as its row keeps it: refunds, and what we may not keep (Y4).
//!
//! Invariant: the stored words do not change; a member that came later is missing in older rows.

use crate::time::Millis;
use alloc::string::String;
use serde::{Deserialize, Serialize};

/// Where a refund, or the return of what we may not keep, stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RefundStatus {
    /// The gateway was asked.
    Pending,
    /// It went back.
    Succeeded,
    /// It will not.
    Failed,
}

/// Who began a refund: why money goes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RefundOrigin {
    /// A call of the application's.
    #[default]
    Requested,
    /// Somebody at the gateway itself, in its dashboard.
    Gateway,
    /// The bank or the wallet that it was sent to: it did not keep it.
    Returned,
}

impl RefundOrigin {
    fn is_requested(&self) -> bool {
        *self == Self::Requested
    }
}

/// One refund.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// A snowflake.
    pub id: u64,
    /// Minor units.
    pub amount: i64,
    /// The caller's reason.
    pub reason: Option<String>,
    /// Where it stands.
    pub status: RefundStatus,
    /// The transfer that gives it back, pending while the gateway is asked; 0: none was made.
    pub transfer: u64,
    /// The gateway's order.
    pub key: Option<String>,
    /// The gateway's own name for it: copies of what it did unasked are known by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// Who began it.
    #[serde(default, skip_serializing_if = "RefundOrigin::is_requested")]
    pub origin: RefundOrigin,
    /// Which account bore it, where that is not the payment's own (Y6).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub borne_by: Option<u64>,
    /// When it was asked for.
    pub at: Millis,
}

/// What a gateway took and we may not keep (Y4), or reserved and we do not want.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// The gateway's name for it.
    pub subject: String,
    /// Minor units; 0: it was reserved only, and is released.
    pub amount: i64,
    /// Where its return stands.
    pub status: RefundStatus,
    /// The gateway's order for the return.
    pub key: String,
    /// The gateway's own name for a return that it made unasked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
}
