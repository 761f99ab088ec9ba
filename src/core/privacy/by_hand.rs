//! What somebody hands over to open the vault by hand: the passphrase, the root key's text, the recovery key's, or shares.
//!
//! The texts of keys say themselves what they are; everything else is a passphrase.
//!
//! Must never: try one kind after another, or say which characters of a passphrase were right.

use super::root::{RecoveryKey, RootKey};
use super::shares::{Share, without_comments};
use super::unseal::with_passphrase;
use super::{KeyStore, Result, Sensitive, VaultError, keyring};

/// The kind of secret that was handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handed {
    Passphrase,
    RootKey,
    RecoveryKey,
    /// One after another, as many as are needed.
    Shares,
}

impl Handed {
    /// Tells by how the text begins.
    pub fn of(text: &str) -> Self {
        let begins = |text: &str, prefix: &str| {
            let start = text.trim_start().as_bytes().get(..prefix.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
        };
        if begins(text, RootKey::PREFIX) {
            Self::RootKey
        } else if begins(text, RecoveryKey::PREFIX) {
            Self::RecoveryKey
        } else if begins(&without_comments(text), Share::PREFIX) {
            Self::Shares
        } else {
            Self::Passphrase
        }
    }

    /// As it stands in audit events.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Passphrase => "passphrase",
            Self::RootKey => "root_key",
            Self::RecoveryKey => "recovery_key",
            Self::Shares => "shares",
        }
    }
}

/// The root key, by what was handed over. For a passphrase this takes about half a second and 128 MiB: whoever calls it
/// for others must see to it that one is tried at a time.
pub async fn by_hand(secret: Sensitive<String>, store: &dyn KeyStore) -> Result<RootKey> {
    match Handed::of(secret.expose()) {
        Handed::Passphrase => with_passphrase(secret, store).await,
        Handed::RootKey => Ok(RootKey::parse(secret.expose())?),
        Handed::RecoveryKey => keyring::recover(store, &RecoveryKey::parse(secret.expose())?).await,
        Handed::Shares => keyring::recover_with(store, &Share::parse_several(secret.expose())?).await,
    }
}

impl VaultError {
    /// A word for audit events: why the vault stayed closed. Fixed, so that nothing of what was typed can be in it.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::WrongKey => "wrong_key",
            Self::KeyText(_) => "mistyped",
            Self::Shares(_) => "shares",
            Self::Source(_) => "no_key",
            Self::Uninitialised => "uninitialised",
            Self::Integrity(_) => "integrity",
            Self::Store(_) => "unavailable",
            Self::Ledger(_) => "ledger",
            _ => "failed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_say_what_they_are_and_a_sentence_is_a_passphrase() {
        let root = RootKey::generate().unwrap().to_text();
        let recovery = RecoveryKey::generate().unwrap().to_text();
        assert_eq!(Handed::of(&root), Handed::RootKey);
        assert_eq!(Handed::of(&format!("  {}", root.to_lowercase())), Handed::RootKey);
        assert_eq!(Handed::of(&recovery), Handed::RecoveryKey);
        for other in ["", "correct horse battery staple", "kluis root cellar", "KLUIS-ROO", "é".repeat(20).as_str()] {
            assert_eq!(Handed::of(other), Handed::Passphrase, "{other}");
        }
    }
}
