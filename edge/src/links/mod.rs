//! links: the redirect, its preview and its click; QR codes; import and export.
//!
//! Invariant: a redirect from memory awaits nothing and parses nothing; every redirect answered to
//! a GET is one event (L12), what is gone or unknown is none; a bounded click is spent at the
//! link's home before it is answered (L14). A password comes before everything: rules, clicks and
//! bounds are for who has given it.

pub(crate) mod click;
pub(crate) mod password;
mod preview;
pub(crate) mod qr;
pub(crate) mod transfer;

use crate::call::{Call, unavailable};
use crate::events;
use crate::guard;
use crate::log;
use crate::registers::{self, Read};
use crate::respond::Answer;
use shared::links::error::{GONE, NOT_FOUND, USED_UP};
use shared::links::redirect::{self, Redirect, used_up};
use shared::links::rules::Visit;
use shared::links::wire::Target;
use shared::links::{agent, alias, machine};
use shared::problem::Problem;
use std::rc::Rc;

/// `GET /{code}`, and `GET /{code}+`: where it leads, without going there.
///
/// # Errors
/// 401, 404, 410, 429, 503.
pub(crate) async fn redirect(call: &Call, segments: &[&str]) -> Result<Answer, Problem> {
    let asked = segments.first().copied().unwrap_or_default();
    let (code, shows) = asked.strip_suffix('+').map_or((asked, false), |code| (code, true));
    let found = match find(call, code).await {
        Err(problem) if problem.kind == &NOT_FOUND && alias::is_code(code) => {
            guard::miss(call).await?;
            return Err(problem);
        }
        found => found?,
    };
    let (target, is_open) =
        if shows { (found, false) } else { password::admit(call, code, found).await };
    let languages = agent::language(&call.facts.languages);
    let visit = || Visit {
        country: &call.facts.country,
        region: &call.facts.region,
        language: &languages,
        agent: agent::classify(&call.facts.user_agent),
        now: call.began,
        side: target.as_deref().map_or(0, |target| click::side(call, target)),
    };
    let mut decided = if is_open {
        redirect::unlocked(target.as_deref(), call.began, visit)
    } else {
        redirect::decide(target.as_deref(), call.began, visit)
    };
    if shows {
        return preview::page(call, code, &decided).map(Answer::Whole);
    }
    if decided == Redirect::Locked {
        return password::ask(call, code, password::Said::Nothing);
    }
    let Some(target) = target.as_deref() else { return Err(gone(&decided)) };
    let is_counted = call.facts.method == "GET";
    if let Redirect::To { spends: Some(max), .. } = decided
        && is_counted
    {
        let spent = registers::spend(call, &call.link_key(code), max).await;
        if !spent.map_err(|why| call.unavailable("home", why))? {
            decided = used_up(target);
        }
    }
    let Redirect::To { status, location, cache_control, .. } = decided else {
        return Err(gone(&decided));
    };
    if is_counted {
        let visits = click::Visitor::of(&call.facts);
        let click = click::of(&call.settings, visits, call.began, target);
        let click = click.map_err(|why| call.fault("click", why))?;
        if let Err(why) = events::push(&call.event_source(), call.began, &click) {
            log::fault(&call.id, "events", why);
        }
    }
    Ok(Answer::Away { status, location: location.into(), cache_control })
}

/// The target of a code; `None` is a tombstone.
///
/// # Errors
/// 404, 503.
async fn find(call: &Call, code: &str) -> Result<Option<Rc<Target>>, Problem> {
    if !alias::is_code(code) {
        return Err(machine::not_found());
    }
    match registers::read(call, &call.link_key(code)).await {
        Read::Found(target) => Ok(target),
        Read::Absent => Err(machine::not_found()),
        Read::Unavailable => Err(unavailable()),
    }
}

fn gone(decided: &Redirect<'_>) -> Problem {
    match decided {
        Redirect::UsedUp => Problem::new(&USED_UP, "the link was followed as often as it may be"),
        _ => Problem::new(&GONE, "the link has expired or was deleted"),
    }
}
