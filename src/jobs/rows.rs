//! All the SQL of the queue.
//!
//! Every change to a job that is under way names the lease that it is made under: a worker that was thought dead and
//! comes back finds no row.

use chrono::{DateTime, Utc};
use kluis_core::access::{AccessError, RelSet, Scope, ScopedPermission};
use kluis_core::args;
use kluis_core::kernel::Id;
use kluis_core::kernel::id::{Job, Tenant, User};
use kluis_core::privacy::Sealed;
use kluis_core::store::{Db, Row, Sql, StoreError, Tx, Unaudited};
use serde::Serialize;
use uuid::Uuid;

use super::model::{JobRecord, Params, RowOutcome, RowResult, State};

const QUEUE: &str = "the queue serves all tenants; what a job does is decided under its creator's rights";

macro_rules! columns {
    () => {
        "tenant_id, id, kind, state, created_by, created_at, started_at, finished_at, cancel_asked_at, attempts, \
         position, progress, total, counts, failure, revision"
    };
}

/// How many columns that are.
const COLUMNS: usize = 16;

fn read(row: &Row) -> Result<JobRecord, StoreError> {
    Ok(JobRecord {
        tenant: row.id(0)?,
        id: row.id(1)?,
        kind: row.text(2)?,
        state: State::parse(&row.text(3)?).ok_or(StoreError::Row(3))?,
        created_by: row.opt_id(4)?,
        created_at: row.time(5)?,
        started_at: row.opt_time(6)?,
        finished_at: row.opt_time(7)?,
        cancel_asked: row.opt_int(8)?.is_some(),
        attempts: row.int(9)?,
        position: row.int(10)?,
        progress: row.int(11)?,
        total: row.opt_int(12)?,
        counts: serde_json::from_str(&row.text(13)?).map_err(|_| StoreError::Row(13))?,
        failure: row.opt_text(14)?,
        revision: row.int(15)?,
    })
}

/// The lease under which a worker holds a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lease {
    pub tenant: Id<Tenant>,
    pub job: Id<Job>,
    pub owner: Uuid,
    pub number: i64,
}

/// A job that could be taken.
pub(super) struct Due {
    pub tenant: Id<Tenant>,
    pub job: Id<Job>,
    pub number: i64,
}

pub(super) struct NewRow<'a> {
    pub tenant: Id<Tenant>,
    pub id: Id<Job>,
    pub kind: &'a str,
    pub created_by: Option<Uuid>,
    pub now: DateTime<Utc>,
    pub total: Option<i64>,
    pub params: &'a Sealed<Params>,
}

const INSERT: &str = "INSERT INTO jobs (tenant_id, id, kind, state, created_by, created_at, due_at, lease_number, \
    attempts, position, progress, total, counts, params, revision) \
    VALUES ($1, $2, $3, 'queued', $4, $5, $5, 0, 0, 0, 0, $6, '{}', $7, 1)";

pub(super) async fn insert(tx: &mut Tx<Unaudited>, new: &NewRow<'_>) -> Result<(), StoreError> {
    let args = args![new.tenant, new.id, new.kind, new.created_by, new.now, new.total, new.params];
    tx.execute_without_scope(QUEUE, INSERT, args).await.map(drop)
}

const DUE: &str = "SELECT tenant_id, id, lease_number FROM jobs \
    WHERE state IN ('queued', 'running') AND due_at <= $1 ORDER BY due_at, id LIMIT $2";

/// Jobs that nobody works on, the longest waiting first.
pub(super) async fn due(db: &Db, now: DateTime<Utc>, limit: i64) -> Result<Vec<Due>, StoreError> {
    let rows = db.fetch_all_without_scope(QUEUE, DUE, args![now, limit]).await?;
    rows.iter().map(|row| Ok(Due { tenant: row.id(0)?, job: row.id(1)?, number: row.int(2)? })).collect()
}

