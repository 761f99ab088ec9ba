//! The copy of the ledger in a file: one line of JSON an entry, only ever added to.
//!
//! Must never: shorten or rewrite what it holds, except for a last line that was broken off while it was being written,
//! or return before the disk has what it was given.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::{BEGIN, Line, Linked, broken_at};
use crate::kernel::Message;
use crate::privacy::MacKey;

/// What is wrong with the copy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerFault {
    #[error("the copy of the erasure ledger can't be reached: {0}")]
    File(ErrorKind),
    /// The ledger has entries, and there is no file.
    #[error("there is no copy of the erasure ledger")]
    Missing,
    /// The ledger in the database was edited from this entry on.
    #[error("entry {0} of the erasure ledger was changed")]
    Ledger(u64),
    /// A line that isn't an entry, or doesn't stand behind the one before it; counted from 1.
    #[error("entry {0} of the copy of the erasure ledger was changed")]
    Changed(u64),
    /// The same number stands for different erasures in the ledger and in its copy.
    #[error("the erasure ledger and its copy differ from entry {0} on")]
    Forked(u64),
    /// The copy has this many entries that the ledger lacks: older data was put back.
    #[error("the erasure ledger lacks {0} entries of its copy")]
    Behind(u64),
}

impl LedgerFault {
    /// For the operator's terminal, with what to do about it.
    pub fn message(&self) -> Message {
        match self {
            Self::File(kind) => Message::new(
                format!("The copy of the erasure ledger (erasure.ledger_copy) can't be reached: {kind}."),
                format!("De kopie van het wisregister (erasure.ledger_copy) is niet bereikbaar: {kind}."),
            ),
            Self::Missing => Message::new(
                "There is no copy of the erasure ledger. If it has a new place, run kluis erasure copy; if not, bring it back.",
                "Er is geen kopie van het wisregister. Heeft zij een nieuwe plek, voer dan kluis erasure copy uit; zo niet, zet haar terug.",
            ),
            Self::Ledger(number) => Message::new(
                format!("Entry {number} of the erasure ledger was changed in the database."),
                format!("Regel {number} van het wisregister is in de database gewijzigd."),
            ),
            Self::Changed(number) => Message::new(
                format!("Entry {number} of the copy of the erasure ledger was changed, or is another installation's."),
                format!("Regel {number} van de kopie van het wisregister is gewijzigd, of van een andere installatie."),
            ),
            Self::Forked(number) => Message::new(
                format!(
                    "The erasure ledger and its copy differ from entry {number} on: older data was put back and used. Run kluis erasure replay."
                ),
                format!(
                    "Het wisregister en zijn kopie verschillen vanaf regel {number}: er zijn oudere gegevens teruggezet en gebruikt. Voer kluis erasure replay uit."
                ),
            ),
            Self::Behind(entries) => Message::new(
                format!(
                    "Older data was put back: it lacks {entries} erasures. Run kluis erasure replay, and they are done once more."
                ),
                format!(
                    "Er zijn oudere gegevens teruggezet: daarin ontbreken {entries} wissingen. Voer kluis erasure replay uit, dan gebeuren zij opnieuw."
                ),
            ),
        }
    }
}

impl From<std::io::Error> for LedgerFault {
    fn from(error: std::io::Error) -> Self {
        Self::File(error.kind())
    }
}

/// The file outside of the database.
#[derive(Debug, Clone)]
pub struct LedgerCopy(PathBuf);

/// A line is far shorter.
const LONGEST_LINE: u64 = 512;

