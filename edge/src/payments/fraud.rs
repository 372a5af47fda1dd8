//! Fraud rules that the edge decides by itself: cheap, about the body alone, and long in force.
//!
//! Invariant: what is blocked here is handed over to a recorder before it is answered, so that the
//! origin's history has it. Whoever cannot be asked or told leaves the decision to the origin,
//! which holds every payment against every rule again. Refused: to allow anything.

use crate::call::Call;
use crate::events;
use crate::log;
use crate::registers::{self, Read};
use shared::payments::fraud::judge::Flows;
use shared::payments::fraud::publish::EdgeRules;
use shared::payments::fraud::rule::Then;
use shared::payments::fraud::wire::PRODUCT;
use shared::payments::fraud::{Facts, Screen, at_edge, blocked};
use shared::payments::payment::request;
use shared::problem::Problem;
use shared::roads::Event;
use shared::token::Caller;
use std::sync::Arc;

/// Blocks a new payment, or leaves it to the origin.
///
/// # Errors
/// 409.
pub(crate) async fn screen(call: &Call, caller: &Caller, body: &[u8]) -> Result<(), Problem> {
    let Read::Found(Some(known)) = registers::read::<EdgeRules>(call, &caller.app).await else {
        return Ok(());
    };
    let after_ms = call.settings.durations.fraud_edge_after_ms;
    let rules = at_edge(&known.rules, call.began, after_ms);
    if rules.is_empty() {
        return Ok(());
    }
    let facts = Facts::of(&request::payment(body)?).from("", &call.facts.country);
    let screen = Screen { app: caller.app.clone(), rules: Arc::new(rules), facts };
    let attempt = screen.attempt(&Flows::default(), call.began, 0);
    if attempt.judgement.then() != Some(Then::Block) {
        return Ok(());
    }
    let body = match serde_json::to_string(&attempt) {
        Ok(body) => body,
        Err(why) => {
            log::fault(&call.id, "fraud", why);
            return Ok(());
        }
    };
    let event = Event { product: PRODUCT.into(), at: call.began, body };
    match events::keep(&call.event_source(), call.began, &event).await {
        Ok(()) => Err(blocked(&attempt.judgement)),
        Err(why) => {
            log::fault(&call.id, "fraud", why);
            Ok(())
        }
    }
}