const TAKE: &str = concat!(
    "UPDATE jobs SET state = 'running', lease_owner = $1, lease_number = lease_number + 1, attempts = attempts + 1, \
     due_at = $2, started_at = COALESCE(started_at, $3), revision = revision + 1 \
     WHERE tenant_id = $4 AND id = $5 AND lease_number = $6 AND state IN ('queued', 'running') AND due_at <= $3 \
     RETURNING ",
    columns!(),
    ", params"
);

/// Takes a job, unless somebody else has taken it since it was seen.
pub(super) async fn take(
    tx: &mut Tx<Unaudited>,
    due: &Due,
    owner: Uuid,
    (now, until): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Option<(Lease, JobRecord, Sealed<Params>)>, StoreError> {
    let args = args![owner, until, now, due.tenant, due.job, due.number];
    let Some(row) = tx.fetch_optional_without_scope(QUEUE, TAKE, args).await? else { return Ok(None) };
    let lease = Lease { tenant: due.tenant, job: due.job, owner, number: due.number + 1 };
    let params = row.sealed(COLUMNS)?.ok_or(StoreError::Row(COLUMNS))?;
    Ok(Some((lease, read(&row)?, params)))
}

const EXTEND: &str = "UPDATE jobs SET due_at = $5 \
    WHERE tenant_id = $1 AND id = $2 AND lease_owner = $3 AND lease_number = $4 AND state = 'running' \
    RETURNING cancel_asked_at";

/// Extends the lease and locks the job's row until the end of the transaction. `None`: the lease is lost; otherwise
/// whether somebody has asked to cancel.
pub(super) async fn extend(
    tx: &mut Tx<Unaudited>,
    lease: &Lease,
    until: DateTime<Utc>,
) -> Result<Option<bool>, StoreError> {
    let args = args![lease.tenant, lease.job, lease.owner, lease.number, until];
    let row = tx.fetch_optional_without_scope(QUEUE, EXTEND, args).await?;
    row.map(|row| Ok(row.opt_int(0)?.is_some())).transpose()
}

const ADVANCE: &str = "UPDATE jobs SET position = $5, progress = $6, total = $7, counts = $8, attempts = 0, \
    revision = revision + 1 \
    WHERE tenant_id = $1 AND id = $2 AND lease_owner = $3 AND lease_number = $4 AND state = 'running'";

/// Writes how far the job has got; false if the lease is lost.
pub(super) async fn advance(tx: &mut Tx<Unaudited>, lease: &Lease, job: &JobRecord) -> Result<bool, StoreError> {
    let counts = serde_json::to_string(&job.counts).unwrap_or_default();
    let args = args![lease.tenant, lease.job, lease.owner, lease.number, job.position, job.progress, job.total, counts];
    Ok(tx.execute_without_scope(QUEUE, ADVANCE, args).await? == 1)
}

/// What a job was asked to do is of no more use once it has ended.
const NO_PARAMS: &[u8] = &[];

const FINISH: &str = "UPDATE jobs SET state = $5, finished_at = $6, failure = $7, params = $8, lease_owner = NULL, \
    revision = revision + 1 \
    WHERE tenant_id = $1 AND id = $2 AND lease_owner = $3 AND lease_number = $4 AND state = 'running'";

pub(super) async fn finish(
    tx: &mut Tx<Unaudited>,
    lease: &Lease,
    state: State,
    now: DateTime<Utc>,
    failure: Option<&str>,
) -> Result<bool, StoreError> {
    let args = args![lease.tenant, lease.job, lease.owner, lease.number, state.as_str(), now, failure, NO_PARAMS];
    Ok(tx.execute_without_scope(QUEUE, FINISH, args).await? == 1)
}

const RELEASE: &str = "UPDATE jobs SET state = 'queued', due_at = $5, attempts = $6, lease_owner = NULL, \
    revision = revision + 1 \
    WHERE tenant_id = $1 AND id = $2 AND lease_owner = $3 AND lease_number = $4 AND state = 'running'";

/// Gives the job back, to be taken again from `due` on.
pub(super) async fn release(
    tx: &mut Tx<Unaudited>,
    lease: &Lease,
    due: DateTime<Utc>,
    attempts: i64,
) -> Result<bool, StoreError> {
    let args = args![lease.tenant, lease.job, lease.owner, lease.number, due, attempts];
    Ok(tx.execute_without_scope(QUEUE, RELEASE, args).await? == 1)
}

const STATE: &str = "SELECT state FROM jobs WHERE tenant_id = $1 AND id = $2";

pub(super) async fn state_in(
    tx: &mut Tx<Unaudited>,
    tenant: Id<Tenant>,
    job: Id<Job>,
) -> Result<Option<State>, StoreError> {
    let Some(row) = tx.fetch_optional_without_scope(QUEUE, STATE, args![tenant, job]).await? else { return Ok(None) };
    State::parse(&row.text(0)?).map(Some).ok_or(StoreError::Row(0))
}

/// One row of a result on its way into the database: a whole chunk goes as one JSON text, so that it costs one statement.
#[derive(Serialize)]
struct Packed {
    l: i64,
    o: &'static str,
    c: String,
    r: Option<uuid::fmt::Simple>,
    d: Option<i64>,
}

const ADD_ROWS: Sql = Sql::both(
    "INSERT INTO job_rows (tenant_id, job_id, line, outcome, codes, record_id, of_line) \
     SELECT $1, $2, value ->> 'l', value ->> 'o', value ->> 'c', unhex(value ->> 'r'), value ->> 'd' \
     FROM json_each($3)",
    "INSERT INTO job_rows (tenant_id, job_id, line, outcome, codes, record_id, of_line) \
     SELECT $1, $2, l, o, c, r, d \
     FROM jsonb_to_recordset(CAST($3 AS jsonb)) AS packed (l BIGINT, o TEXT, c TEXT, r UUID, d BIGINT)",
);

pub(super) async fn add_rows(tx: &mut Tx<Unaudited>, lease: &Lease, rows: &[RowResult]) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let packed: Vec<Packed> = rows
        .iter()
        .map(|row| Packed {
            l: row.line,
            o: row.outcome.as_str(),
            c: row.codes.join(" "),
            r: row.record.map(Uuid::simple),
            d: row.of_line,
        })
        .collect();
    let json = serde_json::to_string(&packed).unwrap_or_default();
    tx.execute_without_scope(QUEUE, ADD_ROWS, args![lease.tenant, lease.job, json]).await.map(drop)
}

