//! wrangler.toml and the edge name the same things: bindings, variables, secrets, objects.
//!
//! Refuses to parse TOML in general: it reads one `key = value` a line, as the file is written.

use std::collections::BTreeSet;

/// In capitals and in quotes at the edge, and yet no binding.
const NO_BINDINGS: [&str; 5] = ["HEAD", "POST", "PATCH", "DELETE", "OPTIONS"];

#[derive(Default)]
struct Stated {
    names: BTreeSet<String>,
    classes: BTreeSet<String>,
    migrated: BTreeSet<String>,
}

/// Every text in quotes on a line.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('"').skip(1).step_by(2)
}

fn stated(manifest: &str) -> Stated {
    let mut section = "";
    let mut stated = Stated::default();
    for line in manifest.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        if line.starts_with('[') {
            section = line.trim_matches(['[', ']']);
            continue;
        }
        let Some((key, value)) = line.split_once('=') else { continue };
        let values = quoted(value).map(str::to_owned);
        match (section, key.trim()) {
            ("vars", name) => stated.names.extend([name.to_owned()]),
            (_, "binding") | ("secrets", "required") => stated.names.extend(values),
            ("durable_objects.bindings" | "services", "name") => stated.names.extend(values),
            ("durable_objects.bindings", "class_name") => stated.classes.extend(values),
            ("migrations", "new_sqlite_classes") => stated.migrated.extend(values),
            _ => {}
        }
    }
    stated
}

/// `NAME` in capitals, four letters or more, as a literal of Rust or as `env.NAME` of JavaScript.
fn used(code: &str) -> BTreeSet<String> {
    let capitals = |text: &&str| {
        let of = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        text.len() > 3 && text.starts_with(|c: char| c.is_ascii_uppercase()) && text.chars().all(of)
    };
    let end =
        |text: &str| text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    code.lines()
        .take_while(|line| line.trim() != "#[cfg(test)]")
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| {
            let fields = line.split("env.").skip(1).map(|rest| &rest[..end(rest)]);
            quoted(line).chain(fields).filter(capitals).map(str::to_owned).collect::<Vec<_>>()
        })
        .collect()
}

pub(crate) fn mismatch<'a>(manifest: &str, edge: impl Iterator<Item = &'a str>) -> Vec<String> {
    let stated = stated(manifest);
    let edge: Vec<&str> = edge.collect();
    let used: BTreeSet<String> = edge.iter().flat_map(|code| used(code)).collect();
    let known = |name: &str| stated.names.contains(name) || NO_BINDINGS.contains(&name);
    // Durations have names and defaults in `shared::config`; cargo's are known when it builds.
    let elsewhere = |name: &str| {
        ["SELVEDGE_", "CARGO_", "OUT_DIR"].iter().any(|prefix| name.starts_with(prefix))
    };
    let declared = |class: &str| {
        edge.iter().any(|code| {
            let item = format!("struct {class}");
            code.match_indices(&item)
                .any(|(at, _)| !code[at + item.len()..].starts_with(char::is_alphanumeric))
        })
    };
    let unused = stated.names.difference(&used).map(|name| format!("{name}: stated, not used"));
    let unstated = used
        .iter()
        .filter(|name| !known(name) && !elsewhere(name))
        .map(|name| format!("{name}: used at the edge, not stated in wrangler.toml"));
    let without_class = stated.classes.iter().filter(|class| !declared(class));
    let without_class = without_class.map(|class| format!("{class}: no such object at the edge"));
    let unmigrated = stated.classes.symmetric_difference(&stated.migrated);
    let unmigrated = unmigrated.map(|class| format!("{class}: bound or migrated, not both"));
    unused.chain(unstated).chain(without_class).chain(unmigrated).collect()
}

#[cfg(test)]
const MANIFEST: &str = r#"
name = "x"
[vars]
ORIGIN_URL = "http://127.0.0.1:1"
[secrets]
required = ["KEY_A", "KEY_B"]
[[kv_namespaces]]
binding = "REGISTERS"
[[durable_objects.bindings]]
name = "HOME"
class_name = "Home"
[[migrations]]
tag = "links"
new_sqlite_classes = ["Home"]
"#;

#[cfg(test)]
const EDGE: &str = r#"
const KEYS: [&str; 2] = ["KEY_A", "KEY_B"];
pub struct Home { }
fn f() { env.kv("REGISTERS"); env.var("ORIGIN_URL"); if method == "POST" {} env.var("SELVEDGE_X"); }
inline_js = "export const f = (env) => env.HOME.get()"
"#;

#[test]
fn what_agrees_is_left_alone() {
    assert_eq!(mismatch(MANIFEST, [EDGE].into_iter()), Vec::<String>::new());
}

#[test]
fn what_only_one_side_names_is_found() {
    for (manifest, edge) in [
        (MANIFEST.replace("REGISTERS", "OTHER"), EDGE.to_owned()),
        (MANIFEST.to_owned(), EDGE.replace("\"KEY_B\"", "\"\"")),
        (MANIFEST.to_owned(), EDGE.replace("struct Home ", "struct Homes ")),
        (MANIFEST.to_owned(), EDGE.replace("\"POST\"", "\"BUCKET\"")),
        (MANIFEST.replace("[\"Home\"]", "[]"), EDGE.to_owned()),
    ] {
        assert!(!mismatch(&manifest, [edge.as_str()].into_iter()).is_empty(), "{manifest}{edge}");
    }
}
