//! Stripe's objects, read: payment intents, refunds, disputes, balance transactions, events.
//!
//! Invariant: a status that is not known here is pending, never good or bad. An object of another
//! kind says nothing about a payment.

use super::amount;
use crate::payments::gateway::Unreadable;
use serde_json::Value;
use shared::money::Currency;
use shared::payments::gateway::{Happened, Line, Report};
use shared::payments::transfer::Purpose;
use shared::time::Millis;

/// A member that is text; empty when it is none.
pub(super) fn text<'a>(object: &'a Value, name: &str) -> &'a str {
    object.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A member of the metadata that we gave.
pub(super) fn metadata<'a>(object: &'a Value, name: &str) -> &'a str {
    object.get("metadata").map_or("", |all| text(all, name))
}

fn unreadable(what: &str) -> Unreadable {
    Unreadable(format!("{what} is missing or not as Stripe writes it"))
}

/// A member that is an object with an id, or the id itself.
fn id_of(object: &Value, name: &str) -> String {
    match object.get(name) {
        Some(Value::String(id)) => id.clone(),
        Some(inner) => text(inner, "id").to_owned(),
        None => String::new(),
    }
}

fn currency(object: &Value) -> Result<Currency, Unreadable> {
    let code = text(object, "currency").to_uppercase();
    Currency::of(&code).ok_or_else(|| unreadable("currency"))
}

fn money(object: &Value, name: &str) -> Result<i64, Unreadable> {
    let number = object.get(name).and_then(Value::as_i64).ok_or_else(|| unreadable(name))?;
    amount::from(number, currency(object)?).ok_or_else(|| unreadable(name))
}

/// What an object says about a payment; `None`: it is of another kind.
///
/// # Errors
/// It is of a kind that we read, and not readable.
pub(super) fn object(object: &Value) -> Result<Option<Report>, Unreadable> {
    match text(object, "object") {
        "payment_intent" => intent(object).map(Some),
        "refund" => refund(object).map(Some),
        "dispute" => dispute(object),
        _ => Ok(None),
    }
}

fn report(object: &Value, subject: String, happened: Happened) -> Result<Report, Unreadable> {
    Ok(Report {
        reference: metadata(object, "reference").to_owned(),
        key: None,
        subject,
        part: None,
        happened,
        amount: money(object, "amount")?,
        currency: currency(object)?,
        fee: None,
    })
}

fn intent(object: &Value) -> Result<Report, Unreadable> {
    let failure = object.get("last_payment_error").filter(|error| error.is_object());
    let plain = |happened| report(object, text(object, "id").to_owned(), happened);
    let exactly = |happened, name| Ok(Report { amount: money(object, name)?, ..plain(happened)? });
    match text(object, "status") {
        "requires_capture" => exactly(Happened::Authorized, "amount_capturable"),
        "succeeded" => {
            let taken: Report = exactly(Happened::Captured, "amount_received")?;
            Ok(Report { fee: fee(object, taken.currency), ..taken })
        }
        "canceled" => plain(Happened::Canceled),
        "requires_payment_method" => match failure {
            Some(error) => plain(Happened::Pending).map(|report| failed(report, error)),
            None => plain(Happened::Pending),
        },
        _ => plain(Happened::Pending),
    }
}

/// What Stripe kept, when the charge was expanded and is in the payment's own currency.
fn fee(object: &Value, currency: Currency) -> Option<i64> {
    let settled = object.get("latest_charge")?.get("balance_transaction")?;
    let same = text(settled, "currency").eq_ignore_ascii_case(currency.code());
    money(settled, "fee").ok().filter(|_| same)
}

/// The report of an intent that failed for this reason.
pub(super) fn failed(report: Report, error: &Value) -> Report {
    let names = ["decline_code", "code", "type"];
    let why = names.into_iter().map(|name| text(error, name)).find(|why| !why.is_empty());
    Report { happened: Happened::Failed(why.unwrap_or("declined").into()), ..report }
}

fn refund(object: &Value) -> Result<Report, Unreadable> {
    let happened = match text(object, "status") {
        "succeeded" => Happened::Refunded,
        "failed" | "canceled" => {
            let why = text(object, "failure_reason");
            Happened::RefundFailed(if why.is_empty() { "failed" } else { why }.into())
        }
        _ => Happened::Pending,
    };
    let key = metadata(object, "key");
    Ok(Report {
        key: (!key.is_empty()).then(|| key.into()),
        part: Some(text(object, "id").into()),
        ..report(object, id_of(object, "payment_intent"), happened)?
    })
}

fn dispute(object: &Value) -> Result<Option<Report>, Unreadable> {
    let happened = match text(object, "status") {
        "won" => Happened::DisputeWon,
        "lost" => Happened::DisputeLost,
        // An inquiry moves no money.
        status if status.starts_with("warning") => return Ok(None),
        _ => Happened::Disputed,
    };
    let of = report(object, id_of(object, "payment_intent"), happened)?;
    // Its metadata are the dispute's, not the payment's.
    let part = Some(text(object, "id").into());
    Ok(Some(Report { part, reference: String::new(), ..of }))
}

/// What an event says about a payment; `None`: nothing.
///
/// # Errors
/// It is no event.
pub(super) fn event(body: &[u8]) -> Result<Option<Report>, Unreadable> {
    let event: Value =
        serde_json::from_slice(body).map_err(|error| Unreadable(error.to_string()))?;
    if text(&event, "object") != "event" {
        return Err(unreadable("object"));
    }
    let about = event.get("data").and_then(|data| data.get("object"));
    object(about.ok_or_else(|| unreadable("data"))?)
}

