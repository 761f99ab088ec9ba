//! All the SQL of bulk changes: which can be taken back, and what it takes.

use chrono::{DateTime, Utc};
use data_encoding::HEXLOWER;
use kluis_core::args;
use kluis_core::kernel::Id;
use kluis_core::kernel::id::{Customer, Job, Tenant};
use kluis_core::store::{Db, Sql, StoreError, Tx, Unaudited};
use serde::Serialize;

use super::model::{RunRow, parse};
use crate::imports::model::Change;

const WHY: &str = "it belongs to a job, about which the caller holds a decision; rights on each record are looked up";

const INSERT: &str = "INSERT INTO bulk_runs (tenant_id, job_id, needed, undo_until) VALUES ($1, $2, $3, $4)";

pub(super) async fn insert(
    tx: &mut Tx<Unaudited>,
    (tenant, job): (Id<Tenant>, Id<Job>),
    needed: &str,
    until: DateTime<Utc>,
) -> Result<(), StoreError> {
    tx.execute_without_scope(WHY, INSERT, args![tenant, job, needed, until]).await.map(drop)
}

const GET: &str = "SELECT needed FROM bulk_runs WHERE tenant_id = $1 AND job_id = $2";

/// A run that there is something to take back of.
pub(super) async fn get(db: &Db, (tenant, job): (Id<Tenant>, Id<Job>)) -> Result<Option<RunRow>, StoreError> {
    let Some(row) = db.fetch_optional_without_scope(WHY, GET, args![tenant, job]).await? else { return Ok(None) };
    let needed = parse(&row.text(0)?).ok_or(StoreError::Row(0))?;
    Ok(Some(RunRow { tenant, job, needed }))
}

const TAKE_BACK: &str = "UPDATE bulk_runs SET undo_job_id = $3 \
    WHERE tenant_id = $1 AND job_id = $2 AND undo_until >= $4 AND (undo_job_id IS NULL OR EXISTS (SELECT 1 \
    FROM jobs AS j WHERE j.tenant_id = bulk_runs.tenant_id AND j.id = bulk_runs.undo_job_id \
    AND j.state IN ('failed', 'cancelled')))";

/// Says which job takes the run back; false if it is too late for that, or another one does or has done it. One that
/// stopped half-way leaves the rest to the next.
pub(super) async fn take_back(
    tx: &mut Tx<Unaudited>,
    (tenant, job): (Id<Tenant>, Id<Job>),
    undo: Id<Job>,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    Ok(tx.execute_without_scope(WHY, TAKE_BACK, args![tenant, job, undo, now]).await? == 1)
}

/// What was done to a record, on its way into the table or out of it.
pub(super) struct Done {
    pub line: i64,
    pub record: Id<Customer>,
    pub revision: i64,
    /// The record as it was, sealed; empty when it was made.
    pub before: Vec<u8>,
}

impl From<Change> for Done {
    fn from(change: Change) -> Self {
        let Change { line, record, revision, before, .. } = change;
        Self { line, record, revision, before: before.unwrap_or_default() }
    }
}

/// A chunk of changes goes as one JSON text, so that it costs one statement.
#[derive(Serialize)]
struct Packed {
    l: i64,
    r: uuid::fmt::Simple,
    v: i64,
    b: String,
}

const ADD: Sql = Sql::both(
    "INSERT INTO bulk_changes (tenant_id, job_id, line, record_id, revision_after, before) \
     SELECT $1, $2, value ->> 'l', unhex(value ->> 'r'), value ->> 'v', unhex(value ->> 'b') FROM json_each($3)",
    "INSERT INTO bulk_changes (tenant_id, job_id, line, record_id, revision_after, before) \
     SELECT $1, $2, l, r, v, decode(b, 'hex') \
     FROM jsonb_to_recordset(CAST($3 AS jsonb)) AS packed (l BIGINT, r UUID, v BIGINT, b TEXT)",
);

