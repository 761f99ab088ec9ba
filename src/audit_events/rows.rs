//! All the SQL about the audit log as people read it; writing it is the core's alone.

use chrono::{DateTime, Utc};
use kluis_core::access::{AccessError, Scope};
use kluis_core::args;
use kluis_core::audit::Event;
use kluis_core::store::{Args, Db, Sql};
use uuid::Uuid;

use super::access::Read;

/// What a list may be narrowed by.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct ListFilter {
    pub record: Option<Uuid>,
    pub actor: Option<String>,
    pub class: Option<&'static str>,
    pub action: Option<String>,
    pub from: Option<DateTime<Utc>>,
    pub until: Option<DateTime<Utc>>,
    /// The keyed hash of a subject; it isn't secret, but it names nobody either.
    pub subject: Option<[u8; 16]>,
}

impl ListFilter {
    fn args(&self) -> Args {
        args![
            self.record,
            self.actor.as_deref(),
            self.class,
            self.action.as_deref(),
            self.from,
            self.until,
            self.subject.map(Vec::from),
        ]
    }
}

// The subjects of an event are hashes of 16 bytes, one behind the other; `$holds` finds one among them.
macro_rules! filtered {
    ($record:literal, $holds:literal) => {
        concat!(
            "{scope} AND ",
            $record,
            " AND ($2 IS NULL OR e.actor = $2) \
             AND ($3 IS NULL OR e.class = $3) AND ($4 IS NULL OR e.action = $4) AND ($5 IS NULL OR e.at >= $5) \
             AND ($6 IS NULL OR e.at < $6) AND ($7 IS NULL OR ",
            $holds,
            ")"
        )
    };
}

macro_rules! columns {
    () => {
        "e.seq, e.id, e.at, e.tenant_id, e.owner_id, e.actor, e.channel, e.request_id, e.class, e.action, e.entity, \
         e.record_id, e.subjects, e.compartments, e.purpose, e.outcome, e.detail, e.chain"
    };
}

macro_rules! list {
    ($record:literal, $holds:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM audit_events AS e WHERE ",
            filtered!($record, $holds),
            " AND e.seq < $8 ORDER BY e.seq DESC LIMIT $9"
        )
    };
}

macro_rules! count {
    ($record:literal, $holds:literal) => {
        concat!("SELECT COUNT(*) FROM audit_events AS e WHERE ", filtered!($record, $holds))
    };
}

// One for all records, one for a single record, which only then is looked up in its index.
const LIST: Sql = Sql::both(
    list!("$1 IS NULL", "instr(e.subjects, $7) > 0"),
    list!("$1::uuid IS NULL", "position($7 IN e.subjects) > 0"),
);
const LIST_OF_RECORD: Sql = Sql::both(
    list!("e.record_id = $1", "instr(e.subjects, $7) > 0"),
    list!("e.record_id = $1", "position($7 IN e.subjects) > 0"),
);
const COUNT: Sql = Sql::both(
    count!("$1 IS NULL", "instr(e.subjects, $7) > 0"),
    count!("$1::uuid IS NULL", "position($7 IN e.subjects) > 0"),
);
const COUNT_OF_RECORD: Sql = Sql::both(
    count!("e.record_id = $1", "instr(e.subjects, $7) > 0"),
    count!("e.record_id = $1", "position($7 IN e.subjects) > 0"),
);
const GET: &str = concat!("SELECT ", columns!(), " FROM audit_events AS e WHERE e.id = $1 AND {scope}");

/// Events before `before`, the latest first, with their sequence numbers.
pub async fn list(
    db: &Db,
    scope: &Scope<Read>,
    filter: &ListFilter,
    before: i64,
    limit: i64,
) -> Result<Vec<(i64, Event)>, AccessError> {
    let list = if filter.record.is_some() { LIST_OF_RECORD } else { LIST };
    let rows = scope.fetch_all(db, list, filter.args().with(before).with(limit)).await?;
    rows.iter()
        .map(|row| {
            let (seq, event, _) = Event::from_row(row)?;
            Ok((seq, event))
        })
        .collect()
}

pub async fn count(db: &Db, scope: &Scope<Read>, filter: &ListFilter) -> Result<i64, AccessError> {
    let count = if filter.record.is_some() { COUNT_OF_RECORD } else { COUNT };
    match scope.fetch_optional(db, count, filter.args()).await? {
        Some(row) => Ok(row.int(0)?),
        None => Ok(0),
    }
}

pub async fn get(db: &Db, scope: &Scope<Read>, id: Uuid) -> Result<Option<(i64, Event)>, AccessError> {
    let Some(row) = scope.fetch_optional(db, GET, args![id]).await? else { return Ok(None) };
    let (seq, event, _) = Event::from_row(&row)?;
    Ok(Some((seq, event)))
}
