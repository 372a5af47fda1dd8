//! README.md against the code: its tables are made from it, and what it names exists.
//!
//! Invariant: what stands between two markers is never written by hand:
//! `UPDATE_README=1 cargo test -p shared --test golden readme` writes it anew.

use shared::config::Durations;
use shared::route::{Access, ROUTES, Route, Side};
use std::collections::BTreeSet;
use std::path::Path;
use std::{env, fs};

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path))
        .unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Holds what stands between the markers of `name` against `table`, or writes it.
fn stands(name: &str, table: &str) {
    let readme = read("README.md");
    let (begin, end) = (format!("<!-- {name}: begin -->\n"), format!("<!-- {name}: end -->"));
    let (before, rest) = readme.split_once(&begin).expect("the table's first marker");
    let (stated, after) = rest.split_once(&end).expect("the table's last marker");
    if stated == table {
        return;
    }
    let how = "UPDATE_README=1 cargo test -p shared --test golden readme";
    assert!(env::var_os("UPDATE_README").is_some(), "the table of {name} differs; run\n  {how}");
    // Whoever reads it meanwhile finds the old one or the new one.
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let new = path.with_extension("new");
    fs::write(&new, format!("{before}{begin}{table}{end}{after}")).unwrap();
    fs::rename(new, path).unwrap();
}

fn row(route: &Route) -> String {
    let Route { method, path, side, access, summary, response: (status, body), query, .. } = route;
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    let side = match side {
        Side::Edge => "edge",
        Side::Through => "edge → origin",
        Side::Origin => "origin",
    };
    let who = match access {
        Access::Public => "anyone".into(),
        Access::Scope(scope) => format!("`{scope}`"),
        Access::Service => "a service key".into(),
        Access::Operator => "the operator".into(),
        Access::Signed => "the other side".into(),
    };
    let body = if body.is_empty() { String::new() } else { format!(" `{body}`") };
    format!("| `{method} {path}{query}` | {side} | {who} | {status}{body} | {summary} |\n")
}

/// Variable, default and meaning of every duration, as `shared/src/config.rs` states them.
fn durations() -> Vec<(String, String, String)> {
    let text = read("shared/src/config.rs");
    let (_, text) = text.split_once("\ndurations! {\n").unwrap();
    let (text, _) = text.split_once("\n}\n").unwrap();
    let mut defaults = Durations::default().values().into_iter();
    let mut about = String::new();
    let mut all = vec![];
    for line in text.lines().map(str::trim) {
        if let Some(words) = line.strip_prefix("///") {
            about.push_str(words);
            continue;
        }
        let name = line.split('"').nth(1).unwrap();
        let default = grouped(defaults.next().unwrap());
        all.push((name.into(), default, std::mem::take(&mut about).trim().into()));
    }
    all
}

/// `86,400,000`
fn grouped(number: u64) -> String {
    match number {
        0..1_000 => number.to_string(),
        _ => format!("{},{:03}", grouped(number / 1_000), number % 1_000),
    }
}

/// The texts in quotes of the code that is shipped.
fn quoted(code: &str) -> impl Iterator<Item = &str> {
    code.split("#[cfg(test)]").next().unwrap_or_default().split('"').skip(1).step_by(2)
}

fn is_variable(text: &str) -> bool {
    text.len() > 3
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}

#[test]
fn its_tables_are_made_from_the_code() {
    let head = "| call | served by | who may | answer | what |\n|---|---|---|---|---|\n";
    stands("routes", &format!("{head}{}", ROUTES.iter().map(row).collect::<String>()));
    let all = durations();
    let names: Vec<&str> = all.iter().map(|(name, ..)| name.as_str()).collect();
    assert_eq!(names, Durations::NAMES);
    let row = |(name, default, about): &(String, String, String)| {
        format!("| `{name}` | {default} | {about} |\n")
    };
    let head = "| variable | ms | what |\n|---|---|---|\n";
    stands("durations", &format!("{head}{}", all.iter().map(row).collect::<String>()));
}

#[test]
fn every_variable_is_explained() {
    let readme = read("README.md");
    let (config, example) =
        (read("origin/src/config.rs"), read("scripts/infra/origin.env.example"));
    let at_the_origin: BTreeSet<&str> = quoted(&config).filter(|text| is_variable(text)).collect();
    for name in &at_the_origin {
        assert!(example.contains(&format!("{name}=")), "{name} is not in origin.env.example");
    }
    let (edge, manifest) = (read(".dev.vars.example"), read("wrangler.toml"));
    let assigned = [&edge, &manifest, &example].map(|text| {
        let names = text.lines().filter_map(|line| line.trim_start_matches('#').split_once('='));
        names.map(|(name, _)| name.trim()).filter(|name| is_variable(name)).collect::<Vec<_>>()
    });
    assert!(assigned.iter().all(|names| !names.is_empty()));
    for name in at_the_origin.into_iter().chain(assigned.into_iter().flatten()) {
        assert!(readme.contains(&format!("`{name}`")), "README.md does not explain {name}");
    }
}

#[test]
fn every_metric_is_named() {
    let (readme, code) = (read("README.md"), read("origin/src/telemetry.rs"));
    let calls = code.split("all.register").skip(1);
    let names: Vec<&str> = calls.filter_map(|call| quoted(call).next()).collect();
    assert!(names.len() > 5, "{names:?}");
    for name in
        names.iter().filter(|name| name.bytes().all(|b| b == b'_' || b.is_ascii_lowercase()))
    {
        assert!(readme.contains(&format!("`{name}")), "README.md does not name the metric {name}");
    }
}

#[test]
fn what_it_points_at_exists() {
    let readme = read("README.md");
    let top = ["shared/", "edge/", "origin/", "tests/", "scripts/"];
    let code = readme.split('`').skip(1).step_by(2).flat_map(str::split_whitespace);
    let is_path = |word: &&str| {
        top.iter().any(|top| word.starts_with(top)) && !word.contains(['*', '{', '…', '<'])
    };
    let mut count = 0;
    for path in code.filter(is_path) {
        let at = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
        assert!(at.exists(), "README.md points at {path}, which is not there");
        count += 1;
    }
    assert!(count > 20, "only {count} paths were looked at");
}

fn files(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: std::path::PathBuf| match path.is_dir() {
        true => files(&path),
        false => fs::read_to_string(path).into_iter().collect(),
    };
    entries.flat_map(read).collect()
}

#[test]
fn the_tests_that_it_names_are_there() {
    let readme = read("README.md");
    let tests = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests"));
    let is_name = |word: &&str| {
        let plain = |b: u8| b == b'_' || b.is_ascii_lowercase() || b.is_ascii_digit();
        word.matches('_').count() > 2 && !word.ends_with("_ms") && word.bytes().all(plain)
    };
    let named: Vec<&str> = readme.split('`').skip(1).step_by(2).filter(is_name).collect();
    assert!(named.len() > 2, "{named:?}");
    for name in named {
        let item = format!("fn {name}(");
        assert!(tests.iter().any(|text| text.contains(&item)), "README.md names the test {name}");
    }
}
