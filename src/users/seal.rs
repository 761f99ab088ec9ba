//! Between a user in clear and the row at rest: sealing, the MAC over user and roles together, and the keyed hashes.
//!
//! One MAC covers the row and all roles. A role written by SQL, or a removed one put back, therefore breaks it, and
//! whoever can write to the database still can't make themselves an administrator.

use kluis_core::kernel::id::{Tenant, User};
use kluis_core::kernel::{Email, Id, Kind};
use kluis_core::privacy::{Context, DataKey, Keyring, RowMac, Sealed, SystemKey, VaultError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::model::{Grant, SCHEMA, UserRow};
use super::password::{Password, Peppered};
use super::token::Token;
use super::totp::RecoveryCode;

const TABLE: &str = "users";

/// Where the values of one user belong.
pub const fn place(tenant: Id<Tenant>, id: Id<User>, part: &'static str, revision: i64) -> Context {
    Context { tenant: tenant.uuid(), table: TABLE, part, row: id.uuid(), subject: id.uuid(), revision, schema: SCHEMA }
}

/// Seals one part at the row's revision.
pub fn seal<T: Serialize>(
    key: &DataKey,
    row: &UserRow,
    part: &'static str,
    value: &T,
) -> Result<Sealed<T>, VaultError> {
    Sealed::seal(key, &place(row.tenant, row.id, part, row.revision), value)
}

/// Opens one part, at the revision with which it was sealed.
pub fn open<T: DeserializeOwned>(
    key: &DataKey,
    row: &UserRow,
    part: &'static str,
    sealed: &Sealed<T>,
) -> Result<T, VaultError> {
    sealed.open(key, &place(row.tenant, row.id, part, 0).of(part, sealed))
}

/// The MAC of the row and its roles as they are now.
pub fn mac(key: &DataKey, row: &UserRow, grants: &[Grant]) -> Result<Vec<u8>, VaultError> {
    Ok(covered(key, row, grants).finish()?.to_vec())
}

/// Checks that nobody edited the row or the roles behind our back.
pub fn verify(key: &DataKey, row: &UserRow, grants: &[Grant]) -> Result<(), VaultError> {
    covered(key, row, grants).verify(&row.mac)
}

/// Whatever gives rights. What isn't here changes by itself: times of use, the last step of the second factor.
fn covered<'k>(key: &'k DataKey, row: &UserRow, grants: &[Grant]) -> RowMac<'k> {
    let mut mac = RowMac::new(key, TABLE, row.tenant.uuid(), row.id.uuid())
        .text("status", Some(row.status.code()))
        .bytes("email_hash", Some(&row.email_hash))
        .sealed("identity", Some(&row.identity))
        .sealed("contact", Some(&row.contact))
        .text("password", row.password.as_deref())
        .sealed("totp", row.totp.as_ref())
        .int("generation", Some(row.generation))
        .int("revision", Some(row.revision));
    let mut grants: Vec<&Grant> = grants.iter().collect();
    grants.sort_by_key(|grant| grant.id);
    for grant in grants {
        mac = mac
            .uuid("grant", Some(grant.id.uuid()))
            .uuid("tenant", Some(grant.tenant.uuid()))
            .text("role", Some(&grant.role))
            .int("starts_at", grant.starts_at.map(|at| at.timestamp_micros()))
            .int("ends_at", grant.ends_at.map(|at| at.timestamp_micros()));
    }
    mac
}

/// Finds the account of an address without storing the address.
pub fn email_hash(keys: &Keyring, email: &Email) -> Result<[u8; 32], VaultError> {
    Ok(keys.system_mac(SystemKey::UserEmail)?.sign(email.index_form().as_bytes()))
}

/// The same for a text that isn't an address: failed sign-ins with it are counted like any other.
pub fn no_email_hash(keys: &Keyring, text: &str) -> Result<[u8; 32], VaultError> {
    Ok(keys.system_mac(SystemKey::UserEmail)?.sign(&framed(&[b"not an address", text.as_bytes()])))
}

/// Binds a password to its user under a key that isn't in the database.
pub fn pepper(keys: &Keyring, user: Id<User>, password: &Password) -> Result<Peppered, VaultError> {
    let message = Zeroizing::new(framed(&[b"password", user.uuid().as_bytes(), password.expose()]));
    Ok(Zeroizing::new(keys.system_mac(SystemKey::Password)?.sign(&message)))
}

/// What the database holds of a token.
pub fn token_hash(keys: &Keyring, token: &Token) -> Result<[u8; 32], VaultError> {
    Ok(keys.system_mac(SystemKey::Token)?.sign(&token.message()))
}

/// What the database holds of a recovery code.
pub fn recovery_hash(keys: &Keyring, user: Id<User>, code: &RecoveryCode) -> Result<[u8; 32], VaultError> {
    let message = Zeroizing::new(framed(&[b"recovery code", user.uuid().as_bytes(), code.expose().as_bytes()]));
    Ok(keys.system_mac(SystemKey::Token)?.sign(&message))
}

/// The columns of a row that has no subject key, a token or a link, on their way to a MAC. Both sides feed the same
/// columns in the same order.
pub struct RowSignature(Vec<u8>);

impl RowSignature {
    /// `table` keeps the rows of different tables apart.
    pub fn new(table: &'static str) -> Self {
        Self(framed(&[b"row", table.as_bytes()]))
    }

    #[must_use]
    pub fn bytes(mut self, value: &[u8]) -> Self {
        self.0.extend_from_slice(&framed(&[value]));
        self
    }

    #[must_use]
    pub fn id<K: Kind>(self, value: Id<K>) -> Self {
        self.bytes(value.uuid().as_bytes())
    }

    /// A missing text differs from an empty one.
    #[must_use]
    pub fn text(self, value: Option<&str>) -> Self {
        self.bytes(&[u8::from(value.is_some())]).bytes(value.unwrap_or_default().as_bytes())
    }

    #[must_use]
    pub fn int(self, value: i64) -> Self {
        self.bytes(&value.to_be_bytes())
    }

    pub fn sign(self, keys: &Keyring) -> Result<Vec<u8>, VaultError> {
        Ok(keys.system_mac(SystemKey::Token)?.sign(&self.0).to_vec())
    }

    /// In constant time.
    pub fn verify(self, keys: &Keyring, mac: &[u8]) -> Result<(), VaultError> {
        keys.system_mac(SystemKey::Token)?.verify(&self.0, mac)
    }
}

/// Each part with its length before it, so that no two lists of parts give the same message.
fn framed(parts: &[&[u8]]) -> Vec<u8> {
    let mut message = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
    for part in parts {
        message.extend_from_slice(&(part.len() as u64).to_be_bytes());
        message.extend_from_slice(part);
    }
    message
}
