//! Every JSON body that a client, an operator or the other side sends.
#![no_main]

mod check;

use check::{NOW, OWN, refused, select, taken, url};
use libfuzzer_sys::fuzz_target;
use shared::admin::{AppRequest, KeyRequest, ListRequest, PublicKeyRequest};
use shared::body;
use shared::links::request::{self, Draft};
use shared::links::{alias, rules};
use shared::privacy::PrivacyAsk;
use shared::roads::{Delivery, Register};
use shared::token::{Caller, TokenRequest};

const PARSERS: &[fn(&[u8])] = &[
    shorten,
    patch,
    bulk,
    token,
    application,
    key,
    public_key,
    block,
    privacy,
    delivery,
    registers,
];

fn draft(draft: &Draft) {
    draft.targets().into_iter().for_each(url);
    if let Some(alias) = &draft.alias {
        assert_eq!(alias::check(alias), Ok(()));
    }
    assert!([301, 302, 307, 308].contains(&draft.redirect));
    assert!(draft.expires_at.flatten().is_none_or(|at| at > NOW));
    if let Some(text) = rules::to_text(&draft.rules) {
        let read: Vec<rules::Rule> = serde_json::from_str(&text).expect("stored rules are read");
        assert_eq!(read, draft.rules);
    }
}

fn shorten(data: &[u8]) {
    if let Some(read) = taken(request::shorten(data, &OWN, NOW)) {
        draft(&read);
    }
}

fn patch(data: &[u8]) {
    if let Some(read) = taken(request::patch(data, &OWN, NOW)) {
        read.targets().into_iter().for_each(url);
    }
}

fn bulk(data: &[u8]) {
    for item in taken(request::bulk(data, &OWN, NOW)).into_iter().flatten() {
        match item {
            Ok(read) => draft(&read),
            Err(problem) => refused(&problem),
        }
    }
}

fn token(data: &[u8]) {
    let minter = Caller {
        principal: "service:k".into(),
        app: "app_1".into(),
        tier: "free".into(),
        scopes: vec!["links:read".into()],
    };
    let read = body::parse::<TokenRequest>(data);
    let scope = read.and_then(|asked| asked.check().and_then(|()| asked.scope_within(&minter)));
    if let Some(scope) = taken(scope) {
        assert!(scope.split(' ').all(|scope| scope == "links:read"), "{scope:?}");
    }
}

fn application(data: &[u8]) {
    taken(body::parse::<AppRequest>(data).and_then(|asked| asked.check()));
}

fn key(data: &[u8]) {
    taken(body::parse::<KeyRequest>(data).and_then(|asked| asked.check()));
}

fn public_key(data: &[u8]) {
    taken(body::parse::<PublicKeyRequest>(data).and_then(|asked| asked.check()));
}

fn block(data: &[u8]) {
    taken(body::parse::<ListRequest>(data).and_then(|asked| asked.check()));
}

fn privacy(data: &[u8]) {
    taken(body::parse::<PrivacyAsk>(data).and_then(|asked| asked.check("user:ann")));
}

fn delivery(data: &[u8]) {
    taken(body::read::<Delivery>(data));
}

fn registers(data: &[u8]) {
    for register in taken(body::read::<Vec<Register>>(data)).into_iter().flatten() {
        let _ = register.refusal();
    }
}

fuzz_target!(|data: &[u8]| select(PARSERS, data));
