//! The bytes of a sealed value, version 1. Integers are big-endian:
//!
//! | offset | length | what |
//! |---|---|---|
//! | 0 | 1 | format version, 1 |
//! | 1 | 1 | algorithm: 1 AES-256-GCM, 2 ChaCha20-Poly1305 |
//! | 2 | 16 | key id |
//! | 18 | 4 | key version |
//! | 22 | 8 | revision of the row at which it was sealed |
//! | 30 | 2 | schema version of what is inside |
//! | 32 | 12 | nonce, random |
//! | 44 | n | ciphertext, padded to a bucket of 32, 64, 128, 256, 512 or a multiple of 512 bytes |
//! | 44+n | 16 | tag |
//!
//! The padding is one byte 0x80 and zeros (ISO/IEC 7816-4), inside the encryption: the length of a stored value tells
//! its bucket and nothing more. The first 32 bytes are authenticated together with the context.
//!
//! Must never be read by trial: the header names algorithm and key, and there is no algorithm that does nothing.

use ring::aead;

use super::{KeyId, Result, VaultError};

/// Version of this layout.
const FORMAT: u8 = 1;
/// Bytes before the nonce.
const AUTHENTICATED: usize = 32;
pub(super) const NONCE: usize = 12;
pub(super) const TAG: usize = 16;
/// Bytes before the ciphertext.
pub(super) const HEADER: usize = AUTHENTICATED + NONCE;
const SMALLEST: usize = 32;
/// From here on buckets grow by this step instead of doubling.
const STEP: usize = 512;

/// The authenticated ciphers that ring offers with a 256-bit key; both are RFC 5116 AEADs with 96-bit nonces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Algorithm {
    /// The default: hardware does it.
    #[default]
    Aes256Gcm,
    /// For machines without AES instructions (RFC 8439).
    ChaCha20Poly1305,
}

impl Algorithm {
    pub const ALL: [Self; 2] = [Self::Aes256Gcm, Self::ChaCha20Poly1305];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Aes256Gcm => "aes-256-gcm",
            Self::ChaCha20Poly1305 => "chacha20-poly1305",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    pub(super) const fn code(self) -> u8 {
        match self {
            Self::Aes256Gcm => 1,
            Self::ChaCha20Poly1305 => 2,
        }
    }

    pub(super) fn from_code(code: u8) -> Result<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.code() == code).ok_or(VaultError::Integrity("algorithm"))
    }

    pub(super) fn ring(self) -> &'static aead::Algorithm {
        match self {
            Self::Aes256Gcm => &aead::AES_256_GCM,
            Self::ChaCha20Poly1305 => &aead::CHACHA20_POLY1305,
        }
    }
}

/// Everything in front of the ciphertext, parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub algorithm: Algorithm,
    pub key_id: KeyId,
    pub key_version: u32,
    pub revision: i64,
    pub schema: u16,
    pub nonce: [u8; NONCE],
}

impl Header {
    /// The bytes that are authenticated with the context: all but the nonce, which the cipher binds itself.
    pub(super) fn authenticated(&self) -> [u8; AUTHENTICATED] {
        let mut bytes = [0; AUTHENTICATED];
        bytes[0] = FORMAT;
        bytes[1] = self.algorithm.code();
        bytes[2..18].copy_from_slice(self.key_id.as_bytes());
        bytes[18..22].copy_from_slice(&self.key_version.to_be_bytes());
        bytes[22..30].copy_from_slice(&self.revision.to_be_bytes());
        bytes[30..32].copy_from_slice(&self.schema.to_be_bytes());
        bytes
    }

    pub(super) fn to_bytes(self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[..AUTHENTICATED].copy_from_slice(&self.authenticated());
        bytes[AUTHENTICATED..].copy_from_slice(&self.nonce);
        bytes
    }

    /// Reads the header of a stored value and splits off what the cipher gets: ciphertext and tag.
    pub(super) fn parse(envelope: &[u8]) -> Result<(Self, &[u8])> {
        const SHAPE: VaultError = VaultError::Integrity("shape of the sealed value");
        let (head, body) = envelope.split_first_chunk::<HEADER>().ok_or(SHAPE)?;
        if head[0] != FORMAT {
            return Err(VaultError::Integrity("format of the sealed value"));
        }
        if body.len() < TAG || !is_bucket(body.len() - TAG) {
            return Err(SHAPE);
        }
        let header = Self {
            algorithm: Algorithm::from_code(head[1])?,
            key_id: KeyId::from_bytes(part(head, 2)),
            key_version: u32::from_be_bytes(part(head, 18)),
            revision: i64::from_be_bytes(part(head, 22)),
            schema: u16::from_be_bytes(part(head, 30)),
            nonce: part(head, AUTHENTICATED),
        };
        Ok((header, body))
    }
}

