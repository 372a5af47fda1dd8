//! Examples of the wire types of links.

use super::schemas::AT;
use crate::links::rules::Rule;
use crate::links::wire::{Link, Slot, Stats};
use alloc::{string::String, vec};

pub(super) fn link() -> Link {
    Link {
        id: "lnk_000gT6o8p5z".into(),
        short_code: "0004c92".into(),
        short_url: "https://s.example/0004c92".into(),
        long_url: "https://en.wikipedia.org/wiki/Selvage?x=1#Weaving".into(),
        redirect: 302,
        rules: vec![rule()],
        max_clicks: None,
        fallback_url: None,
        external_id: None,
        has_password: false,
        title: Some("Selvage".into()),
        tags: vec!["docs".into()],
        created_at: AT,
        expires_at: Some(AT.plus(crate::links::request::LIFE_DEFAULT_MS)),
    }
}

fn rule() -> Rule {
    Rule {
        country: vec!["JP".into()],
        device: vec!["mobile".into()],
        to: "https://ja.wikipedia.org/wiki/%E8%80%B3".into(),
        ..Rule::default()
    }
}

pub(super) fn stats() -> Stats {
    let Link { short_url, long_url, created_at, expires_at, .. } = link();
    let one = |name: &str| [(String::from(name), 2)].into_iter().collect();
    Stats {
        short_url,
        long_url,
        clicks: 2,
        unique_visitors: 2,
        bots: 1,
        created_at,
        expires_at,
        series: vec![Slot { at: crate::links::stats::hour(AT), clicks: 2 }],
        by_country: one("JP"),
        by_referrer: one("direct"),
        by_device: one("mobile"),
        by_browser: one("Firefox"),
    }
}
