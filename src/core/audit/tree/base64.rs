//! Hashes as people hand them on: base64, as notes and proofs write them.

use data_encoding::BASE64;

use super::Hash;

pub(super) fn encode(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text.as_bytes()).ok()
}

pub(super) fn hash(text: &str) -> Option<Hash> {
    decode(text)?.try_into().ok()
}
