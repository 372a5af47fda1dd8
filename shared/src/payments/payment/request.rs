//! What callers ask of payments: bodies, checked.
//!
//! Invariant: the edge checks to refuse early, the origin checks with the same functions to
//! decide. A card number is refused before anything else is said about the body; so is one in a
//! token's place.

use super::review::State;
use super::{Fee, Party, Payment, Status};
use crate::body;
use crate::payments::error::{AMOUNT, INVALID, SAME_ACCOUNT, UNKNOWN_ACCOUNT};
use crate::payments::fraud::rule::is_country;
use crate::payments::{card, request, wire};
use crate::problem::{self, FieldError, Problem};
use crate::time::Millis;
use alloc::{collections::BTreeMap, format, string::String, vec};
use serde::{Deserialize, Serialize};

/// A description's characters.
pub const DESCRIPTION_CHARS_MAX: usize = 500;
/// Members of the metadata; their names and values have bounds of their own.
pub const METADATA_MAX: usize = 50;
/// A metadata name's characters.
pub const METADATA_NAME_CHARS_MAX: usize = 40;
/// A metadata value's characters.
pub const METADATA_CHARS_MAX: usize = 500;
/// A gateway's token, in bytes.
pub const TOKEN_BYTES_MAX: usize = 255;
/// A refund's reason, in characters.
pub const REASON_CHARS_MAX: usize = 200;

/// When the amount is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CaptureMethod {
    /// At once.
    #[default]
    Automatic,
    /// By a call of its own.
    Manual,
}

/// Somebody whom a gateway knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct GatewayParty {
    /// The gateway's name.
    pub gateway: String,
    /// Its word for the means of payment: 1 to 255 visible ASCII characters, never a card number.
    pub token: String,
}

/// One end of a payment: an account's id, or a gateway's token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum PartyRequest {
    /// `acc_…`
    Account(String),
    /// Somebody whom a gateway knows.
    Gateway(GatewayParty),
}

/// What the application keeps of a payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct FeeRequest {
    /// Minor units, 1 to the payment's amount.
    pub amount: i64,
    /// `acc_…`
    pub account: String,
}

/// `POST /api/v1/payments`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PaymentRequest {
    /// Minor units, 1 to 2^53 − 1.
    pub amount: i64,
    /// ISO 4217, of every account.
    pub currency: String,
    /// Where it comes from.
    pub source: PartyRequest,
    /// Where it goes; not both are a gateway's.
    pub destination: PartyRequest,
    /// `automatic` when missing.
    #[serde(default)]
    pub capture_method: CaptureMethod,
    /// At most 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// At most 50 texts of at most 500 characters, under names of at most 40.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<BTreeMap<String, String>>,
    /// Moved on from the destination when the payment is captured; a refund does not give it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fee: Option<FeeRequest>,
    /// Of the means of payment, ISO 3166-1 alpha-2: what fraud rules compare with the request's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
}

/// `POST /api/v1/payments/{id}/capture`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CaptureRequest {
    /// Minor units, 1 to what is authorized; all of it when missing. The rest is released.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<i64>,
}

/// `POST /api/v1/payments/{id}/refunds`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RefundRequest {
    /// Minor units, 1 to what is left; all of it when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<i64>,
    /// At most 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Checks the body of a new payment. What it has no answer to (`id`, `app`, `books`,
/// `created_at`) is left empty.
///
/// # Errors
/// 400, 422.
pub fn payment(bytes: &[u8]) -> Result<Payment, Problem> {
    card::refuse(bytes)?;
    let asked: PaymentRequest = body::parse(bytes)?;
    let amount = request::amount(asked.amount)?;
    let currency = request::currency(&asked.currency)?;
    let source = party(asked.source, "/source")?;
    let destination = party(asked.destination, "/destination")?;
    match (&source, &destination) {
        (Party::Account(one), Party::Account(other)) if one == other => {
            return Err(field(&SAME_ACCOUNT, "/destination", "is the source".into()));
        }
        (Party::Gateway { .. }, Party::Gateway { .. }) => {
            let detail = "is a gateway's, and so is the source: one of them is an account";
            return Err(field(&INVALID, "/destination", detail.into()));
        }
        _ => {}
    }
    let fee = asked.fee.map(|fee| checked_fee(&fee, amount, &destination)).transpose()?;
    if let Some(text) = &asked.description {
        let detail = format!("must be at most {DESCRIPTION_CHARS_MAX} characters, none of control");
        check(text, DESCRIPTION_CHARS_MAX, "/description", &detail)?;
    }
    if asked.country.as_deref().is_some_and(|country| !is_country(country)) {
        let detail = "must be two capital letters of ISO 3166-1".into();
        return Err(field(&INVALID, "/country", detail));
    }
    let metadata = asked.metadata.unwrap_or_default();
    check_metadata(&metadata)?;
    Ok(Payment {
        id: 0,
        app: String::new(),
        status: Status::Processing,
        amount,
        currency,
        source,
        destination,
        books: None,
        manual: asked.capture_method == CaptureMethod::Manual,
        description: asked.description,
        metadata,
        fee,
        hold: None,
        country: asked.country,
        review: None,
        captured: 0,
        capturing: None,
        refunds: vec![],
        subject: None,
        gateway_fee: None,
        settled: false,
        disputed: 0,
        disputes: BTreeMap::new(),
        taken: vec![],
        failure: None,
        events: 0,
        orders: 0,
        created_at: Millis(0),
    })
}

