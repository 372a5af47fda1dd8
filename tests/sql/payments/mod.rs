//! payments: the ledger on a real database, through its handlers.

mod accounts;
mod audit;
mod back;
mod bank;
mod fraud;
mod frozen;
mod gateways;
mod hooks;
mod keys;
mod own;
mod payouts;
mod proof;
mod reconciliations;
mod replicas;
mod returns;
mod said;
mod stand_in;
mod steps;
mod stripe;
mod stripe_days;
mod transfers;
mod webhooks;

use crate::support::{Place, application, body, call, status, with};
use origin::app::App;
use origin::payments::{accounts as at_accounts, check, transfers as at_transfers};
use origin::respond::{Call, Failure};
use serde_json::{Value, json};
use shared::envelope::Envelope;
use std::sync::Arc;

type Answered = Result<Envelope, Failure>;

/// One replica with an application, and a ledger that is checked in the end.
struct Bank {
    place: Place,
    app: Arc<App>,
    owner: String,
}

impl Bank {
    async fn new() -> Self {
        let place = Place::new().await;
        let app = place.replica().await;
        let owner = application(&app, "bank").await;
        Self { place, app, owner }
    }

    async fn open(&self, currency: &str, kind: &str, limits: Value) -> String {
        let text = json!({"name": "a", "currency": currency, "kind": kind, "limits": limits});
        let call = self.call("POST", "/api/v1/accounts", &text);
        let opened = at_accounts::open(&self.app, &call).await;
        assert_eq!(status(&opened), 201, "{opened:?}");
        body(&opened)["id"].as_str().unwrap().to_owned()
    }

    /// Two accounts in euros: one that may be overdrawn, and a wallet that may not.
    async fn pair(&self) -> (String, String) {
        let cash = self.open("EUR", "asset", json!({})).await;
        let limits = json!({"no_debit_beyond_credit": true});
        (cash, self.open("EUR", "liability", limits).await)
    }

    fn call(&self, method: &str, path: &str, text: &Value) -> Call {
        keyed(&self.owner, method, path, text)
    }

    async fn send(&self, text: &Value) -> Answered {
        at_transfers::create(&self.app, &self.call("POST", "/api/v1/transfers", text)).await
    }

    async fn transfer(&self, debit: &str, credit: &str, amount: i64) -> Answered {
        self.send(&order(debit, credit, amount)).await
    }

    /// A hold; its id.
    async fn hold(&self, debit: &str, credit: &str, amount: i64) -> String {
        let mut text = order(debit, credit, amount);
        text["pending"] = json!(true);
        let held = self.send(&text).await;
        assert_eq!(status(&held), 201, "{held:?}");
        assert_eq!(body(&held)["status"], "pending");
        body(&held)["id"].as_str().unwrap().to_owned()
    }

    async fn end(&self, id: &str, ending: &str, text: &Value) -> Answered {
        let mut call = self.call("POST", &format!("/api/v1/transfers/{id}/{ending}"), text);
        call.segments = vec![id.into()];
        match ending {
            "post" => at_transfers::post(&self.app, &call).await,
            _ => at_transfers::void(&self.app, &call).await,
        }
    }

    async fn balance(&self, account: &str) -> [i64; 3] {
        let call = call(&self.owner, "GET", &format!("/api/v1/accounts/{account}"), "");
        let balance = body(&at_accounts::get(&self.app, &call).await)["balance"].clone();
        ["posted", "pending", "available"].map(|name| balance[name].as_i64().unwrap())
    }

    /// The rows of the tables that a transfer writes to.
    async fn rows(&self) -> Vec<usize> {
        let mut counts = vec![];
        for table in ["transfer", "entry", "ledger_head"] {
            let sql = format!("select 1 as one from {table}");
            counts.push(self.app.db.read(&sql, vec![]).await.unwrap().len());
        }
        counts
    }

    async fn adds_up(&self) -> shared::payments::wire::LedgerCheck {
        let report = check::whole(&self.app).await.unwrap();
        assert!(report.ok, "{report:?}");
        assert!(report.by_currency.values().all(|sum| *sum == 0));
        report
    }
}

fn keyed(owner: &str, method: &str, path: &str, text: &Value) -> Call {
    let key = hex::encode(rand::random::<[u8; 8]>());
    with(call(owner, method, path, &text.to_string()), "idempotency-key", &key)
}

fn order(debit: &str, credit: &str, amount: i64) -> Value {
    json!({"debit_account": debit, "credit_account": credit, "amount": amount, "currency": "EUR"})
}

/// The end of a problem's type.
fn slug(answered: &Answered) -> String {
    let of = |kind: &shared::problem::Kind| format!("{}/{}", kind.product, kind.slug);
    match answered {
        Ok(envelope) => {
            let problem: Value = serde_json::from_str(&envelope.body).unwrap();
            let kind = problem["type"].as_str().unwrap_or_default();
            kind.rsplit_once("/problems/").map_or_else(String::new, |(_, end)| end.to_owned())
        }
        Err(failure) => of(failure.problem().kind),
    }
}
