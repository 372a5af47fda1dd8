//! The gateway `stripe`: `PaymentIntents`, refunds, disputes and balance transactions over HTTP.
//!
//! Invariant: every call that does something carries the order's key as `Idempotency-Key` and in
//! its metadata, so that it is found again when Stripe has forgotten the key (after a day). What
//! the answer does not say for sure is unknown. Refused: payouts (Stripe's go to the account's own
//! bank), and to log what was sent or answered.
//! Source: docs.stripe.com/api (payment_intents, refunds, balance_transactions, errors,
//! idempotent_requests).

mod amount;
mod read;

use super::{Gateway, Trouble, Unreadable};
use crate::config;
use futures::future::{BoxFuture, FutureExt};
use serde_json::Value;
use shared::payments::gateway::{Action, Line, Order, Report};
use shared::time::{DAY_MS, Millis};

/// Its name, and that of its rows among the events.
pub const NAME: &str = "stripe";
/// The version of the API whose shapes are read here.
const VERSION: &str = "2024-06-20";
/// Of a charge, what Stripe kept.
const EXPAND: &str = "latest_charge.balance_transaction";
const INTENTS: &str = "/v1/payment_intents";
const REFUNDS: &str = "/v1/refunds";
/// Lines of one page of a report, and refunds of one payment: the most that Stripe gives.
const PAGE: &str = "100";

#[derive(Debug)]
pub struct Stripe {
    config: config::Stripe,
    http: reqwest::Client,
}

/// What Stripe answered.
enum Answer {
    Good(Value),
    /// It did not, and why: the error's object.
    Bad(u16, Value),
}

type Form<'a> = Vec<(&'a str, String)>;

impl Stripe {
    #[must_use]
    pub fn new(config: config::Stripe) -> Self {
        Self { config, http: reqwest::Client::new() }
    }

    async fn call(&self, request: reqwest::RequestBuilder) -> Result<Answer, Trouble> {
        let request = request.bearer_auth(&self.config.key.0).header("stripe-version", VERSION);
        let broken = |error: reqwest::Error| {
            // The URL may name tokens.
            let error = error.without_url();
            if error.is_connect() {
                return Trouble::Down(error.to_string());
            }
            Trouble::Unknown(error.to_string())
        };
        let answer = request.send().await.map_err(broken)?;
        let status = answer.status().as_u16();
        let body: Value = match answer.json().await {
            Ok(body) => body,
            Err(error) => return Err(Trouble::Unknown(error.without_url().to_string())),
        };
        let error = body.get("error").cloned().unwrap_or_default();
        let kind = read::text(&error, "type").to_owned();
        match status {
            200..=299 => Ok(Answer::Good(body)),
            401 | 403 => Err(Trouble::Down(format!("our key is refused ({status})"))),
            429 => Err(Trouble::Down("too many requests".into())),
            409 | 500.. => Err(Trouble::Unknown(format!("answered {status}"))),
            // The key was used for something else: what became of that is not known.
            _ if kind == "idempotency_error" => Err(Trouble::Unknown(kind)),
            _ => Ok(Answer::Bad(status, error)),
        }
    }

    async fn post(&self, path: &str, key: &str, form: Form<'_>) -> Result<Answer, Trouble> {
        let url = format!("{}{path}", self.config.url);
        self.call(self.http.post(url).header("idempotency-key", key).form(&form)).await
    }

    async fn get(&self, path: &str, query: Form<'_>) -> Result<Answer, Trouble> {
        self.call(self.http.get(format!("{}{path}", self.config.url)).query(&query)).await
    }

    async fn done(&self, order: &Order) -> Result<Report, Trouble> {
        let refused = |why: &str| Trouble::Refused(why.into());
        let amount = amount::to(order.amount, order.currency)
            .ok_or_else(|| refused("the amount is no multiple of Stripe's unit"))?;
        let subject = order.subject.as_deref();
        let (path, form) = match (order.action, subject) {
            (Action::Authorize | Action::Charge, _) => (INTENTS.into(), create(order, amount)),
            (Action::Capture, Some(subject)) => {
                let form = vec![("amount_to_capture", amount.to_string()), expanded()];
                (format!("{INTENTS}/{subject}/capture"), form)
            }
            (Action::Cancel, Some(subject)) => {
                (format!("{INTENTS}/{subject}/cancel"), vec![expanded()])
            }
            (Action::Refund, Some(subject)) => {
                let mut form =
                    vec![("payment_intent", subject.to_owned()), ("amount", amount.to_string())];
                form.extend(metadata(order));
                (REFUNDS.into(), form)
            }
            (Action::Payout, _) => return Err(refused("stripe pays nobody but ourselves")),
            (_, None) => return Err(refused("nothing is known at stripe to do this to")),
        };
        match self.post(&path, &order.key, form).await? {
            Answer::Good(object) => self.read(order, &object),
            Answer::Bad(status, error) => self.refusal(order, status, &error).await,
        }
    }