impl LedgerCopy {
    pub const fn at(path: PathBuf) -> Self {
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn exists(&self) -> bool {
        self.0.exists()
    }

    /// All entries, checked. An entry that was broken off while it was being written was never acknowledged.
    pub fn read(&self, key: &MacKey) -> Result<Vec<Linked>, LedgerFault> {
        let mut text = String::new();
        match File::open(&self.0) {
            Ok(mut file) => file.read_to_string(&mut text)?,
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(LedgerFault::Missing),
            Err(error) => return Err(error.into()),
        };
        let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
        let parse = |(number, line)| entry_of(line).ok_or(LedgerFault::Changed(number));
        let entries = (1..).zip(whole.lines()).map(parse).collect::<Result<Vec<_>, _>>()?;
        broken_at(&entries, key).map_or(Ok(entries), |number| Err(LedgerFault::Changed(number)))
    }

    /// The number of the last entry, 0 without any.
    pub fn last(&self) -> Result<u64, LedgerFault> {
        match File::open(&self.0) {
            Ok(mut file) => Ok(last_of(&mut file)?.1.map_or(0, |linked| linked.entry.number)),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(LedgerFault::Missing),
            Err(error) => Err(error.into()),
        }
    }

    /// Adds those of the entries that the file lacks; on the disk when it returns. Several processes may do so at once.
    /// Entries that don't stand behind what the file holds are refused. Makes the file if asked to.
    pub fn extend(&self, entries: &[Linked], key: &MacKey, make: bool) -> Result<(), LedgerFault> {
        let is_new = !self.0.exists();
        if is_new && !make {
            return Err(LedgerFault::Missing);
        }
        let mut options = OpenOptions::new();
        let mut file = private(options.read(true).write(true).create(make)).open(&self.0)?;
        // Until it is closed: whoever comes next sees whole lines.
        file.lock()?;
        let (end, last) = last_of(&mut file)?;
        let (number, link) = last.map_or((0, BEGIN), |linked| (linked.entry.number, linked.link));
        if let Some(same) = entries.iter().find(|linked| linked.entry.number == number)
            && same.link != link
        {
            return Err(LedgerFault::Forked(number));
        }
        let missing: Vec<_> = entries.iter().filter(|linked| linked.entry.number > number).collect();
        if let Some(first) = missing.first()
            && !first.follows(key, (number, &link))
        {
            return Err(LedgerFault::Forked(number + 1));
        }
        file.set_len(end)?;
        file.seek(SeekFrom::Start(end))?;
        file.write_all(lines(&missing).as_bytes())?;
        file.sync_all()?;
        if is_new { sync_directory(&self.0) } else { Ok(()) }
    }
}

fn lines(entries: &[&Linked]) -> String {
    let line = |linked: &&Linked| {
        // Numbers and texts always serialise.
        let mut line = serde_json::to_string(&Line::of(linked)).unwrap_or_default();
        line.push('\n');
        line
    };
    entries.iter().map(line).collect()
}

fn entry_of(line: &str) -> Option<Linked> {
    serde_json::from_str::<Line>(line).ok()?.into_linked()
}

/// Where the last whole line ends, and what it says.
fn last_of(file: &mut File) -> Result<(u64, Option<Linked>), LedgerFault> {
    let length = file.metadata()?.len();
    let start = length.saturating_sub(2 * LONGEST_LINE);
    file.seek(SeekFrom::Start(start))?;
    let mut tail = Vec::new();
    file.take(2 * LONGEST_LINE).read_to_end(&mut tail)?;
    let Some(end) = tail.iter().rposition(|byte| *byte == b'\n') else {
        // Nothing but a line that was broken off; anything longer isn't ours.
        return if start == 0 { Ok((0, None)) } else { Err(LedgerFault::Changed(1)) };
    };
    let whole = &tail[..end];
    let begin = whole.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    let line = std::str::from_utf8(&whole[begin..]).ok().and_then(entry_of);
    let linked = line.ok_or(LedgerFault::Changed(0))?;
    Ok((start + end as u64 + 1, Some(linked)))
}

#[cfg(unix)]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600)
}

#[cfg(not(unix))]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

