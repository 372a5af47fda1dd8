//! What callers ask of the ledger: bodies, checked into orders.
//!
//! Invariant: the edge checks to refuse early, the origin checks with the same functions to
//! decide. A body with a card number in it is refused before anything else is said about it.

use super::account::{Kind, Limits};
use super::error::{AMOUNT, CURRENCY, INVALID, SAME_ACCOUNT, UNKNOWN_ACCOUNT};
use super::transfer::Purpose;
use super::{card, wire};
use crate::body;
use crate::money::{AMOUNT_MAX, Currency};
use crate::page;
use crate::problem::{self, FieldError, Problem};
use crate::time::{Millis, SECOND_MS};
use alloc::{format, string::String, vec, vec::Vec};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Transfers of one batch.
pub const BATCH_MAX: usize = 8_000;
/// A batch's body: 8,000 transfers of 520 bytes.
pub const BATCH_BYTES_MAX: u64 = 4 << 20;
/// An account's name, in characters.
pub const NAME_CHARS_MAX: usize = 200;
/// A reference's bytes.
pub const REFERENCE_BYTES_MAX: usize = 200;
/// A hold's life: a year.
pub const TIMEOUT_S_MAX: u64 = 365 * 24 * 3_600;

/// `POST /api/v1/accounts`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AccountRequest {
    /// 1 to 200 characters, none of them a control character.
    pub name: String,
    /// ISO 4217, with a minor unit.
    pub currency: String,
    /// Decides the normal side.
    pub kind: Kind,
    /// Nothing is refused when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
}

/// `POST /api/v1/transfers`: one transfer, or `transfers`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TransferRequest {
    /// `acc_…`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub debit_account: Option<String>,
    /// `acc_…`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credit_account: Option<String>,
    /// Minor units, 1 to 2^53 − 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<i64>,
    /// ISO 4217, of both accounts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// `payment` when missing.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub purpose: Option<Purpose>,
    /// The caller's own name for it: 1 to 200 visible ASCII characters and blanks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Hold the amount instead of moving it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<bool>,
    /// A hold ends by itself after this many seconds, 1 to 31,536,000; never when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_s: Option<u64>,
    /// 1 to 8,000 transfers instead of one; none of them has `transfers` itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfers: Option<Vec<TransferRequest>>,
    /// With `transfers`: whether all happen or none; `true` when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linked: Option<bool>,
}

/// `POST /api/v1/transfers/{id}/post`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PostRequest {
    /// Minor units, 1 to what is held; all of it when missing. The rest is released.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<i64>,
}

/// A transfer to be made, every field checked as far as it can be without its accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The account that is debited.
    pub debit: u64,
    /// The account that is credited.
    pub credit: u64,
    /// 1 to [`AMOUNT_MAX`].
    pub amount: i64,
    /// Of both.
    pub currency: Currency,
    /// What it is for.
    pub purpose: Purpose,
    /// The caller's own name for it.
    pub reference: Option<String>,
    /// Hold it; for so many milliseconds, or until it is ended.
    pub hold: Option<Option<u64>>,
}

/// What `POST /api/v1/transfers` asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// One transfer.
    One(Order),
    /// Many; linked: all or nothing, and then every order is good.
    Many {
        /// In order.
        orders: Vec<Result<Order, Problem>>,
        /// All or nothing.
        linked: bool,
    },
}

/// Checks the body of a new account.
///
/// # Errors
/// 400, 422.
pub fn account(bytes: &[u8]) -> Result<(AccountRequest, Currency), Problem> {
    card::refuse(bytes)?;
    let asked: AccountRequest = body::parse(bytes)?;
    let count = asked.name.chars().count();
    if !(1..=NAME_CHARS_MAX).contains(&count) || asked.name.chars().any(char::is_control) {
        let detail = format!("must be 1 to {NAME_CHARS_MAX} characters, none of control");
        return Err(field(&INVALID, "/name", detail));
    }
    let currency = currency(&asked.currency)?;
    Ok((asked, currency))
}

/// Checks the body of one or many transfers.
///
/// # Errors
/// 400, 413, 422.
pub fn transfers(bytes: &[u8]) -> Result<Ask, Problem> {
    body::check_size(u64::try_from(bytes.len()).unwrap_or(u64::MAX), BATCH_BYTES_MAX)?;
    card::refuse(bytes)?;
    let mut asked: TransferRequest = object(bytes)?;
    let linked = asked.linked.take();
    let Some(many) = asked.transfers.take() else {
        if linked.is_some() {
            return Err(field(&INVALID, "/linked", "goes with transfers".into()));
        }
        return order(asked).map(Ask::One);
    };
    if asked.is_any() {
        return Err(field(&INVALID, "/transfers", "stands alone, or beside linked".into()));
    }
    if !(1..=BATCH_MAX).contains(&many.len()) {
        let detail = format!("must be 1 to {BATCH_MAX} transfers");
        return Err(field(&INVALID, "/transfers", detail));
    }
    let orders = many.into_iter().map(|one| {
        if one.transfers.is_some() || one.linked.is_some() {
            return Err(field(&INVALID, "/transfers", "a batch has no batch in it".into()));
        }
        order(one)
    });
    Ok(Ask::Many { orders: orders.collect(), linked: linked.unwrap_or(true) })
}

