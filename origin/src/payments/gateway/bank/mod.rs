//! The gateway `bank`: credit transfers as files that the bank fetches, answers as its statements.
//!
//! Invariant: one order is one file with one message id, whatever crashes between: see
//! `release.rs`. That the bank has paid, only its statement says: until then an order is pending.
//! Refused: everything but payouts, and a payout whose account is no IBAN with a name.

pub mod pain;
pub mod release;

use super::{Gateway, Trouble, Unreadable};
use crate::config::Bank as Config;
use crate::db;
use futures::future::{BoxFuture, FutureExt};
use pain::{Creditor, Message, Transfer};
use release::Outbox;
use shared::payments::gateway::{Action, Happened, Line, Order, Report};
use shared::payments::payout::{Bank as Details, bank_reference};
use shared::time::Millis;

/// Its name.
pub const NAME: &str = "bank";

#[derive(Clone, Debug)]
pub struct Bank {
    config: Config,
}

impl Bank {
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self { config }
    }

    fn message(&self, order: &Order) -> Result<Message, Trouble> {
        let refused = |why: &str| Trouble::Refused(why.into());
        if order.action != Action::Payout {
            return Err(refused("the bank only pays out"));
        }
        let details: Details =
            serde_json::from_str(&order.token).map_err(|_| refused("is no bank account"))?;
        let (Some(iban), Some(name)) = (details.iban, details.name) else {
            return Err(refused("the bank needs an IBAN and a name"));
        };
        Ok(Message {
            version: self.config.version,
            id: bank_reference(&order.key),
            made: db::now(),
            debtor: self.config.debtor.clone(),
            transfers: vec![Transfer {
                end_to_end: bank_reference(&order.reference),
                amount: order.amount,
                currency: order.currency,
                creditor: Creditor { iban, name, bic: details.bic },
            }],
        })
    }

    async fn files<T: Send + 'static>(
        &self,
        work: impl FnOnce(Outbox) -> std::io::Result<T> + Send + 'static,
    ) -> Result<T, Trouble> {
        let outbox = Outbox::new(self.config.out.clone());
        let done = tokio::task::spawn_blocking(move || work(outbox)).await;
        // What a broken write has left behind is found by the next try.
        let unknown = |why: String| Trouble::Unknown(format!("the bank's directory: {why}"));
        done.map_err(|error| unknown(error.to_string()))?
            .map_err(|error| unknown(error.to_string()))
    }
}

fn pending(order: &Order) -> Report {
    Report {
        reference: order.reference.clone(),
        key: Some(order.key.clone()),
        subject: bank_reference(&order.key),
        part: None,
        happened: Happened::Pending,
        amount: order.amount,
        currency: order.currency,
        fee: None,
    }
}

impl Gateway for Bank {
    fn name(&self) -> &'static str {
        NAME
    }

    fn takes(&self) -> bool {
        false
    }

    fn pays_out(&self) -> bool {
        true
    }

    fn send<'a>(&'a self, order: &'a Order) -> BoxFuture<'a, Result<Report, Trouble>> {
        async move {
            let message = self.message(order)?;
            let name = message.id.clone();
            self.files(move |outbox| outbox.release(&name, message.to_xml().as_bytes())).await?;
            Ok(pending(order))
        }
        .boxed()
    }

    fn ask<'a>(&'a self, order: &'a Order) -> BoxFuture<'a, Result<Option<Report>, Trouble>> {
        async move {
            let name = bank_reference(&order.key);
            let gone = self.files(move |outbox| outbox.resume(&name)).await?;
            Ok(gone.then(|| pending(order)))
        }
        .boxed()
    }

    fn read_event(&self, _: &[u8]) -> Result<Option<Report>, Unreadable> {
        Err(Unreadable("a bank sends files, no events".into()))
    }

    fn report(&self, _: Millis) -> BoxFuture<'_, Result<Vec<Line>, Trouble>> {
        let why = "a bank's report is its statement, which comes as a file";
        async move { Err(Trouble::Refused(why.into())) }.boxed()
    }
}
