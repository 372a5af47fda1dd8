//! What is answered at the door, and what is left to the whole way.

use super::*;
use shared::links::wire::Click;
use std::collections::BTreeMap;

const NOW: Millis = Millis(1_790_000_000_000);

fn settings() -> Settings {
    let hex = "ab".repeat(32);
    let texts: BTreeMap<String, String> = [
        ("ORIGIN_URL", "http://127.0.0.1:8788"),
        ("PUBLIC_URL", "https://sho.rt"),
        ("SHORT_DOMAINS", "7=https://go.example"),
        ("SIGNING_KEYS", &format!("k1:{hex}")),
        ("KEY_MAC_SECRET", &hex),
        ("VISITOR_SECRET", &hex),
    ]
    .iter()
    .map(|(name, text)| ((*name).into(), (*text).into()))
    .collect();
    Settings::read(&texts).unwrap()
}

/// A copy with this version and these members of a target beside its own.
fn copy(version: u64, members: &str) -> String {
    format!(
        r#"1 {version}\n{{"to":"https://example.com/{version}","link":"lnk_1","app":"a"{members}}}"#
    )
    .replace("\\n", "\n")
}

fn facts(url: &str) -> String {
    format!("{url}\nua\nhttps://News.example/item\n\n192.0.2.1\nJP\nNRT")
}

fn ask(url: &str, copy: Option<&str>, at: Millis) -> Way {
    decide(&settings(), &Asked::of(&facts(url)), copy, at).0
}

#[track_caller]
fn location(way: Way) -> String {
    let Way::Away { location, .. } = way else { panic!("it is {way:?}") };
    location
}

#[test]
fn an_unknown_code_is_asked_for_with_its_copy_and_then_from_memory() {
    let url = "https://sho.rt/unknown";
    assert_eq!(ask(url, None, NOW), Way::Copy("links/0/unknown".into()));
    assert_eq!(location(ask(url, Some(&copy(1, "")), NOW)), "https://example.com/1");
    assert_eq!(location(ask(url, None, NOW.plus(1))), "https://example.com/1");
    assert_eq!(ask(url, None, NOW.plus(60_000)), Way::Copy("links/0/unknown".into()));
}

#[test]
fn a_domain_has_links_of_its_own() {
    assert_eq!(ask("https://go.example/same", None, NOW), Way::Copy("links/7/same".into()));
    assert_eq!(ask("https://else.example/same?x", None, NOW), Way::Copy("links/0/same".into()));
}

#[test]
fn an_older_copy_than_memory_goes_the_whole_way() {
    let url = "https://sho.rt/older";
    assert_eq!(location(ask(url, Some(&copy(2, "")), NOW)), "https://example.com/2");
    assert_eq!(ask(url, Some(&copy(1, "")), NOW.plus(60_000)), Way::Whole);
    assert_eq!(location(ask(url, None, NOW)), "https://example.com/2");
}

#[test]
fn the_services_own_paths_and_what_is_no_code_read_no_copy() {
    for path in ["healthz", "api", "console", "problems", "metrics", "", "ab", "a.b", "abc+"] {
        assert_eq!(ask(&format!("https://sho.rt/{path}"), None, NOW), Way::Whole, "{path}");
    }
    for path in ["consoles", "apis", "Healthz"] {
        let way = ask(&format!("https://sho.rt/{path}"), None, NOW);
        assert_eq!(way, Way::Copy(format!("links/0/{path}")));
    }
}

#[test]
fn what_has_to_wait_or_is_gone_goes_the_whole_way() {
    let url = "https://sho.rt/waits";
    for (version, members) in [
        (1, r#","rules":[{"country":["JP"],"to":"https://jp.example/"}]"#),
        (2, r#","max_clicks":3"#),
        (3, r#","expires_at":1789999999999"#),
    ] {
        assert_eq!(ask(url, Some(&copy(version, members)), NOW), Way::Whole, "{members}");
        assert_eq!(ask(url, None, NOW), Way::Whole, "{members}");
    }
    assert_eq!(ask(url, Some("1 4\n"), NOW), Way::Whole, "a tombstone");
    assert_eq!(ask(url, Some("1 5\n{"), NOW), Way::Whole, "damaged");
}

#[test]
fn an_expired_link_with_a_fallback_leads_there() {
    let members = r#","expires_at":1789999999999,"fallback_url":"https://over.example/""#;
    let way = ask("https://sho.rt/fallback", Some(&copy(1, members)), NOW);
    assert_eq!(location(way), "https://over.example/");
}

#[test]
fn an_answer_has_the_links_status_and_one_click() {
    let way = ask("https://sho.rt/click", Some(&copy(1, r#","redirect":301"#)), NOW);
    let Way::Away { status, cache_control, click, .. } = way else { panic!("it is {way:?}") };
    assert_eq!((status, cache_control.as_str()), (301, "public, max-age=3600"));
    assert_eq!((click.product.as_str(), click.at), ("links", NOW));
    let click: Click<'_> = serde_json::from_str(&click.body).unwrap();
    assert_eq!((&*click.link, &*click.user_agent), ("lnk_1", "ua"));
    assert_eq!((&*click.referrer, &*click.country), ("news.example", "JP"));
    assert_eq!(click.visitor.len(), 32);
}

#[test]
fn what_ages_is_served_to_all_and_asked_for_by_one() {
    let (settings, key) = (settings(), "0/aging");
    registers::from_text::<Target>(key, &copy(1, ""), NOW).unwrap();
    let ask = |after_ms| {
        let asked = facts("https://sho.rt/aging");
        decide(&settings, &Asked::of(&asked), None, NOW.plus(after_ms))
    };
    let fresh_ms = settings.durations.link_fresh_ms;
    let stamp = Stamp { epoch: 1, version: 1 };
    for (after_ms, wanted) in [
        (fresh_ms / 4 * 3 - 1, None),
        (fresh_ms - 1, Some((key.to_string(), stamp))),
        (fresh_ms - 1, None),
    ] {
        let (way, aging) = ask(after_ms);
        assert_eq!((location(way).as_str(), aging), ("https://example.com/1", wanted));
    }
    assert_eq!(ask(fresh_ms), (Way::Copy("links/0/aging".into()), None));
}

#[test]
fn what_ages_and_goes_the_whole_way_is_asked_for_all_the_same() {
    let (settings, key) = (settings(), "0/aging-rules");
    let members = r#","rules":[{"country":["JP"],"to":"https://jp.example/"}]"#;
    registers::from_text::<Target>(key, &copy(1, members), NOW).unwrap();
    let asked = facts("https://sho.rt/aging-rules");
    let at = NOW.plus(settings.durations.link_fresh_ms - 1);
    let (way, aging) = decide(&settings, &Asked::of(&asked), None, at);
    assert_eq!((way, aging.map(|(key, _)| key)), (Way::Whole, Some(key.to_string())));
}

#[test]
fn an_address_near_its_limit_goes_the_whole_way() {
    let settings = settings();
    let facts = facts("https://sho.rt/at-ease").replace("192.0.2.1", "192.0.2.77");
    let asked = Asked::of(&facts);
    let at_ease =
        (0..1_000).take_while(|_| decide(&settings, &asked, None, NOW).0 != Way::Whole).count();
    // A twentieth of what an address may have in a minute; the next minute it is at ease again.
    assert_eq!(at_ease, 300);
    assert_ne!(decide(&settings, &asked, None, NOW.plus(60_000)).0, Way::Whole);
}
