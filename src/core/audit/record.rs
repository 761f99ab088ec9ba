//! The door through which a change is committed, and how events are numbered and linked.

use std::fmt::Write as _;
use std::sync::{Arc, LazyLock};

use super::{Event, chain};
use crate::args;
use crate::store::{Args, Audited, Engine, Group, Ready, Row, StoreError, Tx, Unaudited};

pub(super) const COLUMNS: usize = 18;
/// Rows per statement, so that a connection keeps few statements and a group few round trips.
const CHUNKS: [usize; 7] = [64, 32, 16, 8, 4, 2, 1];

type Inserts = [(usize, Arc<str>); CHUNKS.len()];

// SQLite looks for the name of each named argument among all of them.
static UNNAMED: LazyLock<Inserts> = LazyLock::new(|| CHUNKS.map(|rows| (rows, insert(rows, |_| "?".to_owned()))));
static NUMBERED: LazyLock<Inserts> =
    LazyLock::new(|| CHUNKS.map(|rows| (rows, insert(rows, |number| format!("${number}")))));

const TAKE: Ready = Ready::Static("UPDATE audit_head SET seq = seq + $1 WHERE id = 1 RETURNING seq, chain");
const KEEP: Ready = Ready::Static("UPDATE audit_head SET chain = $1 WHERE id = 1");

fn insert(rows: usize, place: impl Fn(usize) -> String) -> Arc<str> {
    let mut sql = String::from(
        "INSERT INTO audit_events (seq, id, at, tenant_id, owner_id, actor, channel, request_id, class, action, \
         entity, record_id, subjects, compartments, purpose, outcome, detail, chain) VALUES ",
    );
    for row in 0..rows {
        sql.push_str(if row == 0 { "(" } else { ", (" });
        for column in 1..=COLUMNS {
            // Writing to a String can't fail.
            let _ = write!(sql, "{}{}", if column == 1 { "" } else { ", " }, place(row * COLUMNS + column));
        }
        sql.push(')');
    }
    sql.into()
}

/// The end of the chain, which events are put behind.
#[derive(Clone, Copy)]
pub(super) struct End {
    pub seq: i64,
    pub link: [u8; 32],
}

impl End {
    /// From the row that [`TAKE`] gave after the numbers of `count` events were taken.
    fn before(head: Option<&Row>, count: i64) -> Result<Self, StoreError> {
        let head = head.ok_or(StoreError::Row(0))?;
        Ok(Self { seq: head.int(0)? - count, link: head.array(1)? })
    }

    pub(super) fn columns_of(&mut self, event: &Event) -> Args {
        self.seq += 1;
        self.link = chain::link(&self.link, &chain::leaf(self.seq, event));
        event.columns(self.seq, &self.link)
    }
}

/// How many numbers to take; none is refused, since then nothing would stand behind a change.
fn count(events: &[Event]) -> Result<i64, StoreError> {
    i64::try_from(events.len()).ok().filter(|count| *count > 0).ok_or(StoreError::Row(0))
}

/// PostgreSQL computes the number and the link of a single event itself, so that it goes out together with the writes it is
/// about. What is hashed is written down in [`chain`].
const ONE: &str = "WITH head AS (UPDATE audit_head SET seq = seq + 1, chain = pg_catalog.sha256('\\x01'::bytea || chain || \
    pg_catalog.sha256('\\x000000000000000008'::bytea || int8send(seq + 1) || $1::bytea)) WHERE id = 1 RETURNING seq, chain) \
    INSERT INTO audit_events (seq, id, at, tenant_id, owner_id, actor, channel, request_id, class, action, entity, record_id, \
    subjects, compartments, purpose, outcome, detail, chain) SELECT head.seq, $2::uuid, $3::bigint, $4::uuid, $5::uuid, \
    $6::text, $7::text, $8::text, $9::text, $10::text, $11::text, $12::uuid, $13::bytea, $14::bigint, $15::text, $16::text, \
    $17::text, head.chain FROM head";

impl Tx<Unaudited> {
    /// Records one event; only what this gives back can be committed.
    pub async fn record(mut self, event: Event) -> Result<Tx<Audited>, StoreError> {
        if self.engine() == Engine::Sqlite {
            return self.record_all(vec![event]).await;
        }
        let mut args = args![chain::facts(&event)];
        args.append(event.facts());
        self.defer(ONE, args);
        if self.write_deferred().await? == 1 { Ok(self.audited()) } else { Err(StoreError::Row(0)) }
    }

    /// Records several events; an empty list is refused.
    pub async fn record_all(self, events: Vec<Event>) -> Result<Tx<Audited>, StoreError> {
        Ok(self.record_to_end(&events).await?.0)
    }

    /// The same; tells where the chain ends now.
    pub(super) async fn record_to_end(mut self, events: &[Event]) -> Result<(Tx<Audited>, End), StoreError> {
        let count = count(events)?;
        let head = self.fetch_optional(TAKE, args![count]).await?;
        let mut end = End::before(head.as_ref(), count)?;
        let inserts = match self.engine() {
            Engine::Sqlite => &UNNAMED,
            Engine::Postgres => &NUMBERED,
        };
        let mut rest = events;
        for (rows, sql) in inserts.iter() {
            while rest.len() >= *rows {
                let (chunk, after) = rest.split_at(*rows);
                let mut args = Args::new();
                for event in chunk {
                    args.append(end.columns_of(event));
                }
                self.execute(Ready::Filled(sql.clone()), args).await?;
                rest = after;
            }
        }
        self.execute(KEEP, args![end.link]).await?;
        Ok((self.audited(), end))
    }
}

/// Records events of reads, one statement each, where statements cost no hop.
pub(super) fn record_in(group: &Group<'_>, events: &[Event]) -> Result<(), StoreError> {
    let count = count(events)?;
    let head = group.fetch_optional(&TAKE, &args![count])?;
    let mut end = End::before(head.as_ref(), count)?;
    let [.., (_, one)] = &*UNNAMED;
    let insert = Ready::Filled(one.clone());
    for event in events {
        group.execute(&insert, &end.columns_of(event))?;
    }
    group.execute(&KEEP, &args![end.link])
}
