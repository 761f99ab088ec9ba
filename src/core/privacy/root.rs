//! The root key, which wraps everything and is in no database, and the record by which a key store knows it again.
//!
//! Beside the check value the record has slots, each holding the root key wrapped under another key: the recovery key on
//! paper, a passphrase through Argon2id (RFC 9106), or a secret whose shares several people have ([`super::shares`]). So a
//! passphrase can be changed without touching a single key.
//!
//! Must never: keep the root key longer than unsealing takes, print it but in its text form, or weaken the passphrase's cost.

use std::fmt;

use argon2::{Argon2, Params, Version};
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::keys::{self, Derivation, Secret};
use super::keystore::INSTALLATION;
use super::shares::slot::{SharesInfo, SharesSlot};
use super::shares::{Share, ShareFault, ShareFaults, Sharing};
use super::unseal::SourceFault;
use super::wrapped::{Parent, Place};
use super::{Algorithm, KeyId, Result, VaultError, WrappedKey, keytext};

pub use super::keytext::KeyTextFault;

/// The key above all others: 32 random bytes.
pub struct RootKey(Secret);

/// Opens the root key's recovery slot. Printed once, kept on paper away from the machine.
pub struct RecoveryKey(Secret);

impl RootKey {
    pub const PREFIX: &'static str = "KLUIS-ROOT-";

    pub fn generate() -> Result<Self> {
        keys::random_secret().map(Self)
    }

    /// Reads the text form; the fault says in which group a typing error is.
    pub fn parse(text: &str) -> Result<Self, KeyTextFault> {
        keytext::read(Self::PREFIX, text).map(Self)
    }

    /// Reads one text form after another; at least one. A source holds two while the root key is being rotated.
    pub fn parse_several(text: &str) -> Result<Vec<Self>, KeyTextFault> {
        Ok(keytext::read_several(Self::PREFIX, text)?.into_iter().map(Self).collect())
    }

    /// The text form, for a key file or a secret store.
    pub fn to_text(&self) -> Zeroizing<String> {
        keytext::write(Self::PREFIX, &self.0)
    }

    pub(super) fn parent(&self) -> Result<Parent> {
        Parent::new(&self.0)
    }

    fn check_value(&self, version: u32) -> Result<Secret> {
        Derivation::of(&self.0).secret("root check", &version.to_be_bytes())
    }
}

impl RecoveryKey {
    pub const PREFIX: &'static str = "KLUIS-RECOVERY-";

    pub fn generate() -> Result<Self> {
        keys::random_secret().map(Self)
    }

    pub fn parse(text: &str) -> Result<Self, KeyTextFault> {
        keytext::read(Self::PREFIX, text).map(Self)
    }

    pub fn to_text(&self) -> Zeroizing<String> {
        keytext::write(Self::PREFIX, &self.0)
    }
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RootKey")
    }
}

impl fmt::Debug for RecoveryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryKey")
    }
}

/// By what a key store knows its root key. Stored as JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RootRecord {
    /// Version of the root key.
    pub version: u32,
    /// Derived from the root key; tells a wrong one before anything is unwrapped.
    check: String,
    recovery: Option<RecoverySlot>,
    passphrase: Option<PassphraseSlot>,
    /// Not written where there is none: a program that knows no shares reads such a record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shares: Option<SharesSlot>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RecoverySlot {
    id: String,
    wrapped: String,
}

/// Salt and cost are stored beside, since they must be known before the key is; changing them changes the key.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PassphraseSlot {
    salt: String,
    memory_kib: u32,
    passes: u32,
    wrapped: String,
}

/// Memory for one derivation in KiB. Unsealing is rare, so it may cost more than a sign-in.
const MEMORY_KIB: u32 = 128 * 1024;
const PASSES: u32 = 3;
/// What a changed record may make us spend at most.
const MOST_MEMORY_KIB: u32 = 1024 * 1024;
const MOST_PASSES: u32 = 16;
/// In characters; the cost of Argon2id must have something to work on.
const SHORTEST_PASSPHRASE: usize = 12;
const RECORD: VaultError = VaultError::Integrity("root record");

impl RootRecord {
    pub(super) fn new(root: &RootKey) -> Result<Self> {
        let version = 1;
        let check = HEXLOWER.encode(root.check_value(version)?.as_slice());
        Ok(Self { version, check, recovery: None, passphrase: None, shares: None })
    }

