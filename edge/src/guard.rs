//! The guard of every route: the address when a request comes, the caller once it is known.
//!
//! A code that leads nowhere is a guess: once an address has made too many, this isolate refuses
//! whatever it asks for a second (L24).
//! Invariant: what guards a route stands in the route table; a loose limit costs no object call
//! while its key is far from it (M10). What was decided is told in `RateLimit` and
//! `RateLimit-Policy`, whatever the answer is.

use crate::call::{Call, unavailable};
use crate::limits::{Limit, Outcome, Verdict};
use crate::log;
use crate::objects::{Address, Refund};
use crate::settings::Settings;
use crate::spared;
use lru::LruCache;
use shared::limits::error::EXCEEDED;
use shared::limits::field;
use shared::limits::guard::{
    API, API_ADDRESS, APP, Guard, MISS_ADDRESS, Own, PUBLIC_ADDRESS, UNLIMITED, address_hash,
    address_key, is_loopback,
};
use shared::limits::holder::DENIAL_MS_MAX;
use shared::limits::policy::{OnFailure, Policy};
use shared::limits::rule::{LIMIT_MAX, Rule};
use shared::limits::wire::{Decided, Spent};
use shared::problem::Problem;
use shared::roads::Stamp;
use shared::route::Route;
use shared::time::Millis;
use shared::token::Caller;
use std::cell::RefCell;
use std::num::NonZeroUsize;

/// Addresses that guess, as an isolate knows them: 16,384 × 64 bytes = 1 MiB.
const GUESSERS_MAX: NonZeroUsize = match NonZeroUsize::new(16_384) {
    Some(max) => max,
    None => NonZeroUsize::MIN,
};
/// Raised when the service's own limits change in a way that a key's object must know.
const STAMP: Stamp = Stamp { epoch: 0, version: 1 };

thread_local! {
    /// Addresses that guess, and until when they are refused.
    static GUESSERS: RefCell<LruCache<u64, Millis>> = RefCell::new(LruCache::new(GUESSERS_MAX));
}

/// What is told of the limits of a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields {
    policy: Vec<String>,
    remaining: Vec<String>,
}

impl Fields {
    fn add(&mut self, name: &str, rule: &Rule, said: &Decided) {
        self.policy.push(field::policy(name, rule));
        self.remaining.push(field::remaining(name, said.remaining, said.reset_ms));
    }

    /// As headers; none when nothing was decided.
    pub(crate) fn headers(&self) -> Vec<(&'static str, String)> {
        if self.policy.is_empty() {
            return Vec::new();
        }
        let (policy, remaining) = (self.policy.join(", "), self.remaining.join(", "));
        vec![("ratelimit-policy", policy), ("ratelimit", remaining)]
    }
}

/// Before a route is served: the address.
///
/// # Errors
/// 429, 503.
pub(crate) async fn address(call: &Call, route: &Route) -> Result<(), Problem> {
    match route.guard {
        Guard::Free => Ok(()),
        Guard::Public => {
            if guesses(&call.settings, &call.facts.ip, call.began) {
                return Err(guessed());
            }
            draw_by_address(call, &PUBLIC_ADDRESS, None).await
        }
        Guard::Api(on_failure) => draw_by_address(call, &API_ADDRESS, Some(on_failure)).await,
    }
}

/// Once the caller of a route is known.
///
/// # Errors
/// 429, 503.
pub(crate) async fn caller(call: &Call, route: &Route, caller: &Caller) -> Result<(), Problem> {
    let Guard::Api(on_failure) = route.guard else { return Ok(()) };
    if caller.tier == UNLIMITED {
        // More than any isolate can serve in the window.
        tell(call, &API, &whole(LIMIT_MAX));
        return Ok(());
    }
    let key = match caller.principal.strip_prefix("user:") {
        Some(sub) => format!("{}/{sub}", caller.app),
        None => caller.app.clone(),
    };
    draw(call, &API, &caller.tier, &key, on_failure).await
}

/// Draws one unit of an address' limit.
///
/// # Errors
/// 429, 503.
pub(crate) async fn draw_by_address(
    call: &Call,
    own: &Own,
    on_failure: Option<OnFailure>,
) -> Result<(), Problem> {
    let ip = call.facts.ip.as_str();
    if exempt(call) {
        tell(call, own, &whole(own.limit));
        return Ok(());
    }
    if let Some(left) = spare(own, ip, call.began) {
        let remaining = own.limit.saturating_sub(own.spare()).saturating_add(left);
        tell(call, own, &Decided { remaining, ..whole(own.limit) });
        return Ok(());
    }
    draw(call, own, "", &address_key(ip), on_failure.unwrap_or(own.on_failure)).await
}

/// Whether the address is this machine's own, which is not limited unless a test asks for it.
pub(crate) fn exempt(call: &Call) -> bool {
    is_exempt(&call.settings, &call.facts.ip)
}

fn is_exempt(settings: &Settings, ip: &str) -> bool {
    !settings.limits_loopback && (ip.is_empty() || is_loopback(ip))
}