pub(super) async fn add(
    tx: &mut Tx<Unaudited>,
    (tenant, job): (Id<Tenant>, Id<Job>),
    done: &[Done],
) -> Result<(), StoreError> {
    if done.is_empty() {
        return Ok(());
    }
    let packed = done.iter().map(|one| Packed {
        l: one.line,
        r: one.record.uuid().simple(),
        v: one.revision,
        b: HEXLOWER.encode(&one.before),
    });
    let json = serde_json::to_string(&packed.collect::<Vec<_>>()).unwrap_or_default();
    tx.execute_without_scope(WHY, ADD, args![tenant, job, json]).await.map(drop)
}

const BELOW: &str = "SELECT line, record_id, revision_after, before FROM bulk_changes \
    WHERE tenant_id = $1 AND job_id = $2 AND line < $3 ORDER BY line DESC LIMIT $4";

/// The last changes before a line, the latest first.
pub(super) async fn below(
    db: &Db,
    (tenant, job): (Id<Tenant>, Id<Job>),
    line: i64,
    limit: i64,
) -> Result<Vec<Done>, StoreError> {
    let rows = db.fetch_all_without_scope(WHY, BELOW, args![tenant, job, line, limit]).await?;
    rows.iter()
        .map(|row| Ok(Done { line: row.int(0)?, record: row.id(1)?, revision: row.int(2)?, before: row.blob(3)? }))
        .collect()
}

const DROP: Sql = Sql::both(
    "DELETE FROM bulk_changes WHERE tenant_id = $1 AND job_id = $2 AND line IN (SELECT value FROM json_each($3))",
    "DELETE FROM bulk_changes WHERE tenant_id = $1 AND job_id = $2 \
     AND line IN (SELECT CAST(value AS BIGINT) FROM jsonb_array_elements_text(CAST($3 AS jsonb)))",
);

/// Forgets how these records were: they are so again.
pub(super) async fn drop_changes(
    tx: &mut Tx<Unaudited>,
    (tenant, job): (Id<Tenant>, Id<Job>),
    lines: &[i64],
) -> Result<(), StoreError> {
    if lines.is_empty() {
        return Ok(());
    }
    let json = serde_json::to_string(lines).unwrap_or_default();
    tx.execute_without_scope(WHY, DROP, args![tenant, job, json]).await.map(drop)
}

const COUNT: &str = "SELECT COUNT(*) FROM bulk_changes WHERE tenant_id = $1 AND job_id = $2";

pub(super) async fn count(tx: &mut Tx<Unaudited>, (tenant, job): (Id<Tenant>, Id<Job>)) -> Result<i64, StoreError> {
    tx.fetch_optional_without_scope(WHY, COUNT, args![tenant, job]).await?.map_or(Ok(0), |row| row.int(0))
}

const FORGET: &str = "DELETE FROM bulk_runs WHERE undo_until < $1 AND NOT EXISTS (SELECT 1 FROM jobs AS j \
    WHERE j.tenant_id = bulk_runs.tenant_id AND j.id = bulk_runs.undo_job_id AND j.state IN ('queued', 'running'))";

/// Drops what it takes to undo bulk changes whose time for it is over, unless they are just being taken back.
pub(super) async fn forget(tx: &mut Tx<Unaudited>, now: DateTime<Utc>) -> Result<u64, StoreError> {
    const WHY: &str = "the time in which a bulk change can be undone is over for all tenants alike";
    tx.execute_without_scope(WHY, FORGET, args![now]).await
}

const WHY_ERASED: &str = "a customer is erased: what bulk changes keep of it goes as well, by the decision to erase it";
const ERASE: &str = "DELETE FROM bulk_changes WHERE tenant_id = $1 AND record_id = $2";

/// Removes what it takes to undo changes of a customer; how many.
pub async fn erase(tx: &mut Tx<Unaudited>, tenant: Id<Tenant>, customer: Id<Customer>) -> Result<u64, StoreError> {
    tx.execute_without_scope(WHY_ERASED, ERASE, args![tenant, customer]).await
}