    /// The record of the root key that comes after this one's. Of the slots it has that of the shares, which stay valid.
    pub(super) fn next(&self, old: &RootKey, root: &RootKey) -> Result<Self> {
        self.check(old)?;
        let version = self.version.checked_add(1).ok_or(VaultError::Exhausted("versions of the root key"))?;
        let check = HEXLOWER.encode(root.check_value(version)?.as_slice());
        let carry = |slot: &SharesSlot| slot.carried(&old.0, self.version, &root.0, version);
        let shares = self.shares.as_ref().map(carry).transpose()?;
        Ok(Self { version, check, recovery: None, passphrase: None, shares })
    }

    pub(super) const fn has_passphrase(&self) -> bool {
        self.passphrase.is_some()
    }

    pub(super) fn parse(json: &str) -> Result<Self> {
        serde_json::from_str(json).map_err(|_| RECORD)
    }

    pub(super) fn to_json(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|_| VaultError::Unsealable)
    }

    /// Refuses any other root key than the one this record was made for.
    pub(super) fn check(&self, root: &RootKey) -> Result<()> {
        let expected = root.check_value(self.version)?;
        let stored = HEXLOWER.decode(self.check.as_bytes()).map_err(|_| RECORD)?;
        if bool::from(expected.as_slice().ct_eq(&stored)) { Ok(()) } else { Err(VaultError::WrongKey) }
    }

    pub(super) fn set_recovery(&mut self, root: &RootKey, recovery: &RecoveryKey) -> Result<()> {
        self.check(root)?;
        let id = KeyId::random()?;
        let parent = Parent::new(&recovery.0)?;
        let wrapped = wrap(&parent, &self.slot("recovery slot", id), root)?;
        self.recovery = Some(RecoverySlot { id: HEXLOWER.encode(id.as_bytes()), wrapped });
        Ok(())
    }

    pub(super) fn recover(&self, recovery: &RecoveryKey) -> Result<RootKey> {
        let slot = self.recovery.as_ref().ok_or(VaultError::WrongKey)?;
        let id = KeyId::from_bytes(array(&slot.id)?);
        let root = unwrap(&Parent::new(&recovery.0)?, &self.slot("recovery slot", id), &slot.wrapped)?;
        self.check(&root).map(|()| root)
    }

    /// Puts new shares in place of those before, which open nothing any more.
    pub(super) fn set_shares(&mut self, root: &RootKey, sharing: &Sharing) -> Result<()> {
        self.check(root)?;
        self.shares = Some(SharesSlot::make(&root.0, self.version, sharing)?);
        Ok(())
    }

    pub(super) fn open_with_shares(&self, shares: &[Share]) -> Result<RootKey> {
        let slot = self.shares.as_ref().ok_or_else(|| ShareFaults::from(ShareFault::None))?;
        let root = RootKey(slot.open(self.version, shares)?);
        self.check(&root).map(|()| root)
    }

    pub(super) fn shares(&self) -> Result<Option<SharesInfo>> {
        self.shares.as_ref().map(SharesSlot::info).transpose()
    }

    /// Takes about half a second and 128 MiB: call it where blocking is fine.
    pub(super) fn set_passphrase(&mut self, root: &RootKey, passphrase: &str) -> Result<()> {
        self.check(root)?;
        if passphrase.chars().count() < SHORTEST_PASSPHRASE {
            return Err(SourceFault::Passphrase.into());
        }
        let salt: [u8; 16] = keys::random()?;
        let parent = stretch(passphrase, &salt, MEMORY_KIB, PASSES)?;
        let wrapped = wrap(&parent, &self.slot("passphrase slot", KeyId::from_bytes(salt)), root)?;
        let salt = HEXLOWER.encode(&salt);
        self.passphrase = Some(PassphraseSlot { salt, memory_kib: MEMORY_KIB, passes: PASSES, wrapped });
        Ok(())
    }

    /// As costly as [`Self::set_passphrase`].
    pub(super) fn open_with_passphrase(&self, passphrase: &str) -> Result<RootKey> {
        let slot = self.passphrase.as_ref().ok_or(SourceFault::NoPassphrase)?;
        if slot.memory_kib > MOST_MEMORY_KIB || slot.passes > MOST_PASSES {
            return Err(RECORD);
        }
        let salt = array(&slot.salt)?;
        let parent = stretch(passphrase, &salt, slot.memory_kib, slot.passes)?;
        let root = unwrap(&parent, &self.slot("passphrase slot", KeyId::from_bytes(salt)), &slot.wrapped)?;
        self.check(&root).map(|()| root)
    }

    fn slot(&self, kind: &'static str, id: KeyId) -> Place {
        Place { tenant: INSTALLATION, kind, id, version: self.version, parent_version: 0 }
    }
}

