//! How a command ends: the exit codes, and the one error of the command line.
//!
//! Must never: carry a secret, or what a database said.

use std::process::ExitCode;

use kluis_core::kernel::{Message, Phrase, Problem};
use kluis_core::privacy::VaultError;
use kluis_core::privacy::shares::ShareFault;
use kluis_core::store::StoreError;

use crate::config::ConfigFault;

/// Exit codes. They are part of the interface: scripts and service managers act on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// The command was asked to find faults, and found some; or it could not do its work.
    Failed = 1,
    /// The command was called wrongly.
    Usage = 2,
    /// The configuration has faults.
    Configuration = 3,
    /// The vault can't be opened.
    Sealed = 4,
    /// The database can't be reached, or is of another version.
    Database = 5,
    /// Somebody pressed Ctrl-C: what was done until then stays. As shells count it: 128 and the signal's number.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command could not do its work: an exit code, and every fault that was found.
#[derive(Debug)]
pub struct Failure {
    pub exit: Exit,
    /// Empty when the command has told everything already.
    pub messages: Vec<Message>,
}

impl Failure {
    pub fn new(exit: Exit, message: impl Into<Message>) -> Self {
        Self { exit, messages: vec![message.into()] }
    }

    /// The faults were part of what the command printed.
    pub const fn told() -> Self {
        Self { exit: Exit::Failed, messages: Vec::new() }
    }

    /// Something on the disk could not be read or written.
    pub fn file(path: &std::path::Path, error: &std::io::Error) -> Self {
        let (path, kind) = (path.display(), error.kind());
        Self::new(Exit::Failed, Message::plain(format!("{path}: {kind}")))
    }
}

impl From<Vec<ConfigFault>> for Failure {
    fn from(faults: Vec<ConfigFault>) -> Self {
        let message = |fault: ConfigFault| {
            let (place, what) = (fault.place, fault.what);
            Message::new(format!("{place}: {}", what.en), format!("{place}: {}", what.nl))
        };
        Self { exit: Exit::Configuration, messages: faults.into_iter().map(message).collect() }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        tracing::debug!(error = %error, cause = ?std::error::Error::source(&error).map(ToString::to_string), "store");
        let (en, nl) = match error {
            StoreError::Unavailable(_) => {
                ("The database can't be reached or written.", "De database is niet bereikbaar of niet beschrijfbaar.")
            }
            StoreError::Contention => {
                ("The database is busy; try again.", "De database is bezet; probeer het opnieuw.")
            }
            StoreError::Migration(text) => {
                let en = format!("The database has another version than this program: {text}.");
                let nl = format!("De database heeft een andere versie dan dit programma: {text}.");
                return Self::new(Exit::Database, Message::new(en, nl));
            }
            StoreError::Constraint { .. } | StoreError::Row(_) | StoreError::Statement(_) => (
                "The database refused a statement; log.level = debug tells more.",
                "De database weigerde een opdracht; log.level = debug vertelt meer.",
            ),
        };
        Self::new(Exit::Database, Phrase { en, nl })
    }
}

impl From<VaultError> for Failure {
    fn from(error: VaultError) -> Self {
        let (en, nl) = match error {
            VaultError::WrongKey => {
                ("This key doesn't belong to this key store.", "Deze sleutel hoort niet bij deze sleutelopslag.")
            }
            VaultError::Uninitialised => (
                "There is no key store yet: run kluis init first.",
                "Er is nog geen sleutelopslag: voer eerst kluis init uit.",
            ),
            VaultError::AlreadyInitialised => ("There is a key store already.", "Er is al een sleutelopslag."),
            VaultError::Shares(faults) => {
                let messages = faults.faults().iter().map(ShareFault::message).collect();
                return Self { exit: Exit::Sealed, messages };
            }
            other => {
                let Message { en, nl } = other.message();
                let en = format!("The vault can't be opened. {en}");
                let nl = format!("De kluis gaat niet open. {nl}");
                return Self::new(Exit::Sealed, Message::new(en, nl));
            }
        };
        Self::new(Exit::Sealed, Phrase { en, nl })
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        let (_, slug, title) = problem.kind.parts();
        let mut messages = vec![Message::new(format!("{} ({slug})", title.en), format!("{} ({slug})", title.nl))];
        messages.extend(problem.detail.map(Message::from));
        for fault in problem.faults {
            let place = if fault.pointer.is_empty() { String::new() } else { format!("{}: ", fault.pointer) };
            let detail = fault.detail;
            messages.push(Message::new(format!("{place}{}", detail.en), format!("{place}{}", detail.nl)));
        }
        Self { exit: Exit::Failed, messages }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_of_a_configuration_is_told_in_both_languages() {
        let faults = vec![ConfigFault::new("a.b", "one", "een"), ConfigFault::new("c.d", "two", "twee")];
        let failure = Failure::from(faults);
        assert_eq!(failure.exit, Exit::Configuration);
        assert_eq!(failure.messages, [Message::new("a.b: one", "a.b: een"), Message::new("c.d: two", "c.d: twee")]);
    }

    #[test]
    fn the_password_in_a_database_error_stays_inside() {
        let failure = Failure::from(VaultError::store("password hunter2 refused"));
        assert!(!format!("{failure:?}").contains("hunter2"));
    }
}
