//! Examining an exported file, with nothing else at hand but what somebody kept.

use std::io::BufRead;

use data_encoding::BASE64;

use super::judge::{Judge, Record};
use super::{Finding, Known, Report, Source};
use crate::audit::Event;
use crate::audit::export::{FORMAT, Line};
use crate::audit::tree::{Hash, VerifierKey};

/// Longer lines aren't of this format: an event has some hundred bytes, and 16 for each subject.
const LONGEST_LINE: usize = 64 * 1024 * 1024;

#[derive(Debug, thiserror::Error)]
pub enum ExamineError {
    #[error("the file can't be read: {}", .0.kind())]
    File(#[from] std::io::Error),
    /// The first line isn't that of an exported log, or of a later version of the format.
    #[error("this is no exported audit log")]
    NoLog,
}

/// Hears how many events of how many were examined.
pub type Progress<'a> = &'a mut dyn FnMut(u64, u64);

/// Examines a file that `export` has written. `end` is its last line, which is read before, for its key.
pub fn examine_file(
    file: impl BufRead,
    known: Known,
    own_key: Option<VerifierKey>,
    progress: Progress<'_>,
) -> Result<Report, ExamineError> {
    let mut reading = Reading { file, line: 0 };
    let Some(Ok(Line::Start { kluis_audit_log: FORMAT, events: told, .. })) = reading.next()? else {
        return Err(ExamineError::NoLog);
    };
    let mut judge = Judge::new(known, own_key);
    let mut has_end = false;
    while let Some(line) = reading.next()? {
        let at = reading.line;
        if has_end {
            judge.find(Finding::Line { line: at });
            continue;
        }
        match line {
            Ok(Line::Event { seq, leaf, event }) => {
                let expected = judge.heard() + 1;
                if seq != expected {
                    judge.find(Finding::Order { line: at, expected, found: seq });
                }
                // What comes twice, or from nowhere, is heard once or not at all.
                if seq < expected || seq > told {
                    continue;
                }
                // Behind a gap one goes on, so that the rest is looked at as well.
                if seq > expected {
                    judge.skip(seq - 1);
                }
                let leaf = leaf_of(&leaf);
                if leaf.is_none() {
                    judge.find(Finding::Line { line: at });
                }
                let event = event.map(|facts| facts.event());
                hear(&mut judge, leaf, event.as_ref());
                if seq.is_multiple_of(1024) {
                    progress(seq, told);
                }
            }
            Ok(Line::End { checkpoint, .. }) => {
                has_end = true;
                judge.signed(Source::Exported, &checkpoint);
            }
            Ok(Line::Start { .. }) | Err(()) => judge.find(Finding::Line { line: at }),
        }
    }
    if !has_end || told != judge.heard() {
        judge.find(Finding::NoEnd);
    }
    let events = judge.heard();
    progress(events, told);
    Ok(judge.finish(events))
}

fn hear(judge: &mut Judge, leaf: Option<Hash>, event: Option<&Option<Event>>) {
    let record = match event {
        None => Record::Gone,
        Some(None) => Record::Nonsense,
        Some(Some(event)) => Record::Event(event),
    };
    judge.hear(leaf, &record);
}

fn leaf_of(text: &str) -> Option<Hash> {
    BASE64.decode(text.as_bytes()).ok()?.try_into().ok()
}

/// Lines of the file, counted from 1.
struct Reading<F> {
    file: F,
    line: u64,
}

impl<F: BufRead> Reading<F> {
    /// `Err` for a line that isn't of the format.
    fn next(&mut self) -> std::io::Result<Option<Result<Line, ()>>> {
        let mut text = Vec::new();
        let limit = LONGEST_LINE as u64 + 1;
        let read = std::io::Read::take(&mut self.file, limit).read_until(b'\n', &mut text)?;
        if read == 0 {
            return Ok(None);
        }
        self.line += 1;
        Ok(Some(serde_json::from_slice(&text).map_err(drop)))
    }
}

/// The key that stands in the last line of an exported file; it says nothing about who wrote the file.
pub fn key_of(last_line: &str) -> Option<VerifierKey> {
    match serde_json::from_str(last_line) {
        Ok(Line::End { verifier_key, .. }) => verifier_key.parse().ok(),
        _ => None,
    }
}
