//! Reads the project's own files; knows which of them are somebody else's.

#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot read the project has failed")]

use std::fs;
use std::path::{Path, PathBuf};

/// A text file, its path relative to the project, with `/`.
#[derive(Debug, Clone)]
pub struct Source {
    pub path: String,
    pub text: String,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    pub fn is_rust(&self) -> bool {
        has_ending(&self.path, "rs")
    }

    pub fn in_src(&self) -> bool {
        self.path.starts_with("src/")
    }

    pub fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

pub fn has_ending(path: &str, ending: &str) -> bool {
    Path::new(path).extension().is_some_and(|e| e.eq_ignore_ascii_case(ending))
}

pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Folders that are made by tools, or hold data: nothing in them is written by hand.
const NOT_OURS: &[&str] = &["target", "node_modules", ".git", "kluis-data", "demo-data", ".hypothesis"];

/// Every text file of the project, sorted by path.
pub fn all() -> Vec<Source> {
    let mut found = Vec::new();
    collect(&root(), "", &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(found.iter().any(|s| s.path == "Cargo.toml"), "the walk doesn't see the project at all");
    found
}

pub fn rust_sources() -> Vec<Source> {
    all().into_iter().filter(Source::is_rust).filter(Source::in_src).collect()
}

fn collect(folder: &Path, prefix: &str, found: &mut Vec<Source>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    for entry in entries {
        let entry = entry.expect("an entry of a folder");
        let name = entry.file_name().into_string().expect("file names are UTF-8");
        let path = format!("{prefix}{name}");
        let kind = entry.file_type().expect("a file type");
        if NOT_OURS.contains(&name.as_str()) {
            continue;
        }
        if kind.is_dir() {
            collect(&entry.path(), &format!("{path}/"), found);
        } else if kind.is_file() {
            // What is not UTF-8 (pictures, old exports) is no text, and not this test's business.
            if let Ok(text) = fs::read_to_string(entry.path()) {
                found.push(Source { path, text });
            }
        }
    }
}

/// Fails with every fault on a line of its own; `rule` says what all of them break.
pub fn assert_none(rule: &str, faults: &[String]) {
    assert!(faults.is_empty(), "\n{rule}\n  {}\n", faults.join("\n  "));
}
