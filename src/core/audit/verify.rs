//! Walks the chain and says whether what stands there is what was written.

use chrono::{DateTime, Utc};

use super::{Event, chain};
use crate::args;
use crate::store::{Db, Ready, StoreError};

/// What a walk along the whole chain found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainReport {
    /// Events that were checked.
    pub events: i64,
    /// The first sequence number at which the chain doesn't hold; `None` when it holds.
    pub broken_at: Option<i64>,
}

const PAGE: i64 = 1_000;

/// Recomputes every link. An edited, missing, added or reordered event breaks it, and so does a log that was cut off
/// without the head. (A head cut off with it is what witnesses are for.)
pub async fn verify(db: &Db) -> Result<ChainReport, StoreError> {
    let head = db.fetch_optional(Ready::Static("SELECT seq, chain FROM audit_head WHERE id = 1"), args![]).await?;
    let head = head.ok_or(StoreError::Row(0))?;
    let (end, end_chain): (i64, [u8; 32]) = (head.int(0)?, head.array(1)?);
    let mut link = [0_u8; 32];
    let mut seq = 0;
    while seq < end {
        let rows = db.fetch_all(Ready::Static(Event::SELECT_AFTER), args![seq, PAGE.min(end - seq)]).await?;
        if rows.is_empty() {
            return Ok(ChainReport { events: seq, broken_at: Some(seq + 1) });
        }
        for row in rows {
            let holds = Event::from_row(&row).is_ok_and(|(found, event, stored)| {
                link = chain::link(&link, &chain::leaf(found, &event));
                found == seq + 1 && stored == link
            });
            if !holds {
                return Ok(ChainReport { events: seq, broken_at: Some(seq + 1) });
            }
            seq += 1;
        }
    }
    let broken_at = (link != end_chain).then_some(end);
    Ok(ChainReport { events: seq, broken_at })
}

/// When the last event was recorded; `None` for an empty log.
pub async fn last(db: &Db) -> Result<Option<DateTime<Utc>>, StoreError> {
    let sql = "SELECT at FROM audit_events ORDER BY seq DESC LIMIT 1";
    db.fetch_optional(Ready::Static(sql), args![]).await?.map(|row| row.time(0)).transpose()
}
