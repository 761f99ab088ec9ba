//! Policy files as lines of words, each knowing where it stands.
//!
//! The form is Casbin's own CSV, without its surprises: words are cut at commas and trimmed, nothing is quoted, `#`
//! begins a comment line. What the words mean is decided in `rule`; nothing is dropped here.

use std::sync::Arc;

use super::finding::Source;

/// The text of Casbin's model; the same that is read by whoever reviews it.
pub const MODEL: &str = include_str!("../../../policies/model.conf");

/// The shipped files: name, text.
const ROLES: (&str, &str) = ("policies/roles.csv", include_str!("../../../policies/roles.csv"));
const POLICY: (&str, &str) = ("policies/policy.csv", include_str!("../../../policies/policy.csv"));
const INVARIANTS: (&str, &str) = ("policies/invariants.csv", include_str!("../../../policies/invariants.csv"));

/// One line that isn't empty and isn't a comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub source: Source,
    /// Never empty; the first word is the type: `p`, `g`, `role`, `must`.
    pub words: Vec<String>,
}

impl Line {
    /// A line from elsewhere than a text, such as a row of a database.
    pub fn new(source: Source, words: Vec<String>) -> Self {
        Self { source, words }
    }

    pub(super) fn first(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }
}

/// Cuts a text into lines of words. Takes any text; a byte-order mark and carriage returns are no part of the words.
pub fn parse(file: &str, text: &str) -> Vec<Line> {
    let file: Arc<str> = file.into();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let numbered = (1_u32..).zip(text.split('\n').map(str::trim));
    let meant = numbered.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let words = |line: &str| line.split(',').map(|word| word.trim().to_owned()).collect();
    meant.map(|(line, text)| Line { source: Source { file: Arc::clone(&file), line }, words: words(text) }).collect()
}

/// The policy that ships with the program: roles, policy and invariants.
pub fn shipped() -> Vec<Line> {
    [ROLES, POLICY, INVARIANTS].iter().flat_map(|(file, text)| parse(file, text)).collect()
}

/// What every policy must keep, whoever wrote it.
pub fn shipped_invariants() -> Vec<Line> {
    parse(INVARIANTS.0, INVARIANTS.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_know_their_number_and_words_are_trimmed() {
        let lines =
            parse("x.csv", "\u{feff}# title\r\n\r\np, a ,b\r\n  # indented comment\n g,\t\"x,y\" # no comment\n");
        let seen: Vec<_> = lines.iter().map(|line| (line.source.to_string(), line.words.join("|"))).collect();
        assert_eq!(
            seen,
            [("x.csv:3".to_owned(), "p|a|b".to_owned()), ("x.csv:5".to_owned(), "g|\"x|y\" # no comment".to_owned()),]
        );
        assert_eq!(parse("x", ""), []);
        assert_eq!(parse("x", ",").first().map(Line::first), Some(""));
    }

    #[test]
    fn the_shipped_files_are_in_the_binary() {
        assert!(MODEL.contains("[matchers]"));
        for file in [ROLES.0, POLICY.0, INVARIANTS.0] {
            assert!(shipped().iter().any(|line| &*line.source.file == file), "{file}");
        }
    }
}
