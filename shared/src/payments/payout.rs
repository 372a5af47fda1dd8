//! Payouts: money that leaves for a bank account, as a saga of three steps.
//!
//! Invariant: what is reserved is either paid out once or given back, never both: the order at the
//! bank carries the payout's own name, the same for every try, and a failure counts only when the
//! bank says so. Refused: an IBAN whose check digits or form are wrong.

mod view;

pub use view::{PayoutStatus, PayoutView, ReturnView, SagaLine, SagaView};

use super::error::INVALID;
use super::request::{amount, currency, invalid};
use super::{card, wire};
use crate::body;
use crate::id::{format_id, parse_id};
use crate::money::Currency;
use crate::problem::Problem;
use crate::saga::{Plan, Stage, Undo};
use alloc::{format, string::String};
use iban::{Iban, IbanLike};
use serde::{Deserialize, Serialize};

/// Reserves the amount: a pending transfer, made with the payout itself.
pub const RESERVE: &str = "reserve";
/// Orders it at the bank, and asks until the bank has decided.
pub const SEND: &str = "send";
/// Posts what is reserved.
pub const SETTLE: &str = "settle";
/// Voids what is reserved.
pub const RELEASE: &str = "release";

/// The plan of a payout. What the bank has sent cannot be undone.
pub const PLAN: Plan = Plan {
    kind: "payout",
    stages: &[
        Stage { name: RESERVE, undo: Undo::By(RELEASE) },
        Stage { name: SEND, undo: Undo::Never },
        Stage { name: SETTLE, undo: Undo::Never },
    ],
};

/// Waits until the payout that came back is posted as paid.
pub const AWAIT: &str = "await";
/// Reserves what came back for the account, or, where that takes nothing any more, as owed.
pub const BOOK: &str = "book";
/// Posts it, and the payout is returned.
pub const CREDIT: &str = "credit";

/// The plan of a return: what the bank gives back of what it had paid. It is a fact and is not
/// undone.
pub const RETURN: Plan = Plan {
    kind: "payout_return",
    stages: &[
        Stage { name: AWAIT, undo: Undo::Never },
        Stage { name: BOOK, undo: Undo::Never },
        Stage { name: CREDIT, undo: Undo::Never },
    ],
};

/// A name's characters: pain.001's `Max70Text`, which SEPA keeps to.
pub const NAME_CHARS_MAX: usize = 70;
/// A gateway's token, in bytes.
pub const TOKEN_BYTES_MAX: usize = 200;

/// `pot_…`: at most 15 characters, within pain.001's `Max35Text`.
#[must_use]
pub fn payout_id(number: u64) -> String {
    format_id("pot", number)
}

/// Reads [`payout_id`].
#[must_use]
pub fn parse(text: &str) -> Option<u64> {
    parse_id("pot", text).filter(|number| i64::try_from(*number).is_ok())
}

/// Whether a text is an IBAN whose form and check digits are right.
#[must_use]
pub fn is_iban(text: &str) -> bool {
    text.parse::<Iban>().is_ok()
}

/// A payout's name as banks may write it: SEPA's letters have no `_`.
#[must_use]
pub fn bank_reference(id: &str) -> String {
    id.replacen('_', "-", 1)
}

/// The payout that a bank's statement names; `None`: it names none.
#[must_use]
pub fn of_bank_reference(text: &str) -> Option<String> {
    let id = text.trim().replacen('-', "_", 1);
    parse(&id).map(|_| id)
}

/// `sga_…`
#[must_use]
pub fn saga_id(number: u64) -> String {
    format_id("sga", number)
}

/// Where the money goes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Bank {
    /// The account, with `name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iban: Option<String>,
    /// Its owner: 1 to 70 characters, none of control.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The bank's BIC, where the IBAN does not suffice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bic: Option<String>,
    /// Instead of an IBAN: a gateway that pays out …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<String>,
    /// … and its own name for the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

