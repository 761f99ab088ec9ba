//! The judge: hears events in their order with the leaves that were kept of them, builds the tree anew and compares it with
//! everything that was signed.

use std::collections::BTreeMap;

use super::dropped::{Dropped, Gaps};
use super::{Finding, Known, MOST_FINDINGS, Report, Source};
use crate::audit::tree::{Builder, Checkpoint, EMPTY, Hash, Tile, VerifierKey};
use crate::audit::{Event, chain};

/// What there is of an event.
pub enum Record<'a> {
    Event(&'a Event),
    /// Something stands there that is no event.
    Nonsense,
    /// Nothing stands there.
    Gone,
}

/// Knows the tree up to the event that was heard last.
pub struct Judge {
    builder: Builder,
    /// Every leaf is known so far: roots can be compared.
    is_whole: bool,
    /// The size up to which a signed root fits, and whether the last one did.
    good: u64,
    fits: bool,
    key: Option<VerifierKey>,
    marks: BTreeMap<u64, Vec<(Source, Hash)>>,
    gaps: Gaps,
    heard: u64,
    report: Report,
}

impl Judge {
    pub fn new(known: Known, instead: Option<VerifierKey>) -> Self {
        let report = Report {
            events: 0,
            dropped: 0,
            tree: 0,
            checkpoints: 0,
            findings: Vec::new(),
            more: 0,
            broken_at: None,
            key: None,
        };
        let mut judge = Self {
            builder: Builder::new(),
            is_whole: true,
            good: 0,
            fits: true,
            key: known.key.or(instead),
            marks: BTreeMap::new(),
            gaps: Gaps::default(),
            heard: 0,
            report,
        };
        for (source, note) in known.checkpoints {
            judge.signed(source, &note);
        }
        judge
    }

    /// Takes a checkpoint: it is compared as soon as the tree has its size. Gives that size; `None` if it isn't signed.
    pub fn signed(&mut self, source: Source, note: &str) -> Option<u64> {
        let opened = self.key.as_ref().and_then(|key| Checkpoint::open_any_name(note, key).ok());
        let Some(checkpoint) = opened else {
            self.find(Finding::Signature { source });
            return None;
        };
        let size = checkpoint.size;
        if size < self.heard && size > 0 {
            // Its turn is over: it stands where it can't have been signed.
            self.find(Finding::Signature { source });
            return None;
        }
        self.marks.entry(size).or_default().push((source, checkpoint.root));
        self.compare();
        Some(size)
    }

    /// Hears the next event. `leaf` is what the tree has kept of it. Gives the leaf that it goes on with, and the tiles that
    /// are full now.
    pub fn hear(&mut self, leaf: Option<Hash>, record: &Record<'_>) -> (Option<Hash>, Vec<Tile>) {
        self.heard += 1;
        let seq = self.heard;
        let own = match record {
            Record::Event(event) => {
                self.report.events += 1;
                if let Some(dropped) = Dropped::of(event) {
                    self.gaps.told(dropped);
                }
                i64::try_from(seq).ok().map(|seq| chain::leaf(seq, event))
            }
            Record::Nonsense => {
                self.find(Finding::Edited { seq });
                None
            }
            Record::Gone if leaf.is_some() => {
                self.gaps.missing(seq);
                None
            }
            Record::Gone => {
                self.find(Finding::Missing { first: seq, last: seq });
                None
            }
        };
        if let (Some(leaf), Some(own)) = (leaf, own)
            && leaf != own
        {
            self.find(Finding::Edited { seq });
        }
        let taken = leaf.or(own);
        let tiles = match taken {
            Some(leaf) if self.is_whole => self.builder.push(leaf),
            _ => {
                self.is_whole = false;
                Vec::new()
            }
        };
        self.compare();
        (taken, tiles)
    }

    /// The tree, as long as every leaf was known.
    pub fn tree(&self) -> Option<&Builder> {
        self.is_whole.then_some(&self.builder)
    }

    pub const fn heard(&self) -> u64 {
        self.heard
    }

    pub fn told(&mut self, dropped: Dropped) {
        self.gaps.told(dropped);
    }

    pub fn has_gaps(&self) -> bool {
        !self.gaps.is_empty()
    }

    pub fn find(&mut self, finding: Finding) {
        if let Some(at) = finding.at() {
            self.report.broken_at = Some(self.report.broken_at.map_or(at, |before| before.min(at)));
        }
        let findings = &mut self.report.findings;
        if let (Some(Finding::Missing { last, .. }), Finding::Missing { first, last: new }) =
            (findings.last_mut(), &finding)
            && *last + 1 == *first
        {
            *last = *new;
        } else if findings.len() < MOST_FINDINGS {
            findings.push(finding);
        } else {
            self.report.more += 1;
        }
    }

    /// Events of which there is nothing, up to and with `last`.
    pub fn skip(&mut self, last: u64) {
        let first = self.heard + 1;
        self.find(Finding::Missing { first, last });
        (self.heard, self.is_whole) = (last, false);
    }

    /// Of `tree` events, the signed ones; all of those that were heard, where that can't be told.
    pub fn finish(mut self, tree: u64) -> Report {
        for (size, marks) in std::mem::take(&mut self.marks) {
            if size <= self.heard {
                // Leaves before it are unknown, and that was found.
                continue;
            }
            for (source, _) in marks {
                self.find(Finding::Shorter { source, size, events: self.heard });
            }
        }
        let gaps = std::mem::take(&mut self.gaps);
        self.report.dropped = gaps.len();
        gaps.findings().into_iter().for_each(|finding| self.find(finding));
        if !self.report.findings.is_empty() && self.report.broken_at.is_none() {
            self.report.broken_at = Some(self.heard + 1);
        }
        Report { tree, key: self.key, ..self.report }
    }

    /// The roots that were signed at this size.
    fn compare(&mut self) {
        if !self.is_whole {
            return;
        }
        let size = self.builder.size();
        let Some(marks) = self.marks.remove(&size) else { return };
        let root = if size == 0 { EMPTY } else { self.builder.root() };
        let fitted = self.fits;
        for (source, signed) in marks {
            if signed == root {
                self.report.checkpoints += 1;
                (self.good, self.fits) = (size, true);
            } else if fitted {
                self.find(Finding::Root { source, since: self.good, size });
                self.fits = false;
            } else {
                // Behind the first one that differs, all do.
                self.report.more += 1;
            }
        }
    }
}
