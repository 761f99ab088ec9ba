//! Which items a source file names, as full paths from the crate's name on.
//!
//! Follows `use` trees, aliases, `crate`, `self`, `super` and modules written inside a file; so a path cannot hide
//! behind an import of the module that holds it.

use std::collections::BTreeMap;

use crate::files::Source;
use crate::tokens::{Token, tokens};

/// A path and the line that names it: `kluis_core::store::Db`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    pub segments: Vec<String>,
    pub line: usize,
    /// Named by a test.
    pub in_tests: bool,
}

impl Named {
    pub fn segment(&self, at: usize) -> &str {
        self.segments.get(at).map_or("", String::as_str)
    }
}

/// The module that a file is: `src/core/kernel/id.rs` is `kluis_core::kernel::id`.
pub fn module_of(path: &str) -> Vec<String> {
    let (krate, inside) = match path.strip_prefix("src/core/") {
        Some(inside) => ("kluis_core", inside),
        None => ("kluis", path.strip_prefix("src/").unwrap_or(path)),
    };
    if krate == "kluis" && inside == "main.rs" {
        return vec!["main".to_owned()];
    }
    let mut segments = vec![krate.to_owned()];
    segments.extend(inside.trim_end_matches(".rs").split('/').map(str::to_owned));
    if matches!(segments.last().map(String::as_str), Some("mod" | "lib")) {
        segments.pop();
    }
    segments
}

/// `tests`, `sealed_tests`: modules of unit tests.
pub fn is_tests(module: &str) -> bool {
    module == "tests" || module.ends_with("_tests")
}

/// Modules declared as `#[cfg(test)] mod name;`: files that are compiled for tests only.
pub fn declared_for_tests(sources: &[Source]) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for source in sources {
        let tokens = tokens(&source.text);
        for window in tokens.windows(8) {
            let word = |at: usize| window[at].word().unwrap_or_default();
            let attribute = window[0].is("[") && word(1) == "cfg" && window[2].is("(") && word(3) == "test";
            if attribute && word(6) == "mod" {
                let mut module = module_of(&source.path);
                module.push(word(7).to_owned());
                found.push(module);
            }
        }
    }
    found
}

/// Every path that the file names, with imports resolved.
pub fn named(source: &Source) -> Vec<Named> {
    let tokens = tokens(&source.text);
    let mut reader =
        Reader { tokens: &tokens, at: 0, modules: vec![(module_of(&source.path), 0)], depth: 0, raw: Vec::new() };
    reader.run();
    let imports = imports(&reader.raw);
    reader.raw.iter().map(|raw| resolve(raw, &imports)).collect()
}

struct Raw {
    /// As written, `crate`, `self` and `super` already replaced.
    segments: Vec<String>,
    /// `use … as name`, or the last segment; only for imports.
    import_as: Option<String>,
    line: usize,
    in_tests: bool,
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
    /// The module that is being read, and the depth of braces at which it began.
    modules: Vec<(Vec<String>, usize)>,
    depth: usize,
    raw: Vec<Raw>,
}

