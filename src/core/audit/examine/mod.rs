//! Examining the log: whether what stands there is what was recorded, and what was signed.
//!
//! The same judge hears the database and an exported file. Three things hold an event: its link of the chain, its leaf in
//! the tree, and the signed root over that. A chain can be computed anew by whoever writes to the database, and so can the
//! tree; the signature can't. Against a log that was rolled back as a whole, checkpoints that stand elsewhere help.
//!
//! Must never: change anything, or stop at the first fault.

mod database;
mod dropped;
mod file;
mod judge;

use chrono::{DateTime, Utc};

use super::tree::VerifierKey;
use crate::args;
use crate::store::{Db, Ready, StoreError};

pub use database::{examine, verify};
pub use dropped::{DROPPED, Dropped};
pub use file::{ExamineError, Progress, examine_file, key_of};

/// More findings than this are only counted.
const MOST_FINDINGS: usize = 100;

/// Where a checkpoint stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// In the database.
    Stored,
    /// At the end of the exported file.
    Exported,
    /// In a file that somebody kept: its name, and the line on which it begins.
    Kept { name: String, line: usize },
}

/// What is known from elsewhere.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// The log's key; without one, that of the last checkpoint is believed.
    pub key: Option<VerifierKey>,
    /// Checkpoints that were kept, as signed notes.
    pub checkpoints: Vec<(Source, String)>,
}

/// Something that isn't as it was recorded or signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// The event isn't the one that was recorded.
    Edited { seq: u64 },
    /// Events aren't there, and no retention has dropped them.
    Missing { first: u64, last: u64 },
    /// Retention says that it has dropped more events than are missing, or fewer.
    Dropped { told: u64, missing: u64 },
    /// An event stands behind the end of the log.
    Beyond { seq: u64 },
    /// The event's link of the chain doesn't follow from the one before.
    Chain { seq: u64 },
    /// The end of the chain, or of the tree, isn't that of the events.
    End { seq: u64 },
    /// Hashes of the tree aren't there, or not those that follow from its leaves.
    Tile { level: u32, index: u64 },
    /// There are hashes that belong to no tree of this size.
    MoreTiles,
    /// Nobody has signed the tree as it is.
    Unsigned { size: u64 },
    /// A checkpoint isn't one, or isn't signed by the log's key.
    Signature { source: Source },
    /// The events don't lead to the signed root. Up to `since` they did: one of those behind it was changed after it had
    /// been signed, or put in another order.
    Root { source: Source, since: u64, size: u64 },
    /// The log had `size` events when this was signed, and has fewer now: it was cut off, or an old one was put back.
    Shorter { source: Source, size: u64, events: u64 },
    /// A line of the file can't be read.
    Line { line: u64 },
    /// A line of the file has another event than the one whose turn it is.
    Order { line: u64, expected: u64, found: u64 },
    /// The file doesn't end with a checkpoint: it was cut off, or the export was.
    NoEnd,
}

impl Finding {
    /// The first event that is concerned.
    const fn at(&self) -> Option<u64> {
        match self {
            Self::Edited { seq } | Self::Beyond { seq } | Self::Chain { seq } | Self::End { seq } => Some(*seq),
            Self::Missing { first, .. } => Some(*first),
            Self::Unsigned { size } => Some(*size),
            Self::Root { since, .. } => Some(*since + 1),
            Self::Shorter { events, .. } => Some(*events + 1),
            Self::Order { expected, .. } => Some(*expected),
            Self::Tile { index, level: 0 } => Some(*index * 256 + 1),
            Self::Dropped { .. } | Self::Tile { .. } | Self::MoreTiles | Self::Signature { .. } => Some(1),
            Self::Line { .. } | Self::NoEnd => None,
        }
    }
}

/// What an examination found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Events that were read.
    pub events: u64,
    /// Events that retention has dropped; their leaves are there.
    pub dropped: u64,
    /// Events in the signed tree.
    pub tree: u64,
    /// Checkpoints that fit.
    pub checkpoints: u64,
    pub findings: Vec<Finding>,
    /// Findings beyond those.
    pub more: u64,
    /// The first event that is concerned, of all findings; `None` when the log is whole.
    pub broken_at: Option<u64>,
    /// The key that checkpoints were checked with.
    pub key: Option<VerifierKey>,
}

impl Report {
    pub const fn is_whole(&self) -> bool {
        self.findings.is_empty()
    }
}

/// When the last event was recorded; `None` for an empty log.
pub async fn last(db: &Db) -> Result<Option<DateTime<Utc>>, StoreError> {
    let sql = "SELECT at FROM audit_events ORDER BY seq DESC LIMIT 1";
    db.fetch_optional(Ready::Static(sql), args![]).await?.map(|row| row.time(0)).transpose()
}
