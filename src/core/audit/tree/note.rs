//! Signed notes and verifier keys, as C2SP signed-note writes them, with Ed25519 (RFC 8032).
//!
//! Must never: take a text whose signature doesn't fit, or ignore a signature of the key that was asked for.

use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER_PERMISSIVE as HEX;
use ring::digest::{Context, SHA256};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

use super::base64;

/// The signature type of Ed25519.
const TYPE: u8 = 1;
/// Longer ones are refused unread; a checkpoint with a few witnesses has some hundred bytes.
const LONGEST: usize = 64 * 1024;
const MOST_SIGNATURES: usize = 100;
pub(super) const DASH: &str = "\u{2014} ";

/// Why a note isn't taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    #[error("not a signed note")]
    Form,
    #[error("not signed by this key")]
    NotSigned,
    #[error("the signature is wrong")]
    Signature,
    #[error("the text is no checkpoint of this log")]
    NoCheckpoint,
    #[error("not a verifier key")]
    Key,
}

/// The public key of a log, with its name; written `name+id+key`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    public: [u8; 32],
}

impl VerifierKey {
    /// `None` for a name that is empty, or has a space or a plus sign.
    pub fn new(name: &str, public: [u8; 32]) -> Option<Self> {
        let is_name = !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c == '+' || c.is_control());
        is_name.then(|| Self { name: name.to_owned(), public })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// The same key under another name: that of a log that was called otherwise before.
    pub fn named(&self, name: &str) -> Option<Self> {
        Self::new(name, self.public)
    }

    /// First four bytes of the SHA-256 of name, line end, type and key: it tells keys apart, and proves nothing.
    fn id(&self) -> [u8; 4] {
        let mut context = Context::new(&SHA256);
        context.update(self.name.as_bytes());
        context.update(&[b'\n', TYPE]);
        context.update(&self.public);
        let digest = context.finish();
        std::array::from_fn(|place| digest.as_ref()[place])
    }

    /// The text of a note that this key has signed, whoever else has.
    pub fn open<'a>(&self, note: &'a str) -> Result<&'a str, NoteError> {
        let (text, lines) = split(note)?;
        let id = self.id();
        let mut is_signed = false;
        for (at, line) in lines.lines().enumerate() {
            let signature = line.strip_prefix(DASH).and_then(|rest| rest.split_once(' '));
            let (name, signature) = signature.filter(|_| at < MOST_SIGNATURES).ok_or(NoteError::Form)?;
            let signature = base64::decode(signature).ok_or(NoteError::Form)?;
            let (key, signature) = signature.split_at_checked(id.len()).ok_or(NoteError::Form)?;
            if name == self.name && key == id {
                let public = UnparsedPublicKey::new(&ED25519, &self.public);
                public.verify(text.as_bytes(), signature).map_err(|_| NoteError::Signature)?;
                is_signed = true;
            }
        }
        if is_signed { Ok(text) } else { Err(NoteError::NotSigned) }
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[TYPE][..], &self.public].concat();
        write!(f, "{}+{}+{}", self.name, HEX.encode(&self.id()), base64::encode(&key))
    }
}

impl FromStr for VerifierKey {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        // A key in base64 may have a plus sign, a name and an id have none.
        let parts: Vec<_> = text.trim().splitn(3, '+').collect();
        let [name, id, key] = parts[..] else { return Err(NoteError::Key) };
        let key = base64::decode(key).ok_or(NoteError::Key)?;
        let [TYPE, public @ ..] = &key[..] else { return Err(NoteError::Key) };
        let public = public.try_into().map_err(|_| NoteError::Key)?;
        let read = Self::new(name, public).ok_or(NoteError::Key)?;
        if HEX.decode(id.as_bytes()).is_ok_and(|id| id == read.id()) { Ok(read) } else { Err(NoteError::Key) }
    }
}

/// The text with its last line end, and the lines of the signatures.
fn split(note: &str) -> Result<(&str, &str), NoteError> {
    let is_plain = note.len() <= LONGEST && !note.contains(|c: char| c < ' ' && c != '\n');
    let at = note.rfind("\n\n").filter(|_| is_plain && note.ends_with('\n')).ok_or(NoteError::Form)?;
    let (text, lines) = (&note[..=at], &note[at + 2..]);
    if lines.is_empty() { Err(NoteError::Form) } else { Ok((text, lines)) }
}

/// What signs a log's checkpoints.
pub struct Signer {
    pair: Ed25519KeyPair,
    verifier: VerifierKey,
}

impl Signer {
    /// From a seed that stays the same as long as the log does. `None` for a name that can't be one.
    pub fn new(name: &str, seed: &[u8; 32]) -> Option<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).ok()?;
        let public = pair.public_key().as_ref().try_into().ok()?;
        Some(Self { verifier: VerifierKey::new(name, public)?, pair })
    }

    pub const fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// The signed note; the text has to end with a line end, and to hold no other control character.
    pub fn sign(&self, text: &str) -> Result<String, NoteError> {
        if !text.ends_with('\n') || text.contains(|c: char| c < ' ' && c != '\n') {
            return Err(NoteError::Form);
        }
        let signature = self.pair.sign(text.as_bytes());
        let signature = base64::encode(&[&self.verifier.id(), signature.as_ref()].concat());
        Ok(format!("{text}\n{DASH}{} {signature}\n", self.verifier.name))
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.verifier)
    }
}
