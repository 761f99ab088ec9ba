//! A sealed value: ciphertext that knows its type and opens only with its key in its place.
//!
//! Must never: open without a context, compare by content, serialise, or show more than its length.

use std::fmt;
use std::io;
use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::envelope::{self, HEADER, Header, TAG};
use super::{Context, DataKey, KeyId, Result, VaultError, keys};

/// Marks sealed bytes that are not JSON: `Sealed<Blob>` holds pieces of files.
#[derive(Debug, Clone, Copy)]
pub enum Blob {}

/// A `T` as the database holds it. The bytes are described in [`envelope`].
pub struct Sealed<T> {
    bytes: Vec<u8>,
    kind: PhantomData<fn() -> T>,
}

impl<T: Serialize> Sealed<T> {
    /// Writes the value as JSON, pads it and encrypts it under `key`, bound to `context`. Each call takes a new nonce.
    pub fn seal(key: &DataKey, context: &Context, value: &T) -> Result<Self> {
        seal_with(key, context, keys::random()?, |plain| {
            serde_json::to_writer(plain, value).map_err(|_| VaultError::Unsealable)
        })
    }
}

impl<T: DeserializeOwned> Sealed<T> {
    /// The value; [`VaultError::Integrity`] when the key, the context or a single bit is another than at sealing.
    pub fn open(&self, key: &DataKey, context: &Context) -> Result<T> {
        let (padded, length) = self.decrypt(key, context)?;
        serde_json::from_slice(&padded[..length]).map_err(|_| VaultError::Integrity("content of the sealed value"))
    }
}

impl<T: DeserializeOwned> Sealed<T> {
    /// Appends the value's JSON as it was written at sealing, for handing on without a look inside; nothing on an error.
    pub(super) fn open_onto(&self, key: &DataKey, context: &Context, text: &mut Vec<u8>) -> Result<()> {
        let start = text.len();
        let opened = self.decrypt_onto(key, context, text).and_then(|length| {
            let json = text.get(start..start + length).map(str::from_utf8);
            if matches!(json, Some(Ok(_))) {
                Ok(length)
            } else {
                Err(VaultError::Integrity("content of the sealed value"))
            }
        });
        text.truncate(start + opened.as_ref().copied().unwrap_or_default());
        opened.map(drop)
    }
}

impl Sealed<Blob> {
    /// Seals bytes as they are.
    pub fn seal_bytes(key: &DataKey, context: &Context, plain: &[u8]) -> Result<Self> {
        seal_with(key, context, keys::random()?, |buffer| {
            io::Write::write_all(buffer, plain).map_err(|_| VaultError::Unsealable)
        })
    }

    pub fn open_bytes(&self, key: &DataKey, context: &Context) -> Result<Zeroizing<Vec<u8>>> {
        let (mut padded, length) = self.decrypt(key, context)?;
        padded.truncate(length);
        Ok(padded)
    }
}

impl<T> Sealed<T> {
    /// What the store read back. Nothing is checked here: that it is genuine, and an envelope at all, shows at opening.
    pub const fn from_stored_bytes(bytes: Vec<u8>) -> Self {
        Self { bytes, kind: PhantomData }
    }

    /// What the store writes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Id of the key that it was sealed with.
    pub fn key_id(&self) -> KeyId {
        KeyId::from_bytes(self.part(2))
    }

    /// Version of the key that it was sealed with.
    pub fn key_version(&self) -> u32 {
        u32::from_be_bytes(self.part(18))
    }

    /// Revision of the row at which it was sealed.
    pub fn revision(&self) -> i64 {
        i64::from_be_bytes(self.part(22))
    }

    /// Version of the shape of what is inside.
    pub fn schema(&self) -> u16 {
        u16::from_be_bytes(self.part(30))
    }