/// Checks the body that posts a hold.
///
/// # Errors
/// 400, 422.
pub fn post(bytes: &[u8]) -> Result<Option<i64>, Problem> {
    card::refuse(bytes)?;
    let asked: PostRequest = body::parse(bytes)?;
    asked.amount.map(amount).transpose()
}

/// What `GET /api/v1/accounts` asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountsAsk {
    /// Which page.
    pub page: page::Ask,
    /// Only accounts whose name begins with this, in whatever case.
    pub name: Option<String>,
}

/// Reads the query of the list of accounts.
///
/// # Errors
/// 422 for an unknown or unacceptable parameter.
pub fn accounts(query: &str) -> Result<AccountsAsk, Problem> {
    let query = page::known(query, &["limit", "cursor", "name"])?;
    let get = |name: &str| query.get(name).map(String::as_str);
    let page = page::ask(get("limit"), get("cursor"))?;
    if get("name").is_some_and(|name| name.chars().count() > NAME_CHARS_MAX) {
        let detail = format!("must have at most {NAME_CHARS_MAX} characters");
        return Err(page::parameter("name", &detail));
    }
    Ok(AccountsAsk { page, name: get("name").map(Into::into) })
}

/// Reads the moment of `?at=`; now when missing.
///
/// # Errors
/// 422 for what is no moment, or one to come.
pub fn at(text: Option<&str>, now: Millis) -> Result<Millis, Problem> {
    let Some(text) = text else { return Ok(now) };
    Millis::parse(text).filter(|at| *at <= now).ok_or_else(|| {
        let detail = "at must be RFC 3339 or a date, and not in the future";
        let error = FieldError { pointer: "?at".into(), detail: detail.into() };
        Problem::fields(&problem::UNACCEPTABLE, vec![error])
    })
}

/// Reads in one pass what is right, and again, for the reason, what is not: a batch has 8,000.
fn object<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    match serde_json::from_slice(bytes) {
        Ok(read) if first == Some(&b'{') => Ok(read),
        _ => body::read_object(bytes),
    }
}

impl TransferRequest {
    fn is_any(&self) -> bool {
        self.debit_account.is_some()
            || self.credit_account.is_some()
            || self.amount.is_some()
            || self.currency.is_some()
            || self.purpose.is_some()
            || self.reference.is_some()
            || self.pending.is_some()
            || self.timeout_s.is_some()
    }
}

fn order(asked: TransferRequest) -> Result<Order, Problem> {
    let missing = |name: &str| field(&INVALID, &format!("/{name}"), "is missing".into());
    let side = |text: Option<String>, name: &str| {
        let text = text.ok_or_else(|| missing(name))?;
        wire::parse("acc", &text).ok_or_else(|| {
            field(&UNKNOWN_ACCOUNT, &format!("/{name}"), "no account has this id".into())
        })
    };
    let debit = side(asked.debit_account, "debit_account")?;
    let credit = side(asked.credit_account, "credit_account")?;
    if debit == credit {
        return Err(field(&SAME_ACCOUNT, "/credit_account", "is the debit account".into()));
    }
    let amount = amount(asked.amount.ok_or_else(|| missing("amount"))?)?;
    let currency = currency(&asked.currency.ok_or_else(|| missing("currency"))?)?;
    if let Some(reference) = &asked.reference {
        let fits = (1..=REFERENCE_BYTES_MAX).contains(&reference.len());
        if !fits || !reference.bytes().all(|b| matches!(b, b' '..=b'~')) {
            let detail = format!("must be 1 to {REFERENCE_BYTES_MAX} visible ASCII or blanks");
            return Err(field(&INVALID, "/reference", detail));
        }
    }
    let pending = asked.pending.unwrap_or(false);
    if let Some(timeout_s) = asked.timeout_s {
        if !pending {
            return Err(field(&INVALID, "/timeout_s", "goes with pending".into()));
        }
        if !(1..=TIMEOUT_S_MAX).contains(&timeout_s) {
            let detail = format!("must be 1 to {TIMEOUT_S_MAX}");
            return Err(field(&INVALID, "/timeout_s", detail));
        }
    }
    Ok(Order {
        debit,
        credit,
        amount,
        currency,
        purpose: asked.purpose.unwrap_or_default(),
        reference: asked.reference,
        hold: pending.then(|| asked.timeout_s.map(|s| s.saturating_mul(SECOND_MS))),
    })
}

pub(super) fn amount(amount: i64) -> Result<i64, Problem> {
    if (1..=AMOUNT_MAX).contains(&amount) {
        return Ok(amount);
    }
    Err(field(&AMOUNT, "/amount", format!("must be 1 to {AMOUNT_MAX} minor units")))
}

pub(super) fn currency(code: &str) -> Result<Currency, Problem> {
    let unknown = || {
        let detail = "must be a currency of ISO 4217 with a minor unit".into();
        field(&CURRENCY, "/currency", detail)
    };
    Currency::of(code).ok_or_else(unknown)
}

/// A field that is not acceptable.
pub(super) fn invalid(pointer: &str, detail: impl Into<String>) -> Problem {
    field(&INVALID, pointer, detail.into())
}

fn field(kind: &'static problem::Kind, pointer: &str, detail: String) -> Problem {
    Problem::fields(kind, vec![FieldError { pointer: pointer.into(), detail }])
}
