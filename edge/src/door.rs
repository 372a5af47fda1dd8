//! The short way of a redirect: one synchronous call from `door.js`.
//!
//! Invariant: what is answered here is what the whole way would answer, click included. What would
//! have to wait or to be logged is left to the whole way: rules, bounded clicks, what is gone, what
//! no copy has, whose address is near its limit, and what is the service's own.

use crate::call::Call;
use crate::guard;
use crate::links::click::{self, Visitor};
use crate::platform::{clock, entropy, http};
use crate::registers::{self, AtHand};
use crate::settings::Settings;
use crate::{console, events, respond, router};
use shared::links::redirect::{self, Redirect};
use shared::links::rules::Visit;
use shared::links::wire::{PRODUCT, Target, register_key};
use shared::links::{agent, alias};
use shared::roads::{Event, Stamp, copy_key};
use shared::time::Millis;
use shared::{id, route};
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use worker::{Context, Env, worker_sys};

/// A redirect as status, `Cache-Control`, request id and location, a line each; or a line break and
/// the key of the copy that is to be read and given with the next call; or nothing: the whole way.
/// `facts`: see [`Asked::of`].
#[wasm_bindgen]
#[must_use]
pub fn follow(
    facts: &str,
    copy: Option<String>,
    env: Env,
    context: worker_sys::Context,
) -> Option<String> {
    let settings = Settings::at_hand()?;
    let (asked, now, context) = (Asked::of(facts), clock::now(), Context::new(context));
    let id = id::random_id("req", entropy::bits128().ok()?);
    let (way, aging) = decide(&settings, &asked, copy.as_deref(), now);
    if let Some((key, floor)) = aging {
        let (env, settings) = (env.clone(), Rc::clone(&settings));
        let source = registers::Source { env, settings, id: id.clone(), no_copy: None };
        registers::ask_ahead::<Target>(&context, source, key, floor);
    }
    match way {
        Way::Whole => None,
        Way::Copy(key) => Some(format!("\n{key}")),
        Way::Away { status, cache_control, location, click } => {
            let (env, context, colo) = (&env, &context, asked.colo);
            let source = events::Source { env, context, settings: &settings, colo };
            events::push(&source, now, &click).ok()?;
            Some(format!("{status}\n{cache_control}\n{id}\n{location}"))
        }
    }
}

/// The whole way of a request whose copy, under this key in KV, the door has looked for in vain.
#[wasm_bindgen]
pub async fn without_copy(
    request: web_sys::Request,
    key: String,
    env: Env,
    context: worker_sys::Context,
) -> web_sys::Response {
    match Call::of(request, env, Context::new(context)) {
        Ok(call) => router::serve(&Call { no_copy: Some(key), ..call }).await,
        Err(why) => respond::broken(why),
    }
}

/// What the door knows of a GET.
struct Asked<'a> {
    host: &'a str,
    path: &'a str,
    visitor: Visitor<'a>,
    colo: &'a str,
}

impl<'a> Asked<'a> {
    /// As `door.js` says it: the URL, then what a click is made of and the colo, a line each (no
    /// header's value holds a line break: RFC 9110, section 5.5).
    fn of(text: &'a str) -> Self {
        let mut lines = text.split('\n');
        let mut next = || lines.next().unwrap_or_default();
        let (host, path, _) = http::split(next());
        let (user_agent, referrer, gpc) = (next(), next(), next());
        let (ip, country, colo) = (next(), next(), next());
        Self { host, path, visitor: Visitor { user_agent, referrer, gpc, ip, country }, colo }
    }
}

/// Where a request goes.
#[derive(Debug, PartialEq, Eq)]
enum Way {
    /// Through everything.
    Whole,
    /// Here again, with the copy under this key.
    Copy(String),
    /// Away.
    Away { status: u16, cache_control: String, location: String, click: Event },
}

/// What is to be asked for again: a register's key, and how new it is at least.
type Aging = Option<(String, Stamp)>;

fn decide(settings: &Settings, asked: &Asked<'_>, copy: Option<&str>, now: Millis) -> (Way, Aging) {
    let whole = (Way::Whole, None);
    let Some(code) = asked.path.strip_prefix('/').filter(|code| alias::is_code(code)) else {
        return whole;
    };
    if copy.is_none() && !guard::is_at_ease(settings, asked.visitor.ip, now) {
        return whole;
    }
    let key = register_key(settings.domains.of_host(asked.host), code);
    let (target, aging) = match copy {
        Some(copy) => (registers::from_text::<Target>(&key, copy, now).flatten(), None),
        None => match registers::at_hand::<Target>(&settings.durations, &key, now) {
            AtHand::Fresh(target, floor) => (target, floor),
            AtHand::Unknown(_) if console::owns(asked.path) || route::begins_with(code) => {
                return whole;
            }
            AtHand::Unknown(_) => return (Way::Copy(copy_key(PRODUCT, &key)), None),
        },
    };
    let way = target.and_then(|target| away(settings, asked, &target, now)).unwrap_or(Way::Whole);
    (way, aging.map(|floor| (key, floor)))
}

/// Where a link without rules leads: nobody asks who visits.
fn away(settings: &Settings, asked: &Asked<'_>, target: &Target, now: Millis) -> Option<Way> {
    let nobody = || Visit {
        country: "",
        region: "",
        language: "",
        agent: agent::classify(""),
        now,
        side: 0,
    };
    if !target.rules.is_empty() {
        return None;
    }
    match redirect::decide(Some(target), now, nobody) {
        Redirect::To { status, location, cache_control, spends: None } => {
            let click = click::of(settings, asked.visitor, now, target).ok()?;
            Some(Way::Away { status, cache_control, location: location.into(), click })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
