//! The short way of a redirect: one synchronous call from `door.js`.
//!
//! Invariant: what is answered here is what the whole way would answer, click included. What would
//! have to wait or to be logged is left to the whole way: rules, bounded clicks, what is gone, what
//! no copy has.

use crate::events;
use crate::links::click;
use crate::platform::http::Facts;
use crate::platform::{clock, entropy};
use crate::registers::{self, AtHand};
use crate::settings::Settings;
use shared::id;
use shared::links::redirect::{self, Redirect};
use shared::links::rules::Visit;
use shared::links::wire::{PRODUCT, Target, register_key};
use shared::links::{agent, alias};
use shared::roads::copy_key;
use shared::time::Millis;
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use worker::{Context, Env, worker_sys};

/// A redirect as status, `Cache-Control`, request id and location, a line each; or a line break and
/// the key of the copy that is to be read and given with the next call; or nothing: the whole way.
/// `facts`: see [`Facts::of_door`].
#[wasm_bindgen]
#[must_use]
pub fn follow(
    facts: &str,
    copy: Option<String>,
    env: Env,
    context: worker_sys::Context,
) -> Option<String> {
    let settings = Settings::at_hand()?;
    let facts = Facts::of_door(facts);
    let code = facts.path.strip_prefix('/').filter(|code| alias::is_code(code))?;
    let key = register_key(settings.domains.of_host(&facts.host), code);
    let now = clock::now();
    let target: Rc<Target> = match copy {
        Some(copy) => registers::from_text(&key, &copy, now)??,
        None => match registers::at_hand(&settings.durations, &key, now) {
            AtHand::Fresh(target) => target?,
            AtHand::Aging => return None,
            AtHand::Unknown => return Some(format!("\n{}", copy_key(PRODUCT, &key))),
        },
    };
    let Redirect::To { status, location, cache_control, spends: None } = plain(&target, now)?
    else {
        return None;
    };
    let id = id::random_id("req", entropy::bits128().ok()?);
    let click = click::of(&settings, &facts, now, &target).ok()?;
    let context = Context::new(context);
    let (env, context, colo) = (&env, &context, facts.colo.as_str());
    events::push(&events::Source { env, context, settings: &settings, colo }, now, &click).ok()?;
    Some(format!("{status}\n{cache_control}\n{id}\n{location}"))
}

/// Where a link without rules leads: nobody asks who visits.
fn plain(target: &Target, now: Millis) -> Option<Redirect<'_>> {
    let nobody = || Visit {
        country: "",
        region: "",
        language: "",
        agent: agent::classify(""),
        now,
        side: 0,
    };
    target.rules.is_empty().then(|| redirect::decide(Some(target), now, nobody))
}
