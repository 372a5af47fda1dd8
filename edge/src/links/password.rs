//! Passwords of links (L14): the page that asks, the form that answers, the cookie that remembers.
//!
//! Invariant: a try is drawn from the limits before the origin is asked; what a cookie says is
//! believed only under our MAC, for this link and the password that it has now. Nothing of a
//! stranger's stands in a `Location` or on a page but the link's own code, escaped.

use super::preview::escape;
use super::{find, gone};
use crate::call::Call;
use crate::platform::{clock, http};
use crate::registers::{self, Read};
use crate::respond::{Answer, CHALLENGE, POLICY};
use crate::{origin, tries};
use shared::body::check_size;
use shared::envelope::Envelope;
use shared::links::error::PASSWORD_REQUIRED;
use shared::links::password::{self, FIELD, Plain, Try, Verdict};
use shared::links::redirect::{self, Redirect};
use shared::links::rules::Visit;
use shared::links::wire::Target;
use shared::links::{agent, machine};
use shared::problem::{Class, Problem};
use shared::route::Route;
use std::rc::Rc;

/// The page's only style: by its hash, nothing else is one.
const STYLE: &str = "\
:root{color-scheme:light dark;--ground:#f6f5f2;--card:#fff;--text:#1d2226;--muted:#59626a;\
--edge:#868d92;--accent:#1b675c;--on:#fff;--danger:#a8281c}\
@media(prefers-color-scheme:dark){:root{--ground:#14171a;--card:#1c2125;--text:#e7e9ea;\
--muted:#a3abb1;--edge:#78828a;--accent:#7accbd;--on:#10201d;--danger:#ff9d90}}\
*{box-sizing:border-box}\
body{margin:0;padding:1rem;min-height:100vh;display:grid;place-items:center;\
background:var(--ground);color:var(--text);font:1rem/1.5 system-ui,sans-serif}\
main{width:100%;max-width:26rem;padding:1.5rem;background:var(--card);border-radius:8px}\
h1{margin:0 0 .5rem;font-size:1.25rem}p{margin:0 0 1rem;color:var(--muted);\
overflow-wrap:anywhere}p[role]{color:var(--danger)}label{display:block;font-weight:600}\
input,button{width:100%;min-height:2.75rem;margin:.25rem 0 1rem;padding:.5rem .75rem;font:inherit;\
border:1px solid var(--edge);border-radius:8px;background:var(--card);color:var(--text)}\
button{margin:0;border-color:var(--accent);background:var(--accent);color:var(--on);\
font-weight:600;cursor:pointer}:focus-visible{outline:3px solid var(--accent);outline-offset:2px}";
/// Of [`STYLE`].
const STYLE_SHA256: &str = "sha256-9zbdjck4Q50tZe3BgkMzX9tWFBVFpwyMRb+HTCKeQOU=";

/// What the page says beside its question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// Nothing yet.
    Nothing,
    /// That was not it.
    Wrong,
    /// Too many tries; come back in so many seconds.
    TooMany(u32),
}

/// The target, and whether this visitor may be led to it by a pass. A pass of another password than
/// the copy's is older than it, or newer: the home knows.
pub(super) async fn admit(
    call: &Call,
    code: &str,
    target: Option<Rc<Target>>,
) -> (Option<Rc<Target>>, bool) {
    let Some(held) = target.as_ref().and_then(|target| target.password.as_ref()) else {
        return (target, false);
    };
    let Some(version) = version(call, code) else { return (target, false) };
    if *held == version {
        return (target, true);
    }
    let newest = match registers::renew::<Target>(call, &call.link_key(code)).await {
        Read::Found(newest) => newest,
        Read::Absent | Read::Unavailable => target,
    };
    let is_open = newest.as_ref().is_some_and(|newest| newest.password.as_ref() == Some(&version));
    (newest, is_open)
}

/// The version that the visitor's pass names.
fn version(call: &Call, code: &str) -> Option<String> {
    let cookies = http::header_of(&call.request, "cookie")?;
    let (link, name) = (call.link_key(code), password::cookie_name(code, is_https(call)));
    password::admitted(&call.settings.key_mac, (&link, &name), &cookies, call.began)
}

/// Cookies are as safe as the way that the deployment promises on this domain.
fn is_https(call: &Call) -> bool {
    call.settings.domains.base(call.domain()).starts_with("https://")
}

/// `POST /{code}`: a form with the password.
///
/// # Errors
/// 401, 404, 410, 413, 415, 422, 429, 503.
pub(crate) async fn unlock(
    call: &Call,
    route: &Route,
    segments: &[&str],
) -> Result<Answer, Problem> {
    let code = segments.first().copied().unwrap_or_default();
    let target = find(call, code).await?;
    let decided = redirect::decide(target.as_deref(), call.began, || Visit {
        country: "",
        region: "",
        language: "",
        agent: agent::classify(""),
        now: call.began,
        side: 0,
    });
    match decided {
        Redirect::Locked => {}
        Redirect::To { .. } => return Ok(back(code, None)),
        Redirect::Gone | Redirect::UsedUp => return Err(gone(&decided)),
    }
    let plain = read(call, route).await?;
    let link = call.link_key(code);
    let drawn = match tries::draw(call, &link).await {
        Err(problem) if problem.kind.class == Class::Limited && !wants_json(call) => {
            let again_s = problem.retry_after_s.unwrap_or_default();
            return ask(call, code, Said::TooMany(again_s));
        }
        drawn => drawn?,
    };
    let attempt = Try { domain: call.domain(), code: code.into(), password: plain };
    let verdict = origin::verify(&call.settings, &attempt, &call.id).await;
    match verdict.map_err(|why| call.unavailable("origin", why))? {
        Verdict::Right { version } => {
            drawn.give_back(call);
            if target.and_then(|target| target.password.clone()).as_ref() != Some(&version) {
                registers::renew::<Target>(call, &link).await;
            }
            let pass = password::seal(&call.settings.key_mac, &link, &version, clock::now());
            Ok(back(code, Some(password::set_cookie(code, is_https(call), &pass))))
        }
        Verdict::Open => {
            registers::renew::<Target>(call, &link).await;
            Ok(back(code, None))
        }
        Verdict::Wrong => ask(call, code, Said::Wrong),
        Verdict::Gone => Err(gone(&Redirect::Gone)),
        Verdict::Absent => Err(machine::not_found()),
    }
}

