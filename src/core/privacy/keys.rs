//! Keys in use: what is derived from a secret, and what may be done with it.
//!
//! From 32 random bytes HKDF-SHA256 (RFC 5869) derives one key per use; the secret itself encrypts nothing. Only the
//! expand step runs: the secrets are uniformly random, and §3.3 of the RFC lets extraction be left out then. What isn't
//! (an agreed secret of X25519) is extracted first.
//!
//! Must never print, serialise or hand out key bytes, nor use one key under two algorithms.
//!
//! What can't be wiped: ring keeps expanded keys in types without access to their bytes, and this crate forbids `unsafe`.
//! The secrets are wiped when dropped; the schedules made from them live as short as the operation that needs them.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ring::aead::{Aad, LessSafeKey, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use ring::{hkdf, hmac};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::envelope::{Algorithm, NONCE, TAG};
use super::{Result, VaultError};

/// 32 bytes that nobody may see.
pub(super) type Secret = Zeroizing<[u8; 32]>;

/// Fills an array from the system's random source: all keys, ids of keys, nonces and salts come from here.
pub(super) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| VaultError::Random)?;
    Ok(bytes)
}

pub(super) fn random_secret() -> Result<Secret> {
    let mut secret = Secret::default();
    SystemRandom::new().fill(secret.as_mut_slice()).map_err(|_| VaultError::Random)?;
    Ok(secret)
}

/// A secret ready for derivation.
#[derive(Clone)]
pub(super) struct Derivation(hkdf::Prk);

impl Derivation {
    pub(super) fn of(secret: &Secret) -> Self {
        Self(hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, secret.as_slice()))
    }

    /// From something that isn't evenly spread: what two keys agreed on, with a second secret as the salt.
    pub(super) fn extracted(salt: &Secret, material: &[u8]) -> Self {
        Self(hkdf::Salt::new(hkdf::HKDF_SHA256, salt.as_slice()).extract(material))
    }

    /// 32 bytes for one use. `label` is a constant of this crate; `detail` narrows it and ends in fixed-length fields.
    pub(super) fn secret(&self, label: &'static str, detail: &[u8]) -> Result<Secret> {
        let mut derived = Secret::default();
        self.0
            .expand(&[b"kluis 1 ", label.as_bytes(), b"\0", detail], hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(derived.as_mut_slice()))
            .map_err(|_| VaultError::Integrity("key derivation"))?;
        Ok(derived)
    }

    pub(super) fn aead(&self, label: &'static str, algorithm: Algorithm) -> Result<LessSafeKey> {
        cipher(algorithm, &self.secret(label, algorithm.name().as_bytes())?)
    }

    pub(super) fn mac(&self, label: &'static str, detail: &[u8]) -> Result<hmac::Key> {
        Ok(hmac::Key::new(hmac::HMAC_SHA256, self.secret(label, detail)?.as_slice()))
    }
}

pub(super) fn cipher(algorithm: Algorithm, key: &Secret) -> Result<LessSafeKey> {
    let key = UnboundKey::new(algorithm.ring(), key.as_slice());
    Ok(LessSafeKey::new(key.map_err(|_| VaultError::Integrity("key length"))?))
}

/// Names a key; random, and not the id of whom it belongs to, so that the key store alone tells nothing about anybody.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId([u8; 16]);

impl KeyId {
    pub(super) fn random() -> Result<Self> {
        random().map(Self)
    }

    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// As the databases hold it. The bytes are random: version and variant bits mean nothing.
    pub const fn uuid(self) -> Uuid {
        Uuid::from_bytes(self.0)
    }

    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid.into_bytes())
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.uuid().as_simple(), f)
    }
}

/// How many seals a process may still make under a key that has no subject; filled up from the key store in batches.
#[derive(Debug, Default)]
pub(super) struct Budget(AtomicU64);

impl Budget {
    pub(super) fn left(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn add(&self, uses: u64) {
        self.0.fetch_add(uses, Ordering::Relaxed);
    }

    fn take(&self) -> Result<()> {
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
            .map(drop)
            .map_err(|_| VaultError::Exhausted("ask the keyring for the key again"))
    }
}

/// A key that seals personal data: of one subject, of a tenant (for data without a subject), or of the installation.
///
/// It lives as long as one operation: the keyring unwraps it, the caller drops it.
pub struct DataKey(Box<Inner>);

struct Inner {
    id: KeyId,
    version: u32,
    algorithm: Algorithm,
    secret: Secret,
    seal: LessSafeKey,
    budget: Option<Arc<Budget>>,
    older: Vec<DataKey>,
}

impl DataKey {
    /// `algorithm` is what it seals with; it opens both.
    pub(super) fn new(id: KeyId, version: u32, algorithm: Algorithm, secret: Secret) -> Result<Self> {
        let derivation = Derivation::of(&secret);
        Self::derived(id, version, algorithm, secret, &derivation)
    }

