//! Rules of style that a compiler doesn't know.

use crate::files::{Source, has_ending};
use crate::paths::{declared_for_tests, module_of, named};
use crate::tokens::{Kind, Token, tokens};

const LONGEST_FILE: usize = 500;

/// Files that people read and write; what a tool generates may be as long as it likes.
const WRITTEN: &[&str] = &["rs", "sh", "js", "mjs", "css", "sql", "toml"];

/// Every module tells what it is for, in a sentence at least.
pub fn without_opening(sources: &[Source]) -> Vec<String> {
    let silent = sources.iter().filter(|source| {
        let lines = source.text.lines().take_while(|line| line.starts_with("//!"));
        let words = lines.flat_map(|line| line.trim_start_matches("//!").split_whitespace()).count();
        words < 4
    });
    silent.map(|source| format!("{}: open with `//!`: what it is for, what it must never do", source.path)).collect()
}

pub fn too_long(sources: &[Source]) -> Vec<String> {
    let written = sources.iter().filter(|s| WRITTEN.iter().any(|ending| has_ending(&s.path, ending)));
    let counted = written.map(|source| (source, source.text.lines().count()));
    let long = counted.filter(|(_, lines)| *lines > LONGEST_FILE);
    long.map(|(source, lines)| format!("{}: {lines} lines, {LONGEST_FILE} at most: split it by noun", source.path))
        .collect()
}

/// `#[allow(…)]` in any form; `#[expect(…, reason = "…")]` says why, and fails when it has become needless.
pub fn allow_attributes(sources: &[Source]) -> Vec<String> {
    let mut faults = Vec::new();
    for source in sources.iter().filter(|s| s.is_rust()) {
        for line in attribute_words(&tokens(&source.text), "allow") {
            faults.push(format!("{}:{line}: use #[expect(…, reason = \"…\")]", source.path));
        }
    }
    faults
}

/// Lines of attributes that call `word(`.
fn attribute_words(tokens: &[Token], word: &str) -> Vec<usize> {
    let mut found = Vec::new();
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        let before = |back: usize| at.checked_sub(back).and_then(|i| tokens.get(i));
        let opens = before(1).is_some_and(|t| t.is("#"))
            || (before(1).is_some_and(|t| t.is("!")) && before(2).is_some_and(|t| t.is("#")));
        if token.is("[") && (depth > 0 || opens) {
            depth += 1;
        } else if token.is("]") {
            depth = depth.saturating_sub(1);
        } else if depth > 0 && token.word() == Some(word) && tokens.get(at + 1).is_some_and(|t| t.is("(")) {
            found.push(token.line);
        }
    }
    found
}

/// The ground floor does no I/O; it takes clock and randomness as parameters.
pub fn kernel_io(sources: &[Source]) -> Vec<String> {
    let mut faults = Vec::new();
    let for_tests = declared_for_tests(sources);
    let in_kernel = sources.iter().filter(|s| s.path.starts_with("src/core/kernel/"));
    for source in in_kernel.filter(|s| !for_tests.contains(&module_of(&s.path))) {
        for path in named(source).iter().filter(|path| !path.in_tests) {
            let outside = matches!(path.segment(0), "tokio" | "sqlx" | "ring" | "rand");
            let world =
                path.segment(0) == "std" && matches!(path.segment(1), "fs" | "net" | "env" | "process" | "thread");
            if outside || world {
                faults.push(format!("{}:{}: {} on the ground floor", source.path, path.line, path.segments.join("::")));
            }
        }
    }
    faults
}

/// ALL the SQL of a domain stands in its rows; nobody else outside the core writes any.
pub fn sql_outside_rows(sources: &[Source]) -> Vec<String> {
    let mut faults = Vec::new();
    for source in sources.iter().filter(|s| s.in_src() && !s.path.starts_with("src/core/")) {
        if source.file_name().starts_with("rows") || source.path.contains("/rows/") {
            continue;
        }
        for token in tokens(&source.text) {
            if let Kind::Text(text) = &token.kind
                && is_statement(text)
            {
                faults.push(format!("{}:{}: SQL outside of the rows", source.path, token.line));
            }
        }
    }
    faults
}

fn is_statement(text: &str) -> bool {
    let words: Vec<&str> = text.split_whitespace().take(400).collect();
    let has = |word: &str| words.contains(&word);
    match words.first().copied() {
        Some("SELECT" | "DELETE") => has("FROM"),
        Some("INSERT") => has("INTO"),
        Some("UPDATE") => has("SET"),
        Some("WITH") => has("SELECT"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silent_modules_are_found() {
        let faults = |text: &str| without_opening(&[Source::new("src/x.rs", text)]).len();
        assert_eq!(faults("//! Ids are made here.\n"), 0);
        assert_eq!(faults("//! To be filled.\nuse x;"), 1);
        assert_eq!(faults("use x; //! late, and no opening at all"), 1);
    }

    #[test]
    fn long_files_are_found() {
        let lines = |count: usize| vec![Source::new("src/x.rs", &"x\n".repeat(count))];
        assert_eq!(too_long(&lines(500)).len(), 0);
        assert_eq!(too_long(&lines(501)).len(), 1);
    }

    #[test]
    fn allow_is_found_in_attributes_only() {
        let faults = |text: &str| allow_attributes(&[Source::new("src/x.rs", text)]).len();
        assert_eq!(faults("#[allow(dead_code)] fn f() {}"), 1);
        assert_eq!(faults("#![allow(dead_code)]"), 1);
        assert_eq!(faults("#[cfg_attr(test, allow(dead_code))]"), 1);
        assert_eq!(faults("fn f() { policy.allow(x); allow(y); [allow(z)]; } // #[allow(x)]"), 0);
    }

    #[test]
    fn the_kernel_does_no_io() {
        let faults = |text: &str| kernel_io(&[Source::new("src/core/kernel/x.rs", text)]).len();
        assert_eq!(faults("use std::fs::read;"), 1);
        assert_eq!(faults("fn f() { std::env::var(\"X\") }"), 1);
        let for_tests = Source::new("src/core/kernel/mod.rs", "#[cfg(test)]\nmod x;");
        assert_eq!(kernel_io(&[for_tests, Source::new("src/core/kernel/x.rs", "use std::fs::read;")]).len(), 0);
        assert_eq!(faults("use std::fmt; mod tests { use std::fs; }"), 0);
    }

    #[test]
    fn sql_is_found_outside_of_rows() {
        let text = "const X: &str = \"SELECT id\n FROM customers\";";
        assert_eq!(sql_outside_rows(&[Source::new("src/customers/service.rs", text)]).len(), 1);
        assert_eq!(sql_outside_rows(&[Source::new("src/customers/rows.rs", text)]).len(), 0);
        assert_eq!(
            sql_outside_rows(&[Source::new("src/customers/api.rs", "const X: &str = \"UPDATE a customer\";")]).len(),
            0
        );
    }
}
