//! A key encrypted under the key above it: root over tenant, tenant over subject, recovery key over root.
//!
//! Bytes, 94 in all: format 1, algorithm 1, nonce 12, encrypted secret 32, tag 16, commitment 32.
//! The commitment is derived from the secret and checked after unwrapping: AES-GCM and ChaCha20-Poly1305 don't commit to
//! their key, so that without it one ciphertext could be made to open under two keys to two secrets
//! (Albertini and others, "How to Abuse and Fix Authenticated Encryption Without Key Commitment", 2022).
//!
//! Must never be unwrapped under another name, version or parent than it was made with.

use std::fmt;

use ring::aead::LessSafeKey;
use subtle::ConstantTimeEq;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::envelope::{Algorithm, NONCE, TAG};
use super::keys::{self, Derivation, Secret};
use super::{KeyId, Result, VaultError, frame};

const FORMAT: u8 = 1;
/// Length of a wrapped key in bytes.
pub const LENGTH: usize = 2 + NONCE + 32 + TAG + 32;

/// What a wrapped key is and what it hangs under; authenticated with it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// Nil for keys of the installation.
    pub tenant: Uuid,
    /// Kind of key: `wrap`, `index`, `subject` …
    pub kind: &'static str,
    pub id: KeyId,
    pub version: u32,
    /// Version of the key above.
    pub parent_version: u32,
}

/// A wrapped key, as it is stored and cached. It is worth nothing without the key above it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct WrappedKey([u8; LENGTH]);

impl WrappedKey {
    pub fn from_stored_bytes(bytes: &[u8]) -> Result<Self> {
        bytes.try_into().map(Self).map_err(|_| VaultError::Integrity("shape of a wrapped key"))
    }

    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Encrypts `secret` under `parent`.
    pub(super) fn wrap(parent: &Parent, algorithm: Algorithm, place: &Place, secret: &Secret) -> Result<Self> {
        let nonce: [u8; NONCE] = keys::random()?;
        let mut sealed = secret.clone();
        let tag = keys::encrypt(&parent.cipher(algorithm)?, nonce, &aad(algorithm, place), sealed.as_mut_slice())?;
        let mut bytes = [0; LENGTH];
        bytes[0] = FORMAT;
        bytes[1] = algorithm.code();
        bytes[2..14].copy_from_slice(&nonce);
        bytes[14..46].copy_from_slice(sealed.as_slice());
        bytes[46..62].copy_from_slice(&tag);
        bytes[62..].copy_from_slice(commitment(&Derivation::of(secret))?.as_slice());
        Ok(Self(bytes))
    }

    /// The secret, with its derivation, since every use derives at once.
    pub(super) fn unwrap(&self, parent: &Parent, place: &Place) -> Result<(Secret, Derivation)> {
        if self.0[0] != FORMAT {
            return Err(VaultError::Integrity("format of a wrapped key"));
        }
        let algorithm = Algorithm::from_code(self.0[1])?;
        let nonce = std::array::from_fn(|position| self.0[2 + position]);
        let mut body = Zeroizing::new([0; 48]);
        body.copy_from_slice(&self.0[14..62]);
        let cipher = parent.cipher(algorithm)?;
        let opened = keys::decrypt(&cipher, nonce, &aad(algorithm, place), body.as_mut_slice())
            .map_err(|_| VaultError::Integrity("wrapped key"))?;
        let mut secret = Secret::default();
        secret.copy_from_slice(opened);
        let derivation = Derivation::of(&secret);
        if bool::from(commitment(&derivation)?.as_slice().ct_eq(&self.0[62..])) {
            Ok((secret, derivation))
        } else {
            Err(VaultError::Integrity("commitment of a wrapped key"))
        }
    }
}

impl fmt::Debug for WrappedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WrappedKey")
    }
}

/// A key that wraps others. What stays in memory is wiped when dropped: the secrets of the two ciphers, from which the
/// schedule (which can't be wiped) is made anew at each use.
pub(super) struct Parent([Secret; 2]);

impl Parent {
    pub(super) fn new(secret: &Secret) -> Result<Self> {
        let derivation = Derivation::of(secret);
        let derive = |algorithm: Algorithm| derivation.secret("wrap", algorithm.name().as_bytes());
        let [first, second] = Algorithm::ALL.map(derive);
        Ok(Self([first?, second?]))
    }

