//! What is wrong with a policy, said so that the one who wrote it finds the place.

use std::fmt::{self, Write};
use std::sync::Arc;

use crate::kernel::Phrase;

/// Where a line stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Source {
    pub file: Arc<str>,
    /// Counted from 1; 0 speaks of the whole file.
    pub line: u32,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// Whether a policy can be used in spite of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The policy does what it says, but a line of it says nothing or says it twice.
    Warning,
    /// The policy is refused; the one before stays in force.
    Error,
}

impl Severity {
    pub const fn label(self) -> Phrase {
        match self {
            Self::Warning => Phrase { en: "warning", nl: "waarschuwing" },
            Self::Error => Phrase { en: "error", nl: "fout" },
        }
    }
}

/// One fault or oddity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub severity: Severity,
    /// Stable, snake case: `unknown_word`, `shadowed` …
    pub code: &'static str,
    pub source: Source,
    pub message: Phrase,
    /// The word of the policy that it is about; never data of a person.
    pub word: Option<String>,
    /// The other line that it is about: the first of two equal ones, the one that overrides …
    pub other: Option<Source>,
}

impl Finding {
    pub fn error(code: &'static str, source: &Source, message: Phrase) -> Self {
        Self { severity: Severity::Error, code, source: source.clone(), message, word: None, other: None }
    }

    pub fn warning(code: &'static str, source: &Source, message: Phrase) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, source, message) }
    }

    #[must_use]
    pub fn word(mut self, word: impl Into<String>) -> Self {
        self.word = Some(word.into());
        self
    }

    #[must_use]
    pub fn other(mut self, other: &Source) -> Self {
        self.other = Some(other.clone());
        self
    }

    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// One line for a terminal: `policies/policy.csv:12: error: no such action (raed)`. `say` picks the language.
    pub fn text(&self, say: impl Fn(Phrase) -> &'static str) -> String {
        let mut text = format!("{}: {}: {}", self.source, say(self.severity.label()), say(self.message));
        if let Some(word) = &self.word {
            let _ = write!(text, " ({})", word.escape_debug());
        }
        if let Some(other) = &self.other {
            let _ = write!(text, " [{other}]");
        }
        text
    }
}
