//! The machine of links: races, names, versions.

use super::*;
use crate::links::password::Plain;
use crate::machine::turn;

const AT: At = At { now: Millis(1_000), draw: 0 };

fn draft(alias: Option<&str>) -> Draft {
    Draft {
        long_url: "https://example.com/".into(),
        alias: alias.map(Into::into),
        expires_at: Some(None),
        redirect: 302,
        title: None,
        tags: Vec::new(),
        rules: Vec::new(),
        max_clicks: None,
        fallback_url: None,
        external_id: None,
        password: None,
        reuse: false,
    }
}

fn name(code: &str) -> Name {
    Name { domain: 0, code: code.into() }
}

fn create(code: &str, alias: bool) -> Input {
    let draft = draft(alias.then_some(code));
    Input::Create { id: 7, name: name(code), app: "app_1".into(), creator: None, draft }
}

fn change(app: &str, if_match: Option<&str>, change: Change) -> Input {
    let if_match = if_match.map(Into::into);
    Input::Change { name: name("abc"), app: app.into(), if_match, change }
}

#[test]
fn of_many_creations_of_one_alias_in_one_turn_one_wins() {
    let mut view = View::default();
    let turn = turn(&Links, &mut view, AT, (0..500).map(|_| create("abc", true)));
    let created = turn.replies.iter().filter(|r| matches!(r, Reply::Created(..))).count();
    assert_eq!((created, turn.writes.len(), turn.posts.len()), (1, 1, 1));
    let Reply::Refused(problem) = &turn.replies[499] else { panic!("{:?}", turn.replies[499]) };
    assert_eq!(problem.kind, &ALIAS_TAKEN);
}

#[test]
fn a_drawn_code_that_is_in_use_is_drawn_again_never_refused() {
    let mut view = View::default();
    let inputs = [create("aaaaaaa", true), create("aaaaaaa", false)];
    let turn = turn(&Links, &mut view, AT, inputs);
    assert_eq!(turn.replies[1], Reply::CodeInTheWay);
}

#[test]
fn l15_a_live_link_is_reused_and_an_external_id_is_unique_among_live_links() {
    let mut view = View::default();
    let create = |code: &str, who: &str, change: fn(&mut Draft)| {
        let mut draft = draft(None);
        change(&mut draft);
        let (app, user) = who.split_once('/').unwrap_or((who, ""));
        let creator = (!user.is_empty()).then(|| user.into());
        Input::Create { id: 7, name: name(code), app: app.into(), creator, draft }
    };
    let turn = turn(
        &Links,
        &mut view,
        AT,
        [
            create("one", "app_1", |_| {}),
            create("two", "app_1", |draft| draft.reuse = true),
            create("three", "app_2", |draft| draft.reuse = true),
            create("four", "app_1", |draft| {
                draft.reuse = true;
                draft.redirect = 301;
            }),
            create("five", "app_1", |draft| draft.external_id = Some("x".into())),
            create("six", "app_1", |draft| draft.external_id = Some("x".into())),
            create("seven", "app_2", |draft| draft.external_id = Some("x".into())),
            create("eight", "app_1/ann", |draft| draft.reuse = true),
            create("nine", "app_1/ann", |draft| draft.reuse = true),
            create("ten", "app_1/bob", |draft| draft.reuse = true),
        ],
    );
    let code = |reply: &Reply| match reply {
        Reply::Created(row, _) => row.name.code.clone(),
        Reply::Reused(row, _) => format!("={}", row.name.code),
        other => format!("{other:?}").chars().take(7).collect(),
    };
    let codes: Vec<String> = turn.replies.iter().map(code).collect();
    assert_eq!(
        codes,
        ["one", "=one", "three", "four", "five", "Refused", "seven", "eight", "=eight", "ten"]
    );
}

#[test]
fn a_change_raises_the_version_and_a_deleted_code_stays_taken() {
    let mut view = View::default();
    let patch = Patch { redirect: Some(301), ..Patch::default() };
    let turn = turn(
        &Links,
        &mut view,
        AT,
        [
            create("abc", true),
            change("app_1", Some("\"1\""), Change::Patch(patch)),
            change("app_1", Some("\"1\", W/\"2\""), Change::Delete),
            change("app_2", None, Change::Delete),
            change("app_1", Some("\"1\", \"2\""), Change::Delete),
            change("app_1", None, Change::Delete),
            create("abc", true),
        ],
    );
    let status = |reply: &Reply| match reply {
        Reply::Refused(problem) => problem.status(),
        _ => 0,
    };
    let statuses: Vec<u16> = turn.replies.iter().map(status).collect();
    assert_eq!(statuses, [0, 0, 412, 404, 0, 410, 409]);
    let versions: Vec<u64> = turn.posts.iter().map(|post| post.stamp.version).collect();
    assert_eq!(versions, [1, 2, 3]);
    assert_eq!(turn.posts[2].value, None);
}

fn password(text: &str) -> Password {
    Password::Hashed(Hash(text.into()))
}

#[test]
fn l14_a_new_password_has_a_new_version_and_the_register_never_its_hash() {
    let mut view = View::default();
    let created = |code: &str, password: Option<Password>, reuse: bool| {
        let draft = Draft { password, reuse, ..draft(None) };
        Input::Create { id: 7, name: name(code), app: "app_1".into(), creator: None, draft }
    };
    let patch = |password: Option<Option<Password>>| {
        change("app_1", None, Change::Patch(Patch { password, ..Patch::default() }))
    };
    let steps = [
        created("abc", Some(password("one")), true),
        created("two", None, true),
        created("six", Some(password("one")), true),
        patch(None),
        patch(Some(Some(password("one")))),
        patch(Some(None)),
        patch(Some(Some(password("four")))),
        patch(Some(Some(Password::Plain(Plain("plain".into()))))),
        created("not", Some(Password::Plain(Plain("plain".into()))), false),
    ];
    let turn = turn(&Links, &mut view, AT, steps);
    let refused = |reply: &Reply| matches!(reply, Reply::Refused(_));
    assert!(turn.replies[..7].iter().all(|reply| !refused(reply)), "{:?}", turn.replies);
    assert!(!turn.replies[..3].iter().any(|reply| matches!(reply, Reply::Reused(..))));
    assert!(turn.replies[7..].iter().all(refused), "what is not hashed is not stored");
    let known: Vec<Option<String>> = turn.posts.iter().map(locked).collect();
    let version = |text: &str| Some(text.into());
    assert_eq!(
        known,
        [
            version("0-1"),
            None,
            version("0-1"),
            version("0-1"),
            version("0-3"),
            None,
            version("0-5")
        ]
    );
    assert!(turn.posts.iter().all(|post| !post.value.as_ref().unwrap().contains("one")));
}

fn locked(register: &Register) -> Option<String> {
    let value = register.value.as_ref().unwrap();
    serde_json::from_str::<crate::links::wire::Target>(value).unwrap().password
}