    /// Nonce and tag: stands for the content in a [`super::RowMac`]. Two seals never share it, not even of equal values.
    pub fn fingerprint(&self) -> [u8; envelope::NONCE + TAG] {
        let mut fingerprint = [0; envelope::NONCE + TAG];
        fingerprint[..envelope::NONCE].copy_from_slice(&self.part::<{ envelope::NONCE }>(HEADER - envelope::NONCE));
        fingerprint[envelope::NONCE..].copy_from_slice(&self.part::<TAG>(self.bytes.len().saturating_sub(TAG)));
        fingerprint
    }

    /// `N` bytes from `at`; zeros where a damaged value ends before, which then neither opens nor fits its row MAC.
    fn part<const N: usize>(&self, at: usize) -> [u8; N] {
        std::array::from_fn(|position| self.bytes.get(at + position).copied().unwrap_or_default())
    }

    /// The padded plaintext and the length of what counts in it. The buffer is wiped when dropped.
    fn decrypt(&self, key: &DataKey, context: &Context) -> Result<(Zeroizing<Vec<u8>>, usize)> {
        let mut buffer = Zeroizing::new(Vec::with_capacity(self.bytes.len()));
        let length = self.decrypt_onto(key, context, &mut buffer)?;
        Ok((buffer, length))
    }

    /// Appends the padded plaintext and what was behind it; gives the length of what counts. Leaves rubbish on an error.
    fn decrypt_onto(&self, key: &DataKey, context: &Context, buffer: &mut Vec<u8>) -> Result<usize> {
        let (header, body) = Header::parse(&self.bytes)?;
        if header.key_id != key.id() {
            return Err(VaultError::Integrity("key of the sealed value"));
        }
        context.expects(&header)?;
        let start = buffer.len();
        buffer.extend_from_slice(body);
        let aad = context.aad(&header);
        let padded = key.open((header.algorithm, header.key_version), header.nonce, &aad, &mut buffer[start..])?;
        Ok(envelope::unpad(padded)?.len())
    }
}

fn seal_with<T>(
    key: &DataKey,
    context: &Context,
    nonce: [u8; envelope::NONCE],
    write: impl FnOnce(&mut Wiping) -> Result<()>,
) -> Result<Sealed<T>> {
    let header = Header {
        algorithm: key.algorithm(),
        key_id: key.id(),
        key_version: key.version(),
        revision: context.revision,
        schema: context.schema,
        nonce,
    };
    let mut buffer = Wiping(Zeroizing::new(Vec::with_capacity(512)));
    buffer.put(&header.to_bytes());
    write(&mut buffer)?;
    buffer.reserve(envelope::bucket(buffer.0.len() - HEADER) + TAG);
    envelope::pad(&mut buffer.0, HEADER);
    let tag = key.seal(nonce, &context.aad(&header), &mut buffer.0[HEADER..])?;
    buffer.0.extend_from_slice(&tag);
    // Encrypted in place: no plaintext is left in what is handed out.
    Ok(Sealed { bytes: std::mem::take(&mut *buffer.0), kind: PhantomData })
}

/// A buffer that wipes what it outgrows; a plain `Vec` would leave the plaintext behind in freed memory.
struct Wiping(Zeroizing<Vec<u8>>);

impl Wiping {
    fn reserve(&mut self, more: usize) {
        if self.0.capacity() - self.0.len() < more {
            let mut larger = Zeroizing::new(Vec::with_capacity((self.0.len() + more) * 2));
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
    }

    fn put(&mut self, bytes: &[u8]) {
        self.reserve(bytes.len());
        self.0.extend_from_slice(bytes);
    }
}

impl io::Write for Wiping {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.put(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<T> Clone for Sealed<T> {
    fn clone(&self) -> Self {
        Self { bytes: self.bytes.clone(), kind: PhantomData }
    }
}

impl<T> fmt::Debug for Sealed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.bytes.len())
    }
}

#[cfg(test)]
#[path = "sealed_tests.rs"]
mod tests;