fn sync_directory(path: &Path) -> Result<(), LedgerFault> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok(File::open(directory).and_then(|directory| directory.sync_all())?)
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use ring::hmac;
    use uuid::Uuid;

    use super::super::{BEGIN, Entry, Linked};
    use super::*;
    use crate::privacy::KeyId;

    fn key(secret: u8) -> MacKey {
        MacKey::new(hmac::Key::new(hmac::HMAC_SHA256, &[secret; 32]))
    }

    fn entries(count: u64, key: &MacKey) -> Vec<Linked> {
        let mut before = BEGIN;
        let next = |number| {
            let at: DateTime<Utc> = DateTime::from_timestamp(1_800_000_000 + number as i64, 123_456_789).unwrap();
            let ids = [1, 2].map(|kind| Uuid::from_u128(u128::from(number) << 64 | kind));
            let entry = Entry::new(number, at, ids[0], ids[1], KeyId::from_bytes([number as u8; 16]));
            let linked = Linked::behind(entry, key, &before);
            before = linked.link;
            linked
        };
        (1..=count).map(next).collect()
    }

    fn copy() -> (tempfile::TempDir, LedgerCopy) {
        let directory = tempfile::tempdir().unwrap();
        let copy = LedgerCopy::at(directory.path().join("ledger"));
        (directory, copy)
    }

    #[test]
    fn it_holds_what_it_was_given_and_each_only_once() {
        let (key, (_directory, copy)) = (key(1), copy());
        let all = entries(20, &key);
        assert_eq!(copy.read(&key), Err(LedgerFault::Missing));
        assert_eq!(copy.extend(&all[..3], &key, false), Err(LedgerFault::Missing));
        copy.extend(&[], &key, true).unwrap();
        assert_eq!((copy.read(&key).unwrap().len(), copy.last().unwrap()), (0, 0));
        for (from, to) in [(0, 1), (0, 1), (0, 5), (3, 9), (9, 20), (0, 20)] {
            copy.extend(&all[from..to], &key, false).unwrap();
        }
        assert_eq!(copy.read(&key).unwrap(), all);
        assert_eq!(copy.last().unwrap(), 20);
    }

    #[test]
    fn a_line_that_was_broken_off_is_written_again() {
        let (key, (_directory, copy)) = (key(1), copy());
        let all = entries(3, &key);
        copy.extend(&all, &key, true).unwrap();
        let whole = std::fs::read(copy.path()).unwrap();
        let ends: Vec<_> = (0..whole.len()).filter(|at| whole[*at] == b'\n').collect();
        for length in 0..whole.len() {
            std::fs::write(copy.path(), &whole[..length]).unwrap();
            let held = ends.iter().filter(|end| **end < length).count();
            assert_eq!(copy.read(&key).unwrap(), all[..held], "{length}");
            copy.extend(&all, &key, false).unwrap();
            assert_eq!(std::fs::read(copy.path()).unwrap(), whole, "{length}");
        }
    }

    #[test]
    fn every_changed_byte_is_found() {
        let (key, (_directory, copy)) = (key(1), copy());
        copy.extend(&entries(4, &key), &key, true).unwrap();
        let whole = std::fs::read(copy.path()).unwrap();
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            std::fs::write(copy.path(), &bytes).unwrap();
            // The end of the last line: the line counts as broken off.
            let is_end = at + 1 == whole.len();
            assert_eq!(copy.read(&key).is_ok(), is_end, "byte {at}");
        }
    }

    #[test]
    fn lines_that_are_gone_moved_or_strange_are_found() {
        let (own, (_directory, copy)) = (key(1), copy());
        let all = entries(4, &own);
        copy.extend(&all, &own, true).unwrap();
        let text = std::fs::read_to_string(copy.path()).unwrap();
        let lines: Vec<_> = text.lines().collect();
        for (order, fault) in [(vec![1, 2, 3], 1), (vec![0, 2, 3], 2), (vec![0, 2, 1, 3], 2), (vec![0, 1, 1, 2], 3)] {
            let text: String = order.iter().map(|at| format!("{}\n", lines[*at])).collect();
            std::fs::write(copy.path(), text).unwrap();
            assert_eq!(copy.read(&own), Err(LedgerFault::Changed(fault)), "{order:?}");
        }
        std::fs::write(copy.path(), text).unwrap();
        assert_eq!(copy.read(&key(2)), Err(LedgerFault::Changed(1)), "another installation's");
        let others = entries(6, &key(2));
        assert_eq!(copy.extend(&others, &key(2), false), Err(LedgerFault::Forked(4)));
        assert_eq!(copy.extend(&others[4..], &key(2), false), Err(LedgerFault::Forked(5)));
        assert_eq!(copy.read(&own).unwrap(), all);
    }

    #[test]
    fn the_form_of_a_line_is_frozen() {
        let (key, (_directory, copy)) = (key(7), copy());
        copy.extend(&entries(1, &key), &key, true).unwrap();
        let line = std::fs::read_to_string(copy.path()).unwrap();
        let frozen = include_str!("../../../../tests/data/frozen/v1/erasures.json");
        let frozen: serde_json::Value = serde_json::from_str(frozen).unwrap();
        assert_eq!(line.trim_end(), frozen["line"]);
        std::fs::write(copy.path(), line).unwrap();
        assert_eq!(copy.read(&key).unwrap(), entries(1, &key));
    }
}
