//! The one place where the command line writes: results to standard output, everything else to standard error.
//!
//! Must never: write a log line (that is `logging`'s work), or fail because nobody reads any more.

use std::fmt::Display;
use std::io::Write;

use kluis_core::kernel::{Message, Phrase};

use crate::web::Language;

/// Standard output and error, in the reader's language.
#[derive(Debug, Clone, Copy)]
pub struct Terminal {
    pub language: Language,
}

impl Terminal {
    pub const fn new(language: Language) -> Self {
        Self { language }
    }

    /// A line of the result.
    pub fn line(text: impl Display) {
        // When the reader has gone (`kluis … | head`), the rest of the result is wanted by nobody.
        let _ = writeln!(std::io::stdout().lock(), "{text}");
    }

    /// A line of the result, in the reader's language.
    pub fn say(self, message: impl Into<Message>) {
        Self::line(self.text(&message.into()));
    }

    /// The result as it is, without a line end of its own.
    pub fn raw(text: &str) {
        let _ = std::io::stdout().lock().write_all(text.as_bytes());
    }

    /// Something beside the result: progress, a hint, a fault.
    pub fn note(self, message: impl Into<Message>) {
        let _ = writeln!(std::io::stderr().lock(), "{}", self.text(&message.into()));
    }

    pub fn text(self, message: &Message) -> &str {
        match self.language {
            Language::En => &message.en,
            Language::Nl => &message.nl,
        }
    }

    /// How `config` asks for texts.
    pub fn say_phrase(self) -> crate::config::Say {
        match self.language {
            Language::En => |phrase| phrase.en,
            Language::Nl => |phrase| phrase.nl,
        }
    }
}

/// A text in both languages, for what is known when the program is written.
pub const fn p(en: &'static str, nl: &'static str) -> Phrase {
    Phrase { en, nl }
}
