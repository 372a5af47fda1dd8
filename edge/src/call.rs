//! The request at hand, with everything that a handler may need.
//!
//! Invariant: it belongs to one request and dies with it; its id is ours.

use crate::events;
use crate::guard::Fields;
use crate::log;
use crate::platform::http::{self, Facts};
use crate::platform::{Thrown, clock, entropy};
use crate::settings::Settings;
use shared::links::wire::register_key;
use shared::problem::{INTERNAL, MALFORMED, Problem, UNAVAILABLE};
use shared::time::Millis;
use shared::token::Caller;
use shared::{body, id, sign};
use std::cell::RefCell;
use std::rc::Rc;
use worker::{Context, Env};

/// A request.
#[derive(Clone)]
pub(crate) struct Call {
    /// As the platform gave it.
    pub(crate) request: web_sys::Request,
    /// The bindings.
    pub(crate) env: Env,
    /// Outlives the answer by `wait_until`.
    pub(crate) context: Rc<Context>,
    /// The isolate's settings.
    pub(crate) settings: Rc<Settings>,
    /// What it says of itself.
    pub(crate) facts: Facts,
    /// What is told of its limits.
    pub(crate) limits: Rc<RefCell<Fields>>,
    /// `req_…`.
    pub(crate) id: String,
    /// When it came in.
    pub(crate) began: Millis,
    /// The key of a copy that KV was asked for on behalf of this request, and does not have.
    pub(crate) no_copy: Option<String>,
}

impl Call {
    /// Takes a request up.
    pub(crate) fn of(
        request: web_sys::Request,
        env: Env,
        context: Context,
    ) -> Result<Self, Thrown> {
        Ok(Self {
            settings: Settings::of(&env)?,
            facts: Facts::of(&request)?,
            limits: Rc::default(),
            id: id::random_id("req", entropy::bits128()?),
            began: clock::now(),
            no_copy: None,
            request,
            env,
            context: Rc::new(context),
        })
    }

    /// A header's value; what is not visible ASCII is refused.
    ///
    /// # Errors
    /// 400.
    pub(crate) fn header(&self, name: &str) -> Result<Option<String>, Problem> {
        match http::header_of(&self.request, name) {
            Some(value) if !value.bytes().all(|b| matches!(b, b'\t' | 0x20..=0x7e)) => {
                Err(Problem::new(&MALFORMED, format!("the header {name} is not ASCII")))
            }
            value => Ok(value),
        }
    }

    /// A JSON body, whole and within its bound; not yet read as anything.
    ///
    /// # Errors
    /// 400, 413, 415.
    pub(crate) async fn json(&self, bytes_max: u64) -> Result<Vec<u8>, Problem> {
        body::check_media_type(self.header("content-type")?.as_deref())?;
        match self.body(bytes_max).await? {
            Some(read) => Ok(read),
            None => body::check_size(u64::MAX, bytes_max).map(|()| Vec::new()),
        }
    }

    /// The body, or `None` when it is longer.
    ///
    /// # Errors
    /// 400 when it breaks off.
    pub(crate) async fn body(&self, bytes_max: u64) -> Result<Option<Vec<u8>>, Problem> {
        http::body_of(&self.request, bytes_max)
            .await
            .map_err(|_| Problem::new(&MALFORMED, "the body broke off"))
    }

    /// What an event needs of this request.
    pub(crate) fn event_source(&self) -> events::Source<'_> {
        let Self { env, context, settings, facts, .. } = self;
        events::Source { env, context, settings, colo: &facts.colo }
    }

    /// The number of the domain that was asked.
    pub(crate) fn domain(&self) -> u32 {
        self.settings.domains.of_host(&self.facts.host)
    }

    /// The register's key of a code on that domain.
    pub(crate) fn link_key(&self, code: &str) -> String {
        register_key(self.domain(), code)
    }

    /// The short URL of a code on that domain.
    pub(crate) fn short_url(&self, code: &str) -> String {
        format!("{}/{code}", self.settings.domains.base(self.domain()))
    }

    /// What the origin is told of this request.
    pub(crate) fn signed_context(&self, caller: &Caller) -> sign::Context {
        sign::Context {
            principal: caller.principal.clone(),
            app: caller.app.clone(),
            tier: caller.tier.clone(),
            request_id: self.id.clone(),
            ip: self.facts.ip.clone(),
            country: self.facts.country.clone(),
            colo: self.facts.colo.clone(),
            domain: self.domain(),
        }
    }

    /// 500: what the caller cannot act on, logged here and opaque outside.
    pub(crate) fn fault(&self, place: &str, why: impl std::fmt::Display) -> Problem {
        log::fault(&self.id, place, why);
        Problem::new(&INTERNAL, "it was logged under this request's id")
    }

    /// 503: a dependency did not answer.
    pub(crate) fn unavailable(&self, place: &str, why: impl std::fmt::Display) -> Problem {
        log::fault(&self.id, place, why);
        unavailable()
    }
}

/// 503 with a time to come back.
pub(crate) fn unavailable() -> Problem {
    Problem::new(&UNAVAILABLE, "try again in a moment").retry_after(1)
}