async fn read(call: &Call, route: &Route) -> Result<Plain, Problem> {
    let media_type = call.header("content-type")?;
    match call.body(route.bytes_max).await? {
        Some(body) => password::form(media_type.as_deref(), &body),
        None => check_size(u64::MAX, route.bytes_max).map(|()| Plain::default()),
    }
}

/// To the link itself; a code is nothing but letters, digits, `_` and `-`.
fn back(code: &str, cookie: Option<String>) -> Answer {
    let mut envelope = Envelope::empty(303).with("location", format!("/{code}"));
    if let Some(cookie) = cookie {
        envelope = envelope.with("set-cookie", cookie);
    }
    envelope.with("cache-control", "private, no-store").into()
}

/// Asks for the password: people by a page, programs that name JSON by a problem.
///
/// # Errors
/// 401, to programs.
pub(super) fn ask(call: &Call, code: &str, said: Said) -> Result<Answer, Problem> {
    if wants_json(call) {
        let detail = match said {
            Said::Wrong => "that is not the password",
            _ => "POST the password to this address as application/x-www-form-urlencoded",
        };
        return Err(Problem::new(&PASSWORD_REQUIRED, detail));
    }
    // Where the form leads in the end is the link's target: a browser that holds `form-action`
    // against redirects must find it there.
    let policy = format!(
        "default-src 'none'; style-src '{STYLE_SHA256}'; form-action 'self' http: https:; \
         base-uri 'none'; frame-ancestors 'none'"
    );
    let body = page(&call.short_url(code), code, said);
    let envelope = match said {
        Said::TooMany(again_s) => Envelope::empty(429).with("retry-after", again_s.to_string()),
        _ => Envelope::empty(401).with("www-authenticate", CHALLENGE),
    };
    let envelope = Envelope { body, ..envelope }
        .with("content-type", "text/html; charset=utf-8")
        .with("cache-control", "private, no-store")
        .with(POLICY, policy);
    Ok(envelope.into())
}

fn page(short: &str, code: &str, said: Said) -> String {
    let (short, code) = (escape(short), escape(code));
    let alert = match said {
        Said::Nothing => String::new(),
        Said::Wrong => "That is not the password of this link.".into(),
        Said::TooMany(again_s) => format!("Too many tries. Come back in {again_s} s."),
    };
    let (mark, alert, about) = if alert.is_empty() {
        ("", String::new(), "")
    } else {
        let about = " aria-invalid=\"true\" aria-describedby=\"said\"";
        ("Error: ", format!("<p role=\"alert\" id=\"said\">{alert}</p>\n"), about)
    };
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <meta name=\"robots\" content=\"noindex\">\n<title>{mark}A password is asked for</title>\n\
         <style>{STYLE}</style>\n<main>\n<h1>A password is asked for</h1>\n\
         <p>{short} leads on once you have given it.</p>\n{alert}\
         <form method=\"post\" action=\"/{code}\">\n<label for=\"{FIELD}\">Password</label>\n\
         <input id=\"{FIELD}\" name=\"{FIELD}\" type=\"password\" required autofocus \
         autocomplete=\"current-password\"{about}>\n\
         <button>Follow the link</button>\n</form>\n</main>\n</html>\n"
    )
}

/// Whether `Accept` names JSON, and before any page.
fn wants_json(call: &Call) -> bool {
    prefers_json(&http::header_of(&call.request, "accept").unwrap_or_default())
}

fn prefers_json(accept: &str) -> bool {
    let page = accept.find("text/html");
    accept.find("json").is_some_and(|json| page.is_none_or(|page| json < page))
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::{Engine, prelude::BASE64_STANDARD};

    #[test]
    fn the_policy_allows_the_style_that_is_there() {
        let hash = hex::decode(shared::sign::content(STYLE.as_bytes())).unwrap();
        assert_eq!(STYLE_SHA256, format!("sha256-{}", BASE64_STANDARD.encode(hash)));
    }

    #[test]
    fn a_page_escapes_and_says_what_was_wrong() {
        let evil = "\"><script>alert(1)</script>";
        for said in [Said::Nothing, Said::Wrong, Said::TooMany(12)] {
            let page = page(evil, evil, said);
            assert!(!page.contains("<script") && !page.contains("\"\">"), "{page}");
            assert_eq!(page.contains("role=\"alert\""), said != Said::Nothing);
        }
        assert!(page("s", "c", Said::TooMany(12)).contains("in 12 s"));
    }

    #[test]
    fn only_who_names_json_first_gets_it() {
        assert!(prefers_json("application/json") && prefers_json("application/problem+json"));
        assert!(prefers_json("application/json, text/html"));
        for page in ["", "*/*", "text/html,application/xhtml+xml,*/*;q=0.8", "text/html, a/json"] {
            assert!(!prefers_json(page), "{page}");
        }
    }
}
