//! What must not be written anywhere, and what must be written at the top.
//!
//! Refuses to judge prose. The needles are in two pieces, so that this file may be looked at too.

const OWED: [&str; 2] = [concat!("TO", "DO"), concat!("FIX", "ME")];

/// Hosts that a lock file or a script may not depend on, and homes of whoever wrote it.
const PLACES: [&str; 8] = [
    concat!("registry.", "npmjs.org"),
    concat!("registry.", "yarnpkg.com"),
    concat!("index.", "crates.io"),
    concat!("static.", "crates.io"),
    concat!("pypi", ".org"),
    concat!("deb.", "debian.org"),
    concat!("/ro", "ot/"),
    concat!("/Use", "rs/"),
];

/// A debt has an owner: `word(name)`.
pub(crate) fn ownerless(path: &str, text: &str) -> Vec<String> {
    find(path, text, |line| {
        OWED.iter().find_map(|word| {
            let rest = line.split_once(word)?.1;
            let owner = rest.strip_prefix('(').and_then(|rest| rest.split_once(')'));
            let owned = owner.is_some_and(|(name, _)| !name.trim().is_empty());
            (!owned).then(|| format!("{word} without an owner: {word}(name)"))
        })
    })
}

/// Lock files name no registry and scripts no machine.
pub(crate) fn places(path: &str, text: &str) -> Vec<String> {
    find(path, text, |line| {
        PLACES.iter().find(|place| line.contains(**place)).map(|place| format!("names {place}"))
    })
}

/// The first words of a file say what it is.
pub(crate) fn unopened(path: &str, text: &str) -> Vec<String> {
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    let opened = match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("rs") => first.starts_with("//! "),
        Some("sql") => first.starts_with("-- "),
        _ if path.starts_with("scripts/infra/") => first.starts_with("# "),
        _ => {
            let second = lines.next().unwrap_or_default();
            first.starts_with("#!") && (second.starts_with("# ") || second.starts_with("// "))
        }
    };
    if opened { vec![] } else { vec![format!("{path}:1: does not open with what it is")] }
}

fn find(path: &str, text: &str, check: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let found = text.lines().enumerate();
    found.filter_map(|(n, line)| Some(format!("{path}:{}: {}", n + 1, check(line)?))).collect()
}

#[test]
fn a_debt_without_an_owner_is_found() {
    let [word, other] = OWED;
    assert_eq!(ownerless("a", &format!("x\n// {word}: later")).len(), 1);
    assert_eq!(ownerless("a", &format!("// {word}()\n// {other}")).len(), 2);
    assert_eq!(ownerless("a", &format!("// {word}(ada): later")).len(), 0);
}

#[test]
fn a_registry_is_found() {
    for place in PLACES {
        assert_eq!(places("a", &format!("\"resolved\": \"https://{place}x\"")).len(), 1);
    }
    assert_eq!(places("a", "https://example.com/x").len(), 0);
}

#[test]
fn a_file_without_an_opening_is_found() {
    assert_eq!(unopened("a.rs", "use std::fmt;").len(), 1);
    assert_eq!(unopened("a.rs", "//! A file.\n").len(), 0);
    assert_eq!(unopened("a.sql", "create table link ();").len(), 1);
    assert_eq!(unopened("scripts/a", "#!/usr/bin/env bash\nset -e").len(), 1);
    assert_eq!(unopened("scripts/a", "#!/usr/bin/env bash\n# A script.").len(), 0);
    assert_eq!(unopened("scripts/infra/a.service", "[Unit]").len(), 1);
    assert_eq!(unopened("scripts/infra/a.service", "# A unit.\n[Unit]").len(), 0);
}