impl Reader<'_> {
    fn run(&mut self) {
        let mut in_use = false;
        while let Some(token) = self.tokens.get(self.at) {
            match token.word() {
                Some("use") => in_use = true,
                Some("mod") if self.opens_module() => continue,
                Some(_) if self.starts_path() => {
                    self.tree(&[], in_use);
                    continue;
                }
                _ => {}
            }
            if token.is(";") {
                in_use = false;
            } else if token.is("{") {
                self.depth += 1;
            } else if token.is("}") {
                self.depth = self.depth.saturating_sub(1);
                if self.modules.len() > 1 && self.modules.last().is_some_and(|(_, depth)| *depth > self.depth) {
                    self.modules.pop();
                }
            }
            self.at += 1;
        }
    }

    fn sign(&self, at: usize, sign: &str) -> bool {
        self.tokens.get(at).is_some_and(|t| t.is(sign))
    }

    /// `mod name {` goes one module down.
    fn opens_module(&mut self) -> bool {
        let Some(name) = self.tokens.get(self.at + 1).and_then(Token::word) else { return false };
        if !self.sign(self.at + 2, "{") {
            return false;
        }
        let mut module = self.module();
        module.push(name.to_owned());
        self.depth += 1;
        self.modules.push((module, self.depth));
        self.at += 3;
        true
    }

    fn module(&self) -> Vec<String> {
        self.modules.last().map(|(module, _)| module.clone()).unwrap_or_default()
    }

    /// A word with `::` behind it and none before it; or the only word of `use name;`.
    fn starts_path(&self) -> bool {
        let follows = self.at > 0 && self.sign(self.at - 1, "::");
        let after_use = self.at > 0 && self.tokens[self.at - 1].word() == Some("use");
        !follows && (self.sign(self.at + 1, "::") || after_use)
    }

    /// Reads `a::b`, `a::{b, c::d as e}` from here on.
    fn tree(&mut self, prefix: &[String], in_use: bool) {
        let mut segments = prefix.to_vec();
        let line = self.tokens[self.at].line;
        while let Some(word) = self.tokens.get(self.at).and_then(Token::word).map(str::to_owned) {
            self.push_segment(&mut segments, word);
            self.at += 1;
            if !self.sign(self.at, "::") {
                break;
            }
            self.at += 1;
            if self.sign(self.at, "{") {
                self.group(&segments, in_use);
                return;
            }
        }
        let import_as = in_use.then(|| self.alias(&segments)).flatten();
        let in_tests = self.module().iter().any(|module| is_tests(module));
        self.raw.push(Raw { segments, import_as, line, in_tests });
    }

    fn push_segment(&self, segments: &mut Vec<String>, word: String) {
        match word.as_str() {
            "crate" => segments.extend(self.module().into_iter().take(1)),
            "self" if segments.is_empty() => segments.extend(self.module()),
            "self" => {}
            "super" => {
                if segments.is_empty() {
                    segments.extend(self.module());
                }
                segments.pop();
            }
            _ => segments.push(word),
        }
    }

    fn group(&mut self, prefix: &[String], in_use: bool) {
        self.at += 1;
        while self.at < self.tokens.len() && !self.sign(self.at, "}") {
            if self.tokens[self.at].word().is_some() {
                self.tree(prefix, in_use);
            } else {
                self.at += 1;
            }
        }
        self.at += 1;
    }

    fn alias(&mut self, segments: &[String]) -> Option<String> {
        if self.tokens.get(self.at).and_then(Token::word) == Some("as") {
            self.at += 2;
            return self.tokens.get(self.at - 1).and_then(Token::word).map(str::to_owned);
        }
        segments.last().cloned()
    }
}

fn imports(raw: &[Raw]) -> BTreeMap<String, Vec<String>> {
    raw.iter().filter_map(|raw| Some((raw.import_as.clone()?, raw.segments.clone()))).collect()
}

fn resolve(raw: &Raw, imports: &BTreeMap<String, Vec<String>>) -> Named {
    let head = raw.segments.first().map_or("", String::as_str);
    let segments = match imports.get(head) {
        Some(full) if raw.import_as.is_none() && full.len() > 1 => {
            full.iter().chain(raw.segments.iter().skip(1)).cloned().collect()
        }
        _ => raw.segments.clone(),
    };
    Named { segments, line: raw.line, in_tests: raw.in_tests }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(path: &str, text: &str) -> Vec<String> {
        named(&Source::new(path, text)).iter().map(|n| n.segments.join("::")).collect()
    }

    #[test]
    fn use_trees_are_spelled_out() {
        let found = paths("src/customers/api.rs", "use crate::{web::Page, members::{self, service::show as s}};");
        assert_eq!(found, ["kluis::web::Page", "kluis::members", "kluis::members::service::show"]);
    }

    #[test]
    fn a_path_cannot_hide_behind_an_import() {
        let found = paths("src/customers/api.rs", "use crate::members as m;\nfn f() { m::rows::all() }");
        assert_eq!(found, ["kluis::members", "kluis::members::rows::all"]);
    }

    #[test]
    fn super_is_followed_through_files_and_inner_modules() {
        let text = "use super::service; mod tests { use super::*; use super::super::rows::all; }";
        let found = paths("src/customers/api.rs", text);
        assert_eq!(found, ["kluis::customers::service", "kluis::customers::api", "kluis::customers::rows::all"]);
    }

    #[test]
    fn files_have_modules() {
        assert_eq!(module_of("src/core/kernel/id.rs"), ["kluis_core", "kernel", "id"]);
        assert_eq!(module_of("src/web/mod.rs"), ["kluis", "web"]);
        assert_eq!(module_of("src/lib.rs"), ["kluis"]);
        assert_eq!(module_of("src/main.rs"), ["main"]);
    }
}