    /// A refusal, unless the thing is where the order wanted it, or somewhere else for good.
    async fn refusal(&self, order: &Order, status: u16, error: &Value) -> Result<Report, Trouble> {
        let code = read::text(error, "code");
        let known = code == "payment_intent_unexpected_state"
            || code == "charge_already_refunded"
            || code == "charge_already_captured";
        if known && let Some(report) = self.asked(order).await? {
            return Ok(report);
        }
        if let Some(intent) = error.get("payment_intent").filter(|one| one.is_object()) {
            return self.read(order, intent).map(|report| read::failed(report, error));
        }
        let why = if code.is_empty() { read::text(error, "type") } else { code };
        Err(Trouble::Refused(format!("{why} ({status})")))
    }

    async fn asked(&self, order: &Order) -> Result<Option<Report>, Trouble> {
        let answer = match (order.action, order.subject.as_deref()) {
            (Action::Refund, Some(subject)) => {
                let query = vec![("payment_intent", subject.to_owned()), ("limit", PAGE.into())];
                self.get(REFUNDS, query).await?
            }
            (_, Some(subject)) => {
                self.get(&format!("{INTENTS}/{subject}"), vec![expanded()]).await?
            }
            (_, None) => {
                let query = format!("metadata['key']:'{}'", order.key);
                let expand = ("expand[]", format!("data.{EXPAND}"));
                self.get("/v1/payment_intents/search", vec![("query", query), expand]).await?
            }
        };
        let object = match answer {
            Answer::Good(object) => object,
            Answer::Bad(404, _) => return Ok(None),
            Answer::Bad(status, _) => return Err(Trouble::Unknown(format!("answered {status}"))),
        };
        let found = match object.get("data").and_then(Value::as_array) {
            None => Some(&object),
            Some(all) => all.iter().find(|one| read::metadata(one, "key") == order.key),
        };
        let waits = |object: &&Value| {
            // Nobody has captured or canceled it: that order was never heard.
            let status = read::text(object, "status");
            matches!(order.action, Action::Capture | Action::Cancel) && status == "requires_capture"
        };
        found.filter(|object| !waits(object)).map(|object| self.read(order, object)).transpose()
    }

    fn read(&self, order: &Order, object: &Value) -> Result<Report, Trouble> {
        let report = read::object(object).map_err(|error| Trouble::Unknown(error.0))?;
        let unreadable = || Trouble::Unknown("the answer is about something else".into());
        let report = report.ok_or_else(unreadable)?;
        Ok(Report { reference: order.reference.clone(), ..report })
    }

    async fn lines(&self, day: Millis) -> Result<Vec<Line>, Trouble> {
        let seconds = |at: Millis| (at.0 / 1_000).to_string();
        let mut lines = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let mut query = vec![
                ("created[gte]", seconds(day)),
                ("created[lt]", seconds(day.plus(DAY_MS))),
                ("limit", PAGE.into()),
                ("expand[]", "data.source".into()),
            ];
            query.extend(after.take().map(|last| ("starting_after", last)));
            let page = match self.get("/v1/balance_transactions", query).await? {
                Answer::Good(page) => page,
                Answer::Bad(status, _) => return Err(Trouble::Down(format!("answered {status}"))),
            };
            let all = page.get("data").and_then(Value::as_array).cloned().unwrap_or_default();
            for one in &all {
                lines.push(read::line(one).map_err(|error| Trouble::Unknown(error.0))?);
            }
            let more = page.get("has_more").and_then(Value::as_bool).unwrap_or(false);
            match all.last() {
                Some(last) if more => after = Some(read::text(last, "id").to_owned()),
                _ => return Ok(lines),
            }
        }
    }
}

fn expanded() -> (&'static str, String) {
    ("expand[]", EXPAND.into())
}

fn metadata(order: &Order) -> [(&'static str, String); 2] {
    [("metadata[reference]", order.reference.clone()), ("metadata[key]", order.key.clone())]
}

/// Confirmed at once; who would have to act in a browser is declined.
fn create(order: &Order, amount: i64) -> Form<'static> {
    let capture = if order.action == Action::Charge { "automatic" } else { "manual" };
    let mut form = vec![
        ("amount", amount.to_string()),
        ("currency", order.currency.code().to_lowercase()),
        ("payment_method", order.token.clone()),
        ("capture_method", capture.to_owned()),
        ("confirm", "true".to_owned()),
        ("error_on_requires_action", "true".to_owned()),
        ("automatic_payment_methods[enabled]", "true".to_owned()),
        ("automatic_payment_methods[allow_redirects]", "never".to_owned()),
        expanded(),
    ];
    form.extend(metadata(order));
    form
}

impl Gateway for Stripe {
    fn name(&self) -> &'static str {
        NAME
    }

    fn takes(&self) -> bool {
        true
    }

    fn pays_out(&self) -> bool {
        false
    }

    fn send<'a>(&'a self, order: &'a Order) -> BoxFuture<'a, Result<Report, Trouble>> {
        self.done(order).boxed()
    }

    fn ask<'a>(&'a self, order: &'a Order) -> BoxFuture<'a, Result<Option<Report>, Trouble>> {
        self.asked(order).boxed()
    }

    fn read_event(&self, body: &[u8]) -> Result<Option<Report>, Unreadable> {
        read::event(body)
    }

    fn report(&self, day: Millis) -> BoxFuture<'_, Result<Vec<Line>, Trouble>> {
        self.lines(day).boxed()
    }
}
