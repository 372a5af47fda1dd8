//! Which crate and which product may know which: `edge → shared ← origin`, no product another.
//!
//! Refuses to understand Rust: it reads lines as rustfmt leaves them, comments and the tests at the
//! end of a file apart.

/// In the order of the design.
const PRODUCTS: [&str; 11] = [
    "links", "limits", "feed", "chat", "rides", "files", "video", "notify", "kv", "cache",
    "payments",
];

/// Files that know every product, because they are their table of contents.
const CONTENTS: [&str; 5] = ["lib", "main", "router", "route", "openapi"];

/// What makes an answer depend on where, when or in which order it was asked.
const IMPURE: [&str; 12] = [
    "std::",
    "extern crate std",
    "HashMap",
    "HashSet",
    "async ",
    ".await",
    "SystemTime",
    "Instant",
    "getrandom",
    "OsRng",
    "rand::",
    "thread::",
];

/// The lines that are shipped, with their numbers.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .take_while(|(_, line)| line.trim() != "#[cfg(test)]")
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(n, line)| (n + 1, line))
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Whether `word` stands in `line` by itself, not as a part of another word.
fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let part = |c: Option<char>, end: bool| end && c.is_some_and(is_word);
        !part(before, word.starts_with(is_word)) && !part(after, word.ends_with(is_word))
    })
}

/// `shared` never awaits, never asks the time, never draws, never iterates in an unknown order.
pub(crate) fn impure(path: &str, text: &str) -> Vec<String> {
    let says = |line: &str| IMPURE.iter().find(|word| has_word(line, word));
    code(text)
        .filter_map(|(n, line)| Some(format!("{path}:{n}: shared has no {}", says(line)?.trim())))
        .collect()
}

/// The edge and the origin do not know each other, and `shared` knows neither.
pub(crate) fn depends(path: &str, manifest: &str) -> Vec<String> {
    let refused: &[&str] = match path.split('/').next() {
        Some("edge") => &["origin"],
        Some("origin") => &["edge"],
        Some("shared") => &["edge", "origin"],
        _ => &[],
    };
    let mut section = "";
    let mut found = vec![];
    for (n, line) in manifest.lines().enumerate() {
        let line = line.trim();
        if line.starts_with('[') {
            section = line.trim_matches(['[', ']']);
        }
        let name = match section.rsplit_once("dependencies") {
            Some((_, table)) if line.starts_with('[') => table.trim_start_matches('.'),
            Some((_, "")) => line.split(['.', '=', ' ']).next().unwrap_or_default(),
            _ => continue,
        };
        if refused.contains(&name) {
            found.push(format!("{path}:{}: depends on {name}", n + 1));
        }
    }
    found
}

/// The product that a file belongs to: `shared/src/links/wire.rs` and `edge/src/links.rs` to links.
fn product(path: &str) -> Option<&'static str> {
    let inside = path.split_once("/src/")?.1;
    let name = inside.split(['/', '.']).next()?;
    PRODUCTS.into_iter().find(|product| *product == name)
}

/// No product imports another. The routers and what lists everything may; the guard may ask limits.
pub(crate) fn neighbours(path: &str, text: &str) -> Vec<String> {
    let Some(own) = product(path) else { return vec![] };
    let file = path.rsplit(['/']).next().unwrap_or_default();
    if CONTENTS.contains(&file.trim_end_matches(".rs")) {
        return vec![];
    }
    let mut inside_group = false;
    let mut found = vec![];
    for (n, line) in code(text) {
        inside_group |= ["use crate::{", "use shared::{"].iter().any(|start| line.contains(start));
        let named = PRODUCTS.into_iter().filter(|other| *other != own).find(|other| {
            let paths = [format!("crate::{other}"), format!("shared::{other}")];
            paths.iter().any(|path| has_word(line, path)) || inside_group && has_word(line, other)
        });
        found.extend(named.map(|other| format!("{path}:{n}: {own} imports {other}")));
        inside_group &= !line.contains(';');
    }
    found
}

/// `usize` has four bytes in the Worker and eight at the origin: nothing that is sent has one.
pub(crate) fn machine_sized(path: &str, text: &str) -> Vec<String> {
    let mut derives = false;
    let mut inside = false;
    let mut found = vec![];
    for (n, line) in code(text) {
        let item = line.contains("struct ") || line.contains("enum ");
        derives |= has_word(line, "Serialize") || has_word(line, "Deserialize");
        inside |= derives && item;
        if inside && ["usize", "isize"].iter().any(|word| has_word(line, word)) {
            found.push(format!("{path}:{n}: a machine's own size in a type that is sent"));
        }
        // rustfmt ends an item, and what an attribute could belong to, with a line of its own.
        if line == "}" || line.ends_with(';') || item && line.ends_with('}') {
            (derives, inside) = (false, false);
        }
    }
    found
}

#[test]
fn an_impurity_is_found() {
    for line in ["use std::fmt;", "let m: HashMap<u8, u8>;", "x.await", "let t = Instant::now();"] {
        assert_eq!(impure("a", line).len(), 1, "{line}");
    }
    let harmless = "// std::fmt\nuse core::fmt;\nlet instantly = 1;\n#[cfg(test)]\nuse std::fmt;";
    assert_eq!(impure("a", harmless), Vec::<String>::new());
}

#[test]
fn a_forbidden_dependency_is_found() {
    for manifest in [
        "[dependencies]\norigin.workspace = true",
        "[dev-dependencies]\norigin = { path = \"../origin\" }",
        "[dependencies.origin]\npath = \"../origin\"",
    ] {
        assert_eq!(depends("edge/Cargo.toml", manifest).len(), 1, "{manifest}");
    }
    assert_eq!(depends("shared/Cargo.toml", "[dependencies]\nedge = \"1\"").len(), 1);
    let own = "[package]\nname = \"origin\"\n[dependencies]\nshared = \"1\"\norigin-x = \"1\"";
    assert_eq!(depends("edge/Cargo.toml", own), Vec::<String>::new());
}

#[test]
fn a_neighbour_is_found() {
    let path = "shared/src/links/wire.rs";
    for text in [
        "use crate::feed::Post;",
        "let x = crate::kv::Ring::new();",
        "use crate::{\n    cache,\n    id::Id,\n};",
        "use shared::{id, payments::Money};",
    ] {
        assert_eq!(neighbours(path, text).len(), 1, "{text}");
    }
    assert_eq!(neighbours("edge/src/links.rs", "use shared::limits::Policy;").len(), 1);
    let allowed =
        "use crate::links::wire;\nuse crate::{id, links::code};\nlet kv = 1;\n// crate::kv";
    assert_eq!(neighbours(path, allowed), Vec::<String>::new());
    assert_eq!(neighbours("edge/src/router.rs", "use shared::feed;"), Vec::<String>::new());
}

#[test]
fn a_machine_sized_field_is_found() {
    let sent = "#[derive(Serialize)]\npub struct A {\n    pub n: usize,\n}";
    assert_eq!(machine_sized("a", sent).len(), 1);
    assert_eq!(machine_sized("a", "#[derive(Deserialize)]\nstruct A(isize);").len(), 1);
    let kept =
        "#[derive(Serialize)]\nstruct A;\nconst MAX: usize = 1;\nstruct B {\n    n: usize,\n}";
    assert_eq!(machine_sized("a", kept), Vec::<String>::new());
}