/// A balance transaction as a line.
///
/// # Errors
/// It is not readable.
pub(super) fn line(object: &Value) -> Result<Line, Unreadable> {
    let purpose = match text(object, "type") {
        "charge" | "payment" => Purpose::Payment,
        "refund" | "payment_refund" | "refund_failure" | "payment_failure_refund" => {
            Purpose::Refund
        }
        "payout" | "payout_cancel" | "payout_failure" => Purpose::Payout,
        "stripe_fee" | "application_fee" => Purpose::Fee,
        "adjustment" => Purpose::Dispute,
        _ => Purpose::Adjustment,
    };
    let source = object.get("source").cloned().unwrap_or_default();
    let intent = id_of(&source, "payment_intent");
    let named = |name: &str| Some(metadata(&source, name)).filter(|text| !text.is_empty());
    // A refund's line names it, so that one which nobody here asked for is known again.
    let part = id_of(object, "source");
    let is_refund = purpose == Purpose::Refund && !part.is_empty();
    let moment = |name: &str| object.get(name).and_then(Value::as_u64);
    let available = moment("available_on");
    let seconds = moment("created").ok_or_else(|| unreadable("created"))?;
    Ok(Line {
        id: text(object, "id").into(),
        subject: if intent.is_empty() { id_of(object, "source") } else { intent },
        reference: named("reference").map(Into::into),
        key: named("key").filter(|_| is_refund).map(Into::into),
        part: is_refund.then_some(part),
        purpose,
        amount: money(object, "amount")?,
        fee: money(object, "fee")?,
        currency: currency(object)?,
        at: Millis(seconds.saturating_mul(1_000)),
        available_at: available.map(|seconds| Millis(seconds.saturating_mul(1_000))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn intent_of(status: &str, more: &Value) -> Value {
        let mut all = json!({
            "object": "payment_intent", "id": "pi_1", "amount": 1_000, "amount_capturable": 1_000,
            "amount_received": 900, "currency": "eur", "status": status,
            "metadata": {"reference": "pay_1", "key": "pay_1-1"}, "latest_charge": null,
        });
        for (name, value) in more.as_object().unwrap() {
            all[name] = value.clone();
        }
        all
    }

    #[test]
    fn p8_an_intent_is_what_its_status_says_and_pending_when_nobody_knows() {
        let failed = json!({"last_payment_error": {"code": "card_declined"}});
        for (status, more, wanted, amount) in [
            ("requires_capture", json!({}), Happened::Authorized, 1_000),
            ("succeeded", json!({}), Happened::Captured, 900),
            ("canceled", json!({}), Happened::Canceled, 1_000),
            ("processing", json!({}), Happened::Pending, 1_000),
            ("requires_payment_method", json!({}), Happened::Pending, 1_000),
            ("requires_payment_method", failed, Happened::Failed("card_declined".into()), 1_000),
            ("something_new", json!({}), Happened::Pending, 1_000),
        ] {
            let report = object(&intent_of(status, &more)).unwrap().unwrap();
            assert_eq!((report.happened, report.amount), (wanted, amount), "{status}");
            assert_eq!((report.subject.as_str(), report.reference.as_str()), ("pi_1", "pay_1"));
        }
    }

    #[test]
    fn p21_a_fee_is_read_where_it_is_in_the_payments_currency() {
        let charged = |currency: &str| {
            json!({"latest_charge": {"id": "ch_1", "object": "charge", "balance_transaction": {
                "object": "balance_transaction", "fee": 59, "amount": 900, "currency": currency,
            }}})
        };
        for (currency, wanted) in [("eur", Some(59)), ("usd", None)] {
            let report = object(&intent_of("succeeded", &charged(currency))).unwrap().unwrap();
            assert_eq!(report.fee, wanted);
        }
    }

    #[test]
    fn p10_events_of_refunds_and_disputes_name_their_payment() {
        let event_of = |object: Value| {
            event(
                json!({"object": "event", "id": "evt_1", "type": "x", "data": {"object": object}})
                    .to_string()
                    .as_bytes(),
            )
        };
        let refund = json!({"object": "refund", "id": "re_1", "amount": 5, "currency": "jpy",
            "payment_intent": "pi_1", "status": "succeeded",
            "metadata": {"key": "pay_1-2", "reference": "pay_1"}});
        let report = event_of(refund).unwrap().unwrap();
        assert_eq!((report.key.as_deref(), report.happened), (Some("pay_1-2"), Happened::Refunded));
        let dispute = json!({"object": "dispute", "id": "dp_1", "amount": 5, "currency": "jpy",
            "payment_intent": "pi_1", "status": "needs_response", "metadata": {}});
        let report = event_of(dispute).unwrap().unwrap();
        assert_eq!((report.part.as_deref(), report.happened), (Some("dp_1"), Happened::Disputed));
        assert_eq!((report.subject.as_str(), report.reference.as_str()), ("pi_1", ""));
        assert_eq!(event_of(json!({"object": "customer"})).unwrap(), None);
        assert!(event(b"{}").is_err() && event(b"no").is_err());
        assert!(event_of(json!({"object": "refund", "id": "re_1"})).is_err());
    }
}
