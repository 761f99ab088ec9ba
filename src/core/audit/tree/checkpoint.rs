//! Checkpoints, as C2SP tlog-checkpoint writes them: how many leaves a log had, and under which root, signed by the log.
//!
//! Must never: be read out of a text that the log's key hasn't signed.

use super::note::{DASH, NoteError, Signer, VerifierKey};
use super::{Hash, base64};

/// What a checkpoint says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log: an address without scheme, `kluis.example/audit`. It is also the name of the key.
    pub origin: String,
    pub size: u64,
    pub root: Hash,
}

impl Checkpoint {
    /// The text that is signed.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, base64::encode(&self.root))
    }

    pub fn sign(&self, signer: &Signer) -> Result<String, NoteError> {
        if signer.verifier().name() != self.origin {
            return Err(NoteError::NoCheckpoint);
        }
        signer.sign(&self.text())
    }

    /// Out of a note that the key has signed and that names the key's log. Lines behind the third are others' business.
    pub fn open(note: &str, key: &VerifierKey) -> Result<Self, NoteError> {
        Self::read(key.open(note)?).filter(|read| read.origin == key.name()).ok_or(NoteError::NoCheckpoint)
    }

    /// As [`Self::open`], under whatever name the key has signed: a log whose address has changed is the same log.
    pub fn open_any_name(note: &str, key: &VerifierKey) -> Result<Self, NoteError> {
        let name = note.lines().next().unwrap_or_default();
        Self::open(note, &key.named(name).ok_or(NoteError::NoCheckpoint)?)
    }

    fn read(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let origin = lines.next().filter(|line| !line.is_empty())?.to_owned();
        let digits = lines.next()?;
        let is_number = digits.bytes().all(|b| b.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
        let size = digits.parse().ok().filter(|_| is_number)?;
        let root = base64::hash(lines.next()?)?;
        lines.all(|line| !line.is_empty()).then_some(Self { origin, size, root })
    }
}

/// A note of a file that holds several, and on which line (from 1) it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witnessed {
    pub line: usize,
    pub note: String,
}

/// The notes of a file, one behind the other: text, empty line, signatures, and an empty line before the next one. What
/// isn't one is given as it is, and will have no signature.
pub fn read_all(text: &str) -> Vec<Witnessed> {
    let (mut found, mut waiting): (Vec<Witnessed>, Option<Witnessed>) = (Vec::new(), None);
    for part in paragraphs(text) {
        let signs = part.note.lines().all(|line| line.starts_with(DASH));
        match waiting.take() {
            Some(mut note) if signs => {
                note.note.push('\n');
                note.note.push_str(&part.note);
                found.push(note);
            }
            before => {
                found.extend(before);
                waiting = Some(part);
            }
        }
    }
    found.extend(waiting);
    found
}

/// Lines up to an empty one, however many of those there are.
fn paragraphs(text: &str) -> Vec<Witnessed> {
    let mut found: Vec<Witnessed> = Vec::new();
    let mut is_inside = false;
    for (line, content) in (1..).zip(text.lines()) {
        if content.is_empty() {
            is_inside = false;
            continue;
        }
        if !is_inside {
            found.push(Witnessed { line, note: String::new() });
            is_inside = true;
        }
        if let Some(last) = found.last_mut() {
            last.note.push_str(content);
            last.note.push('\n');
        }
    }
    found
}