impl core::fmt::Debug for Bank {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Bank(…)")
    }
}

/// `POST /api/v1/payouts`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PayoutRequest {
    /// `acc_…`: whose money it is.
    pub account: String,
    /// Where it goes.
    pub bank: Bank,
    /// Minor units, 1 to 2^53 − 1.
    pub amount: i64,
    /// ISO 4217, the account's.
    pub currency: String,
}

/// A payout to be made, every field checked as far as it can be without its account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayoutOrder {
    /// The account that is debited.
    pub account: u64,
    /// Where it goes; an IBAN without blanks.
    pub bank: Bank,
    /// Who pays it out.
    pub gateway: String,
    /// Minor units.
    pub amount: i64,
    /// ISO 4217.
    pub currency: Currency,
}

/// Checks the body of a payout.
///
/// # Errors
/// 400, 422.
pub fn order(bytes: &[u8]) -> Result<PayoutOrder, Problem> {
    let asked: PayoutRequest = match body::parse(bytes) {
        Ok(asked) => asked,
        Err(problem) => return Err(card::refuse(bytes).err().unwrap_or(problem)),
    };
    no_card(&asked)?;
    let account = wire::parse("acc", &asked.account)
        .ok_or_else(|| invalid("/account", "no account of yours has this id"))?;
    let (bank, gateway) = bank(asked.bank)?;
    let (amount, currency) = (amount(asked.amount)?, currency(&asked.currency)?);
    Ok(PayoutOrder { account, bank, gateway, amount, currency })
}

/// Refuses a card's number anywhere but in the digits of a valid IBAN.
fn no_card(asked: &PayoutRequest) -> Result<(), Problem> {
    let iban = asked.bank.iban.clone().filter(|iban| !is_iban(iban));
    let rest = PayoutRequest { bank: Bank { iban, ..asked.bank.clone() }, ..asked.clone() };
    card::refuse(&serde_json::to_vec(&rest).unwrap_or_default())
}

fn bank(asked: Bank) -> Result<(Bank, String), Problem> {
    match (&asked.iban, &asked.token) {
        (Some(iban), None) => {
            let Ok(iban) = iban.parse::<Iban>() else {
                return Err(invalid(
                    "/bank/iban",
                    "is no IBAN: its form or check digits are wrong",
                ));
            };
            let name = asked.name.as_deref().map(str::trim).unwrap_or_default();
            let count = name.chars().count();
            if !(1..=NAME_CHARS_MAX).contains(&count) || name.chars().any(char::is_control) {
                let detail = format!("must be 1 to {NAME_CHARS_MAX} characters, none of control");
                return Err(invalid("/bank/name", detail));
            }
            if asked.bic.as_deref().is_some_and(|bic| !is_bic(bic)) {
                return Err(invalid("/bank/bic", "must be 8 or 11 characters of ISO 9362"));
            }
            if asked.gateway.as_deref().is_some_and(|gateway| gateway != "bank") {
                return Err(invalid("/bank/gateway", "an IBAN goes to the gateway bank"));
            }
            let iban = Some(iban.electronic_str().into());
            Ok((Bank { iban, name: Some(name.into()), gateway: None, ..asked }, "bank".into()))
        }
        (None, Some(token)) => {
            let Some(gateway) = asked.gateway.clone() else {
                return Err(invalid("/bank/gateway", "goes with token"));
            };
            let fits = (1..=TOKEN_BYTES_MAX).contains(&token.len());
            if !fits || !token.bytes().all(|b| b.is_ascii_graphic()) {
                let detail = format!("must be 1 to {TOKEN_BYTES_MAX} visible ASCII characters");
                return Err(invalid("/bank/token", detail));
            }
            Ok((asked, gateway))
        }
        _ => Err(invalid("/bank", "must have an IBAN and a name, or a gateway and its token")),
    }
}

