//! From a creation to its redirect: what was accepted can always be followed, by anybody.
//!
//! Invariant: a location is one that the creation had, and fits into a header; the stored value
//! is read back to what decides.
#![no_main]

mod check;

use check::{NOW, OWN, text, url};
use libfuzzer_sys::fuzz_target;
use shared::links::machine::{Name, Row};
use shared::links::password::{Hash, Sealed};
use shared::links::redirect::{self, Redirect};
use shared::links::request;
use shared::links::rules::{self, Visit};
use shared::links::wire::{Link, Target};
use shared::links::{agent, csv};

/// A body, and behind a NUL what a visitor says of itself, a line each.
fn split(data: &[u8]) -> (&[u8], Vec<&str>) {
    let mut parts = data.splitn(2, |byte| *byte == 0);
    let body = parts.next().unwrap_or_default();
    let said = parts.next().and_then(text).unwrap_or_default();
    (body, said.split('\n').collect())
}

fn follow(target: &Target, said: &[&str]) {
    let of = |n: usize| said.get(n).copied().unwrap_or_default();
    let language = agent::language(of(2));
    let visit = || Visit {
        country: of(0),
        region: of(1),
        language: &language,
        agent: agent::classify(of(3)),
        now: NOW,
        side: rules::side(of(4).as_bytes()),
    };
    let known = |location: &str| {
        let rules = target.rules.iter().map(|rule| rule.to.as_str());
        rules
            .chain([target.to.as_str()])
            .chain(target.fallback_url.as_deref())
            .any(|to| to == location)
    };
    for decided in [redirect::decide(Some(target), NOW, visit), redirect::used_up(target)] {
        if let Redirect::To { status, location, cache_control, .. } = decided {
            assert!([301, 302, 307, 308].contains(&status));
            assert!(known(location), "{location:?} of {target:?}");
            url(location);
            assert!(cache_control.bytes().all(|b| b.is_ascii_graphic() || b == b' '));
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let (body, said) = split(data);
    let Ok(draft) = request::shorten(body, &OWN, NOW) else { return };
    // Whatever the origin makes of it.
    let password = draft.password.map(|_| Sealed { hash: Hash("$argon2id$".into()), version: 1 });
    let row = Row {
        id: 7,
        name: Name { domain: 0, code: draft.alias.unwrap_or_else(|| "0004c92".into()) },
        app: "app_1".into(),
        creator: None,
        long_url: draft.long_url,
        redirect: draft.redirect,
        title: draft.title,
        tags: draft.tags,
        rules: draft.rules,
        max_clicks: draft.max_clicks,
        fallback_url: draft.fallback_url,
        external_id: draft.external_id,
        password,
        created_at: NOW,
        expires_at: draft.expires_at.flatten(),
        deleted_at: None,
        version: 1,
    };
    let register = row.register(1);
    assert_eq!(register.refusal(), None, "a home refuses what a creation made");
    let target: Target = serde_json::from_str(&register.value.expect("it lives")).expect("read");
    follow(&target, &said);
    // What an export writes, an import takes, once nobody asks for a password.
    let link = Link { has_password: false, ..row.link("https://s.example") };
    let line = csv::header() + &csv::row(&link);
    let mut rows = csv::Rows::default();
    let mut items = rows.feed(line.as_bytes()).expect("an export is read");
    items.extend(rows.feed(b"").expect("to its end"));
    assert_eq!(items.len(), 1, "{line:?}");
    let body = items[0].body.as_ref().expect("a body").to_string();
    let again = request::shorten(body.as_bytes(), &OWN, NOW).expect("and taken");
    assert_eq!((again.long_url, again.rules), (row.long_url, row.rules));
});