/// Whether a redirect needs to ask nobody about its address: it is far from its limit, and no
/// guesser's.
pub(crate) fn is_at_ease(settings: &Settings, ip: &str, now: Millis) -> bool {
    is_exempt(settings, ip)
        || (!guesses(settings, ip, now) && spare(&PUBLIC_ADDRESS, ip, now).is_some())
}

/// A code led nowhere, or a signature was nobody's: that is counted against its address.
///
/// # Errors
/// 429 once there were too many.
pub(crate) async fn miss(call: &Call) -> Result<(), Problem> {
    let ip = call.facts.ip.as_str();
    if exempt(call) {
        return Ok(());
    }
    let drawn = draw(call, &MISS_ADDRESS, "", &address_key(ip), MISS_ADDRESS.on_failure).await;
    if drawn.is_err() {
        let is_new = GUESSERS.with_borrow_mut(|guessers| {
            guessers.put(address_hash("", ip), call.began.plus(DENIAL_MS_MAX)).is_none()
        });
        if is_new {
            log::fault(&call.id, "guessing", "an address guesses");
        }
    }
    drawn
}

fn guesses(settings: &Settings, ip: &str, now: Millis) -> bool {
    let key = || address_hash("", ip);
    let until = GUESSERS.with_borrow(|guessers| {
        if guessers.is_empty() { None } else { guessers.peek(&key()).copied() }
    });
    until.is_some_and(|until| now < until) && !is_exempt(settings, ip)
}

fn guessed() -> Problem {
    exceeded(MISS_ADDRESS.name, MISS_ADDRESS.limit, MISS_ADDRESS.window_ms / MISS_ADDRESS.limit)
}

/// Gives one unit of a loose limit away, without asking anybody; what is left of that.
fn spare(own: &Own, ip: &str, now: Millis) -> Option<u64> {
    let window = now.0.checked_div(own.window_ms)?;
    own.spare().checked_sub(spared::give(address_hash(own.name, ip), window))
}

/// Draws one unit of one of the service's own limits.
///
/// # Errors
/// 429, 503.
pub(crate) async fn draw(
    call: &Call,
    own: &Own,
    tier: &str,
    key: &str,
    on_failure: OnFailure,
) -> Result<(), Problem> {
    take(call, own, tier, key, on_failure).await.map(|_| ())
}

/// A unit that was drawn: at which object, and its name there.
pub(crate) type Taken = (String, Spent);

/// The same, to be given back perhaps; `None`: nothing was spent.
///
/// # Errors
/// 429, 503.
pub(crate) async fn take(
    call: &Call,
    own: &Own,
    tier: &str,
    key: &str,
    on_failure: OnFailure,
) -> Result<Option<Taken>, Problem> {
    let policy = Policy { on_failure, ..own.policy(&call.settings.tiers, tier) };
    let plan = policy.plan(STAMP, "");
    let limit = Limit::of((APP, own.name, key), &policy, plan);
    let verdict = limit.spend(call, 1).await;
    let outcome = limit.settle(call, &verdict);
    if let (Verdict::Decided(said, _), Some(rule)) = (&verdict, limit.plan.rules.first()) {
        call.limits.borrow_mut().add(own.name, rule, said);
    }
    match (outcome, verdict) {
        (Outcome::Refused, Verdict::Decided(said, _)) => {
            Err(exceeded(own.name, said.limit, said.wait_ms.unwrap_or_default()))
        }
        (Outcome::Allowed, Verdict::Decided(said, _)) => {
            Ok(Some((limit.object, Spent { id: said.id, at: said.at, units: 1 })))
        }
        (outcome, _) if outcome.goes_on() => Ok(None),
        _ => Err(unavailable()),
    }
}

/// Gives units back; the answer does not wait for it.
pub(crate) fn give_back(call: &Call, taken: Vec<Taken>) {
    let (env, id) = (call.env.clone(), call.id.clone());
    let timeout_ms = call.settings.durations.object_timeout_ms;
    call.context.wait_until(async move {
        for (object, spent) in taken {
            let sent = Address::limiter(&object).send(&env, &Refund(spent), timeout_ms).await;
            if let Err(why) = sent {
                log::fault(&id, "limiter", why);
            }
        }
    });
}

/// 429, with the time to come back.
pub(crate) fn exceeded(policy: &str, limit: u64, wait_ms: u64) -> Problem {
    let detail = format!("more than the policy {policy} allows: {limit} in a window");
    Problem::new(&EXCEEDED, detail).retry_after(field::retry_after_s(wait_ms))
}

fn tell(call: &Call, own: &Own, said: &Decided) {
    let policy = own.policy(&call.settings.tiers, "");
    if let Some(rule) = policy.plan(STAMP, "").rules.first() {
        let rule = Rule { limit: said.limit, ..*rule };
        call.limits.borrow_mut().add(own.name, &rule, said);
    }
}

/// Nothing is spent.
fn whole(limit: u64) -> Decided {
    Decided {
        allowed: true,
        rule: 0,
        limit,
        remaining: limit,
        reset_ms: 0,
        wait_ms: Some(0),
        at: Millis(0),
        id: 0,
        lease: None,
    }
}
