//! What the doctor found: one line per check, with a verdict, and what to do about it.

use kluis_core::kernel::{Message, Phrase};

use crate::command::terminal::Terminal;
use crate::web::Language;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    Ok,
    /// It works, but somebody should look at it.
    Warn,
    Fail,
}

impl Verdict {
    const fn word(self, language: Language) -> &'static str {
        match (self, language) {
            (Self::Ok, _) => "ok  ",
            (Self::Warn, Language::En) => "warn",
            (Self::Warn, Language::Nl) => "let op",
            (Self::Fail, Language::En) => "FAIL",
            (Self::Fail, Language::Nl) => "FOUT",
        }
    }
}

/// One line of the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub check: Phrase,
    pub verdict: Verdict,
    pub detail: Message,
}

/// Everything that was found, in the order of the checks.
#[derive(Debug, Default)]
pub struct Report(pub Vec<Finding>);

impl Report {
    pub fn add(&mut self, check: Phrase, verdict: Verdict, detail: impl Into<Message>) {
        self.0.push(Finding { check, verdict, detail: detail.into() });
    }

    pub fn ok(&mut self, check: Phrase, detail: impl Into<Message>) {
        self.add(check, Verdict::Ok, detail);
    }

    pub fn warn(&mut self, check: Phrase, detail: impl Into<Message>) {
        self.add(check, Verdict::Warn, detail);
    }

    pub fn fail(&mut self, check: Phrase, detail: impl Into<Message>) {
        self.add(check, Verdict::Fail, detail);
    }

    pub fn worst(&self) -> Verdict {
        self.0.iter().map(|finding| finding.verdict).max().unwrap_or(Verdict::Ok)
    }

    pub fn count(&self, verdict: Verdict) -> usize {
        self.0.iter().filter(|finding| finding.verdict == verdict).count()
    }

    pub fn print(&self, terminal: Terminal) {
        for finding in &self.0 {
            let word = finding.verdict.word(terminal.language);
            let check = terminal.language.say(finding.check);
            Terminal::line(format!("{word:<6} {check:<28} {}", terminal.text(&finding.detail)));
        }
    }
}
