//! What stands in a path, a query or a header.
#![no_main]

mod check;

use check::{NOW, OWN, refused, select, taken, text, url};
use libfuzzer_sys::fuzz_target;
use shared::links::domain::Domains;
use shared::links::visitors::Sketch;
use shared::links::{agent, alias, query, target};
use shared::roads::decode_copy;
use shared::route::{self, Found};
use shared::time::Millis;
use shared::{body, id, idempotency, page};

const PARSERS: &[fn(&[u8])] = &[
    a_target,
    a_domain,
    a_list,
    a_stats,
    a_qr,
    a_cursor,
    an_alias,
    a_moment,
    an_agent,
    a_language,
    a_path,
    an_id,
    a_key,
    a_media_type,
    some_domains,
    a_copy,
    a_sketch,
];

fn a_target(data: &[u8]) {
    let Some(text) = text(data) else { return };
    match target::normalise(text, &OWN) {
        Ok(normal) => url(&normal),
        Err(refused) => assert!(!refused.detail().is_empty()),
    }
    let _ = target::domains(text);
}

fn a_domain(data: &[u8]) {
    let Some(name) = text(data).and_then(target::domain) else { return };
    assert_eq!(target::domain(&name).as_deref(), Some(name.as_str()));
    assert!(name.is_ascii() && !name.bytes().any(|b| b.is_ascii_uppercase()), "{name:?}");
}

fn a_list(data: &[u8]) {
    let Some(ask) = text(data).and_then(|text| taken(query::list(text))) else { return };
    assert!((1..=page::LIMIT_MAX).contains(&ask.page.limit));
}

fn a_stats(data: &[u8]) {
    let Some(ask) = text(data).and_then(|text| taken(query::stats(text, NOW))) else { return };
    assert!(ask.from < ask.to && ask.to.since(ask.from) <= query::STATS_WINDOW_MAX_MS);
}

fn a_qr(data: &[u8]) {
    let Some(ask) = text(data).and_then(|text| taken(query::qr(text))) else { return };
    assert!((64..=2_048).contains(&ask.size) && ask.margin <= 16);
}

fn a_cursor(data: &[u8]) {
    let Some(cursor) = text(data) else { return };
    match page::ask(None, Some(cursor)) {
        Ok(ask) => {
            let after = ask.after.expect("a cursor leads somewhere");
            let again = page::ask(None, Some(&page::cursor(&after)));
            assert_eq!(again.map(|ask| ask.after), Ok(Some(after)));
        }
        Err(problem) => refused(&problem),
    }
}

fn an_alias(data: &[u8]) {
    let Some(alias) = text(data) else { return };
    if alias::check(alias).is_ok() {
        assert!(alias::is_code(alias));
        // It shadows no route.
        let path = format!("/{alias}");
        let found = route::find("GET", &path, |_| true);
        assert!(matches!(found, Found::Route(route, _) if route.path == "/{code}"), "{alias:?}");
    }
}

fn a_moment(data: &[u8]) {
    let Some(at) = text(data).and_then(Millis::parse) else { return };
    assert_eq!(Millis::parse(&at.to_rfc3339()), Some(at));
}

fn an_agent(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let read = agent::classify(text);
    assert!(agent::DEVICES.contains(&read.device) && agent::SYSTEMS.contains(&read.os));
    assert!(agent::BROWSERS.contains(&read.browser));
    let _ = agent::device(text);
}

fn a_language(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let tag = agent::language(text);
    assert!(!tag.bytes().any(|b| b.is_ascii_uppercase() || b == b','), "{tag:?}");
}

fn a_path(data: &[u8]) {
    let Some((method, path)) = text(data).and_then(|text| text.split_once(' ')) else { return };
    if let Found::Route(route, segments) = route::find(method, path, |_| true) {
        assert_eq!(segments.len(), route.path.matches('{').count());
    }
}

fn an_id(data: &[u8]) {
    let Some(text) = text(data) else { return };
    if let Some(number) = id::parse_id("lnk", text) {
        let again = id::format_id("lnk", number);
        assert_eq!(id::parse_id("lnk", &again), Some(number));
    }
    let _ = id::from_base62(text);
}

fn a_key(data: &[u8]) {
    if let Some(text) = text(data) {
        taken(idempotency::check_key(text));
    }
}

fn a_media_type(data: &[u8]) {
    taken(body::check_media_type(text(data)));
}

fn some_domains(data: &[u8]) {
    let Some(domains) = text(data).map(|text| Domains::parse("https://s.example", text)) else {
        return;
    };
    if let Ok(domains) = domains {
        domains
            .bases()
            .into_iter()
            .for_each(|base| assert!(base.is_ascii() && base.starts_with("http")));
        let _ = domains.of_host("s.example");
    }
}

fn a_copy(data: &[u8]) {
    let _ = text(data).and_then(decode_copy);
}

fn a_sketch(data: &[u8]) {
    if let Some(sketch) = Sketch::from_bytes(data) {
        let _ = sketch.count();
        let again = Sketch::from_bytes(&sketch.to_bytes()).expect("what is written is read");
        assert_eq!(again.count(), sketch.count());
    }
}

fuzz_target!(|data: &[u8]| select(PARSERS, data));
