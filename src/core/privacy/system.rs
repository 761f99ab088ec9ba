//! Keys of the installation itself: for what belongs to no tenant.
//!
//! Must never seal or hash a customer's data: that is the tenants' keys' work.

use std::fmt;

use ring::hmac;

use super::Result;

/// What an installation-wide key is for. Each has its own key, derived by its label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SystemKey {
    /// Hashes session and API tokens, so that a stolen table holds none.
    Token,
    /// Peppers passwords before they are hashed.
    Password,
    /// Signs the cursors of lists.
    Cursor,
    /// Finds users by their e-mail address.
    UserEmail,
    /// Hashes client addresses for rate limits and the sign-in log.
    ClientAddress,
    /// Compares bodies of idempotent requests.
    Idempotency,
    /// Links the entries of the erasure ledger.
    Ledger,
    /// The seed of the key that signs certificates.
    Certificate,
    /// Seals the secrets of one-time passwords, and data of users.
    UserData,
    /// The seed of the key that signs checkpoints of the audit log. Whoever keeps a checkpoint knows the log by it.
    AuditLog,
}

impl SystemKey {
    pub const ALL: [Self; 7] = [
        Self::Token,
        Self::Password,
        Self::Cursor,
        Self::UserEmail,
        Self::ClientAddress,
        Self::Idempotency,
        Self::UserData,
    ];

    /// Goes into the derivation; must not change.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Password => "password",
            Self::Cursor => "cursor",
            Self::UserEmail => "user e-mail",
            Self::ClientAddress => "client address",
            Self::Idempotency => "idempotency",
            Self::Ledger => "erasure ledger",
            Self::Certificate => "certificate",
            Self::UserData => "user data",
            Self::AuditLog => "audit log",
        }
    }
}

/// An HMAC-SHA256 key. It lives as long as one operation.
pub struct MacKey(hmac::Key);

impl MacKey {
    pub(super) const fn new(key: hmac::Key) -> Self {
        Self(key)
    }

    pub fn sign(&self, message: &[u8]) -> [u8; 32] {
        let tag = hmac::sign(&self.0, message);
        std::array::from_fn(|position| tag.as_ref()[position])
    }

    /// In constant time; [`super::VaultError::Integrity`] when it differs.
    pub fn verify(&self, message: &[u8], tag: &[u8]) -> Result<()> {
        hmac::verify(&self.0, message, tag).map_err(|_| super::VaultError::Integrity("message"))
    }
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MacKey")
    }
}