const ROWS: &str = "SELECT line, outcome, codes, record_id, of_line FROM job_rows \
    WHERE tenant_id = $1 AND job_id = $2 AND line > $3 AND ($4 IS NULL OR outcome = $4) ORDER BY line LIMIT $5";

const COUNT_ROWS: &str =
    "SELECT COUNT(*) FROM job_rows WHERE tenant_id = $1 AND job_id = $2 AND ($3 IS NULL OR outcome = $3)";

/// How many results there are. Whoever calls this holds the job already.
pub(super) async fn count_results(
    db: &Db,
    (tenant, job): (Id<Tenant>, Id<Job>),
    outcome: Option<RowOutcome>,
) -> Result<i64, StoreError> {
    let args = args![tenant, job, outcome.map(RowOutcome::as_str)];
    let row = db.fetch_optional_without_scope(QUEUE, COUNT_ROWS, args).await?;
    row.map_or(Ok(0), |row| row.int(0))
}

/// Results after a line, in the order of the lines. Whoever calls this holds the job already.
pub(super) async fn results_of(
    db: &Db,
    (tenant, job): (Id<Tenant>, Id<Job>),
    outcome: Option<RowOutcome>,
    after: i64,
    limit: i64,
) -> Result<Vec<RowResult>, StoreError> {
    let args = args![tenant, job, after, outcome.map(RowOutcome::as_str), limit];
    let rows = db.fetch_all_without_scope(QUEUE, ROWS, args).await?;
    rows.iter().map(read_result).collect()
}

