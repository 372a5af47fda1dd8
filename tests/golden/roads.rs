//! The names and texts of the two roads: what objects, KV and recorders hold.
//!
//! Invariant: every text is read back into what was written.

use crate::frozen;
use shared::envelope::Envelope;
use shared::links::rules::Rule;
use shared::links::wire::{Click, Target};
use shared::problem::{FieldError, Problem, UNACCEPTABLE, UNAVAILABLE};
use shared::roads::{
    Answer, Batch, Delivery, Event, Events, Outcome, Receipt, Register, Stamp, copy_key,
    copy_ttl_s, decode_copy, encode_copy, home_name, recorder_name,
};
use shared::time::Millis;

fn register() -> Register {
    Register {
        product: "links".into(),
        key: "0/0004c92".into(),
        stamp: Stamp { epoch: 3, version: 9_007_199_254_740_993 },
        value: Some(r#"{"to":"https://example.com/"}"#.into()),
    }
}

fn event() -> Event {
    let body = r#"{"link":"lnk_1"}"#.into();
    Event { product: "links".into(), at: Millis(1_795_151_503_007), body }
}

#[test]
fn home_name_format_unchanged() {
    assert_eq!(home_name("links", "0/0004c92"), "home/links/122");
    assert_eq!(home_name("links", "1/0004c92"), "home/links/185");
    assert_eq!(home_name("links", "0/Ünïcode"), "home/links/124");
    assert_eq!(home_name("keys", "0000001a2bc"), "home/keys/4");
}

#[test]
fn recorder_name_format_unchanged() {
    assert_eq!(recorder_name("NRT", "00112233445566778899aabbccddeeff"), "recorder/NRT/1");
    assert_eq!(recorder_name("FRA", "ffeeddccbbaa99887766554433221100"), "recorder/FRA/1");
}

#[test]
fn copy_format_unchanged() {
    assert_eq!(copy_key("links", "0/0004c92"), "links/0/0004c92");
    for (stamp, value, text) in [
        (Stamp { epoch: 0, version: 1 }, Some("{}"), "0 1\n{}"),
        (Stamp { epoch: 3, version: 42 }, None, "3 42\n"),
        (Stamp { epoch: 1, version: u64::MAX }, Some("a\nb"), "1 18446744073709551615\na\nb"),
    ] {
        assert_eq!(encode_copy(stamp, value), text);
        assert_eq!(decode_copy(text), Some((stamp, value)));
    }
    assert_eq!(copy_ttl_s(Some("{}")), None, "a link's copy is for ever");
    assert_eq!(copy_ttl_s(None), Some(2_592_000), "a tombstone's copy is not");
    for none in ["", "1 2", "x 2\n", "1\n", "1 -2\n", "99999999999 1\n"] {
        assert_eq!(decode_copy(none), None, "{none:?}");
    }
}

#[test]
fn register_format_unchanged() {
    frozen(
        &register(),
        concat!(
            r#"{"product":"links","key":"0/0004c92","epoch":3,"version":9007199254740993,"val"#,
            r#"ue":"{\"to\":\"https://example.com/\"}"}"#,
        ),
    );
    frozen(
        &Register { value: None, ..register() },
        concat!(
            r#"{"product":"links","key":"0/0004c92","epoch":3,"version":9007199254740993,"val"#,
            r#"ue":null}"#,
        ),
    );
}

#[test]
fn outcome_format_unchanged() {
    frozen(&Outcome::Applied, r#"{"outcome":"applied"}"#);
    frozen(&Outcome::Stale, r#"{"outcome":"stale"}"#);
    frozen(
        &Outcome::Refused { why: "too long".into() },
        r#"{"outcome":"refused","why":"too long"}"#,
    );
}

#[test]
fn answer_format_unchanged() {
    frozen(
        &Answer::Register(register()),
        concat!(
            r#"{"known":"register","product":"links","key":"0/0004c92","epoch":3,"version":90"#,
            r#"07199254740993,"value":"{\"to\":\"https://example.com/\"}"}"#,
        ),
    );
    frozen(&Answer::Absent, r#"{"known":"absent"}"#);
}

#[test]
fn event_delivery_and_receipt_format_unchanged() {
    frozen(&event(), r#"{"product":"links","at":1795151503007,"body":"{\"link\":\"lnk_1\"}"}"#);
    let (recorder, mut events) = ("recorder/NRT/2/0011", Events::default());
    let delivery = concat!(
        r#"{"recorder":"recorder/NRT/2/0011","first_seq":8,"events":[{"product":"links","#,
        r#""at":1795151503007,"body":"{\"link\":\"lnk_1\"}"},{"product":"links","at":17951"#,
        r#"51503007,"body":"{\"link\":\"lnk_1\"}"}]}"#,
    );
    let twice = vec![event(), event()];
    frozen(&Delivery { recorder: recorder.into(), first_seq: 8, events: twice }, delivery);
    events.push(&event()).unwrap();
    events.push(&event()).unwrap();
    assert_eq!(Delivery::text(recorder, 8, events.text()).unwrap(), delivery);
    frozen(&Receipt { applied_seq: 8 }, r#"{"applied_seq":8}"#);
}

#[test]
fn batch_format_unchanged() {
    let mut events = Events::default();
    events.push(&event()).unwrap();
    events.push(&event()).unwrap();
    let batch = Batch { isolate: "0011".into(), n: 7, events };
    let text = concat!(
        "0011 7 2\n",
        r#"{"product":"links","at":1795151503007,"body":"{\"link\":\"lnk_1\"}"},"#,
        r#"{"product":"links","at":1795151503007,"body":"{\"link\":\"lnk_1\"}"}"#,
    );
    assert_eq!(batch.encode(), text);
    assert_eq!(Batch::decode(text), Some(batch));
    for none in [
        "",
        "a 1 1",
        "a 1 1\n",
        "a 1 1\n{",
        "a 1 0\n{}",
        "a 1 65\n{}",
        "a x 1\n{}",
        " 1 1\n{}",
        "a 1 1 1\n{}",
        r#"{"isolate":"a","n":1,"events":[]}"#,
    ] {
        assert_eq!(Batch::decode(none), None, "{none:?}");
    }
}

#[test]
fn target_format_unchanged() {
    let target = Target {
        to: "https://example.com/".into(),
        redirect: 302,
        expires_at: None,
        rules: Vec::new(),
        max_clicks: None,
        fallback_url: None,
        password: None,
        link: "lnk_00000000001".into(),
        app: "app_00000000002".into(),
    };
    frozen(
        &target,
        r#"{"to":"https://example.com/","link":"lnk_00000000001","app":"app_00000000002"}"#,
    );
    let moved =
        Target { redirect: 301, expires_at: Some(Millis(1_795_151_503_007)), ..target.clone() };
    frozen(
        &moved,
        concat!(
            r#"{"to":"https://example.com/","redirect":301,"expires_at":1795151503007,"link":"#,
            r#""lnk_00000000001","app":"app_00000000002"}"#,
        ),
    );
    let rule =
        Rule { country: vec!["JP".into()], to: "https://jp.example/".into(), ..Rule::default() };
    let bounded = Target {
        rules: vec![Rule { weight: Some(20), ..rule.clone() }, rule],
        max_clicks: Some(100),
        fallback_url: Some("https://over.example/".into()),
        ..target
    };
    frozen(
        &bounded,
        concat!(
            r#"{"to":"https://example.com/","rules":[{"country":["JP"],"weight":20,"to":"http"#,
            r#"s://jp.example/"},{"country":["JP"],"to":"https://jp.example/"}],"max_clicks":"#,
            r#"100,"fallback_url":"https://over.example/","link":"lnk_00000000001","app":"app"#,
            r#"_00000000002"}"#,
        ),
    );
}

#[test]
fn protected_target_format_unchanged() {
    let text = concat!(
        r#"{"to":"https://example.com/","password":"3-7","link":"lnk_00000000001","#,
        r#""app":"app_00000000002"}"#,
    );
    let target: Target = serde_json::from_str(text).unwrap();
    assert_eq!(target.password.as_deref(), Some("3-7"));
    frozen(&target, text);
}

#[test]
fn click_format_unchanged() {
    let click = Click {
        link: "lnk_00000000001".into(),
        user_agent: "Mozilla/5.0".into(),
        referrer: "example.org".into(),
        country: "JP".into(),
        visitor: "0123456789abcdef".into(),
    };
    frozen(
        &click,
        concat!(
            r#"{"link":"lnk_00000000001","user_agent":"Mozilla/5.0","referrer":"example.org","#,
            r#""country":"JP","visitor":"0123456789abcdef"}"#,
        ),
    );
}

#[test]
fn envelope_format_unchanged() {
    let mut envelope = Envelope::json(201, &event()).with("location", "https://s.example/abc");
    envelope.projections = vec![register()];
    frozen(
        &envelope,
        concat!(
            r#"{"status":201,"headers":[["content-type","application/json"],["location","http"#,
            r#"s://s.example/abc"]],"body":"{\"product\":\"links\",\"at\":1795151503007,\"bod"#,
            r#"y\":\"{\\\"link\\\":\\\"lnk_1\\\"}\"}","projections":[{"product":"links","key""#,
            r#":"0/0004c92","epoch":3,"version":9007199254740993,"value":"{\"to\":\"https://e"#,
            r#"xample.com/\"}"}],"replayed":false}"#,
        ),
    );
    frozen(
        &Envelope { replayed: true, ..Envelope::empty(204) },
        r#"{"status":204,"headers":[],"body":"","projections":[],"replayed":true}"#,
    );
    let down = Problem::new(&UNAVAILABLE, "the origin does not answer").retry_after(1);
    frozen(
        &Envelope::problem(&down, "https://s.example", "req_1"),
        concat!(
            r#"{"status":503,"headers":[["content-type","application/problem+json"],["retry-a"#,
            r#"fter","1"]],"body":"{\"detail\":\"the origin does not answer\",\"instance\":\""#,
            r#"req_1\",\"status\":503,\"title\":\"A dependency is not available\",\"type\":\""#,
            r#"https://s.example/problems/http/unavailable\"}","projections":[],"replayed":fa"#,
            r#"lse}"#,
        ),
    );
}

#[test]
fn problem_format_unchanged() {
    let errors = vec![FieldError { pointer: "/long_url".into(), detail: "no host".into() }];
    let problem = Problem::fields(&UNACCEPTABLE, errors);
    assert_eq!(
        problem.to_json("https://s.example/", "req_1"),
        concat!(
            "{\"detail\":\"/long_url: no host\",\"errors\":[{\"detail\":\"no host\",\"point",
            "er\":\"/long_url\"}],\"instance\":\"req_1\",\"status\":422,\"title\":\"The req",
            "uest is not acceptable\",\"type\":\"https://s.example/problems/http/unacceptab",
            "le\"}",
        )
    );
}
