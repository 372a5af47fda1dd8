//! Gateways' events: verified, handed over to a recorder, and only then answered.
//!
//! Invariant: a 200 says that the event is kept by an object that delivers it for ever; whoever got
//! none sends again, and the copy is known by its name at the recorder and by its id at the origin.
//! A body with a card number in it is refused and written nowhere. Refused: to read an event.

use crate::call::{Call, unavailable};
use crate::guard;
use crate::log;
use crate::objects::Address;
use crate::platform::{clock, entropy, http};
use shared::envelope::Envelope;
use shared::machine::backoff_ms;
use shared::payments::card;
use shared::payments::error::{HOOK_SIGNATURE, HOOK_STALE, NO_GATEWAY};
use shared::payments::wire::{GatewayEvent, PRODUCT};
use shared::problem::{MALFORMED, Problem, TOO_LARGE};
use shared::roads::{Batch, Event, Events, recorder_name};
use shared::sign;
use shared::webhook::Refused;
use shared::webhook::inbound::{self, BYTES_MAX};

/// A gateway waits some ten seconds for its answer.
const TRIES: u32 = 3;
/// First wait after a try that failed.
const BACKOFF_MS: u64 = 100;
/// Longest wait after one.
const BACKOFF_MAX_MS: u64 = 1_000;

/// `POST /hooks/gateway/{gateway}`
///
/// # Errors
/// 400, 403, 404, 413, 422, 429, 503.
pub(crate) async fn take(call: &Call, segments: &[&str]) -> Result<Envelope, Problem> {
    let gateway = segments.first().copied().unwrap_or_default();
    let unknown = || Problem::new(&NO_GATEWAY, "no gateway of this name is configured");
    let secrets = call.settings.gateways.secrets(gateway).ok_or_else(unknown)?;
    let too_large =
        || Problem::new(&TOO_LARGE, format!("the body has more than {BYTES_MAX} bytes"));
    let body = call.body(BYTES_MAX).await?.ok_or_else(too_large)?;
    let header = |name: &str| http::header_of(&call.request, name);
    let event = match inbound::verify(gateway, secrets, header, &body, call.began) {
        Ok(event) => event,
        Err(why) => return Err(refused(call, why).await),
    };
    card::refuse(&body)?;
    card::refuse(event.as_bytes())?;
    let malformed = |_| Problem::new(&MALFORMED, "the body is no UTF-8");
    let body = String::from_utf8(body).map_err(malformed)?;
    keep(call, GatewayEvent { gateway: gateway.into(), event, body }).await?;
    Ok(Envelope::empty(200).with("cache-control", "no-store"))
}

/// Who guesses at signatures is slowed down as who guesses at codes.
async fn refused(call: &Call, why: Refused) -> Problem {
    if let Err(limited) = guard::miss(call).await {
        return limited;
    }
    let kind = if why == Refused::Clock { &HOOK_STALE } else { &HOOK_SIGNATURE };
    Problem::new(kind, why.detail())
}

/// Hands it over and waits until it is kept.
async fn keep(call: &Call, event: GatewayEvent) -> Result<(), Problem> {
    // A copy has the name of the first: the recorder keeps one of them.
    let named = sign::content(format!("{}\n{}", event.gateway, event.event).as_bytes());
    let isolate = format!("hook-{named}");
    let recorder = recorder_name("hooks", &isolate);
    // What cannot be written is not told of: it may hold a part of the body.
    let fault = |_: serde_json::Error| call.fault("hooks", "an event was not written");
    let body = serde_json::to_string(&event).map_err(fault)?;
    let mut events = Events::default();
    events.push(&Event { product: PRODUCT.into(), at: call.began, body }).map_err(fault)?;
    let batch = Batch { isolate, n: 1, events }.encode();
    let address = Address::recorder(&recorder);
    let timeout_ms = call.settings.durations.object_timeout_ms;
    for tries in 0..TRIES {
        match address.keep(&call.env, &batch, timeout_ms).await {
            Ok(()) => return Ok(()),
            Err(why) => log::fault(&call.id, "hand-over", why),
        }
        clock::sleep(backoff_ms(tries, BACKOFF_MS, BACKOFF_MAX_MS, entropy::bits64())).await;
    }
    Err(unavailable())
}
