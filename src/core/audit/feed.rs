//! The change feed: what was written since one looked last, on whichever node.
//!
//! It is the audit log, as far as that tells of writes. No change is committed without its event, so none is missing here,
//! and following the feed costs a writer nothing.
//!
//! Nothing is skipped, however many write at the same time. An event's number is taken from `audit_head` by an UPDATE, and
//! that row stays locked to the end of the transaction: whoever gets n + 1 has waited until n was committed (and a commit
//! is visible before its locks are released) or rolled back, and then n is given once more. So numbers are in the order of
//! the commits and without gaps, and whoever sees n sees all that come before it. Numbers of a sequence would not do:
//! they are taken in one order and committed in another, and who remembers the highest one seen loses the slower ones.
//! SQLite has one writer at a time anyway.
//!
//! Must never: hold what was written; ids only. Whoever follows reads the record as it is now.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Mutex, MutexGuard};
use uuid::Uuid;

use crate::args;
use crate::kernel::{Id, id::Tenant};
use crate::store::{Db, Ready, Row, StoreError};

/// Changes that are read at once.
const PAGE: i64 = 1_000;

// The end of the log in the first row, then the changes: both as one statement sees them.
const AFTER: &str = "SELECT h.seq, NULL, NULL, NULL FROM audit_head AS h WHERE h.id = 1 UNION ALL \
    SELECT c.seq, c.entity, c.tenant_id, c.record_id FROM (SELECT e.seq, e.entity, \
    COALESCE(e.owner_id, e.tenant_id) AS tenant_id, e.record_id FROM audit_events AS e \
    WHERE e.seq > $1 AND e.class = 'write' AND e.record_id IS NOT NULL ORDER BY e.seq LIMIT $2) AS c";

/// A record that was made, changed or removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What kind of record the event speaks of, in the policy's words.
    pub entity: String,
    /// Whose record it is.
    pub tenant: Id<Tenant>,
    pub record: Uuid,
}

/// How far this process has followed.
#[derive(Default)]
pub struct Feed {
    asked: AtomicU64,
    place: Mutex<Place>,
}

#[derive(Default)]
struct Place {
    seq: i64,
    /// Whoever asked up to here is served.
    served: u64,
}

impl Feed {
    pub fn new() -> Self {
        Self::default()
    }

    /// One's turn to follow; `None` when somebody else, who began after this was asked, has come to the end meanwhile.
    pub async fn turn(&self) -> Option<Turn<'_>> {
        let mine = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        let place = self.place.lock().await;
        if place.served >= mine {
            return None;
        }
        Some(Turn { serves: self.asked.load(Ordering::Relaxed), place })
    }
}

/// The right to follow, held by one task at a time. What isn't taken is read again by the next.
pub struct Turn<'a> {
    serves: u64,
    place: MutexGuard<'a, Place>,
}

/// What was read of the feed at once.
pub struct Portion {
    pub changes: Vec<Change>,
    /// The log is shorter than it was: another, older database stands behind it, and nothing known of before counts.
    pub began_anew: bool,
    up_to: i64,
    end: i64,
}

impl Portion {
    /// Nobody follows: what there may be between here and the end of the log needn't be read.
    #[must_use]
    pub fn skipping(self) -> Self {
        Self { changes: Vec::new(), up_to: self.end, ..self }
    }
}

impl Turn<'_> {
    /// The next changes.
    pub async fn read(&self, db: &Db) -> Result<Portion, StoreError> {
        let rows = db.fetch_all(Ready::Static(AFTER), args![self.place.seq, PAGE]).await?;
        let (mut changes, mut end, mut last) = (Vec::new(), 0, 0);
        for row in &rows {
            let seq = row.int(0)?;
            match change(row)? {
                None => end = seq,
                Some(change) => {
                    last = last.max(seq);
                    changes.push(change);
                }
            }
        }
        let is_full = i64::try_from(changes.len()) == Ok(PAGE);
        Ok(Portion { changes, began_anew: end < self.place.seq, up_to: if is_full { last } else { end }, end })
    }

    /// The portion has been dealt with; whether it was the last one.
    pub fn take(&mut self, portion: &Portion) -> bool {
        self.place.seq = portion.up_to;
        let is_end = portion.up_to == portion.end;
        if is_end {
            self.place.served = self.serves;
        }
        is_end
    }
}

fn change(row: &Row) -> Result<Option<Change>, StoreError> {
    let Some(record) = row.opt_uuid(3)? else { return Ok(None) };
    Ok(Some(Change { entity: row.text(1)?, tenant: row.id(2)?, record }))
}