/// Checks the body of a capture.
///
/// # Errors
/// 400, 422.
pub fn capture(bytes: &[u8]) -> Result<Option<i64>, Problem> {
    card::refuse(bytes)?;
    let asked: CaptureRequest = body::parse(bytes)?;
    asked.amount.map(request::amount).transpose()
}

/// Checks the body of a refund.
///
/// # Errors
/// 400, 422.
pub fn refund(bytes: &[u8]) -> Result<(Option<i64>, Option<String>), Problem> {
    card::refuse(bytes)?;
    let asked: RefundRequest = body::parse(bytes)?;
    asked.reason.as_deref().map(check_reason).transpose()?;
    Ok((asked.amount.map(request::amount).transpose()?, asked.reason))
}

fn party(asked: PartyRequest, at: &str) -> Result<Party, Problem> {
    match asked {
        PartyRequest::Account(id) => account(&id, at).map(Party::Account),
        PartyRequest::Gateway(GatewayParty { gateway, token }) => {
            let fits = (1..=TOKEN_BYTES_MAX).contains(&token.len());
            if !fits || !token.bytes().all(|b| b.is_ascii_graphic()) {
                let detail = format!("must be 1 to {TOKEN_BYTES_MAX} visible ASCII characters");
                return Err(field(&INVALID, &format!("{at}/token"), detail));
            }
            Ok(Party::Gateway { gateway, token })
        }
    }
}

fn account(id: &str, at: &str) -> Result<u64, Problem> {
    wire::parse("acc", id)
        .ok_or_else(|| field(&UNKNOWN_ACCOUNT, at, "no account has this id".into()))
}

fn checked_fee(asked: &FeeRequest, amount: i64, destination: &Party) -> Result<Fee, Problem> {
    let account = account(&asked.account, "/fee/account")?;
    if !(1..=amount).contains(&asked.amount) {
        let detail = format!("must be 1 to {amount} minor units");
        return Err(field(&AMOUNT, "/fee/amount", detail));
    }
    match destination {
        Party::Account(id) if *id == account => {
            Err(field(&SAME_ACCOUNT, "/fee/account", "is the destination".into()))
        }
        Party::Account(_) => Ok(Fee { amount: asked.amount, account }),
        Party::Gateway { .. } => {
            Err(field(&INVALID, "/fee", "goes with a destination that is an account".into()))
        }
    }
}

/// Checks why something is done, as a person says it.
///
/// # Errors
/// 422 for what is too long, or has characters of control.
pub(super) fn check_reason(reason: &str) -> Result<(), Problem> {
    let detail = format!("must be at most {REASON_CHARS_MAX} characters, none of control");
    check(reason, REASON_CHARS_MAX, "/reason", &detail)
}

/// Reads the list's `?review=`.
///
/// # Errors
/// 422 for what no review is.
pub fn review(text: Option<&str>) -> Result<Option<State>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let detail = "must be pending, approved or rejected";
    let unknown = || field(&problem::UNACCEPTABLE, "?review", detail.into());
    State::ALL.into_iter().find(|one| one.as_str() == text).map(Some).ok_or_else(unknown)
}

fn check(text: &str, chars_max: usize, at: &str, detail: &str) -> Result<(), Problem> {
    let is_long = text.chars().count() > chars_max;
    if is_long || text.chars().any(|c| c.is_control() && c != '\n') {
        return Err(field(&INVALID, at, detail.into()));
    }
    Ok(())
}

fn check_metadata(metadata: &BTreeMap<String, String>) -> Result<(), Problem> {
    if metadata.len() > METADATA_MAX {
        return Err(field(&INVALID, "/metadata", format!("has more than {METADATA_MAX} members")));
    }
    for (name, value) in metadata {
        let detail = format!(
            "names have at most {METADATA_NAME_CHARS_MAX} characters, values \
             {METADATA_CHARS_MAX}, none of control"
        );
        check(name, METADATA_NAME_CHARS_MAX, "/metadata", &detail)?;
        check(value, METADATA_CHARS_MAX, "/metadata", &detail)?;
    }
    Ok(())
}

/// The 422 of a gateway that there is not.
#[must_use]
pub fn no_gateway(payment: &Payment, detail: String) -> Problem {
    let at = if payment.is_payout() { "/destination/gateway" } else { "/source/gateway" };
    field(&crate::payments::error::GATEWAY, at, detail)
}

/// Reads the list's `?status=`.
///
/// # Errors
/// 422 for what is no status.
pub fn status(text: Option<&str>) -> Result<Option<Status>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let unknown = || field(&problem::UNACCEPTABLE, "?status", "is no status of a payment".into());
    Status::of(text).map(Some).ok_or_else(unknown)
}

fn field(kind: &'static problem::Kind, pointer: &str, detail: String) -> Problem {
    Problem::fields(kind, vec![FieldError { pointer: pointer.into(), detail }])
}