    fn cipher(&self, algorithm: Algorithm) -> Result<LessSafeKey> {
        let [aes, chacha] = &self.0;
        keys::cipher(
            algorithm,
            match algorithm {
                Algorithm::Aes256Gcm => aes,
                Algorithm::ChaCha20Poly1305 => chacha,
            },
        )
    }
}

fn commitment(derivation: &Derivation) -> Result<Secret> {
    derivation.secret("commitment", &[])
}

fn aad(algorithm: Algorithm, place: &Place) -> Vec<u8> {
    let mut aad = Vec::with_capacity(128);
    aad.extend_from_slice(b"kluis wrapped key");
    aad.extend_from_slice(&[FORMAT, algorithm.code()]);
    frame::put(&mut aad, place.tenant.as_bytes());
    frame::put(&mut aad, place.kind.as_bytes());
    frame::put(&mut aad, place.id.as_bytes());
    frame::put(&mut aad, &place.version.to_be_bytes());
    frame::put(&mut aad, &place.parent_version.to_be_bytes());
    aad
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        Place {
            tenant: Uuid::from_u128(1),
            kind: "subject",
            id: KeyId::from_bytes([2; 16]),
            version: 3,
            parent_version: 4,
        }
    }

    fn parent(byte: u8) -> Parent {
        Parent::new(&Zeroizing::new([byte; 32])).unwrap()
    }

    #[test]
    fn it_comes_back_under_both_ciphers() {
        let secret = Zeroizing::new([9; 32]);
        for algorithm in Algorithm::ALL {
            let wrapped = WrappedKey::wrap(&parent(1), algorithm, &place(), &secret).unwrap();
            let stored = WrappedKey::from_stored_bytes(wrapped.as_bytes()).unwrap();
            assert_eq!(*stored.unwrap(&parent(1), &place()).unwrap().0, *secret);
            assert!(!wrapped.as_bytes().windows(8).any(|part| part == [9; 8]));
        }
    }

    #[test]
    fn it_opens_in_its_place_only() {
        let wrapped = WrappedKey::wrap(&parent(1), Algorithm::default(), &place(), &Zeroizing::new([9; 32])).unwrap();
        let elsewhere = [
            Place { tenant: Uuid::from_u128(2), ..place() },
            Place { kind: "index", ..place() },
            Place { id: KeyId::from_bytes([3; 16]), ..place() },
            Place { version: 4, ..place() },
            Place { parent_version: 5, ..place() },
        ];
        for other in elsewhere {
            assert!(matches!(wrapped.unwrap(&parent(1), &other), Err(VaultError::Integrity(_))), "{other:?}");
        }
        assert!(wrapped.unwrap(&parent(2), &place()).is_err());
    }

    #[test]
    fn every_bit_counts_also_those_of_the_commitment() {
        let wrapped = WrappedKey::wrap(&parent(1), Algorithm::default(), &place(), &Zeroizing::new([9; 32])).unwrap();
        for bit in 0..LENGTH * 8 {
            let mut bytes = *wrapped.as_bytes().first_chunk::<LENGTH>().unwrap();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let opened = WrappedKey(bytes).unwrap(&parent(1), &place());
            assert!(matches!(opened, Err(VaultError::Integrity(_))), "bit {bit}");
        }
        assert!(WrappedKey::from_stored_bytes(&[0; LENGTH - 1]).is_err());
    }

    #[test]
    fn the_layout_is_frozen() {
        let stored = concat!(
            "0101000102030405060708090a0b276f3ac02a779e8b46ef01a6b73f1c9c5fb6ad441fec2c2ffa4c51cb295695a8677e88e07db4",
            "4857c819eaaeeaa7d616e2486616e5c3c15eb5b3292e6f10b42ebec5ac32e1d45e3147b6c0e7a9b35bb7"
        );
        let bytes = data_encoding::HEXLOWER.decode(stored.as_bytes()).unwrap();
        let wrapped = WrappedKey::from_stored_bytes(&bytes).unwrap();
        assert_eq!(*wrapped.unwrap(&parent(1), &place()).unwrap().0, [9; 32]);
    }
}
