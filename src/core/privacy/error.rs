//! What can go wrong in the vault, and what the outside is told of it.
//!
//! Must never carry a value, a key or what a database said.

use crate::kernel::{Message, Phrase, Problem, ProblemKind};

use super::ledger::LedgerFault;
use super::root::KeyTextFault;
use super::shares::ShareFaults;
use super::unseal::SourceFault;

pub type Result<T, E = VaultError> = std::result::Result<T, E>;

/// Faults of the vault. Their texts are for the operator's log and terminal; requests get the [`Problem`].
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// No root key has been given since the start, or the vault was closed.
    #[error("the vault is sealed")]
    Sealed,
    /// What is stored was changed, moved or is not what the caller says it is. Names the check that failed.
    #[error("integrity check failed: {0}")]
    Integrity(&'static str),
    /// The subject's key was destroyed.
    #[error("the subject was erased")]
    Erased,
    /// A key reached the bound on its uses, or spent what was set aside for this process.
    #[error("a key has no uses left: {0}")]
    Exhausted(&'static str),
    /// The tenant has no keys, or (from a synchronous function) they were not loaded: `Keyring::ensure_tenant` first.
    #[error("the tenant has no keys here")]
    UnknownTenant,
    /// The root or recovery key, or the passphrase, is not the one of this key store.
    #[error("this key does not open this key store")]
    WrongKey,
    /// Another process has put another root key in place since this ring was opened.
    #[error("the root key was rotated")]
    Rotated,
    #[error("the key store has not been initialised")]
    Uninitialised,
    #[error("the key store has been initialised before")]
    AlreadyInitialised,
    #[error("{0}")]
    KeyText(#[from] KeyTextFault),
    /// What shares were handed over, and why they don't open the vault.
    #[error("{0}")]
    Shares(#[from] ShareFaults),
    #[error("{0}")]
    Source(#[from] SourceFault),
    /// The erasure ledger and its copy are at odds: older data was put back, or one of them was changed.
    #[error("{0}")]
    Ledger(#[from] LedgerFault),
    /// The value can't be written as JSON. The serialiser's own text is dropped: it may quote the value.
    #[error("the value cannot be sealed")]
    Unsealable,
    #[error("the system gives no randomness")]
    Random,
    /// The key store's database doesn't answer, or refused.
    #[error("the key store does not answer")]
    Store(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl VaultError {
    /// Wraps what the database said; it is kept as the source for the log and never shown.
    pub fn store(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Store(error.into())
    }

    /// For the operator's terminal, in both languages, with what to do about it.
    pub fn message(&self) -> Message {
        let phrase = |en, nl| Message::from(Phrase { en, nl });
        match self {
            Self::Sealed => phrase("The vault is sealed.", "De kluis is gesloten."),
            Self::Integrity(what) => Message::new(
                format!("Stored data was changed or moved, or belongs to another key store ({what})."),
                format!(
                    "Opgeslagen gegevens zijn gewijzigd of verplaatst, of horen bij een andere sleutelopslag ({what})."
                ),
            ),
            Self::Erased => phrase("The person was erased.", "De persoon is gewist."),
            Self::Exhausted(what) => Message::new(
                format!("A key has no uses left: {what}."),
                format!("Een sleutel mag niet vaker worden gebruikt: {what}."),
            ),
            Self::UnknownTenant => phrase(
                "The organisation has no keys in this key store.",
                "De organisatie heeft geen sleutels in deze sleutelopslag.",
            ),
            Self::WrongKey => phrase(
                "This key or passphrase doesn't open this key store.",
                "Deze sleutel of wachtwoordzin opent deze sleutelopslag niet.",
            ),
            Self::Rotated => phrase(
                "The root key was rotated: this process needs the new one.",
                "De hoofdsleutel is vervangen: dit proces heeft de nieuwe nodig.",
            ),
            Self::Uninitialised => phrase(
                "The key store is empty: run kluis init first.",
                "De sleutelopslag is leeg: voer eerst kluis init uit.",
            ),
            Self::AlreadyInitialised => {
                phrase("The key store has a root key already.", "De sleutelopslag heeft al een hoofdsleutel.")
            }
            Self::KeyText(fault) => fault.message(),
            Self::Shares(faults) => faults.message(),
            Self::Source(fault) => fault.message(),
            Self::Ledger(fault) => fault.message(),
            Self::Unsealable => phrase("A value can't be sealed.", "Een waarde kan niet worden verzegeld."),
            Self::Random => phrase("The system gives no randomness.", "Het systeem geeft geen toevalsgetallen."),
            Self::Store(_) => phrase("The key store doesn't answer.", "De sleutelopslag antwoordt niet."),
        }
    }

    const fn kind(&self) -> ProblemKind {
        match self {
            Self::Sealed | Self::Uninitialised | Self::Ledger(_) => ProblemKind::Sealed,
            Self::Integrity(_) => ProblemKind::Integrity,
            Self::Erased => ProblemKind::NotFound,
            Self::Exhausted(_) | Self::Rotated | Self::Random | Self::Store(_) => ProblemKind::Unavailable,
            Self::UnknownTenant
            | Self::WrongKey
            | Self::AlreadyInitialised
            | Self::KeyText(_)
            | Self::Shares(_)
            | Self::Source(_)
            | Self::Unsealable => ProblemKind::Internal,
        }
    }
}

impl From<VaultError> for Problem {
    fn from(error: VaultError) -> Self {
        Self::new(error.kind())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_has_its_problem_and_no_words() {
        let cases = [
            (VaultError::Sealed, ProblemKind::Sealed),
            (VaultError::Integrity("tag"), ProblemKind::Integrity),
            (VaultError::Erased, ProblemKind::NotFound),
            (VaultError::store("password authentication failed"), ProblemKind::Unavailable),
            (VaultError::WrongKey, ProblemKind::Internal),
        ];
        for (error, kind) in cases {
            assert!(!error.to_string().contains("password"));
            let problem = Problem::from(error);
            assert_eq!(problem.kind, kind);
            assert!(problem.detail.is_none() && problem.members.is_empty());
        }
    }
}