fn read_result(row: &Row) -> Result<RowResult, StoreError> {
    Ok(RowResult {
        line: row.int(0)?,
        outcome: RowOutcome::parse(&row.text(1)?).ok_or(StoreError::Row(1))?,
        codes: row.text(2)?.split_whitespace().map(str::to_owned).collect(),
        record: row.opt_uuid(3)?,
        of_line: row.opt_int(4)?,
    })
}

/// What a list of jobs may be narrowed by.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ListFilter {
    pub state: Option<&'static str>,
    pub kind: Option<String>,
    pub created_by: Option<Id<User>>,
}

impl ListFilter {
    fn args(&self) -> kluis_core::store::Args {
        args![self.state, self.kind.as_deref(), self.created_by]
    }
}

macro_rules! filtered {
    () => {
        "{scope} AND ($1 IS NULL OR j.state = $1) AND ($2 IS NULL OR j.kind = $2) AND ($3 IS NULL OR j.created_by = $3)"
    };
}

const LIST: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM jobs AS j WHERE ",
    filtered!(),
    " AND ($4 IS NULL OR j.id < $4) ORDER BY j.id DESC LIMIT $5"
);

pub(super) async fn list<P: ScopedPermission>(
    db: &Db,
    scope: &Scope<P>,
    filter: &ListFilter,
    after: Option<Id<Job>>,
    limit: i64,
) -> Result<Vec<JobRecord>, AccessError> {
    let rows = scope.fetch_all(db, LIST, filter.args().with(after).with(limit)).await?;
    rows.iter().map(|row| Ok(read(row)?)).collect()
}

const COUNT: &str = concat!("SELECT COUNT(*) FROM jobs AS j WHERE ", filtered!());

pub(super) async fn count<P: ScopedPermission>(
    db: &Db,
    scope: &Scope<P>,
    filter: &ListFilter,
) -> Result<i64, AccessError> {
    match scope.fetch_optional(db, COUNT, filter.args()).await? {
        Some(row) => Ok(row.int(0)?),
        None => Ok(0),
    }
}

const GET: &str = concat!("SELECT ", columns!(), ", {rel} FROM jobs AS j WHERE j.id = $1 AND {readable}");

/// A job that the actor may read, and how they stand to it.
pub(super) async fn get<P: ScopedPermission>(
    db: &Db,
    scope: &Scope<P>,
    id: Id<Job>,
) -> Result<Option<(JobRecord, RelSet)>, AccessError> {
    let Some(row) = scope.fetch_optional(db, GET, args![id]).await? else { return Ok(None) };
    let bits = u8::try_from(row.int(COLUMNS)?).map_err(|_| StoreError::Row(COLUMNS))?;
    Ok(Some((read(&row)?, RelSet::from_bits(bits))))
}

const CANCEL: &str = concat!(
    "UPDATE jobs AS j SET cancel_asked_at = COALESCE(j.cancel_asked_at, $3), \
     state = CASE WHEN j.state = 'queued' THEN 'cancelled' ELSE j.state END, \
     finished_at = CASE WHEN j.state = 'queued' THEN $3 ELSE j.finished_at END, \
     params = CASE WHEN j.state = 'queued' THEN $4 ELSE j.params END, revision = j.revision + 1 \
     WHERE j.tenant_id = $1 AND j.id = $2 AND j.state IN ('queued', 'running') AND {scope} RETURNING ",
    columns!()
);

/// Asks a job to stop; `None` if it has ended.
pub(super) async fn cancel<P: ScopedPermission>(
    tx: &mut Tx<Unaudited>,
    scope: &Scope<P>,
    (tenant, job): (Id<Tenant>, Id<Job>),
    now: DateTime<Utc>,
) -> Result<Option<JobRecord>, AccessError> {
    let row = scope.fetch_optional_in(tx, CANCEL, args![tenant, job, now, NO_PARAMS]).await?;
    row.map(|row| Ok(read(&row)?)).transpose()
}