/// `N` bytes from `at`; the callers' offsets lie within the header.
fn part<const N: usize>(head: &[u8; HEADER], at: usize) -> [u8; N] {
    std::array::from_fn(|position| head[at + position])
}

/// The bucket that a plaintext of this length is padded to; one byte of the bucket is the mark.
pub(super) const fn bucket(length: usize) -> usize {
    let needed = length + 1;
    if needed <= SMALLEST {
        SMALLEST
    } else if needed <= STEP {
        needed.next_power_of_two()
    } else {
        needed.next_multiple_of(STEP)
    }
}

const fn is_bucket(length: usize) -> bool {
    length != 0 && bucket(length - 1) == length
}

/// Fills the plaintext that begins at `start` up to its bucket.
pub(super) fn pad(buffer: &mut Vec<u8>, start: usize) {
    let length = buffer.len() - start;
    buffer.push(0x80);
    buffer.resize(start + bucket(length), 0);
}

/// The plaintext without its padding. Runs after the tag was checked, so its timing tells an attacker nothing.
pub(super) fn unpad(padded: &[u8]) -> Result<&[u8]> {
    let mark = padded.iter().rposition(|byte| *byte != 0);
    match mark {
        Some(mark) if padded[mark] == 0x80 => Ok(&padded[..mark]),
        _ => Err(VaultError::Integrity("padding of the sealed value")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn buckets_are_as_written_down() {
        let lengths = [0, 1, 31, 32, 63, 64, 127, 128, 255, 256, 511, 512, 1023, 1024, 5000];
        let buckets = lengths.map(bucket);
        assert_eq!(buckets, [32, 32, 32, 64, 64, 128, 128, 256, 256, 512, 512, 1024, 1024, 1536, 5120]);
        for no in [0, 1, 33, 48, 96, 768, 1000] {
            assert!(!is_bucket(no), "{no}");
        }
    }

    #[test]
    fn the_header_is_frozen() {
        let header = Header {
            algorithm: Algorithm::ChaCha20Poly1305,
            key_id: KeyId::from_bytes([0xa1; 16]),
            key_version: 0x0102_0304,
            revision: 0x1112_1314_1516_1718,
            schema: 0x2122,
            nonce: [0xb2; 12],
        };
        let bytes = header.to_bytes();
        let hex = data_encoding::HEXLOWER.encode(&bytes);
        assert_eq!(hex, "0102a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a10102030411121314151617182122b2b2b2b2b2b2b2b2b2b2b2b2");
        let envelope = [bytes.as_slice(), &[0; 48]].concat();
        let (parsed, body) = Header::parse(&envelope).unwrap();
        assert_eq!((parsed, body.len()), (header, 48));
    }

    #[test]
    fn what_is_not_an_envelope_is_an_integrity_error() {
        let good = [&[1_u8, 1][..], &[7; 42], &[0; 48]].concat();
        assert!(Header::parse(&good).is_ok());
        for (position, wrong) in [(0, 0), (0, 2), (1, 0), (1, 3), (1, 255)] {
            let mut bad = good.clone();
            bad[position] = wrong;
            assert!(matches!(Header::parse(&bad), Err(VaultError::Integrity(_))));
        }
        for length in 0..good.len() {
            assert!(matches!(Header::parse(&good[..length]), Err(VaultError::Integrity(_))), "{length}");
        }
    }

    proptest! {
        #[test]
        fn padding_comes_off_again(plain: Vec<u8>, start in 0_usize..60) {
            let mut buffer = vec![9; start];
            buffer.extend_from_slice(&plain);
            pad(&mut buffer, start);
            prop_assert!(is_bucket(buffer.len() - start));
            prop_assert_eq!(unpad(&buffer[start..]).unwrap(), &plain[..]);
        }

        #[test]
        fn parsing_never_panics(bytes: Vec<u8>) {
            let _ = Header::parse(&bytes);
            let _ = unpad(&bytes);
        }
    }
}
