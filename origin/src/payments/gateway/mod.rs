//! Gateways: who moves money outside the ledger, behind one trait.
//!
//! Invariant: an outcome that is not known is never guessed. A call that broke off is
//! [`Trouble::Unknown`]; the relay then asks, and sends again under the same key only what the
//! gateway has never heard of. A gateway that is not configured does not exist (422).

pub mod bank;
pub mod simulator;
pub mod stripe;

use crate::config::Config;
use crate::db::Db;
use futures::future::BoxFuture;
use shared::payments::gateway::{Line, Order, Report};
use shared::time::Millis;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Why a call has no report.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// It may have happened or not: the call broke off, or the answer cannot be read.
    #[error("the outcome is unknown: {0}")]
    Unknown(String),
    /// It did not happen, and may later: the gateway is down or limits us.
    #[error("the gateway is down: {0}")]
    Down(String),
    /// It did not happen and never will: the gateway refuses the order.
    #[error("the gateway refused: {0}")]
    Refused(String),
}

/// An event that is none, or that this gateway does not send.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the event cannot be read: {0}")]
pub struct Unreadable(pub String);

/// Who moves money outside the ledger.
pub trait Gateway: Send + Sync + std::fmt::Debug {
    /// As requests name it: lower-case letters, digits, `_`.
    fn name(&self) -> &'static str;

    /// Whether payers' tokens are charged (authorize, charge, capture, cancel, refund).
    fn takes(&self) -> bool;

    /// Whether tokens are paid out to.
    fn pays_out(&self) -> bool;

    /// Has it done, once per key however often it is sent.
    fn send<'a>(&'a self, order: &'a Order) -> BoxFuture<'a, Result<Report, Trouble>>;

    /// What became of an order; `None`: the gateway has never heard of it.
    fn ask<'a>(&'a self, order: &'a Order) -> BoxFuture<'a, Result<Option<Report>, Trouble>>;

    /// Reads the verified body of an event; `None`: it says nothing about a payment.
    ///
    /// # Errors
    /// It is no event of this gateway.
    fn read_event(&self, body: &[u8]) -> Result<Option<Report>, Unreadable>;

    /// The lines of the day that begins at `day` (UTC).
    fn report(&self, day: Millis) -> BoxFuture<'_, Result<Vec<Line>, Trouble>>;
}

/// The gateways of this installation, by name.
#[derive(Clone, Debug, Default)]
pub struct Gateways(BTreeMap<&'static str, Arc<dyn Gateway>>);

impl Gateways {
    /// These.
    #[must_use]
    pub fn of(all: Vec<Arc<dyn Gateway>>) -> Self {
        Self(all.into_iter().map(|gateway| (gateway.name(), gateway)).collect())
    }

    /// Those that the configuration names.
    #[must_use]
    pub fn configured(config: &Config, db: &Arc<Db>) -> Self {
        let mut all: Vec<Arc<dyn Gateway>> = Vec::new();
        if config.gateway_simulator {
            let delay_ms = config.durations.simulator_delay_ms;
            all.push(Arc::new(simulator::Simulator::new(Arc::clone(db), delay_ms)));
        }
        if let Some(config) = &config.stripe {
            all.push(Arc::new(stripe::Stripe::new(config.clone())));
        }
        if let Some(config) = &config.bank {
            all.push(Arc::new(bank::Bank::new(config.clone())));
        }
        Self::of(all)
    }

    /// The one of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Gateway>> {
        self.0.get(name)
    }

    /// Every one.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn Gateway>> {
        self.0.values()
    }
}
