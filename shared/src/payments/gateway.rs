//! What is asked of a gateway, and what it reports: the same words for all of them.
//!
//! Invariant: an order's key never changes between its tries, so that a gateway does once what it
//! is asked however often; a report says what happened at the gateway, never what we make of it.
//! Refused: anything of a card. A token is the gateway's own name for a means of payment.

use super::transfer::Purpose;
use crate::money::Currency;
use crate::time::Millis;
use alloc::string::String;
use serde::{Deserialize, Serialize};

/// What a gateway is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Reserve the amount at the payer's, for a later [`Action::Capture`].
    Authorize,
    /// Reserve and take it at once.
    Charge,
    /// Take (a part of) what is reserved; the rest is released.
    Capture,
    /// Release what is reserved.
    Cancel,
    /// Give (a part of) what was taken back.
    Refund,
    /// Send the amount to the token's owner.
    Payout,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 6] =
        [Self::Authorize, Self::Charge, Self::Capture, Self::Cancel, Self::Refund, Self::Payout];

    /// As it is stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Authorize => "authorize",
            Self::Charge => "charge",
            Self::Capture => "capture",
            Self::Cancel => "cancel",
            Self::Refund => "refund",
            Self::Payout => "payout",
        }
    }

    /// Reads [`Action::as_str`].
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == text)
    }
}

/// One thing that a gateway is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The idempotency key at the gateway; the same for every try.
    pub key: String,
    /// What it is to do.
    pub action: Action,
    /// Minor units.
    pub amount: i64,
    /// Of the amount.
    pub currency: Currency,
    /// The gateway's name for the means of payment, or for the account that a payout goes to.
    pub token: String,
    /// Our name for what it is about (`pay_…`, `pot_…`); the gateway's reports repeat it.
    pub reference: String,
    /// The gateway's name for what is captured, canceled or refunded.
    pub subject: Option<String>,
}

/// What happened at a gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Happened {
    /// The gateway knows of it and has not decided.
    Pending,
    /// The amount is reserved.
    Authorized,
    /// The amount was taken.
    Captured,
    /// What was reserved is released: it was canceled, or its time is over.
    Canceled,
    /// Neither reserved nor taken, and it will not be: why, in a few words.
    Failed(String),
    /// The amount was given back.
    Refunded,
    /// A refund will not happen: why, in a few words.
    RefundFailed(String),
    /// The amount was sent.
    PaidOut,
    /// What was sent came back: why, in a few words.
    Returned(String),
    /// What was taken is at our disposal.
    Settled,
    /// The payer took the amount back.
    Disputed,
    /// The amount of a dispute is ours again.
    DisputeWon,
    /// The amount of a dispute is gone.
    DisputeLost,
}

/// One report of a gateway: an answer, or an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// [`Order::reference`] of what it is about; empty when the gateway does not say, and then it
    /// is looked up by `subject`.
    pub reference: String,
    /// [`Order::key`] of the order that led to it, when the gateway says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The gateway's own name for the payment or payout; of a refund or dispute: for its payment.
    pub subject: String,
    /// The gateway's own name for a refund or a dispute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// What happened.
    pub happened: Happened,
    /// Minor units: what is reserved, was taken, given back, sent or disputed.
    pub amount: i64,
    /// Of the amount.
    pub currency: Currency,
    /// What the gateway keeps of it, once it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fee: Option<i64>,
}

/// One line of a gateway's daily report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The gateway's own name for the line.
    pub id: String,
    /// The gateway's own name for what it is about.
    pub subject: String,
    /// [`Order::reference`], where the gateway repeats it.
    pub reference: Option<String>,
    /// [`Order::key`] of what led to it, where the gateway repeats it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The gateway's own name for a refund.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// What the money moved for.
    pub purpose: Purpose,
    /// Minor units; positive: towards us. The fee is not taken off.
    pub amount: i64,
    /// What the gateway kept.
    pub fee: i64,
    /// Of both.
    pub currency: Currency,
    /// When.
    pub at: Millis,
    /// From when the amount is at our disposal, where the gateway says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available_at: Option<Millis>,
}

impl Line {
    fn report(&self, happened: Happened, fee: Option<i64>) -> Report {
        Report {
            reference: self.reference.clone().unwrap_or_default(),
            key: self.key.clone(),
            subject: self.subject.clone(),
            part: self.part.clone(),
            happened,
            amount: self.amount.saturating_abs(),
            currency: self.currency,
            fee,
        }
    }

    /// What the line says has happened; `None`: nothing to one payment.
    #[must_use]
    pub fn happened(&self) -> Option<Report> {
        let fee = Some(self.fee).filter(|fee| *fee > 0);
        match (self.purpose, self.amount.signum()) {
            // The order's answer says the rest: an order is not settled by a line.
            (Purpose::Payment, 1) => {
                Some(Report { key: None, part: None, ..self.report(Happened::Captured, fee) })
            }
            (Purpose::Refund, -1) => Some(self.report(Happened::Refunded, None)),
            (Purpose::Refund, 1) => {
                Some(self.report(Happened::RefundFailed("it came back to us".into()), None))
            }
            _ => None,
        }
    }

    /// What the line says will have happened, and when; `None`: it puts nothing at our disposal.
    #[must_use]
    pub fn settles(&self) -> Option<(Millis, Report)> {
        let is_taken = self.purpose == Purpose::Payment && self.amount > 0;
        let at = self.available_at.filter(|_| is_taken)?;
        let report = self.report(Happened::Settled, Some(self.fee));
        Some((at, Report { key: None, part: None, ..report }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stored_words_of_actions_and_reports_do_not_change() {
        for action in Action::ALL {
            assert_eq!(Action::of(action.as_str()), Some(action));
            let json = serde_json::to_string(&action).unwrap();
            assert_eq!(json, alloc::format!("\"{}\"", action.as_str()));
        }
        let report = Report {
            reference: "pay_1".into(),
            key: None,
            subject: "pi_1".into(),
            part: None,
            happened: Happened::Failed("declined".into()),
            amount: 5,
            currency: Currency::EUR,
            fee: Some(1),
        };
        let json = concat!(
            r#"{"reference":"pay_1","subject":"pi_1","happened":{"failed":"declined"},"#,
            r#""amount":5,"currency":"EUR","fee":1}"#,
        );
        assert_eq!(serde_json::to_string(&report).unwrap(), json);
        assert_eq!(serde_json::from_str::<Report>(json).unwrap(), report);
    }
}