    pub(super) fn derived(
        id: KeyId,
        version: u32,
        algorithm: Algorithm,
        secret: Secret,
        derivation: &Derivation,
    ) -> Result<Self> {
        let seal = derivation.aead(SEAL, algorithm)?;
        Ok(Self(Box::new(Inner { id, version, algorithm, secret, seal, budget: None, older: Vec::new() })))
    }

    pub(super) fn with_budget(mut self, budget: Arc<Budget>) -> Self {
        self.0.budget = Some(budget);
        self
    }

    /// Earlier versions of the same key, for values that have not been sealed anew yet.
    pub(super) fn with_older(mut self, older: Vec<Self>) -> Self {
        self.0.older = older;
        self
    }

    pub fn id(&self) -> KeyId {
        self.0.id
    }

    /// The version that new values are sealed with.
    pub fn version(&self) -> u32 {
        self.0.version
    }

    pub fn algorithm(&self) -> Algorithm {
        self.0.algorithm
    }

    fn at(&self, version: u32) -> Result<&Inner> {
        if self.0.version == version {
            return Ok(&self.0);
        }
        let older = self.0.older.iter().map(|key| &*key.0).find(|key| key.version == version);
        older.ok_or(VaultError::Integrity("key version"))
    }

    /// Encrypts in place with the newest version.
    pub(super) fn seal(&self, nonce: [u8; NONCE], aad: &[u8], plain: &mut [u8]) -> Result<[u8; TAG]> {
        if let Some(budget) = &self.0.budget {
            budget.take()?;
        }
        encrypt(&self.0.seal, nonce, aad, plain)
    }

    /// Checks and decrypts ciphertext and tag in place; gives the padded plaintext.
    pub(super) fn open<'a>(
        &self,
        (algorithm, version): (Algorithm, u32),
        nonce: [u8; NONCE],
        aad: &[u8],
        body: &'a mut [u8],
    ) -> Result<&'a mut [u8]> {
        let key = self.at(version)?;
        if key.algorithm == algorithm {
            return decrypt(&key.seal, nonce, aad, body);
        }
        decrypt(&Derivation::of(&key.secret).aead(SEAL, algorithm)?, nonce, aad, body)
    }

    /// Authenticates a message without encrypting anything; counts as a seal. The message tells itself from the context
    /// of a sealed value by how it begins.
    pub(super) fn tag(&self, message: &[u8]) -> Result<([u8; NONCE], [u8; TAG])> {
        let nonce = random()?;
        Ok((nonce, self.seal(nonce, message, &mut [])?))
    }

    /// Whether [`Self::tag`] has made this tag for this message.
    pub(super) fn check(
        &self,
        made_with: (Algorithm, u32),
        nonce: [u8; NONCE],
        message: &[u8],
        mut tag: [u8; TAG],
    ) -> Result<()> {
        self.open(made_with, nonce, message, &mut tag).map(drop)
    }
}

const SEAL: &str = "seal";

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DataKey({:?} v{})", self.0.id, self.0.version)
    }
}

pub(super) fn encrypt(key: &LessSafeKey, nonce: [u8; NONCE], aad: &[u8], plain: &mut [u8]) -> Result<[u8; TAG]> {
    let tag = key
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), plain)
        .map_err(|_| VaultError::Unsealable)?;
    tag.as_ref().try_into().map_err(|_| VaultError::Unsealable)
}

pub(super) fn decrypt<'a>(
    key: &LessSafeKey,
    nonce: [u8; NONCE],
    aad: &[u8],
    body: &'a mut [u8],
) -> Result<&'a mut [u8]> {
    key.open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(aad), body)
        .map_err(|_| VaultError::Integrity("sealed value"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_the_id_only() {
        let key = DataKey::new(KeyId([0xab; 16]), 3, Algorithm::Aes256Gcm, Zeroizing::new([0xcd; 32])).unwrap();
        assert_eq!(format!("{key:?}"), format!("DataKey({} v3)", "ab".repeat(16)));
    }

    #[test]
    fn each_use_has_its_own_key() {
        let derivation = Derivation::of(&Zeroizing::new([1; 32]));
        let keys = [("seal", &b"x"[..]), ("seal", b"y"), ("row mac", b"x"), ("seal x", b"")]
            .map(|(label, detail)| *derivation.secret(label, detail).unwrap());
        for (position, key) in keys.iter().enumerate() {
            assert!(!keys[position + 1..].contains(key));
        }
    }

    #[test]
    fn a_budget_ends() {
        let budget = Budget::default();
        budget.add(2);
        assert!(budget.take().is_ok() && budget.take().is_ok());
        assert!(matches!(budget.take(), Err(VaultError::Exhausted(_))));
        assert_eq!(budget.left(), 0);
    }
}
