//! Events of reads in a single statement: in a transaction of PostgreSQL each statement is a round trip, and a group of looks
//! would wait for five. It does nothing when the chain doesn't end where it is thought to; then the transaction does it.
//!
//! Must never: write an event without moving the end of the chain, or the other way round.

use std::fmt::Write as _;
use std::sync::{Arc, LazyLock};

use super::Event;
use super::record::{COLUMNS, End};
use crate::args;
use crate::store::{Connections, Ready, StoreError};

/// As many events as one statement holds.
pub(super) const MOST: usize = 32;
/// Arguments before those of the events: the new end of the chain, and the one that it must have now.
const BEFORE: usize = 4;
const TYPES: [&str; COLUMNS] = [
    "bigint", "uuid", "bigint", "uuid", "uuid", "text", "text", "text", "text", "text", "text", "uuid", "bytea",
    "bigint", "text", "text", "text", "bytea",
];

/// By the number of events, beginning with one.
static STATEMENTS: LazyLock<[Arc<str>; MOST]> = LazyLock::new(|| std::array::from_fn(|number| statement(number + 1)));

/// The first row tells the types; the others follow it.
fn statement(rows: usize) -> Arc<str> {
    let mut sql = String::from(
        "WITH head AS (UPDATE audit_head SET seq = $1, chain = $2 WHERE id = 1 AND seq = $3 AND chain = $4 RETURNING 1) \
         INSERT INTO audit_events (seq, id, at, tenant_id, owner_id, actor, channel, request_id, class, action, entity, \
         record_id, subjects, compartments, purpose, outcome, detail, chain) SELECT event.* FROM head CROSS JOIN (VALUES ",
    );
    for row in 0..rows {
        sql.push_str(if row == 0 { "(" } else { ", (" });
        for (column, kind) in TYPES.iter().enumerate() {
            let comma = if column == 0 { "" } else { ", " };
            let number = BEFORE + row * COLUMNS + column + 1;
            // Writing to a String can't fail.
            let _ = if row == 0 { write!(sql, "{comma}${number}::{kind}") } else { write!(sql, "{comma}${number}") };
        }
        sql.push(')');
    }
    sql.push_str(") AS event");
    sql.into()
}

/// Where the chain ends now; `None` if nothing was written, because it ended elsewhere or the events are more than [`MOST`].
pub(super) async fn record(server: &Connections, end: End, events: &[Event]) -> Result<Option<End>, StoreError> {
    let Some(sql) = events.len().checked_sub(1).and_then(|number| STATEMENTS.get(number)) else { return Ok(None) };
    let mut new = end;
    let rows: Vec<_> = events.iter().map(|event| new.columns_of(event)).collect();
    let mut args = args![new.seq, new.link, end.seq, end.link];
    rows.into_iter().for_each(|row| args.append(row));
    let written = server.execute_alone(Ready::Filled(Arc::clone(sql)), args).await?;
    Ok((written > 0).then_some(new))
}