fn wrap(parent: &Parent, place: &Place, root: &RootKey) -> Result<String> {
    WrappedKey::wrap(parent, Algorithm::default(), place, &root.0).map(|wrapped| HEXLOWER.encode(wrapped.as_bytes()))
}

/// A slot that doesn't open was made for another recovery key or passphrase.
fn unwrap(parent: &Parent, place: &Place, wrapped: &str) -> Result<RootKey> {
    let bytes = HEXLOWER.decode(wrapped.as_bytes()).map_err(|_| RECORD)?;
    let opened = WrappedKey::from_stored_bytes(&bytes)?.unwrap(parent, place);
    opened.map(|(secret, _)| RootKey(secret)).map_err(|_| VaultError::WrongKey)
}

fn stretch(passphrase: &str, salt: &[u8; 16], memory_kib: u32, passes: u32) -> Result<Parent> {
    let params = Params::new(memory_kib, passes, 1, Some(32)).map_err(|_| RECORD)?;
    let mut secret = Secret::default();
    Argon2::new(argon2::Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), salt, secret.as_mut_slice())
        .map_err(|_| SourceFault::Passphrase)?;
    Parent::new(&secret)
}

fn array<const N: usize>(hex: &str) -> Result<[u8; N]> {
    HEXLOWER.decode(hex.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok()).ok_or(RECORD)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_root_key_is_told() {
        let (mine, theirs) = (RootKey::generate().unwrap(), RootKey::generate().unwrap());
        let record = RootRecord::new(&mine).unwrap();
        assert!(record.check(&mine).is_ok());
        assert!(matches!(record.check(&theirs), Err(VaultError::WrongKey)));
        assert!(RootRecord::new(&mine).unwrap().set_recovery(&theirs, &RecoveryKey::generate().unwrap()).is_err());
    }

    #[test]
    fn the_recovery_key_gives_the_root_key_back() {
        let root = RootKey::generate().unwrap();
        let recovery = RecoveryKey::generate().unwrap();
        let mut record = RootRecord::new(&root).unwrap();
        assert!(matches!(record.recover(&recovery), Err(VaultError::WrongKey)));
        record.set_recovery(&root, &recovery).unwrap();
        let stored = RootRecord::parse(&record.to_json().unwrap()).unwrap();
        let typed = RecoveryKey::parse(&recovery.to_text()).unwrap();
        assert_eq!(*stored.recover(&typed).unwrap().0, *root.0);
        assert!(matches!(stored.recover(&RecoveryKey::generate().unwrap()), Err(VaultError::WrongKey)));
    }

    #[test]
    fn a_passphrase_gives_the_root_key_back_at_its_full_cost() {
        let root = RootKey::generate().unwrap();
        let mut record = RootRecord::new(&root).unwrap();
        assert!(matches!(record.open_with_passphrase("x"), Err(VaultError::Source(SourceFault::NoPassphrase))));
        record.set_passphrase(&root, "correct horse battery staple").unwrap();
        assert_eq!(*record.open_with_passphrase("correct horse battery staple").unwrap().0, *root.0);
        assert!(matches!(record.open_with_passphrase("Correct horse battery staple"), Err(VaultError::WrongKey)));
        let mut cheaper = record.clone();
        cheaper.passphrase.as_mut().unwrap().memory_kib = 64;
        assert!(matches!(cheaper.open_with_passphrase("correct horse battery staple"), Err(VaultError::WrongKey)));
        let mut endless = record;
        endless.passphrase.as_mut().unwrap().memory_kib = u32::MAX;
        assert!(matches!(endless.open_with_passphrase("x"), Err(VaultError::Integrity(_))));
    }

    #[test]
    fn nothing_of_the_keys_is_in_the_record_or_in_debug() {
        let root = RootKey(Zeroizing::new([0xab; 32]));
        let mut record = RootRecord::new(&root).unwrap();
        record.set_recovery(&root, &RecoveryKey(Zeroizing::new([0xcd; 32]))).unwrap();
        let json = record.to_json().unwrap();
        assert!(!json.contains("abababab") && !json.contains("cdcdcdcd"));
        assert_eq!(format!("{root:?}"), "RootKey");
    }
}
