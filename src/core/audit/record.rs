//! The door through which a change is committed.

use std::fmt::Write as _;
use std::sync::{Arc, LazyLock};

use super::{Event, chain};
use crate::args;
use crate::store::Ready;
use crate::store::{Args, Audited, StoreError, Tx, Unaudited};

const COLUMNS: usize = 18;
/// Rows per statement, so that a connection keeps few statements and a group few round trips.
const CHUNKS: [usize; 7] = [64, 32, 16, 8, 4, 2, 1];

static INSERTS: LazyLock<[(usize, Arc<str>); CHUNKS.len()]> = LazyLock::new(|| CHUNKS.map(|rows| (rows, insert(rows))));

fn insert(rows: usize) -> Arc<str> {
    let mut sql = String::from(
        "INSERT INTO audit_events (seq, id, at, tenant_id, owner_id, actor, channel, request_id, class, action, \
         entity, record_id, subjects, compartments, purpose, outcome, detail, chain) VALUES ",
    );
    for row in 0..rows {
        sql.push_str(if row == 0 { "(" } else { ", (" });
        for column in 1..=COLUMNS {
            // Writing to a String can't fail.
            let _ = write!(sql, "{}${}", if column == 1 { "" } else { ", " }, row * COLUMNS + column);
        }
        sql.push(')');
    }
    sql.into()
}

impl Tx<Unaudited> {
    /// Records one event; only what this gives back can be committed.
    pub async fn record(self, event: Event) -> Result<Tx<Audited>, StoreError> {
        self.record_all(vec![event]).await
    }

    /// Records several events; an empty list is refused, since then nothing would stand behind the change.
    pub async fn record_all(mut self, events: Vec<Event>) -> Result<Tx<Audited>, StoreError> {
        let count = i64::try_from(events.len()).unwrap_or(0);
        if count == 0 {
            return Err(StoreError::Row(0));
        }
        let take = "UPDATE audit_head SET seq = seq + $1 WHERE id = 1 RETURNING seq, chain";
        let head = self.fetch_optional(Ready::Static(take), args![count]).await?.ok_or(StoreError::Row(0))?;
        let mut seq = head.int(0)? - count;
        let mut link: [u8; 32] = head.array(1)?;
        let mut rest = events.as_slice();
        for (rows, sql) in INSERTS.iter() {
            while rest.len() >= *rows {
                let (chunk, after) = rest.split_at(*rows);
                let mut args = Args::new();
                for event in chunk {
                    seq += 1;
                    link = chain::link(&link, &chain::leaf(seq, event));
                    args.append(event.columns(seq, &link));
                }
                self.execute(Ready::Filled(sql.clone()), args).await?;
                rest = after;
            }
        }
        self.execute(Ready::Static("UPDATE audit_head SET chain = $1 WHERE id = 1"), args![link]).await?;
        Ok(self.audited())
    }
}