/// ISO 9362: four letters or digits, two letters, two and perhaps three letters or digits.
fn is_bic(bic: &str) -> bool {
    let upper = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit();
    let country = bic.as_bytes().get(4..6).unwrap_or_default();
    matches!(bic.len(), 8 | 11)
        && bic.bytes().all(upper)
        && country.iter().all(u8::is_ascii_uppercase)
}

/// The 404 of a payout.
#[must_use]
pub fn no_payout() -> Problem {
    Problem::new(&super::error::NO_PAYOUT, "no payout of yours has this id")
}

/// The 422 of a gateway that is not there.
#[must_use]
pub fn no_gateway(name: &str) -> Problem {
    let detail = format!("no gateway {name:?} pays out here");
    Problem::fields(
        &INVALID,
        alloc::vec![crate::problem::FieldError { pointer: "/bank/gateway".into(), detail }],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use serde_json::json;

    fn asked(bank: serde_json::Value) -> Result<PayoutOrder, Problem> {
        let account = wire::account_id(7);
        let body = json!({"account": account, "bank": bank, "amount": 5, "currency": "EUR"});
        order(body.to_string().as_bytes())
    }

    #[test]
    fn p9_ibans_of_outsiders_pass_and_their_typos_do_not() {
        // The IBAN registry's own examples, and accounts of the statements in the public data.
        for iban in [
            "DE89 3704 0044 0532 0130 00",
            "GB29NWBK60161331926819",
            "NL91ABNA0417164300",
            "CH9300762011623852957",
            "FR1420041010050500013M02606",
        ] {
            let order = asked(json!({"iban": iban, "name": "Ann"})).unwrap();
            assert_eq!(order.bank.iban.unwrap(), iban.replace(' ', ""));
            // ISO 7064 finds every single wrong digit; one in ten is a card's number by chance.
            let mut found = 0;
            for last in ('0'..='9').filter(|last| !iban.ends_with(*last)) {
                let wrong = alloc::format!("{}{last}", iban.get(..iban.len() - 1).unwrap());
                let problem = asked(json!({"iban": wrong, "name": "Ann"})).unwrap_err();
                let is_iban = problem.errors.first().is_some_and(|e| e.pointer == "/bank/iban");
                assert!(is_iban || problem.kind.slug == "card-number", "{wrong}");
                found += u32::from(is_iban);
            }
            assert!(found >= 8, "{iban}: {found}");
        }
    }

    #[test]
    fn p9_what_names_no_account_outside_is_refused_where_it_is_wrong() {
        let iban = "NL91ABNA0417164300";
        for (bank, pointer) in [
            (json!({}), "/bank"),
            (json!({"iban": iban}), "/bank/name"),
            (json!({"iban": iban, "name": "a\u{7}"}), "/bank/name"),
            (json!({"iban": iban, "name": "x".repeat(71)}), "/bank/name"),
            (json!({"iban": iban, "name": "Ann", "bic": "abc"}), "/bank/bic"),
            (json!({"iban": iban, "name": "Ann", "gateway": "stripe"}), "/bank/gateway"),
            (json!({"token": "ba_1"}), "/bank/gateway"),
            (json!({"gateway": "simulator", "token": ""}), "/bank/token"),
            (json!({"iban": iban, "token": "ba_1", "gateway": "x"}), "/bank"),
        ] {
            let problem = asked(bank.clone()).unwrap_err();
            assert_eq!(problem.errors[0].pointer, pointer, "{bank}");
        }
        let card = asked(json!({"iban": "4242 4242 4242 4242", "name": "Ann"})).unwrap_err();
        assert_eq!(card.kind.slug, "card-number");
        let token = asked(json!({"gateway": "simulator", "token": "ba_1"})).unwrap();
        assert_eq!(token.gateway, "simulator");
        assert!(!alloc::format!("{token:?}").contains("ba_1"), "personal data is not printed");
    }
}
