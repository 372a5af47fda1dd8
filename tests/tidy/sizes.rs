//! Sizes as a ratchet: what is within a bound stays there, what is not may only shrink.
//!
//! Refuses an exception that has become wrong: too large for its file, or no longer needed.

use super::Source;

const LINE_COLUMNS_MAX: usize = 100;
const FILE_LINES_MAX: usize = 400;
const FUNCTION_LINES_MAX: usize = 70;

/// `(path, what, size)`, the size as it is. Lowering one is progress; adding or raising one is not.
pub(crate) const EXCEPTIONS: &[(&str, What, usize)] = &[];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Line,
    File,
    Function,
}

impl What {
    fn max(self) -> usize {
        match self {
            Self::Line => LINE_COLUMNS_MAX,
            Self::File => FILE_LINES_MAX,
            Self::Function => FUNCTION_LINES_MAX,
        }
    }
}

/// The largest of each kind, with the line it begins at.
fn largest(file: &Source) -> Vec<(What, usize, usize)> {
    let lines: Vec<&str> = file.text.lines().collect();
    let mut found = vec![(What::File, lines.len(), 1)];
    if file.is("rs") {
        let widths = lines.iter().enumerate().map(|(n, line)| (line.chars().count(), n + 1));
        let (columns, at) = widths.max().unwrap_or_default();
        found.push((What::Line, columns, at));
        let functions =
            (0..lines.len()).filter_map(|n| Some((function_lines(lines.get(n..)?)?, n + 1)));
        let (length, at) = functions.max().unwrap_or_default();
        found.push((What::Function, length, at));
    }
    found
}

/// The length of the function that begins at the first of `lines`, as rustfmt lays one out.
fn function_lines(lines: &[&str]) -> Option<usize> {
    let first = lines.first()?;
    let inner = first.trim_start();
    let indent = first.len() - inner.len();
    let (before, _) = inner.split_once("fn ")?;
    let qualifiers = ["", "pub", "pub(crate)", "pub(super)", "const", "async", "unsafe", "extern"];
    if !before.split(' ').all(|word| qualifiers.contains(&word)) {
        return None;
    }
    let body = lines.iter().position(|line| line.ends_with(['{', ';', '}']))?;
    if !lines.get(body)?.ends_with('{') {
        return Some(body + 1);
    }
    let close = format!("{}}}", " ".repeat(indent));
    Some(lines.iter().position(|line| *line == close)? + 1)
}

/// Only what people write: neither data nor what a tool makes.
fn is_measured(file: &Source) -> bool {
    let written = ["rs", "js", "mjs", "sql", "css", "html"].iter().any(|kind| file.is(kind));
    written || file.is_script()
}

pub(crate) fn ratchet(files: &[Source], exceptions: &[(&str, What, usize)]) -> Vec<String> {
    let mut found = vec![];
    for file in files.iter().filter(|file| is_measured(file)) {
        for (what, size, at) in largest(file) {
            let place = format!("{}:{at}: {what:?} of {size}", file.path);
            let known = exceptions.iter().find(|(path, of, _)| *path == file.path && *of == what);
            match known {
                None if size > what.max() => found.push(format!("{place}, at most {}", what.max())),
                Some((_, _, was)) if size > *was => {
                    found.push(format!("{place}, has grown from {was}"))
                }
                Some(_) if size <= what.max() => found.push(format!("{place}, needs no exception")),
                Some((_, _, was)) if size < *was => {
                    found.push(format!("{place}, lower it from {was}"))
                }
                _ => {}
            }
        }
    }
    for (path, _, _) in exceptions {
        if !files.iter().any(|file| file.path == *path) {
            found.push(format!("{path}: is gone, and so should be its exception"));
        }
    }
    found
}

#[cfg(test)]
fn source(path: &str, text: String) -> Source {
    Source { path: path.to_owned(), executable: false, text }
}

#[test]
fn what_is_too_large_is_found() {
    let wide = source("a.rs", format!("//! {}", "x".repeat(LINE_COLUMNS_MAX)));
    assert_eq!(ratchet(&[wide], &[]).len(), 1);
    let long = source("scripts/a", "# x\n".repeat(FILE_LINES_MAX + 1));
    assert_eq!(ratchet(&[long], &[]).len(), 1);
    let body = "        x();\n".repeat(FUNCTION_LINES_MAX - 1);
    let text = format!(
        "impl A {{\n    pub(crate) async fn a(\n        &self,\n    ) {{\n{body}    }}\n}}"
    );
    assert_eq!(ratchet(&[source("a.rs", text)], &[]).len(), 1);
}

#[test]
fn what_is_within_its_bounds_is_left_alone() {
    let body = "    x();\n".repeat(FUNCTION_LINES_MAX - 2);
    let text = format!("trait A {{\n    fn a(&self);\n}}\nfn b() {{\n{body}}}\nfn c() {{}}\n");
    assert_eq!(ratchet(&[source("a.rs", text)], &[]), Vec::<String>::new());
    assert_eq!(ratchet(&[source("data.json", "\n".repeat(9999))], &[]), Vec::<String>::new());
}

#[test]
fn an_exception_only_shrinks() {
    let file = |lines| vec![source("a.sql", "-- x\n".repeat(lines))];
    let known = |size| [("a.sql", What::File, size)];
    assert_eq!(ratchet(&file(500), &known(500)), Vec::<String>::new());
    assert_eq!(ratchet(&file(501), &known(500)).len(), 1, "grown");
    assert_eq!(ratchet(&file(499), &known(500)).len(), 1, "shrunk, not lowered");
    assert_eq!(ratchet(&file(400), &known(500)).len(), 1, "no longer needed");
    assert_eq!(ratchet(&[], &known(500)).len(), 1, "gone");
}
