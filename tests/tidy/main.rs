//! The style as tests: what a reviewer would otherwise have to say twice.
//!
//! Invariant: every check is a function over text, with a test beside it that shows it failing.
//! Refuses to look at anything that is not tracked, and to mend what it finds.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "tests")]

mod bindings;
mod boundaries;
mod sizes;
mod words;

use std::path::{Path, PathBuf};
use std::process::Command;

/// A tracked file: its path from the root, whether it may be executed, its text.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) executable: bool,
    pub(crate) text: String,
}

impl Source {
    pub(crate) fn is(&self, extension: &str) -> bool {
        self.path.rsplit_once('.').is_some_and(|(_, found)| found == extension)
    }

    pub(crate) fn is_script(&self) -> bool {
        !self.is_template() && (self.path.starts_with("scripts/") || self.path.starts_with(".ci/"))
    }

    /// What `scripts/deploy` hands out.
    pub(crate) fn is_template(&self) -> bool {
        self.path.starts_with("scripts/infra/")
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every tracked file that is text and still there.
fn sources() -> Vec<Source> {
    let listed = Command::new("git")
        .args(["ls-files", "--stage", "-z"])
        .current_dir(root())
        .output()
        .expect("git lists the files");
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let listed = String::from_utf8(listed.stdout).expect("paths in UTF-8");
    listed
        .split_terminator('\0')
        .filter_map(|line| {
            let (mode, path) = (line.get(..6)?, line.split_once('\t')?.1);
            let text = std::fs::read_to_string(root().join(path)).ok()?;
            Some(Source { path: path.to_owned(), executable: mode == "100755", text })
        })
        .collect()
}

/// What `check` finds in the files that `of` chooses; a choice of nothing is a mistake in the test.
fn none(of: impl Fn(&Source) -> bool, check: impl Fn(&Source) -> Vec<String>) {
    let chosen: Vec<Source> = sources().into_iter().filter(of).collect();
    assert!(!chosen.is_empty(), "the check looks at no file");
    settle(chosen.iter().flat_map(check).collect());
}

fn settle(findings: Vec<String>) {
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

#[test]
fn shared_stays_pure() {
    none(
        |file| file.path.starts_with("shared/src/") && file.is("rs"),
        |file| boundaries::impure(&file.path, &file.text),
    );
}

#[test]
fn crates_keep_apart() {
    none(
        |file| file.path.ends_with("/Cargo.toml"),
        |file| boundaries::depends(&file.path, &file.text),
    );
}

#[test]
fn products_keep_apart() {
    none(|file| file.is("rs"), |file| boundaries::neighbours(&file.path, &file.text));
}

#[test]
fn wire_types_have_the_same_size_everywhere() {
    none(
        |file| file.path.starts_with("shared/src/") && file.is("rs"),
        |file| boundaries::machine_sized(&file.path, &file.text),
    );
}

#[test]
fn sizes_only_shrink() {
    settle(sizes::ratchet(&sources(), sizes::EXCEPTIONS));
}

#[test]
fn bindings_are_stated_and_used() {
    let sources = sources();
    let manifest = sources.iter().find(|file| file.path == "wrangler.toml").expect("wrangler.toml");
    let edge: Vec<&Source> =
        sources.iter().filter(|file| file.path.starts_with("edge/src/")).collect();
    settle(bindings::mismatch(&manifest.text, edge.iter().map(|file| file.text.as_str())));
}

#[test]
fn nothing_is_left_without_an_owner() {
    none(|_| true, |file| words::ownerless(&file.path, &file.text));
}

#[test]
fn no_place_of_a_machine_is_named() {
    none(|_| true, |file| words::places(&file.path, &file.text));
}

#[test]
fn files_say_what_they_are() {
    none(
        |file| file.is("rs") || file.is("sql") || file.is_script() || file.is_template(),
        |file| words::unopened(&file.path, &file.text),
    );
}

#[test]
fn scripts_can_be_executed() {
    none(
        |file| file.is_script(),
        |file| {
            let why = format!("{}: is a command and cannot be executed", file.path);
            if file.executable { vec![] } else { vec![why] }
        },
    );
}
